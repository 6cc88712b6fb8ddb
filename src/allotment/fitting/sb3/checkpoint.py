"""Checkpoints: everything a training needs to go on as if nothing had happened, in one file that is whole or not there.

A training is put on disk between two rollouts, where nothing is half done: weights and optimisers, counters, the state of
every environment, normalisation statistics, the replay buffer, the random generators and the learning curve. It is the
algorithm's own format, pickles included, and is read by nothing but a training that goes on in its own run folder.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.save_util import recursive_getattr, recursive_setattr
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from allotment.environments.sb3 import Sb3VecEnv
from allotment.runs.run_folder import RunFolder
from allotment.whole_file import whole_file

MOVING = (  # attributes of Stable-Baselines3's algorithms that change while they learn
    *("num_timesteps", "_episode_num", "_n_updates", "_n_calls", "_current_progress_remaining", "exploration_rate"),
    *("_last_obs", "_last_original_obs", "_last_episode_starts", "_last_lstm_states", "ep_info_buffer", "ep_success_buffer"),
)


class Checkpoints(BaseCallback):
    """Writes the checkpoint every so many steps and at the end; in a resumed training it first sets the generators."""

    def __init__(self, run: RunFolder, every: int, progress: Callable[[], Any], resumed: dict[str, Any] | None) -> None:
        super().__init__()
        self.file, self.every, self.progress, self.resumed = checkpoint_file(run), every, progress, resumed
        self.written_at = -every if resumed is None else int(resumed["algorithm"]["num_timesteps"])
        self.possible = True

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.resumed is not None:
            _set_generators(self.model, self.resumed["generators"])
            self.resumed = None
        elif self.possible and self.num_timesteps - self.written_at >= self.every:
            self._write()

    def _on_training_end(self) -> None:
        if self.possible and self.resumed is None:
            self._write()  # for a training that is to be longer after all

    def _write(self) -> None:
        try:
            content = {**captured(self.model), "progress": self.progress()}
        except Exception as error:  # an environment of another package that cannot be pickled, for whatever reason
            self.possible = False
            warnings.warn(
                f"training cannot be resumed once interrupted: its environment cannot be saved ({error})", stacklevel=2
            )
            return
        self.file.parent.mkdir(exist_ok=True)
        with whole_file(self.file) as part:
            torch.save(content, part)
        self.written_at = self.num_timesteps


def captured(model: BaseAlgorithm) -> dict[str, Any]:
    """Return the state of a training between two rollouts."""
    environments = model.get_env()
    assert environments is not None
    _, variables = model._get_torch_save_params()
    return {
        "algorithm": {name: getattr(model, name) for name in MOVING if hasattr(model, name)},
        "parameters": model.get_parameters(),
        "variables": {name: recursive_getattr(model, name) for name in variables},
        "replay": _replay(model),
        "environments": _environments(environments),
        "normalisation": _normalisation(environments),
        "generators": _generators(model),
    }


def restore(model: BaseAlgorithm, content: dict[str, Any]) -> None:
    """Put a training that was just built into a captured state, but for the generators, which `Checkpoints` sets."""
    environments = model.get_env()
    assert environments is not None
    for name, value in content["algorithm"].items():
        setattr(model, name, value)
    model.set_parameters(content["parameters"], exact_match=True, device="cpu")
    for name, value in content["variables"].items():
        if value is not None:
            recursive_setattr(model, f"{name}.data", value.data)
    _restore_replay(model, content["replay"])
    _restore_normalisation(environments, content["normalisation"])
    _restore_environments(environments, content["environments"])


def checkpoint_file(run: RunFolder) -> Path:
    """Return where a run's checkpoint lies."""
    return run.checkpoints / "training.pt"


def read_checkpoint(run: RunFolder) -> dict[str, Any] | None:
    """Return the content of a run's checkpoint, none where there is none."""
    file = checkpoint_file(run)
    return torch.load(file, weights_only=False) if file.is_file() else None


def _replay(model: Any) -> dict[str, Any]:
    """Return the filled part of a replay buffer's arrays, and where it is written next."""
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return {}
    filled = buffer.buffer_size if buffer.full else buffer.pos
    arrays = {name: value[:filled] for name, value in vars(buffer).items() if isinstance(value, np.ndarray)}
    return {"arrays": arrays, "pos": buffer.pos, "full": buffer.full}


def _restore_replay(model: Any, content: dict[str, Any]) -> None:
    if content:
        buffer = model.replay_buffer
        buffer.pos, buffer.full = content["pos"], content["full"]
        for name, filled in content["arrays"].items():
            getattr(buffer, name)[: len(filled)] = filled


def _environments(environments: VecEnv) -> Any:
    """Return where the environments stand: arrays of native worlds, the pickled environments of other packages."""
    inner = environments.unwrapped if isinstance(environments, VecNormalize) else environments
    if isinstance(inner, Sb3VecEnv):
        return inner.get_state()
    import cloudpickle

    return cloudpickle.dumps(vars(inner))


def _restore_environments(environments: VecEnv, content: Any) -> None:
    inner = environments.unwrapped if isinstance(environments, VecNormalize) else environments
    if isinstance(inner, Sb3VecEnv):
        inner.set_state(content)
    else:
        import cloudpickle

        vars(inner).update(cloudpickle.loads(content))


_STATISTICS = ("obs_rms", "ret_rms", "returns", "old_reward", "old_obs")


def _normalisation(environments: VecEnv) -> dict[str, Any]:
    if not isinstance(environments, VecNormalize):
        return {}
    return {name: getattr(environments, name) for name in _STATISTICS if hasattr(environments, name)}


def _restore_normalisation(environments: VecEnv, content: dict[str, Any]) -> None:
    for name, value in content.items():
        setattr(environments, name, value)


def _generators(model: BaseAlgorithm) -> dict[str, Any]:
    """Return the states of the global generators that Stable-Baselines3 draws from, and of the action space's own."""
    return {
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "actions": model.action_space.np_random.bit_generator.state,
    }


def _set_generators(model: BaseAlgorithm, states: dict[str, Any]) -> None:
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    random.setstate(states["python"])
    model.action_space.np_random.bit_generator.state = states["actions"]
