"""Random worlds: small networks over everything the schema offers, and random decisions for them.

Numbers are small and often equal, so that limits bind, shares tie and stock runs out. All choices of a world are read from
one string of bytes: Hypothesis draws and shrinks it a hundred times faster than choices drawn one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allotment.engine.state import Decision, decision_shapes
from allotment.scenario.loader import World, world_from
from allotment.scenario.problem import Problem
from allotment.scenario.schema import PHASES

Part = dict[str, Any]
SEQUENCES = [
    list(order)
    for order in permutations([*PHASES, "expire"])
    if order.index("fulfil") > order.index("demand")
    and order.index("charge") > max(order.index("decide"), order.index("fulfil"), order.index("expire"))
]
DEFAULT = ["receive", "decide", "demand", "fulfil", "expire", "charge"]
SEQUENCES.sort(key=lambda order: order != DEFAULT)  # the default first
LEAD_TIMES = [
    *(0, 1, 2, 3),
    {"distribution": "categorical", "values": [0, 1, 3], "probabilities": [0.25, 0.5, 0.25]},
    {"distribution": "categorical", "values": [4, 1], "probabilities": [0.3, 0.7]},
    {"distribution": "shifted_poisson", "shift": 1, "mean": 1.5, "maximum": 4},
    {"distribution": "geometric", "mean": 0.8, "maximum": 3},
    {"distribution": "empirical", "samples": [0, 2, 2, 3]},
]
ENOUGH_BYTES = 2500


@dataclass(frozen=True)
class RandomWorld:
    """A world, and the scenario content it was built from."""

    content: Part
    world: World = field(repr=False)

    @property
    def problem(self) -> Problem:
        return self.world.problem

    @property
    def whole(self) -> bool:
        return self.content["units"] == "integer"


def random_worlds(**fixed: Any) -> st.SearchStrategy[RandomWorld]:
    """Draw worlds; `fixed` states top-level keys that every one of them shall have."""
    return st.binary(min_size=ENOUGH_BYTES, max_size=ENOUGH_BYTES).map(lambda data: random_world(data, fixed))


def holds_in_random_worlds(**fixed: Any) -> Callable[[Callable[[RandomWorld, int], None]], Any]:
    """Make a property of a world and a seed a test; `make fuzz` tries it on many more."""

    def test_of(holds: Callable[[RandomWorld, int], None]) -> Any:
        holds.fixed = fixed  # type: ignore[attr-defined]
        return given(random_worlds(**fixed), st.integers(0, 2**30))(holds)

    return test_of


def random_world(data: bytes, fixed: Part) -> RandomWorld:
    """Build the world whose choices are the bytes of `data`."""
    content = _content(Choices(data, fixed)) | fixed
    return RandomWorld(content, build(content))


def random_decisions(world: RandomWorld, batch: int, seed: int) -> list[Decision]:
    """Return decisions for an episode, some large, none or negative; a window goes on after its end."""
    generator = np.random.default_rng(seed)
    clock = world.problem.clock
    return [_decision(world.problem, batch, generator) for _ in range(clock.length + (0 if clock.season else 2))]


def _decision(problem: Problem, batch: int, generator: np.random.Generator) -> Decision:
    """Return a decision; now and then it leaves fulfilment to the scenario's rule."""
    parts = {name: _quantities(generator, (batch, *shape)) for name, shape in decision_shapes(problem).items()}
    if generator.random() < 0.25:
        parts["allocation"] = parts["allocation"][:, :0]
    return Decision(**parts)


