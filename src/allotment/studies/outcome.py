"""What came out of a comparison: episodes, learning curves and the table, read back from run folders or played now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from allotment.bounds.foresight import reachable
from allotment.bounds.gap import with_gaps
from allotment.bounds.perfect_information import seeds_of_tests
from allotment.evaluation.breakdown import Breakdown, average
from allotment.evaluation.comparison import compare
from allotment.evaluation.testing import Evaluation, evaluate, mean_measures
from allotment.policies.bundle import load_bundle
from allotment.quantities import Floats
from allotment.report.money import Money, money_of
from allotment.scenario.errors import ScenarioError, nearest
from allotment.studies.common_episodes import CommonEpisodes
from allotment.studies.compared_policies import ComparedPolicy, Run
from allotment.studies.job import episodes_of
from allotment.studies.setup import ComparisonSetup

BOOTSTRAP_SEED = 20_261_122

Progress = Callable[[str, int, int], None]  # whose episodes, periods played, of how many


@dataclass(frozen=True)
class Outcome:
    """A comparison's results, ready for tables and figures."""

    setup: ComparisonSetup
    worlds: CommonEpisodes
    episodes: pd.DataFrame  # one row per policy, training seed and episode
    comparison: pd.DataFrame
    breakdowns: dict[str, list[Breakdown]]  # by channel, site and SKU, of each policy's runs
    curves: dict[str, pd.DataFrame]  # of the policies that learn, all seeds, on validation worlds
    rules: dict[str, dict[str, float]]  # mean measures of the rules on the same validation worlds

    @property
    def ranking(self) -> list[ComparedPolicy]:
        """Return the policies, best first."""
        by_name = {policy.name: policy for policy in self.setup.policies}
        return [by_name[name] for name in self.comparison["policy"]]

    @property
    def money(self) -> Money:
        """Return how the world's money is shown."""
        return money_of(self.setup.world.scenario)

    @property
    def breakdown_means(self) -> dict[str, pd.DataFrame]:
        """Return the means of each policy's breakdown over test worlds and seeds, best policy first."""
        return {policy: average(self.breakdowns[policy]).means() for policy in self.comparison["policy"]}

    @property
    def last_step(self) -> int:
        """Return the environment steps of the longest training, 1 where nothing learned."""
        return int(max([curve["steps"].max() for curve in self.curves.values()], default=1))


def read_outcome(
    setup: ComparisonSetup,
    reference: str | None = None,
    episodes: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    rope: float | None = None,
    bound: int | None = None,
) -> Outcome:
    """Return the outcome of a comparison; how it is evaluated is the setup's own unless a command says otherwise.

    Episodes that run folders do not hold are played. `ScenarioError` where the reference does not take part.
    """
    names = [policy.name for policy in setup.policies]
    if reference is not None and reference not in names:
        raise ScenarioError(f"the reference {reference!r} is not among the policies; {nearest(reference, names)}")
    own = setup.evaluation
    said = {"episodes": episodes, "seed": seed, "rope": rope, "bound": bound}
    entry = own.model_copy(update={name: value for name, value in said.items() if value is not None})
    worlds = episodes_of(entry, setup.world)
    results = {policy.name: _results(policy, worlds, progress) for policy in setup.policies}
    rows = pd.concat([_rows(policy, results[policy.name]) for policy in setup.policies], ignore_index=True)
    rng, by_item = np.random.default_rng(BOOTSTRAP_SEED), _by_item(results) if worlds.by_item else None
    comparison = compare(rows, reference, rng, by_item, entry.rope)
    if entry.bound:
        comparison = with_gaps(comparison, rows, _foresight(setup, comparison, worlds, entry.bound, progress))
    breakdowns = {name: [result.breakdown for result in found] for name, found in results.items()}
    return Outcome(setup, worlds, rows, comparison, breakdowns, _curves(setup.policies), _rules_beside_curves(setup))


def _foresight(
    setup: ComparisonSetup, comparison: pd.DataFrame, worlds: CommonEpisodes, many: int, progress: Progress | None
) -> Floats:
    """Return what perfect foresight scores in the first test worlds with the reference's opening and closing stock."""
    name = comparison.loc[comparison["reference"], "policy"].item()
    run = next(policy for policy in setup.policies if policy.name == name).runs[0]
    seeds, done = seeds_of_tests(worlds.seed, min(many, worlds.episodes)), 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress:
            progress("foresight", done, len(seeds))

    return reachable(worlds.world, load_bundle(run.folder / "best", worlds.world), seeds, count)


def _by_item(results: dict[str, list[Evaluation]]) -> dict[str, Floats]:
    """Return each policy's scores as (seeds, worlds, items)."""
    return {name: np.stack([result.score_by_sku for result in found]) for name, found in results.items()}


def _results(policy: ComparedPolicy, worlds: CommonEpisodes, progress: Progress | None) -> list[Evaluation]:
    """Return the test episodes of each of a policy's runs."""

    def show(run: Run) -> Callable[[int, int], None] | None:
        return progress and (lambda done, periods: progress(policy.title(run), done, periods))

    return [worlds.episodes_of(run.run, show(run)) for run in policy.runs]


def _rows(policy: ComparedPolicy, results: list[Evaluation]) -> pd.DataFrame:
    """Return the episodes of all of a policy's runs, under its name."""
    return pd.concat(
        [
            result.episodes.assign(policy=policy.name, kind=policy.kind, training_seed=run.seed)
            for run, result in zip(policy.runs, results, strict=True)
        ]
    )


def _curves(policies: list[ComparedPolicy]) -> dict[str, pd.DataFrame]:
    """Return the learning curves of the policies that have any, a row per seed and measurement."""
    curves = {}
    for policy in policies:
        found = [curve for run in policy.runs if (curve := run.run.curve()) is not None]
        if found:
            curves[policy.name] = pd.concat(found, ignore_index=True)
    return curves


def _rules_beside_curves(setup: ComparisonSetup) -> dict[str, dict[str, float]]:
    """Play the rules in the validation worlds of all trainings, so that learning curves and they compare."""
    worlds = _validation_worlds(setup.policies)
    rules = [policy for policy in setup.policies if policy.kind == "rule-based"] if worlds else []
    return {rule.name: mean_measures(pd.concat([_validated(run.folder, setup, worlds) for run in rule.runs])) for rule in rules}


def _validated(folder: Path, setup: ComparisonSetup, worlds: dict[int, int]) -> pd.DataFrame:
    policy = load_bundle(folder / "best", setup.world)
    played = [evaluate(policy, setup.world, many, seed, purpose="validate").episodes for seed, many in worlds.items()]
    return pd.concat(played)


def _validation_worlds(policies: list[ComparedPolicy]) -> dict[int, int]:
    """Return how many validation worlds the trainings of each seed were measured in."""
    from allotment.fitting.sections import ValidationConfig

    worlds: dict[int, int] = {}
    for run in (run for policy in policies if policy.kind == "learned" for run in policy.runs):
        episodes = ValidationConfig.model_validate(run.config.get("validation", {})).episodes
        worlds[run.seed] = max(episodes, worlds.get(run.seed, 0))
    return worlds
