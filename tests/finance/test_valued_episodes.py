"""The movements of simulated episodes are valued: whatever a world has, entries balance and the units held are its stock."""

import numpy as np
from hypothesis import settings
from test_episode_movements import Given, said
from valuation_logs import policy

from allotment.exchange.movement_schema import STOCK, place_kind
from allotment.exchange.movements import as_movements
from allotment.finance.episode_movements import episode_movements
from allotment.finance.valuation import value
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions


@settings(max_examples=6)
@holds_in_random_worlds()
def test_the_movements_of_any_world_are_valued(random: RandomWorld, seed: int):
    decisions = [said(decision) for decision in random_decisions(random, 1, seed)]
    log = as_movements(episode_movements(random.world, Given(decisions), seed))
    for formula in ("fifo", "moving_average"):
        made = value(log, policy(cost_formula=formula, currency=random.world.scenario.currency or "USD"))
        assert made.entries.amount.sum() == 0
        held = sum(layer.units for *_, layer in made.held) / made.log.scale
        moves = log[~log["kind"].isin(["reservation", "release", "landed_cost", "price"])]
        stock = sum(
            sign * moves["units"][moves[end].map(lambda place: place_kind(place) in STOCK)].sum()
            for end, sign in (("to", 1), ("from", -1))
        )
        np.testing.assert_allclose(held + made.on_consignment, stock, atol=1e-3)
