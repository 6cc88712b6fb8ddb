"""Training a learned policy: an algorithm of the table, in a world or in another package's environment, into a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
from allotment.fitting.learning_curve import LearningCurve, Steps, training_steps
from allotment.fitting.sb3.algorithms import Algorithm, Networks, algorithm_of, check_actions
from allotment.fitting.sb3.checkpoint import Checkpoints, resumed
from allotment.fitting.sb3.config import LearnedConfig, check_learned, settings_of
from allotment.fitting.sb3.loggers import LOGGERS, check_logger
from allotment.fitting.sb3.scalars import Scalars
from allotment.fitting.sb3.schedules import scheduled
from allotment.fitting.sb3.training_place import TrainingPlace, training_place
from allotment.fitting.sb3.validation import Validation, spacing
from allotment.fitting.starting_rule import starting_rule, untuned_rule
from allotment.fitting.warm_start import check_start, kept_start, start_weights
from allotment.policies.bundle import save_bundle
from allotment.policies.config_file import checked
from allotment.policies.networks import NetworkShape
from allotment.policies.rule_config import RulePolicy
from allotment.runs.run_folder import CURVE, RunFolder, validated
from allotment.runs.tensorboard import Changing, tag, write_scores
from allotment.scenario.errors import ScenarioError
from allotment.scenario.streams import derived_seed

REWARD_REACH = 10.0  # normalised rewards and observations are clipped here


class Sb3Training:
    """Trains what a config names an algorithm for."""

    def check(self, place: Place, config: dict[str, Any], name: str) -> None:
        """Raise `ScenarioError` where a config cannot be trained in a place."""
        typed = check_learned(checked(LearnedConfig, config, name), name)
        for given in typed.callbacks:
            extensions.check("callback", given, {}, f"{name}: callbacks", BaseCallback)
        for given in typed.loggers:
            check_logger(given, f"{name}: loggers")
        trained_in = training_place(place, typed, untuned_rule(place, typed.encoding))
        check_actions(typed.algorithm, trained_in.actions, f"{name} in {place.name}")
        _check_fit(trained_in, typed, name)

    def bound_to_length(self, config: dict[str, Any]) -> list[str]:
        """Return the settings that follow a schedule over the whole training."""
        settings = config.get("settings", {})
        scheduled_ones = [f"settings.{name}" for name, value in settings.items() if isinstance(value, dict)]
        falls = "exploration_fraction" in settings_of(algorithm_of(config["algorithm"], "algorithm"))
        return scheduled_ones + ["settings.exploration_fraction"] * falls

    def fit(self, place: Place, config: dict[str, Any], run: RunFolder, progress: Progress | None = None) -> Any:
        """Train, fill the run folder, and return the best policy on validation worlds."""
        typed = checked(LearnedConfig, config, run.policy_name)
        start = kept_start(typed.start, run) if typed.start is not None else None
        rule = starting_rule(place, typed.encoding, run, progress)
        training = Training(place, training_place(place, typed, rule), typed, run, rule, start)
        return train(training, training_steps(progress, run.policy_name))


def _check_fit(place: TrainingPlace, config: LearnedConfig, name: str) -> None:
    """Refuse a network that cannot be built in a place, and weights to begin with that do not fit there."""
    algorithm = algorithm_of(config.algorithm, name)
    shape = shape_of(config, algorithm)
    actor = place.actor(shape)
    if config.start is not None:
        if algorithm.fill is None:
            raise ScenarioError(f"{name}: from: the algorithm does not say how its policy is filled with weights")
        check_start(config.start, shape, actor, name)


def shape_of(config: LearnedConfig, algorithm: Algorithm) -> NetworkShape:
    """Return the shape of the actor that an algorithm trains."""
    network = config.network
    return NetworkShape(
        network.kind, list(network.hidden), network.activation, network.memory, algorithm.output, dict(network.settings)
    )


@dataclass(frozen=True)
class Training:
    """A training about to run: what is trained, where, and into which folder."""

    place: Place
    training_place: TrainingPlace
    config: LearnedConfig
    run: RunFolder
    rule: RulePolicy | None = None  # that a residual corrects
    start: Path | None = None  # a bundle, with whose weights the actor begins
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
        return shape_of(self.config, self.algorithm)

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

    def model(self, environments: VecEnv) -> BaseAlgorithm:
        """Return the algorithm, ready to learn."""
        networks = Networks(
            self.shape, self.training_place.actor, self.training_place.critic, self.config.network.initial_deviation
        )
        policy, keywords = self.algorithm.policy(networks)
        return self.algorithm.make(
            policy,
            environments,
            policy_kwargs=keywords,
            seed=derived_seed("learn", self.seed) % 2**31,
            device="cpu",
            **self._settings(environments),
        )

    def log(self, model: BaseAlgorithm, series: Changing) -> None:
        """Let an algorithm write what it tells into series, and to the loggers."""
        model.set_logger(configure(None, []))
        model.logger.output_formats += [Scalars(series), *self.loggers]

    def begin(self, model: BaseAlgorithm) -> None:
        """Fill the actor with the weights that it begins with, where the config names any."""
        if self.start is not None and self.algorithm.fill is not None:
            actor = self.training_place.actor(self.shape)
            actor.load_state_dict(start_weights(self.start))
            self.algorithm.fill(model, actor)

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

    def write_measures(self, series: Changing) -> Callable[[Mapping[str, float], int], None]:
        """Return what writes the measures of a validation, after so many steps, to TensorBoard and the loggers."""

        def write(measures: Mapping[str, float], step: int) -> None:
            write_scores(series, measures, step)
            named = {tag(name): value for name, value in measures.items()}
            for logger in self.loggers:
                logger.write(dict(named), dict.fromkeys(named, ()), step)

        return write

    def validate(self, policy: Any) -> pd.DataFrame:
        """Return a policy's episodes in the validation worlds."""
        return self.place.evaluate(policy, self.config.validation.episodes, self.seed, "validate").episodes

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
    with ExitStack() as closing:
        environments = training.environments()
        closing.callback(environments.close)
        model = training.model(environments)
        environments.seed(training.training_place.first_seed(training.seed))  # after the algorithm, which seeds them itself
        start = resumed(model, training.run)  # before anything is written
        done = start.steps if start else 0
        writer = SummaryWriter(str(training.run.logs), purge_step=done + 1 if start else None)
        closing.callback(writer.close)
        series = Changing(writer, start.progress["series"] if start else None)
        closing.callback(series.close)
        training.open_loggers(closing)
        training.log(model, series)
        curve = _curve(training, series, progress)
        every = training.config.validation.every or spacing(training.config.steps, model)
        validation = Validation(curve, training.policy, every, training.config.validation.patience)

        def progress_so_far() -> dict[str, Any]:
            return {**curve.progress_so_far(), "series": dict(series.held)}

        checkpoints = Checkpoints(training.run, training.config.checkpoint.every, progress_so_far, start)
        callbacks = training.callbacks()
        if start:
            curve.go_on(start.progress)
        else:
            training.begin(model)
        finished = False
        try:
            model.learn(
                training.config.steps - done, callback=[validation, checkpoints, *callbacks], reset_num_timesteps=not start
            )
            finished = True
        finally:
            _keep(training, model, environments, curve, finished)
    return training.place.load(training.run.best)


def _curve(training: Training, series: Changing, progress: Steps | None) -> LearningCurve:
    return LearningCurve(
        measured=training.validate,
        keep=lambda policy: save_bundle(policy, training.run.best),
        write=training.write_measures(series),
        progress=progress,
    )


def _keep(training: Training, model: BaseAlgorithm, environments: VecEnv, curve: LearningCurve, finished: bool) -> None:
    """Write what there is: the last policy, the learning curve, the best score, and how far training came."""
    if curve.best is None:
        return  # nothing was measured, so that there is no policy
    run, entries = training.run, {"validation": curve.best}
    save_bundle(training.policy(model), run.final)
    curve.write(run.path / CURVE)
    if isinstance(environments, VecNormalize) and environments.norm_reward:
        entries["return_statistics"] = {"mean": float(environments.ret_rms.mean), "variance": float(environments.ret_rms.var)}
    if finished and training.rule is not None:
        entries["corrected_rule"] = {"name": training.rule.name, **validated(training.validate(training.rule))}
    run.update(**entries, finished=finished, environment_steps=model.num_timesteps)
