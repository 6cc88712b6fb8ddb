"""What moves the mean of demand: chains of regimes of a SKU's or channel's own, promotions of some SKUs."""

import numpy as np
import pytest
from small_scenario import small

from allotment.decisions.groups import layout
from allotment.evaluation.rollout import started
from allotment.scenario.loader import World, load_scenario, world_from

CHAIN = {"name": "market", "multipliers": [0.5, 2.0], "transition": [[0.9, 0.1], [0.2, 0.8]]}
EVERYWHERE = {"regime": "market", "process": {"distribution": "poisson", "mean": 3}}


def built(*changes, **sections) -> World:
    """Return the small scenario's world with other values and sections."""
    return world_from(small(*changes, **sections), "small")


@pytest.mark.parametrize(
    ("across", "chains"), [("all", [[0, 0], [0, 0]]), ("channels", [[0, 1], [0, 1]]), ("skus", [[0, 0], [1, 1]])]
)
def test_a_regime_has_one_chain_or_one_for_each_sku_or_channel(across, chains):
    world = built(regimes=[CHAIN | {"across": across}], demand=[EVERYWHERE])
    assert world.problem.modulation.regime.tolist() == chains
    streams = world.problem.modulation.stream
    assert len(set(streams.tolist())) == len(streams) == np.max(chains) + 1


def test_chains_of_several_regimes_keep_apart():
    second = CHAIN | {"name": "weather"}
    demand = [EVERYWHERE | {"channel": "shop"}, EVERYWHERE | {"channel": "web", "regime": "weather"}]
    world = built(regimes=[CHAIN | {"across": "channels"}, second], demand=demand)
    assert world.problem.modulation.regime.tolist() == [[2, 2], [0, 1]]


def test_the_chain_of_a_sku_stays_when_another_sku_is_added():
    regimes = [CHAIN | {"across": "channels"}]
    both = built(regimes=regimes, demand=[EVERYWHERE])
    one = built(("skus", both.content["skus"][1:]), regimes=regimes, demand=[EVERYWHERE])
    assert one.problem.modulation.stream.tolist() == both.problem.modulation.stream.tolist()[1:]


def test_a_promotion_moves_the_mean_of_its_skus_alone():
    promotion = {"start": 2, "end": 3, "multiplier": 2.0, "sku": "tin"}
    process = {"distribution": "poisson", "mean": 3, "promotions": [promotion]}
    world = built(demand=[{"process": process}])
    promoted, other = world.names.skus.index("tin"), 1 - world.names.skus.index("tin")
    assert world.problem.demand.mean[:5, 0, promoted] == pytest.approx([3, 3, 6, 6, 3])
    assert world.problem.demand.mean[:5, 0, other] == pytest.approx([3] * 5)


def test_a_promotion_may_come_again_with_the_season():
    promotion = {"start": 2, "end": 3, "every": 6, "multiplier": 2.0, "sku": "tin"}
    season = {"period": 4, "profile": [1, 1, 1, 2]}
    process = {"distribution": "poisson", "mean": 3, "season": season, "promotions": [promotion]}
    problem = built(demand=[{"process": process}]).problem
    promoted = problem.demand.mean[:, 0, built().names.skus.index("tin")]
    assert promoted == pytest.approx([3, 3, 6, 12, 3, 3, 3, 6, 6, 6, 3, 6])  # twelve periods, after which all repeats
    assert problem.demand.repeats and problem.clock.cycle == 12


def test_the_hubs_markets_are_in_the_long_run_what_is_planned_and_nobody_sees_them():
    world = load_scenario("hub_and_regions")
    (market,) = world.scenario.regimes
    transition = np.array(market.transition)
    long_run = np.linalg.matrix_power(transition, 2000)[0]
    assert long_run @ market.multipliers == pytest.approx(1.0, abs=1e-9)
    assert 1.0 / (1.0 - np.diag(transition)) == pytest.approx([20.0, 18.5, 14.3], abs=0.05)  # weeks in a state
    assert not any("regime" in group.name for group in layout(world.problem, world.scenario.observation))
    mean = world.problem.demand.mean[world.problem.table_period(np.arange(12, 64))].mean(axis=0)
    simulation = started(world, np.arange(400))
    demand = np.zeros_like(mean)
    for _ in range(64):
        flows = simulation.step(np.zeros((400, *world.problem.lanes.allowed.shape)))
        demand += flows.demand.mean(axis=0) / 64
    assert demand.sum() == pytest.approx(mean.sum(), rel=0.03)
