"""A run folder: everything that made a policy, and the policy itself.

config.yaml and scenario.yaml (or environment.yaml) resolved, metadata.json, tb/ (TensorBoard), checkpoints/ (what a training
goes on from), start/ (with whose weights it began), rule/ (what a residual corrects), best/ and final/ (bundles),
curve.parquet, evaluation.parquet with score_by_sku.npy and breakdown.parquet: what the best policy did in its own test world.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from allotment import extensions
from allotment.evaluation.breakdown import NOTHING, Breakdown
from allotment.evaluation.place import Place, read_place
from allotment.evaluation.testing import Evaluation
from allotment.names import check_links
from allotment.policies.bundle import EXTERNAL, WORLD
from allotment.policies.bundle_content import about_policy
from allotment.policies.sealed_folder import is_bundle
from allotment.runs.at_work import InUse, at_work
from allotment.runs.kept_tables import read_array, read_breakdown, read_table
from allotment.runs.metadata import read_metadata
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats
from allotment.scenario.yaml_file import read_yaml
from allotment.whole_file import make_folder, remove_folder, remove_parts, whole_folder, write_whole

CONFIG, ABOUT = "config.yaml", "metadata.json"
EPISODES, BY_SKU, CURVE = "evaluation.parquet", "score_by_sku.npy", "curve.parquet"
BREAKDOWN = "breakdown.parquet"


@dataclass(frozen=True)
class RunFolder:
    """A run, by its folder. What the folder says is read when it is asked for, and kept but for the metadata."""

    path: Path

    @classmethod
    @contextmanager
    def new(cls, out: Path, name: str) -> Iterator[RunFolder]:
        """Hand out a run below `out` with a name that no other has, with a number behind it where it is taken.

        It is held until the end, and its folder is there once it has begun.
        """
        with ExitStack() as held:
            for number in count():
                run = cls(out / (f"{name}-{number}" if number else name))
                with suppress(InUse):
                    if not run.path.exists() and held.enter_context(run.held()) and not run.path.exists():
                        break
            yield run

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Be the only one who writes into it; hands out whether this is where it begins. `InUse` where another one does."""
        with at_work(self.path) as first:
            if first:
                remove_parts(self.path)
            yield first

    @classmethod
    def existing(cls, folder: Path) -> RunFolder:
        """Return the run in a folder; `ScenarioError` says what is missing there."""
        run = cls(folder)
        check_links(folder)
        if not ((folder / ABOUT).is_file() and (folder / CONFIG).is_file()):
            raise ScenarioError(f"{folder}: not a run folder; expected {ABOUT} and {CONFIG}, as `allotment train` writes them")
        for key in ("policy", "seed"):
            if key not in run.metadata:
                raise ScenarioError(f"{folder / ABOUT}: {key} is missing")
        return run

    # what made it

    def begin(self, place: Place, policy: str, config: dict[str, Any], seed: int) -> None:
        """Write what the run is made from, before it starts; a run that goes on keeps what it was started with."""
        if self.is_begun:
            return
        with whole_folder(self.path) as part:
            write_whole(part / CONFIG, yaml.safe_dump(config, sort_keys=False))
            write_whole(part / place.file, yaml.safe_dump(place.content, sort_keys=False, allow_unicode=True))
            RunFolder(part).update(policy=policy, code=extensions.digests(config), **_circumstances(seed))

    @property
    def is_begun(self) -> bool:
        """Tell whether it says what it is made from."""
        check_links(self.path)
        return (self.path / ABOUT).is_file() and (self.path / CONFIG).is_file() and "policy" in self.metadata

    @cached_property
    def place(self) -> Place:
        """Return where the policy was made."""
        return read_place(self.path)

    @property
    def policy_name(self) -> str:
        """Return the name of its policy."""
        return str(self.metadata["policy"])

    @property
    def seed(self) -> int:
        """Return the seed of the training or tuning."""
        return int(self.metadata["seed"])

    @cached_property
    def config(self) -> dict[str, Any]:
        """Return the policy's config as resolved."""
        return read_yaml(self.path / CONFIG)

    def is_of(self, place: Place, config: dict[str, Any], seed: int) -> bool:
        """Tell whether it is made from these, so that what was begun in it can go on."""
        if not self.is_begun:
            return False
        if (self.config, _yaml(self.path / place.file), self.metadata.get("seed")) != (config, place.content, seed):
            return False
        code = self.metadata.get("code", {})
        return all(code.get(file) == digest for file, digest in extensions.digests(config).items())  # of what is imported

    # how it stands

    @property
    def metadata(self) -> dict[str, Any]:
        """Return what it says of itself; nothing where there is nothing."""
        return read_metadata(self.path / ABOUT) if (self.path / ABOUT).is_file() else {}

    def update(self, **entries: Any) -> None:
        """Add entries to the metadata."""
        write_whole(self.path / ABOUT, json.dumps({**self.metadata, **entries}, indent=1) + "\n")

    @property
    def finished(self) -> bool:
        """Tell whether it was made to its end."""
        return bool(self.metadata.get("finished")) and (self.path / "best").is_dir()

    @property
    def shortfall(self) -> str | None:
        """Return how far a training came that was cut short; none where it was finished."""
        metadata = self.metadata
        if metadata.get("finished"):
            return None
        steps, of = metadata.get("environment_steps"), self.config.get("steps")
        return f"not finished ({steps:,} of {of:,} environment steps)" if steps and isinstance(of, int) else "not finished"

    @property
    def logs(self) -> Path:
        """Return the folder of its logs for TensorBoard."""
        return self.path / "tb"

    @property
    def checkpoints(self) -> Path:
        """Return the folder of what a training goes on from."""
        return self.path / "checkpoints"

    @property
    def checkpoint(self) -> Path:
        """Return the file that a training goes on from."""
        return self.checkpoints / "training.safetensors"

    @property
    def can_go_on(self) -> bool:
        """Tell whether it holds a checkpoint."""
        return self.checkpoint.is_file()

    @property
    def start(self) -> Path:
        """Return the bundle with whose weights a training began."""
        return self.path / "start"

    @property
    def corrected_rule(self) -> Path:
        """Return the folder of the rule that a residual corrects."""
        return self.path / "rule"

    def curve(self) -> pd.DataFrame | None:
        """Return the learning curve, one row a measurement; none where nothing was learned."""
        file = self.path / CURVE
        return read_table(file, ("steps", "score")) if file.is_file() else None

    def differing_packages(self) -> list[str]:
        """Return what is installed in another version than when it was made, as `torch 2.12.0 → 2.13.0`."""
        then, now = self.metadata.get("packages", {}), installed()
        return [f"{name} {version} → {now.get(name, 'missing')}" for name, version in then.items() if now.get(name) != version]

    # what came of it

    @property
    def best(self) -> Path:
        """Return the bundle of the best policy on validation worlds."""
        return self.path / "best"

    @property
    def final(self) -> Path:
        """Return the bundle of the last policy of a training."""
        return self.path / "final"

    @property
    def bundle(self) -> dict[str, Any]:
        """Return what the best policy's bundle says; `ScenarioError` where there is none."""
        if not is_bundle(self.best):
            raise ScenarioError(f"{self.path}: not a run folder with a policy; it lacks best/bundle.json")
        return about_policy(self.best)

    def keep_evaluation(self, result: Evaluation, place: str, seed: int, code: Mapping[str, str] | None = None) -> None:
        """Put what the best policy did in a test place, by name, into the folder, in place of what was there.

        `code` tells the files of the user's own metrics. `InUse` where another process works in the folder.
        """
        scores = io.BytesIO()
        np.save(scores, result.score_by_sku)
        about = {"place": place, "seed": seed, "episodes": len(result.episodes)}
        with self.held():
            write_whole(self.path / EPISODES, result.episodes.to_parquet())
            write_whole(self.path / BY_SKU, scores.getvalue())
            write_whole(self.path / BREAKDOWN, result.breakdown.table().to_parquet())
            self.update(evaluation={**about, "code": dict(code)} if code else about)

    def evaluation(self, place: str) -> Evaluation | None:
        """Return the episodes that it holds of its policy as it is now, in a test place; none where it holds none."""
        file, policy = self.path / EPISODES, self.best / "bundle.json"
        if not file.is_file() or file.stat().st_mtime_ns < policy.stat().st_mtime_ns:
            return None
        if self.metadata.get("evaluation", {}).get("place", place) != place:
            return None
        rows = read_table(file, ("episode", "seed", "score"))
        return Evaluation(rows, self._scores_by_sku(rows), self._breakdown(rows))

    def _scores_by_sku(self, rows: pd.DataFrame) -> Floats:
        """Return the scores by SKU that belong to the rows, (episodes, K); no SKUs where the folder does not hold them."""
        file = self.path / BY_SKU
        scores = read_array(file) if file.is_file() else np.empty((0, 0))
        belong = len(scores) == len(rows) and np.allclose(scores.sum(axis=1), rows["score"])
        return scores if belong else np.empty((len(rows), 0))

    def _breakdown(self, rows: pd.DataFrame) -> Breakdown:
        """Return the breakdown that belongs to the rows; nothing where the folder does not hold it."""
        file = self.path / BREAKDOWN
        found = read_breakdown(file) if file.is_file() and "demand" in rows else NOTHING
        return found if found.belongs_to(rows) else NOTHING

    # moving it

    def lengthened(self, steps: int) -> RunFolder:
        """Return the run with a training of another length, which is not finished then."""
        self.update(finished=False)
        write_whole(self.path / CONFIG, yaml.safe_dump({**self.config, "steps": steps}, sort_keys=False))
        return RunFolder(self.path)

    def clear(self) -> None:
        """Remove the folder and all it holds."""
        remove_folder(self.path)

    def packed(self) -> dict[str, bytes]:
        """Return every file by its path in the folder, but for checkpoints: what a worker elsewhere sends back."""
        files = [file for file in sorted(self.path.rglob("*")) if file.is_file()]
        kept = [file for file in files if self.checkpoints not in file.parents]
        return {file.relative_to(self.path).as_posix(): file.read_bytes() for file in kept}

    def unpack(self, files: dict[str, bytes]) -> None:
        """Write files that a worker sent, metadata last, so that a folder that says it is finished is whole."""
        for name in sorted(files, key=lambda name: (name == EPISODES, name == ABOUT)):
            file = self.path / name
            if not file.resolve().is_relative_to(self.path.resolve()):
                raise ScenarioError(f"{self.path}: a worker's file {name!r} would lie outside of the run folder")
            if not (file.is_file() and file.read_bytes() == files[name]):
                make_folder(file.parent)
                write_whole(file, files[name])


