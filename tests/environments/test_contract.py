"""What Gymnasium and Stable-Baselines3 may rely on, in every shipped world and with every encoding that it supports."""

import copy
import pickle
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_stable_baselines

import allotment
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import Observation
from allotment.environments.registration import environment_id
from allotment.environments.sb3 import Sb3VecEnv
from allotment.environments.shaping import TOGETHER, RelativeToRule
from allotment.environments.single import AllotmentEnv
from allotment.environments.vector import AllotmentVectorEnv
from allotment.resources import shipped_folder
from allotment.scenario.loader import read_yaml
from allotment.simulation.simulation import Simulation
from small_worlds import LONGEST, RESIDUAL, SHIPPED, one_decision, shipped_world, some_actions, two_shops

ENCODINGS = {"quantity": "quantity", "order_up_to": "order_up_to", "residual": RESIDUAL, "discrete": "discrete"}
CASES = [(name, encoding) for name in SHIPPED for encoding in ENCODINGS if encoding != "discrete" or one_decision(name)]
STEPS = 2 * LONGEST + 1  # into the third episode of the longest world


@pytest.fixture(params=CASES, ids="-".join)
def case(request):
    name, encoding = request.param
    return name, shipped_world(name), ENCODINGS[encoding]


@pytest.fixture(params=SHIPPED)
def world(request):
    return shipped_world(request.param)


def play_alone(env, seed, actions):
    """Play a single environment; returns its observations and rewards, and the last observation of each episode by step."""
    observations, rewards, last = [env.reset(seed=seed)[0]], [], {}
    for step, action in enumerate(actions):
        observation, reward, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            last[step] = observation
            observation, _ = env.reset()
        observations.append(observation)
        rewards.append(reward)
    return np.array(observations), np.array(rewards), last


def equal(some, others):
    return some.keys() == others.keys() and all(np.array_equal(some[key], others[key]) for key in some)


@pytest.mark.filterwarnings("error")
def test_both_checkers_are_content(case):
    name, world, encoding = case
    env = gym.make(environment_id(name), world=world, encoding=encoding).unwrapped
    check_env(env)
    check_env_for_stable_baselines(env)


@pytest.mark.parametrize("name", [name for name in SHIPPED if "data" not in read_yaml(shipped_folder("envs") / f"{name}.yaml")])
def test_every_world_has_an_id_under_which_one_or_many_are_made(name):
    env, envs = gym.make(environment_id(name)), gym.make_vec(environment_id(name), num_envs=3)
    assert isinstance(env.unwrapped, AllotmentEnv)
    assert env.unwrapped.world.scenario.name == name
    assert env.spec.max_episode_steps is None
    assert isinstance(envs, AllotmentVectorEnv)
    assert envs.simulation.state.on_hand.shape[0] == 3
    assert envs.single_observation_space == env.observation_space


def test_an_episode_that_has_ended_must_be_reset_before_the_next_step():
    env = allotment.make("newsvendor", "quantity")
    env.reset(seed=1)
    env.step(env.action_space.sample())
    with pytest.raises(RuntimeError, match="ended after 1 periods; call reset"):
        env.step(env.action_space.sample())


def test_a_misspelt_argument_is_an_error():
    with pytest.raises(TypeError, match="encodng"):
        gym.make_vec(environment_id("lost_sales"), num_envs=2, encodng="quantity")


def test_an_encoding_tunes_the_rule_that_it_corrects_where_the_rule_leaves_something_open():
    env = allotment.make("newsvendor", {"name": "residual", "rule": "newsvendor"})
    assert env.encoding.rule.values["safety_factor"].item() == pytest.approx(0.8255, abs=0.5)  # on 64 seasons
    assert env.encoding.rule.values["safety_factor"].item() != 1.0  # the initial value


def test_only_a_world_with_one_decision_offers_a_list_of_quantities(world):
    if world.problem.lanes.allowed.sum() == 1 and world.scenario.decisions == ["orders"]:
        assert allotment.make(world, "discrete").action_space.n > 1
    else:
        with pytest.raises(ValueError, match=r"needs a world with one decision.*allowed: quantity, order_up_to, residual"):
            allotment.make(world, "discrete")


