"""The whole circle in a running program, during which no call fails.

Version 1 answers and is recorded; the beers change, and `drift` finds it; labels come, and `training refresh` trains
version 2 on them; it is tried as a shadow, then as a canary, and promoted; a bad version 3 is stopped by the guard.
"""

import dataclasses
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import pytest

from app.bundle.store import read_bundle
from tests.live.program import PATIENCE, Program, Start, environment

pytest.importorskip("xgboost", reason="trains a model")
pytest.importorskip("scipy", reason="drift needs scipy")

from tests.planted import plant  # noqa: E402
from tests.training.quick import QUICK, quicker  # noqa: E402
from training import __main__ as training  # noqa: E402
from training.baselines import median  # noqa: E402
from training.beer.catalogue import SPECS  # noqa: E402
from training.beer.vitals import VITALS  # noqa: E402
from training.sources import read_recipes  # noqa: E402
from training.spec import Spec  # noqa: E402
from training.spec_trainer import SpecTrainer  # noqa: E402

NAME = VITALS.name
USUAL, STRONG = (1038.0, 1062.0), (1078.0, 1105.0)
"""Original gravities of the beers that version 1 knows, and of those that come later."""
QUIET, DRIFTED, LABELLED = 300, 300, 60
"""Calls before and after the beers change, and labels of the latter."""
TRANSCRIPT = os.environ.get("CIRCLE_TRANSCRIPT")
"""File to which the commands and what they print are written; docs/loop.md shows it."""


def draw(random: Random, gravities: tuple[float, float]) -> tuple[dict[str, float], float]:
    """Draw a beer, and the bitterness that its brewer states: it rises with the gravity, and much so beyond 1075."""
    og = round(random.uniform(*gravities), 1)
    fg = round(1000 + (og - 1000) * random.uniform(0.2, 0.26), 1)
    beer = {"abv": round((og - fg) * 0.1313, 2), "target_og": og, "target_fg": fg, "ebc": round(random.uniform(8, 60))}
    ibu = 20 + 0.6 * (og - 1038) + (30 if og > 1075 else 0) + random.gauss(0, 4)
    return {**beer, "ph": round(random.uniform(4.1, 4.6), 2)}, round(ibu)


class Caller:
    """Calls the program all the time, with a beer drawn anew for each call."""

    def __init__(self, port: int, key: str) -> None:
        self.gravities = USUAL
        """Which beers are asked about."""
        self.failures: list[str] = []
        self.answers: list[tuple[str, float, float]] = []
        """Version, answer and the brewer's IBU of each call, in order."""
        self.strong: list[tuple[str, float]] = []
        """Request id and the brewer's IBU of each call for a strong beer."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self._random = Random(7)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            beer, ibu = draw(self._random, self.gravities)
            try:
                self._connection.request("POST", "/predict", json.dumps(beer), self._headers)
                answer = self._connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures.append(repr(error))
                self._connection.close()
                continue
            if answer.status != 200:
                self.failures.append(f"{answer.status} {body}")
                continue
            if beer["target_og"] > USUAL[1]:
                self.strong.append((answer.headers["X-Request-ID"], ibu))
            self.answers.append((body["model"]["version"], body["ibu"], ibu))
            time.sleep(0.006)  # other processes of this test need the processors as well

    def more(self, count: int) -> list[tuple[str, float, float]]:
        """Wait for a number of further answers, and return them."""
        before = len(self.answers)
        wait_until(lambda: len(self.answers) >= before + count, f"{count} answers; {self.failures[:3]}")
        return self.answers[before : before + count]

    def versions(self, count: int = 40) -> Counter[str]:
        """Return how many of the next answers are of each version."""
        return Counter(version for version, _, _ in self.more(count))


def wait_until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 2 * PATIENCE
    while not done():
        assert time.monotonic() < end, f"timed out: {what}"
        time.sleep(0.02)


class Shell:
    """Runs commands as a user does, and writes down what they print."""

    def __init__(self, folder: Path, models: Path) -> None:
        self._folder, self._models = folder, models
        self.lines: list[str] = []

    def __call__(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run ``python -m app`` with these words, and return what it prints."""
        settings = {"MODEL_URI": str(self._models)}
        ran = subprocess.run(
            [sys.executable, "-m", "app", *words],
            cwd=self._folder,
            env=environment(**settings),
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )
        assert ran.returncode in codes, f"{words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        ended = [f"(exit code {ran.returncode})"] if codes != (0,) else []
        self.note(f"$ python -m app {' '.join(words)}", ran.stdout, *ended)
        return ran.stdout

    def note(self, *texts: str) -> None:
        self.lines += [text.replace(str(self._folder) + "/", "").rstrip() for text in texts if text.strip()]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Spec:
    """The vitals model with few trees, for `training refresh` too."""
    spec = dataclasses.replace(
        VITALS, defaults=quicker(VITALS.defaults), baselines={"median": median}, facts={}, withheld={}
    )
    monkeypatch.setitem(SPECS, NAME, spec)
    return spec


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """Recipes of the beers that version 1 is trained on."""
    random = Random(1)
    beers = [draw(random, USUAL) for _ in range(150)]
    file = tmp_path / "recipes.json"
    file.write_text(json.dumps([{"id": n, "ibu": ibu, **beer} for n, (beer, ibu) in enumerate(beers)]))
    return file


