"""What holds in every world whatever is ordered: units are conserved, limits hold, time runs forward, money adds up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playing import Dynamics, Kernel, play
from random_worlds import RandomWorld, random_orders, random_worlds

from allotment.engine import randomness
from allotment.scenario.problem import INCOME, REASONS, TERMS

NEGLIGIBLE = 1e-9  # units
seeds = st.integers(0, 2**30)


def played(world: RandomWorld, seed: int, batch: int = 2):
    """Play an episode of a batch of worlds."""
    return list(play(Kernel(world.problem, range(seed, seed + batch)), random_orders(world, batch, seed)))


def summed_by(owners: np.ndarray, units: np.ndarray, count: int) -> np.ndarray:
    """Sum lanes (B, lanes, K) into their owners (B, owners, K); owner −1 is nobody."""
    return np.stack([units[:, owners == owner].sum(axis=1) for owner in range(count)], axis=1)


def equal(one, other) -> bool:
    return np.allclose(one, other, rtol=1e-9, atol=NEGLIGIBLE)


# ---- units


@given(random_worlds(), seeds)
def test_stock_and_goods_under_way_change_by_what_is_bought_less_what_is_sold(world: RandomWorld, seed):
    from_suppliers = world.problem.lanes.supplier >= 0
    for before, flows, after in played(world, seed):
        held_before, held_after = (
            state.on_hand.sum(axis=(1, 3)) + state.in_transit.sum(axis=(1, 2, 4)) for state in (before, after)
        )
        assert equal(held_after, held_before + flows.executed[:, from_suppliers].sum(axis=1) - flows.shipped.sum(axis=1))


@given(random_worlds(), seeds)
def test_replaying_the_recorded_movements_reproduces_every_stock(world: RandomWorld, seed):
    lanes, serving, sites = world.problem.lanes, world.problem.serving, len(world.content["sites"])
    on_hand = np.broadcast_to(world.problem.sharing.initial_stock, (2, sites, len(world.content["skus"])))
    under_way = 0.0
    for _, flows, _ in played(world, seed):
        arrived, left = summed_by(lanes.to, flows.received, sites), summed_by(lanes.site, flows.executed, sites)
        on_hand = on_hand + arrived - left - summed_by(serving.site, flows.shipped, sites)
        under_way = under_way + flows.executed - flows.received
        assert equal(flows.on_hand, on_hand)
        assert equal(flows.in_transit, under_way)


@given(random_worlds(), seeds)
def test_demand_is_shipped_lost_or_still_open(world: RandomWorld, seed):
    channels = len(world.content["channels"])
    still_open = 0.0
    for _, flows, _ in played(world, seed):
        still_open = still_open + flows.demand - flows.lost - summed_by(world.problem.serving.channel, flows.shipped, channels)
        assert equal(flows.open_orders, still_open)


@given(random_worlds(), seeds)
def test_impatient_customers_never_wait_and_patient_ones_are_never_lost(world: RandomWorld, seed):
    impatient = np.array([channel.get("unmet", "lost") == "lost" for channel in world.content["channels"]])
    for _, flows, _ in played(world, seed):
        assert not flows.open_orders[:, impatient].any()
        assert not flows.lost[:, ~impatient].any()


@given(random_worlds(), seeds)
def test_nothing_is_negative_except_requests_and_salvage(world: RandomWorld, seed):
    for before, flows, _ in played(world, seed):
        for name, array in before._asdict().items():
            assert array.min(initial=0) >= (-1 if name == "arrival" else 0), name
        for name, array in flows._asdict().items():
            if name == "money":
                array = array[:, [term != "salvage" for term in TERMS]]
            if name not in ("requested", "reward"):
                assert array.min(initial=0) >= 0, name


@given(random_worlds(units="integer"), seeds)
def test_whole_units_stay_whole(world: RandomWorld, seed):
    for _, flows, after in played(world, seed):
        arrays = after._asdict() | flows._asdict()
        for name in arrays.keys() - {"requested", "money", "reward"}:
            assert (arrays[name] == np.floor(arrays[name])).all(), name


@given(random_worlds(), seeds)
def test_no_channel_is_sent_more_than_it_wants(world: RandomWorld, seed):
    channels = len(world.content["channels"])
    open_before = 0.0
    for _, flows, _ in played(world, seed):
        sent = summed_by(world.problem.serving.channel, flows.shipped, channels)
        assert (sent <= open_before + flows.demand + NEGLIGIBLE).all()
        open_before = flows.open_orders


# ---- time


@given(random_worlds(), seeds)
def test_goods_arrive_when_their_drawn_lead_time_is_over_neither_before_nor_after(world: RandomWorld, seed):
    worlds = np.arange(seed, seed + 2)
    due: dict[tuple[int, int, int], np.ndarray] = {}  # by world, lane and period of arrival
    nothing = np.zeros(len(world.content["skus"]))
    periods = played(world, seed)
    for period, (_, flows, _) in enumerate(periods):
        lead_times = randomness.lead_times(world.problem, worlds, np.zeros_like(worlds), np.full_like(worlds, period))
        for i, lane in np.ndindex(lead_times.shape):
            arrival = i, lane, period + int(lead_times[i, lane])
            due[arrival] = due.get(arrival, nothing) + flows.executed[i, lane]
        for i, lane in np.ndindex(lead_times.shape):
            assert equal(flows.received[i, lane], due.pop((i, lane, period), nothing))
    assert all(period >= len(periods) for _, _, period in due)


@given(random_worlds(), seeds)
def test_lead_times_are_those_that_the_file_allows(world: RandomWorld, seed):
    for period, (_, _, after) in enumerate(played(world, seed)):
        slot = period % world.problem.lanes.slots
        for lane, declared in enumerate(world.content["supply_lanes"]):
            lead_time = declared.get("lead_time", 0)
            if isinstance(lead_time, int):
                allowed = {lead_time}
            elif "values" in lead_time:
                allowed = set(lead_time["values"])
            else:
                allowed = set(range(lead_time.get("shift", 0), lead_time["maximum"] + 1))
            assert set(after.arrival[:, slot, lane] - period) <= allowed


@given(random_worlds(), seeds)
def test_equal_seeds_give_equal_demand_and_lead_times_whatever_is_ordered(world: RandomWorld, seed):
    one = played(world, seed)
    other = list(play(Kernel(world.problem, [seed, seed + 1]), random_orders(world, 2, seed + 1)))
    for (_, flows, after), (_, other_flows, other_after) in zip(one, other, strict=True):
        np.testing.assert_array_equal(flows.demand, other_flows.demand)
        np.testing.assert_array_equal(after.arrival, other_after.arrival)


@given(random_worlds(), seeds)
def test_recorded_demand_is_what_the_process_draws_for_its_period(world: RandomWorld, seed):
    worlds = np.array([seed, seed + 1])
    for period, (_, flows, _) in enumerate(played(world, seed)):
        drawn = randomness.demand(world.problem, worlds, np.zeros_like(worlds), np.full_like(worlds, period))
        np.testing.assert_array_equal(flows.demand, drawn)


# ---- limits


def limit(part: dict, key: str) -> float:
    return np.inf if part.get(key) is None else part[key]


@given(random_worlds(), seeds)
def test_every_capacity_holds(world: RandomWorld, seed):
    content, lanes, serving = world.content, world.problem.lanes, world.problem.serving
    sites = len(content["sites"])
    for _, flows, _ in played(world, seed):
        bought = summed_by(lanes.supplier, flows.executed, len(content["suppliers"]))
        handled = summed_by(lanes.site, flows.executed, sites) + summed_by(serving.site, flows.shipped, sites)
        for moved, section, key in (
            (flows.executed, "supply_lanes", "capacity"),
            (bought, "suppliers", "capacity"),
            (handled, "sites", "handling"),
            (flows.shipped, "fulfilment_lanes", "capacity"),
        ):
            limits = np.array([limit(part, key) for part in content[section]])
            assert (moved.sum(axis=-1) <= limits + NEGLIGIBLE).all(), section


@given(random_worlds(), seeds)
def test_transfers_never_ship_more_than_is_in_stock_at_the_decision(world: RandomWorld, seed):
    for before, flows, _ in played(world, seed):
        left = summed_by(world.problem.lanes.site, flows.executed, len(world.content["sites"]))
        assert (left <= before.on_hand.sum(axis=-1) + NEGLIGIBLE).all()


@given(random_worlds(), seeds)
def test_executed_quantities_fit_the_lane_and_never_exceed_the_request(world: RandomWorld, seed):
    skus = [sku["name"] for sku in world.content["skus"]]
    for _, flows, _ in played(world, seed):
        assert (flows.executed <= np.maximum(flows.requested + 0.5 * world.whole, 0.0)).all()
        for (lane, sku), declared in zip(
            np.ndindex(flows.executed.shape[1:]), np.repeat(world.content["supply_lanes"], len(skus)), strict=True
        ):
            for units in flows.executed[:, lane, sku][flows.executed[:, lane, sku] > 0]:
                assert skus[sku] in (declared.get("skus") or skus)
                assert units >= for_sku(declared.get("minimum", 0.0), skus[sku]) - NEGLIGIBLE
                if declared.get("multiple") is not None:
                    multiples = units / for_sku(declared["multiple"], skus[sku])
                    assert equal(multiples, np.round(multiples))


@given(random_worlds(), seeds)
def test_a_cut_has_a_reason_and_what_is_not_cut_has_none(world: RandomWorld, seed):
    for _, flows, _ in played(world, seed):
        request = np.maximum(flows.requested, 0.0)
        request = np.floor(request + 0.5) if world.whole else request
        cut = flows.executed < request - NEGLIGIBLE
        np.testing.assert_array_equal(flows.cut_reason != REASONS.index(""), cut)


# ---- money


def for_sku(value, sku: str) -> float:
    return value[sku] if isinstance(value, dict) else value


def freight(part: dict, sku: str, content: dict, to: str) -> float:
    declared = part.get("freight", 0.0)
    if isinstance(declared, dict) and "per_km" in declared:
        return for_sku(declared["base"], sku) + declared["per_km"] * content["distances"][part["from"]][to]
    return for_sku(declared, sku)


def money_of(world: RandomWorld, flows, i: int, last: bool) -> dict[str, float]:
    """Return every money term of world i, worked out lane by lane from the scenario file and the flows."""
    content = world.content
    suppliers = {supplier["name"] for supplier in content["suppliers"]}
    channels = {channel["name"]: channel for channel in content["channels"]}
    sites = {site["name"]: site for site in content["sites"]}
    terms = dict.fromkeys(TERMS, 0.0)
    for k, sku in enumerate(content["skus"]):
        name, unit_cost = sku["name"], sku.get("unit_cost", 0.0)
        for lane, units, under_way in zip(
            content["supply_lanes"], flows.executed[i, :, k], flows.in_transit[i, :, k], strict=True
        ):
            own = lane.get("unit_cost")
            cost = for_sku(own, name) if own is not None else unit_cost if lane["from"] in suppliers else 0.0
            terms["purchase"] += units * cost
            terms["inbound_freight"] += units * freight(lane, name, content, lane["to"])
            terms["fixed_ordering"] += for_sku(lane.get("line_cost", 0.0), name) * (units > 0)
            terms["in_transit"] += under_way * for_sku(lane.get("in_transit_cost", 0.0), name)
            terms["salvage"] += last * under_way * for_sku(sites[lane["to"]].get("salvage", 0.0), name)
        for lane, units in zip(content["fulfilment_lanes"], flows.shipped[i, :, k], strict=True):
            channel = channels[lane["to"]]
            own = channel.get("price")
            price = for_sku(own, name) if own is not None else sku.get("price", 0.0)
            terms["revenue"] += units * price * (content["objective"] == "profit")
            terms["outbound_freight"] += units * freight(lane, name, content, channel.get("region", lane["to"]))
        for site, units in zip(content["sites"], flows.on_hand[i, :, k], strict=True):
            held = site.get("holding_cost", 0.0)
            rate = held["rate"] * unit_cost if isinstance(held, dict) and "rate" in held else for_sku(held, name)
            terms["holding"] += units * rate
            terms["salvage"] += last * units * for_sku(site.get("salvage", 0.0), name)
        for c, channel in enumerate(content["channels"]):
            terms["backorder"] += flows.open_orders[i, c, k] * for_sku(channel.get("backorder_cost", 0.0), name)
            terms["lost_sale"] += flows.lost[i, c, k] * for_sku(channel.get("shortage_cost", 0.0), name)
            terms["salvage"] += last * flows.open_orders[i, c, k] * for_sku(channel.get("salvage", 0.0), name)
    for lane, units in zip(content["supply_lanes"], flows.executed[i], strict=True):
        terms["fixed_ordering"] += lane.get("fixed_cost", 0.0) * (units > 0).any()
    return terms


@given(random_worlds(), seeds)
def test_every_money_term_follows_from_the_file_and_the_recorded_flows(world: RandomWorld, seed):
    horizon = world.content["horizon"]
    final = horizon["periods"] + horizon["warm_up"] - 1
    for period, (_, flows, _) in enumerate(played(world, seed)):
        last = horizon["kind"] == "season" and period == final
        for i in range(2):
            recorded = dict(zip(TERMS, flows.money[i].sum(axis=-1), strict=True))
            assert recorded == pytest.approx(money_of(world, flows, i, last), rel=1e-9, abs=1e-9)


@given(random_worlds(), seeds)
def test_the_reward_is_income_less_every_other_term(world: RandomWorld, seed):
    for _, flows, _ in played(world, seed):
        terms = dict(zip(TERMS, flows.money.sum(axis=-1).T, strict=True))
        reward = sum(units if name in INCOME else -units for name, units in terms.items())
        np.testing.assert_allclose(flows.reward, reward, rtol=1e-12, atol=1e-12 * (1.0 + np.abs(flows.money).sum()))


@given(random_worlds(units="continuous"), seeds)
def test_the_array_dynamics_keep_continuous_stock_and_orders_from_falling_below_zero(world: RandomWorld, seed):
    for _, flows, after in play(Dynamics(world.problem, [seed]), random_orders(world, 1, seed)):
        for array in (
            flows.on_hand,
            flows.in_transit,
            flows.shipped,
            flows.lost,
            flows.open_orders,
            after.on_hand,
            after.open_orders,
        ):
            assert array.min(initial=0.0) >= 0.0
