"""The kernel and the array dynamics are one model: every array of every step agrees, in any world a scenario can state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from rollouts import Dynamics, Kernel, Tensors, copied

from allotment.engine import kernel
from allotment.engine.relaxation import FEATURES, relaxed
from allotment.engine.state import Decision, Flows, State
from allotment.resources import shipped_names
from allotment.scenario.loader import load_scenario
from random_worlds import RandomWorld, build, holds_in_random_worlds, random_decisions, random_worlds
from small_worlds import SMALLER

BALANCES = ("cash", "debt", "payables", "receivables", "payable", "receivable", "budget_left", "spent")
MONEY = ("money", "terms", "reward", *BALANCES, "receipts", "payments", "discounts")


def assert_agree(one: State | Flows, other: State | Flows, whole: bool) -> None:
    """Whole units to the bit; continuous units and money to a billionth (of a unit, of the money that moved)."""
    gross = 1.0 + np.abs(one.money if isinstance(one, Flows) else np.concatenate([one.cash, one.debt], axis=1)).sum()
    for name, a, b in zip(one._fields, one, other, strict=True):
        if a.dtype.kind == "i" or (whole and name not in (*MONEY, "goodwill")):
            np.testing.assert_array_equal(a, b, err_msg=name)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * (gross if name in MONEY else 1.0), err_msg=name)


def assert_identical(one: State | Flows | Decision, other: State | Flows | Decision) -> None:
    for name, a, b in zip(one._fields, one, other, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def of_world(arrays: Any, position: int) -> Any:
    return type(arrays)(*(None if array is None else array[position : position + 1] for array in arrays))


@holds_in_random_worlds()
def test_the_two_implementations_agree_on_every_array_of_every_step(world: RandomWorld, seed):
    one, other = (player(world.problem, [seed, seed + 1]) for player in (Kernel, Dynamics))
    assert_agree(one.state, other.state, world.whole)
    for decided in random_decisions(world, 2, seed + 7):
        assert_agree(one.step(decided), other.step(decided), world.whole)
        assert_agree(one.state, other.state, world.whole)


@holds_in_random_worlds()
def test_the_array_dynamics_say_the_same_on_torch(world: RandomWorld, seed):
    one, other = (player(world.problem, [seed, seed + 1]) for player in (Dynamics, Tensors))
    for decided in random_decisions(world, 2, seed):
        assert_agree(one.step(decided), other.step(decided), world.whole)
        assert_agree(one.state, other.state, world.whole)


@holds_in_random_worlds()
def test_kernel_numpy_and_torch_agree_on_the_relaxation(world: RandomWorld, seed):
    problem = relaxed(world.problem, {feature.name: feature.treatments[seed % len(feature.treatments)] for feature in FEATURES})
    one, *others = (player(problem, [seed, seed + 1]) for player in (Kernel, Dynamics, Tensors))
    for decided in random_decisions(world, 2, seed):
        flows = one.step(decided)
        for other in others:
            assert_agree(flows, other.step(decided), whole=False)
            assert_agree(one.state, other.state, whole=False)


@pytest.mark.parametrize("name", sorted(set(shipped_names("envs")) - {"iowa_liquor"}))
def test_they_agree_on_the_shipped_worlds(name):
    content = load_scenario(name, SMALLER.get(name, [])).content
    content["horizon"] |= {"periods": 12, "warm_up": 0}
    world = RandomWorld(content | {"units": content.get("units", "integer")}, build(content))
    one, other = (player(world.problem, [5, 6]) for player in (Kernel, Dynamics))
    for decided in random_decisions(world, 2, 0):
        assert_agree(one.step(decided), other.step(decided), world.whole)
        assert_agree(one.state, other.state, world.whole)


@pytest.mark.parametrize("units", ["integer", "continuous"])
@pytest.mark.parametrize("rationing", ["proportional", "priority", "balanced", "min_shortage"])
def test_they_agree_where_many_lanes_and_skus_share_every_limit(units, rationing):
    names = [f"sku-{i}" for i in range(17)]
    world = RandomWorld(content := many_of_everything(names, units, rationing), build(content))
    one, other = (player(world.problem, range(3)) for player in (Kernel, Dynamics))
    for decided in random_decisions(world, 3, 1):
        assert_agree(one.step(decided), other.step(decided), world.whole)
        assert_agree(one.state, other.state, world.whole)


def many_of_everything(skus: list[str], units: str, rationing: str) -> dict:
    """Return a world with 17 SKUs and, from every place to every other, a lane whose limits bind."""
    return {
        "name": "many",
        "units": units,
        "rationing": rationing,
        "horizon": {"periods": 12},
        "skus": [{"name": name, "unit_cost": 2, "price": 5 + i % 3} for i, name in enumerate(skus)],
        "suppliers": [{"name": "mill", "capacity": 90}, {"name": "forge", "capacity": 70}],
        "sites": [{"name": f"site-{i}", "initial_stock": 7, "handling": 60, "holding_cost": 0.5} for i in range(4)],
        "channels": [{"name": f"channel-{i}", "priority": 1 + i % 2, "unmet": ["lost", "backorder"][i % 2]} for i in range(6)],
        "supply_lanes": [
            {"from": "mill", "to": "*", "lead_time": {"distribution": "shifted_poisson", "mean": 1.5, "maximum": 5}},
            {"from": "forge", "to": "*", "lead_time": 1, "capacity": 30, "priority": 2},
            {"from": "site-*", "to": "site-*", "capacity": 25, "multiple": 2, "fixed_cost": 3},
        ],
        "fulfilment_lanes": [{"from": "*", "to": "*", "capacity": 19}],
        "demand": [{"process": {"distribution": "negative_binomial", "mean": 2, "dispersion": 2}}],
    }


@holds_in_random_worlds()
def test_they_agree_after_some_worlds_of_a_batch_start_anew(world: RandomWorld, seed):
    when = 1 + seed % 4
    one, other = (player(world.problem, [seed, seed + 1, seed + 2]) for player in (Kernel, Dynamics))
    for period, decided in enumerate(random_decisions(world, 3, seed)):
        if period == when:
            for player in (one, other):
                player.reset(np.array([2, 0]), np.array([seed + 2, seed + 9]), np.array([1, 0]))
        assert_agree(one.step(decided), other.step(decided), world.whole)
        assert_agree(one.state, other.state, world.whole)


@holds_in_random_worlds()
def test_world_i_of_a_batch_equals_a_single_world_whose_seed_is_i_larger(world: RandomWorld, seed):
    batch = Kernel(world.problem, range(seed, seed + 70))
    singles = {i: Kernel(world.problem, [seed + i]) for i in (0, 31, 32, 69)}  # the kernel plays blocks of worlds together
    for decided in random_decisions(world, 70, seed):
        flows = batch.step(decided)
        for i, single in singles.items():
            assert_identical(of_world(flows, i), single.step(of_world(decided, i)))
            assert_identical(of_world(batch.state, i), single.state)


@holds_in_random_worlds(units="integer")
def test_the_array_dynamics_do_not_depend_on_the_batch_either(world: RandomWorld, seed):
    batch, single = Dynamics(world.problem, range(seed, seed + 5)), Dynamics(world.problem, [seed + 3])
    for decided in random_decisions(world, 5, seed):
        assert_identical(of_world(batch.step(decided), 3), single.step(of_world(decided, 3)))
        assert_identical(of_world(batch.state, 3), single.state)


@holds_in_random_worlds()
def test_a_new_episode_remembers_nothing_of_the_last(world: RandomWorld, seed):
    used, fresh = Kernel(world.problem, [seed]), Kernel(world.problem, [seed])
    decisions = random_decisions(world, 1, seed)
    for decided in decisions:
        used.step(decided)
    used.reset(np.array([0]), np.array([seed]), np.array([0]))
    assert_identical(used.state, fresh.state)
    for decided in decisions:
        assert_identical(used.step(decided), fresh.step(decided))


@holds_in_random_worlds()
def test_the_array_dynamics_change_nothing_in_place(world: RandomWorld, seed):
    player = Dynamics(world.problem, [seed])
    for decided in random_decisions(world, 1, seed):
        state, held, before = player.state, copied(player.state), copied(decided)
        player.step(decided)
        assert_identical(state, held)
        assert_identical(decided, before)


@given(random_worlds())
def test_one_compiled_kernel_serves_every_world(world: RandomWorld):
    Kernel(world.problem, [0]).step(random_decisions(world, 1, 0)[0])
    assert len(kernel.step.signatures) == len(kernel.reset.signatures) == 1
