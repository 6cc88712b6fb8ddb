"""What searches for parameters have in common: what they find, and the candidates that ranges allow.

Money is kept by SKU, so candidates differ by SKU as well, and a single simulation judges one candidate of every SKU. SKUs that
share a capacity are coupled all the same: what was best of each by itself is kept only if it is best together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.fitting.replications import Replications
from allotment.policies.parameters import Parameter, parameter_values
from allotment.policies.rule_config import RulePolicy
from allotment.policies.tuning_config import Range
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats, Integers

MOST_POINTS = 100_000  # that a grid may have
Told = Callable[[int, int, float], None]  # how much is done, of how much, score so far


@dataclass(frozen=True)
class Tuned:
    """The best policy found, and its mean score per measured period in the worlds of the search, where luck flatters it."""

    policy: RulePolicy
    score: float
    candidates: int  # that were compared


@dataclass(frozen=True)
class Dimension:
    """A number in which candidates differ, by SKU: a parameter's value at one site, or at none where it has no sites."""

    parameter: Parameter
    site: int | None
    low: Floats  # (K,)
    high: Floats  # (K,)
    points: Floats | None  # (n, K) values that it may take; none = any from low to high

    @property
    def is_open(self) -> bool:
        """Tell whether it may take more than one value."""
        return len(self.points) > 1 if self.points is not None else bool((self.high > self.low).any())


class Space:
    """The candidates of a search: a policy with other values of the parameters that are tuned."""

    def __init__(self, policy: RulePolicy, parameters: Sequence[Parameter]) -> None:
        self.policy, self.where = policy, f"{policy.name}: tuning.ranges"
        ranges = policy.config.tuning.ranges
        _check_ranges(ranges, [parameter.name for parameter in parameters], policy)
        self.dimensions = [each for one in parameters for each in self._of(one, ranges[one.name])]

    def _of(self, parameter: Parameter, given: Range) -> list[Dimension]:
        where, world = f"{self.where}.{parameter.name}", self.policy.world
        points, low, high = _points(parameter, given, world, where)
        if points is None and self.policy.config.tuning.sampler is None:
            method = self.policy.config.tuning.method
            raise ScenarioError(f"{where} needs a step, or values, for search: {method}; only samplers search all numbers")
        if low.ndim == 1:
            return [Dimension(parameter, None, low, high, None if points is None else _without_repeats(points))]
        rows = [None if points is None else _without_repeats(points[:, row]) for row in range(len(low))]
        return [Dimension(parameter, row, low[row], high[row], of_site) for row, of_site in enumerate(rows)]

    @property
    def skus(self) -> int:
        """Return K, the number of SKUs."""
        return len(self.policy.world.names.skus)

    def candidate(self, numbers: Floats) -> RulePolicy:
        """Return the policy in which each dimension has its numbers, (dimensions, K)."""
        values = dict(self.policy.values)
        for dimension, row in zip(self.dimensions, numbers, strict=True):
            name, place = dimension.parameter.name, ... if dimension.site is None else dimension.site
            values[name] = values[name].copy()
            values[name][place] = row
        return self.policy.with_values(values)

    def grid(self) -> Grid:
        """Return the candidates one by one; `ScenarioError` with their number where they are too many."""
        lengths = tuple(len(each.points) for each in self.dimensions if each.points is not None)
        size = math.prod(lengths)
        if size > MOST_POINTS:
            product = f" ({' × '.join(f'{length:,}' for length in lengths if length > 1)})" if len(lengths) > 1 else ""
            raise ScenarioError(
                f"{self.where}: {size:,} candidates{product} are more than {MOST_POINTS:,}; "
                "narrow the ranges, take larger steps, or let a sampler choose (sampler: tpe)"
            )
        return Grid(self, lengths, size)


@dataclass(frozen=True)
class Grid:
    """All candidates of a space, by their place."""

    space: Space
    lengths: tuple[int, ...]
    size: int

    def numbers(self, places: Integers) -> Floats:
        """Return the numbers of the candidate that stands at a place for each SKU (K,), (dimensions, K)."""
        indices = np.unravel_index(places, self.lengths)
        skus = np.arange(self.space.skus)
        return np.stack([each.points[at, skus] for each, at in zip(self.space.dimensions, indices, strict=True)])  # type: ignore[index]


class Best:
    """The best numbers so far: of each SKU by itself, and of all SKUs together."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.scores = np.full(space.skus, -np.inf)
        self.apart = self.together = np.zeros((len(space.dimensions), space.skus))
        self.total = -np.inf

    def see(self, numbers: Floats, scores: Floats) -> None:
        """Take notice of a candidate's numbers (dimensions, K) and scores (K,)."""
        self.apart = np.where(scores > self.scores, numbers, self.apart)
        self.scores = np.maximum(scores, self.scores)
        if scores.sum() > self.total:
            self.total, self.together = float(scores.sum()), numbers

    def chosen(self, played: Replications) -> Tuned:
        """Return what is best: the best of each SKU, played together, or the best candidate of all."""
        if not np.array_equal(self.apart, self.together):
            self.see(self.apart, played.by_sku(self.space.candidate(self.apart)))
        return Tuned(self.space.candidate(self.together), self.total, played.candidates)


def _check_ranges(ranges: Mapping[str, Range], tuned: list[str], policy: RulePolicy) -> None:
    """Refuse a range of what is not tuned, and a parameter that is tuned without one."""
    where = f"{policy.name}: tuning.ranges"
    for name in ranges:
        if name not in tuned:
            raise ScenarioError(f"{where}.{name}: is not tuned; {nearest(name, tuned) if tuned else 'nothing is'}")
    for name in tuned:
        if name not in ranges:
            search = policy.config.tuning.method
            raise ScenarioError(f"{where}.{name} is missing: {search} needs low and high, or values, of all that is tuned")


def _points(parameter: Parameter, given: Range, world: World, where: str) -> tuple[Floats | None, Floats, Floats]:
    """Return the values that a parameter may take, (n, …) in its shape or none for all, and its bounds in its shape."""
    if given.values is not None:
        rows = [parameter_values(parameter, value, world, f"{where}.values") for value in given.values]
        points = parameter.legal(np.stack(rows), world)
        return points, points.min(axis=0), points.max(axis=0)
    low = parameter_values(parameter, given.low, world, f"{where}.low")
    high = parameter_values(parameter, given.high, world, f"{where}.high")
    if (high < low).any():
        raise ScenarioError(f"{where}.high must be >= low")
    step = _step(parameter, given.step, world, f"{where}.step")
    if step is None:
        return None, low, high
    steps = np.floor((high - low) / step + 1e-9)
    if steps.max() >= MOST_POINTS:
        raise ScenarioError(f"{where}: {steps.max() + 1:,.0f} values are more than {MOST_POINTS:,}; take larger steps")
    numbers = np.arange(steps.max() + 1).reshape(-1, *(1,) * low.ndim)
    return parameter.legal(low + np.minimum(numbers, steps) * step, world), low, high


def _without_repeats(points: Floats) -> Floats:
    """Leave out points (n, K) that are those before them again: rounded to whole units, or beyond what the site may take."""
    return points[np.concatenate([[True], (points[1:] != points[:-1]).any(axis=1)])]


def _step(parameter: Parameter, given: Any, world: World, where: str) -> Floats | None:
    """Return the step of a range in the parameter's shape; none where it may take any number."""
    if given is None:
        return np.ones(parameter.shape(world)) if parameter.whole and world.problem.rules.whole else None
    step = parameter_values(parameter, given, world, where)
    if (step <= 0.0).any():
        raise ScenarioError(f"{where} must be > 0")
    return step
