"""The log of an episode: replayed it is the episode's stock at every step, and its money is the episode's."""

import numpy as np
import pytest
from hypothesis import settings

import allotment
from allotment.engine.state import Decision, State, reserves
from allotment.exchange.movements import as_movements
from allotment.finance.episode_movements import episode_movements
from allotment.finance.replay import replay
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import TERMS
from allotment.simulation.simulation import Simulation
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions
from small_worlds import one_shop


class Given:
    """A policy that makes given decisions, and keeps the states that it made them in and the records that followed."""

    def __init__(self, decisions):
        self.left = iter(decisions)

    def decide(self, observation):
        return next(self.left)


def states_and_records(world, decisions, seed):
    """Return the state before each decision and the record of each period, of the compiled simulation."""
    simulation = Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, np.int64), np.array([seed], np.int64), np.zeros(1, np.int64))
    states, records = [], []
    for decision in decisions[: world.problem.clock.length]:
        states.append(State(**simulation.get_state()))
        flows = simulation.step(decision)
        records.append(type(flows)(*(array.copy() for array in flows)))
    return states, records


def said(decision):
    """Return a decision in which an allocation without lanes, which leaves fulfilment to the rule, is none."""
    nothing = decision.allocation is None or decision.allocation.shape[1] == 0
    return decision._replace(allocation=None) if nothing else decision


@settings(max_examples=20)
@holds_in_random_worlds()
def test_a_replayed_log_is_the_stock_at_every_step_and_its_money_that_of_the_records(random: RandomWorld, seed: int):
    decisions = [said(decision) for decision in random_decisions(random, 1, seed)]
    log = episode_movements(random.world, Given(decisions), seed)
    states, records = states_and_records(random.world, decisions, seed)
    stocks = replay(as_movements(log), random.world)
    for period, state in enumerate(states):
        np.testing.assert_allclose(stocks.on_hand[period], state.on_hand[0], atol=1e-7)
        np.testing.assert_allclose(stocks.in_transit[period], state.in_transit[0], atol=1e-7)
        if random.problem.sites.shrinkage.any():
            np.testing.assert_allclose(stocks.unrecorded[period], state.unrecorded_loss[0], atol=1e-7)
    check_units(log, records)
    if reserves(random.problem):
        set_aside = sum(record.allocation_executed.sum() for record in records)
        for kind in ("reservation", "release"):
            assert log["units"][log["kind"] == kind].sum() == pytest.approx(set_aside, abs=1e-6)
    check_money(log, records)


def check_units(log, records):
    """Check that what is not in a stock at any step is in the log as well, and that plants at work hold nothing."""
    total = {name: sum(getattr(record, name).sum() for record in records) for name in ("shipped", "expired", "discarded")}
    total |= {"received": sum(record.received.sum() for record in records), "lost": sum(r.consumed.sum() for r in records)}
    units, kind, reason = log["units"], log["kind"], log["reason"]
    assert units[kind == "sale"].sum() == pytest.approx(total["shipped"], abs=1e-6)
    assert units[kind == "expiry"].sum() == pytest.approx(total["expired"], abs=1e-6)
    assert units[kind.isin(["receipt", "transfer_receipt"])].sum() == pytest.approx(total["received"], abs=1e-6)
    assert units[reason == "storage"].sum() == pytest.approx(total["discarded"], abs=1e-6)
    assert units[reason == "yield"].sum() == pytest.approx(total["lost"], abs=1e-6)
    made = log["to"].str.startswith("made:") * units - log["from"].str.startswith("made:") * units
    assert made.sum() == pytest.approx(0.0, abs=1e-6)


def check_money(log, records):
    """Check that units × money/unit of a log are what the records of its periods come to."""
    money = dict(zip(TERMS, sum(record.terms[0] for record in records), strict=True))
    cost, revenue = log["units"] * log["unit_cost"], log["units"] * log["unit_price"]
    opening, freight = log["kind"] == "opening", log["kind"] == "landed_cost"
    assert revenue.sum() == pytest.approx(money["revenue"], abs=1e-6)
    assert cost[freight].sum() == pytest.approx(money["inbound_freight"], abs=1e-6)
    assert cost[~opening & ~freight].sum() == pytest.approx(money["purchase"] + money["production"], abs=1e-6)


