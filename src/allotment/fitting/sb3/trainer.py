"""Training a learned policy: an algorithm of the table, in a world or in another package's environment, into a run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, configure
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from torch.utils.tensorboard import SummaryWriter

from allotment import extensions
from allotment.evaluation.place import Place
from allotment.fitting.fitter import Progress
from allotment.fitting.sb3.algorithms import Algorithm, Networks, algorithm_of, check_actions
from allotment.fitting.sb3.checkpoint import Checkpoints, read_checkpoint, restore
from allotment.fitting.sb3.config import LearnedConfig, check_learned
from allotment.fitting.sb3.loggers import LOGGERS
from allotment.fitting.sb3.scalars import Scalars
from allotment.fitting.sb3.schedules import scheduled
from allotment.fitting.sb3.training_place import TrainingPlace, training_place
from allotment.fitting.sb3.validation import Steps, Validation
from allotment.fitting.tuning import tuned_rule
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import checked, read_config
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_config import RulePolicy
from allotment.policies.sealed_folder import is_bundle
from allotment.runs.run_folder import CURVE, RunFolder
from allotment.runs.tensorboard import tag, write_scores
from allotment.scenario.streams import derived_seed

REWARD_REACH = 10.0  # normalised rewards and observations are clipped here


class Sb3Training:
    """Trains what a config names an algorithm for."""

    def check(self, place: Place, config: dict[str, Any], name: str) -> None:
        """Raise `ScenarioError` where a config cannot be trained."""
        typed = check_learned(checked(LearnedConfig, config, name), name)
        check_actions(typed.algorithm, training_place(place, typed, None).actions, f"{name} in {place.name}")
        for given in typed.callbacks:
            extensions.check("callback", given, {}, f"{name}: callbacks", BaseCallback)
        for given in typed.loggers:
            extensions.check("logger", given, LOGGERS, f"{name}: loggers", KVWriter)

    def fit(self, place: Place, config: dict[str, Any], run: RunFolder, progress: Progress | None = None) -> Any:
        """Train, fill the run folder, and return the best policy on validation worlds."""
        typed = checked(LearnedConfig, config, run.policy_name)
        rule = _corrected_rule(place, typed, run, progress)

        def show(done: int, steps: int, score: float | None) -> None:
            if progress:
                progress(f"training {run.policy_name}", done, steps, score)

        return train(Training(place, training_place(place, typed, rule), typed, run), show)


def _corrected_rule(place: Place, config: LearnedConfig, run: RunFolder, progress: Progress | None) -> RulePolicy | None:
    """Return the rule that a residual corrects, tuned, from the run folder where it lies there already."""
    given = config.encoding.rule
    if given is None:
        return None
    if is_bundle(run.corrected_rule):
        return load_bundle(run.corrected_rule, place.world)
    if isinstance(given, str):  # a folder's own config names no other file: what it named was written out
        name, content = read_config(given, admit=False)
    else:
        name, content = given.get("name", "rule"), given
    rule = tuned_rule(content, name, place.world, run.seed, progress)
    save_bundle(rule, run.corrected_rule)
    return rule


@dataclass(frozen=True)
class Training:
    """A training about to run: what is trained, where, and into which folder."""

    place: Place
    training_place: TrainingPlace
    config: LearnedConfig
    run: RunFolder
    loggers: list[KVWriter] = field(default_factory=list)  # that are open beside TensorBoard

    @property
    def name(self) -> str:
        """Return the policy's name."""
        return self.run.policy_name

    @property
    def seed(self) -> int:
        """Return the user's seed."""
        return self.run.seed

    @property
    def algorithm(self) -> Algorithm:
        """Return the config's algorithm."""
        return algorithm_of(self.config.algorithm, self.name)

    @property
    def shape(self) -> NetworkShape:
        """Return the shape of the actor."""
        network = self.config.network
        return NetworkShape(
            network.kind,
            list(network.hidden),
            network.activation,
            network.memory,
            self.algorithm.output,
            dict(network.settings),
        )

    def environments(self) -> VecEnv:
        """Return the batch that is trained in, behind running statistics where the config wants them."""
        batch, config = self.training_place.environments(), self.config
        if not (config.normalise_reward or config.normalise_observation):
            return batch
        return VecNormalize(
            batch,
            norm_obs=config.normalise_observation,
            norm_reward=config.normalise_reward,
            clip_reward=REWARD_REACH,
            clip_obs=REWARD_REACH,
            gamma=float(config.settings.get("gamma", 0.99)),
        )

    def model(self, environments: VecEnv, writer: SummaryWriter) -> BaseAlgorithm:
        """Return the algorithm, ready to learn."""
        networks = Networks(
            self.shape, self.training_place.actor, self.training_place.critic, self.config.network.initial_deviation
        )
        policy, keywords = self.algorithm.policy(networks)
        model = self.algorithm.make(
            policy,
            environments,
            policy_kwargs=keywords,
            seed=derived_seed("learn", self.seed) % 2**31,
            device="cpu",
            **self._settings(environments),
        )
        model.set_logger(configure(None, []))
        model.logger.output_formats += [Scalars(writer), *self.loggers]
        return model

    def open_loggers(self, closing: ExitStack) -> None:
        """Open what the config logs to beside TensorBoard, until all else is done."""
        for given in self.config.loggers:
            logger = extensions.made("logger", given, LOGGERS, f"{self.name}: loggers")
            closing.callback(logger.close)
            self.loggers.append(logger)

    def callbacks(self) -> list[BaseCallback]:
        """Return the config's callbacks."""
        return [extensions.made("callback", given, {}, f"{self.name}: callbacks") for given in self.config.callbacks]

    def _settings(self, environments: VecEnv) -> dict[str, Any]:
        """Return the algorithm's settings as Stable-Baselines3 takes them."""
        settings = scheduled(self.config.settings)
        if isinstance(settings.get("train_freq"), list):
            settings["train_freq"] = tuple(settings["train_freq"])
        if self.config.exploration_deviation:
            deviation = np.full(environments.action_space.shape or (), self.config.exploration_deviation)
            settings["action_noise"] = NormalActionNoise(np.zeros_like(deviation), deviation)
        return settings

    def write_measures(self, writer: SummaryWriter) -> Callable[[Mapping[str, float], int], None]:
        """Return what writes the measures of a validation, after so many steps, to TensorBoard and the loggers."""

        def write(measures: Mapping[str, float], step: int) -> None:
            write_scores(writer, measures, step)
            named = {tag(name): value for name, value in measures.items()}
            for logger in self.loggers:
                logger.write(dict(named), dict.fromkeys(named, ()), step)

        return write

    def policy(self, model: BaseAlgorithm) -> Any:
        """Return the policy as the algorithm has it now."""
        actor = self.algorithm.read(model, lambda: self.training_place.actor(self.shape))
        environments = model.get_env()
        assert environments is not None
        return self.training_place.policy(self.name, actor, self.shape, environments)


