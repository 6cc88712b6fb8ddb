"""Who takes part in a comparison: run folders, put together to policies that may have several training seeds.

Runs of one name and one config are one policy. Where several configs go by one name, what differs is added to it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from allotment.policies.sealed_folder import opened, read_json
from allotment.report.settings import flatten
from allotment.scenario.errors import ScenarioError
from allotment.scenario.yaml_file import read_yaml

PARTS = ("config.yaml", "scenario.yaml", "metadata.json")
MOST = 2  # differing settings that a name spells out


@dataclass(frozen=True)
class Run:
    """A run folder: what it was made from, and where it lies."""

    folder: Path
    name: str  # of the policy, as its bundle says
    kind: str  # learned or rule-based
    seed: int  # of its training or tuning
    config: dict[str, Any]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """A policy of the comparison, with its runs in the order of their seeds."""

    name: str  # in tables and figures
    kind: str
    runs: list[Run]

    def title(self, run: Run) -> str:
        """Return a readable name of one of its runs: the policy's, with the seed where there are several."""
        return self.name if len(self.runs) == 1 else f"{self.name} seed {run.seed}"


def read_run(folder: Path) -> Run:
    """Return the run in a folder; `ScenarioError` says what is missing there."""
    if (folder / "environment.yaml").is_file():
        raise ScenarioError(f"{folder}: made in another package's environment; only policies in worlds are compared")
    missing = [name for name in (*PARTS, "best/bundle.json") if not (folder / name).is_file()]
    if missing:
        raise ScenarioError(f"{folder}: not a run folder with a policy; it lacks {', '.join(missing)}")
    metadata, bundle = read_json(folder, "metadata.json"), opened(folder / "best")
    if "seed" not in metadata:
        raise ScenarioError(f"{folder / 'metadata.json'}: seed is missing")
    return Run(folder, bundle["name"], bundle["kind"], metadata["seed"], read_yaml(folder / "config.yaml"), metadata)


def shortfall(metadata: dict[str, Any], config: dict[str, Any]) -> str | None:
    """Return how far a training came that was cut short; none where it was finished."""
    if metadata.get("finished"):
        return None
    steps, of = metadata.get("environment_steps"), config.get("steps")
    return f"not finished ({steps:,} of {of:,} environment steps)" if steps and of else "not finished"


def contenders_of(runs: Sequence[Run]) -> list[Contender]:
    """Return the policies that the runs belong to, in alphabetical order; `ScenarioError` where a seed occurs twice."""
    distinct = list({run.folder.resolve(): run for run in runs}.values())
    groups = [list(group) for _, group in groupby(sorted(distinct, key=_key), key=_key)]
    return [Contender(name, group[0].kind, _by_seed(group)) for name, group in zip(_names(groups), groups, strict=True)]


def _key(run: Run) -> tuple[str, str]:
    return run.name, json.dumps(run.config, sort_keys=True, default=str)


def _by_seed(runs: list[Run]) -> list[Run]:
    """Return a policy's runs in the order of their seeds."""
    ordered = sorted(runs, key=lambda run: run.seed)
    for one, other in pairwise(ordered):
        if one.seed == other.seed:
            raise ScenarioError(
                f"{other.folder}: the same policy with the same seed {one.seed} as {one.folder}; leave out one of them"
            )
    return ordered


def _names(groups: list[list[Run]]) -> list[str]:
    """Return a name for each group of runs, no two alike."""
    names = []
    for group in groups:
        rivals = [other[0] for other in groups if other[0].name == group[0].name]
        names.append(_told_apart(group[0], rivals))
    return [
        name if names.count(name) == 1 else f"{group[0].name} ({group[0].folder})"
        for name, group in zip(names, groups, strict=True)
    ]


def _told_apart(run: Run, rivals: list[Run]) -> str:
    """Return a run's name with the settings in which runs of that name differ, or with its folder if those are many."""
    if len(rivals) == 1:
        return run.name
    settings = [flatten(rival.config) for rival in rivals]
    keys = sorted({key for each in settings for key in each})
    differing = [key for key in keys if len({str(each.get(key, "unset")) for each in settings}) > 1]
    if len(differing) > MOST:
        return f"{run.name} ({run.folder})"
    own = flatten(run.config)
    told = ", ".join(f"{key}={own.get(key, 'unset')}" for key in differing)
    return f"{run.name} ({told})"
