"""Random worlds: small scenarios over everything the schema offers, and random orders for them.

Numbers are small and often equal, so that limits bind, shares tie and stock runs out. All choices of a world are read from
one string of bytes: Hypothesis draws and shrinks it a hundred times faster than choices drawn one by one. Recorded demand,
which a scenario file takes from a reader of outside files, is made up here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from allotment.scenario.compile import compile_scenario
from allotment.scenario.loader import World, world_from
from allotment.scenario.problem import Floats, Problem
from allotment.scenario.schema import PHASES, Scenario
from allotment.scenario.source_data import History

SEQUENCES = [
    list(order)
    for order in permutations(PHASES)
    if order[-1] == "charge" and order.index("fulfil") > max(order.index("demand"), order.index("decide"))
]
SEQUENCES.sort(key=lambda order: order != list(PHASES))  # the default first
LEAD_TIMES = [
    *(0, 1, 2, 3),
    {"distribution": "categorical", "values": [0, 1, 3], "probabilities": [0.25, 0.5, 0.25]},
    {"distribution": "categorical", "values": [4, 1], "probabilities": [0.3, 0.7]},
    {"distribution": "shifted_poisson", "shift": 1, "mean": 1.5, "maximum": 4},
    {"distribution": "shifted_poisson", "mean": 0.8, "maximum": 3},
]
ENOUGH_BYTES = 1500


@dataclass(frozen=True)
class RandomWorld:
    """A world, and the scenario content it was built from."""

    content: dict[str, Any]
    world: World = field(repr=False)

    @property
    def problem(self) -> Problem:
        return self.world.problem

    @property
    def whole(self) -> bool:
        return self.content["units"] == "integer"


def random_worlds(**fixed: Any) -> st.SearchStrategy[RandomWorld]:
    """Draw worlds; `fixed` states top-level keys that every one of them shall have."""
    return st.binary(min_size=ENOUGH_BYTES, max_size=ENOUGH_BYTES).map(lambda data: _random_world(Choices(data, fixed)))


def random_orders(world: RandomWorld, batch: int, seed: int) -> list[Floats]:
    """Return orders for an episode, each (batch, lanes, skus), some large, none or negative; a window goes on after its end."""
    generator = np.random.default_rng(seed)
    clock = world.problem.clock
    shape = (clock.length + (0 if clock.season else 2), batch, *world.problem.lanes.allowed.shape)
    return list(np.round(generator.uniform(-3.0, 15.0, shape) * generator.choice([0.0, 1.0, 1.0, 4.0], shape), 1))


def build(content: dict[str, Any], histories: dict[str, History] | None = None) -> World:
    """Build a world from a scenario's content, with made-up histories where its demand names them."""
    if not histories:
        return world_from(content, "test")
    scenario = Scenario.model_validate(content)
    return World(scenario, *compile_scenario(scenario, histories), "test", content)


class Choices:
    """The choices of one world, read one by one from bytes; zeros choose the first, which is the simplest."""

    def __init__(self, data: bytes, fixed: dict[str, Any]):
        self._left = iter(data)
        self.fixed = fixed
        self.units = fixed.get("units") or self.among("integer", "continuous")
        self.skus = [f"sku-{letter}" for letter in "abc"[: self.among(1, 2, 3)]]
        self.suppliers = [f"supplier-{letter}" for letter in "abc"[: self.among(1, 2, 3)]]
        self.sites = [f"site-{letter}" for letter in "abc"[: self.among(1, 2, 3)]]
        self.channels = [f"channel-{letter}" for letter in "abcd"[: self.among(1, 2, 3, 4)]]

    def among(self, *options: Any) -> Any:
        return options[next(self._left, 0) % len(options)]

    def some(self, options: list[Any]) -> list[Any]:
        return [option for option in options if self.among(False, True)]

    def shuffled(self, options: list[Any]) -> list[Any]:
        return sorted(options, key=lambda option: next(self._left, 0))

    def amount(self) -> float:
        """Return a number of units, whole where units are."""
        if self.units == "integer":
            return float(self.among(*range(26)))
        return self.among(self.among(*range(251)) / 10, self.among(*range(251)) / 10 + self.among(*range(251)) / 1000)

    def money(self) -> float:
        return self.among(*range(41)) / 4

    def gain_or_loss(self) -> float:
        return self.money() - 5.0

    def for_skus(self, choose: Any) -> Any:
        """Return one number for all SKUs or one for each."""
        return choose() if self.among(True, False) else {sku: choose() for sku in self.skus}

    def stated(self, **attributes: Any) -> dict[str, Any]:
        """Return the attributes that a part states: each one, or none, of those given."""
        return {key: choose() for key, choose in attributes.items() if self.among(False, True, True)}


