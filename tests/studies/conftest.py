"""Run folders in the world of two shops: two trainings of one network, and three rules, of which two share a name."""

import shutil
from pathlib import Path

import pytest
from priced_shops import PPO, constant_order, priced

from allotment.evaluation.place import WorldPlace
from allotment.fitting.fit import fit
from allotment.runs.run_folder import RunFolder


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Return a folder with finished runs: ppo-0, ppo-1, few-0 and many-0 (both constant_order), and level-0 (base_stock)."""
    folder, world = tmp_path_factory.mktemp("finished"), WorldPlace(priced())
    for seed in (0, 1):
        fit(world, "ppo", PPO, seed, RunFolder(folder / f"ppo-{seed}"))
    fit(world, "constant_order", constant_order(2), 0, RunFolder(folder / "few-0"))
    fit(world, "constant_order", constant_order(9), 0, RunFolder(folder / "many-0"))
    fit(world, "base_stock", {"policy": "base_stock", "parameters": {"level": 25}}, 0, RunFolder(folder / "level-0"))
    return folder


@pytest.fixture
def runs(finished, tmp_path, monkeypatch):
    """Copy the finished runs into an empty working folder; returns them by name."""
    monkeypatch.chdir(tmp_path)
    return {folder.name: Path(shutil.copytree(folder, folder.name)) for folder in sorted(finished.iterdir())}
