"""Random worlds: small scenarios over everything the schema offers, and random orders for them.

Numbers are small and often equal, so that limits bind, shares tie and stock runs out. Recorded demand, which a scenario
file takes from a reader of outside files, is made up here.
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
MEANS = [0.0, 0.4, 2.0, 5.5, 12.0]  # units/period
CYCLES = [1, 2, 3, 4]  # periods


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


def build(content: dict[str, Any], histories: dict[str, History] | None = None) -> World:
    """Build a world from a scenario's content, with made-up histories where its demand names them."""
    if not histories:
        return world_from(content, "test")
    scenario = Scenario.model_validate(content)
    return World(scenario, *compile_scenario(scenario, histories), "test", content)


@st.composite
def random_worlds(draw: st.DrawFn, **fixed: Any) -> RandomWorld:
    """Draw a world; `fixed` states top-level keys that every world shall have."""
    units = fixed.get("units", draw(st.sampled_from(["integer", "continuous"])))
    amount = whole_amounts if units == "integer" else decimal_amounts
    names = {
        "skus": _names(draw, "sku", 3),
        "suppliers": _names(draw, "supplier", 3),
        "sites": _names(draw, "site", 3),
        "channels": _names(draw, "channel", 4),
    }
    horizon = {
        "kind": draw(st.sampled_from(["window", "season"])),
        "periods": draw(st.integers(1, 6)),
        "warm_up": draw(st.integers(0, 2)),
    }
    demand, histories = draw(_demands(names, units, horizon["periods"] + horizon["warm_up"]))
    content = {
        "name": "random",
        "units": units,
        "objective": draw(st.sampled_from(["profit", "cost"])),
        "horizon": horizon,
        "sequence": draw(st.sampled_from(SEQUENCES)),
        "rationing": draw(st.sampled_from(["proportional", "priority"])),
        "remainder": draw(st.sampled_from(["largest", "none"])),
        "fulfilment": draw(st.sampled_from(["priority", "nearest"])),
        "skus": [draw(_skus(name)) for name in names["skus"]],
        "suppliers": [draw(_parts(name=name, capacity=_maybe(amount))) for name in names["suppliers"]],
        "sites": [draw(_sites(name, names["skus"], amount)) for name in names["sites"]],
        "channels": [draw(_channels(name, names["skus"])) for name in names["channels"]],
        "supply_lanes": draw(_supply_lanes(names, amount)),
        "fulfilment_lanes": draw(_fulfilment_lanes(names, amount)),
        "distances": draw(_distances(names)),
        "demand": demand,
        "observation": {"demand_history": draw(st.integers(0, 3))},
    } | fixed
    return RandomWorld(content, build(content, histories))


def random_orders(world: RandomWorld, batch: int, seed: int) -> list[Floats]:
    """Return orders for an episode, each (batch, lanes, skus), some large, none or negative; a window goes on after its end."""
    generator = np.random.default_rng(seed)
    clock = world.problem.clock
    shape = (clock.length + (0 if clock.season else 2), batch, *world.problem.lanes.allowed.shape)
    return list(np.round(generator.uniform(-3.0, 15.0, shape) * generator.choice([0.0, 1.0, 1.0, 4.0], shape), 1))


whole_amounts = st.integers(0, 25).map(float)
decimal_amounts = st.integers(0, 250).map(lambda tenths: tenths / 10) | st.floats(0.0, 25.0).map(lambda units: round(units, 3))
prices = st.integers(0, 40).map(lambda quarters: quarters / 4)
salvages = st.integers(-20, 20).map(lambda quarters: quarters / 4)


def _names(draw: st.DrawFn, stem: str, most: int) -> list[str]:
    return [f"{stem}-{letter}" for letter in "abcd"[: draw(st.integers(1, most))]]


def _maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | values


def _per_sku(values: st.SearchStrategy, skus: list[str]) -> st.SearchStrategy:
    """Draw one number for all SKUs or one for each."""
    return values | st.fixed_dictionaries({sku: values for sku in skus})


