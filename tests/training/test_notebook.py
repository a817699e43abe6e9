"""The notebook runs from top to bottom on any recipes, and stands committed with clean outputs."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from .conftest import RECIPES

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "beer_ibu.ipynb"


def test_it_runs_from_top_to_bottom(monkeypatch):
    monkeypatch.setenv("BEER_DATA", str(RECIPES))
    monkeypatch.setenv("BEER_REPEATS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert all(cell.outputs for cell in notebook.cells[4:] if cell.cell_type == "code")


@pytest.fixture
def committed():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_committed_with_outputs_in_order(committed):
    cells = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    assert kinds and "error" not in kinds
    assert not [output for cell in cells for output in cell.outputs if output.get("name") == "stderr"]


def test_its_outputs_name_no_folder_of_the_machine(committed):
    text = json.dumps([cell.get("outputs", []) for cell in committed.cells])
    assert not any(place in text for place in ("/home/", "/root/", "/work/", "/tmp/", "/Users/"))
