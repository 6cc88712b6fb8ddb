"""From a config to a policy in a run folder: tune the rules, train what learns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allotment.environments.external import OutsideEnvironment
from allotment.evaluation.testing import evaluate, mean_measures
from allotment.fitting.sb3.config import LearnedConfig, check_learned
from allotment.fitting.tuning import tune
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import checked, is_rule, read_config, rule_config
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.policies.sealed_folder import is_bundle
from allotment.report.tensorboard import write_rule_based
from allotment.runs.run_folder import update_metadata, write_run
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World

if TYPE_CHECKING:
    from allotment.fitting.sb3.training_place import Arena

Progress = Callable[[str, int, int, float | None], None]  # what is done, how much, of how much, latest score


@dataclass
class Tuned:
    """Rules tuned so far, so that a study tunes a rule once, also when another policy corrects it."""

    known: dict[str, RulePolicy] = field(default_factory=dict)

    def policy(self, content: dict[str, Any], name: str, world: World, seed: int, progress: Progress | None) -> RulePolicy:
        """Return a rule's policy in a world with every parameter set, tuning what its config leaves open."""
        key = json.dumps([content, world.origin, seed], sort_keys=True, default=str)
        if key not in self.known:
            policy, open_parameters = build_rule(rule_config(content, name), world, name, name)
            if open_parameters:

                def show(done: int, rounds: int, score: float) -> None:
                    if progress:
                        progress(f"tuning {name}", done, rounds, score)

                policy = tune(policy, open_parameters, seed, show).policy
            self.known[key] = policy
        return self.known[key]


def make_policy(
    world: World | OutsideEnvironment,
    name: str,
    content: dict[str, Any],
    seed: int,
    folder: Path,
    tuned: Tuned | None = None,
    progress: Progress | None = None,
) -> Any:
    """Tune or train the policy that a config describes, fill the run folder, and return the policy.

    A training that was interrupted in this folder goes on from its last checkpoint.
    """
    tuned = tuned or Tuned()
    if is_rule(content, name):
        if isinstance(world, OutsideEnvironment):
            raise ScenarioError(f"{name}: a rule needs a world of this project, not {world.id}")
        write_run(folder, world, name, content, seed)
        return _make_rule(world, name, content, seed, folder, tuned, progress)
    from allotment.fitting.sb3.trainer import Training, train

    config = check_learned(checked(LearnedConfig, content, name), name)
    write_run(folder, world, name, content, seed)
    arena = _arena(world, config, seed, folder, tuned, progress)

    def show(done: int, steps: int, score: float | None) -> None:
        if progress:
            progress(f"training {name}", done, steps, score)

    return train(Training(arena, config, name, seed, folder), show)


def _arena(
    world: World | OutsideEnvironment, config: LearnedConfig, seed: int, folder: Path, tuned: Tuned, progress: Progress | None
) -> Arena:
    """Return where the policy is trained, with the rule that it corrects, tuned, in the run folder."""
    from allotment.fitting.sb3.training_place import OutsideArena, WorldArena

    if isinstance(world, OutsideEnvironment):
        return OutsideArena(world, config)
    kept = folder / "rule"
    if config.encoding.rule is None:
        return WorldArena(world, config, None)
    if is_bundle(kept):
        return WorldArena(world, config, load_bundle(kept, world))
    given = config.encoding.rule
    name, content = read_config(given) if isinstance(given, str) else ("rule", given)
    rule = tuned.policy(content, name, world, seed, progress)
    save_bundle(rule, kept)
    return WorldArena(world, config, rule)


def _make_rule(
    world: World, name: str, content: dict[str, Any], seed: int, folder: Path, tuned: Tuned, progress: Progress | None
) -> RulePolicy:
    policy = tuned.policy(content, name, world, seed, progress)
    for kept in ("best", "final"):
        save_bundle(policy, folder / kept)
    measures = mean_measures(evaluate(policy, world, 64, seed, purpose="validate").episodes)
    write_rule_based(folder / "tb", measures, 1)
    update_metadata(folder, finished=True)
    return policy
