"""The native batch does what Gymnasium's own batch of single environments does, whatever follows an ended episode."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import wrappers as single
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector

import allotment
from small_worlds import RESIDUAL, some_actions, two_shops

NUMBER, STEPS = 3, 14
TOLD = ("money", "final_obs", "final_info")  # what the native batch says of what single environments do
WORLDS = {
    "a window": (two_shops(), "quantity"),
    "a season": (two_shops(horizon={"kind": "season", "periods": 4}), "quantity"),
    "a residual": (two_shops(), RESIDUAL),
    "a choice": (allotment.load_scenario("lost_sales", overrides=["horizon.warm_up=0", "horizon.periods=3"]), "discrete"),
    "one period": (two_shops(horizon={"kind": "season", "periods": 1}), "order_up_to"),
}


def both(world, encoding, mode):
    """Return a native batch, and Gymnasium's batch of single environments."""
    alone = SyncVectorEnv([lambda: allotment.make(world, encoding)] * NUMBER, autoreset_mode=mode)
    return allotment.make_vec(world, NUMBER, encoding, mode), alone


def told(info):
    """Return the part of an info that the native batch offers; of last observations those of episodes that have ended."""
    kept = {name: value for name, value in info.items() if name.removeprefix("_") in TOLD}
    if "_final_obs" in info:
        kept["final_obs"] = np.stack(info["final_obs"][info["_final_obs"]])
    return {name: told(value) if name == "final_info" else value for name, value in kept.items()}


