"""All that moves while an algorithm learns, as a tree of arrays and plain values, taken and put back between two rollouts.

What is to be put back is checked against the training that takes it, before that changes: same keys, kinds, shapes and types.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import recursive_getattr, recursive_setattr
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from allotment.environments.sb3 import Sb3VecEnv
from allotment.fitting.sb3.own_seal import check_seal, seal_of
from allotment.fitting.tree_file import Kept, TreeError, TreeFile, check_alike, check_array

COUNTS = ("num_timesteps", "_episode_num", "_n_updates", "_n_calls")  # attributes of Stable-Baselines3's algorithms
SHARES = ("_current_progress_remaining", "exploration_rate")
ARRAYS = ("_last_obs", "_last_original_obs", "_last_episode_starts", "_last_lstm_states")
STATISTICS = ("obs_rms", "ret_rms")  # of VecNormalize
LONGEST_PICKLE = 2**28  # bytes
TWISTER = 624  # words of the generator MT19937


def captured(model: BaseAlgorithm) -> dict[str, Any]:
    """Return the state of a training between two rollouts."""
    environments = model.get_env()
    assert environments is not None
    _, variables = model._get_torch_save_params()
    return {
        "algorithm": _algorithm(model),
        "parameters": {name: dict(content) for name, content in model.get_parameters().items()},
        "variables": {name: recursive_getattr(model, name) for name in variables},
        "replay": _replay(model),
        "environments": _environments(environments),
        "normalisation": _normalisation(environments),
        "generators": generators(model),
    }


def restore(model: BaseAlgorithm, kept: TreeFile) -> None:
    """Put a training that was just built into the state that a file holds.

    `TreeError` where the state is none of such a training, `ValueError` where a value cannot be; what was built is of no use
    then. Generators are to be set again when the first rollout starts.
    """
    environments = model.get_env()
    assert environments is not None
    content = kept.tree
    _bring_up(model, environments)
    _check(model, content)
    kept.check()
    _restore_algorithm(model, kept.loaded(content["algorithm"]))
    parts = {name: kept.loaded(content[name]) for name in ("parameters", "variables", "normalisation", "generators")}
    _check_finite({name: parts[name] for name in ("parameters", "variables", "normalisation")}, "")
    model.set_parameters(parts["parameters"], exact_match=True, device="cpu")
    for name, value in parts["variables"].items():
        if value is not None:
            recursive_setattr(model, f"{name}.data", value)
    _restore_replay(model, content["replay"], kept)
    _restore_normalisation(environments, parts["normalisation"])
    _restore_environments(environments, kept.loaded(content["environments"]))
    set_generators(model, parts["generators"])
    if not torch.equal(torch.get_rng_state(), parts["generators"]["torch"]):
        raise TreeError("generators/torch is no state of a generator")


def _bring_up(model: Any, environments: VecEnv) -> None:
    """Let a training that was just built have everything that one holds which has begun, whatever its values."""
    model._last_obs = environments.reset()
    model._last_episode_starts = np.ones(environments.num_envs, dtype=bool)
    for optimiser in _optimisers(model).values():
        for parameter in (each for group in optimiser.param_groups for each in group["params"] if each.requires_grad):
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
        optimiser.zero_grad()


def _optimisers(model: BaseAlgorithm) -> dict[str, torch.optim.Optimizer]:
    found = {name: recursive_getattr(model, name) for name in model._get_torch_save_params()[0]}
    return {name: each for name, each in found.items() if isinstance(each, torch.optim.Optimizer)}


# what is checked


def _check(model: BaseAlgorithm, content: Any) -> None:
    """Raise `TreeError` where a state is none of a training that was brought up."""
    own = captured(model)
    if not isinstance(content, dict) or content.keys() - {"progress"} != own.keys():
        raise TreeError(f"must hold {', '.join(own)}, and progress")
    _check_algorithm(model, content["algorithm"], own["algorithm"])
    check_alike(content["variables"], own["variables"], "variables")
    check_alike(content["normalisation"], own["normalisation"], "normalisation")
    _check_parameters(content["parameters"], own["parameters"], _optimisers(model).keys())
    _check_replay(model, content["replay"], own["replay"])
    _check_environments(content["environments"], own["environments"])
    _check_generators(content["generators"], own["generators"])


def _check_algorithm(model: Any, found: Any, own: dict[str, Any]) -> None:
    found, own = dict(found) if isinstance(found, dict) else found, dict(own)
    for name, columns in (("episodes", (3,)), ("successes", ())):
        rows = _rows(found, name)
        if rows > model._stats_window_size:
            raise TreeError(f"algorithm/{name} must be of at most {model._stats_window_size} episodes, not {rows}")
        own[name] = np.zeros((rows, *columns))
    if isinstance(found, dict) and "_last_original_obs" in own:
        own["_last_original_obs"] = None if found.get("_last_original_obs") is None else own["_last_obs"]
    check_alike(found, own, "algorithm")
    for name in COUNTS:
        if not 0 <= found.get(name, 0) < 2**62:
            raise TreeError(f"algorithm/{name} must be a count, not {found[name]}")


def _rows(found: Any, name: str) -> int:
    array = found.get(name) if isinstance(found, dict) else None
    return array.shape[0] if isinstance(array, Kept) and array.shape else 0


def _check_parameters(found: Any, own: dict[str, Any], optimisers: Any) -> None:
    """Refuse weights and optimisers that are not those of the networks; an optimiser may not have begun with a weight."""
    begun = dict(own)
    for name in optimisers:
        state = found.get(name, {}).get("state") if isinstance(found, dict) and isinstance(found.get(name), dict) else None
        kept = [key for key in own[name]["state"] if key in state] if isinstance(state, dict) else []
        begun[name] = {**own[name], "state": {key: own[name]["state"][key] for key in kept}}
    check_alike(found, begun, "parameters")
    for name in optimisers:
        for group, ours in zip(found[name]["param_groups"], own[name]["param_groups"], strict=True):
            if group["params"] != ours["params"]:
                raise TreeError(f"parameters/{name} must be of the weights {ours['params']}")


def _check_replay(model: Any, found: Any, own: dict[str, Any]) -> None:
    expected = dict(own)
    if own and isinstance(found, dict):
        size, full, pos = model.replay_buffer.buffer_size, found.get("full"), found.get("pos")
        if type(full) is not bool or type(pos) is not int or not 0 <= pos < size:
            raise TreeError(f"replay/pos must be below {size}, and replay/full true or false")
        filled = size if full else pos
        expected["arrays"] = {name: _of_length(array, filled) for name, array in own["arrays"].items()}
    check_alike(found, expected, "replay")


def _of_length(array: Any, length: int) -> Any:
    """Return an array as another one of so many rows, which takes no memory."""
    return np.broadcast_to(np.zeros((), array.dtype), (length, *array.shape[1:]))


def _check_environments(found: Any, own: dict[str, Any]) -> None:
    if "pickled" not in own:
        check_alike(found, own, "environments")
        return
    if not isinstance(found, dict) or found.keys() != own.keys() or not isinstance(found["seal"], str):
        raise TreeError("environments must be pickled and sealed")
    length = found["pickled"].shape[0] if isinstance(found["pickled"], Kept) and found["pickled"].shape else 0
    check_array(found["pickled"], "array", "uint8", (min(length, LONGEST_PICKLE),), "environments/pickled")


def _check_generators(found: Any, own: dict[str, Any]) -> None:
    gauss = found.get("python_gauss") if isinstance(found, dict) else None
    check_alike(found, {**own, "python_gauss": None if gauss is None else 0.0}, "generators")
    _, _, place, has_gauss, _ = found["numpy"]
    if not (0 <= place <= TWISTER and has_gauss in (0, 1)):
        raise TreeError(f"generators/numpy must be at one of {TWISTER} words, not {place}")


def _check_finite(tree: Any, where: str) -> None:
    """Raise `TreeError` where a number among weights, moments or statistics is not finite."""
    if isinstance(tree, dict):
        for key, each in tree.items():
            _check_finite(each, f"{where}/{key}".lstrip("/"))
    elif isinstance(tree, np.ndarray | torch.Tensor) and not bool(torch.isfinite(torch.as_tensor(tree)).all()):
        raise TreeError(f"{where} holds what is no finite number")


# the algorithm


def _algorithm(model: Any) -> dict[str, Any]:
    """Return counters, what was seen last, and the last episodes' return, length and time."""
    found = {name: getattr(model, name) for name in (*COUNTS, *SHARES, *ARRAYS) if hasattr(model, name)}
    if "_last_lstm_states" in found:
        found["_last_lstm_states"] = tuple(tuple(states) for states in model._last_lstm_states)
    episodes = [(info["r"], info["l"], info["t"]) for info in model.ep_info_buffer or ()]
    found["episodes"] = np.array(episodes, dtype=np.float64).reshape(-1, 3)
    return {**found, "successes": np.array(list(model.ep_success_buffer or ()), dtype=np.float64)}


