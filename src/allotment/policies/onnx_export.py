"""A learned policy as one ONNX graph: observation scaling, network and action mapping inside, for any runtime.

The graph's `observation` is in units, unscaled, in the order that the model's metadata name; its `orders` are quantities by
supply lane and SKU. Where an encoding counts from something else, that is an input too: `inventory_position` (order_up_to) or
`rule_orders` (residual: what the corrected rule wants). A policy that remembers takes its `memory` and returns the next one.
What comes out is a request: cutting it to stock and capacities stays with whoever executes it. Of a policy that moves the
parameters of a rule, `parameters` come out instead, in the order that the metadata name: the rule decides by them. Where the
network decides `allocation` or `protection`, they come out too; around a rule, `allocation_correction` or
`protection_correction`, to be added to what the rule decides, or leaves to the world.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from allotment.decisions.encodings import Discrete, OrderUpTo, Residual
from allotment.decisions.observation import Observation, observe
from allotment.policies.learned import LearnedPolicy, answered, chosen_actions
from allotment.policies.rule_parameters import RuleParameters
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import Floats
from allotment.simulation.simulation import Simulation
from allotment.whole_file import whole_file

TOLERANCE = 1e-5  # of the largest order
TRACED_WORLDS = 3  # the graph is made from an example of so many worlds,
CHECKED_WORLDS, CHECKED_PERIODS = 8, 6  # and checked on another number, which must not matter


class Graph(nn.Module):
    """A policy as a function of tensors alone."""

    def __init__(self, policy: LearnedPolicy) -> None:
        super().__init__()
        self.actor, self.encoding = policy.actor, policy.encoding
        for name in ("per_unit", "low", "high"):
            self.register_buffer(name, torch.from_numpy(np.array(getattr(policy.flattener, name), dtype=np.float64)))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return orders (B, L, K) in units, or parameters (B, n), what is decided beside them, and the next memory if any."""
        observation, *others = inputs
        vectors = torch.clamp(observation * self.per_unit, self.low, self.high).float()  # type: ignore[operator, arg-type]
        base = others[0] if base_name(self.encoding) else None
        memory = others[-1:] if hasattr(self.actor, "empty_memory") else ()
        answers = self.actor(vectors, *memory)
        answers, after = (answers[0], answers[1:]) if memory else (answers, ())
        actions = self._actions(answers)
        beside = {} if isinstance(self.encoding, Discrete) else self.encoding.allocation_actions.stated(actions)
        return (self.encoding.quantities(actions, base), *beside.values(), *after)

    def _actions(self, answers: Tensor) -> Tensor:
        if isinstance(self.encoding, Discrete):
            return answers.argmax(dim=1).double()
        return torch.clamp(answers.double(), -1.0, 1.0)


def base_name(encoding: Any) -> str | None:
    """Return the name of the input that an encoding counts from, none where it counts from nothing."""
    names: dict[type, str] = {OrderUpTo: "inventory_position", Residual: "rule_orders"}
    return names.get(type(encoding))


def export_onnx(policy: LearnedPolicy, file: Path) -> float:
    """Write a learned policy as ONNX, once it was checked to answer as the policy does; returns the largest difference.

    The difference is relative to the largest order that the policy was seen to place, and at most 1e-5. Raises `ScenarioError`
    for a policy without a network, or where the graph does not answer as the policy.
    """
    if not isinstance(policy, LearnedPolicy):
        raise ScenarioError(
            f"{policy.name}: only a network in a world of this project becomes an ONNX graph, not a {policy.kind} one"
        )
    graph, inputs = Graph(policy).eval(), _inputs(policy, *_seen(policy, TRACED_WORLDS, 1)[0])
    with whole_file(file) as part:
        _write(policy, graph, inputs, part)
        difference = _largest_difference(policy, part)
        if difference > TOLERANCE:
            part.unlink()
            raise ScenarioError(
                f"{file}: the graph differs from the policy by {difference:.1e} of its reach; allowed: {TOLERANCE:g}"
            )
    return difference


