"""The notebooks run from top to bottom and find what they say they find."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
FIRST = NOTEBOOKS / "01_first_policy.ipynb"


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Return the first notebook, executed in an empty folder."""
    notebook = nbformat.read(FIRST, as_version=4)
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    return NotebookClient(notebook, timeout=280, kernel_name="python3", resources=folder).execute()


def printed(notebook, tag):
    """Return what the cell with a tag printed."""
    cell = next(cell for cell in notebook.cells if tag in cell.metadata.get("tags", []))
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


def test_a_base_stock_level_costs_what_theory_says(first):
    cost, error, exact = numbers(printed(first, "theory"))
    assert exact == 5.1977
    assert abs(cost - exact) < 3 * error


def test_tuning_finds_the_known_level_and_the_known_cap(first):
    (level,), (capped_level, cap) = (numbers(line) for line in printed(first, "tuning").splitlines())
    assert level == 25
    assert (capped_level, cap) == (26, 5)


def test_the_trained_network_costs_surely_less_than_the_base_stock_rule(first):
    saved, low, high, paired_error, error_apart = numbers(printed(first, "paired").replace("95 %", ""))
    assert 0 < low < saved < high
    assert paired_error < error_apart


def test_a_policy_read_back_decides_alike(first):
    assert "weights.safetensors" in printed(first, "bundle")
    assert "the loaded policy decides alike: True" in printed(first, "bundle")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_the_outputs_of_one_clean_run(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds <= {"stream", "display_data", "execute_result"}
    assert path.stat().st_size < 500_000
