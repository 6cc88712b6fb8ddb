"""A run folder: everything that made a policy, and the policy itself.

config.yaml and scenario.yaml resolved, metadata.json, tb/ (TensorBoard), checkpoints/, best/ and final/ (bundles),
evaluation.parquet.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from allotment.scenario.loader import World

PACKAGES = ("allotment", "gymnasium", "numba", "numpy", "pandas", "scipy", "stable-baselines3", "torch")


def new_run_folder(out: Path, world: World, name: str, seed: int) -> Path:
    """Make and return a run folder below `out` that no other run has, named by world, policy, seed and a number."""
    number = 0
    while True:
        suffix = f"-{number}" if number else ""
        folder = out / f"{world.scenario.name}-{name}-seed{seed}{suffix}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def write_run(folder: Path, world: World, config: dict[str, Any], seed: int) -> None:
    """Write what the run is made from, before it starts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    text = yaml.safe_dump(world.content, sort_keys=False, allow_unicode=True)
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    update_metadata(folder, **_circumstances(seed))


def update_metadata(folder: Path, **entries: Any) -> None:
    """Add entries to the run's metadata."""
    file = folder / "metadata.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps({**known, **entries}, indent=1) + "\n", encoding="utf-8")


def _circumstances(seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "host": platform.node(),
        "platform": platform.platform(),
    }


def _git_commit() -> str | None:
    """Return the checkout's commit, marked where files differ from it; none outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("-modified" if changed.stdout.strip() else "")
