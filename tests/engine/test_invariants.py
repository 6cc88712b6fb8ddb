"""What holds in every world whatever is decided: units are conserved, limits hold, time runs forward, money adds up."""

from __future__ import annotations

import numpy as np
import pytest
from rollouts import Dynamics, Kernel, play

from allotment.engine import randomness
from allotment.engine.dynamics.feasibility import plant_yield
from allotment.scenario.problem import IN_ORDER, INCOME, KAPLAN, REASONS, TERMS
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions

NEGLIGIBLE = 1e-9  # units
OF_MONEY = {
    "requested",
    "money",
    "terms",
    "reward",
    "goodwill",
    "cash",
    "debt",
    "payables",
    "receivables",
    "payable",
    "receivable",
}
OF_MONEY |= {"budget_left", "spent", "receipts", "payments", "discounts"}


def played(world: RandomWorld, seed: int, batch: int = 2):
    """Play an episode of a batch of worlds."""
    return list(play(Kernel(world.problem, range(seed, seed + batch)), random_decisions(world, batch, seed)))


def summed_by(owners: np.ndarray, units: np.ndarray, count: int) -> np.ndarray:
    """Sum lanes (B, lanes, K) into their owners (B, owners, K); owner −1 is nobody."""
    return np.stack([units[:, owners == owner].sum(axis=1) for owner in range(count)], axis=1)


def equal(one, other) -> bool:
    return np.allclose(one, other, rtol=1e-9, atol=NEGLIGIBLE)


def arrived_in(world: RandomWorld, flows) -> np.ndarray:
    """Return what reached each site, turned away or not, (B, S, K)."""
    return summed_by(world.problem.lanes.to, flows.received + flows.discarded, world.problem.shape.sites)


# ---- units


@holds_in_random_worlds()
def test_every_unit_bought_is_in_stock_in_transit_sold_or_gone_for_a_reason(world: RandomWorld, seed):
    from_suppliers = world.problem.lanes.supplier >= 0
    gone, bought = 0.0, 0.0
    periods = played(world, seed)
    opening = periods[0].before
    in_hand_before = opening.received.sum(axis=1) + opening.discarded.sum(axis=1)  # received before the first decision
    held_at_first = opening.on_hand.sum(axis=(1, 3)) + opening.pipeline.sum(axis=(1, 2, 4))
    held_at_first = held_at_first + (opening.discarded + opening.vanished).sum(axis=1)
    held_at_first = held_at_first + opening.shipped.sum(axis=1) + opening.expired.sum(axis=1) + opening.shrunk.sum(axis=1)
    for _, flows, after in periods:
        bought = bought + flows.executed[:, from_suppliers].sum(axis=1)
        gone = (
            gone
            + flows.shipped.sum(axis=1)
            + sum(getattr(flows, name).sum(axis=1) for name in ("expired", "shrunk", "discarded", "vanished"))
            + flows.consumed.sum(axis=1)
        )
        moved = ("shipped", "expired", "shrunk", "discarded", "vanished")
        open_record = sum(getattr(after, name).sum(axis=1) for name in moved)
        held = after.on_hand.sum(axis=(1, 3)) + after.pipeline.sum(axis=(1, 2, 4))
        assert equal(held + gone + open_record, held_at_first + bought)
    assert in_hand_before.min(initial=0.0) >= 0.0


