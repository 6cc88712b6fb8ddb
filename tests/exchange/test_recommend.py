"""A policy answers a snapshot with the very decision it takes in the simulation, and with nothing that cannot be done."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.decisions.encodings import OrderUpTo, Quantity, Residual
from allotment.decisions.observation import observe
from allotment.engine.memory import Memory
from allotment.exchange.register import Register
from allotment.exchange.snapshot import Snapshot, SnapshotError
from allotment.policies.networks import NetworkShape
from allotment.policies.sources import CHEAPEST, FASTEST, source_lanes
from allotment.scenario.problem import REASONS
from allotment.simulation.simulation import Simulation
from random_worlds import RandomWorld, random_worlds
from small_policies import BASE_STOCK, network, rule
from small_worlds import two_shops

RULES = [
    BASE_STOCK,
    {"policy": "s_S", "parameters": {"reorder_point": 6, "gap": 9}},
    {"policy": "random", "parameters": {"seed": 4}},
]
OF_ONE = {"policy": "newsvendor", "parameters": {"safety_factor": 1}}
OF_TWO_SOURCES = {"policy": "dual_newsvendor", "parameters": {"expedite_factor": 0, "safety_factor": 1}}
SHAPES = [NetworkShape("mlp", [8], "relu"), NetworkShape("lstm", [8], "tanh", memory=3)]


def policies(world):
    encodings = [Quantity(world), OrderUpTo(world), corrected(world) if corrected(world).size else Quantity(world)]
    two_sources = (source_lanes(world, CHEAPEST) != source_lanes(world, FASTEST)).any()
    return [rule(world, config) for config in [*RULES, OF_TWO_SOURCES if two_sources else OF_ONE]] + [
        network(world, s, e) for s, e in zip(SHAPES * 2, encodings, strict=False)
    ]


def corrected(world):
    """Return corrections of a rule's orders, and of what else the world leaves to policies."""
    left = {"allocation": world.problem.rules.allocates, "protection": world.problem.rules.protects}
    return Residual(world, rule(world), also_corrects=tuple(name for name, open_ in left.items() if open_))


def sent(snapshot: Snapshot) -> dict:
    """Return a snapshot as it arrives after travelling as text."""
    return json.loads(snapshot.model_dump_json(by_alias=True))


def array_of(entries, register, value):
    """Return plan entries as an array (lanes, SKUs)."""
    array = np.zeros(register.world.problem.lanes.allowed.shape)
    for entry in entries:
        array[register.lanes[entry.source, entry.to], register.skus[entry.sku]] = getattr(entry, value)
    return array


def left_to_chance(world: RandomWorld) -> bool:
    """Tell whether what is executed depends on what a snapshot does not say.

    Suppliers' and plants' luck, losses not yet counted, and what sites have handled already where fulfilment comes first.
    """
    if world.content["sequence"].index("fulfil") < world.content["sequence"].index("decide"):
        return True
    suppliers, sites = world.problem.suppliers, world.problem.sites
    luck = (suppliers.fill_low < 1.0).any() or (suppliers.event_low <= 1.0).any()
    return bool(luck or (sites.yield_low < sites.yield_high).any() or sites.shrinkage.any())


@given(random_worlds(), st.integers(0, 2**40), st.integers(0, 6))
def test_recommending_from_a_simulated_state_is_the_policys_own_action(world: RandomWorld, seed, which):
    policy = policies(world.world)[which]
    register, simulation, memory = Register(world.world), Simulation(world.problem, 2), None
    simulation.reset(np.arange(2), np.array([seed, seed + 1]), np.zeros(2, dtype=int))
    for _ in range(world.problem.clock.length):
        snapshots = [register.snapshot(simulation.state, place, memory) for place in range(2)]
        plans = policy.recommend([sent(snapshot) for snapshot in snapshots])
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory
        flows = simulation.step(decision)
        for place, plan in enumerate(plans):
            executed = array_of(plan.orders, register, "units")
            requested = array_of(plan.orders, register, "requested")
            rounding = 0.0 if world.whole else 1e-6  # where units are continuous, parts are summed in another order
            assert requested == pytest.approx(
                np.where(decision.orders[place] > 1e-9, decision.orders[place], 0.0), abs=rounding
            )
            assert plan.memory == (None if memory is None else memory[place].tolist())
            if left_to_chance(world) or not world.whole:
                continue
            assert np.array_equal(executed, flows.executed[place])
            reasons = {(order.source, order.to, order.sku): order.reason for order in plan.orders}
            for (lane, sku), code in np.ndenumerate(flows.cut_reason[place]):
                if requested[lane, sku] or executed[lane, sku]:
                    assert reasons[(*register.ends[lane], world.world.names.skus[sku])] == REASONS[code]


