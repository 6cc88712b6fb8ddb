"""From a config to a policy in a run folder: the one way in which policies are made."""

from __future__ import annotations

from typing import Any

from allotment.evaluation.place import Place
from allotment.evaluation.testing import mean_measures
from allotment.fitting.fitter import Fitter, Progress
from allotment.policies.config_file import is_rule
from allotment.runs.hyperparameters import write_hyperparameters
from allotment.runs.run_folder import RunFolder

VALIDATION_EPISODES = 64  # behind the measures on TensorBoard's page of hyperparameters


def fitter_of(config: dict[str, Any], name: str) -> Fitter:
    """Return what makes the policy of a config; libraries that only one of them needs are loaded with it."""
    if is_rule(config, name):
        from allotment.fitting.tuning import RuleTuning

        return RuleTuning()
    from allotment.fitting.sb3.trainer import Sb3Training

    return Sb3Training()


def fit(place: Place, name: str, config: dict[str, Any], seed: int, run: RunFolder, progress: Progress | None = None) -> Any:
    """Make the policy of a config in a place, into a run folder, and return it; `ScenarioError` where they do not fit.

    What was interrupted in this folder goes on from where it stood.
    """
    fitter = fitter_of(config, name)
    fitter.check(place, config, name)
    run.begin(place, name, config, seed)
    return fitter.fit(place, config, run, progress)


def note_settings(run: RunFolder, place: Place, policy: Any) -> None:
    """Put a run on TensorBoard's page of hyperparameters, with the measures of its policy on validation worlds."""
    rows = place.evaluate(policy, VALIDATION_EPISODES, run.seed, "validate").episodes
    shown = {name: value for name, value in mean_measures(rows).items() if name in ("score", "fill_rate")}
    write_hyperparameters(run.logs, {**run.config, "seed": run.seed, "env": place.name}, shown)