@holds_in_random_worlds()
def test_replaying_the_recorded_movements_reproduces_every_stock(world: RandomWorld, seed):
    lanes, fulfilment, sites = world.problem.lanes, world.problem.fulfilment, world.problem.shape.sites
    in_transit = np.zeros((2, *lanes.allowed.shape))
    in_transit += world.problem.lanes.initial.sum(axis=0)
    on_hand = np.broadcast_to(world.problem.sites.initial_stock, (2, sites, world.problem.shape.skus))
    clock, sequence = world.problem.clock, world.content["sequence"]
    receives_last = sequence.index("receive") > sequence.index("charge")
    for period, (_, flows, _) in enumerate(played(world, seed)):
        if receives_last and period == clock.length - 1:
            return  # the last record closes with the receipts behind `charge`, which come after stock was counted
        left = summed_by(lanes.site, flows.executed, sites) + flows.consumed
        arrived = summed_by(lanes.to, flows.received, sites)
        on_hand = on_hand + arrived - left - summed_by(fulfilment.site, flows.shipped, sites) - flows.expired - flows.shrunk
        assert equal(flows.on_hand, on_hand)
        in_transit = in_transit + flows.executed
        assert equal(in_transit - flows.in_transit, flows.received + flows.discarded + flows.vanished)
        in_transit = flows.in_transit


@holds_in_random_worlds()
def test_demand_is_shipped_lost_or_still_open(world: RandomWorld, seed):
    channels, still_open = world.problem.shape.channels, world.problem.channels.initial_open
    for _, flows, _ in played(world, seed):
        still_open = (
            still_open + flows.demand - flows.lost - summed_by(world.problem.fulfilment.channel, flows.shipped, channels)
        )
        assert equal(flows.open_demand, still_open)


@holds_in_random_worlds()
def test_orders_wait_no_longer_than_their_channel_allows(world: RandomWorld, seed):
    slots = np.arange(world.problem.shape.slots)
    for _, _, after in played(world, seed):
        beyond = np.moveaxis(after.open_demand, -1, 2)[:, slots > world.problem.channels.last[:, None]]
        assert not beyond.any()


@holds_in_random_worlds()
def test_patient_customers_without_a_limit_are_never_lost_and_impatient_ones_never_wait_beyond_their_due_period(world, seed):
    channels = world.content["channels"]
    patient = np.array([part["unmet"] == "backorder" and part.get("max_lateness") is None for part in channels])
    at_once = np.array([part["unmet"] == "lost" and part.get("due_in", 0) == 0 for part in channels])
    for _, flows, _ in played(world, seed):
        assert not flows.lost[:, patient].any()
        assert not flows.late[:, at_once].any()
        if not world.problem.clock.demand_first or world.content["sequence"].index("fulfil") < world.content["sequence"].index(
            "charge"
        ):
            assert not flows.open_demand[:, at_once].any()


@holds_in_random_worlds()
def test_nothing_is_negative_except_requests_salvage_and_changes_of_stock(world: RandomWorld, seed):
    for before, flows, _ in played(world, seed):
        for name, array in before._asdict().items():
            assert name == "cash" or array.min(initial=0) >= (-1 if name == "arrival" else -NEGLIGIBLE * (name in OF_MONEY)), (
                name
            )
        for name, array in flows._asdict().items():
            if name in ("money", "terms"):
                array = array[:, [term not in ("salvage", "stock_change") for term in TERMS]]
            if name not in ("requested", "reward", "cash"):
                assert array.min(initial=0) >= -NEGLIGIBLE * (name == "consumed" or name in OF_MONEY), name


@holds_in_random_worlds(units="integer")
def test_whole_units_stay_whole(world: RandomWorld, seed):
    for _, flows, after in played(world, seed):
        arrays = after._asdict() | flows._asdict()
        for name in arrays.keys() - OF_MONEY:
            assert (arrays[name] == np.floor(arrays[name])).all(), name


@holds_in_random_worlds()
def test_no_channel_is_sent_more_than_it_wants(world: RandomWorld, seed):
    channels, open_before = world.problem.shape.channels, world.problem.channels.initial_open
    for _, flows, _ in played(world, seed):
        sent = summed_by(world.problem.fulfilment.channel, flows.shipped, channels)
        assert (sent <= open_before + flows.demand + NEGLIGIBLE).all()
        assert (flows.on_time <= sent + NEGLIGIBLE).all()
        open_before = flows.open_demand