Validated = dict[str, Any]  # what a policy reached on validation worlds


def validated(rows: pd.DataFrame) -> Validated:
    """Return what a policy reached in its episodes: how many, mean score with its standard error, and fill rate."""
    scores = rows["score"].to_numpy()
    error = float(scores.std(ddof=1)) / len(scores) ** 0.5
    reached = {"episodes": len(rows), "score": float(scores.mean()), "standard_error": error}
    return {**reached, "fill_rate": float(rows["fill_rate"].mean())} if "fill_rate" in rows else reached


def is_run(folder: Path) -> bool:
    """Tell whether a folder is a run's."""
    return RunFolder(folder).is_begun and any((folder / name).is_file() for name in (WORLD, EXTERNAL))


def _yaml(file: Path) -> Any:
    return read_yaml(file) if file.is_file() else None


def _circumstances(seed: int) -> dict[str, Any]:
    import torch

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


@cache
def installed() -> dict[str, str]:
    """Return every installed distribution with its version: what a repetition needs to be the same."""
    found = {
        re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower(): each.version
        for each in importlib.metadata.distributions()
        if each.metadata["Name"]
    }
    return dict(sorted(found.items()))


def _git_commit() -> str | None:
    """Return the checkout's commit, marked where files differ from it; none outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("-modified" if changed.stdout.strip() else "")
