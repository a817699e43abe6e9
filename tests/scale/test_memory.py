"""Memory does not grow with the number of rows."""

from pathlib import Path

import pytest

from benchmarks.score import beers_file, run, score_command

LIMIT_MB, GROWTH_MB = 480, 150
"""Peak of a process that scores the larger file, and how much more that is than for the smaller one."""


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_ten_times_as_long_takes_hardly_more_memory(kind: str, tmp_path: Path) -> None:
    small, large = (
        run(score_command(beers_file(tmp_path, rows, kind), tmp_path / "out"), tmp_path).peak
        for rows in (120_000, 1_200_000)
    )
    assert large < LIMIT_MB
    assert large - small < GROWTH_MB