@holds_in_random_worlds()
def test_the_parts_of_stock_in_transit_sum_to_the_whole(world: RandomWorld, seed):
    for _, _, after in played(world, seed):
        assert equal(after.pipeline.sum(axis=(1, 4)), after.in_transit)


@holds_in_random_worlds()
def test_records_differ_from_stock_by_what_has_disappeared_since_the_last_count(world: RandomWorld, seed):
    if "expire" not in world.content["sequence"]:
        return
    every = [site.get("count_every") for site in world.content["sites"]]
    unseen = 0.0
    for period, (_, flows, after) in enumerate(played(world, seed)):
        if not after.unrecorded_loss.shape[1]:
            return
        unseen = unseen + flows.shrunk
        for site, periods in enumerate(every):
            if periods is not None and (period + 1) % periods == 0:
                unseen[:, site] = 0.0
        ahead = world.content["sequence"].index("expire") < world.content["sequence"].index("decide")
        if not ahead:  # else the next period's losses are in the state already
            assert equal(after.unrecorded_loss, unseen)


# ---- time


@holds_in_random_worlds()
def test_goods_arrive_when_their_drawn_lead_time_is_over_neither_before_nor_after(world: RandomWorld, seed):
    lanes, worlds = world.problem.lanes, np.arange(seed, seed + 2)
    certain = not ((lanes.crossing != 0).any() or len(lanes.initial) or lanes.lost.any())
    if not (certain and np.isinf(world.problem.sites.storage).all()):
        return
    due: dict[tuple[int, int, int, int], float] = {}  # by world, lane, SKU and period of arrival
    for period, (_, flows, _) in enumerate(played(world, seed)):
        draws = randomness.lead_times(world.problem, worlds, np.zeros_like(worlds), np.full_like(worlds, period))
        lead_times = np.broadcast_to(draws, flows.executed.shape)
        late = world.content["sequence"].index("receive") > world.content["sequence"].index("charge")
        for cell in np.ndindex(lead_times.shape):
            arrival = (*cell, period + int(lead_times[cell]) + late)  # a receipt behind `charge` is on the next record
            due[arrival] = due.get(arrival, 0.0) + flows.executed[cell]
        last = period == world.problem.clock.length - 1
        for cell in np.ndindex(lead_times.shape):
            expected = due.pop((*cell, period), 0.0)
            if late and last:
                expected += due.pop((*cell, period + 1), 0.0)
            assert equal(flows.received[cell], expected)


@holds_in_random_worlds()
def test_orders_on_a_lane_without_crossing_arrive_in_the_order_in_which_they_were_placed(world: RandomWorld, seed):
    in_order = world.problem.lanes.crossing == IN_ORDER
    latest = np.full((2, in_order.sum(), world.problem.lanes.stream.shape[1]), -1)
    for period, (_, _, after) in enumerate(played(world, seed)):
        arrival = after.arrival[:, period % world.problem.lanes.slots][:, in_order]
        arrival = np.where(arrival < 0, latest, arrival)  # what is lost overtakes nobody
        assert (arrival >= latest).all()
        latest = arrival


@holds_in_random_worlds()
def test_lead_times_are_those_that_the_file_allows(world: RandomWorld, seed):
    for period, (_, _, after) in enumerate(played(world, seed)):
        slot = period % world.problem.lanes.slots
        for lane, declared in enumerate(world.content["supply_lanes"]):
            if world.problem.lanes.crossing[lane] in (IN_ORDER, KAPLAN):
                continue
            arrival = after.arrival[:, slot, lane]
            assert "lost_probability" in declared or (arrival >= 0).all()
            assert set((arrival[arrival >= 0] - period).tolist()) <= allowed(declared["lead_time"])


def allowed(lead_time) -> set[int]:
    if isinstance(lead_time, int):
        return {lead_time}
    if "samples" in lead_time or "values" in lead_time:
        return set(lead_time.get("samples", lead_time.get("values")))
    return set(range(lead_time.get("shift", 0), lead_time["maximum"] + 1))


