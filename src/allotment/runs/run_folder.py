"""A run folder: everything that made a policy, and the policy itself.

config.yaml and scenario.yaml (or environment.yaml) resolved, metadata.json, tb/ (TensorBoard), checkpoints/ while training is
under way, rule/ (what a residual corrects), best/ and final/ (bundles), curve.parquet, evaluation.parquet.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from allotment.environments.external import OutsideEnvironment, outside_environment
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, read_yaml, world_from
from allotment.whole_file import write_whole

CHECKPOINT = "checkpoints/training.pt"


def new_run_folder(out: Path, place: str, name: str, seed: int) -> Path:
    """Make and return a run folder below `out` that no other run has, named by world, policy, seed and a number."""
    number = 0
    while True:
        suffix = f"-{number}" if number else ""
        folder = out / f"{place}-{name}-seed{seed}{suffix}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def write_run(folder: Path, world: World | OutsideEnvironment, name: str, config: dict[str, Any], seed: int) -> None:
    """Write what the run is made from, before it starts; a run that goes on keeps what it was started with."""
    if (folder / "metadata.json").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    if isinstance(world, OutsideEnvironment):
        environment = {"id": world.id, "arguments": world.arguments}
        write_whole(folder / "environment.yaml", yaml.safe_dump(environment, sort_keys=False))
    else:
        write_whole(folder / "scenario.yaml", yaml.safe_dump(world.content, sort_keys=False, allow_unicode=True))
    update_metadata(folder, policy=name, **_circumstances(seed))


def read_run(folder: Path) -> tuple[World | OutsideEnvironment, str, dict[str, Any], int]:
    """Return what a run was made from: its world, the policy's name and config, and the seed."""
    about = metadata(folder)
    if "policy" not in about or not (folder / "config.yaml").is_file():
        raise ScenarioError(
            f"{folder}: not a run folder; expected metadata.json and config.yaml, as `allotment train` writes them"
        )
    config = read_yaml(folder / "config.yaml")
    if (folder / "environment.yaml").is_file():
        content = read_yaml(folder / "environment.yaml")
        return outside_environment(content["id"], content["arguments"]), about["policy"], config, about["seed"]
    scenario = folder / "scenario.yaml"
    return world_from(read_yaml(scenario), str(scenario)), about["policy"], config, about["seed"]


def metadata(folder: Path) -> dict[str, Any]:
    """Return the run's metadata, nothing where there is none."""
    file = folder / "metadata.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def update_metadata(folder: Path, **entries: Any) -> None:
    """Add entries to the run's metadata."""
    write_whole(folder / "metadata.json", json.dumps({**metadata(folder), **entries}, indent=1) + "\n")


def _circumstances(seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "packages": installed(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "host": platform.node(),
        "platform": platform.platform(),
        "processor": platform.machine(),
    }


def installed() -> dict[str, str]:
    """Return every installed distribution with its version: what a repetition needs to be the same."""
    found = {
        re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower(): each.version
        for each in importlib.metadata.distributions()
        if each.metadata["Name"]
    }
    return dict(sorted(found.items()))


def differing_packages(folder: Path) -> list[str]:
    """Return what is installed in another version than when the run was made, as `torch 2.12.0 → 2.13.0`."""
    then, now = metadata(folder).get("packages", {}), installed()
    return [f"{name} {version} → {now.get(name, 'missing')}" for name, version in then.items() if now.get(name) != version]


def _git_commit() -> str | None:
    """Return the checkout's commit, marked where files differ from it; none outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("-modified" if changed.stdout.strip() else "")
