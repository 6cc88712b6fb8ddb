"""What the study of capital tells of markets that become strong, on two budget periods and markets made by hand."""

import numpy as np
import pytest
from experiments.capital.following import followed, played

from allotment.studies.study import load_study
from small_policies import rule
from small_worlds import shipped_world


def test_a_share_is_told_by_budget_periods_since_its_market_became_strong():
    strong = np.zeros((8, 1, 2), dtype=bool)
    strong[3:7, 0, 0] = True  # after the second budget period has begun, until within the fourth
    shares = np.array([[[0.2, 0.8]], [[0.3, 0.7]], [[0.6, 0.4]], [[0.5, 0.5]]])  # of four budget periods of two periods
    found = {since: share for since, (share, _) in followed(shares, strong, 2).items()}
    assert found[-2] == pytest.approx(0.2 / 0.4) and found[-1] == pytest.approx(0.3 / 0.4)
    assert found[1] == pytest.approx(0.6 / 0.4) and found[2] == pytest.approx(0.5 / 0.4)
    assert np.isnan(found[3])  # the episode has ended


def test_shares_are_those_that_the_world_gave():
    world = shipped_world("capital_allocation")
    config = {"policy": "newsvendor", "parameters": {"safety_factor": 1}, "budget": "pro_rata"}
    shares, strong = played(world, rule(world, config), 2)
    assert shares.shape == (1, 2, 6) and strong.shape == (5, 2, 6)
    mean, cost = world.problem.demand.mean.mean(axis=0).sum(axis=0), world.problem.goods.unit_cost.mean(axis=0)
    expected = (mean * cost).reshape(6, 2).sum(axis=1)
    np.testing.assert_allclose(shares[0], np.tile(expected / expected.sum(), (2, 1)))


def test_all_policies_of_the_study_can_be_built():
    assert len(load_study("experiments/capital").configs()) == 8