def test_the_same_seed_gives_the_same_episode_and_another_seed_another_one(case):
    _, world, encoding = case
    env = allotment.make(world, encoding)
    actions = some_actions(env.action_space, STEPS, 1)[:, 0]
    first, again, other = (play_alone(env, seed, actions) for seed in (3, 3, 4))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_each_world_of_a_batch_equals_a_single_one_to_the_bit_over_several_episodes(case):
    _, world, encoding = case
    envs = allotment.make_vec(world, 3, encoding)
    actions = some_actions(envs.single_action_space, STEPS, 3)
    observations, rewards, last = [envs.reset(seed=7)[0]], [], {}
    for step, action in enumerate(actions):
        observation, reward, terminated, truncated, info = envs.step(action)
        ended = terminated | truncated
        assert ("final_obs" in info) == ended.any()
        if ended.any():
            assert info["_final_obs"].tolist() == ended.tolist()
            last[step] = info["final_obs"]
        observations.append(observation)
        rewards.append(reward)
    for place in range(3):
        alone = play_alone(allotment.make(world, encoding), 7 + place, actions[:, place])
        assert np.array_equal(np.array(observations)[:, place], alone[0])
        assert np.array_equal(np.array(rewards)[:, place], alone[1])
        assert equal({step: observation[place] for step, observation in last.items()}, alone[2])
    assert len(last) >= 2


def test_a_window_truncates_and_a_season_terminates(world):
    env, envs = allotment.make(world, "quantity"), allotment.make_vec(world, 2, "quantity")
    env.reset(seed=0)
    envs.reset(seed=0)
    ends = []
    for action in np.zeros((world.problem.clock.length, 2, *env.action_space.shape)):
        alone, together = env.step(action[0])[2:4], envs.step(action)[2:4]
        assert [flags.tolist() for flags in together] == [[flag] * 2 for flag in alone]
        ends.append(alone)
    season = world.problem.clock.season
    assert ends == [(False, False)] * (len(ends) - 1) + [(season, not season)]


def test_the_batch_of_stable_baselines_equals_single_worlds_to_the_bit(case):
    _, world, encoding = case
    batch = allotment.make_sb3(world, 2, encoding)
    batch.seed(7)
    actions = some_actions(batch.action_space, STEPS, 2)
    observations, rewards, last = [batch.reset()], [], {}
    for step, action in enumerate(actions):
        observation, reward, done, infos = batch.step(action)
        assert [bool(info) for info in infos] == done.tolist()
        if done.any():
            last[step] = infos
        observations.append(observation)
        rewards.append(reward)
    for place in range(2):
        alone = play_alone(allotment.make(world, encoding), 7 + place, actions[:, place])
        assert np.array_equal(np.array(observations)[:, place], alone[0])
        assert np.array_equal(np.array(rewards)[:, place], alone[1].astype(np.float32))
        assert equal({step: infos[place]["terminal_observation"] for step, infos in last.items()}, alone[2])
        length = world.problem.clock.length
        for step, infos in last.items():
            assert infos[place]["TimeLimit.truncated"] is not world.problem.clock.season
            assert infos[place]["episode"]["l"] == length
            assert infos[place]["episode"]["r"] == pytest.approx(alone[1][step + 1 - length : step + 1].sum())


def test_an_environment_that_was_pickled_in_mid_episode_goes_on_as_before(case):
    _, world, encoding = case
    env, envs = allotment.make(world, encoding), allotment.make_vec(world, 2, encoding)
    actions = some_actions(env.action_space, STEPS, 2)
    env.reset(seed=1)
    envs.reset(seed=1)
    for action in actions[:2]:
        going_on(env, action[0])
        envs.step(action)
    for original, own in ((env, actions[2:, 0]), (envs, actions[2:])):
        copies = pickle.loads(pickle.dumps(original)), copy.deepcopy(original)
        for action in own[: LONGEST - 2]:
            steps = [going_on(each, action) for each in (original, *copies)]
            assert all(np.array_equal(step[0], steps[0][0]) and np.array_equal(step[1], steps[0][1]) for step in steps)


def going_on(env, action):
    """Play a period and, where a single world's episode has ended, start the next; returns observation and reward."""
    observation, reward, terminated, truncated, _ = env.step(action)
    if np.ndim(terminated) == 0 and (terminated or truncated):
        observation, _ = env.reset()
    return observation, reward


