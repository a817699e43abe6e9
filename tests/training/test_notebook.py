"""The notebooks run from top to bottom on any recipes, and are committed with clean outputs."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.training.quick import RECIPES

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
def test_the_notebook_runs_from_top_to_bottom(notebook, monkeypatch):
    monkeypatch.setenv("BEER_DATA", str(RECIPES))
    monkeypatch.setenv("BEER_REPEATS", "1")
    document = nbformat.read(notebook, as_version=4)
    NotebookClient(document, timeout=300, resources={"metadata": {"path": str(notebook.parent)}}).execute()
    assert all(cell.outputs for cell in document.cells[4:] if cell.cell_type == "code")


@every_notebook
def test_the_notebook_is_committed_with_outputs_in_order(notebook):
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    assert kinds and "error" not in kinds
    assert not [output for cell in cells for output in cell.outputs if output.get("name") == "stderr"]


@every_notebook
def test_the_outputs_name_no_local_folder(notebook):
    text = json.dumps([cell.get("outputs", []) for cell in nbformat.read(notebook, as_version=4).cells])
    assert not any(prefix in text for prefix in ("/home/", "/root/", "/work/", "/tmp/", "/Users/"))
