"""Published values computed again: exactly, by the optimum or the Markov chain of a rule, or by simulation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allotment.evaluation.testing import evaluate
from allotment.exact.solving import TAIL, exact_value, solve
from allotment.execution.executor import Executor, executor_for
from allotment.execution.executor import Progress as JobProgress
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.runs.at_work import at_work
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario
from allotment.studies.study import Section
from allotment.studies.value_study import ValueEntry, ValueStudy
from allotment.whole_file import make_folder, write_whole

EXACTLY = 1e-3  # by which an exact value may differ
ERRORS = 3.0  # standard errors by which a simulated one may
SHARE = 1e-3  # of the value, which its standard error must not exceed
VALUES, TABLES = "values.json", "values.md"


class Found(Section):
    """What a value came out as."""

    value: float
    lower: float
    upper: float
    standard_error: float | None = None  # none = computed exactly
    best: dict[str, Any] = {}  # the parameters that were found, where several were compared
    seconds: float


@dataclass(frozen=True)
class ValueJob:
    """A value that is to be computed."""

    title: str  # of its table
    entry: ValueEntry

    @property
    def name(self) -> str:
        """Return what it is called in messages."""
        return f"{self.title}: {self.entry.policy}"

    @property
    def key(self) -> str:
        """Return what the value depends on, as one text."""
        return json.dumps(self.entry.model_dump(exclude={"policy", "value", "digits", "note"}), sort_keys=True)

    def run(self, progress: JobProgress) -> Found:
        """Compute the value."""
        progress(self.name, "computing", 0, 1, None)
        found = computed(self.entry)
        progress(self.name, "computing", 1, 1, None)
        return found


@dataclass(frozen=True)
class Compared:
    """A published value beside ours."""

    title: str
    entry: ValueEntry
    found: Found

    @property
    def agrees(self) -> bool:
        """Tell whether ours is the published one, as far as that is known."""
        entry, found = self.entry, self.found
        if entry.finds is not None:
            return bool(np.isclose(found.best[entry.finds], entry.value))
        error = found.standard_error
        last = 0.0 if entry.digits is None else 0.5 * 10.0**-entry.digits
        if error is not None:
            return error <= SHARE * abs(entry.value) and abs(found.value - entry.value) <= ERRORS * error + last
        return abs(found.value - entry.value) <= (EXACTLY if entry.digits is None else last * (1 + 1e-9))

    @property
    def verdict(self) -> str:
        """Return `agrees`, or else whether it is known why not."""
        return "agrees" if self.agrees else "differs, see below" if self.entry.note else "DIFFERS"

    def cells(self) -> list[str]:
        """Return a row of the table: policy, published, ours, how, verdict."""
        entry, found = self.entry, self.found
        places = 5 if entry.digits is None else entry.digits
        published = f"{entry.value:.{places}f}" if entry.digits is not None else f"{entry.value:g}"
        ours = f"{found.value:.5f}" if found.standard_error is None else f"{found.value:.4f} ± {found.standard_error:.4f}"
        if entry.finds is not None:
            published, ours = f"{entry.finds} {entry.value:g}", f"{entry.finds} {found.best[entry.finds]:g}"
        elif found.best:
            ours += f" ({', '.join(f'{value}' for value in found.best.values())})"
        return [entry.policy, published, ours, "exact" if found.standard_error is None else "simulated", self.verdict]


HEADERS = ["policy", "published", "ours", "how", ""]


def computed(entry: ValueEntry) -> Found:
    """Return what a policy is worth in a world; of several candidates the best."""
    begun = time.perf_counter()
    assert entry.env is not None
    world = load_scenario(entry.env, entry.overrides).for_test()
    sign = -1.0 if world.scenario.objective == "cost" else 1.0
    all_found = [(candidate, *_worth(entry, world, candidate)) for candidate in entry.candidates()]
    best, lower, upper, error = max(all_found, key=lambda found: sign * (found[1] + found[2]))
    lower, upper = (entry.times * bound + entry.plus for bound in (lower, upper))
    error = None if error is None else entry.times * error
    seconds = time.perf_counter() - begun
    return Found(value=0.5 * (lower + upper), lower=lower, upper=upper, standard_error=error, best=best, seconds=seconds)


def _worth(entry: ValueEntry, world: World, candidate: dict[str, Any]) -> tuple[float, float, float | None]:
    """Return bounds of a value per period, in the sign of the objective, and the standard error of one that is simulated."""
    tail = TAIL if entry.tail is None else entry.tail
    if isinstance(entry.config, str):
        value = solve(world, entry.step, tail=tail).value
        return value.lower, value.upper, None
    policy = _rule(entry, world, candidate)
    if entry.episodes is None:
        value = exact_value(world, policy, entry.step, tail=tail)
        return value.lower, value.upper, None
    scores = evaluate(policy, world, entry.episodes, seed=0).episodes["score"].to_numpy()
    mean = float(-scores.mean() if world.scenario.objective == "cost" else scores.mean())
    return mean, mean, float(scores.std(ddof=1) / np.sqrt(len(scores)))


def _rule(entry: ValueEntry, world: World, candidate: dict[str, Any]) -> RulePolicy:
    assert isinstance(entry.config, dict)
    content = {**entry.config, "parameters": {**entry.config.get("parameters", {}), **candidate}}
    policy, left = build_rule(rule_config(content, entry.policy), world, entry.policy)
    if left:
        raise ScenarioError(f"{entry.policy}: {', '.join(left)} must be given; a published value is that of known parameters")
    return policy


def run_values(
    study: ValueStudy, out: Path, progress: JobProgress, workers: int | None = None, executor: Executor | None = None
) -> list[Compared]:
    """Compute all of a study's values and write them below `out`, into `values.json` and as tables into `values.md`.

    What an earlier run has computed is kept. `InUse` where another process works there.
    """
    folder = out / study.name
    jobs = [ValueJob(table.title, entry) for table in study.tables for entry in table.entries()]
    with at_work(folder):
        make_folder(folder)
        known = _kept(folder / VALUES)
        todo = list({job.key: job for job in jobs if job.key not in known}.values())
        for job, found in (executor or executor_for(len(todo), workers)).run(todo, progress):
            known[job.key] = found
            write_whole(folder / VALUES, json.dumps({key: each.model_dump() for key, each in known.items()}, indent=1) + "\n")
        compared = [Compared(job.title, job.entry, known[job.key]) for job in jobs]
        write_whole(folder / TABLES, _page(study, compared))
    return compared


def _kept(file: Path) -> dict[str, Found]:
    """Return what an earlier run computed; nothing where it left nothing that can be read."""
    try:
        return {key: Found.model_validate(each) for key, each in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError):
        return {}


def _page(study: ValueStudy, compared: list[Compared]) -> str:
    lines = [f"# {study.name}", "", study.question, "", summary(compared)]
    for title, rows in by_table(compared).items():
        lines += ["", f"## {title}", "", f"| {' | '.join(HEADERS)} |", "|---|--:|--:|---|---|"]
        lines += [f"| {' | '.join(row.cells())} |" for row in rows]
        lines += [f"\n{note}" for note in notes(rows)]
    return "\n".join(lines) + "\n"


def by_table(compared: list[Compared]) -> dict[str, list[Compared]]:
    """Return the rows of each table, in order."""
    titles = dict.fromkeys(row.title for row in compared)
    return {title: [row for row in compared if row.title == title] for title in titles}


def notes(rows: list[Compared]) -> list[str]:
    """Return what is to be said of some rows, a sentence each."""
    return [f"{row.entry.policy}: {row.entry.note}" for row in rows if row.entry.note]


def summary(compared: list[Compared]) -> str:
    """Return how many values agree, in words."""
    count: Callable[[str], int] = lambda verdict: sum(row.verdict == verdict for row in compared)  # noqa: E731
    explained, failed = count("differs, see below"), count("DIFFERS")
    seconds = sum(row.found.seconds for row in compared)
    return (
        f"{count('agrees')} of {len(compared)} published values come out, {explained} differ for a known reason, "
        f"{failed} for none ({seconds:.0f} s of computing)."
    )