@holds_in_random_worlds()
def test_equal_seeds_give_equal_demand_and_lead_times_whatever_is_decided(world: RandomWorld, seed):
    one = played(world, seed)
    other = list(play(Kernel(world.problem, [seed, seed + 1]), random_decisions(world, 2, seed + 1)))
    for (_, flows, after), (_, other_flows, other_after) in zip(one, other, strict=True):
        if not after.goodwill.shape[1]:
            np.testing.assert_array_equal(flows.demand, other_flows.demand)
        np.testing.assert_array_equal(after.arrival, other_after.arrival)
        np.testing.assert_array_equal(after.regime, other_after.regime)


@holds_in_random_worlds()
def test_goodwill_follows_whether_units_were_missing_in_the_period_before(world: RandomWorld, seed):
    declared = world.content.get("goodwill")
    if declared is None:
        return
    goodwill = None
    for before, flows, after in played(world, seed):
        goodwill = before.goodwill if goodwill is None else goodwill
        unmet = (flows.open_demand + flows.lost).sum(axis=-1)
        unmet = unmet.sum(axis=1, keepdims=True) if declared["scope"] == "shared" else unmet
        worse = np.maximum(goodwill * declared.get("decay", 0.9), declared.get("floor", 0.2))
        better = np.minimum(goodwill * declared.get("growth", 1.01), declared.get("cap", 2.0))
        goodwill = np.where(unmet > NEGLIGIBLE, worse, better)
        assert equal(after.goodwill, goodwill)


# ---- limits


def by_period(part: dict, key: str, period: int) -> float:
    value = part.get(key)
    value = value[period % len(value)] if isinstance(value, list) else value
    return np.inf if value is None else value


@holds_in_random_worlds()
def test_every_capacity_holds(world: RandomWorld, seed):
    content, lanes, fulfilment = world.content, world.problem.lanes, world.problem.fulfilment
    sites = world.problem.shape.sites
    decide_first = content["sequence"].index("decide") < content["sequence"].index("fulfil")
    for period, (_, flows, _) in enumerate(played(world, seed)):
        bought = summed_by(lanes.supplier, flows.executed, world.problem.shape.suppliers)
        handled = summed_by(lanes.site, flows.executed, sites)
        handled = handled + summed_by(fulfilment.site, flows.shipped, sites) if decide_first else handled
        for moved, section, key in (
            (flows.executed, "supply_lanes", "capacity"),
            (bought, "suppliers", "capacity"),
            (summed_by(lanes.site, flows.executed, sites), "sites", "production_capacity"),
            (handled, "sites", "handling"),
            (flows.shipped, "fulfilment_lanes", "capacity"),
        ):
            limits = np.array([by_period(part, key, period) for part in content[section]])
            assert (moved.sum(axis=-1) <= limits + NEGLIGIBLE).all(), key


@holds_in_random_worlds()
def test_sites_never_ship_more_than_is_in_stock_at_the_decision_less_what_is_set_aside(world: RandomWorld, seed):
    for before, flows, after in played(world, seed):
        left = summed_by(world.problem.lanes.site, flows.executed, world.problem.shape.sites)
        stock = before.on_hand.sum(axis=-1) - after.protected.max(axis=2, initial=0.0)
        if before.reserved.shape[1]:
            site = world.problem.fulfilment.site
            stock = stock - summed_by(site, flows.allocation_executed, world.problem.shape.sites)
        plant = world.problem.sites.plant[:, None]
        rate = np.where(plant, plant_yield(world.problem, before)[..., None], 1.0)
        assert (left <= np.maximum(stock, 0.0) * rate + NEGLIGIBLE).all()