def fixed(orders):
    """Return a policy that orders given units (periods, L, K)."""
    return Given([Decision(np.asarray(each, dtype=float).reshape(1, -1, 1)) for each in orders])


def told(log):
    """Return a log as rows of what moved, with the money that it brings where there is any."""
    columns = ["time", "seq", "kind", "units", "from", "to", "lot", "unit_cost", "unit_price", "document"]
    return [tuple(None if cell != cell else cell for cell in row) for row in log[columns].itertuples(index=False, name=None)]


EXPIRING = ["receive", "decide", "demand", "fulfil", "expire", "charge"]


def sold(units):
    return [{"process": {"distribution": "deterministic", "mean": units}}]


def test_a_perishable_that_is_sold_the_oldest_first_and_thrown_away_by_hand():
    """Two fresh units open; three arrive in period 1. One is sold a period, so the other old one expires after period 1."""
    world = one_shop(
        horizon={"kind": "window", "periods": 2},
        sequence=EXPIRING,
        objective="profit",
        skus=[{"name": "milk", "price": 5, "unit_cost": 2, "shelf_life": 2}],
        sites=[{"name": "shop", "initial_stock": 3}],
        demand=sold(1),
    )
    lane, in_transit = "farm → shop", "in_transit:farm → shop"
    assert told(episode_movements(world, fixed([[3], [0]]), 0)) == [
        (0, -1, "opening", 3.0, "", "shop", "expires:1", 2.0, None, ""),
        (0, 0, "dispatch", 3.0, "supplier:farm", in_transit, "", 2.0, None, f"{lane} 0"),
        (0, 1, "sale", 1.0, "shop", "customer:walkers", "expires:1", None, 5.0, ""),
        (1, -1, "receipt", 3.0, in_transit, "shop", "expires:2", None, None, f"{lane} 0"),
        (1, 0, "sale", 1.0, "shop", "customer:walkers", "expires:1", None, 5.0, ""),
        (1, 1, "expiry", 1.0, "shop", "lost", "expires:1", None, None, ""),
    ]


def test_a_plant_uses_stock_and_loses_some_and_a_full_shop_turns_goods_away_by_hand():
    """The mill makes one good unit of two: 4 of 8. The shop has room for 3 of them, which are paid for when they arrive."""
    world = one_shop(
        units="continuous",
        horizon={"kind": "window", "periods": 2},
        skus=[{"name": "flour", "price": 0, "unit_cost": 1, "volume": 1}],
        sites=[
            {"name": "mill", "kind": "plant", "initial_stock": 8, "yield": 0.5, "production_cost": 7},
            {"name": "shop", "initial_stock": 0, "storage": 3},
        ],
        supply_lanes=[
            {"from": "mill", "to": "shop", "lead_time": 1, "charged": "on_receipt", "freight": 0.25},
            {"from": "farm", "to": "mill", "lead_time": 1},
        ],
        demand=sold(0),
    )
    lane, in_transit = "mill → shop", "in_transit:mill → shop"
    assert told(episode_movements(world, fixed([[4, 0], [0, 0]]), 0)) == [
        (0, -1, "opening", 8.0, "", "mill", "", 1.0, None, ""),
        (0, 0, "production", 8.0, "mill", "made:mill", "", None, None, ""),
        (0, 1, "scrap", 4.0, "made:mill", "lost", "", None, None, ""),
        (0, 2, "dispatch", 4.0, "made:mill", in_transit, "", None, None, f"{lane} 0"),
        (1, -3, "receipt", 3.0, in_transit, "shop", "", 7.0, None, f"{lane} 0"),
        (1, -2, "scrap", 1.0, in_transit, "lost", "", None, None, f"{lane} 0"),
        (1, -1, "landed_cost", 3.0, "", "shop", "", 0.25, None, f"{lane} 0"),
    ]


