"""What is no action, seed or option is refused by name, the same in every environment, and nothing changes."""

from datetime import date

import numpy as np
import pytest

import allotment
from allotment.engine.state import Decision
from allotment.simulation.simulation import Simulation
from small_worlds import two_shops

pytestmark = pytest.mark.security

KINDS = ("single", "SameStep", "NextStep", "Disabled", "stable")
WRONG = {
    "complex": (lambda shape: np.zeros(shape, complex), r"must be numbers, not a ndarray of complex128"),
    "text": (lambda shape: np.full(shape, "0.5"), r"must be numbers, not a ndarray of <U3"),
    "bytes": (lambda shape: np.full(shape, b"1"), r"must be numbers, not a ndarray of \|S1"),
    "dates": (lambda shape: np.full(shape, np.datetime64("2024-01-01")), r"must be numbers, not a ndarray of datetime64\[D\]"),
    "times": (lambda shape: np.full(shape, np.timedelta64(1, "s")), r"must be numbers, not a ndarray of timedelta64\[s\]"),
    "structured": (lambda shape: np.zeros(shape, [("a", "f8")]), r"must be numbers, not a ndarray of \[\('a', '<f8'\)\]"),
    "flags": (lambda shape: np.ones(shape, bool), r"must be numbers, not a ndarray of bool"),
    "objects": (lambda shape: np.full(shape, 0.5, object), r"must be numbers, not a ndarray of object"),
    "ragged": (lambda shape: [[0.0], [0.0, 1.0]], r"must be numbers, not a list of which no array can be made"),
    "none": (lambda shape: None, r"must be numbers, not None"),
    "a date": (lambda shape: date(2024, 1, 1), r"must be numbers, not datetime.date\(2024, 1, 1\)"),
    "a mapping": (lambda shape: {"a": 1.0}, r"must be numbers, not \{'a': 1.0\}"),
    "shape": (lambda shape: np.zeros((*shape, 1)), r"actions have shape \(\d, 8, 1\); expected \(\d, 8\)"),
    "empty": (lambda shape: np.zeros(0), r"actions have shape \((1, )?0,?\); expected \(\d, 8\)"),
    "not a number": (lambda shape: np.full(shape, np.nan), r"actions must be finite; position \[0, 0\] is nan"),
    "beyond": (lambda shape: np.full(shape, np.longdouble("1e4000")), r"actions must be finite; position \[0, 0\] is inf"),
}
SEEDS = [-1, 2**63, 2**70, True, 1.5, "1", None, [1.5, 2], np.timedelta64(3, "s")]


def made(kind, encoding="quantity"):
    """Return an environment of a kind that has been reset, and the shape of its actions."""
    world = two_shops()
    env = allotment.make(world, encoding) if kind == "single" else allotment.make_sb3(world, 2, encoding)
    if kind not in ("single", "stable"):
        env = allotment.make_vec(world, 2, encoding, kind)
    if kind == "stable":
        env.seed(3)
        env.reset()
    else:
        env.reset(seed=3)
    return env, (8,) if kind == "single" else (2, 8)


def state_of(env):
    return {name: array.tobytes() for name, array in env.simulation.get_state().items()}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_action_is_refused_by_name_and_the_environment_goes_on_as_if_nothing_had_been(kind):
    for encoding in ("quantity", "order_up_to"):
        (env, shape), (other, _) = made(kind, encoding), made(kind, encoding)
        action = np.full(shape if encoding == "quantity" else (*shape[:-1], 7), 0.25, np.float32)
        for wrong, message in WRONG.values():
            before = state_of(env)
            with pytest.raises(ValueError, match=message.replace(", 8", f", {action.shape[-1]}")) as error:
                env.step(wrong(action.shape))
            assert "actions" in str(error.value) and str(error.value).isprintable()
            assert state_of(env) == before
        for _ in range(3):
            results, expected = env.step(action), other.step(action)
            assert np.array_equal(results[0], expected[0]) and np.array_equal(results[1], expected[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_that_is_none_is_refused_and_changes_nothing(kind):
    env, _ = made(kind)
    drawn = None if kind == "stable" else env.np_random.bit_generator.state
    for seed in SEEDS:
        if seed is None:
            continue
        before = state_of(env)
        with pytest.raises(ValueError, match=r"^(seed must be a whole number between|a list of seeds must hold one, from) 0 "):
            env.seed(seed) if kind == "stable" else env.reset(seed=seed)
        assert state_of(env) == before
        assert kind == "stable" or env.np_random.bit_generator.state == drawn


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_options_that_are_none_are_refused_and_change_nothing(kind):
    env, _ = made(kind)
    allowed = "none" if kind == "single" else "reset_mask"
    for options, message in (
        ([1], r"options must be a mapping or none, not \[1\]"),
        ("x", "options must be a mapping or none, not 'x'"),
        ({"reset_masks": 1}, f"unknown option 'reset_masks'; allowed: {allowed}"),
        ({1: 1}, f"unknown option 1; allowed: {allowed}"),
        ({"reset_mask": [True, False]}, "unknown option" if kind == "single" else "must be an array of 2 flags, not a list"),
    ):
        before = state_of(env)
        with pytest.raises(ValueError, match=message):
            env.reset(options=options)
        assert state_of(env) == before


@pytest.mark.parametrize("num_envs", [0, -1, 1.5, True, "2", None, float("nan"), [2], np.array([2])])
def test_a_number_of_worlds_that_is_none_is_refused(num_envs):
    for make in (allotment.make_vec, allotment.make_sb3):
        with pytest.raises(ValueError, match=r"^num_envs must be a whole number of at least 1, not "):
            make(two_shops(), num_envs)


@pytest.mark.parametrize("encoding", [None, 3, [1], ["quantity"], object()])
def test_what_is_no_encoding_is_refused(encoding):
    for make in (allotment.make, allotment.make_vec, allotment.make_sb3):
        with pytest.raises(ValueError, match=r"^encoding must be quantity, order_up_to, residual or discrete, a mapping as"):
            make(two_shops(), encoding=encoding)


def test_a_render_mode_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"^render_mode must be one of"):
        allotment.make(two_shops(), render_mode=["ansi"])


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (1e16, r"^orders must be at most 1e\+15 units; world 0, supply lane 0, SKU 0 is 1e\+16$"),
        (np.inf, "^orders must be finite; world 0, supply lane 0, SKU 0 is inf$"),
        (1j, "^orders must be numbers, not a ndarray of complex128$"),
        (True, "^orders must be numbers, not a ndarray of bool$"),
    ],
)
def test_quantities_that_are_none_are_refused_and_nothing_is_played(units, message):
    simulation = Simulation(two_shops().problem, 1)
    simulation.reset(np.arange(1), np.arange(1), np.arange(1))
    before = {name: array.tobytes() for name, array in simulation.get_state().items()}
    with pytest.raises(ValueError, match=message):
        simulation.step(Decision(np.full(simulation.memory.decision.orders.shape, units)))
    assert {name: array.tobytes() for name, array in simulation.get_state().items()} == before