@st.composite
def _parts(draw: st.DrawFn, name: str, **attributes: st.SearchStrategy) -> dict[str, Any]:
    """Draw a part of a scenario in which any attribute may be left to its default."""
    stated = st.sampled_from([False, True, True])
    return {"name": name, **{key: draw(values) for key, values in attributes.items() if draw(stated)}}


def _skus(name: str) -> st.SearchStrategy:
    return _parts(name=name, unit_cost=prices, price=prices, case_pack=st.sampled_from([1.0, 2.0, 6.0]))


def _sites(name: str, skus: list[str], amount: st.SearchStrategy) -> st.SearchStrategy:
    return _parts(
        name=name,
        kind=st.sampled_from(["warehouse", "store"]),
        initial_stock=_per_sku(amount, skus),
        holding_cost=_per_sku(prices, skus) | st.fixed_dictionaries({"rate": st.sampled_from([0.0, 0.01, 0.25])}),
        handling=_maybe(amount),
        salvage=_per_sku(salvages, skus),
    )


def _channels(name: str, skus: list[str]) -> st.SearchStrategy:
    return _parts(
        name=name,
        region=st.sampled_from(["north", "south"]),
        priority=st.integers(1, 3),
        price=_maybe(_per_sku(prices, skus)),
        unmet=st.sampled_from(["lost", "backorder"]),
        shortage_cost=_per_sku(prices, skus),
        backorder_cost=_per_sku(prices, skus),
        fulfilment_history=st.sampled_from([0.0, 0.5, 1.0]),
        salvage=_per_sku(salvages, skus),
    )


def _freight(skus: list[str]) -> st.SearchStrategy:
    by_distance = st.fixed_dictionaries({"base": _per_sku(prices, skus), "per_km": st.sampled_from([0.0, 0.01, 0.5])})
    return _per_sku(prices, skus) | by_distance


lead_times = st.one_of(
    st.integers(0, 3),
    st.sampled_from(
        [
            {"distribution": "categorical", "values": [0, 1, 3], "probabilities": [0.25, 0.5, 0.25]},
            {"distribution": "categorical", "values": [4, 1], "probabilities": [0.3, 0.7]},
            {"distribution": "shifted_poisson", "shift": 1, "mean": 1.5, "maximum": 4},
            {"distribution": "shifted_poisson", "mean": 0.8, "maximum": 3},
        ]
    ),
)


@st.composite
def _supply_lanes(draw: st.DrawFn, names: dict[str, list[str]], amount: st.SearchStrategy) -> list[dict[str, Any]]:
    """Draw at least one lane to each site, from suppliers and between sites, in any order."""
    skus, sites = names["skus"], names["sites"]
    first = [(draw(st.sampled_from(names["suppliers"])), site) for site in sites]
    others = [ends for ends in product(names["suppliers"] + sites, sites) if ends[0] != ends[1] and ends not in first]
    ends = first + [pair for pair in others if draw(st.booleans())]
    return [
        {"from": source, "to": to}
        | draw(
            _parts(
                name="",
                skus=st.lists(st.sampled_from(skus), min_size=1, unique=True),
                lead_time=lead_times,
                unit_cost=_maybe(_per_sku(prices, skus)),
                freight=_freight(skus),
                fixed_cost=prices,
                line_cost=_per_sku(prices, skus),
                capacity=_maybe(amount),
                minimum=_per_sku(st.sampled_from([0.0, 2.0, 5.0]), skus),
                multiple=_maybe(_per_sku(st.sampled_from([1.0, 3.0, 4.0]), skus)),
                in_transit_cost=_per_sku(prices, skus),
                priority=st.integers(1, 3),
            ).map(_nameless)
        )
        for source, to in draw(st.permutations(ends))
    ]


def _nameless(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "name"}


