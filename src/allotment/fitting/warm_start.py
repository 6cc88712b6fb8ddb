"""Warm starts: the weights of another run's actor, with which a training begins. Nothing else is taken over."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from allotment.policies.bundle import bundle_of
from allotment.policies.bundle_content import about_policy
from allotment.policies.networks import NetworkShape, check_told
from allotment.policies.sealed_folder import is_bundle, opened, part_of
from allotment.policies.weights_file import WEIGHTS, of_cells, read_weights
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.whole_file import whole_folder


def check_start(folder: str, shape: NetworkShape, actor: nn.Module, where: str) -> None:
    """Raise `ScenarioError` where a folder holds no policy whose weights fit an empty actor of a shape."""
    bundle = bundle_of(Path(folder))
    about = about_policy(bundle)
    if about["kind"] != "learned":
        raise ScenarioError(f"{where}: from: {folder} holds a rule, {about['name']}, which has no weights to begin with")
    with _naming(f"{where}: from: {folder}"):
        check_told(actor, about["told"], "the world to be trained in")
    own, other = (_described(network) for network in (shape.as_dict(), about["network"]))
    sizes, theirs = (_sizes(weights) for weights in (actor.state_dict(), start_weights(bundle)))
    if own != other or sizes != theirs:
        raise ScenarioError(
            f"{where}: from: the network of {folder} is {other}{_different(theirs, sizes)}, "
            f"the one to be trained is {own}{_different(sizes, theirs)}; the weights of one do not fit the other"
        )


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Let an error say where it comes from."""
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(f"{place}: {error}") from None


def kept_start(folder: str, run: RunFolder) -> Path:
    """Return the bundle that a run begins with, copied into its folder where it does not lie there already."""
    if not is_bundle(run.start):
        with whole_folder(run.start) as part:
            shutil.copytree(bundle_of(Path(folder)), part, dirs_exist_ok=True)
    run.update(started_from={"folder": folder, "version": opened(run.start)["version"]})
    return run.start


def start_weights(bundle: Path) -> dict[str, Tensor]:
    """Return the weights of a bundle's actor, without the statistics that may stand before it."""
    weights = read_weights(part_of(bundle, WEIGHTS))
    normalised = {"mean", "deviation", "limit"} <= weights.keys()
    inner = {name.removeprefix("network."): value for name, value in weights.items() if name.startswith("network.")}
    return inner if normalised else weights


def _described(network: dict[str, Any]) -> str:
    memory = f" with a memory of {network['memory']}" if network["kind"] == "lstm" else ""
    squashed = ", squashed by tanh" if network.get("output") == "tanh" else ""
    return f"{network['kind']} {network['hidden']}{memory} of {network['activation']}{squashed}"


def _sizes(weights: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _different(own: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> str:
    """Return the first of an actor's weights that the other actor has not, or in another size."""
    return next((f" ({name} {list(size)}){of_cells(name)}" for name, size in own.items() if other.get(name) != size), "")
