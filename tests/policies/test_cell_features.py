"""Networks of cells that are told what is known of each: without units, of any SKUs, in worlds that they were not made in."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from small_trainings import small

import allotment
from allotment.decisions.encodings import Quantity
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.cell_features import cell_features, cell_lanes, site_weights
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_parameters import RuleParameters
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import world_from
from small_policies import network, rule
from small_worlds import seen, two_shops

SHARED = NetworkShape("cells", [8], "silu", output="tanh", tags=0)
FROM_COSTS = {"policy": "newsvendor", "parameters": {"safety_factor": "from_costs"}}
ITEMS = {"milk": (12.0, 8.0, 3.0, 0.02), "oil": (30.0, 12.0, 8.0, 0.05), "salt": (7.0, 6.0, 20.0, 0.01)}


def depot_and_shop(times=1, units=1.0, money=1.0, **sections):
    """Return a world of three items, so many times each, of so many times as many units and as much money."""
    names = [f"{name}-{copy}" for copy in range(times) for name in ITEMS]
    items = dict(zip(names, list(ITEMS.values()) * times, strict=True))
    skus = [
        {"name": name, "price": price * money, "unit_cost": cost * money, "volume": volume / units}
        for name, (price, cost, _, volume) in items.items()
    ]
    site = {"storage": 3.0 * times, "overflow": "charge", "overflow_cost": 9.0 * money * units, "holding_cost": {"rate": 0.01}}
    means = {name: mean * units for name, (_, _, mean, _) in items.items()}
    world = {
        "name": "depot_and_shop",
        "units": "continuous",
        "horizon": {"kind": "window", "periods": 4},
        "skus": skus,
        "suppliers": [{"name": "factory", "capacity": 70.0 * times * units}],
        "sites": [{"name": "depot", **site, "handling": 40.0 * times * units}, {"name": "shop", **site}],
        "channels": [{"name": "firms", "unmet": "backorder", "backorder_cost": money}, {"name": "walkers", "unmet": "lost"}],
        "supply_lanes": [
            {"from": "factory", "to": "*", "lead_time": 2, "freight": 0.2 * money, "line_cost": 4.0 * money * units},
            {"from": "depot", "to": "shop", "lead_time": 1, "freight": 0.5 * money},
        ],
        "fulfilment_lanes": [{"from": "depot", "to": "firms"}, {"from": "shop", "to": "walkers"}],
        "demand": [{"process": {"distribution": "gamma", "mean": means, "coefficient_of_variation": 0.5}}],
    }
    return world_from({**world, **sections}, "depot_and_shop.yaml")


def test_nothing_that_is_known_of_a_cell_has_a_unit():
    one, other = cell_features(depot_and_shop()), cell_features(depot_and_shop(units=1000.0, money=7.0))
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, atol=1e-9, err_msg=name)


def test_what_is_known_of_a_cell_is_what_its_world_says():
    features, milk, depot, shop = cell_features(depot_and_shop()), 0, 0, 1
    bought = 8.2  # with freight
    assert features["margin"][shop, milk] == pytest.approx((12 - bought) / (12 + bought))
    assert features["gain"][shop, milk] == pytest.approx((12 - bought) / 4)
    assert features["holding"][shop, milk] == pytest.approx(np.log(0.01 * 8 / 4))  # a lost unit costs its margin: 12 - 8
    assert features["overflow"][depot, milk] == pytest.approx(np.log(9 * 0.02 / 1))  # one that waits costs 1 a period
    assert features["deviation"][shop, milk] == pytest.approx(np.log(0.5), abs=0.01)
    assert features["waits"][:, milk].tolist() == [1, 0]
    assert features["storage"][depot, milk] == pytest.approx(np.log(3 / (3 * 0.02 + 8 * 0.05 + 20 * 0.01)))
    assert features["handling"][:, milk].tolist() == pytest.approx([np.log(40 / 31), 6])  # the shop has no limit
    assert features["lead_time[1]"][shop, milk] == pytest.approx(np.log(3))
    assert features["capacity[1]"][shop, milk] == pytest.approx(np.log(70 / 62))
    assert features["line[1]"][shop, milk] == pytest.approx(np.log(4 / (4 * 3)))
    assert features["lane[2]"][:, milk].tolist() == [0, 1]  # to the shop a second one leads
    assert features["dearer[2]"][shop, milk] == pytest.approx(np.log1p(0.3 / 4))


def test_a_site_weighs_its_items_by_units_and_by_room():
    by_units, by_room = site_weights(depot_and_shop())[:, 0]
    np.testing.assert_allclose(by_units, np.array([3, 8, 20]) / 31)
    np.testing.assert_allclose(by_room, np.array([0.06, 0.4, 0.2]) / 0.66)


def test_lanes_that_do_not_carry_an_item_take_no_place():
    lanes = copy.deepcopy(two_shops().content["supply_lanes"])
    lanes[0]["skus"] = ["pear"]
    found = cell_lanes(two_shops(supply_lanes=lanes).problem)
    assert found[:, 0].T.tolist() == [[2, 3, -1], [0, 2, 3]]  # apples reach the north by two lanes, pears by three


def test_items_that_are_there_twice_are_ordered_alike():
    one, twice = depot_and_shop(), depot_and_shop(times=2)
    policies = [network(world, SHARED, RuleParameters(world, rule(world, FROM_COSTS))) for world in (one, twice)]
    stock = np.array([[2.0, 9.0, 11.0], [4.0, 1.0, 30.0]])
    observations = seen(one, stock, [(1, 0, 2, 5.0)]), seen(twice, np.tile(stock, 2), [(1, 0, 2, 5.0), (1, 0, 5, 5.0)])
    orders, doubled = (policy.decide(seen).orders for policy, seen in zip(policies, observations, strict=True))
    assert len(np.unique(orders)) > 4
    np.testing.assert_allclose(doubled, np.tile(orders, 2), rtol=1e-5)


def test_stock_of_the_sites_other_items_is_seen():
    world = depot_and_shop()
    policy = network(world, SHARED, Quantity(world))
    for weights in policy.actor.parameters():
        weights.data *= 0.1
    empty, full, elsewhere = (
        policy.decide(seen(world, stock)).orders[0, 0, 0]
        for stock in ([[1, 0, 0], [0, 0, 9]], [[1, 0, 9], [0, 0, 0]], [[1, 0, 0], [0, 9, 0]])
    )
    assert len({round(float(units), 3) for units in (empty, full, elsewhere)}) == 3


@pytest.mark.parametrize("encoding", ["rule_parameters", "quantity"])
def test_a_bundle_plays_in_a_world_of_other_items(encoding, tmp_path):
    world, other = depot_and_shop(), depot_and_shop(times=3, units=5.0)
    policies = [
        network(each, SHARED, RuleParameters(each, rule(each, FROM_COSTS)) if encoding == "rule_parameters" else Quantity(each))
        for each in (world, other)
    ]
    save_bundle(policies[0], tmp_path)
    played = load_bundle(tmp_path, other)
    orders = played.decide(seen(other, 7.0, period=2)).orders
    np.testing.assert_array_equal(orders, policies[1].decide(seen(other, 7.0, period=2)).orders)
    stock = {site: dict.fromkeys(other.names.skus, 7.0) for site in other.names.sites}
    plan = played.recommend({"period": 2, "stock": stock, "in_transit": [], "open_demand": []})
    assert sum(order.requested for order in plan.orders) == pytest.approx(orders.sum()) != 0.0
    assert np.isfinite(allotment.evaluate(played, other, episodes=2, seed=0)["score"]).all()
    save_bundle(played, tmp_path / "other")
    assert load_bundle(tmp_path / "other").world.names.skus == other.names.skus


@pytest.mark.parametrize(
    ("shape", "config", "sections", "told"),
    [
        (
            replace(SHARED, tags=2),
            FROM_COSTS,
            {},
            r"tags: \[6, 2\] in the file, \[12, 2\] .* with tags: 0 and seasons: null serves",
        ),
        (
            replace(SHARED, seasons=1),
            FROM_COSTS,
            {},
            r"size mismatch for levels: .* with tags: 0 and seasons: null serves others",
        ),
        (SHARED, FROM_COSTS, {"observation": {"forecast": 1}}, "cell is told other things .* depot_and_shop tells 'fore"),
        (
            SHARED,
            FROM_COSTS,
            {"observation": {"in_transit": "by_site"}},
            r"tells 'in_transit_by_site\[1\]'; .* does not tell 'in_tra",
        ),
        (
            SHARED,
            {"policy": "base_stock"},
            {},
            "level was tuned for other SKUs than depot_and_shop has .* a number or computed",
        ),
    ],
)
def test_what_does_not_fit_a_world_of_other_items_is_named(shape, config, sections, told, tmp_path):
    world = depot_and_shop()
    save_bundle(network(world, shape, RuleParameters(world, rule(world, config))), tmp_path)
    with pytest.raises(ScenarioError, match=told):
        load_bundle(tmp_path, depot_and_shop(times=2, **sections))


def test_training_begins_with_the_weights_of_a_world_of_other_items(tmp_path):
    given = {"encoding": {"name": "rule_parameters", "rule": FROM_COSTS}, "network.tags": 0, "network.seasons": None}
    first = allotment.train(depot_and_shop(), "pathwise", out=tmp_path, overrides=small("pathwise", **given, steps=64))
    start = {**given, "from": str(first), "steps": 16}
    second = allotment.train(depot_and_shop(times=2), "pathwise", out=tmp_path / "b", overrides=small("pathwise", **start))
    assert "told" in (second / "best" / "bundle.json").read_text()
    shorter = depot_and_shop(times=2, observation={"calendar": True})
    with pytest.raises(ScenarioError, match=r"from: .*told other things than in training: the world to be trained in tells 'c"):
        allotment.train(shorter, "pathwise", out=tmp_path / "c", overrides=small("pathwise", **start))
