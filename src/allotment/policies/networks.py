"""Networks of learned policies: a plain multilayer perceptron, one that remembers, and one that treats every cell alike.

The last sees the world as cells (site × SKU). One small network reads each cell's stock, units in transit, forecast and
demand and the means over all cells, and answers for the lanes that lead to the cell. What is learned for one SKU serves all:
far fewer weights, far more data for each. Cells are told apart by learned tags, which belong to the SKUs of a world; or,
without tags, by what is known of them (`cell_features`) and of their site. Then no weight belongs to a SKU, and the network
serves worlds of other SKUs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from allotment import extensions
from allotment.decisions.flatten import Flattener
from allotment.policies.answers import Answers
from allotment.policies.cell_features import cell_features, cell_lanes, site_weights
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.loader import World

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU, "elu": nn.ELU}


SHIPPED = {  # kinds of network
    **{"mlp": "perceptron", "cells": "shared by sites and SKUs", "lstm": "recurrent"},
    "levels": "a number for each action and season, whatever is seen else",
}
OWN = "FILE.py:NAME"  # stands for a user's own network


@dataclass(frozen=True)
class NetworkShape:
    """What a config says of a network, and whether a training algorithm squashes its answers."""

    kind: str = "mlp"  # mlp, cells, lstm, or your own: FILE.py:NAME
    hidden: list[int] = field(default_factory=lambda: [64, 64])  # units of each hidden layer
    activation: str = "tanh"
    memory: int = 64  # units of a network that remembers (lstm)
    output: Literal["plain", "tanh"] = "plain"
    settings: dict[str, Any] = field(default_factory=dict)  # arguments of your own network
    seasons: int | None = None  # harmonics of the season in a level of each action's own, beside what a network answers
    tags: int = 4  # learned numbers that tell a cell from the others; 0 = what is known of it does (cells)

    def as_dict(self) -> dict[str, Any]:
        """Return the shape as plain values, for bundles."""
        return asdict(self)


def vector_network(shape: NetworkShape, inputs: int, outputs: int) -> nn.Module:
    """Return a network from vectors (B, inputs) to answers (B, outputs) that knows nothing of what they mean."""
    if shape.kind == "cells":
        raise ValueError("network kind cells needs a world of sites and SKUs; allowed here: mlp, lstm")
    if shape.kind == "lstm":
        return RecurrentNetwork(inputs, shape, outputs)
    if shape.kind != "mlp":
        return _own_network(shape, inputs, outputs)
    return _perceptron(inputs, shape, outputs)


def _own_network(shape: NetworkShape, inputs: int, outputs: int) -> nn.Module:
    """Return a network of a user's, made as `Name(inputs, outputs, **settings)`; `ScenarioError` where it is none."""
    extensions.check("network", shape.kind, SHIPPED, "network.kind", nn.Module)
    own = extensions.find("network", shape.kind, SHIPPED, "network.kind")
    try:
        made: nn.Module = own(inputs, outputs, **shape.settings)
    except TypeError as error:
        raise ScenarioError(f"network.kind: {shape.kind}: {error}") from None
    return made


def cell_network(shape: NetworkShape, world: World, answers: Answers | None) -> CellNetwork:
    """Return a network from observation vectors (B, n) to an answer for each action, or without `answers` to a value (B, 1)."""
    return CellNetwork(Flattener(world), world, shape, answers)


def with_levels(network: nn.Module | None, shape: NetworkShape, world: World, actions: int) -> nn.Module:
    """Return a network whose answers count from a level of each action's own, which may follow the season."""
    flattener = Flattener(world)
    calendar = next((group.start for group in flattener.layout if group.kind.kind == "calendar"), None)
    return WithLevels(network, calendar, actions, shape)


class WithLevels(nn.Module):
    """Answers that count from a level of each action's own: a constant, and harmonics of the season where one is seen."""

    def __init__(self, network: nn.Module | None, calendar: int | None, actions: int, shape: NetworkShape) -> None:
        super().__init__()
        self.network, self.calendar, self.squashed = network, calendar or 0, shape.output == "tanh"
        self.seasons = (shape.seasons or 0) if calendar is not None else 0
        self.levels = nn.Parameter(torch.zeros(actions, 1 + 2 * self.seasons))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return an answer for each action, (B, actions)."""
        answers = self._waves(vectors) @ self.levels.T
        if self.network is not None:
            answers = answers + self.network(vectors)
        return torch.tanh(answers) if self.squashed else answers

    def _waves(self, vectors: Tensor) -> Tensor:
        """Return 1 and the sines and cosines of the harmonics, (B, 1 + 2 × seasons)."""
        waves = [torch.ones_like(vectors[:, :1])]
        if self.seasons:
            first = vectors[:, self.calendar : self.calendar + 1], vectors[:, self.calendar + 1 : self.calendar + 2]
            sine, cosine = first
            for _ in range(self.seasons):
                waves += [sine, cosine]
                sine, cosine = sine * first[1] + cosine * first[0], cosine * first[1] - sine * first[0]
        return torch.cat(waves, dim=1)


def start_at_nothing(network: nn.Module) -> None:
    """Let a network answer nothing to anything, until it has learned."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if layers:
        nn.init.zeros_(layers[-1].weight)
        nn.init.zeros_(layers[-1].bias)