@holds_in_random_worlds(
    decisions=["orders", "protection"], sequence=["receive", "decide", "demand", "fulfil", "expire", "charge"]
)
def test_lower_classes_leave_what_is_protected_from_them(world: RandomWorld, seed):
    fulfilment = world.problem.fulfilment
    for before, flows, after in played(world, seed):
        left_by_transfers = summed_by(world.problem.lanes.site, flows.executed, world.problem.shape.sites) + flows.consumed
        at_once = summed_by(world.problem.lanes.to, flows.received - before.received, world.problem.shape.sites)
        start = before.on_hand.sum(axis=-1) - left_by_transfers + at_once
        for rank in range(1, world.problem.shape.classes):
            guarded = after.protected[:, :, :rank].max(axis=2)
            of_rank = world.problem.channels.rank[fulfilment.channel] >= rank
            taken = summed_by(np.where(of_rank, fulfilment.site, -1), flows.shipped, world.problem.shape.sites)
            assert (taken <= np.maximum(start - guarded, 0.0) + NEGLIGIBLE).all()


@holds_in_random_worlds(
    decisions=["orders", "allocation"], sequence=["receive", "decide", "demand", "fulfil", "expire", "charge"]
)
def test_what_is_reserved_for_a_channel_goes_to_no_other(world: RandomWorld, seed):
    fulfilment, shape = world.problem.fulfilment, world.problem.shape
    for before, flows, _ in played(world, seed):
        reserved = summed_by(fulfilment.site, flows.allocation_executed, shape.sites)
        assert (reserved <= before.on_hand.sum(axis=-1) + NEGLIGIBLE).all()
        for lane in range(shape.fulfilment):
            others = (fulfilment.site == fulfilment.site[lane]) & (np.arange(shape.fulfilment) != lane)
            taken_by_others = flows.shipped[:, others].sum(axis=1)
            free = before.on_hand[:, fulfilment.site[lane]].sum(axis=-1) + arrived_in(world, flows)[:, fulfilment.site[lane]]
            assert (taken_by_others <= free - flows.allocation_executed[:, lane] + NEGLIGIBLE).all()


@holds_in_random_worlds()
def test_no_decision_raises_a_site_above_its_highest_position(world: RandomWorld, seed):
    problem, lanes = world.problem, world.problem.lanes
    for before, flows, _ in played(world, seed):
        for site in range(problem.shape.sites):
            outside = problem.sites.cycle[lanes.to] != problem.sites.cycle[site]
            shipped = flows.executed[:, (lanes.site == site) & outside].sum(axis=1)
            shipped = shipped + flows.consumed[:, site] * bool(outside[lanes.site == site].all())
            arriving = lanes.to == site
            coming = before.in_transit[:, arriving].sum(axis=1) + flows.executed[:, arriving].sum(axis=1)
            position = before.on_hand[:, site].sum(axis=-1) - shipped + coming
            raised = flows.executed[:, arriving].sum(axis=1) > NEGLIGIBLE
            assert (position <= problem.sites.max_position[site] + 1e-6)[raised].all()


@holds_in_random_worlds()
def test_a_site_that_rejects_what_does_not_fit_is_never_overfull_by_a_receipt(world: RandomWorld, seed):
    content = world.content
    volume = world.problem.goods.volume
    for period, (before, _, _) in enumerate(played(world, seed)):
        if content["sequence"].index("receive") + 1 != content["sequence"].index("decide"):
            return
        for site, part in enumerate(content["sites"]):
            if part.get("overflow") == "charge" or part.get("storage") is None:
                continue
            received = (before.received[:, world.problem.lanes.to == site] * volume).sum(axis=(1, 2)) > 0.0
            held = (before.on_hand[:, site].sum(axis=-1) * volume).sum(axis=-1)
            assert (held <= by_period(part, "storage", period) + 1e-6)[received].all()


