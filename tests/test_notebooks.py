"""Every notebook runs from top to bottom, asserts what it claims, and shows what comes out.

`UPDATE_DOCS=1 pytest tests/test_notebooks.py` stores the present outputs where outputs are kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.filterwarnings("default")  # of jupyter_client and its friends, not ours
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any("assert" in cell.source for cell in code)
    stored = [shown(cell) for cell in code]
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
    client.execute(cwd=str(path.parent))
    if not any(stored):
        return
    if os.environ.get("UPDATE_DOCS"):
        for cell in code:
            del cell.metadata["execution"]  # when it ran
        nbformat.write(notebook, path)
    else:
        assert [shown(cell) for cell in code] == stored


def shown(cell: Any) -> list[str]:
    """What a cell shows as text; warnings apart."""
    found = []
    for output in cell.outputs:
        assert output.output_type != "error"
        if output.get("name") != "stderr":
            found.append(output.get("text") or output.data["text/plain"])
    return found


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
