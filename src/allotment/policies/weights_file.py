"""A network's weights as safetensors: compared with what a network needs before either takes any memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from allotment.scenario.errors import ScenarioError

WEIGHTS = "weights.safetensors"
OF_CELLS = ("tags", "levels")
Sizes = dict[str, tuple[int, ...]]


def write_weights(actor: nn.Module, folder: Path) -> None:
    """Write a network's weights into a bundle's folder."""
    (folder / WEIGHTS).write_bytes(save({name: tensor.contiguous() for name, tensor in actor.state_dict().items()}))


def read_weights(file: Path) -> dict[str, Tensor]:
    """Return the weights in a file; `ScenarioError` where it holds none, or some that are not finite.

    Only the limit at which observations are clipped may be infinite.
    """
    try:
        weights = load_file(file)
    except SafetensorError as error:
        raise ScenarioError(f"{file}: not a safetensors file ({error})") from None
    for name, tensor in weights.items():
        if torch.isnan(tensor).any() or (name != "limit" and not torch.isfinite(tensor).all()):
            raise ScenarioError(f"{file}: {name} must hold finite numbers")
    return weights


def with_weights(make: Callable[[], nn.Module], file: Path, place: str) -> Any:
    """Return the network that `make` makes, filled with the weights in a file, ready to answer.

    `ScenarioError` where they do not fit it; `place` says where it acts.
    """
    held = _sizes_in(file)
    _check_sizes(_sizes_needed(make, file), held, file, place)
    actor = make()
    _check_sizes(_sizes(actor), held, file, place)
    actor.load_state_dict(read_weights(file))
    return actor.eval()


def _sizes_in(file: Path) -> Sizes:
    """Return the sizes of the weights in a file, from its header alone."""
    try:
        with safe_open(file, "pt") as weights:
            return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ScenarioError(f"{file}: not a safetensors file ({error})") from None


def _sizes_needed(make: Callable[[], nn.Module], file: Path) -> Sizes:
    """Return the sizes of a network's weights without making room for them."""
    try:
        with torch.device("meta"):
            return _sizes(make())
    except RuntimeError as error:  # more than can be counted
        raise ScenarioError(f"{file}: no such network can be made: {str(error).splitlines()[0]}") from None


def _sizes(network: nn.Module) -> Sizes:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _check_sizes(needed: Sizes, held: Sizes, file: Path, place: str) -> None:
    for name in [*needed, *held]:
        if needed.get(name) != held.get(name):
            theirs, ours = (list(sizes[name]) if name in sizes else "not there" for sizes in (held, needed))
            mismatch = f"size mismatch for {name}: {theirs} in the file, {ours} in the network"
            raise ScenarioError(f"{file.parent}: the weights do not fit {place}: {mismatch}{of_cells(name)}")


def of_cells(name: str) -> str:
    """Return what is to say of weights that belong to the sites and SKUs of a world; nothing of others."""
    if name.rpartition(".")[2] not in OF_CELLS:
        return ""
    return f" ({name} belong to the SKUs of one world; a network with tags: 0 and seasons: null serves others)"
