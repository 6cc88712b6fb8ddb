"""Training by gradients through the simulation: a network in traced worlds, into a run folder.

Every update plays some periods of a batch of training worlds and follows the slope of their mean reward (Glasserman and Tayur
1995 for base-stock levels; Madeka et al. 2022 for networks). The score of a window counts the stock it closes with, so that a
slope does not end at the last period.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from allotment.decisions.encodings import Encoding
from allotment.decisions.flatten import Flattener
from allotment.engine.relaxation import relaxed
from allotment.engine.tracing.graph import Untraceable
from allotment.evaluation.place import Place
from allotment.fitting.fitter import Progress
from allotment.fitting.learning_curve import LearningCurve, Steps, training_steps
from allotment.fitting.pathwise.checkpoint import Checkpoints, content_of, resumed
from allotment.fitting.pathwise.config import PATHWISE, PathwiseConfig, check_pathwise, check_scaling, treatments_of
from allotment.fitting.pathwise.rollout import Rollout, is_average
from allotment.fitting.pathwise.scaling import InputScaling, first_layer
from allotment.fitting.starting_rule import starting_rule, untuned_rule
from allotment.fitting.warm_start import check_start, kept_start, start_weights
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import checked
from allotment.policies.encoding_config import build_encoding
from allotment.policies.initial_values import until_sold
from allotment.policies.learned import LearnedPolicy, build_actor
from allotment.policies.networks import NetworkShape, start_at_nothing
from allotment.policies.rule_config import RulePolicy
from allotment.policies.sources import CHEAPEST, source_lanes
from allotment.runs.run_folder import CURVE, RunFolder, validated
from allotment.runs.tensorboard import Changing, write_scores
from allotment.scenario.errors import ScenarioError
from allotment.scenario.streams import derived_seed

LEARNED = 28  # periods of a window that are learned from in a long run, where a config does not say
POINTS = 10  # of a learning curve, unless a config says how far apart they are
LAST_RATE = 0.02  # of the first learning rate


class PathwiseTraining:
    """Trains what a config names `pathwise` for."""

    def check(self, place: Place, config: dict[str, Any], name: str) -> None:
        """Raise `ScenarioError` where a config cannot be trained in a place."""
        typed = checked(PathwiseConfig, config, name)
        check_pathwise(typed, name)
        _check_applies(typed, place, name)
        treatments_of(typed, place.world.problem, name)
        shape, encoding = shape_of(typed), build_encoding(typed.encoding, place.world, untuned_rule(place, typed.encoding))
        actor = build_actor(shape, place.world, encoding)
        if typed.start is not None:
            check_start(typed.start, shape, actor, name)
        if typed.normalise_observation:
            check_scaling(actor, name)

    def bound_to_length(self, config: dict[str, Any]) -> list[str]:
        """Return the settings that follow a schedule over the whole training."""
        falling = ["settings.learning_rate", "settings.levels_learning_rate"]
        return falling + ["settings.rounding"] * ("rounding" in config.get("settings", {}))

    def fit(self, place: Place, config: dict[str, Any], run: RunFolder, progress: Progress | None = None) -> Any:
        """Train, fill the run folder, and return the best policy on validation worlds."""
        typed = checked(PathwiseConfig, config, run.policy_name)
        start = kept_start(typed.start, run) if typed.start is not None else None
        rule = starting_rule(place, typed.encoding, run, progress)
        training = Training(place, typed, run, rule, start)
        return train(training, training_steps(progress, run.policy_name))


def _check_applies(config: PathwiseConfig, place: Place, name: str) -> None:
    """Refuse settings of whole units, or of chains without end, where a world has none."""
    settings, problem = config.settings, place.world.problem
    if settings.rounding < 1.0 and not problem.rules.whole:
        raise ScenarioError(f"{name}: settings.rounding: units of {place.name} are continuous; nothing is rounded there")
    measured = problem.clock.length - problem.clock.warm_up
    if problem.clock.season and settings.window is not None and settings.window < measured:
        told = f"{settings.window} of {measured} periods; what is in stock then counts for nothing, as {place.name} is a season"
        raise ScenarioError(f"{name}: settings.window: a gradient would end after {told}")
    if settings.lookahead and not is_average(problem):
        told = f"episodes of {place.name} end after {problem.clock.length} periods, or are discounted"
        raise ScenarioError(
            f"{name}: settings.lookahead: for long-run averages; {told}, so that some decisions would not be learned"
        )


def shape_of(config: PathwiseConfig) -> NetworkShape:
    """Return the shape of the network that is trained."""
    network = config.network
    settings = dict(network.settings)
    return NetworkShape(
        network.kind, list(network.hidden), network.activation, network.memory, "tanh", settings, network.seasons, network.tags
    )


@dataclass(frozen=True)
class Training:
    """A training about to run: what is trained, where, and into which folder."""

    place: Place
    config: PathwiseConfig
    run: RunFolder
    rule: RulePolicy | None = None  # that the encoding starts from
    start: Path | None = None  # a bundle, with whose weights the network begins

    @cached_property
    def encoding(self) -> Encoding:
        """Return the encoding of the config in the world."""
        return build_encoding(self.config.encoding, self.place.world, self.rule)

    def actor(self) -> nn.Module:
        """Return the network as training begins: with no answer to anything, or with the weights that it begins with."""
        torch.manual_seed(derived_seed("learn", self.run.seed) % 2**31)
        actor = build_actor(shape_of(self.config), self.place.world, self.encoding)
        if self.start is None:
            start_at_nothing(actor)
        else:
            actor.load_state_dict(start_weights(self.start))
        return actor

    def optimiser(self, actor: nn.Module) -> torch.optim.Optimizer:
        """Return what changes the network: levels at a rate of their own."""
        settings = self.config.settings
        levels = [weights for name, weights in actor.named_parameters() if name == "levels"]
        others = [weights for name, weights in actor.named_parameters() if name != "levels"]
        rates = ((others, settings.learning_rate), (levels, settings.levels_learning_rate))
        groups = [{"params": weights, "lr": rate, "rate": rate} for weights, rate in rates if weights]
        return torch.optim.Adam(groups, betas=(0.9, 0.99))

    def scaling(self, actor: nn.Module) -> InputScaling | None:
        """Return what scales the network's inputs while it learns; none where nothing is to be, or can be, scaled."""
        wanted = self.config.normalise_observation
        possible = self.start is None and first_layer(actor) is not None
        return InputScaling(actor) if wanted or (wanted is None and possible) else None

    def rollout(self) -> Rollout:
        """Return the training worlds, in their continuous relaxation."""
        world, name = self.place.world, self.run.policy_name
        problem = relaxed(world.problem, treatments_of(self.config, world.problem, name))
        first = derived_seed("train", self.run.seed)
        whole = world.problem.rules.whole
        return Rollout(replace(world, problem=problem), self.encoding, first, self.config.environments, whole)

    def policy(self, actor: nn.Module) -> LearnedPolicy:
        """Return the policy that a network is."""
        world, shape = self.place.world, shape_of(self.config)
        return LearnedPolicy(self.run.policy_name, world, self.encoding, actor, Flattener(world), shape)

    def validate(self, policy: Any) -> pd.DataFrame:
        """Return a policy's episodes in the validation worlds."""
        return self.place.evaluate(policy, self.config.validation.episodes, self.run.seed, "validate").episodes

    def curve(self, series: Changing, progress: Steps | None) -> LearningCurve:
        """Return the learning curve, without a point."""

        def write(measures: Mapping[str, float], step: int) -> None:
            write_scores(series, measures, step)

        return LearningCurve(self.validate, lambda policy: save_bundle(policy, self.run.best), write, progress)

    @cached_property
    def horizon(self) -> tuple[int | None, int]:
        """Return how many periods a gradient looks back, none = an episode's, and how many of them only show what follows."""
        settings, world = self.config.settings, self.place.world
        window, lookahead = settings.window, settings.lookahead
        if world.problem.clock.season:  # what is in stock within a season counts for nothing, so that no gradient may end there
            return world.problem.clock.length - world.problem.clock.warm_up, 0
        if lookahead is None:
            until = until_sold(world, source_lanes(world, CHEAPEST)).max() if is_average(world.problem) else 0.0
            lookahead = math.ceil(2.0 * until)
            lookahead = lookahead if window is None else min(lookahead, window // 2)
        return lookahead + LEARNED if window is None and lookahead else window, lookahead

    @property
    def money(self) -> float:
        """Return the money that a period of mean demand stands for, in which gradients are measured."""
        problem = self.place.world.problem
        prices = problem.prices
        worth = sum(each.mean(axis=0) for each in (prices.price, prices.shortage, prices.backorder))  # (C, K)
        return max(float((problem.demand.mean.mean(axis=0) * worth).sum()), 1e-12)


def train(training: Training, progress: Steps | None = None) -> Any:
    """Learn, measure and keep: fills the run folder and returns the best policy on validation worlds.

    Where the folder holds a checkpoint, training goes on from there, to the same end as without the interruption.
    """
    torch.set_num_threads(1)
    with ExitStack() as closing:
        actor, rollout = training.actor(), training.rollout()
        optimiser = training.optimiser(actor)
        scaling = training.scaling(actor)
        start = resumed(actor, optimiser, rollout, scaling, training.run)
        done = start.steps if start else 0
        writer = SummaryWriter(str(training.run.logs), purge_step=done + 1 if start else None)
        closing.callback(writer.close)
        series = Changing(writer, start.progress["series"] if start else None)
        closing.callback(series.close)
        curve = training.curve(series, progress)
        if start:
            curve.go_on(start.progress)
        learning = Learning(training, actor, optimiser, rollout, scaling, curve, series, done)
        try:
            learning.learn()
        finally:
            _keep(training, curve, learning)
    return load_bundle(training.run.best, training.place.world)


def _keep(training: Training, curve: LearningCurve, learning: Learning) -> None:
    """Write what there is: the last policy, the learning curve, the best score, and how far training came."""
    if curve.best is None:
        return  # nothing was measured, so that there is no policy
    run, entries = training.run, {"validation": curve.best}
    save_bundle(learning.policy(), run.final)
    curve.write(run.path / CURVE)
    if learning.finished and training.rule is not None:
        entries["corrected_rule"] = {"name": training.rule.name, **validated(training.validate(training.rule))}
    run.update(**entries, finished=learning.finished, environment_steps=learning.steps)


class Learning:
    """A training while it runs: updates, measurements and checkpoints in their order."""

    def __init__(
        self,
        training: Training,
        actor: nn.Module,
        optimiser: torch.optim.Optimizer,
        rollout: Rollout,
        scaling: InputScaling | None,
        curve: LearningCurve,
        series: Changing,
        steps: int,
    ) -> None:
        self.training, self.config = training, training.config
        self.actor, self.optimiser, self.rollout, self.scaling = actor, optimiser, rollout, scaling
        self.curve, self.series, self.steps = curve, series, steps
        self.checkpoints = Checkpoints(training.run, self.config.checkpoint.every, steps)

    @property
    def finished(self) -> bool:
        """Tell whether training is at its end: all steps are done, or the best score has not been beaten for long enough."""
        return self.steps >= self.config.steps or self.curve.exhausted(self.config.validation.patience)

    def policy(self) -> LearnedPolicy:
        """Return the policy that the network is now."""
        return self.training.policy(self.scaling.taken_in() if self.scaling else self.actor)

    def learn(self) -> None:
        """Play episodes and follow their slopes, to the last step."""
        self._traced(lambda: self.rollout.try_out(self.actor))
        if self.scaling:
            self.scaling.forget()
        if not self.curve.points:
            self._measure()
        self.curve.report(self.steps, self.config.steps)
        while not self.finished:
            self._episode()
            if self.checkpoints.due(self.steps) or self.finished:
                self._keep_checkpoint()
        if self.curve.steps < self.steps:
            self._measure()
        self.curve.report(self.steps, self.config.steps)

    def _episode(self) -> None:
        """Play one episode of the batch, with an update at the end of each of its windows.

        One without end is left where a checkpoint is due, so that no state of a world belongs to it.
        """
        self.rollout.band = self._band
        self.steps += self._traced(lambda: self.rollout.begin(self.actor))
        window, _ = self.training.horizon
        for periods in self.rollout.windows(window):
            self._update(periods)
            self.steps += periods * self.rollout.batch
            if self.steps // self._every > self.curve.steps // self._every:
                self._measure()
            self.curve.report(self.steps, self.config.steps, at_once=False)
            if self.finished or (self.rollout.endless and self.checkpoints.due(self.steps)):
                break
        self.rollout.end()

    def _update(self, periods: int) -> None:
        """Change the network along the slope of the mean reward of some periods."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * self._share
        self.rollout.band = self._band
        self.optimiser.zero_grad()
        reward: Tensor = self._traced(lambda: self.rollout.play(self.actor, periods, self.training.horizon[1]))
        (-reward / self.training.money).backward()
        length = nn.utils.clip_grad_norm_(self.actor.parameters(), self.config.settings.gradient_norm)
        if not math.isfinite(length):
            raise ScenarioError(f"{self.training.run.policy_name}: the gradient is no number after {self.steps:,} steps")
        self.optimiser.step()
        if self.scaling:
            self.scaling.renew(self._share)
        told = {"train/reward": reward.item(), "train/gradient_norm": float(length), "train/learning_rate": self._share}
        for name, value in told.items():
            self.series.add(name, value, self.steps)

    @property
    def _share(self) -> float:
        """Return the part of the first learning rate that is left."""
        return LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + math.cos(math.pi * self._part))

    @property
    def _part(self) -> float:
        """Return the part of the training that is done."""
        return min(self.steps / self.config.steps, 1.0)

    @property
    def _band(self) -> float:
        """Return the part of a unit in which chance rounds: all of it at first, then less and less."""
        return float(self.config.settings.rounding**self._part)

    @property
    def _every(self) -> int:
        """Return the environment steps between two measurements."""
        return self.config.validation.every or max(1, self.config.steps // POINTS)

    def _measure(self) -> None:
        self.curve.measure(self.policy(), self.steps)

    def _keep_checkpoint(self) -> None:
        progress = {**self.curve.progress_so_far(), "series": dict(self.series.held)}
        self.checkpoints.keep(content_of(self.actor, self.optimiser, self.rollout, self.scaling), progress, self.steps)

    def _traced(self, play: Any) -> Any:
        try:
            return play()
        except Untraceable as reason:
            name, place = self.training.run.policy_name, self.training.place.name
            told = f"what is decided or played there looks at values, so that no gradient passes ({reason})"
            raise ScenarioError(f"{name}: {PATHWISE} cannot be trained in {place}: {told}") from None
