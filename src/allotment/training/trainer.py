"""Training a learned policy: an algorithm of Stable-Baselines3 over the native batch, into a run folder."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import TensorBoardOutputFormat, configure
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from allotment.env.encoding import Encoding
from allotment.env.flatten import Flattener
from allotment.env.stable import StableVecEnv
from allotment.policies.bundle import save_learned
from allotment.policies.encoding_config import build_encoding
from allotment.policies.learned import LearnedPolicy
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_config import RulePolicy
from allotment.scenario.loader import World
from allotment.scenario.streams import derived_seed
from allotment.training.algorithms import ALGORITHMS, scheduled
from allotment.training.config import LearnedConfig
from allotment.training.network_policy import NetworkPolicy
from allotment.training.run_folder import update_metadata
from allotment.training.validation import Progress, Validation

REWARD_REACH = 10.0  # normalised rewards are clipped here


@dataclass(frozen=True)
class Training:
    """A training about to run: what is trained, where, and into which folder."""

    world: World
    config: LearnedConfig
    name: str
    seed: int
    folder: Path
    rule: RulePolicy | None  # what a residual encoding corrects

    @property
    def encoding(self) -> Encoding:
        """Return the encoding of the config in the world."""
        return build_encoding(self.config.encoding, self.world, self.rule)

    @property
    def shape(self) -> NetworkShape:
        """Return the shape of the networks."""
        network = self.config.network
        return NetworkShape(network.kind, list(network.hidden), network.activation)

    def environments(self) -> VecEnv:
        """Return the batch of training worlds."""
        batch: VecEnv = StableVecEnv(
            self.world,
            self.encoding,
            self.config.environments,
            stagger=self.config.stagger,
            reference=self.rule if self.config.relative_to_rule else None,
            stock_at_cost=self.config.stock_at_cost,
        )
        if self.config.normalise_reward:
            gamma = float(self.config.settings.get("gamma", 0.99))
            batch = VecNormalize(batch, norm_obs=False, norm_reward=True, clip_reward=REWARD_REACH, gamma=gamma)
        return batch

    def model(self, environments: VecEnv) -> BaseAlgorithm:
        """Return the algorithm, ready to learn."""
        keywords = {
            "world": self.world,
            "encoding": self.encoding,
            "shape": self.shape,
            "deviation": self.config.network.initial_deviation,
        }
        model = ALGORITHMS[self.config.algorithm](
            NetworkPolicy,  # type: ignore[arg-type]
            environments,
            policy_kwargs=keywords,
            seed=derived_seed("learn", self.seed) % 2**31,
            device="cpu",
            **scheduled(self.config.settings),
        )
        model.set_logger(configure(None, []))
        model.logger.output_formats.append(TensorBoardOutputFormat(str(self.folder / "tb")))
        return model

    def policy(self, model: BaseAlgorithm) -> LearnedPolicy:
        """Return the policy as the algorithm has it now."""
        actor = copy.deepcopy(model.policy.mlp_extractor.actor).eval()  # type: ignore[union-attr, operator]
        return LearnedPolicy(self.name, self.world, self.encoding, actor, Flattener(self.world))  # type: ignore[arg-type]

    def save(self, policy: LearnedPolicy, folder: Path) -> None:
        """Write the policy's bundle."""
        save_learned(policy, self.shape.as_dict(), self.config.encoding, folder)


def train(training: Training, progress: Progress | None = None) -> LearnedPolicy:
    """Learn, measure and keep: fills the run folder and returns the best policy on validation worlds.

    An interrupt leaves the best policy so far, the learning curve and a checkpoint in the folder, and passes on.
    """
    torch.set_num_threads(1)
    environments = training.environments()
    model = training.model(environments)
    environments.seed(derived_seed("train", training.seed))  # after the algorithm, which seeds them with its own
    best: list[LearnedPolicy] = []

    def keep(policy: LearnedPolicy) -> None:
        best[:] = [policy]
        training.save(policy, training.folder / "best")

    validation = Validation(
        training.world,
        training.policy,
        keep,
        training.folder / "tb",
        training.seed,
        training.config.validation.every,
        training.config.validation.episodes,
        progress,
    )
    finished = False
    try:
        model.learn(training.config.steps, callback=validation)
        finished = True
    finally:
        _close(training, model, environments, validation, finished)
    return best[0]


def _close(training: Training, model: BaseAlgorithm, environments: VecEnv, validation: Validation, finished: bool) -> None:
    """Write what there is: the last policy, the learning curve, a checkpoint, and how far training came."""
    checkpoints = training.folder / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    training.save(training.policy(model), training.folder / "final")
    if validation.curve:
        validation.finish(training.folder / "curve.parquet")
    model.save(checkpoints / "model.zip", exclude=["policy_kwargs"])
    if isinstance(environments, VecNormalize):
        statistics: dict[str, Any] = {
            "reward_mean": float(environments.ret_rms.mean),
            "reward_variance": float(environments.ret_rms.var),
        }
        update_metadata(training.folder, reward_normalisation=statistics)
    update_metadata(training.folder, finished=finished, environment_steps=model.num_timesteps)
    model.logger.close()
