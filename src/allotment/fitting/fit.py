"""From a config to a policy in a run folder: the one way in which policies are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allotment.evaluation.place import Place
from allotment.fitting.fitter import Fitter, Progress
from allotment.policies.config_file import is_rule
from allotment.policies.sealed_folder import is_bundle
from allotment.runs.hyperparameters import write_hyperparameters
from allotment.runs.run_folder import RunFolder
from allotment.whole_file import named


def fitter_of(config: dict[str, Any], name: str) -> Fitter:
    """Return what makes the policy of a config; libraries that only one of them needs are loaded with it."""
    if is_rule(config, name):
        from allotment.fitting.tuning import RuleTuning

        return RuleTuning()
    if config["algorithm"] == "pathwise":
        from allotment.fitting.pathwise.trainer import PathwiseTraining

        return PathwiseTraining()
    from allotment.fitting.sb3.trainer import Sb3Training

    return Sb3Training()


def fit(
    place: Place,
    name: str,
    config: dict[str, Any],
    seed: int,
    run: RunFolder,
    progress: Progress | None = None,
    start: Path | None = None,
) -> Any:
    """Make the policy of a config in a place, into a run folder, and return it; `ScenarioError` where they do not fit.

    What was interrupted in this folder goes on from where it stood; a config that begins with another policy's weights takes
    them from the folder then, or from the bundle `start`. Whatever ends it, a folder that did not yet hold anything is gone
    where it holds no policy then; an interrupt passes on as `Interrupted`. `InUse` where another process works in the folder.
    """
    weights = next((bundle for bundle in (run.start, start) if bundle is not None and is_bundle(bundle)), None)
    content = {**config, "from": str(weights)} if "from" in config and weights is not None else config
    with named(run.path), run.held(), _kept_if_it_holds_a_policy(run):
        fitter = fitter_of(config, name)
        fitter.check(place, content, name)
        run.begin(place, name, config, seed)
        return fitter.fit(place, content, run, progress)


@contextmanager
def _kept_if_it_holds_a_policy(run: RunFolder) -> Iterator[None]:
    begun = run.is_begun
    try:
        yield
    except BaseException as error:
        kept = is_bundle(run.best)
        if not kept and not begun:
            run.clear()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(run.path if kept or begun else None) from error
        raise


class Interrupted(KeyboardInterrupt):
    """An interrupt of what makes a policy."""

    def __init__(self, run: Path | None) -> None:
        super().__init__(run)
        self.run = run  # the folder of what is kept; none where nothing is


def note_settings(run: RunFolder, place: Place) -> None:
    """Put a run on TensorBoard's page of hyperparameters, with what its policy reached on validation worlds."""
    reached = run.metadata["validation"]
    shown = {name: reached[name] for name in ("score", "fill_rate") if name in reached}
    write_hyperparameters(run.logs, {**run.config, "seed": run.seed, "env": place.name}, shown)
