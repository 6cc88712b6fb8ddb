"""What a policy says reaches another package's environment as a value of its own space."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from allotment.environments.external import external_environment, make_external
from allotment.environments.external_actions import external_actions
from allotment.scenario.errors import ScenarioError

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def taken(space, answer):
    """Return what an answer becomes, once it was found to be a value of the space, data type and shape included."""
    value = external_actions(space, "there")(answer)
    assert space.contains(value)
    assert value.dtype == space.dtype
    assert np.shape(value) == space.shape
    return value


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_of_any_type_reach_from_one_end_to_the_other(dtype):
    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max
    value = taken(spaces.Box(lowest, highest, (5,), dtype), np.array([-7.0, -1.0, 0.1, 1.0, np.inf]))
    assert value[[0, 1, 3, 4]].tolist() == [lowest, lowest, highest, highest]
    width = int(highest) - int(lowest)
    assert (int(value[2]) - int(lowest)) / width == pytest.approx(0.55, abs=0.01)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_whole_number_of_a_range_is_reached_from_as_many_answers(dtype):
    answers = np.linspace(-1.0, 1.0, 20_001, dtype=np.float32)
    values = taken(spaces.Box(7, 27, (20_001,), dtype), answers)
    numbers, counts = np.unique(values, return_counts=True)
    assert numbers.tolist() == list(range(7, 28))
    assert counts[1:-1] == pytest.approx(1000, abs=1)
    assert counts[[0, -1]] == pytest.approx(500, abs=1)  # and all that lies beyond


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_quantities_between_the_largest_bounds_stay_finite(dtype):
    lowest, highest = np.finfo(dtype).min, np.finfo(dtype).max
    value = taken(spaces.Box(lowest, highest, (2, 2), dtype), np.array([-1.0, 0.0, 0.5, 1.0]))
    assert value.ravel() == pytest.approx([lowest, 0.0, highest / 2, highest], rel=1e-3)


def test_rounding_leads_to_no_quantity_beyond_the_bounds():
    taken(spaces.Box(0.1, 0.1, (1001,), np.float64), np.linspace(-1.0, 1.0, 1001))
    low = np.random.default_rng(0).normal(size=1001)
    taken(spaces.Box(low, np.nextafter(low, 9.0), dtype=np.float64), np.linspace(-1.0, 1.0, 1001))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("space", "answer", "value"),
    [
        (spaces.Box(0, 20, (), np.int64), [0.52], 15),
        (spaces.Box(-128, 127, (), np.int8), [0.5], 63),
        (spaces.Box(-3.0, 1.0, (), np.float32), [0.5], 0.0),
        (spaces.Box(0, 1, (2,), np.bool_), [-0.5, 0.5], [False, True]),
        (spaces.Box(np.array([[0, 5]]), np.array([[4, 5]]), dtype=np.int32), [1.0, 1.0], [[4, 5]]),
        (spaces.Discrete(4, start=-2), 3.0, 1),
        (spaces.Discrete(4, dtype=np.uint8), [2], 2),
        (spaces.MultiDiscrete([3, 5]), [2, 4], [2, 4]),
        (spaces.MultiDiscrete([7], start=[3]), 6, [9]),
        (spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[1, 1], [2, -2]], dtype=np.int16), [1, 0, 3, 1], [[2, 1], [5, -1]]),
        (spaces.MultiBinary(3), [1, 0, 1], [1, 0, 1]),
        (spaces.MultiBinary((2, 2)), [1, 0, 0, 1], [[1, 0], [0, 1]]),
    ],
)
def test_each_kind_of_space_gets_its_own_values(space, answer, value):
    assert taken(space, answer).tolist() == value


@pytest.mark.parametrize(
    ("space", "choices", "shown"),
    [
        (spaces.Box(0, 9, (2, 3), np.int8), (), spaces.Box(-1.0, 1.0, (6,), np.float32)),
        (spaces.Discrete(4, start=2), (4,), spaces.Discrete(4)),
        (spaces.MultiBinary(1), (2,), spaces.Discrete(2)),
        (spaces.MultiDiscrete([[2, 3], [4, 5]]), (2, 3, 4, 5), spaces.MultiDiscrete([2, 3, 4, 5])),
        (spaces.MultiBinary((1, 3)), (2, 2, 2), spaces.MultiDiscrete([2, 2, 2])),
    ],
)
def test_an_algorithm_sees_quantities_in_one_range_or_choices_from_zero(space, choices, shown):
    actions = external_actions(space, "there")
    assert actions.choices == choices
    assert actions.space == shown


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Box(-np.inf, np.inf, (2,), np.int64), "there: actions must have finite bounds, not Box"),
        (spaces.Box(0.0, np.inf, (2,), np.float32), "there: actions must have finite bounds, not Box"),
        (
            spaces.Dict({"a": spaces.Discrete(2)}),
            "there: actions must be a Box, Discrete, MultiDiscrete or MultiBinary, not Dict",
        ),
        (spaces.Text(3), "there: actions must be a Box, Discrete, MultiDiscrete or MultiBinary, not Text"),
    ],
)
def test_what_cannot_be_decided_is_refused_by_name(space, message):
    with pytest.raises(ScenarioError, match=message):
        external_actions(space, "there")


class Seen(gym.Env):
    """Shows samples of a space."""

    action_space = spaces.Discrete(2)

    def __init__(self, observed):
        self.observation_space = observed

    def reset(self, *, seed=None, options=None):
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


class Unheard(spaces.Space):
    """A kind of space that Gymnasium cannot flatten."""


@pytest.fixture
def seen():
    gym.register("Seen-v0", entry_point=Seen, disable_env_checker=True)
    yield lambda space: external_environment("Seen-v0", {"observed": space})
    del gym.registry["Seen-v0"]


@pytest.mark.parametrize(
    ("space", "inputs"),
    [
        (spaces.Box(-128, 127, (3,), np.int8), 3),
        (spaces.Box(0, 2**40, (2,), np.uint64), 2),
        (spaces.Box(0, 9, (), np.int32), 1),
        (spaces.Box(0, 255, (4, 4, 3), np.uint8), 48),
        (spaces.Discrete(5, start=2), 5),
        (spaces.MultiDiscrete([2, 3]), 5),
        (spaces.MultiBinary((2, 2)), 4),
        (
            spaces.Dict(
                {"stock": spaces.Box(0, 9, (2,), np.int64), "day": spaces.Discrete(7), "price": spaces.Box(0.0, 1.0, ())}
            ),
            10,
        ),
        (spaces.Tuple([spaces.Box(0.0, 1.0, (2,), np.float64), spaces.MultiBinary(2)]), 4),
    ],
)
def test_observations_of_any_numbers_become_one_vector(space, inputs, seen):
    environment = seen(space)
    assert environment.inputs == inputs
    env = make_external(environment)
    for vector in (env.reset(seed=1)[0], env.step(1)[0]):
        assert vector.dtype == np.float32
        assert env.observation_space.contains(vector)
        assert vector.any()


@pytest.mark.parametrize(
    "space", [spaces.Sequence(spaces.Discrete(2)), spaces.Graph(spaces.Box(0.0, 1.0, (2,)), None), Unheard((2,), np.float32)]
)
def test_what_has_no_fixed_length_is_refused_by_name(space, seen):
    with pytest.raises(ScenarioError, match="Seen-v0: observations must flatten to a vector of numbers, not"):
        seen(space)


def test_an_observation_of_nothing_is_refused(seen):
    with pytest.raises(ScenarioError, match="Seen-v0: observations and actions must not be empty, not 0 and 2 numbers"):
        seen(spaces.Box(0.0, 1.0, (0,)))
