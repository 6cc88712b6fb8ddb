"""Goodwill and regimes as arrays: what multiplies the mean of demand and follows from the past."""

from __future__ import annotations

import numpy as np

from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Modulation
from allotment.scenario.schema import Scenario
from allotment.scenario.sizes import check_numbers
from allotment.scenario.streams import stream_key


def compile_modulation(scenario: Scenario) -> Modulation:
    """Return goodwill groups and regimes."""
    channels, skus = [part.name for part in scenario.channels], [part.name for part in scenario.skus]
    states = max([len(regime.multipliers) for regime in scenario.regimes], default=1)
    count = len(scenario.regimes)
    check_numbers("regimes", {"chains": count, "states": states, "next states": states})
    multiplier, transition = np.ones((count, states)), np.ones((count, states, states))
    for row, regime in enumerate(scenario.regimes):
        own = len(regime.multipliers)
        multiplier[row, :own] = regime.multipliers
        transition[row, :own, : own - 1] = np.cumsum(regime.transition, axis=1)[:, : own - 1]
    return Modulation(
        goodwill_group=_groups(scenario, len(channels)),
        goodwill=_goodwill(scenario),
        regime=_regimes(scenario, channels, skus),
        multiplier=multiplier,
        transition=transition,
        initial=np.array([regime.initial for regime in scenario.regimes], dtype=np.int64),
        stream=np.array([stream_key("regime", regime.name) for regime in scenario.regimes], dtype=np.uint64),
    )


def _groups(scenario: Scenario, channels: int) -> np.ndarray:
    if scenario.goodwill is None:
        return np.full(channels, -1)
    return np.arange(channels) if scenario.goodwill.scope == "channel" else np.zeros(channels, dtype=np.int64)


def _goodwill(scenario: Scenario) -> np.ndarray:
    goodwill = scenario.goodwill
    return np.ones(4) if goodwill is None else np.array([goodwill.growth, goodwill.decay, goodwill.cap, goodwill.floor])


def _regimes(scenario: Scenario, channels: list[str], skus: list[str]) -> np.ndarray:
    names = [regime.name for regime in scenario.regimes]
    found = np.full((len(channels), len(skus)), -1)
    for position, declared in enumerate(scenario.demand):
        if declared.regime is not None:
            if declared.regime not in names:
                raise ScenarioError(
                    f"demand[{position}].regime: nothing is called {declared.regime!r}; {nearest(declared.regime, names)}"
                )
            where = f"demand[{position}]"
            rows, columns = (matching(each, of, where) for each, of in ((declared.channel, channels), (declared.sku, skus)))
            found[np.ix_(rows, columns)] = names.index(declared.regime)
    return found