@given(random_worlds(), st.integers(0, 2**40), st.integers(0, 6))
def test_a_plan_can_be_executed_against_its_snapshot(world: RandomWorld, seed, which):
    policy = policies(world.world)[which]
    register, simulation = Register(world.world), Simulation(world.problem, 1)
    simulation.reset(np.arange(1), np.array([seed]), np.zeros(1, dtype=int))
    problem, names = world.problem, world.world.names
    order = world.content["sequence"].index
    decide_first, receive_first = order("decide") < order("fulfil"), order("receive") < order("decide")
    expected_yield = 0.5 * (problem.sites.yield_low + problem.sites.yield_high)
    per_unit_consumed = dict(zip(names.sites, np.where(problem.sites.plant, expected_yield, 1.0), strict=True))
    for _ in range(world.problem.clock.length):
        snapshot = register.snapshot(simulation.state, 0)
        plan = policy.recommend(snapshot)
        arriving: dict[tuple[str, str], float] = {}  # by then, where goods are received behind the decision
        for each in snapshot.in_transit if not receive_first else []:
            arriving[each.to, each.sku] = arriving.get((each.to, each.sku), 0.0) + each.units
        leaving = {(site, sku): 0.0 for site in names.sites for sku in names.skus}
        joining = dict(leaving)
        for order in plan.orders:
            assert order.units >= 0.0
            if world.whole:
                assert order.units == int(order.units)
            if order.source in names.sites:
                leaving[order.source, order.sku] += order.units / per_unit_consumed[order.source] if order.units else 0.0
            joining[order.to, order.sku] += order.units
        stock = {(site, sku): np.sum(units) for site, row in snapshot.stock.items() for sku, units in row.items()}
        for each, units in leaving.items():
            assert units <= stock[each] + 1e-8
        for shipment in plan.shipments:
            leaving[shipment.source, shipment.sku] += shipment.units
        for each, units in leaving.items():
            assert units <= stock[each] + arriving.get(each, 0.0) + joining[each] + 1e-8
        open_demand: dict[tuple[str, str], float] = {}
        for entry in snapshot.open_demand:
            open_demand[entry.channel, entry.sku] = open_demand.get((entry.channel, entry.sku), 0.0) + entry.units
        for channel in names.channels:
            for sku in names.skus:
                shipped = sum(each.units for each in plan.shipments if (each.to, each.sku) == (channel, sku))
                unmet = sum(each.units for each in plan.unmet if (each.channel, each.sku) == (channel, sku))
                assert shipped + unmet == pytest.approx(open_demand.get((channel, sku), 0.0), abs=1e-8)
        for place, limit in enumerate(problem.sites.handling[snapshot.period % len(problem.sites.handling)]):
            site = names.sites[place]
            moved = sum(order.units for order in plan.orders if order.source == site)
            if decide_first:
                moved += sum(shipment.units for shipment in plan.shipments if shipment.source == site)
            assert moved <= limit + 1e-8
        simulation.step(policy.decide(observe(simulation)))


def two_shops_snapshot(**changes):
    content = {
        "period": 10,
        "stock": {"north": {"apple": 4, "pear": 2}, "south": {"apple": 9, "pear": 0}},
        "in_transit": [{"from": "farm", "to": "north", "sku": "apple", "units": 3, "age": 1}],
        "open_demand": [{"channel": "callers", "sku": "apple", "units": 5}],
    }
    return {**content, **changes}


def test_a_plan_names_lanes_units_and_the_policy():
    policy = rule(two_shops())
    plan = policy.recommend(two_shops_snapshot())
    assert (plan.policy.name, plan.policy.kind, plan.period) == ("base_stock", "rule-based", 10)
    assert all(order.units == order.requested for order in plan.orders if not order.reason)
    assert {(order.source, order.to) for order in plan.orders} <= set(Register(policy.world).lanes)
    assert json.loads(plan.model_dump_json(by_alias=True))["orders"][0].keys() >= {"from", "to", "sku", "units", "requested"}


def test_open_demand_is_shipped_as_far_as_stock_reaches_and_the_rest_says_why():
    policy = rule(two_shops(), {"policy": "constant_order", "parameters": {"quantity": 0}})
    demand = [{"channel": "callers", "sku": "apple", "units": 12}, {"channel": "callers", "sku": "pear", "units": 1}]
    plan = policy.recommend(two_shops_snapshot(open_demand=demand))
    assert [(each.source, each.to, each.sku, each.units) for each in plan.shipments] == [("south", "callers", "apple", 9.0)]
    assert [(each.channel, each.sku, each.units, each.reason) for each in plan.unmet] == [
        ("callers", "apple", 3.0, "no_stock"),
        ("callers", "pear", 1.0, "no_stock"),
    ]