@holds_in_random_worlds()
def test_executed_quantities_fit_the_lane_and_exceed_the_request_only_by_what_was_owed(world: RandomWorld, seed):
    skus = [sku["name"] for sku in world.content["skus"]]
    full = [supplier.get("fill_rate", 1.0) == 1.0 for supplier in world.content["suppliers"]]
    for before, flows, _ in played(world, seed):
        owed = before.owed if before.owed.shape[1] else 0.0
        most = np.maximum(flows.requested + 0.5 * world.whole, 0.0) + owed
        assert (flows.executed <= most + NEGLIGIBLE).all()
        for (lane, sku), declared in zip(
            np.ndindex(flows.executed.shape[1:]), np.repeat(world.content["supply_lanes"], len(skus)), strict=True
        ):
            supplier = world.problem.lanes.supplier[lane]
            for units in flows.executed[:, lane, sku][flows.executed[:, lane, sku] > 0]:
                assert skus[sku] in (declared.get("skus") or skus)
                if supplier >= 0 and not full[supplier]:
                    continue
                assert units >= for_sku(declared.get("minimum", 0.0), skus[sku]) - NEGLIGIBLE
                if declared.get("multiple") is not None:
                    multiples = units / for_sku(declared["multiple"], skus[sku])
                    assert equal(multiples, np.round(multiples))


@holds_in_random_worlds()
def test_what_sources_lack_is_owed_on_lanes_with_a_backlog_and_dropped_on_others(world: RandomWorld, seed):
    backlog = world.problem.lanes.backlog
    for before, flows, after in played(world, seed):
        if not before.owed.shape[1]:
            return
        request = np.maximum(flows.requested, 0.0)
        request = np.floor(request + 0.5) if world.whole else request
        assert not after.owed[:, ~backlog].any()
        most = before.owed + request - flows.executed
        assert (after.owed <= np.maximum(most, 0.0) + NEGLIGIBLE)[:, backlog].all()


@holds_in_random_worlds()
def test_a_cut_has_a_reason_and_what_is_not_cut_has_none(world: RandomWorld, seed):
    for before, flows, _ in played(world, seed):
        request = np.maximum(flows.requested, 0.0)
        request = np.floor(request + 0.5) if world.whole else request
        cut = flows.executed < request - NEGLIGIBLE
        told = flows.cut_reason != REASONS.index("")
        assert told[cut].all()
        if not before.owed.shape[1]:
            np.testing.assert_array_equal(told, cut)


# ---- money


def for_sku(value, sku: str) -> float:
    return value[sku] if isinstance(value, dict) else value


def now(value, period: int, sku: str | None = None) -> float:
    """Return what an amount is in a period, for a SKU."""
    value = for_sku(value, sku) if sku is not None else value
    return value[period % len(value)] if isinstance(value, list) else value


def freight(part: dict, sku: str, content: dict, to: str, period: int) -> float:
    declared = part.get("freight", 0.0)
    if isinstance(declared, dict) and "per_km" in declared:
        return now(declared["base"], period, sku) + declared["per_km"] * content["distances"][part["from"]][to]
    return now(declared, period, sku)