def _write(policy: LearnedPolicy, graph: Graph, inputs: dict[str, np.ndarray], file: Path) -> None:
    batch = torch.export.Dim("batch")
    outputs = [*_expected(policy, *_seen(policy, 1, 1)[0]), *(["next_memory"] if "memory" in inputs else [])]
    with _quiet():
        program = torch.onnx.export(
            graph,
            tuple(torch.from_numpy(array) for array in inputs.values()),
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
        )
    assert program is not None
    for node in program.model.graph:
        node.metadata_props.clear()  # the exporter's notes name folders of the machine it ran on
    program.model.metadata_props.update(_metadata(policy))
    program.save(str(file))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks on itself to itself; what it made is checked afterwards."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _answer(policy: LearnedPolicy) -> str:
    """Return the name of what comes out."""
    return "parameters" if isinstance(policy.encoding, RuleParameters) else "orders"


def _metadata(policy: LearnedPolicy) -> dict[str, str]:
    names, encoding = policy.world.names, policy.encoding
    moved = {"parameters": json.dumps(encoding.parameter_names())} if isinstance(encoding, RuleParameters) else {}
    return {
        **moved,
        "policy": policy.name,
        "version": policy.version,
        "world": policy.world.name,
        "observation": json.dumps(policy.flattener.component_names()),
        "supply_lanes": json.dumps(names.supply_lanes),
        "fulfilment_lanes": json.dumps(names.fulfilment_lanes),
        "sites": json.dumps(names.sites),
        "skus": json.dumps(names.skus),
    }


def _expected(policy: LearnedPolicy, observation: Observation, memory: Floats | None) -> dict[str, Floats]:
    """Return what should come out, by name, but for the memory."""
    encoding, discrete = policy.encoding, isinstance(policy.encoding, Discrete)
    answers, _ = answered(policy.name, policy.actor, policy.flattener(observation), memory)
    actions = chosen_actions(answers, discrete)
    found = encoding.quantities(actions) if isinstance(encoding, RuleParameters) else policy.decide(observation).orders
    return {_answer(policy): found, **({} if discrete else encoding.allocation_actions.stated(actions))}


def _inputs(policy: LearnedPolicy, observation: Observation, memory: Floats | None) -> dict[str, np.ndarray]:
    """Return what the graph takes, by name, for an observation."""
    inputs = {"observation": policy.flattener.unscaled(observation)}
    name = base_name(policy.encoding)
    if name:
        base = policy.encoding.base(observation)
        assert base is not None
        inputs[name] = np.ascontiguousarray(base)
    if policy.memory_size:
        nothing = np.zeros((observation.batch, policy.memory_size))
        inputs["memory"] = (nothing if memory is None else memory).astype(np.float32)
    return inputs


def _seen(policy: LearnedPolicy, batch: int, periods: int) -> list[tuple[Observation, Floats | None]]:
    """Return what the policy sees, and remembers, while it plays a few worlds."""
    simulation, worlds = Simulation(policy.world.problem, batch), np.arange(batch)
    simulation.reset(worlds, worlds, np.zeros(batch, dtype=np.int64))
    seen: list[tuple[Observation, Floats | None]] = []
    memory = None
    for _ in range(min(periods, policy.world.problem.clock.length)):
        observation = observe(simulation, memory)
        seen.append((copy.deepcopy(observation), memory))  # outlives the simulation's next step
        decision = policy.decide(observation)
        memory = decision.memory
        simulation.step(decision)
    return seen


def _largest_difference(policy: LearnedPolicy, file: Path) -> float:
    """Return how far the graph's orders are from the policy's, relative to the largest order."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    difference, largest = 0.0, 1.0
    for observation, memory in _seen(policy, CHECKED_WORLDS, CHECKED_PERIODS):
        expected = _expected(policy, observation, memory)
        found = session.run(list(expected), _inputs(policy, observation, memory))
        for units, there in zip(found, expected.values(), strict=True):
            difference = max(difference, float(np.abs(units - there).max()))
            largest = max(largest, float(np.abs(there).max()))
    return difference / largest
