"""The command `score` without the packages that it needs; `tox -e scale` has the other tests."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.live.program import environment


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_a_missing_package_is_named_with_what_installs_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "score", "beers.csv", "--out", "out"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == ("score: needs pyarrow, which the service does not: pip install -r requirements/scale.txt\n")
