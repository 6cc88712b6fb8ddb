"""Searches by Optuna's samplers, which propose candidates from the scores of those before."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from allotment.fitting.replications import Replications, search_worlds
from allotment.fitting.search import Best, Dimension, Space, Told, Tuned
from allotment.policies.parameters import Parameter
from allotment.policies.rule_config import RulePolicy
from allotment.policies.tuning_config import TRIALS
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats
from allotment.scenario.streams import derived_seed

NEEDED = {"tpe": ("optuna",), "cmaes": ("optuna", "cmaes")}  # packages by sampler


def check_sampler(space: Space) -> None:
    """Raise `ScenarioError` where a package is missing that the sampler needs, or where it cannot search the space."""
    name = space.policy.config.tuning.sampler or ""
    for package in NEEDED[name]:
        try:
            import_module(package)
        except ImportError:
            message = f"{space.policy.name}: tuning.sampler: {package} is not installed; pip install 'allotment[tuning]'"
            raise ScenarioError(message) from None
    if name == "cmaes" and sum(each.is_open for each in space.dimensions) < 2:
        raise ScenarioError(f"{space.policy.name}: tuning.sampler: cmaes needs two numbers to search, or more; tpe takes one")


def sampled(policy: RulePolicy, parameters: Sequence[Parameter], seed: int, told: Told) -> Tuned:
    """Play the candidates that a sampler proposes, each in all worlds of the search.

    `tpe` is the tree-structured Parzen estimator (Bergstra et al. 2011), `cmaes` the covariance matrix adaptation evolution
    strategy (Hansen and Ostermeier 2001). Each SKU has its own study, which proposes its numbers and is told its score.
    """
    space = Space(policy, parameters)
    check_sampler(space)
    tuning = policy.config.tuning
    best, played, trials = Best(space), Replications(policy.world, search_worlds(policy, seed)), tuning.trials or TRIALS
    studies = [_Study(space.dimensions, tuning.sampler or "", seed, sku) for sku in range(space.skus)]
    for trial in range(trials):
        numbers = np.stack([study.ask() for study in studies], axis=1)
        scores = played.by_sku(space.candidate(numbers))
        best.see(numbers, scores)
        for study, score in zip(studies, scores, strict=True):
            study.tell(float(score))
        told(trial + 1, trials, best.total)
    return best.chosen(played)


class _Study:
    """An Optuna study of one SKU's numbers."""

    def __init__(self, dimensions: Sequence[Dimension], sampler: str, seed: int, sku: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        samplers = {"tpe": optuna.samplers.TPESampler, "cmaes": optuna.samplers.CmaEsSampler}
        own = (derived_seed("sampler", seed) + sku) % 2**32
        self.study = optuna.create_study(direction="maximize", sampler=samplers[sampler](seed=own))
        self.dimensions, self.sku = dimensions, sku
        self.searched = {str(place): _distribution(each, sku) for place, each in enumerate(dimensions) if each.is_open}
        self.trial: Any = None

    def ask(self) -> Floats:
        """Return the numbers that are to be tried, (dimensions,)."""
        self.trial = self.study.ask(self.searched)
        return np.array([self._number(str(place), each) for place, each in enumerate(self.dimensions)])

    def _number(self, name: str, dimension: Dimension) -> float:
        proposed = self.trial.params.get(name)
        if dimension.points is None:
            return float(dimension.low[self.sku] if proposed is None else proposed)
        return float(dimension.points[proposed or 0, self.sku])

    def tell(self, score: float) -> None:
        """Take the score of what was tried."""
        self.study.tell(self.trial, score)


def _distribution(dimension: Dimension, sku: int) -> Any:
    """Return what Optuna chooses from: a place among the values that a number may take, or any number within its bounds."""
    from optuna.distributions import FloatDistribution, IntDistribution

    if dimension.points is not None:
        return IntDistribution(0, len(dimension.points) - 1)
    return FloatDistribution(float(dimension.low[sku]), float(dimension.high[sku]))