@st.composite
def _fulfilment_lanes(draw: st.DrawFn, names: dict[str, list[str]], amount: st.SearchStrategy) -> list[dict[str, Any]]:
    """Draw at least one lane to each channel."""
    first = [(draw(st.sampled_from(names["sites"])), channel) for channel in names["channels"]]
    ends = first + [pair for pair in product(names["sites"], names["channels"]) if pair not in first and draw(st.booleans())]
    few = prices.map(lambda price: price // 5)  # so that lanes often cost the same
    return [
        {"from": site, "to": channel}
        | draw(_parts(name="", freight=few | _freight(names["skus"]), capacity=_maybe(amount)).map(_nameless))
        for site, channel in draw(st.permutations(ends))
    ]


@st.composite
def _distances(draw: st.DrawFn, names: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """Draw the kilometres from every supplier and site to every site, region and channel."""
    ends = names["sites"] + names["channels"] + ["north", "south"]
    kilometres = st.sampled_from([0.0, 10.0, 25.5])
    return {source: {to: draw(kilometres) for to in ends if to != source} for source in names["suppliers"] + names["sites"]}


seasons = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"period": st.sampled_from(CYCLES), "amplitude": st.sampled_from([0.0, 0.7]), "peak": st.floats(0, 4)}
    ),
    st.sampled_from(CYCLES).flatmap(
        lambda period: st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=period, max_size=period).map(
            lambda profile: {"period": period, "profile": profile}
        )
    ),
)


@st.composite
def _processes(draw: st.DrawFn, names: dict[str, list[str]], units: str) -> dict[str, Any]:
    distributions = ["poisson", "negative_binomial", "geometric", "binomial", "uniform_integer", "deterministic"]
    distribution = draw(st.sampled_from(distributions + ["normal"] * 4 * (units == "continuous")))
    if distribution == "binomial":
        probability = draw(st.sampled_from([0.0, 0.3, 1.0]))
        return {"distribution": distribution, "trials": draw(st.integers(1, 9)), "probability": probability}
    if distribution == "uniform_integer":
        low = draw(st.integers(0, 3))
        return {"distribution": distribution, "low": low, "high": low + draw(st.integers(0, 5))}
    fractions = distribution != "deterministic" or units == "continuous"
    mean = st.sampled_from(MEANS if fractions else [0.0, 1.0, 4.0])
    scale = st.sampled_from([0.0, 0.5, 1.0, 2.0] if fractions else [1.0, 2.0])
    season = draw(seasons)
    if not fractions and season and "profile" not in season:
        season = None
    process: dict[str, Any] = {"distribution": distribution, "mean": draw(_per_sku(mean, names["skus"])), "season": season}
    if draw(st.booleans()):
        process["scale"] = draw(scale | st.fixed_dictionaries({channel: scale for channel in names["channels"]}))
    if distribution == "negative_binomial":
        process["dispersion"] = draw(st.sampled_from([1.2, 4.0]))
    if distribution == "normal":
        process["standard_deviation"] = draw(st.sampled_from([0.0, 1.5, 8.0]))
    return process


@st.composite
def _demands(
    draw: st.DrawFn, names: dict[str, list[str]], units: str, periods: int
) -> tuple[list[dict[str, Any]], dict[str, History]]:
    """Draw the demand of some or all channels and SKUs, at most one part of it from a history."""
    if draw(st.booleans()):
        patterns = [{"channel": channel} for channel in names["channels"]]
    else:
        patterns = [{"sku": sku} for sku in names["skus"]]
    entries = [{**pattern, "process": draw(_processes(names, units))} for pattern in patterns]
    if not draw(st.integers(0, 2)):
        recorded = draw(st.integers(0, len(entries) - 1))
        window = draw(_maybe(st.integers(0, 2)))
        resampled = {"distribution": "empirical", "history": "past", "window": window}
        replayed = {"distribution": "trace", "history": "future", "forecast": "past", "window": window}
        entries[recorded]["process"] = draw(st.sampled_from([resampled, replayed]))
        return entries, _histories(names, units, periods, draw(st.integers(0, 99)))
    return entries, {}


def _histories(names: dict[str, list[str]], units: str, periods: int, seed: int) -> dict[str, History]:
    """Make up a past and, as long as the horizon at least, a future."""
    generator = np.random.default_rng(seed)

    def recorded(length: int) -> History:
        shape = (length, len(names["channels"]), len(names["skus"]))
        demand = generator.integers(0, 12, shape) / (1.0 if units == "integer" else 4.0)
        return History(names["channels"], names["skus"], demand)

    return {"past": recorded(int(generator.integers(1, 7))), "future": recorded(periods + int(generator.integers(0, 3)))}
