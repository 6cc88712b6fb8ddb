"""Encodings around a rule: where no action corrects or moves anything, its episodes are the rule's, in every world."""

from itertools import islice

import numpy as np
import pytest

from allotment.decisions.encodings import Residual
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import observe
from allotment.environments.action_decoder import ActionDecoder
from allotment.environments.observation_vectors import ObservationVectors
from allotment.evaluation.rollout import played, started
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_parameters import RuleParameters
from allotment.policies.rules import RULES
from allotment.scenario.errors import ScenarioError
from small_policies import network, rule
from small_worlds import SHIPPED, shipped_world, two_shops

SEED = np.zeros(1, dtype=np.int64)
SLOW = {"rolling_horizon", "two_stage"}  # a programme in every period: in one world below
ENCODINGS = (Residual, RuleParameters)
NO_ALLOCATION = {"policy": "base_stock", "parameters": {"level": 20}}


def rules_of(world):
    """Return the rules that apply in a world, as they are before tuning, which leave allocation and protection open."""
    for name in RULES:
        if name not in {"random", *SLOW}:
            try:
                yield rule(world, {"policy": name})
            except ScenarioError:
                continue


def rewards_of_rule(world, policy, periods=5):
    return [float(flows.reward[0]) for _, flows in islice(played(started(world, SEED), policy), periods)]


def rewards_of_nothing(world, encoding, periods=5):
    """Return the reward of each period of an environment in which every action is 0."""
    simulation = started(world, SEED)
    decoder, found = ActionDecoder(encoding, simulation, ObservationVectors(Flattener(world), simulation)), []
    for _ in range(min(periods, simulation.problem.clock.length)):
        decoder.step(np.zeros((1, encoding.size)))
        found.append(float(simulation.flows.reward[0]))
    return found


def around(make, world, policy, **given):
    """Return the encoding of a rule; none where it is refused: the rule remembers, or has nothing that could be moved."""
    try:
        return make(world, policy, **given)
    except ScenarioError:
        return None


@pytest.mark.parametrize("name", SHIPPED)
def test_without_an_action_every_rule_plays_its_own_episode(name):
    world, seen = shipped_world(name), 0
    left_open = world.problem.rules.allocates or world.problem.rules.protects
    for place, policy in enumerate(rules_of(world), start=len(name)):  # by turns where nothing is left open: it takes its time
        expected = rewards_of_rule(world, policy, periods=3)
        for encoding in (around(make, world, policy) for make in (ENCODINGS if left_open else [ENCODINGS[place % 2]])):
            if encoding is not None:
                found = rewards_of_nothing(world, encoding, periods=3)
                assert found == pytest.approx(expected, rel=1e-12, abs=1e-9), policy.name
                seen += 1
    assert seen >= 3


def test_a_plan_that_allocates_itself_is_not_overruled():
    world = shipped_world("two_centres")
    policy = rule(world, {"policy": "rolling_horizon"})
    expected = rewards_of_rule(world, policy)
    assert sum(flows.allocation_requested.sum() for _, flows in played(started(world, SEED), policy)) > 0.0
    for make in ENCODINGS:
        assert rewards_of_nothing(world, make(world, policy)) == pytest.approx(expected)


@pytest.mark.parametrize("make", ENCODINGS)
def test_corrections_of_an_allocation_count_from_what_the_scenario_would_ship(make):
    world = shipped_world("hub_and_regions")
    policy = rule(world, NO_ALLOCATION)
    encoding, alone = make(world, policy, also_corrects=("allocation",)), make(world, policy)
    lanes = world.problem.fulfilment.channel
    assert encoding.size == alone.size + len(lanes) * 10
    assert rewards_of_nothing(world, encoding) == pytest.approx(rewards_of_rule(world, policy))
    observation, actions = observe(started(world, SEED)), np.zeros((1, encoding.size))
    served = encoding.decision(actions, observation).allocation
    actions[0, alone.size :] = 1.0
    more = encoding.decision(actions, observation).allocation - served
    mean = world.problem.demand.mean.mean(axis=0)[lanes]
    reach = np.maximum(1.5 * mean, 1.0)  # 1.5 periods of mean demand of the channel, or a unit
    np.testing.assert_allclose(more[0], reach)
    np.testing.assert_allclose(encoding.decision(-actions, observation).allocation, np.maximum(served - reach, 0.0))


@pytest.mark.parametrize("make", ENCODINGS)
def test_corrections_of_an_allocation_before_demand_count_from_no_reservation(make):
    world = two_shops(decisions=["orders", "allocation"])  # which decide before demand
    policy = rule(world, NO_ALLOCATION)
    found = rewards_of_nothing(world, make(world, policy, also_corrects=("allocation",)))
    assert found == pytest.approx(rewards_of_rule(world, policy))


@pytest.mark.parametrize("make", ENCODINGS)
def test_corrections_of_protection_count_from_what_the_rule_protects(make):
    world = shipped_world("demand_classes")
    for policy in (rule(world, NO_ALLOCATION), rule(world, {**NO_ALLOCATION, "protection": {1: 2}})):
        encoding = make(world, policy, also_corrects=("protection",))
        assert rewards_of_nothing(world, encoding) == pytest.approx(rewards_of_rule(world, policy))
        observation, actions = observe(started(world, SEED)), np.zeros((1, encoding.size))
        protected = encoding.decision(actions, observation).protection
        actions[0, -1] = 1.0
        more = encoding.decision(actions, observation).protection - protected
        assert more.ravel().tolist() == pytest.approx([1.0, 0.0])  # a unit for the first class; none is below the second


@pytest.mark.parametrize("make", ENCODINGS)
def test_what_a_world_leaves_to_no_policy_is_not_corrected(make):
    world = shipped_world("lost_sales")
    policy = rule(world, NO_ALLOCATION)
    with pytest.raises(ScenarioError, match="also_corrects: lost_sales leaves no protection to policies; its decisions must"):
        make(world, policy, also_corrects=("protection",))


def test_what_is_corrected_beside_orders_belongs_to_the_policy_on_disk(tmp_path):
    world = shipped_world("hub_and_regions")
    encoding = Residual(world, rule(world, NO_ALLOCATION), also_corrects=("allocation",))
    policy = network(world, NetworkShape("cells", [8], "silu", output="tanh"), encoding)
    save_bundle(policy, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle", world)
    assert again.encoding.also_corrects == ("allocation",)
    observation = observe(started(world, SEED))
    np.testing.assert_array_equal(again.decide(observation).allocation, policy.decide(observation).allocation)


def test_only_encodings_of_a_rule_correct_something():
    with pytest.raises(ScenarioError, match=r"encoding.also_corrects belongs to residual and rule_parameters, not to quantity"):
        build_encoding(EncodingConfig(name="quantity", also_corrects=["allocation"]), shipped_world("hub_and_regions"))


def test_a_world_without_a_lane_from_a_supplier_has_nothing_to_correct():
    world = two_shops(supply_lanes=[{"from": "south", "to": "north"}, {"from": "north", "to": "south"}])
    with pytest.raises(ScenarioError, match="two_shops has no lane from a supplier whose orders could be corrected"):
        build_encoding(EncodingConfig(name="residual"), world, rule(world))
