"""Tuning by simulation on common worlds: finds the parameters that a rule's config leaves open.

The search's own worlds flatter what it chose among many. So the winner is estimated again in fresh worlds, and that is what
is reported, with its standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from allotment.evaluation.place import Place
from allotment.evaluation.testing import mean_measures
from allotment.fitting.fitter import Progress
from allotment.fitting.grid_search import exhaustive, narrowing
from allotment.fitting.pattern_search import pattern
from allotment.fitting.replications import Replications, search_worlds
from allotment.fitting.sampling import check_sampler, sampled
from allotment.fitting.search import Space, Told, Tuned
from allotment.policies.bundle import save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.parameters import Parameter
from allotment.policies.rule_config import RulePolicy, build_rule, parameters_of
from allotment.policies.tuning_config import PATTERN
from allotment.runs.run_folder import RunFolder, validated
from allotment.runs.tensorboard import write_rule_based
from allotment.scenario.loader import World

FRESH_WORLDS = 64  # at least, in which the policy that was found is estimated again
Search = Callable[[RulePolicy, Sequence[Parameter], int, Told], Tuned]
SEARCHES: dict[str, Search] = {
    PATTERN: pattern,
    "exhaustive": exhaustive,
    "narrowing": narrowing,
    "tpe": sampled,
    "cmaes": sampled,
}


class RuleTuning:
    """Finds the parameters that a rule's config leaves open."""

    def check(self, place: Place, config: dict[str, Any], name: str) -> None:
        """Raise `ScenarioError` where a config is none of a rule, does not fit the place, or cannot be searched as it says."""
        check_search(*build_rule(rule_config(config, name), place.world, name, name))

    def bound_to_length(self, config: dict[str, Any]) -> list[str]:
        """Return nothing: a rule does not learn."""
        return []

    def fit(self, place: Place, config: dict[str, Any], run: RunFolder, progress: Progress | None = None) -> RulePolicy:
        """Tune a rule, fill the run folder, and return the policy; the metadata keep what the search and fresh worlds said."""
        policy, found = _found(config, run.policy_name, place.world, run.seed, progress)
        for bundle in (run.best, run.final):
            save_bundle(policy, bundle)
        wanted = policy.config.tuning.worlds
        worlds = max(FRESH_WORLDS, wanted) if found else min(FRESH_WORLDS, wanted)
        rows = place.evaluate(policy, worlds, run.seed, "validate").episodes
        write_rule_based(run.logs, mean_measures(rows), 1)
        searched = {"search": _told_of(found, run.seed)} if found else {}
        run.update(finished=True, validation=validated(rows), **searched)
        return policy


def tuned_rule(content: dict[str, Any], name: str, world: World, seed: int, progress: Progress | None = None) -> RulePolicy:
    """Return a rule's policy in a world with every parameter set, tuning what its config leaves open."""
    return _found(content, name, world, seed, progress)[0]


def _found(
    content: dict[str, Any], name: str, world: World, seed: int, progress: Progress | None
) -> tuple[RulePolicy, Tuned | None]:
    """Return a rule's policy with every parameter set, and what its search found; none where nothing was open."""
    policy, open_parameters = build_rule(rule_config(content, name), world, name, name)
    check_search(policy, open_parameters)
    if not open_parameters:
        return policy, None

    def show(done: int, of: int, score: float) -> None:
        if progress:
            progress(f"tuning {name}", done, of, score)

    found = tune(policy, open_parameters, seed, show)
    return found.policy, found


def _told_of(found: Tuned, seed: int) -> dict[str, Any]:
    """Return what a run's metadata keep of its search: among others the score that it chose by, and its standard error."""
    tuning = found.policy.config.tuning
    scores = Replications(found.policy.world, search_worlds(found.policy, seed)).by_world(found.policy).sum(axis=1)
    reached = {"score": found.score, "standard_error": float(scores.std(ddof=1)) / len(scores) ** 0.5}
    return {"method": tuning.method, **reached, "worlds": tuning.worlds, "candidates": found.candidates}


def check_search(policy: RulePolicy, tuned: list[str]) -> None:
    """Raise `ScenarioError` where the parameters named in `tuned` cannot be searched as the config says."""
    tuning = policy.config.tuning
    if tuning.method == PATTERN or not (tuned or tuning.ranges):
        return
    space = Space(policy, _parameters(policy, tuned))
    if tuning.sampler is None:
        space.grid()
    else:
        check_sampler(space)


def tune(policy: RulePolicy, tuned: list[str], seed: int, progress: Told = lambda done, of, score: None) -> Tuned:
    """Search the parameters named in `tuned` as the policy's config says, in worlds derived from `seed`."""
    return SEARCHES[policy.config.tuning.method](policy, _parameters(policy, tuned), seed, progress)


def _parameters(policy: RulePolicy, names: list[str]) -> list[Parameter]:
    known = parameters_of(policy.config, policy.world)
    return [known[name] for name in names]