def test_what_disappears_stays_in_the_records_until_it_is_counted_by_hand():
    """A quarter of the stock disappears each period; every second one the shop is counted."""
    world = one_shop(
        units="continuous",
        horizon={"kind": "window", "periods": 2},
        sequence=EXPIRING,
        sites=[{"name": "shop", "initial_stock": 16, "shrinkage": 0.25, "count_every": 2}],
        demand=sold(0),
    )
    log = episode_movements(world, fixed([[0], [0]]), 0)
    assert told(log)[1:] == [
        (0, 0, "shrinkage", 4.0, "shop", "unrecorded:shop", "", None, None, ""),
        (1, 0, "shrinkage", 3.0, "shop", "unrecorded:shop", "", None, None, ""),
        (1, 1, "count", 7.0, "unrecorded:shop", "lost", "", None, None, "count shop 1"),
    ]
    assert replay(log, world).unrecorded[:, 0, 0].tolist() == [0.0, 4.0, 0.0]


def test_a_transfer_keeps_its_document_and_stock_in_transit_opens_with_the_period_of_its_order():
    world = one_shop(
        horizon={"kind": "window", "periods": 2},
        sites=[{"name": "store", "initial_stock": 6}, {"name": "shop", "initial_stock": 0}],
        supply_lanes=[
            {"from": "store", "to": "shop", "lead_time": 1},
            {"from": "farm", "to": "store", "lead_time": 2, "initial_in_transit": [5]},
        ],
        fulfilment_lanes=[{"from": "shop", "to": "walkers"}],
        demand=sold(0),
    )
    found = [(row[0], row[2], row[3], row[4], row[5], row[9]) for row in told(episode_movements(world, fixed([[2, 0]] * 2), 0))]
    assert found == [
        (0, "opening", 6.0, "", "store", ""),
        (0, "opening", 5.0, "", "in_transit:farm → store", "farm → store -1"),
        (0, "dispatch", 2.0, "store", "in_transit:store → shop", "store → shop 0"),
        (1, "transfer_receipt", 2.0, "in_transit:store → shop", "shop", "store → shop 0"),
        (1, "receipt", 5.0, "in_transit:farm → store", "store", "farm → store -1"),
        (1, "dispatch", 2.0, "store", "in_transit:store → shop", "store → shop 1"),
    ]


def test_what_is_set_aside_for_a_channel_is_told_and_given_free_when_it_is_served():
    world = one_shop(
        horizon={"kind": "window", "periods": 1},
        decisions=["orders", "allocation"],
        sites=[{"name": "shop", "initial_stock": 5}],
    )
    log = episode_movements(world, Given([Decision(np.zeros((1, 1, 1)), np.full((1, 1, 1), 4.0))]), 0)
    assert told(log)[1:3] == [
        (0, 0, "reservation", 4.0, "shop", "customer:walkers", "", None, None, ""),
        (0, 1, "release", 4.0, "shop", "customer:walkers", "", None, None, ""),
    ]
    assert log["kind"].tolist()[3:] == ["sale"]


@pytest.mark.parametrize("name", ["lost", "a:b", "in_transit:a"])
def test_a_site_whose_name_is_that_of_another_place_is_refused(name):
    world = one_shop(
        sites=[{"name": name}],
        supply_lanes=[{"from": "farm", "to": name, "lead_time": 1}],
        fulfilment_lanes=[{"from": name, "to": "walkers"}],
    )
    with pytest.raises(ScenarioError, match=f"movements: site '{name}': the name of a site in a log has no colon"):
        episode_movements(world, fixed([[0]] * 5), 0)


def test_the_public_function_plays_the_world_that_evaluation_plays():
    world = one_shop(objective="profit", skus=[{"name": "apple", "price": 3}])
    rule = {"policy": "base_stock", "parameters": {"level": 6}}
    row = allotment.evaluate(rule, world, episodes=3, seed=4).iloc[2]
    log = allotment.movements(rule, world, seed=4, episode=2)
    revenue = (log["units"] * log["unit_price"]).sum()
    assert revenue / row["periods"] == pytest.approx(row["money/revenue"])
    assert log["event"].str.startswith("2-").all()
    with pytest.raises(ValueError, match="episode must be a whole number >= 0, not -1"):
        allotment.movements(rule, world, episode=-1)
