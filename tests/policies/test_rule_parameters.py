"""Actions that move the parameters of a rule."""

import numpy as np
import pytest

from allotment.decisions.encodings import Quantity, Residual
from allotment.policies.config_file import read_config
from allotment.policies.networks import NetworkShape, start_at_nothing
from allotment.policies.rule_parameters import RuleParameters
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import world_from
from small_policies import network, rule
from small_worlds import APPLE, seen, shipped_world, two_shops, written

LEVELS = {"policy": "base_stock", "parameters": {"level": 20}, "transfers": {"pull_below": 1, "give_above": 2}}


def test_actions_move_parameters_by_first_steps_and_the_rule_decides():
    world = two_shops()
    encoding = RuleParameters(world, rule(world, {"policy": "base_stock", "parameters": {"level": 20}}), steps=2.0)
    assert encoding.size == 4  # a level for each site and SKU; there is no cap that could be moved
    assert encoding.parameter_names()[0] == "level[north, apple]"
    observation, actions = seen(world, on_hand=[[6, 30], [30, 30]]), np.zeros((1, 4))
    assert encoding.orders(actions, observation)[0, :, APPLE].sum() == 14  # 20 - 6
    actions[0, 0] = 0.5  # one first step: the deviation of demand over the lead time, and one period more
    moved = encoding.orders(actions, observation)[0, :, APPLE].sum()
    assert moved == pytest.approx(14 + encoding.limits[0] / 2)
    assert encoding.limits[0] > 2.0


def test_without_an_action_a_rule_with_transfers_decides_as_it_was_tuned():
    world = two_shops()
    policy = rule(world, LEVELS)
    encoding, observation = RuleParameters(world, policy), seen(world, on_hand=[[1, 1], [60, 30]])
    decided = encoding.decision(np.zeros((1, encoding.size)), observation)
    np.testing.assert_array_equal(decided.orders, policy.decide(observation).orders)


@pytest.mark.parametrize("kind", ["cells", "levels", "mlp"])
def test_a_network_that_answers_nothing_is_the_rule(kind):
    world = shipped_world("three_warehouses")
    policy = rule(world, {"policy": "dual_newsvendor", "parameters": {"expedite_factor": 0.3, "safety_factor": 1.1}})
    learned = network(world, NetworkShape(kind, [8], "silu", output="tanh", seasons=2), RuleParameters(world, policy))
    start_at_nothing(learned.actor)
    learned.actor.levels.data.zero_()
    observation = seen(world, on_hand=20.0, period=3)
    np.testing.assert_allclose(learned.decide(observation).orders, policy.decide(observation).orders)


@pytest.mark.parametrize("make", [Residual, RuleParameters])
def test_a_rule_that_serves_by_worth_serves_under_a_network_too(make):
    world = shipped_world("three_warehouses_serving")
    served = {"policy": "dual_newsvendor", "parameters": {"expedite_factor": 0.3, "safety_factor": 1.1}, "allocation": "worth"}
    policy = rule(world, served)
    learned = network(world, NetworkShape("cells", [8], "silu", output="tanh"), make(world, policy))
    start_at_nothing(learned.actor)
    observation = seen(world, on_hand=20.0, open_demand=3.0)
    decided = learned.decide(observation)
    assert decided.allocation.sum() > 0.0
    np.testing.assert_array_equal(decided.allocation, policy.decide(observation).allocation)


@pytest.mark.parametrize("decides", ["allocation", "protection"])
def test_a_network_of_cells_answers_for_what_its_sites_ship_and_keep(decides):
    content = {**written("hub_and_regions"), "decisions": ["orders", decides]}
    world = world_from(content, "hub")
    encoding, skus = Quantity(world), len(world.names.skus)
    answers = network(world, NetworkShape("cells", [8], "silu"), encoding).actor.answers
    shared, fulfilment = encoding.allocation_actions, world.problem.fulfilment
    limits = shared.largest_allocation if decides == "allocation" else shared.largest_protection
    sites = fulfilment.site[:, None] if decides == "allocation" else np.arange(3)[:, None, None]
    cells = np.broadcast_to(sites * skus + np.arange(skus), limits.shape)
    assert answers.actions == encoding.size
    assert (answers.chosen[-shared.size :] // answers.width == cells.ravel()).all()
    assert len(np.unique(answers.chosen)) == encoding.size  # no two actions by the same number


def test_overrides_go_on_into_the_rule_that_a_config_names():
    _, config = read_config("pathwise", ["encoding.rule.tuning.rounds=3", "encoding.rule=hub_allocation"])
    assert config["encoding"]["rule"]["policy"] == "echelon_dual_newsvendor"
    assert config["encoding"]["rule"]["tuning"] == {"worlds": 64, "rounds": 3}


def test_a_parameter_stays_within_what_it_may_be():
    world = two_shops()
    encoding = RuleParameters(world, rule(world, LEVELS))
    values = encoding.values(-np.ones((1, encoding.size)))
    assert (values["pull_below"] == 0.0).all()  # one period less six first steps would be below nothing
    assert values["level"].shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"policy": "random"}, "rule_parameters: random has no parameters that could be moved"),
        (
            {"policy": "newsvendor", "parameters": {"safety_factor": 1}, "forecast": {"method": "exponential_smoothing"}},
            "remembers past demand; take a rule that does not",
        ),
    ],
)
def test_a_rule_that_cannot_be_moved_is_refused(config, told):
    world = two_shops(observation={"demand_history": 2})
    with pytest.raises(ScenarioError, match=told):
        RuleParameters(world, rule(world, config))


def test_levels_follow_the_season():
    world = shipped_world("three_warehouses")
    policy = rule(world, {"policy": "newsvendor", "parameters": {"safety_factor": 1.0}})
    learned = network(world, NetworkShape("levels", [8], output="tanh", seasons=1), RuleParameters(world, policy))
    learned.actor.levels.data.zero_()
    learned.actor.levels.data[0] = learned.actor.levels.new_tensor([0.0, 0.1, 0.0])  # the first factor goes with the sine
    quarter, half = (learned.decide(seen(world, on_hand=0.0, period=period)).orders for period in (13, 26))
    plain = [policy.decide(seen(world, on_hand=0.0, period=period)).orders for period in (13, 26)]
    assert (quarter - plain[0]).sum() > 1.0
    assert np.abs(half - plain[1]).sum() < 1e-4