def _restore_algorithm(model: Any, content: dict[str, Any]) -> None:
    episodes, successes = content.pop("episodes").tolist(), content.pop("successes").tolist()
    model.ep_info_buffer = deque(({"r": r, "l": int(steps), "t": t} for r, steps, t in episodes), model._stats_window_size)
    model.ep_success_buffer = deque(successes, model._stats_window_size)
    if "_last_lstm_states" in content:
        content["_last_lstm_states"] = type(model._last_lstm_states)(*content["_last_lstm_states"])
    for name, value in content.items():
        setattr(model, name, value)


def _replay(model: Any) -> dict[str, Any]:
    """Return the filled part of a replay buffer's arrays, where they lie, and where it is written next."""
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return {}
    filled = buffer.buffer_size if buffer.full else buffer.pos
    arrays = {name: value[:filled] for name, value in vars(buffer).items() if isinstance(value, np.ndarray)}
    return {"arrays": arrays, "pos": buffer.pos, "full": buffer.full}


def _restore_replay(model: Any, content: dict[str, Any], kept: TreeFile) -> None:
    if content:
        buffer = model.replay_buffer
        buffer.pos, buffer.full = content["pos"], content["full"]
        for name, array in content["arrays"].items():  # one by one: they are large
            getattr(buffer, name)[: array.shape[0]] = kept.loaded(array)