def money_of(world: RandomWorld, flows, i: int, period: int) -> dict[str, float]:
    """Return the money terms of world i that follow from the flows of one record, lane by lane from the scenario file."""
    content = world.content
    suppliers = {supplier["name"] for supplier in content["suppliers"]}
    plants = {site["name"]: site for site in content["sites"] if site.get("kind") == "plant"}
    channels = {channel["name"]: channel for channel in content["channels"]}
    capital = content.get("treasury", {}).get("capital_charge", 0.0) / 365.0  # a day
    terms = dict.fromkeys(TERMS, 0.0)
    for k, sku in enumerate(content["skus"]):
        name, unit_cost = sku["name"], now(sku.get("unit_cost", 0.0), period)
        for place, lane in enumerate(content["supply_lanes"]):
            paid = (flows.received if lane.get("charged") == "on_receipt" else flows.executed)[i, place, k]
            own = lane.get("unit_cost")
            cost = now(own, period, name) if own is not None else unit_cost
            terms["purchase"] += paid * cost * (lane["from"] in suppliers)
            terms["production"] += paid * now(plants.get(lane["from"], {}).get("production_cost", 0.0), period, name)
            terms["inbound_freight"] += paid * freight(lane, name, content, lane["to"], period)
            terms["fixed_ordering"] += now(lane.get("line_cost", 0.0), period, name) * (flows.executed[i, place, k] > 0)
            owned = lane["from"] not in suppliers or lane.get("charged") != "on_receipt"
            terms["capital"] += flows.in_transit[i, place, k] * unit_cost * capital * owned
            terms["in_transit"] += flows.in_transit[i, place, k] * now(lane.get("in_transit_cost", 0.0), period, name)
        for lane, units in zip(content["fulfilment_lanes"], flows.shipped[i, :, k], strict=True):
            channel = channels[lane["to"]]
            own = channel.get("price")
            price = now(own, period, name) if own is not None else now(sku.get("price", 0.0), period)
            terms["revenue"] += units * price * (content["objective"] == "profit")
            terms["outbound_freight"] += units * freight(lane, name, content, channel.get("region", lane["to"]), period)
        for site, held, expired in zip(content["sites"], flows.on_hand[i, :, k], flows.expired[i, :, k], strict=True):
            cost = site.get("holding_cost", 0.0)
            rate = cost["rate"] * unit_cost if isinstance(cost, dict) and "rate" in cost else now(cost, period, name)
            terms["holding"] += held * rate
            terms["capital"] += held * unit_cost * capital
            terms["waste"] += expired * now(sku.get("waste_cost", 0.0), period)
        for c, channel in enumerate(content["channels"]):
            if channel.get("due_in", 0) == 0:
                terms["backorder"] += flows.open_demand[i, c, k] * now(channel.get("backorder_cost", 0.0), period, name)
            terms["lost_sale"] += flows.lost[i, c, k] * now(channel.get("shortage_cost", 0.0), period, name)
            terms["lateness"] += flows.late[i, c, k] * now(channel.get("late_cost", 0.0), period, name)
    for lane, units in zip(content["supply_lanes"], flows.executed[i], strict=True):
        terms["fixed_ordering"] += now(lane.get("fixed_cost", 0.0), period) * (units > 0).any()
    for site, held in zip(content["sites"], flows.on_hand[i], strict=True):
        if site.get("overflow") == "charge" and site.get("storage") is not None:
            beyond = (held * world.problem.goods.volume).sum() - now(site["storage"], period)
            terms["overflow"] += max(0.0, beyond) * now(site.get("overflow_cost", 0.0), period)
    return terms


@holds_in_random_worlds()
def test_every_money_term_follows_from_the_file_and_the_recorded_flows(world: RandomWorld, seed):
    # for these, see the next tests, and those of a treasury
    content, left_out = world.content, {"salvage", "stock_change", "interest", "discount_taken"}
    if any(channel.get("due_in", 0) for channel in content["channels"]):
        left_out.add("backorder")  # orders that are not due yet cost nothing, and the record does not tell them apart
    horizon = content["horizon"]
    for period, (_, flows, _) in enumerate(played(world, seed)):
        if period == horizon["periods"] + horizon["warm_up"] - 1:
            return  # salvage and late receipts
        for i in range(2):
            recorded = dict(zip(TERMS, flows.money[i].sum(axis=-1), strict=True))
            expected = money_of(world, flows, i, period)
            for term in TERMS:
                if term not in left_out:
                    assert recorded[term] == pytest.approx(expected[term], rel=1e-9, abs=1e-9), term


def value_of_a_unit(world: RandomWorld) -> np.ndarray:
    """Return what a unit in stock counts, (K,): the least that it ever costs, by the SKU's price and by every supplier's."""
    content, horizon = world.content, world.content["horizon"]
    if horizon["kind"] == "season" or horizon.get("stock_value") == "none":
        return np.zeros(len(content["skus"]))
    suppliers, values = {supplier["name"] for supplier in content["suppliers"]}, []
    for sku in content["skus"]:
        stated = [sku.get("unit_cost", 0.0)]
        for lane in content["supply_lanes"]:
            if lane["from"] in suppliers and sku["name"] in lane.get("skus", [sku["name"]]):
                stated.append(for_sku(lane.get("unit_cost", stated[0]), sku["name"]))
        values.append(min(np.min(price) for price in stated))
    return np.array(values)


