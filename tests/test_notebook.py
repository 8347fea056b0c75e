"""The notebook among the examples: it runs from top to bottom, and is kept without what it printed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "examples" / "notebook.ipynb"


@pytest.fixture(scope="module")
def written() -> nbformat.NotebookNode:
    """The notebook as it is kept."""
    return nbformat.read(NOTEBOOK, 4)


def test_the_notebook_is_kept_without_outputs(written: nbformat.NotebookNode) -> None:
    """No output, no count and nothing of the machine that ran it last."""
    code = [cell for cell in written.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(written.metadata) == {"kernelspec", "language_info"}


@pytest.mark.filterwarnings("default")  # the kernel's own libraries warn as they like
def test_the_notebook_runs_and_shows_tables(written: nbformat.NotebookNode) -> None:
    """One client serves all cells; lists are tables, failures come first, and no value of a variable is shown."""
    run = NotebookClient(nbformat.from_dict(written), timeout=50, kernel_name="python3").execute()
    shown = [output.data for cell in run.cells for output in cell.get("outputs", []) if "data" in output]
    tables = [each["text/html"] for each in shown if "text/html" in each]
    assert [table.count("<tr>") for table in tables] == [21, 8, 5, 0]  # quotes, clusters, outcomes, an error
    assert "nosuchcluster1" in tables[2].split("<tr>")[2]
    assert "JUPYTER_PASSWORD" in str(shown)
    told = str([cell.get("outputs") for cell in run.cells])
    assert "correct-horse" not in told
    assert "tpo_" not in told
