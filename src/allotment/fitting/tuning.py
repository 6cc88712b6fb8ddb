"""Tuning by simulation on common worlds: a pattern search over a rule's parameters, all SKUs at once.

Money is kept by SKU, so a step in one site's parameter is judged SKU by SKU in a single simulation. SKUs that share a
capacity are coupled all the same: a round's steps are kept only if the total agrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.evaluation.place import Place
from allotment.evaluation.rollout import rollout
from allotment.evaluation.testing import mean_measures
from allotment.fitting.fitter import Progress
from allotment.policies.bundle import save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.parameters import Parameter
from allotment.policies.rule_config import RulePolicy, build_rule, parameters_of
from allotment.runs.run_folder import RunFolder, validated
from allotment.runs.tensorboard import write_rule_based
from allotment.scenario.loader import World
from allotment.scenario.problem import SIGNS, Floats, Integers
from allotment.scenario.streams import derived_seed

MEASURED_EPISODES = 64
Rounds = Callable[[int, int, float], None]  # round, rounds, score so far


class RuleTuning:
    """Finds the parameters that a rule's config leaves open."""

    def check(self, place: Place, config: dict[str, Any], name: str) -> None:
        """Raise `ScenarioError` where a config is none of a rule, or does not fit the place."""
        build_rule(rule_config(config, name), place.world, name)

    def bound_to_length(self, config: dict[str, Any]) -> list[str]:
        """Return nothing: a rule does not learn."""
        return []

    def fit(self, place: Place, config: dict[str, Any], run: RunFolder, progress: Progress | None = None) -> RulePolicy:
        """Tune a rule, fill the run folder, and return the policy."""
        policy = tuned_rule(config, run.policy_name, place.world, run.seed, progress)
        for bundle in (run.best, run.final):
            save_bundle(policy, bundle)
        rows = place.evaluate(policy, MEASURED_EPISODES, run.seed, "validate").episodes
        write_rule_based(run.logs, mean_measures(rows), 1)
        run.update(finished=True, validation=validated(rows))
        return policy


def tuned_rule(content: dict[str, Any], name: str, world: World, seed: int, progress: Progress | None = None) -> RulePolicy:
    """Return a rule's policy in a world with every parameter set, tuning what its config leaves open."""
    policy, open_parameters = build_rule(rule_config(content, name), world, name, name)
    if not open_parameters:
        return policy

    def show(done: int, rounds: int, score: float) -> None:
        if progress:
            progress(f"tuning {name}", done, rounds, score)

    return tune(policy, open_parameters, seed, show).policy


@dataclass(frozen=True)
class Tuned:
    """The best policy found and its mean score per measured period on the worlds of the search."""

    policy: RulePolicy
    score: float
    simulations: int


def sku_scores(policy: RulePolicy, world: World, seeds: Integers) -> Floats:
    """Return the mean reward per measured period that each SKU earned, (K,) in money."""
    total = np.zeros(len(world.names.skus))
    for period, flows in rollout(world, policy, seeds):
        if period >= world.problem.clock.warm_up:
            total += SIGNS @ flows.money.mean(axis=0)
    return total / world.scenario.horizon.periods


def tune(policy: RulePolicy, tuned: list[str], seed: int, progress: Rounds | None = None) -> Tuned:
    """Search the parameters named in `tuned`, from the policy's own values, on worlds derived from `seed`."""
    search = _Search(policy, derived_seed("tune", seed) + np.arange(policy.config.tuning.worlds, dtype=np.int64))
    parameters = parameters_of(policy.config, policy.world)
    for parameter in (parameters[name] for name in tuned):
        search.steps[parameter.name] = parameter.first_step(policy.world)
    rounds = policy.config.tuning.rounds
    for number in range(rounds):
        before = search.policy.values
        for name in tuned:
            search.try_parameter(parameters[name])
        search.settle(before)
        if progress:
            progress(number + 1, rounds, float(search.scores.sum()))
        if search.finished:
            break
    return Tuned(search.policy, float(search.scores.sum()), search.simulations)


class _Search:
    """Where a search stands: the best policy so far, its score by SKU, and the step of every parameter."""

    def __init__(self, policy: RulePolicy, seeds: Integers) -> None:
        self.policy = policy
        self.seeds = seeds
        self.steps: dict[str, Floats] = {}
        self.simulations = 0
        self.scores = self.score(policy)

    def score(self, policy: RulePolicy) -> Floats:
        """Play a candidate; returns its score by SKU."""
        self.simulations += 1
        return sku_scores(policy, policy.world, self.seeds)

    def try_parameter(self, parameter: Parameter) -> None:
        """Step one parameter up and down, site by site, keeping what helps each SKU; halve steps that help neither way."""
        for row in self._rows(parameter):
            helped = np.zeros(len(self.scores), dtype=bool)
            for direction in (1.0, -1.0):
                better = self._try(parameter, row, direction * self.steps[parameter.name][row] * ~helped)
                helped |= better
            steps = self.steps[parameter.name]
            steps[row] = np.where(helped, steps[row] * 1.5, steps[row] * 0.5)
            if parameter.whole and self.policy.world.problem.rules.whole:
                steps[row] = np.where(steps[row] < 0.5, 0.0, np.maximum(1.0, np.round(steps[row])))

    def _try(self, parameter: Parameter, row: int | slice, change: Floats) -> np.ndarray:
        current = self.policy.values[parameter.name]
        moved = current.copy()
        moved[row] = moved[row] + change
        moved = parameter.legal(moved, self.policy.world)
        if np.array_equal(moved, current):
            return np.zeros(len(self.scores), dtype=bool)
        candidate = self.policy.with_values({**self.policy.values, parameter.name: moved})
        scores = self.score(candidate)
        better = (scores > self.scores) & (moved[row] != current[row])
        if better.any():
            kept = current.copy()
            kept[row] = np.where(better, moved[row], current[row])
            self.policy = self.policy.with_values({**self.policy.values, parameter.name: kept})
            self.scores = np.where(better, scores, self.scores)
        return better

    def settle(self, before: dict[str, Floats]) -> None:
        """Play the round's policy as a whole; where SKUs got into each other's way, go back and take smaller steps."""
        total_before = getattr(self, "total", -np.inf)
        self.scores = self.score(self.policy)
        self.total = float(self.scores.sum())
        if self.total < total_before:
            self.policy = self.policy.with_values(before)
            self.scores = self.score(self.policy)
            self.total = total_before
            self.steps = {name: steps * 0.5 for name, steps in self.steps.items()}

    @property
    def finished(self) -> bool:
        """Tell whether every step has become too small to matter."""
        values = self.policy.values
        return all((steps <= 0.002 * (1.0 + np.abs(values[name]))).all() for name, steps in self.steps.items())

    def _rows(self, parameter: Parameter) -> list[int | slice]:
        sites = len(self.policy.world.names.sites)
        return list(range(sites)) if parameter.axes == "site_sku" else [slice(None)]
