"""Goodwill and regimes as arrays: what multiplies the mean of demand and follows from the past."""

from __future__ import annotations

import numpy as np

from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Modulation
from allotment.scenario.schema import Regime, Scenario
from allotment.scenario.sizes import check_numbers
from allotment.scenario.streams import stream_key


def compile_modulation(scenario: Scenario) -> Modulation:
    """Return goodwill groups and regimes."""
    channels, skus = [part.name for part in scenario.channels], [part.name for part in scenario.skus]
    states = max([len(regime.multipliers) for regime in scenario.regimes], default=1)
    chains = [(regime, names) for regime in scenario.regimes for names in _chains(regime, channels, skus)]
    count = len(chains)
    check_numbers("regimes", {"chains": count, "states": states, "next states": states})
    multiplier, transition = np.ones((count, states)), np.ones((count, states, states))
    for row, (regime, _) in enumerate(chains):
        own = len(regime.multipliers)
        multiplier[row, :own] = regime.multipliers
        transition[row, :own, : own - 1] = np.cumsum(regime.transition, axis=1)[:, : own - 1]
    return Modulation(
        goodwill_group=_groups(scenario, len(channels)),
        goodwill=_goodwill(scenario),
        regime=_regimes(scenario, channels, skus),
        multiplier=multiplier,
        transition=transition,
        initial=np.array([regime.initial for regime, _ in chains], dtype=np.int64),
        stream=np.array([stream_key("regime", regime.name, *names) for regime, names in chains], dtype=np.uint64),
    )


def _groups(scenario: Scenario, channels: int) -> np.ndarray:
    if scenario.goodwill is None:
        return np.full(channels, -1)
    return np.arange(channels) if scenario.goodwill.scope == "channel" else np.zeros(channels, dtype=np.int64)


def _goodwill(scenario: Scenario) -> np.ndarray:
    goodwill = scenario.goodwill
    return np.ones(4) if goodwill is None else np.array([goodwill.growth, goodwill.decay, goodwill.cap, goodwill.floor])


def _chains(regime: Regime, channels: list[str], skus: list[str]) -> list[tuple[str, ...]]:
    """Return what tells a regime's chains apart: a name of each SKU or channel, or nothing where there is one chain."""
    chains: dict[str, list[tuple[str, ...]]] = {
        "channels": [(sku,) for sku in skus],
        "skus": [(channel,) for channel in channels],
        "all": [()],
    }
    return chains[regime.across]


def _regimes(scenario: Scenario, channels: list[str], skus: list[str]) -> np.ndarray:
    """Return the chain of each channel and SKU, (channels, skus), -1 for none."""
    names = [regime.name for regime in scenario.regimes]
    own = [len(_chains(regime, channels, skus)) for regime in scenario.regimes]
    first, moves = np.cumsum([0, *own]), {"channels": (0, 1), "skus": (1, 0), "all": (0, 0)}
    found = np.full((len(channels), len(skus)), -1)
    for position, declared in enumerate(scenario.demand):
        if declared.regime is not None:
            if declared.regime not in names:
                raise ScenarioError(
                    f"demand[{position}].regime: nothing is called {declared.regime!r}; {nearest(declared.regime, names)}"
                )
            where = f"demand[{position}]"
            rows, columns = (matching(each, of, where) for each, of in ((declared.channel, channels), (declared.sku, skus)))
            row, column = moves[scenario.regimes[names.index(declared.regime)].across]
            offsets = row * np.array(rows)[:, None] + column * np.array(columns)
            found[np.ix_(rows, columns)] = first[names.index(declared.regime)] + offsets
    return found