def same(ours, theirs):
    """Tell whether two results are the same to the bit, data types included."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, tuple | list):
        return len(ours) == len(theirs) and all(same(*pair) for pair in zip(ours, theirs, strict=True))
    return (
        type(ours) is type(theirs) and getattr(ours, "dtype", 0) == getattr(theirs, "dtype", 0) and np.array_equal(ours, theirs)
    )


def reset_both(batches, **arguments):
    """Reset both batches and compare; returns the observations."""
    mask = arguments.pop("mask", None)
    results = [each.reset(**arguments, options=None if mask is None else {"reset_mask": mask}) for each in batches]
    assert same(*results)


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("name", WORLDS)
def test_a_batch_goes_on_as_single_environments_do(name, mode):
    batches = both(*WORLDS[name], mode)
    actions = some_actions(batches[0].single_action_space, STEPS, NUMBER)
    reset_both(batches, seed=7)
    seen = set()
    for step, action in enumerate(actions):
        ours, theirs = (each.step(action.copy()) for each in batches)
        assert same(ours[:4], theirs[:4])
        assert same(told(ours[4]), told(theirs[4]))
        seen |= set(ours[4])
        ended = ours[2] | ours[3]
        if step == 1:  # from here on the worlds are in different periods
            reset_both(batches, mask=np.array([False, True, False]))
            ended[1] = False
        if step == 5:
            reset_both(batches, seed=20, mask=np.array([True, False, True]))
            ended[[0, 2]] = False
        if mode is AutoresetMode.DISABLED and ended.any():
            reset_both(batches, mask=ended)
    assert batches[0].metadata["autoreset_mode"] is mode
    assert ("final_info" in seen) == (mode is AutoresetMode.SAME_STEP)
    assert "money" in seen or name == "one period"


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled", *AutoresetMode])
def test_gymnasium_makes_a_batch_of_a_mode(mode):
    envs = gym.make_vec("allotment/LostSales-v0", num_envs=2, autoreset_mode=mode)
    assert envs.autoreset_mode is envs.metadata["autoreset_mode"] is AutoresetMode(mode)
    assert allotment.make_vec(two_shops()).autoreset_mode is AutoresetMode.SAME_STEP


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="autoreset_mode must be one of NextStep, SameStep, Disabled, not 'next'"):
        allotment.make_vec(two_shops(), 2, autoreset_mode="next")


def test_where_nothing_follows_an_ended_episode_it_must_be_reset_and_is_not_harmed_by_a_step():
    envs, other = (allotment.make_vec(two_shops(), 3, "quantity", "Disabled") for _ in range(2))
    actions = some_actions(envs.single_action_space, 6, 3)
    for each in (envs, other):
        each.reset(seed=1)
        each.step(actions[0])
        each.reset(options={"reset_mask": np.array([False, True, False])})
        for action in actions[1:4]:
            ended = each.step(action)[3]
    with pytest.raises(RuntimeError, match=r"episodes of environments \[0, 2\] have ended; call reset\(options="):
        envs.step(actions[4])
    with pytest.raises(RuntimeError, match="have ended"):
        envs.step(actions[4])
    assert same(*(each.reset(options={"reset_mask": ended}) for each in (envs, other)))
    assert same(*(each.step(actions[5]) for each in (envs, other)))


def test_the_action_of_an_episode_that_starts_is_ignored_and_a_wrong_one_beside_it_harms_nothing():
    envs, other = (allotment.make_vec(two_shops(), 3, "quantity", "NextStep") for _ in range(2))
    actions = some_actions(envs.single_action_space, 6, 3)
    for each in (envs, other):
        each.reset(seed=1)
        each.step(actions[0])
        each.reset(options={"reset_mask": np.array([False, True, False])})
        for action in actions[1:4]:
            each.step(action)
    wrong, ignored = actions[4].copy(), actions[4].copy()
    wrong[1], ignored[[0, 2]] = np.nan, np.nan
    with pytest.raises(ValueError, match=r"actions must be finite; position \[1, 0\] is nan"):
        envs.step(wrong)
    with pytest.raises(ValueError, match=r"actions have shape \(2, 8\); expected \(3, 8\)"):
        envs.step(actions[4][:2])
    assert same(envs.step(ignored), other.step(actions[4]))
    assert envs.simulation.state.episode.tolist() == [1, 1, 1]
    assert envs.simulation.state.period.tolist() == [0, 4, 0]


def test_a_mask_that_chooses_no_world_is_refused():
    envs = allotment.make_vec(two_shops(), 2)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="reset_mask must choose at least one world"):
        envs.reset(options={"reset_mask": np.zeros(2, dtype=bool)})


def doubled(value):
    return value * 2


OF_OBSERVATIONS = {
    "TransformObservation": lambda envs: vector.TransformObservation(envs, doubled),
    "VectorizeTransformObservation": lambda envs: vector.VectorizeTransformObservation(
        envs, single.TransformObservation, func=doubled, observation_space=envs.single_observation_space
    ),
    "FlattenObservation": vector.FlattenObservation,
    "ReshapeObservation": lambda envs: vector.ReshapeObservation(envs, (1, *envs.single_observation_space.shape)),
    "RescaleObservation": lambda envs: vector.RescaleObservation(envs, np.float32(0.0), np.float32(1.0)),
    "DtypeObservation": lambda envs: vector.DtypeObservation(envs, np.float64),
}
OTHERS = {
    "RecordEpisodeStatistics": vector.RecordEpisodeStatistics,
    "DictInfoToList": vector.DictInfoToList,
    "TransformAction": lambda envs: vector.TransformAction(envs, lambda actions: actions / 2),
    "VectorizeTransformAction": lambda envs: vector.VectorizeTransformAction(
        envs, single.TransformAction, func=lambda action: action / 2, action_space=envs.single_action_space
    ),
    "ClipAction": vector.ClipAction,
    "RescaleAction": lambda envs: vector.RescaleAction(envs, np.float32(0.0), np.float32(1.0)),
    "TransformReward": lambda envs: vector.TransformReward(envs, doubled),
    "VectorizeTransformReward": lambda envs: vector.VectorizeTransformReward(envs, single.TransformReward, func=doubled),
    "ClipReward": lambda envs: vector.ClipReward(envs, -5.0, 5.0),
    "NormalizeReward": vector.NormalizeReward,
}
NEXT, SAME, DISABLED = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED
WRAPPED = [(name, mode) for name in OF_OBSERVATIONS for mode in (NEXT, DISABLED)]
WRAPPED += [(name, mode) for name in OTHERS for mode in AutoresetMode]
WRAPPED += [("NormalizeObservation", NEXT)]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # of Gymnasium, where it compares bounds
@pytest.mark.parametrize(("name", "mode"), WRAPPED)
def test_gymnasiums_wrappers_do_with_the_batch_what_they_do_with_single_environments(name, mode):
    wrap = {**OF_OBSERVATIONS, **OTHERS, "NormalizeObservation": vector.NormalizeObservation}[name]
    envs, alone = (wrap(each) for each in both(two_shops(), "quantity", mode))
    ours, theirs = envs.reset(seed=3), alone.reset(seed=3)
    assert same(ours[0], theirs[0])
    for action in some_actions(envs.single_action_space, 9, NUMBER):
        ours, theirs = envs.step(action.copy()), alone.step(action.copy())
        assert same(ours[:4], theirs[:4])
        assert same(comparable(ours[4]), comparable(theirs[4]))
        if mode is DISABLED and ours[3].any():
            assert same(*(each.reset(options={"reset_mask": ours[3].copy()})[0] for each in (envs, alone)))


def comparable(info):
    """Return what both batches say, without what the clock says of statistics."""
    if isinstance(info, list):
        return [told(each) for each in info]
    statistics = {name: info["episode"][name] for name in ("r", "l") if "episode" in info}
    return {**told(info), **statistics, "ended": info.get("_episode")}


@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_batch_is_handed_to_torch(mode):
    plain, tensors = (allotment.make_vec(two_shops(), NUMBER, "quantity", mode) for _ in range(2))
    tensors = vector.NumpyToTorch(tensors)
    plain.reset(seed=3)
    tensors.reset(seed=3)
    for action in some_actions(plain.single_action_space, 4, NUMBER):
        ours, theirs = plain.step(action), tensors.step(torch.from_numpy(action))
        assert all(np.array_equal(array, tensor.numpy()) for array, tensor in zip(ours[:4], theirs[:4], strict=True))
    assert ours[3].all()