def test_a_world_survives_pickling(world):
    again = pickle.loads(pickle.dumps(world))
    assert again.names == world.names
    assert again.content == world.content
    for part, same in zip(world.problem, again.problem, strict=True):
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(part, same, strict=True))


def test_observations_stay_within_their_bounds_whatever_is_ordered(case):
    _, world, encoding = case
    envs = allotment.make_vec(world, 3, encoding)
    space = envs.single_action_space
    lowest, highest = (0, space.n - 1) if hasattr(space, "n") else (space.low, space.high)
    observation, _ = envs.reset(seed=0)
    for action in [[highest, lowest, highest]] * LONGEST:
        observation, _, _, _, info = envs.step(np.array(action))
        for vector in [*observation, *info.get("final_obs", [])]:
            assert vector.dtype == np.float32
            assert envs.single_observation_space.contains(vector)


def test_every_place_of_the_vector_has_its_own_name(world):
    flattener = Flattener(world)
    names = flattener.component_names()
    assert len(names) == flattener.size == len(set(names))


def changed_later(world, period):
    """Return a world whose demand differs from `period` on, while what policies may know of it is the same."""
    demand = world.problem.demand
    length = world.problem.clock.length + 1
    if demand.recorded.any():
        later = demand.recorded.copy()
        later[period:length] = later[period:length][::-1] + 3.0
        return replace(world, problem=world.problem._replace(demand=demand._replace(recorded=later, replayed=True)))
    rows = np.resize(demand.row, (length, *demand.row.shape[1:]))
    rows[period:] = world.problem.lanes.lead_row[0]  # any other table of whole numbers
    known = {name: np.resize(getattr(demand, name), rows.shape) for name in ("mean", "deviation", "centre")}
    known["centre"][period:] = 2.0 * known["centre"][period:] + 3.0
    return replace(world, problem=world.problem._replace(demand=demand._replace(row=rows, **known)))


# Two have no later demand, two draw single orders, whose chances are the same in every period.
CHANGING = sorted(set(SHIPPED) - {"newsvendor", "budgeted_newsvendor", "demand_classes", "two_centres"})


@pytest.mark.parametrize("name", CHANGING)
def test_observations_before_a_change_of_demand_do_not_show_it(name):
    world = shipped_world(name)
    policy_orders = some_actions(allotment.make(world, "quantity").action_space, LONGEST, 2)
    change = 2
    records = []
    for each in (changed_later(world, LONGEST + 1), changed_later(world, change)):
        envs = allotment.make_vec(each, 2, "quantity")
        records.append([envs.reset(seed=5)[0], *(envs.step(action)[0] for action in policy_orders[:-1])])
    usual, other = np.array(records)
    first_sight = change + 1 - int(world.problem.clock.demand_first)
    assert np.array_equal(usual[:first_sight], other[:first_sight])
    assert not np.array_equal(usual[first_sight:], other[first_sight:])


def test_observations_do_not_show_the_seed_nor_when_shipments_will_arrive(world):
    simulation = Simulation(world.problem, 3)
    simulation.reset(np.arange(3), np.array([4, 5, 6]), np.zeros(3, dtype=np.int64))
    simulation.step(np.full((3, *world.problem.lanes.allowed.shape), 7.0))
    state = simulation.state
    other = state._replace(seed=state.seed + 99, episode=state.episode + 1, arrival=state.arrival + 3)
    flattener = Flattener(world)
    now, then = (flattener(Observation.of(world.problem, each)) for each in (state, other))
    assert np.array_equal(now, then)


