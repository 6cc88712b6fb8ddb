"""Actions, seeds and options of all kinds in all environments: refused by name with nothing changed, or played.

A refusal leaves worlds, records and generators as they were, and the environment goes on as one that never saw the input.
"""

from __future__ import annotations

import decimal
import fractions
import pickle
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from attacking import Attack
from mutations import LISTS, NUMBERS, OTHERS, TEXTS, chosen

import allotment
from small_worlds import shipped_world, two_shops

ENCODINGS = {"quantity": two_shops, "order_up_to": two_shops, "discrete": lambda: shipped_world("lost_sales")}
KINDS = ("single", "SameStep", "NextStep", "Disabled", "stable")
DTYPES = [
    *("bool", "int8", "uint64", "int64", "float16", "float32", "longdouble", "complex64", "complex128", "S3", "U3", "O"),
    *("datetime64[D]", "timedelta64[s]", "V4", [("a", "f8")], [("a", "f4"), ("b", "i4")]),
]
OBJECTS = [date(2024, 1, 1), decimal.Decimal(1), fractions.Fraction(1, 3), object(), b"x", 1j, {1}, range(8), print, np.float64]
BATCH = 3


@cache
def environment(kind: str, encoding: str) -> Any:
    """Return an environment that has been reset and played for a period."""
    world = ENCODINGS[encoding]()
    if kind == "single":
        env = allotment.make(world, encoding)
        env.reset(seed=1)
        env.step(some_action(env, kind))
    elif kind == "stable":
        env = allotment.make_sb3(world, BATCH, encoding)
        env.seed(1)
        env.reset()
        env.step(some_action(env, kind))
    else:
        env = allotment.make_vec(world, BATCH, encoding, kind)
        env.reset(seed=1)
        env.step(some_action(env, kind))
    return env


def some_action(env: Any, kind: str) -> Any:
    """Return an action that fits."""
    one = (env.action_space if kind in ("single", "stable") else env.single_action_space).sample()
    return one if kind == "single" else np.stack([one] * BATCH)


def draw(draws: np.random.Generator) -> tuple[str, str, str, Any]:
    """Return an environment's kind, its encoding, what is called, and with what."""
    kind, encoding = chosen(draws, list(KINDS)), chosen(draws, list(ENCODINGS))
    call = chosen(draws, ["step"] * 5 + ["seed", "options", "reset_mask", "num_envs", "encoding", "periods"])
    return kind, encoding, call, given(draws, (8, 7, 1)[list(ENCODINGS).index(encoding)])


def given(draws: np.random.Generator, size: int) -> Any:
    """Return something that may stand where an action, a seed or options should."""
    way = draws.random()
    if way < 0.25:
        return chosen(draws, [chosen(draws, each) for each in (NUMBERS, TEXTS, OTHERS, LISTS, OBJECTS)])
    if way < 0.35:
        return {chosen(draws, ["reset_mask", "reset_masks", 1]): chosen(draws, [*OTHERS, np.array([True, False, True])])}
    if way < 0.45:
        return [chosen(draws, NUMBERS + TEXTS + OTHERS) for _ in range(BATCH)]
    if way < 0.55:
        return [[0.0] * int(length) for length in draws.integers(size - 1, size + 2, size=BATCH)]
    shape = chosen(draws, [(size,), (BATCH, size), (BATCH,), (1, size), (BATCH, size, 1), (), (0,), (size, BATCH)])
    return _filled(draws, shape)


def _filled(draws: np.random.Generator, shape: tuple[int, ...]) -> Any:
    dtype = np.dtype(chosen(draws, DTYPES))
    with np.errstate(all="ignore"):
        array = np.zeros(shape, dtype)
        if dtype.kind in "fiu" and array.size:
            array = draws.uniform(-2.0, 2.0, shape).astype(dtype)
            if draws.random() < 0.4 and dtype.kind == "f" and array.ndim:
                array.flat[0] = chosen(draws, [np.nan, np.inf, -np.inf, 6e4])
    return array.tolist() if draws.random() < 0.15 else np.asfortranarray(array)


def judge(drawn: tuple[str, str, str, Any]) -> str:
    """Call an environment with what was drawn."""
    kind, encoding, call, value = drawn
    env = environment(kind, encoding)
    before = state_of(env)
    try:
        called(env, kind, encoding, call, value)
    except (ValueError, RuntimeError) as error:  # a ScenarioError is a ValueError
        told = str(error)
        assert told.isprintable() and 10 < len(told) < 1000, told
        call = "seed" if kind == "stable" and call in ("options", "reset_mask") else call
        names = {
            "step": "actions|reset before step",
            "options": "option|reset_mask",
            "periods": "periods|encoding",
            "num_envs": "num_envs|a batch of",
        }
        assert any(name in told for name in names.get(call, call).split("|")), told
        assert same(before, state_of(env)), "a refusal changed something"
        return "refused"
    return "accepted"


def called(env: Any, kind: str, encoding: str, call: str, value: Any) -> None:
    """Make a call; what is accepted must give finite results, and end in the state that it began in."""
    if call in ("num_envs", "encoding", "periods"):
        made(env, kind, encoding, call, value)
        return
    kept = env.simulation.get_state()
    try:
        if call == "step":
            result = env.step(value)
            assert np.isfinite(result[0]).all() and np.isfinite(result[1]).all()
        elif kind == "stable":
            env.seed(value)
        else:
            env.reset(**({"seed": value} if call == "seed" else {"options": value if call == "options" else {call: value}}))
    finally:
        env.simulation.set_state(kept)
        if kind == "single":
            del env.history[1:]
            env.history.extend([{}] * (1 - len(env.history)))


def made(env: Any, kind: str, encoding: str, call: str, value: Any) -> None:
    """Make another environment, of so many worlds or with such an encoding."""
    if call == "num_envs":
        make = allotment.make_sb3 if kind == "stable" else allotment.make_vec
        make(env.world, value, encoding)
    else:
        allotment.make(env.world, {"name": encoding, "periods": value} if call == "periods" else value)


def state_of(env: Any) -> Any:
    """Return everything that a call may change."""
    arrays = {name: array.tobytes() for name, array in env.simulation.get_state().items()}
    others = {key: getattr(env, key, None) for key in ("_next_seed", "_np_random", "returns", "_np_random_seed")}
    return arrays, pickle.dumps(others), len(getattr(env, "history", []))


def same(before: Any, after: Any) -> bool:
    """Tell whether nothing has changed."""
    return bool(before == after)


def prepare() -> None:
    """Make every environment."""
    for kind in KINDS:
        for encoding in ENCODINGS:
            environment(kind, encoding)


ATTACKS = [Attack("actions", draw, judge, prepare, memory=8192, seconds=30.0)]
