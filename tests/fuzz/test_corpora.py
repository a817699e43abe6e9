"""The corpora of the fuzzer, and what it has found, without the fuzzer."""

import pytest

from tests.fuzz.corpora import FOLDER, read_corpus
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_of_the_corpus_is_parsed_or_rejected(name: str) -> None:
    """A target without a corpus is fuzzed from nothing, and finds little."""
    inputs = read_corpus(name)
    assert inputs
    for data in inputs:
        TARGETS[name](data)


def test_each_corpus_has_a_target() -> None:
    """A target that was renamed keeps its corpus."""
    assert {path.stem for path in FOLDER.iterdir()} == set(TARGETS)