@pytest.fixture
def root(small: Spec, recipes: Path, models: Path, tmp_path: Path) -> Path:
    """The beer models, with a version 1 of the vitals model that is trained on those recipes."""
    trainer = SpecTrainer(small, read_recipes(str(recipes)), QUICK)
    root = tmp_path / "models"
    trainer.write(trainer.run(), root)
    for name in SPECS.keys() - {NAME}:
        shutil.copytree(models / name, root / name)
    return root


@pytest.fixture
def shell(tmp_path: Path, root: Path) -> Iterator[Shell]:
    """Commands in the program's folder. The transcript is written in the end, however the test ends."""
    shell = Shell(tmp_path, root)
    yield shell
    if TRANSCRIPT:
        Path(TRANSCRIPT).write_text("\n".join(shell.lines) + "\n")


def send_labels(program: Program, key: str, labels: list[tuple[str, float]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", program.port(), timeout=PATIENCE)
    for request_id, ibu in labels:
        label = {"request_id": request_id, "ibu": ibu, "kind": "stated"}
        connection.request(
            "POST", "/feedback", json.dumps(label), {"X-API-Key": key, "Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
    connection.close()


def refresh(shell: Shell, root: Path, recipes: Path, records: Path) -> None:
    """Train version 2 on the recipes and the labels, by the command, in this process, where the model is small."""
    words = ["refresh", "--name", NAME, "--data", str(recipes), "--labels", str(records), "--records", str(records)]
    shell.note(f"$ python -m training {' '.join(words)}")
    code = training.main([*words, "--out", str(root), "--repeats", "1", "--workers", "1"])
    assert code == 0
    page = (root / NAME / "2" / "report.md").read_text().splitlines()
    shell.note(*(line for line in page if line.startswith(("#", "**", "Labels", "Used", "`python"))))


def settle(records: Path, count: int) -> None:
    """Wait until that many rows are recorded, which a thread does."""
    wait_until(
        lambda: sum(file.read_bytes().count(b"\n") for file in records.glob("records-*")) >= count, f"{count} records"
    )


def error_of(answers: list[tuple[str, float, float]], version: str) -> float:
    """Return the mean absolute error of a version's answers, IBU."""
    own = [abs(ibu - stated) for answered, ibu, stated in answers if answered == version]
    return sum(own) / len(own)


def test_the_whole_circle_fails_no_call(
    start: Start,
    root: Path,
    recipes: Path,
    shell: Shell,
    tmp_path: Path,
) -> None:
    key = shell("keys", "create", "--name", "brewery", "--scopes", "predict,feedback").strip()
    shell.lines.clear()
    records = tmp_path / "records"
    settings = {"RECORD": "all", "RECORD_PATH": str(records), "FEEDBACK_ENABLED": "true", "MODEL_URI": str(root)}
    program = start(API_KEYS_FILE="keys.json", PORT="0", **settings)
    shell.note("$ RECORD=all FEEDBACK_ENABLED=true python -m app")
    with Caller(program.port(), key) as caller:
        assert set(caller.versions(QUIET)) == {"1"}
        settle(records, QUIET)
        quiet = shell("drift", "records", "--model", NAME, codes=(0, 1))
        assert "exit code 0" in shell.lines[-1], quiet

        shell.note("# From now on the beers are stronger: an original gravity of 1078 to 1105, not 1038 to 1062.")
        caller.gravities = STRONG
        assert set(caller.versions(DRIFTED)) == {"1"}
        settle(records, QUIET + DRIFTED)
        drifted = shell("drift", "records", "--model", NAME, codes=(0, 1))
        assert "exit code 1" in shell.lines[-1] and "target_og" in drifted

        send_labels(program, key, caller.strong[:LABELLED])
        shell.note(f"# {LABELLED} labels of the stronger beers at POST /feedback")
        assert re.search(rf"{NAME} +1 .*{LABELLED}", shell("quality", "records")), shell.lines[-1]
        refresh(shell, root, recipes, records)
        page = (root / NAME / "2" / "report.md").read_text()
        assert f"fresh beers, n = {LABELLED}" in page and "**No worse than beer-ibu 1.**" in page
        assert set(caller.versions()) == {"1"}, "the new version is not active"

        shell("models", "shadow", NAME, "2", "--share", "1")
        program.lines("is tried beside version 1: shadow")
        assert set(caller.versions()) == {"1"}
        shell("models", "canary", NAME, "2", "--share", "0.5")
        program.lines("is tried beside version 1: canary")
        both = caller.more(80)
        assert {version for version, _, _ in both} == {"1", "2"}
        assert error_of(both, "2") < error_of(both, "1") - 10, "the canary is right about the strong beers"
        shell("models", "promote", NAME)
        wait_until(lambda: set(caller.versions(20)) == {"2"}, "version 2 alone")

        plant(read_bundle(root / NAME / "2"), root, 3, "wrong")
        shell.note("# A version 3 appears that is wrong by 20 IBU.")
        shell("models", "canary", NAME, "3", "--share", "0.5", "--max-difference", "10", "--window", "50")
        stopped = program.lines("differ by 20")
        shell.note(*(line.get("message", str(line)) for line in stopped if "differ by 20" in str(line)))
        assert set(caller.versions()) == {"2"}
        assert f"{NAME}  2  active" in shell("models", "list")
    assert caller.failures == []
    shell.note(f"# {len(caller.answers)} calls meanwhile, {len(caller.failures)} failed")
    assert program.stop() == 0
    assert "Traceback" not in program.errors
