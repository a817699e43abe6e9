"""The limits of the process."""

import subprocess
import sys

from tests.known import REPOSITORY


def test_a_process_that_serves_opens_a_bounded_number_of_files_and_dumps_no_core() -> None:
    """Whatever the system allows, up to a million."""
    code = (
        "import resource; from app.serving.sockets import limit_process; limit_process();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    files, core = map(int, printed.stdout.split())
    assert 0 < files <= 4096 and core == 0
