"""The kernel and the array dynamics are one model: every array of every step agrees, in any world a scenario can state."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from playing import Dynamics, Kernel, copied
from random_worlds import RandomWorld, random_orders, random_worlds

from allotment.engine import kernel
from allotment.engine.state import Flows, State

MONEY = ("money", "reward")


def assert_agree(one: State | Flows, other: State | Flows, whole: bool) -> None:
    """Whole units to the bit; continuous units and money to a billionth (of a unit, of the money that moved)."""
    gross = 1.0 + np.abs(one.money).sum() if isinstance(one, Flows) else 1.0
    for name, a, b in zip(one._fields, one, other, strict=True):
        if a.dtype.kind == "i" or (whole and name not in MONEY):
            np.testing.assert_array_equal(a, b, err_msg=name)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * (gross if name in MONEY else 1.0), err_msg=name)


def assert_identical(one: State | Flows, other: State | Flows) -> None:
    for name, a, b in zip(one._fields, one, other, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def of_world(arrays: State | Flows, position: int) -> State | Flows:
    return type(arrays)(*(array[position : position + 1] for array in arrays))


@given(random_worlds(), st.integers(0, 2**40), st.integers(0, 2**30))
def test_the_two_implementations_agree_on_every_array_of_every_step(world: RandomWorld, seed, order_seed):
    one, other = (player(world.problem, [seed, seed + 1]) for player in (Kernel, Dynamics))
    assert_agree(one.state, other.state, world.whole)
    for orders in random_orders(world, 2, order_seed):
        assert_agree(one.step(orders), other.step(orders), world.whole)
        assert_agree(one.state, other.state, world.whole)


@given(random_worlds(), st.integers(0, 2**30), st.integers(1, 4))
def test_they_agree_after_some_worlds_of_a_batch_start_anew(world: RandomWorld, seed, when):
    one, other = (player(world.problem, [seed, seed + 1, seed + 2]) for player in (Kernel, Dynamics))
    for period, orders in enumerate(random_orders(world, 3, seed)):
        if period == when:
            for player in (one, other):
                player.reset(np.array([2, 0]), np.array([seed + 2, seed + 9]), np.array([1, 0]))
        assert_agree(one.step(orders), other.step(orders), world.whole)
        assert_agree(one.state, other.state, world.whole)


@given(random_worlds(), st.integers(0, 2**30))
def test_world_i_of_a_batch_equals_a_single_world_whose_seed_is_i_larger(world: RandomWorld, seed):
    batch = Kernel(world.problem, range(seed, seed + 70))
    singles = {i: Kernel(world.problem, [seed + i]) for i in (0, 31, 32, 69)}  # the kernel plays blocks of worlds together
    for orders in random_orders(world, 70, seed):
        flows = batch.step(orders)
        for i, single in singles.items():
            assert_identical(of_world(flows, i), single.step(orders[i : i + 1]))
            assert_identical(of_world(batch.state, i), single.state)


@given(random_worlds(units="integer"), st.integers(0, 2**30))
def test_the_array_dynamics_do_not_depend_on_the_batch_either(world: RandomWorld, seed):
    batch, single = Dynamics(world.problem, range(seed, seed + 5)), Dynamics(world.problem, [seed + 3])
    for orders in random_orders(world, 5, seed):
        assert_identical(of_world(batch.step(orders), 3), single.step(orders[3:4]))
        assert_identical(of_world(batch.state, 3), single.state)


@given(random_worlds(), st.integers(0, 2**30))
def test_a_new_episode_remembers_nothing_of_the_last(world: RandomWorld, seed):
    used, fresh = Kernel(world.problem, [seed]), Kernel(world.problem, [seed])
    orders = random_orders(world, 1, seed)
    for order in orders:
        used.step(order)
    used.reset(np.array([0]), np.array([seed]), np.array([0]))
    assert_identical(used.state, fresh.state)
    for order in orders:
        assert_identical(used.step(order), fresh.step(order))


@given(random_worlds(), st.integers(0, 2**30))
def test_the_array_dynamics_change_nothing_in_place(world: RandomWorld, seed):
    player = Dynamics(world.problem, [seed])
    for orders in random_orders(world, 1, seed):
        state, held, ordered = player.state, copied(player.state), orders.copy()
        player.step(orders)
        assert_identical(state, held)
        np.testing.assert_array_equal(orders, ordered)


@given(random_worlds())
def test_one_compiled_kernel_serves_every_world(world: RandomWorld):
    Kernel(world.problem, [0]).step(random_orders(world, 1, 0)[0])
    assert len(kernel.step.signatures) == len(kernel.reset.signatures) == 1
