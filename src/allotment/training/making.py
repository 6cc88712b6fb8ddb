"""From a config to a policy in a run folder: tune the rules, train what learns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allotment.evaluation.testing import evaluate, mean_measures
from allotment.policies.bundle import save_rule
from allotment.policies.config_file import checked, is_rule, read_config, rule_config
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.policies.tuning import tune
from allotment.report.tensorboard import write_rule_based
from allotment.scenario.loader import World
from allotment.training.config import LearnedConfig, check_learned
from allotment.training.run_folder import update_metadata, write_run

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
    world: World,
    name: str,
    content: dict[str, Any],
    seed: int,
    folder: Path,
    tuned: Tuned | None = None,
    progress: Progress | None = None,
) -> Any:
    """Tune or train the policy that a config describes, fill the run folder, and return the policy."""
    tuned = tuned or Tuned()
    if is_rule(content, name):
        write_run(folder, world, content, seed)
        return _make_rule(world, name, content, seed, folder, tuned, progress)
    from allotment.training.trainer import Training, train

    config = check_learned(checked(LearnedConfig, content, name), name)
    write_run(folder, world, content, seed)
    rule = None
    if config.encoding.rule is not None:
        given = config.encoding.rule
        rule_name, rule_content = read_config(given) if isinstance(given, str) else ("rule", given)
        rule = tuned.policy(rule_content, rule_name, world, seed, progress)

    def show(done: int, steps: int, score: float | None) -> None:
        if progress:
            progress(f"training {name}", done, steps, score)

    return train(Training(world, config, name, seed, folder, rule), show)


def _make_rule(
    world: World, name: str, content: dict[str, Any], seed: int, folder: Path, tuned: Tuned, progress: Progress | None
) -> RulePolicy:
    policy = tuned.policy(content, name, world, seed, progress)
    for kept in ("best", "final"):
        save_rule(policy, folder / kept)
    measures = mean_measures(evaluate(policy, world, 64, seed, purpose="validate").episodes)
    write_rule_based(folder / "tb", measures, 1)
    update_metadata(folder, finished=True)
    return policy
