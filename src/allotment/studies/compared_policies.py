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

from allotment.runs.run_folder import RunFolder
from allotment.runs.settings import flatten
from allotment.scenario.errors import ScenarioError

MOST = 2  # differing settings that a name spells out


@dataclass(frozen=True)
class Run:
    """A run that takes part: its folder, and what its policy is."""

    folder: Path
    name: str  # of the policy, as its bundle says
    kind: str  # learned or rule-based
    seed: int  # of its training or tuning
    config: dict[str, Any]

    @property
    def run(self) -> RunFolder:
        """Return its run folder."""
        return RunFolder(self.folder)


@dataclass(frozen=True)
class ComparedPolicy:
    """A policy of the comparison, with its runs in the order of their seeds."""

    name: str  # in tables and figures
    kind: str
    runs: list[Run]

    def title(self, run: Run) -> str:
        """Return a readable name of one of its runs: the policy's, with the seed where there are several."""
        return self.name if len(self.runs) == 1 else f"{self.name} seed {run.seed}"


def read_run(folder: Path) -> Run:
    """Return the run in a folder; `ScenarioError` says what is missing there."""
    run = RunFolder.existing(folder)
    if run.place.kind == "external":
        raise ScenarioError(f"{folder}: made in another package's environment; only policies in worlds are compared")
    return Run(folder, run.bundle["name"], run.bundle["kind"], run.seed, run.config)


def compared_policies(runs: Sequence[Run]) -> list[ComparedPolicy]:
    """Return the policies that the runs belong to, in alphabetical order; `ScenarioError` where a seed occurs twice."""
    distinct = list({run.folder.resolve(): run for run in runs}.values())
    groups = [list(group) for _, group in groupby(sorted(distinct, key=_key), key=_key)]
    return [ComparedPolicy(name, group[0].kind, _by_seed(group)) for name, group in zip(_names(groups), groups, strict=True)]


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