def test_a_promise_stands_for_the_age_that_leads_to_it():
    register = Register(two_shops())
    mean = round(register.mean_lead_times[register.lanes["farm", "north"]])
    entry = {"from": "farm", "to": "north", "sku": "apple", "units": 3}

    def in_transit(**when):
        worlds = Memory(register.world.problem, 1)
        snapshot = Snapshot.model_validate(two_shops_snapshot(in_transit=[{**entry, **when}]))
        register.placed({"snapshot": snapshot}, worlds)
        return worlds.state.pipeline

    for promised, age in ((0, mean), (1, max(1, mean - 1)), (50, 1)):
        assert np.array_equal(in_transit(promised=promised), in_transit(age=age))


def test_a_given_forecast_takes_the_place_of_the_worlds_own():
    policy = rule(two_shops(), {"policy": "newsvendor", "parameters": {"safety_factor": 0}})
    plain = policy.recommend(two_shops_snapshot())
    forecast = [{"channel": "walkers", "sku": "apple", "periods": [{"mean": 40, "deviation": 0}] * 5}]
    more = policy.recommend(two_shops_snapshot(forecast=forecast))
    same = [{"channel": "walkers", "sku": "apple", "periods": [{"mean": 4, "deviation": 2}] * 5}]

    def ordered(plan, sku, to):
        return sum(order.units for order in plan.orders if (order.sku, order.to) == (sku, to))

    assert ordered(more, "apple", "north") > ordered(plain, "apple", "north") + 30
    assert ordered(more, "pear", "north") == ordered(plain, "pear", "north")
    again = policy.recommend(two_shops_snapshot(forecast=same)).orders
    assert [order.units for order in again] == [order.units for order in plain.orders]


@pytest.mark.parametrize(
    ("config", "used"),
    [
        ({"policy": "newsvendor", "parameters": {"safety_factor": 0}}, True),
        ({"policy": "newsvendor", "parameters": {"safety_factor": 0}, "forecast": {"method": "adaptive", "power": 1}}, True),
        ({"policy": "newsvendor", "parameters": {"safety_factor": 0}, "forecast": {"method": "croston"}}, False),
        ({"policy": "base_stock", "parameters": {"level": 30}}, False),
    ],
)
def test_a_forecast_is_used_or_refused(config, used):
    policy = rule(two_shops(observation={"demand_history": 2}), config)
    periods = [{"mean": 40, "deviation": 0}] * 5
    snapshot = two_shops_snapshot(forecast=[{"channel": "walkers", "sku": "apple", "periods": periods}])
    assert policy.uses_forecast is used
    if used:
        assert policy.recommend(snapshot).orders != policy.recommend(two_shops_snapshot()).orders
    else:
        with pytest.raises(SnapshotError, match=f"snapshot.forecast: {policy.name} does not go by a forecast"):
            policy.recommend(snapshot)
        assert policy.recommend(two_shops_snapshot(forecast=[]))


def test_several_snapshots_get_a_plan_each_as_if_alone():
    policy = network(two_shops(), SHAPES[1], Quantity(two_shops()))
    contents = [two_shops_snapshot(), two_shops_snapshot(period=3, memory=[0.5] * 6), two_shops_snapshot(open_demand=[])]
    together = policy.recommend(contents)
    for content, plan in zip(contents, together, strict=True):
        alone = policy.recommend(content)
        assert [order.units for order in plan.orders] == [order.units for order in alone.orders]
        assert plan.memory == pytest.approx(alone.memory, abs=1e-6)
    assert policy.recommend([]) == []