def _quantities(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.round(generator.uniform(-3.0, 15.0, shape) * generator.choice([0.0, 1.0, 1.0, 4.0], shape), 1)


def build(content: Part) -> World:
    """Build a world from a scenario's content."""
    return world_from(content, "test")


class Choices:
    """The choices of one world, read one by one from bytes; zeros choose the first, which is the simplest."""

    def __init__(self, data: bytes, fixed: Part):
        self._left = iter(data)
        self.fixed = fixed
        self.units = fixed.get("units") or self.among("integer", "continuous")
        self.skus = [f"sku-{letter}" for letter in "abc"[: self.among(1, 2, 3)]]
        self.suppliers = [f"supplier-{letter}" for letter in "abc"[: self.among(1, 2, 3)]]
        self.sites = [f"site-{letter}" for letter in "abcd"[: self.among(1, 2, 3, 4)]]
        self.channels = [f"channel-{letter}" for letter in "abcd"[: self.among(1, 2, 3, 4)]]

    def among(self, *options: Any) -> Any:
        return options[next(self._left, 0) % len(options)]

    def some(self, options: list[Any]) -> list[Any]:
        return [option for option in options if self.among(False, True)]

    def shuffled(self, options: list[Any]) -> list[Any]:
        return sorted(options, key=lambda option: next(self._left, 0))

    @property
    def whole(self) -> bool:
        return bool(self.units == "integer")

    def amount(self) -> float:
        """Return a number of units, whole where units are."""
        if self.whole:
            return float(self.among(*range(26)))
        return self.among(self.among(*range(251)) / 10, self.among(*range(251)) / 10 + self.among(*range(251)) / 1000)

    def money(self) -> float:
        return self.among(*range(41)) / 4

    def gain_or_loss(self) -> float:
        return self.money() - 5.0

    def chance(self) -> float:
        return self.among(0.5, 0.9, 0.1, 0.0, 1.0)

    def share(self) -> Any:
        return self.among(self.chance(), {"uniform": [0.25, 0.75]})

    def over_time(self, choose: Any) -> Any:
        """Return one number, or one for each period of a calendar of two."""
        return choose() if self.among(True, True, False) else [choose(), choose()]

    def for_skus(self, choose: Any) -> Any:
        """Return one number for all SKUs or one for each."""
        return choose() if self.among(True, False) else {sku: choose() for sku in self.skus}

    def price(self) -> Any:
        """Return money by SKU and period."""
        return self.for_skus(lambda: self.over_time(self.money))

    def capacity(self) -> Any:
        return self.over_time(self.amount)

    def stated(self, often: bool = True, **attributes: Any) -> Part:
        """Return the attributes that a part states: each one, or none, of those given."""
        chosen = (False, True, True) if often else (False, False, False, True)
        return {key: choose() for key, choose in attributes.items() if self.among(*chosen)}


def _content(choose: Choices) -> Part:
    horizon = {
        "kind": choose.among("window", "season"),
        "periods": choose.among(*range(1, 7)),
        "warm_up": choose.among(0, 1, 2),
        **choose.stated(False, discount=lambda: 0.9, discount_rewards=lambda: True),
    }
    sequence = choose.among(DEFAULT, choose.among(*SEQUENCES))
    channels = [{"name": name, **_channel(choose)} for name in choose.channels]
    sites = [{"name": name, **_site(choose)} for name in choose.sites]
    demand, others = _demand(choose, horizon["periods"] + horizon["warm_up"])
    content = {
        "name": "random",
        "units": choose.units,
        "objective": choose.among("profit", "cost"),
        "horizon": horizon,
        "sequence": sequence,
        "decisions": _decisions(choose, sequence),
        "rationing": choose.among("proportional", "priority", "balanced", "min_shortage"),
        "remainder": choose.among("largest", "none"),
        "fulfilment": choose.among("priority", "nearest", "fair_share", "first_come", "worth"),
        "skus": [{"name": name, **_sku(choose)} for name in choose.skus],
        "suppliers": [{"name": name, **_supplier(choose)} for name in choose.suppliers],
        "sites": sites,
        "channels": channels,
        "supply_lanes": [{"from": source, "to": to, **_supply_lane(choose)} for source, to in _supply_ends(choose)],
        "fulfilment_lanes": [_fulfilment_lane(choose, *ends, channels) for ends in _serving_ends(choose)],
        "distances": _distances(choose, sorted({channel["region"] for channel in channels if "region" in channel})),
        "demand": demand,
        **others,
        "observation": {
            "demand_history": choose.among(0, 1, 2, 3),
            "history_of": choose.among("demand", "sales"),
        },
    }
    if horizon["kind"] == "window":
        horizon |= choose.stated(False, stock_value=lambda: choose.among("none", "cost"))
    free = choose.fixed.keys().isdisjoint(("decisions", "sequence", "treasury", "sites", "supply_lanes"))
    may = free and choose.fixed.get("objective", "profit") == "profit"
    return _with_treasury(choose, content) if choose.among(False, False, True) and may else content


def _with_treasury(choose: Choices, content: Part) -> Part:
    """Return a world of days in which orders need cash: too little of it now and then, terms, credit and budgets."""
    by = choose.among([], ["group"], ["region"], ["group", "region"])
    for sku in content["skus"]:
        sku |= {"group": choose.among("toys", "games")}
    for site in content["sites"]:
        site |= {"region": choose.among("north", "south")}
        if isinstance(site.get("holding_cost"), dict) and "rate" in site["holding_cost"]:
            site["holding_cost"] = site["holding_cost"] | {"excludes_capital": True}
    for lane in content["supply_lanes"]:
        lane.pop("unfilled", None)
    for channel in content["channels"]:
        channel |= choose.stated(collection=lambda: float(choose.among(1, 2, 3)))
    terms = [{"net": 2.0}, {"net": 3.0, "within": 1.0, "discount": 0.02}, {"net": 2.5, "discount": 0.1, "within": 1.0}]
    for supplier in content["suppliers"]:
        supplier |= choose.stated(terms=lambda: choose.among(*terms))
    decided, amount = choose.among(False, True), lambda: choose.among(0.0, *range(5, 200, 13))
    money = {"total": choose.among(amount(), [amount(), amount()])} if decided else {"amounts": amount()}
    budget = {"per": choose.among(1, 2, 3), "by": by, **money}
    treasury = {"cash": choose.among(1000.0, 0.0, 30.0, 100.0), "period_days": 1.0} | choose.stated(
        floor=lambda: choose.among(0.0, 20.0),
        credit_line=lambda: {"limit": choose.among(0.0, 50.0, 500.0), "rate": choose.among(0.5, 36.5), "day_count": 365},
        capital_charge=lambda: choose.among(0.1, 3.65),
        budget=lambda: budget,
    )
    if "budget" in treasury and decided:
        content["decisions"] = [*content["decisions"], "budget"]
    if choose.among(False, False, True):
        sequence, before = list(content["sequence"]), content["sequence"].index("charge")
        sequence.insert(choose.among(*range(before + 1)), "settle")
        content["sequence"] = sequence
    content["observation"] = content["observation"] | {"treasury": choose.among(True, False)}
    return content | {"objective": "profit", "treasury": treasury}


def _decisions(choose: Choices, sequence: list[str]) -> list[str]:
    """Return what the policy decides; what it sets aside must be decided before it is used."""
    others = choose.some(["allocation", "protection"]) if choose.among(False, False, True) else []
    return ["orders", *others] if sequence.index("decide") < sequence.index("fulfil") else ["orders"]


def _sku(choose: Choices) -> Part:
    return (
        {"price": choose.over_time(choose.money)}
        | choose.stated(
            unit_cost=lambda: choose.over_time(choose.money),
            case_pack=lambda: choose.among(1.0, 2.0, 6.0),
            volume=lambda: choose.among(0.0, 0.5, 1.0, 2.5),
        )
        | choose.stated(
            False,
            shelf_life=lambda: choose.among(1, 2, 3),
            issue=lambda: choose.among("fifo", "lifo"),
            waste_cost=lambda: choose.over_time(choose.money),
        )
    )


def _supplier(choose: Choices) -> Part:
    return choose.stated(capacity=choose.capacity) | choose.stated(False, fill_rate=choose.share)


def _site(choose: Choices) -> Part:
    def holding() -> Any:
        return {"rate": choose.among(0.0, 0.01, 0.25)} if choose.among(False, True) else choose.price()

    def of_plants() -> Part:
        own = {"production_yield": choose.share} if not choose.whole else {}
        stated = choose.stated(production_capacity=choose.capacity, production_cost=choose.price, **own)
        kind = {"kind": "plant", **{key.replace("production_yield", "yield"): value for key, value in stated.items()}}
        return kind if kind.get("yield", 1.0) != 0.0 else {"kind": "plant"}

    return (
        choose.stated(
            initial_stock=lambda: choose.for_skus(choose.amount),
            holding_cost=holding,
            handling=choose.capacity,
            salvage=lambda: choose.for_skus(choose.gain_or_loss),
        )
        | choose.stated(
            False,
            storage=choose.capacity,
            overflow=lambda: choose.among("reject", "charge"),
            overflow_cost=lambda: choose.over_time(choose.money),
            max_position=lambda: choose.for_skus(choose.amount),
            shrinkage=choose.chance,
            count_every=lambda: choose.among(1, 2, 3),
        )
        | (of_plants() if choose.among(False, False, True) else {})
    )


def _channel(choose: Choices) -> Part:
    unmet = choose.among("lost", "backorder", {"backorder_probability": choose.chance()})
    return (
        {"unmet": unmet}
        | choose.stated(
            region=lambda: choose.among("north", "south"),
            priority=lambda: choose.among(1, 2, 3),
            price=choose.price,
            shortage_cost=choose.price,
            backorder_cost=choose.price,
            fulfilment_history=lambda: choose.among(1.0, 0.5, 0.0),
            salvage=lambda: choose.for_skus(choose.gain_or_loss),
        )
        | choose.stated(
            False,
            due_in=lambda: choose.among(0, 1, 2),
            late_cost=choose.price,
            commitment=lambda: choose.for_skus(choose.amount),
        )
        | ({} if unmet == "lost" else _waiting(choose))
    )


def _waiting(choose: Choices) -> Part:
    """Return how long a channel waits, and with what an episode begins."""
    limit = choose.stated(max_lateness=lambda: choose.among(0, 1, 2))
    if limit.get("max_lateness") == 0:
        return limit
    return limit | choose.stated(False, initial_open=lambda: choose.for_skus(choose.amount))


def _supply_ends(choose: Choices) -> list[tuple[str, str]]:
    """Return the ends of at least one lane to each site, from suppliers and between sites, in any order."""
    first = [
        (choose.among(*choose.suppliers, *(other for other in choose.sites if other != site)), site) for site in choose.sites
    ]
    others = [ends for ends in product(choose.suppliers + choose.sites, choose.sites) if ends[0] != ends[1]]
    return choose.shuffled(first + choose.some([ends for ends in others if ends not in first]))


def _supply_lane(choose: Choices) -> Part:
    lead_time = choose.among(*LEAD_TIMES)
    if isinstance(lead_time, dict):
        drawn = choose.stated(
            draw=lambda: choose.among("lane", "sku"), crossing=lambda: choose.among("allowed", "none", "kaplan")
        )
        lead_time = lead_time | drawn
    longest = lead_time if isinstance(lead_time, int) else 3
    return (
        {"lead_time": lead_time}
        | choose.stated(
            skus=lambda: choose.some(choose.skus) or choose.skus,
            unit_cost=choose.price,
            freight=lambda: _freight(choose),
            fixed_cost=lambda: choose.over_time(choose.money),
            line_cost=choose.price,
            capacity=choose.capacity,
            minimum=lambda: choose.for_skus(lambda: choose.among(0.0, 2.0, 5.0)),
            multiple=lambda: choose.for_skus(lambda: choose.among(1.0, 3.0, 4.0)),
            in_transit_cost=choose.price,
            priority=lambda: choose.among(1, 2, 3),
        )
        | choose.stated(
            False,
            unfilled=lambda: choose.among("backlog", "dropped"),
            charged=lambda: choose.among("on_receipt", "on_shipment"),
            **({} if lead_time_is(lead_time, "kaplan") else {"lost_probability": choose.chance}),
            initial_in_transit=lambda: [choose.for_skus(choose.amount) for _ in range(choose.among(*range(longest + 1)))],
        )
    )


def lead_time_is(lead_time: Any, crossing: str) -> bool:
    """Tell how orders of a lane overtake each other."""
    return isinstance(lead_time, dict) and lead_time.get("crossing") == crossing


def _serving_ends(choose: Choices) -> list[tuple[str, str]]:
    """Return the ends of at least one lane to each channel, in any order."""
    first = [(choose.among(*choose.sites), channel) for channel in choose.channels]
    others = [ends for ends in product(choose.sites, choose.channels) if ends not in first]
    return choose.shuffled(first + choose.some(others))


def _fulfilment_lane(choose: Choices, source: str, to: str, channels: list[Part]) -> Part:
    often_equal = choose.among(True, False)
    (channel,) = (part for part in channels if part["name"] == to)
    waits = channel.get("due_in", 0) + (0 if channel["unmet"] == "lost" else channel.get("max_lateness", 2))
    return (
        {"from": source, "to": to}
        | choose.stated(
            freight=lambda: choose.among(0.0, 1.0) if often_equal else _freight(choose),
            capacity=choose.capacity,
        )
        | choose.stated(
            False,
            transit_time=lambda: choose.among(*range(waits + 1)),
            accept_probability=choose.chance,
        )
    )


def _freight(choose: Choices) -> Any:
    base = choose.price()
    return {"base": base, "per_km": choose.among(0.0, 0.01, 0.5)} if choose.among(False, True) else base


def _distances(choose: Choices, regions: list[str]) -> dict[str, dict[str, float]]:
    """Return the kilometres from every supplier and site to every site, region and channel."""
    ends = [*choose.sites, *choose.channels, *regions]
    sources = choose.suppliers + choose.sites
    return {source: {to: choose.among(0.0, 10.0, 25.5) for to in ends if to != source} for source in sources}


def _demand(choose: Choices, periods: int) -> tuple[list[Part], Part]:
    """Return the demand of all channels and SKUs, or most of them, and the sections that a part of it refers to."""
    if choose.among(False, False, False, False, True):
        return _events(choose)
    by_channel, by_sku = [{"channel": name} for name in choose.channels], [{"sku": name} for name in choose.skus]
    patterns = choose.among([{}], by_channel, by_sku)
    modulated = choose.among(False, False, True)
    entries = [{**pattern, "process": _process(choose, modulated), **_correlated(choose)} for pattern in patterns]
    others = _modulation(choose, entries) if modulated else {}
    if choose.among(False, False, True) and not (modulated and choose.whole):
        window = choose.among(None, 0, 1, 2)
        resampled = {"distribution": "empirical", "history": "past", "window": window}
        replayed = {"distribution": "trace", "history": "future", "forecast": "past", "window": window}
        chosen = choose.among(*entries)
        chosen["process"] = choose.among(resampled, replayed) | _drawn(choose)
        chosen.pop("correlation", None)
        others["histories"] = [
            {"name": name, "units": _history(choose, length)}
            for name, length in (("past", choose.among(*range(1, 7))), ("future", periods + 1))
        ]
        return entries, others
    if len(entries) > 1 and choose.among(False, False, False, True):  # nobody asks for the first, be it a channel or a SKU
        nothing = {**patterns[0], "process": {"distribution": "deterministic", "mean": 0}}
        return ([nothing] if "channel" in nothing else []) + entries[1:], others
    return entries, others


def _events(choose: Choices) -> tuple[list[Part], Part]:
    """Return demand of at most one unit a period, the channels' and the first supplier's, and no other sections."""
    each = 0.8 / (len(choose.channels) + 1)
    suppliers = {choose.suppliers[0]: each} if choose.among(False, True) else {}
    process = {"distribution": "one_of", "channels": dict.fromkeys(choose.channels, each), "suppliers": suppliers}
    return [{"sku": choose.skus[0], "process": process}], {}


def _modulation(choose: Choices, entries: list[Part]) -> Part:
    """Let demand follow goodwill, or regimes, or both; returns the sections that say how."""
    goodwill = choose.stated(
        goodwill=lambda: {
            "scope": choose.among("shared", "channel"),
            **choose.stated(decay=lambda: 0.5, growth=lambda: 1.5, cap=lambda: 1.2, floor=lambda: 0.7),
        }
    )
    regime = {"name": "market", "multipliers": [0.5, 1.0, 2.0], "transition": [[0.5, 0.25, 0.25], [0, 1, 0], [0.9, 0, 0.1]]}
    for entry in choose.some(entries) or entries[:1]:
        entry["regime"] = "market"
    stated = {"initial": lambda: choose.among(0, 1, 2), "across": lambda: choose.among("channels", "skus", "all")}
    return {"regimes": [regime | choose.stated(**stated)], **goodwill}


def _correlated(choose: Choices) -> Part:
    across = choose.among("all", "channels", "skus")
    return choose.stated(False, correlation=lambda: {"coefficient": choose.among(0.5, 1.0, 0.1), "across": across})


def _cut(choose: Choices) -> Part:
    return choose.stated(False, maximum=lambda: choose.among(2.0, 0.0, 7.0))


def _drawn(choose: Choices) -> Part:
    scaled = {} if choose.whole else {"noise_scale": lambda: choose.among(0.5, 0.0, 2.0)}
    return choose.stated(False, maximum=lambda: choose.among(2.0, 0.0, 7.0), **scaled)


def _process(choose: Choices, modulated: bool) -> Part:
    shaped = ["deterministic", "poisson", "negative_binomial", "geometric", "normal", "gamma"]
    distribution = choose.among(*shaped, *([] if modulated else ["binomial", "uniform_integer", "intermittent"]))
    if distribution == "binomial":
        return {"distribution": distribution, "trials": choose.among(*range(1, 10)), "probability": choose.chance()}
    if distribution == "uniform_integer":
        low = choose.among(0, 1, 2)
        return {"distribution": distribution, "low": low, "high": low + choose.among(*range(6)), **_cut(choose)}
    if distribution == "intermittent":
        size = {"distribution": choose.among("poisson", "geometric"), "mean": choose.among(1.0, 4.5)}
        return {"distribution": distribution, "probability": choose.chance(), "size": size}
    whole_means = choose.whole and distribution == "deterministic"
    process: Part = {"distribution": distribution, **_shape(choose, whole_means, distribution == "normal"), **_drawn(choose)}
    if distribution == "negative_binomial":
        process["dispersion"] = choose.among(1.2, 4.0)
    if distribution == "normal":
        process["standard_deviation"] = choose.among(0.0, 1.5, 8.0)
    if distribution == "gamma":
        process["coefficient_of_variation"] = choose.among(1.0, 0.3, 2.0)
    if distribution in ("normal", "gamma"):
        process["rounded"] = choose.whole or choose.among(False, True)
    return process


def _shape(choose: Choices, whole: bool, positive: bool) -> Part:
    """Return a mean and what moves it: whole numbers where demand is deterministic and units are whole."""
    means = (0.0, 1.0, 4.0) if whole else (0.0, 0.4, 2.0, 5.5, 12.0)
    scales = (1.0, 2.0) if whole else (1.0, 0.5, 2.0, 0.0)
    factors = (2.0, 1.0, 0.0) if whole else (1.5, 0.5, 0.0)
    promoted = choose.stated(sku=lambda: choose.among(*choose.skus)) | choose.stated(False, every=lambda: choose.among(3, 4))
    shape: Part = {"mean": choose.for_skus(lambda: choose.among(*means[positive:]))}
    if choose.among(False, True):
        shape["scale"] = choose.among(choose.among(*scales), {name: choose.among(*scales) for name in choose.channels})
    if choose.among(False, True):
        shape["season"] = _season(choose, whole)
    return shape | choose.stated(
        False,
        trend=lambda: 1.0 if whole else choose.among(0.1, -0.5),
        shocks=lambda: [{"period": choose.among(0, 1, 3), "multiplier": choose.among(*factors)}],
        promotions=lambda: [{"start": 1, "end": choose.among(1, 2), "multiplier": choose.among(*factors), **promoted}],
        mean_floor=lambda: 1.0 if whole else 0.3,
    )


def _season(choose: Choices, whole: bool) -> Part:
    period = choose.among(1, 2, 3, 4)
    if whole or choose.among(True, False):
        return {"period": period, "profile": [choose.among(0.0, 1.0, 2.0) for _ in range(period)]}
    return {"period": period, "amplitude": choose.among(0.0, 0.7), "peak": choose.among(0.0, 1.0, 2.3)}


def _history(choose: Choices, length: int) -> dict[str, dict[str, list[float]]]:
    part = 1.0 if choose.whole else 4.0
    return {
        channel: {sku: [choose.among(*range(12)) / part for _ in range(length)] for sku in choose.skus}
        for channel in choose.channels
    }
