"""A policy's ONNX graph takes units, answers with the policy's own orders, and is not written where it does not."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

import allotment
from allotment.cli import app
from allotment.decisions.encodings import Discrete, OrderUpTo, Quantity, Residual
from allotment.decisions.observation import observe
from allotment.policies import onnx_export
from allotment.policies.bundle import save_bundle
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_parameters import RuleParameters
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation
from small_policies import BASE_STOCK, network, rule
from small_worlds import one_shop, two_shops

CASES = {
    "mlp-quantity": (NetworkShape("mlp", [8], "tanh", output="tanh"), Quantity),
    "mlp-order_up_to": (NetworkShape("mlp", [8], "relu"), OrderUpTo),
    "cells-residual": (NetworkShape("cells", [8], "silu", tags=0), lambda world: Residual(world, rule(world))),
    "lstm-quantity": (NetworkShape("lstm", [8], "elu", memory=3), Quantity),
    "cells-rule_parameters": (
        NetworkShape("cells", [8], "silu", output="tanh", seasons=1),
        lambda world: RuleParameters(world, rule(world)),
    ),
    "mlp-discrete": (NetworkShape("mlp", [8], "relu"), Discrete),
}


@pytest.mark.parametrize("case", CASES)
def test_the_graph_answers_as_the_policy_for_any_number_of_worlds(case, tmp_path):
    shape, encoding = CASES[case]
    world = one_shop() if encoding is Discrete else two_shops()
    policy = network(world, shape, encoding(world))
    file = allotment.export_onnx(policy, tmp_path / "policy.onnx")
    onnx.checker.check_model(str(file))
    session = onnxruntime.InferenceSession(str(file))
    simulation, memory = Simulation(world.problem, 5), None
    simulation.reset(np.arange(5), 70 + np.arange(5), np.zeros(5, dtype=int))
    for _ in range(world.problem.clock.length):
        observation = observe(simulation, memory)
        given = {"observation": policy.flattener.unscaled(observation)}
        if encoding is OrderUpTo:
            given["inventory_position"] = observation.inventory_position
        if case == "cells-residual":
            given["rule_orders"] = policy.encoding.rule.decide(observation).wanted
        if case == "lstm-quantity":
            given["memory"] = np.zeros((5, 6), dtype=np.float32) if memory is None else memory.astype(np.float32)
        assert {each.name for each in session.get_inputs()} == given.keys()
        answers = session.run(None, given)
        decision = policy.decide(observation)
        if case == "cells-rule_parameters":  # the graph says the parameters, by which the rule decides
            values, moved = dict(policy.encoding.rule.values), policy.encoding.moved
            values |= {each.parameter.name: answers[0][:, each.actions].reshape(5, *each.shape) for each in moved}
            answers[0] = policy.encoding.rule.with_values(values).decide(observation).orders
        assert answers[0] == pytest.approx(decision.orders, rel=1e-5, abs=1e-4)
        if decision.memory is not None:
            assert answers[1] == pytest.approx(decision.memory, abs=1e-6)
        memory = decision.memory
        simulation.step(decision.orders)


def test_the_graph_names_what_goes_in_and_comes_out(tmp_path):
    policy = network(two_shops(), *[CASES["mlp-quantity"][0], Quantity(two_shops())])
    save_bundle(policy, tmp_path / "bundle")
    file = allotment.export_onnx(tmp_path / "bundle", tmp_path / "policy.onnx")
    told = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert told["version"] == allotment.load_policy(tmp_path / "bundle").version
    assert json.loads(told["observation"]) == policy.flattener.component_names()
    assert json.loads(told["supply_lanes"]) == two_shops().names.supply_lanes
    assert b"/allotment/" not in file.read_bytes()  # no folder of the machine that wrote it


OPEN = {  # classes of customers, and a world that leaves both to policies
    "channels": [{"name": "walkers", "unmet": "lost", "priority": 1}, {"name": "callers", "unmet": "backorder", "priority": 2}],
    "decisions": ["orders", "allocation", "protection"],
}


def seen_first(world):
    simulation = Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1, dtype=int))
    return observe(simulation)


def test_a_graph_says_what_its_network_allocates_and_protects(tmp_path):
    world = two_shops(**OPEN)
    policy, observation = network(world, NetworkShape("mlp", [8], "tanh", output="tanh"), Quantity(world)), seen_first(world)
    session = onnxruntime.InferenceSession(str(allotment.export_onnx(policy, tmp_path / "policy.onnx")))
    names, decided = [each.name for each in session.get_outputs()], policy.decide(observation)
    assert names == ["orders", "allocation", "protection"]
    assert min(decided.allocation.max(), decided.protection.max()) > 1.0
    for name, units in zip(names, session.run(None, onnx_export._inputs(policy, observation, None)), strict=True):
        np.testing.assert_allclose(units, getattr(decided, name), rtol=1e-5, atol=1e-5)


def test_a_graph_around_a_rule_says_by_how_much_it_is_corrected():
    world = two_shops(**OPEN)
    around = rule(world, {**BASE_STOCK, "protection": {1: 40}})
    encoding, observation = Residual(world, around, also_corrects=("protection",)), seen_first(world)
    policy = network(world, NetworkShape("mlp", [8], "tanh", output="tanh"), encoding)
    given = [torch.from_numpy(array) for array in onnx_export._inputs(policy, observation, None).values()]
    found = onnx_export.Graph(policy)(*given)[1].detach().numpy()
    protected = 40.0 * (np.arange(2) == 0)[:, None]  # by the rule, for the first of two classes
    assert np.abs(found).max() > 1.0
    np.testing.assert_allclose(np.maximum(found + protected, 0.0), policy.decide(observation).protection, rtol=1e-5)


def test_a_graph_that_differs_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "_largest_difference", lambda policy, file: 2e-5)
    with pytest.raises(ScenarioError, match=r"differs from the policy by 2.0e-05 of its reach; allowed: 1e-05"):
        allotment.export_onnx(network(two_shops(), CASES["mlp-quantity"][0], Quantity(two_shops())), tmp_path / "policy.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_check_sees_a_wrong_scale(tmp_path):
    policy = network(two_shops(), CASES["mlp-quantity"][0], Quantity(two_shops()))
    file = allotment.export_onnx(policy, tmp_path / "policy.onnx")
    policy.flattener.per_unit[0] *= 2.0
    assert onnx_export._largest_difference(policy, file) > 1e-5


def test_a_rule_is_no_graph(tmp_path):
    save_bundle(rule(two_shops()), tmp_path / "rule")
    shown = CliRunner().invoke(app, ["export", str(tmp_path / "rule"), str(tmp_path / "x.onnx")])
    assert "only a network in a world of this project becomes an ONNX graph" in str(shown.exception)