# the environments


def _inner(environments: VecEnv) -> VecEnv:
    return environments.unwrapped if isinstance(environments, VecNormalize) else environments


def _environments(environments: VecEnv) -> dict[str, Any]:
    """Return where the environments stand: arrays of native worlds; of other packages', which may hold anything, a pickle.

    A pickle runs what it names when it is read, so that it is sealed: only what this user's program has written is read.
    """
    inner = _inner(environments)
    if isinstance(inner, Sb3VecEnv):
        return inner.get_state()
    import cloudpickle

    pickled = cloudpickle.dumps(vars(inner))
    if len(pickled) > LONGEST_PICKLE:
        raise ValueError(f"the environments take {len(pickled):,} bytes, more than {LONGEST_PICKLE:,}")
    return {"pickled": np.frombuffer(pickled, dtype=np.uint8), "seal": seal_of(pickled)}


def _restore_environments(environments: VecEnv, content: dict[str, Any]) -> None:
    inner = _inner(environments)
    if isinstance(inner, Sb3VecEnv):
        inner.set_state(content)
        return
    try:
        check_seal(content["pickled"].data, content["seal"])
    except ValueError as error:
        raise TreeError(f"the environment of another package {error}") from None
    import cloudpickle

    vars(inner).update(cloudpickle.loads(content["pickled"].data))


def _normalisation(environments: VecEnv) -> dict[str, Any]:
    """Return running statistics."""
    if not isinstance(environments, VecNormalize):
        return {}
    found = {name: getattr(environments, name) for name in STATISTICS if hasattr(environments, name)}
    statistics = {name: [np.asarray(each.mean), np.asarray(each.var), float(each.count)] for name, each in found.items()}
    return {**statistics, "returns": environments.returns}


def _restore_normalisation(environments: Any, content: dict[str, Any]) -> None:
    for name, value in content.items():
        if name == "returns":
            environments.returns = value
        else:
            if value[2] <= 0 or (value[1] < 0).any():
                raise TreeError(f"normalisation/{name} must have a variance and a count that are not negative")
            statistics = getattr(environments, name)
            statistics.mean, statistics.var, statistics.count = value


# the generators


def generators(model: BaseAlgorithm) -> dict[str, Any]:
    """Return the states of the global generators that Stable-Baselines3 draws from, and of the action space's own."""
    version, words, gauss = random.getstate()
    return {
        "numpy": tuple(np.random.get_state()),
        "torch": torch.get_rng_state(),
        "python": [version, np.array(words, dtype=np.uint32)],
        "python_gauss": gauss,
        "actions": model.action_space.np_random.bit_generator.state,
    }


def set_generators(model: BaseAlgorithm, states: dict[str, Any]) -> None:
    """Let the generators go on from their states."""
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    version, words = states["python"]
    random.setstate((version, tuple(words.tolist()), states["python_gauss"]))
    model.action_space.np_random.bit_generator.state = states["actions"]
