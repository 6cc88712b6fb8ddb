"""The pattern search over a rule's parameters: one after the other, up and down, all SKUs at once.

Money is kept by SKU, so a step in one site's parameter is judged SKU by SKU in a single simulation. SKUs that share a
capacity are coupled all the same: a round's steps are kept only if the total agrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allotment.fitting.replications import Replications, search_worlds
from allotment.fitting.search import Told, Tuned
from allotment.policies.parameters import Parameter
from allotment.policies.rule_config import RulePolicy
from allotment.scenario.problem import Floats


def pattern(policy: RulePolicy, parameters: Sequence[Parameter], seed: int, told: Told) -> Tuned:
    """Search from the policy's own values, with steps that grow where they help and are halved where they do not."""
    search = _Search(policy, Replications(policy.world, search_worlds(policy, seed)))
    for parameter in parameters:
        search.steps[parameter.name] = parameter.first_step(policy.world)
    rounds = policy.config.tuning.rounds
    for number in range(rounds):
        before = search.policy.values
        for parameter in parameters:
            search.try_parameter(parameter)
        search.settle(before)
        told(number + 1, rounds, float(search.scores.sum()))
        if search.finished:
            break
    return Tuned(search.policy, float(search.scores.sum()), search.played.candidates)


class _Search:
    """Where a search stands: the best policy so far, its score by SKU, and the step of every parameter."""

    def __init__(self, policy: RulePolicy, played: Replications) -> None:
        self.policy = policy
        self.played = played
        self.steps: dict[str, Floats] = {}
        self.scores = played.by_sku(policy)

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
        scores = self.played.by_sku(candidate)
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
        self.scores = self.played.by_sku(self.policy)
        self.total = float(self.scores.sum())
        if self.total < total_before:
            self.policy = self.policy.with_values(before)
            self.scores = self.played.by_sku(self.policy)
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