def _random_world(choose: Choices) -> RandomWorld:
    horizon = {
        "kind": choose.among("window", "season"),
        "periods": choose.among(*range(1, 7)),
        "warm_up": choose.among(0, 1, 2),
    }
    demand, histories = _demand(choose, horizon["periods"] + horizon["warm_up"])
    channels = [{"name": name, **_channel(choose)} for name in choose.channels]
    content = {
        "name": "random",
        "units": choose.units,
        "objective": choose.among("profit", "cost"),
        "horizon": horizon,
        "sequence": choose.among(*SEQUENCES),
        "rationing": choose.among("proportional", "priority"),
        "remainder": choose.among("largest", "none"),
        "fulfilment": choose.among("priority", "nearest"),
        "skus": [{"name": name, **_sku(choose)} for name in choose.skus],
        "suppliers": [{"name": name, **choose.stated(capacity=choose.amount)} for name in choose.suppliers],
        "sites": [{"name": name, **_site(choose)} for name in choose.sites],
        "channels": channels,
        "supply_lanes": [{"from": source, "to": to, **_supply_lane(choose)} for source, to in _supply_ends(choose)],
        "fulfilment_lanes": [{"from": source, "to": to, **_fulfilment_lane(choose)} for source, to in _serving_ends(choose)],
        "distances": _distances(choose, sorted({channel["region"] for channel in channels if "region" in channel})),
        "demand": demand,
        "observation": {"demand_history": choose.among(0, 1, 2, 3)},
    } | choose.fixed
    return RandomWorld(content, build(content, histories))


def _sku(choose: Choices) -> dict[str, Any]:
    return choose.stated(unit_cost=choose.money, price=choose.money, case_pack=lambda: choose.among(1.0, 2.0, 6.0))


def _site(choose: Choices) -> dict[str, Any]:
    def holding() -> Any:
        return {"rate": choose.among(0.0, 0.01, 0.25)} if choose.among(False, True) else choose.for_skus(choose.money)

    return choose.stated(
        kind=lambda: choose.among("warehouse", "store"),
        initial_stock=lambda: choose.for_skus(choose.amount),
        holding_cost=holding,
        handling=choose.amount,
        salvage=lambda: choose.for_skus(choose.gain_or_loss),
    )


def _channel(choose: Choices) -> dict[str, Any]:
    return choose.stated(
        region=lambda: choose.among("north", "south"),
        priority=lambda: choose.among(1, 2, 3),
        price=lambda: choose.for_skus(choose.money),
        unmet=lambda: choose.among("lost", "backorder"),
        shortage_cost=lambda: choose.for_skus(choose.money),
        backorder_cost=lambda: choose.for_skus(choose.money),
        fulfilment_history=lambda: choose.among(1.0, 0.5, 0.0),
        salvage=lambda: choose.for_skus(choose.gain_or_loss),
    )


def _supply_ends(choose: Choices) -> list[tuple[str, str]]:
    """Return the ends of at least one lane to each site, from suppliers and between sites, in any order."""
    first = [(choose.among(*choose.suppliers), site) for site in choose.sites]
    others = [ends for ends in product(choose.suppliers + choose.sites, choose.sites) if ends[0] != ends[1]]
    return choose.shuffled(first + choose.some([ends for ends in others if ends not in first]))


def _supply_lane(choose: Choices) -> dict[str, Any]:
    return choose.stated(
        skus=lambda: choose.some(choose.skus) or choose.skus,
        lead_time=lambda: choose.among(*LEAD_TIMES),
        unit_cost=lambda: choose.for_skus(choose.money),
        freight=lambda: _freight(choose),
        fixed_cost=choose.money,
        line_cost=lambda: choose.for_skus(choose.money),
        capacity=choose.amount,
        minimum=lambda: choose.for_skus(lambda: choose.among(0.0, 2.0, 5.0)),
        multiple=lambda: choose.for_skus(lambda: choose.among(1.0, 3.0, 4.0)),
        in_transit_cost=lambda: choose.for_skus(choose.money),
        priority=lambda: choose.among(1, 2, 3),
    )


