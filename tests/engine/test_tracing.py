"""A period as a program is the array dynamics: states, records and gradients, in random networks of the whole model."""

import numpy as np
import pytest
import torch
from hypothesis import settings
from rollouts import begun

from allotment.engine import dynamics
from allotment.engine.relaxation import FEATURES, IGNORED, on_torch, relaxed
from allotment.engine.state import DECISION, Decision
from allotment.engine.tracing.graph import CUT, FLOOR_AT, LINEAR, Graph, Untraceable
from allotment.engine.tracing.program import traced_period
from allotment.engine.tracing.traced import Traced, inputs
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.scenario.loader import load_scenario
from random_worlds import holds_in_random_worlds, random_decisions
from small_worlds import two_shops

# What is rounded or left out, though its slope passes, reaches limits exactly: rounding errors then decide on the slope.
AT_LIMITS = ("multiples", "minimums")
TREATMENTS = {feature.name: IGNORED if feature.name in AT_LIMITS else feature.treatments[-1] for feature in FEATURES}
RECORDS = ("reward", "money", "shipped", "executed", "lost")


def leaves(decided, generator):
    """Return a decision's quantities by name, moved off the round numbers where slopes jump."""
    given = {name: part for name, part in zip(DECISION, decided, strict=False) if part is not None and part.size}
    return {
        name: torch.tensor(part + generator.uniform(0.0, 0.1, part.shape), requires_grad=True) for name, part in given.items()
    }


def plain(state):
    return state._replace(**{name: part.detach().numpy() for name, part in state._asdict().items() if torch.is_tensor(part)})


def same_rows(traced, rows, state):
    """Check rows against a state of the array dynamics; when shipments arrived that have arrived does not matter."""
    wanted = traced.rows_of(plain(state))
    if "arrival" in traced.layout.there:
        arrivals = traced.layout.slice("arrival")
        rows, wanted = rows.clone(), wanted.copy()
        rows[arrivals], wanted[arrivals] = 0.0, 0.0
    np.testing.assert_allclose(rows.detach().numpy(), wanted, rtol=1e-9, atol=1e-9)


def check(world, seed, decisions, generator):
    """Play an episode by both, and compare states, records and the gradients of the reward."""
    problem, seeds = relaxed(world.problem, TREATMENTS), np.array([seed, seed + 1])
    traced = TracedWorlds(problem, seeds, RECORDS)
    state, rows, given, totals = on_torch(begun(problem, seeds), torch.float64), traced.start(torch.float64), [], [0.0, 0.0]
    for decided in decisions:
        quantities = leaves(decided, generator)
        given += quantities.values()
        state, flows = dynamics.step(problem, state, Decision(**quantities))
        rows, records = traced.step(rows, quantities)
        same_rows(traced, rows, state)
        for name in RECORDS:
            np.testing.assert_allclose(records[name].detach(), getattr(flows, name).detach(), rtol=1e-9, atol=1e-9)
        totals = [totals[0] + flows.reward.sum(), totals[1] + records["reward"].sum()]
    if totals[0].requires_grad:
        gradients = [torch.autograd.grad(total, given, allow_unused=True, materialize_grads=True) for total in totals]
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(other, one, rtol=1e-7, atol=1e-9)


@settings(max_examples=12)
@holds_in_random_worlds()
def test_a_program_is_the_array_dynamics(world, seed):
    try:
        check(world, seed, random_decisions(world, 2, seed), np.random.default_rng(seed))
    except Untraceable as reason:
        assert "goodwill" in str(reason)


class Nothing:
    """A generator that moves nothing."""

    def uniform(self, low, high, shape):
        return np.zeros(shape)


def test_gradients_agree_at_kinks_where_nothing_is_ordered():
    world = two_shops()
    check(world, 3, [Decision(np.zeros((2, 4, 2)))] * 4, Nothing())