ENTRANCES = {
    "single": lambda world, encoding: (allotment.make(world, encoding), lambda action: action),
    "batch": lambda world, encoding: (allotment.make_vec(world, 1, encoding), lambda action: np.array([action])),
    "stable": lambda world, encoding: (allotment.make_sb3(world, 1, encoding), lambda action: np.array([action])),
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize(
    ("encoding", "action", "message"),
    [
        ("quantity", [0.0, 0.0, np.nan, 0.0, 0.0, 0.0, 0.0, 0.0], r"actions must be finite; position \[0, 2\] is nan"),
        ("quantity", [np.inf] * 8, r"actions must be finite; position \[0, 0\] is inf"),
        ("quantity", [0.0, 0.0], r"actions have shape \(1, 2\); expected \(1, 8\) for encoding quantity"),
        ("order_up_to", [[0.0] * 7], r"actions have shape \(1, 1, 7\); expected \(1, 7\) for encoding order_up_to"),
    ],
)
def test_actions_that_make_no_sense_are_refused(entrance, encoding, action, message):
    env, wrapped = ENTRANCES[entrance](two_shops(), encoding)
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(wrapped(action))


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("position", [-1, 16, 2.5, np.nan])
def test_positions_that_are_not_in_the_list_are_refused(entrance, position):
    env, wrapped = ENTRANCES[entrance](shipped_world("lost_sales"), "discrete")
    env.reset()
    with pytest.raises(ValueError, match=r"whole numbers from 0 to 15, not|must be finite"):
        env.step(wrapped(position))


def test_a_step_before_the_first_reset_says_so():
    for env in (allotment.make(two_shops()), allotment.make_vec(two_shops(), 2)):
        with pytest.raises(RuntimeError, match="call reset before step"):
            env.step(env.action_space.sample())


def test_a_list_gives_each_world_of_a_batch_its_own_seed():
    envs = allotment.make_vec(two_shops(), 2, "quantity")
    actions = some_actions(envs.single_action_space, 6, 2)
    envs.reset(seed=[9, 5])
    rewards = np.array([envs.step(action)[1] for action in actions])
    for place, seed in enumerate([9, 5]):
        assert np.array_equal(
            rewards[:, place], play_alone(allotment.make(two_shops(), "quantity"), seed, actions[:, place])[1]
        )


@pytest.mark.parametrize("seed", [[1], [1, 2, 3], [1, None], [1, -2], -1])
def test_seeds_that_do_not_fit_the_batch_are_refused(seed):
    with pytest.raises((ValueError, gym.error.Error), match=r"[Ss]eed"):
        allotment.make_vec(two_shops(), 2).reset(seed=seed)


def test_a_reset_mask_restarts_its_worlds_and_leaves_the_others_alone():
    envs = allotment.make_vec(two_shops(), 3, "quantity")
    actions = some_actions(envs.single_action_space, 2, 3)
    envs.reset(seed=4)
    before = [envs.step(action)[0] for action in actions][-1]
    after, _ = envs.reset(options={"reset_mask": np.array([False, True, False])})
    assert envs.simulation.state.period.tolist() == [2, 0, 2]
    assert envs.simulation.state.episode.tolist() == [0, 1, 0]
    assert np.array_equal(after[[0, 2]], before[[0, 2]])
    envs.reset(seed=4, options={"reset_mask": np.array([False, True, True])})
    assert envs.simulation.state.episode.tolist() == [0, 0, 0]
    assert envs.simulation.state.seed.tolist() == [4, 5, 6]
    assert envs.simulation.state.period.tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.array([True, False]), r"reset_mask must be 3 flags, not bool of shape \(2,\)"),
        (np.array([1, 2, 0]), r"reset_mask must be 3 flags, not int64 of shape \(3,\)"),
        (np.array([True, False, True]), "the first reset must start every world"),
    ],
)
def test_a_reset_mask_that_does_not_fit_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        allotment.make_vec(two_shops(), 3).reset(seed=0, options={"reset_mask": mask})


def test_text_shows_the_last_period_of_every_site_and_channel(world):
    env = allotment.make(world, "quantity", render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == f"{world.scenario.name}: before the first period"
    _, reward, *_ = env.step(np.ones(env.action_space.shape))
    text = env.render()
    assert f"period 0: reward {reward:,.2f}" in text
    assert all(name in text for name in world.names.sites + world.names.channels)


@pytest.mark.filterwarnings("error")
def test_a_picture_is_there_from_the_first_reset_on(world):
    env = allotment.make(world, "quantity", render_mode="rgb_array")
    env.reset(seed=0)
    empty = env.render()
    env.step(np.zeros(env.action_space.shape))
    drawn = env.render()
    assert empty.shape == drawn.shape == (900, 1000, 3)
    assert empty.dtype == drawn.dtype == np.uint8
    assert not np.array_equal(empty, drawn)


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match=r"render_mode must be one of \['ansi', 'rgb_array'\], not 'human'"):
        allotment.make(two_shops(), render_mode="human")