def _serving_ends(choose: Choices) -> list[tuple[str, str]]:
    """Return the ends of at least one lane to each channel, in any order."""
    first = [(choose.among(*choose.sites), channel) for channel in choose.channels]
    others = [ends for ends in product(choose.sites, choose.channels) if ends not in first]
    return choose.shuffled(first + choose.some(others))


def _fulfilment_lane(choose: Choices) -> dict[str, Any]:
    often_equal = choose.among(True, False)
    return choose.stated(
        freight=lambda: choose.among(0.0, 1.0) if often_equal else _freight(choose),
        capacity=choose.amount,
    )


def _freight(choose: Choices) -> Any:
    base = choose.for_skus(choose.money)
    return {"base": base, "per_km": choose.among(0.0, 0.01, 0.5)} if choose.among(False, True) else base


def _distances(choose: Choices, regions: list[str]) -> dict[str, dict[str, float]]:
    """Return the kilometres from every supplier and site to every site, region and channel."""
    ends = [*choose.sites, *choose.channels, *regions]
    sources = choose.suppliers + choose.sites
    return {source: {to: choose.among(0.0, 10.0, 25.5) for to in ends if to != source} for source in sources}


def _demand(choose: Choices, periods: int) -> tuple[list[dict[str, Any]], dict[str, History]]:
    """Return the demand of all channels and SKUs, or most of them, and the histories that a part of it may name."""
    by_channel, by_sku = [{"channel": name} for name in choose.channels], [{"sku": name} for name in choose.skus]
    patterns = choose.among([{}], by_channel, by_sku)
    entries = [{**pattern, "process": _process(choose)} for pattern in patterns]
    if choose.among(False, False, True):
        window = choose.among(None, 0, 1, 2)
        resampled = {"distribution": "empirical", "history": "past", "window": window}
        replayed = {"distribution": "trace", "history": "future", "forecast": "past", "window": window}
        choose.among(*entries)["process"] = choose.among(resampled, replayed)
        return entries, {"past": _history(choose, choose.among(*range(1, 7))), "future": _history(choose, periods + 1)}
    return entries[choose.among(0, 0, 0, len(entries) > 1) :], {}


def _process(choose: Choices) -> dict[str, Any]:
    whole = choose.units == "integer"
    distributions = ["deterministic", "poisson", "negative_binomial", "geometric", "binomial", "uniform_integer"]
    distribution = choose.among(*distributions, *(["normal"] * 3 * (not whole)))
    if distribution == "binomial":
        return {"distribution": distribution, "trials": choose.among(*range(1, 10)), "probability": choose.among(0.3, 0.0, 1.0)}
    if distribution == "uniform_integer":
        low = choose.among(0, 1, 2)
        return {"distribution": distribution, "low": low, "high": low + choose.among(*range(6))}
    whole_means = whole and distribution == "deterministic"
    means = (0.0, 1.0, 4.0) if whole_means else (0.0, 0.4, 2.0, 5.5, 12.0)
    scales = (1.0, 2.0) if whole_means else (1.0, 0.5, 2.0, 0.0)
    process: dict[str, Any] = {"distribution": distribution, "mean": choose.for_skus(lambda: choose.among(*means))}
    if choose.among(False, True):
        process["scale"] = choose.among(choose.among(*scales), {name: choose.among(*scales) for name in choose.channels})
    if choose.among(False, True):
        process["season"] = _season(choose, whole_means)
    if distribution == "negative_binomial":
        process["dispersion"] = choose.among(1.2, 4.0)
    if distribution == "normal":
        process["standard_deviation"] = choose.among(0.0, 1.5, 8.0)
    return process


def _season(choose: Choices, whole: bool) -> dict[str, Any]:
    period = choose.among(1, 2, 3, 4)
    if whole or choose.among(True, False):
        return {"period": period, "profile": [choose.among(0.0, 1.0, 2.0) for _ in range(period)]}
    return {"period": period, "amplitude": choose.among(0.0, 0.7), "peak": choose.among(0.0, 1.0, 2.3)}


def _history(choose: Choices, length: int) -> History:
    units = [[[choose.among(*range(12)) for _ in choose.skus] for _ in choose.channels] for _ in range(length)]
    return History(choose.channels, choose.skus, np.array(units) / (1.0 if choose.units == "integer" else 4.0))