@holds_in_random_worlds()
def test_the_changes_of_stock_sum_to_what_is_left_at_cost_less_what_was_there_at_first(world: RandomWorld, seed):
    lanes, value = world.problem.lanes, value_of_a_unit(world)
    paid_late = (lanes.supplier >= 0) & lanes.on_receipt  # what is on its way there belongs to the supplier
    held = world.problem.sites.initial_stock.sum(axis=0) + lanes.initial.sum(axis=0)[~paid_late].sum(axis=0)
    total = np.zeros((2, len(value)))
    for _, flows, after in played(world, seed):
        total = total + flows.money[:, TERMS.index("stock_change")]
        closing = after.on_hand.sum(axis=(1, 3)) + after.in_transit[:, ~paid_late].sum(axis=1)
        # what has moved before the next decision enters the next record
        moved = sum(getattr(after, name).sum(axis=1) for name in ("shipped", "expired", "shrunk"))
        moved = moved + (after.discarded + after.vanished)[:, ~paid_late].sum(axis=1) - after.received[:, paid_late].sum(axis=1)
        assert equal(total, value * (closing + moved - held))


@holds_in_random_worlds(objective="profit")
def test_a_season_ends_with_what_is_left_at_its_salvage_value(world: RandomWorld, seed):
    if world.content["horizon"]["kind"] != "season":
        return
    _, flows, after = played(world, seed)[-1]
    for i in range(2):
        worth = 0.0
        for k, sku in enumerate(world.content["skus"]):
            for site, units in zip(world.content["sites"], after.on_hand[i, :, k].sum(axis=-1), strict=True):
                worth += units * for_sku(site.get("salvage", 0.0), sku["name"])
            sites = {site["name"]: site for site in world.content["sites"]}
            for lane, units in zip(world.content["supply_lanes"], after.in_transit[i, :, k], strict=True):
                worth += units * for_sku(sites[lane["to"]].get("salvage", 0.0), sku["name"])
            for channel, units in zip(world.content["channels"], after.open_demand[i, :, k].sum(axis=-1), strict=True):
                worth += units * for_sku(channel.get("salvage", 0.0), sku["name"])
        assert flows.money[i, TERMS.index("salvage")].sum() == pytest.approx(worth, rel=1e-9, abs=1e-9)


@holds_in_random_worlds()
def test_the_reward_is_income_less_every_other_term(world: RandomWorld, seed):
    horizon = world.content["horizon"]
    discount = horizon.get("discount", 1.0) if horizon.get("discount_rewards") else 1.0
    for period, (_, flows, _) in enumerate(played(world, seed)):
        terms = dict(zip(TERMS, flows.money.sum(axis=-1).T, strict=True))
        np.testing.assert_allclose(flows.terms, flows.money.sum(axis=-1), rtol=1e-12, atol=1e-12)
        reward = sum(units if name in INCOME else -units for name, units in terms.items())
        reward = reward * discount ** max(0, period - horizon["warm_up"])
        np.testing.assert_allclose(flows.reward, reward, rtol=1e-12, atol=1e-12 * (1.0 + np.abs(flows.money).sum()))


@holds_in_random_worlds(units="continuous")
def test_the_array_dynamics_keep_continuous_stock_and_orders_from_falling_below_zero(world: RandomWorld, seed):
    for _, flows, after in play(Dynamics(world.problem, [seed]), random_decisions(world, 1, seed)):
        held = (flows.on_hand, flows.in_transit, flows.shipped, flows.lost, flows.open_demand)
        for array in (*held, after.on_hand, after.open_demand, after.owed, after.reserved):
            assert array.min(initial=0.0) >= 0.0