def ends(batch, steps):
    """Play with zeros; returns the steps, from 1, at which each world's episodes ended, and which went into the statistics."""
    batch.seed(0)
    batch.reset()
    ended, counted = [[] for _ in range(batch.num_envs)], [[] for _ in range(batch.num_envs)]
    for step in range(1, steps + 1):
        _, _, dones, infos = batch.step(np.zeros((batch.num_envs, *batch.action_space.shape)))
        for place in np.flatnonzero(dones):
            ended[place].append(step)
            if "episode" in infos[place]:
                counted[place].append((step, infos[place]["episode"]["l"]))
    return ended, counted


def test_staggering_spreads_the_first_ends_and_leaves_those_episodes_out_of_the_statistics():
    ended, counted = ends(allotment.make_sb3(two_shops(), 4, "quantity", stagger=True), steps=9)
    assert ended == [[2, 6], [2, 6], [4, 8], [4, 8]]
    assert counted == [[(6, 4)], [(6, 4)], [(4, 4), (8, 4)], [(4, 4), (8, 4)]]


def test_groups_that_end_together_fill_the_blocks_that_are_simulated_together():
    ended, _ = ends(allotment.make_sb3(two_shops(), 3 * TOGETHER, "quantity", stagger=True), steps=4)
    first = [each[0] for each in ended]
    assert first == [2] * TOGETHER + [3] * TOGETHER + [4] * TOGETHER


def test_without_staggering_all_episodes_end_together_and_count():
    ended, counted = ends(allotment.make_sb3(two_shops(), 3, "quantity"), steps=8)
    assert ended == [[4, 8]] * 3
    assert counted == [[(4, 4), (8, 4)]] * 3


def test_a_season_is_never_staggered():
    season = two_shops(horizon={"kind": "season", "periods": 4})
    ended, _ = ends(allotment.make_sb3(season, 3, "quantity", stagger=True), steps=4)
    assert ended == [[4]] * 3


def beside_the_rule(world):
    """Return a batch of two whose rewards count from what the corrected rule earns."""
    encoding = allotment.make(world, RESIDUAL).encoding
    batch = Sb3VecEnv(world, encoding, 2, reward=RelativeToRule(world, 2, encoding.rule))
    batch.seed(3)
    batch.reset()
    return batch


def test_rewards_relative_to_a_rule_are_zero_where_nothing_is_corrected():
    world = two_shops(skus=[{"name": "apple", "unit_cost": 2, "price": 5}, {"name": "pear", "unit_cost": 4, "price": 7}])
    batch = beside_the_rule(world)
    for _ in range(9):  # two episodes end on the way
        assert batch.step(np.zeros((2, batch.encoding.size)))[1].tolist() == [0.0, 0.0]
    assert batch.step(np.ones((2, batch.encoding.size)))[1].all()


def test_rewards_relative_to_a_rule_are_what_is_earned_beyond_it_once_it_has_played_the_warm_up():
    world = two_shops(
        horizon={"kind": "window", "warm_up": 2, "periods": 3},
        skus=[{"name": "apple", "unit_cost": 2, "price": 5}, {"name": "pear", "unit_cost": 4, "price": 7}],
    )
    batch = beside_the_rule(world)
    assert batch.simulation.state.period.tolist() == [2, 2]
    correction, rewards, last = np.full((2, batch.encoding.size), 0.5), [], {}
    while not last:
        _, reward, dones, infos = batch.step(correction)
        rewards.append(reward)
        last = infos[0] if dones.any() else {}
    corrected, ruled = (allotment.make(world, RESIDUAL) for _ in range(2))
    for env in (corrected, ruled):
        env.reset(seed=3)
        for _ in range(2):
            env.step(np.zeros(batch.encoding.size))
    expected = [corrected.step(correction[0])[1] - ruled.step(0 * correction[0])[1] for _ in range(3)]
    assert np.array(rewards)[:, 0] == pytest.approx(expected, rel=1e-6)
    assert batch.simulation.state.period.tolist() == [2, 2]