def train(training: Training, progress: Steps | None = None) -> Any:
    """Learn, measure and keep: fills the run folder and returns the best policy on validation worlds.

    Where the folder holds a checkpoint, training goes on from there, to the same end as without the interruption. An
    interrupt leaves the best policy so far, the learning curve and the last checkpoint in the folder, and passes on.
    """
    torch.set_num_threads(1)
    resumed = read_checkpoint(training.run)
    done = int(resumed["algorithm"]["num_timesteps"]) if resumed else 0
    with ExitStack() as closing:
        writer = SummaryWriter(str(training.run.logs), purge_step=done + 1 if resumed else None)
        closing.callback(writer.close)
        environments = training.environments()
        closing.callback(environments.close)
        training.open_loggers(closing)
        model = training.model(environments, writer)
        environments.seed(training.training_place.first_seed(training.seed))  # after the algorithm, which seeds them itself
        validation = _validation(training, writer, progress)
        checkpoints = Checkpoints(training.run, training.config.checkpoint.every, validation.progress_so_far, resumed)
        callbacks = training.callbacks()
        if resumed:
            restore(model, resumed)
            validation.go_on(resumed["progress"])
        finished = False
        try:
            model.learn(
                training.config.steps - done, callback=[validation, checkpoints, *callbacks], reset_num_timesteps=not resumed
            )
            validation.finish()
            finished = True
        finally:
            _keep(training, model, environments, validation, finished)
    return training.place.load(training.run.best)


def _validation(training: Training, writer: SummaryWriter, progress: Steps | None) -> Validation:
    return Validation(
        measure=lambda policy: (
            training.place.evaluate(policy, training.config.validation.episodes, training.seed, "validate").episodes
        ),
        current=training.policy,
        keep=lambda policy: save_bundle(policy, training.run.best),
        write=training.write_measures(writer),
        every=training.config.validation.every,
        progress=progress,
    )


def _keep(training: Training, model: BaseAlgorithm, environments: VecEnv, validation: Validation, finished: bool) -> None:
    """Write what there is: the last policy, the learning curve, and how far training came."""
    save_bundle(training.policy(model), training.run.final)
    validation.write(training.run.path / CURVE)
    if isinstance(environments, VecNormalize) and environments.norm_reward:
        statistics = {"mean": float(environments.ret_rms.mean), "variance": float(environments.ret_rms.var)}
        training.run.update(return_statistics=statistics)
    training.run.update(finished=finished, environment_steps=model.num_timesteps)
    if finished:
        shutil.rmtree(training.run.checkpoints, ignore_errors=True)
