"""Fuzzes the parsers, guided by coverage: ``python -m tests.fuzz [TARGET...] [--seconds N] [--seed N] [--update]``.

Needs the package atheris. Each target runs in a process of its own, for the same time, and stops at its first finding:
an exception, more than 5 s for one input, or more than 1 GB of memory. The input of a finding is written to
``fuzz-findings/``; add it to the corpus when the fault is mended.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.corpora import read_corpus, write_corpus
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.known import REPOSITORY
from tests.live.fuzz import WORDS

FINDINGS = Path("fuzz-findings")
_LONGEST = {"request_head": 16_384, "manifest": 16_384, "picture": 8_192}
"""Maximum bytes of an input, by target."""
_MEMORY_MB = 1_024
_SECONDS_EACH = 5
_PROGRAM = """#!{python}
import sys
import atheris
with atheris.instrument_imports(include=["app"]):
    from tests.fuzz.targets import TARGETS
atheris.Setup(sys.argv, TARGETS[{target!r}])
atheris.Fuzz()
"""


def _dictionary(inputs: list[bytes]) -> str:
    """Return the words in valid inputs, and some that break parsers, in libFuzzer's format of dictionaries."""
    words = {word for data in inputs for word in re.findall(rb"[A-Za-z0-9_.:/-]{2,40}", data)} | set(WORDS)
    texts = ("".join(f"\\x{byte:02x}" for byte in word) for word in sorted(words) if len(word) <= 64)
    return "".join(f'"{text}"\n' for text in texts)


def _fuzz(target: str, seconds: int, seed: int, update: bool) -> bool:
    """Fuzz a target; return whether it has no finding."""
    with tempfile.TemporaryDirectory() as folder:
        known, found, merged = (Path(folder, name) for name in ("known", "found", "merged"))
        for path in (known, found, merged):
            path.mkdir()
        for number, data in enumerate((*read_corpus(target), *seeds(target))):
            (known / f"{number:05}").write_bytes(data)
        program, words = Path(folder, "fuzz.py"), Path(folder, "words")
        program.write_text(_PROGRAM.format(python=sys.executable, target=target), "utf-8")
        program.chmod(0o700)
        words.write_text(_dictionary(seeds(target)), "ascii")
        command = [
            str(program),
            f"-dict={words}",
            f"-max_len={_LONGEST.get(target, 4_096)}",
            f"-timeout={_SECONDS_EACH}",
            f"-rss_limit_mb={_MEMORY_MB}",
            f"-artifact_prefix={FINDINGS}/{target}-",
        ]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}  # libFuzzer starts itself to merge
        run = subprocess.run(
            [*command, f"-max_total_time={seconds}", f"-seed={seed}", "-print_final_stats=1", str(found), str(known)],
            capture_output=True,
            env=environment,
            text=True,
            errors="replace",
        )
        summary = [line for line in run.stderr.splitlines() if line.startswith(("stat::number_of", "stat::peak"))]
        print(f"{target}: {'nothing found' if run.returncode == 0 else 'FOUND'}", *summary, sep="\n  ", flush=True)
        if run.returncode:
            print(run.stdout[-4_000:], run.stderr[-4_000:], sep="\n", flush=True)
        elif update:
            subprocess.run(
                [*command, "-merge=1", str(merged), str(known), str(found)],
                check=True,
                capture_output=True,
                env=environment,
            )
            write_corpus(target, [path.read_bytes() for path in merged.iterdir()])
        return run.returncode == 0


def main() -> int:
    """Run the command.

    Returns:
        0 if nothing was found, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=20, help="time for each target (20)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers (1)")
    parser.add_argument("--update", action="store_true", help="add what reaches new branches to the corpora")
    options = parser.parse_args()
    if unknown := sorted(set(options.targets) - TARGETS.keys()):
        parser.error(f"unknown target: {unknown[0]}")
    FINDINGS.mkdir(exist_ok=True)
    print(f"seed {options.seed}, {options.seconds} s for each target", flush=True)
    results = [_fuzz(name, options.seconds, options.seed, options.update) for name in options.targets or TARGETS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