APPLES = {"apple": 4, "pear": 2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"under_way": []}, r"snapshot: unknown key 'under_way'; it is called 'in_transit' now"),
        ({"perod": 3}, r"snapshot: unknown key 'perod'; did you mean 'period'\?"),
        ({"period": -1}, "snapshot: period must be >= 0, not -1"),
        ({"period": 1.5}, "snapshot: period must be a whole number, not 1.5"),
        ({"stock": {"north": APPLES}}, "snapshot.stock has no entry for the site 'south'"),
        ({"stock": {"north": APPLES, "south": {"apple": 1}}}, "snapshot.stock.south has no entry for the SKU 'pear'"),
        ({"stock": {"north": APPLES, "soth": APPLES}}, r"snapshot.stock: nothing is called 'soth'; did you mean 'south'\?"),
        (
            {"stock": {"north": {**APPLES, "aple": 1}, "south": APPLES}},
            r"stock.north: nothing is called 'aple'; did you mean 'apple'",
        ),
        ({"stock": {"north": {"apple": -1, "pear": 2}, "south": APPLES}}, "stock.north.apple must be >= 0 or a list, not -1"),
        ({"stock": {"north": {"apple": 0.5, "pear": 2}, "south": APPLES}}, "stock.north.apple must be whole units, not 0.5"),
        (
            {"stock": {"north": {"apple": float("nan"), "pear": 2}, "south": APPLES}},
            "stock.north.apple must be finite or a list, not nan",
        ),
        (
            {"stock": {"north": {"apple": "4", "pear": 2}, "south": APPLES}},
            "stock.north.apple must be a number or a list, not '4'",
        ),
        (
            {"in_transit": [{"from": "farm", "to": "norht", "sku": "apple", "units": 1, "age": 1}]},
            r"in_transit\[0\]: no supply lane leads 'farm → norht'; did you mean 'farm → north'",
        ),
        ({"in_transit": [{"from": "farm", "to": "north", "sku": "apple", "units": 1}]}, "must state either age or promised"),
        (
            {"in_transit": [{"from": "farm", "to": "north", "sku": "apple", "units": 1, "age": 1, "promised": 1}]},
            r"in_transit\[0\]: must state either age or promised",
        ),
        (
            {"in_transit": [{"from": "farm", "to": "north", "sku": "plum", "units": 1, "age": 1}]},
            r"in_transit\[0\].sku: nothing is called 'plum'; allowed: apple, pear",
        ),
        (
            {"open_demand": [{"channel": "callers", "sku": "apple", "units": -2}]},
            r"open_demand\[0\].units must be >= 0, not -2",
        ),
        (
            {"open_demand": [{"channel": "caller", "sku": "apple", "units": 2}]},
            r"open_demand\[0\].channel: nothing is called 'caller'",
        ),
        ({"period": 10**400}, "snapshot: period must be <= 1e\\+06, not 1"),
        ({"stock": {"north": {"apple": 10**400, "pear": 2}, "south": APPLES}}, "stock.north.apple must be"),
        ({"memory": [1.0]}, "snapshot.memory must hold 0 numbers for base_stock, not 1"),
        (
            {"forecast": [{"channel": "callers", "sku": "apple", "periods": [{"mean": 1.0}]}]},
            r"forecast\[0\].periods\[0\].deviation is missing",
        ),
        (
            {"forecast": [{"channel": "callers", "sku": "apple", "periods": [{"mean": 1.0, "deviation": 1.0}] * 367}]},
            r"forecast\[0\].periods must list at most 366, not ",
        ),
    ],
)
def test_a_snapshot_that_cannot_be_used_names_the_field(changes, message):
    with pytest.raises(SnapshotError, match=message):
        rule(two_shops()).recommend(two_shops_snapshot(**changes))


LONG = "apple" * 100_000


@pytest.mark.parametrize(
    "changes",
    [
        {f"key{place}": 1 for place in range(8000)},
        {"in_transit": [{"frm": "farm"}] * 8000},
        {"stock": {f"site{place}": -1 for place in range(8000)}},
        {"stock": {f"{LONG}{place}": APPLES for place in range(10)}},
        {LONG: 1},
        {"memory": LONG},
        {"period": [[LONG]]},
        {"goodwill": {LONG: 1.0}},
        {"in_transit": [{"from": LONG, "to": LONG, "sku": LONG, "units": 1, "age": 1}]},
    ],
    ids=["keys", "entries", "sites", "long sites", "long key", "long text", "nested", "long name", "long lane"],
)
def test_a_snapshot_with_many_faults_or_long_ones_is_told_shortly_and_soon(changes):
    start = time.perf_counter()
    with pytest.raises(SnapshotError) as error:
        rule(two_shops()).recommend(two_shops_snapshot(**changes))
    assert time.perf_counter() - start < 2
    assert len(str(error.value)) < 3000


def test_among_several_snapshots_the_wrong_one_is_named():
    with pytest.raises(SnapshotError, match=r"snapshots\[1\]: period must be >= 0, not -1"):
        rule(two_shops()).recommend([two_shops_snapshot(), two_shops_snapshot(period=-1)])


def test_a_season_has_no_snapshot_behind_its_end():
    world = two_shops(horizon={"kind": "season", "periods": 6})
    with pytest.raises(SnapshotError, match=r"snapshot.period must be < 6, the length of the season, not 6"):
        rule(world).recommend(two_shops_snapshot(period=6))
