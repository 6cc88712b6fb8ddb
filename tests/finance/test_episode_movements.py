"""The log of an episode: replayed it is the episode's stock at every step, and its money is the episode's."""

import numpy as np
import pytest
from hypothesis import settings

from allotment.engine.state import State
from allotment.exchange.movements import as_movements
from allotment.finance.episode_movements import episode_movements
from allotment.finance.replay import replay
from allotment.scenario.problem import TERMS
from allotment.simulation.simulation import Simulation
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions


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


@settings(max_examples=25)
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