def test_slopes_are_those_of_the_rewards():
    world = two_shops(
        units="continuous", objective="cost", sites=[{"name": "north", "holding_cost": 1}, {"name": "south", "holding_cost": 2}]
    )
    problem, orders = (
        relaxed(world.problem, {}),
        torch.rand(3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    )

    def reward(orders):
        traced = TracedWorlds(problem, np.arange(3))
        rows, total = traced.start(torch.float64), 0.0
        for _ in range(5):
            rows, records = traced.step(rows, {"orders": orders})
            total = total + records["reward"]
        return total

    assert torch.autograd.gradcheck(reward, (orders * 8.0).requires_grad_())
    assert torch.autograd.grad(reward(orders.requires_grad_()).sum(), orders)[0].abs().sum() > 1.0


@pytest.mark.parametrize("batch", [1, 65, 200])
def test_single_precision_and_any_batch_come_to_the_same(batch):
    problem = relaxed(load_scenario("three_warehouses").problem, TREATMENTS)
    orders = torch.rand(200, *problem.lanes.allowed.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 20
    worlds = [TracedWorlds(problem, np.arange(200)), TracedWorlds(problem, np.arange(batch))]
    whole, part = worlds[0].start(torch.float64), worlds[1].start(torch.float32)
    for _ in range(3):
        whole, records = worlds[0].step(whole, {"orders": orders})
        part, others = worlds[1].step(part, {"orders": orders[:batch].to(torch.float32)})
        torch.testing.assert_close(others["reward"].double(), records["reward"][:batch], rtol=1e-4, atol=1e-2)


def test_alike_periods_share_a_program():
    problem = relaxed(load_scenario("lost_sales", ["horizon.periods=20", "horizon.warm_up=5"]).problem, TREATMENTS)
    traced = TracedWorlds(problem, np.arange(2))
    rows = traced.start(torch.float64)
    for _ in range(25):
        rows, _ = traced.step(rows, {"orders": torch.full((2, 1, 1), 5.0, dtype=torch.float64)})
    assert len(traced._programs) == 3  # the first one, the last, and all between


def test_what_is_nothing_before_a_decision_has_no_row():
    problem = relaxed(load_scenario("three_warehouses").problem, TREATMENTS)
    traced, ages = TracedWorlds(problem, np.arange(2)), problem.lanes.slots
    assert not {"demand", "shipped", "lost"} & traced.layout.there.keys()
    assert traced.layout.there["pipeline"].sum() == 10 * (3 * 2 + 3 * 7)  # what is received first has left the longest way
    rows, _ = traced.step(traced.start(torch.float64), {"orders": torch.full((2, *problem.lanes.allowed.shape), 5.0)})
    pipeline = traced.array(rows, "pipeline")
    assert pipeline.shape == (2, ages, *problem.lanes.allowed.shape, 1)
    assert pipeline.sum() == traced.array(rows, "in_transit").sum() > 0.0
    state = dynamics.reset(problem, np.arange(2), np.zeros(2, dtype=np.int64))
    with pytest.raises(ValueError, match="pipeline before a decision has units where there can be none"):
        traced.rows_of(state._replace(pipeline=state.pipeline + 1.0))


def test_a_claim_that_competes_with_nobody_takes_a_cut_and_sums():
    program = traced_period(relaxed(load_scenario("three_warehouses").problem, TREATMENTS), 20, frozenset({"orders"}))
    kinds = np.bincount(program.forward.kinds, minlength=LINEAR + 1)
    assert kinds[CUT] == 2 * 360  # of 360 claims: stock, and the site's handling
    assert kinds[FLOOR_AT] < 720  # none of stock, demand or handling that a claim leaves


def test_what_is_constant_is_worked_out_and_equal_numbers_are_one():
    graph = Graph()
    one = inputs(graph, (2,))
    assert ((one + 0.0).places == one.places).all()
    assert graph.values[int(np.minimum(one * 0.0, np.inf).places[0, 0])] == 0.0
    assert np.array_equal((one * 2.0 + 1.0).places, (1.0 + 2.0 * one).places)
    assert np.array_equal(np.minimum(one, np.inf).places, one.places)


@pytest.mark.parametrize("look", [bool, np.argsort, lambda array: np.asarray(array), np.sin])
def test_what_looks_at_a_value_is_refused(look):
    with pytest.raises(Untraceable):
        look(inputs(Graph(), (3,)))


@pytest.mark.parametrize("count", range(1, 12))
def test_a_network_of_comparisons_sorts(count):
    graph = Graph()
    array = Traced(graph, np.array([[graph.constant(value) for value in np.random.default_rng(count).permutation(count)]]))
    assert [graph.values[place] for place in np.sort(array, axis=-1).places[0].tolist()] == list(range(count))


def test_worlds_of_whole_units_are_refused():
    with pytest.raises(ValueError, match=r"make it with relaxation\.relaxed"):
        TracedWorlds(two_shops().problem, np.arange(2))