def _perceptron(inputs: int, shape: NetworkShape, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in shape.hidden:
        layers += [nn.Linear(inputs, width), ACTIVATIONS[shape.activation]()]
        inputs = width
    squashed = [nn.Tanh()] if shape.output == "tanh" else []
    return nn.Sequential(*layers, nn.Linear(inputs, outputs), *squashed)


class RecurrentNetwork(nn.Module):
    """A long short-term memory before a perceptron; the memory (B, 2 × units) is handed in and out."""

    def __init__(self, inputs: int, shape: NetworkShape, outputs: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(inputs, shape.memory)
        self.head = _perceptron(shape.memory, shape, outputs)

    def forward(self, vectors: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return an answer for each action, (B, actions), and the memory for the next decision."""
        hidden, cell = (half.contiguous() for half in memory.unsqueeze(0).chunk(2, dim=-1))
        latent, (hidden, cell) = self.cell(vectors.unsqueeze(0), (hidden, cell))
        return self.head(latent.squeeze(0)), torch.cat([hidden, cell], dim=-1).squeeze(0)

    def empty_memory(self, batch: int) -> Tensor:
        """Return what is remembered before the first decision, (B, 2 × units)."""
        return torch.zeros(batch, 2 * self.cell.hidden_size)


class Normalised(nn.Module):
    """A network behind (x − mean) ÷ deviation, clipped at a limit: the running statistics of what training observed."""

    def __init__(self, network: nn.Module, inputs: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.register_buffer("limit", torch.tensor(torch.inf))

    def forward(self, vectors: Tensor, *memory: Tensor) -> Any:
        """Return what the network answers."""
        scaled = (vectors - self.mean) / self.deviation  # type: ignore[operator]
        return self.network(torch.clamp(scaled, -self.limit, self.limit), *memory)  # type: ignore[operator, arg-type]

    @property
    def empty_memory(self) -> Any:
        """Return the network's own function of that name, where it remembers."""
        return self.network.empty_memory


class CellNetwork(nn.Module):
    """One perceptron shared by all cells."""

    def __init__(
        self,
        flattener: Flattener,
        world: World,
        shape: NetworkShape,
        answers: Answers | None,
    ) -> None:
        super().__init__()
        sites, skus = world.problem.sites.initial_stock.shape
        self.cells, self.answers = sites * skus, answers
        columns = _columns(flattener, world)
        places = np.stack(list(columns.values()), axis=-1).reshape(self.cells, -1)
        self.register_buffer("places", torch.from_numpy(places), persistent=False)  # (cells, features) in the vector
        self.features = len(columns)
        self.told_apart = _Tags(self.cells, shape.tags) if shape.tags else _Known(world, list(columns))
        inputs = 2 * self.features + self.told_apart.width
        self.shared = _perceptron(inputs, shape, 1 if answers is None else answers.width)
        if answers is not None:
            self.register_buffer("chosen", torch.from_numpy(answers.chosen), persistent=False)
            self.register_buffer("groups", torch.from_numpy(answers.groups), persistent=False)
            counts = np.bincount(answers.groups, minlength=answers.actions)
            self.register_buffer("members", torch.from_numpy(counts).float(), persistent=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return an output for each action, (B, actions), or the value (B, 1)."""
        padded = nn.functional.pad(vectors, (0, 1))
        cells = padded[:, self.places.reshape(-1)].reshape(-1, self.cells, self.features)  # type: ignore[operator]
        around = cells.mean(dim=1, keepdim=True).expand_as(cells)
        given = self.shared(torch.cat([cells, around, self.told_apart(cells)], dim=-1))
        if self.answers is None:
            return given.mean(dim=1)
        chosen = given.reshape(vectors.shape[0], -1)[:, self.chosen]
        together = chosen.new_zeros(vectors.shape[0], self.answers.actions).index_add(1, self.groups, chosen)
        return together / self.members


class _Tags(nn.Module):
    """Learned numbers for each cell of a world."""

    def __init__(self, cells: int, tags: int) -> None:
        super().__init__()
        self.width, self.tags = tags, nn.Parameter(torch.zeros(cells, tags))

    def forward(self, cells: Tensor) -> Tensor:
        """Return the tags of cells (B, cells, features), (B, cells, tags)."""
        return self.tags.expand(cells.shape[0], -1, -1)


class _Known(nn.Module):
    """What is known of each cell, and what its site's cells see: means weighted by their demand, in units and in room."""

    def __init__(self, world: World, seen: list[str]) -> None:
        super().__init__()
        known = cell_features(world)
        self.names = [*seen, *known]  # of what a cell is told, in order
        self.width = 2 * len(seen) + len(known)
        features = np.stack(list(known.values()), axis=-1).reshape(-1, len(known))
        self.register_buffer("known", torch.from_numpy(features).float(), persistent=False)  # (cells, features)
        self.register_buffer("weights", torch.from_numpy(site_weights(world)).float(), persistent=False)  # (2, S, K)

    def forward(self, cells: Tensor) -> Tensor:
        """Return what cells (B, cells, features) are told beside what they see, (B, cells, width)."""
        weights: Any = self.weights
        by_site = cells.reshape(cells.shape[0], weights.shape[1], weights.shape[2], -1)
        means = torch.einsum("bskf,wsk->bswf", by_site, weights).flatten(2)  # (B, S, 2 × features)
        at_site = means.unsqueeze(2).expand(-1, -1, weights.shape[2], -1).flatten(1, 2)
        return torch.cat([at_site, self.known.expand(cells.shape[0], -1, -1)], dim=-1)  # type: ignore[operator]


def names_told(actor: nn.Module) -> list[str] | None:
    """Return the names of what each cell is told by a network whose weights belong to no SKU; none of another network."""
    return next((module.names for module in actor.modules() if isinstance(module, _Known)), None)


def check_told(actor: nn.Module, told: list[str] | None, world: str) -> None:
    """Raise `ScenarioError` where a network's cells are not told in a world what they were when it was kept."""
    own, kept = names_told(actor), told or []
    if own is None or own == kept:
        return
    here, there = ([name for name in one if name not in other] for one, other in ((own, kept), (kept, own)))
    parts = [
        f"{world} {word} {shown(', '.join(names))}" for word, names in (("tells", here), ("does not tell", there)) if names
    ]
    raise ScenarioError(f"each cell is told other things than in training: {'; '.join(parts) or 'in another order'}")


def _columns(flattener: Flattener, world: World) -> dict[str, np.ndarray]:
    """Return where each of a cell's features lies in the vector, (S, K) by name; the place behind the last stands for 0."""
    sites, skus = world.problem.sites.initial_stock.shape
    columns: dict[str, np.ndarray] = {}
    for group in flattener.layout:
        place, axes = group.start + np.arange(group.stop - group.start).reshape(group.shape), group.axes
        if "sku" in axes and axes[-1] != "sku":  # remaining lives, or due slots
            place, axes = np.moveaxis(place, -1, 0), (axes[-1], *axes[:-1])
        if axes[-2:] == ("site", "sku"):
            layers = list(place.reshape(-1, sites, skus))
        elif axes[-1] == "sku":
            owned = cell_lanes(world.problem) if axes[-2] == "supply_lane" else _cell_channels(world)
            layers = [
                _at(layer, owners, flattener.size) for layer in place.reshape(-1, place.shape[-2], skus) for owners in owned
            ]
        else:
            layers = [np.full((sites, skus), at) for at in place]
        columns |= {f"{group.kind.kind}[{number}]": layer for number, layer in enumerate(layers, start=1)}
    return columns


def _cell_channels(world: World) -> np.ndarray:
    """Return the channels near each site, (most channels of a site, S, K); -1 for none."""
    nearest, (sites, skus) = world.problem.channels.nearest_site, world.problem.sites.initial_stock.shape
    found = np.full((int(np.bincount(nearest).max()), sites, skus), -1)
    for site in range(sites):
        own = np.flatnonzero(nearest == site)
        found[: len(own), site] = own[:, None]
    return found


def _at(layer: np.ndarray, owners: np.ndarray, nowhere: int) -> np.ndarray:
    """Return the places (n, K) of the lanes or channels that cells have, (S, K); `nowhere` for none."""
    return np.where(owners >= 0, layer[np.maximum(owners, 0), np.arange(layer.shape[1])], nowhere)
