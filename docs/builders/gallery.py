"""The gallery: every shipped world with its question, its drawn network, its numbers, its known values and its file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

from allotment.environments.registration import environment_id
from allotment.resources import shipped_folder, shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario
from allotment.scenario.schema import KnownValue
from allotment.scenario.yaml_file import read_yaml
from builders.network_drawing import as_svg, draw, network_of


@dataclass(frozen=True)
class Entry:
    """A world as the gallery shows it."""

    name: str
    content: dict[str, Any]  # of its file, with what it extends
    world: World | None  # none where the world needs data that is not here

    @property
    def known(self) -> list[KnownValue]:
        """Return the values that are known of the world."""
        return [KnownValue.model_validate(value) for value in self.content.get("known", [])]


@cache
def entries() -> list[Entry]:
    """Return every shipped world, the default world first."""
    names = sorted(shipped_names("envs"), key=lambda name: (name != "three_warehouses", name))
    return [_entry(name) for name in names]


def _entry(name: str) -> Entry:
    """Return a world; without its network where its file names data and loading finds none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            world = load_scenario(name)
            return Entry(name, world.content, world)
        except ScenarioError:
            content = read_yaml(shipped_folder("envs") / f"{name}.yaml")
            if "data" not in content:
                raise
            return Entry(name, content, None)


def pictures() -> dict[str, bytes]:
    """Return each world's network as SVG, by file name."""
    shown = {entry.name: entry.world for entry in entries() if entry.world is not None}
    return {f"{name}.svg": as_svg(draw(network_of(world))) for name, world in shown.items()}


def overview() -> str:
    """Return a table with a row for each world: where it is on the page, its id and its purpose."""
    lines = ["| world | Gymnasium id | what it asks |", "|---|---|---|"]
    for entry in entries():
        lines.append(f"| [{entry.name}](#{entry.name}) | `{environment_id(entry.name)}` | {entry.content['purpose']} |")
    return "\n".join(lines)


def known_values() -> str:
    """Return a row for each known value of each world."""
    lines = ["| world | source | policy | known value per period |", "|---|---|---|--:|"]
    for entry in entries():
        for known in entry.known:
            source = " ".join(str(entry.content["source"]).split())
            lines.append(f"| [{entry.name}](worlds/gallery.md#{entry.name}) | {source} | {known.policy} | {known.value:.7g} |")
    return "\n".join(lines)


def gallery() -> str:
    """Return a section for each world."""
    return "\n\n".join(_section(entry) for entry in entries())


def _section(entry: Entry) -> str:
    text = (shipped_folder("envs") / f"{entry.name}.yaml").read_text(encoding="utf-8").rstrip()
    listing = "\n".join(f"    {line}".rstrip() for line in text.splitlines())
    parts = [
        f"### {entry.name} {{ #{entry.name} }}",
        f"{entry.content['purpose']} Source: {entry.content['source'].strip().rstrip('.')}.",
        f"![the network of {entry.name}]({entry.name}.svg)" if entry.world else _MISSING,
        _numbers(entry.world) if entry.world else "",
        _known(entry),
        f'??? note "The file: envs/{entry.name}.yaml"\n\n    ```yaml\n{listing}\n    ```',
    ]
    return "\n\n".join(part for part in parts if part)


_MISSING = "This world needs public data that is not part of the package, so its network is not drawn here."


def _numbers(world: World) -> str:
    """Return how large a world is, how long an episode lasts, and what is decided."""
    shape, horizon = world.problem.shape, world.scenario.horizon
    warm_up = f" after {horizon.warm_up:,} to warm up" if horizon.warm_up else ""
    ends = "a season, which ends" if horizon.kind == "season" else "a window, which is cut off"
    counts = (
        ("SKU", shape.skus),
        ("supplier", shape.suppliers),
        ("site", shape.sites),
        ("channel", shape.channels),
        ("supply lane", shape.lanes),
        ("fulfilment lane", shape.fulfilment),
    )
    told = ", ".join(f"{count:,} {what}{'' if count == 1 else 's'}" for what, count in counts)
    decides = " and ".join(world.scenario.decisions)
    return f"{told}. An episode has {horizon.periods:,} measured periods{warm_up} ({ends}). The policy decides {decides}."


def _known(entry: Entry) -> str:
    """Return a table of a world's known values; nothing where none is stated in its file."""
    if not entry.known:
        return ""
    unit = entry.content.get("objective", "profit")
    lines = [f"| policy | {unit} per period | how it is known |", "|---|--:|---|"]
    return "\n".join([*lines, *(f"| {known.policy} | {known.value:.7g} | {known.source} |" for known in entry.known)])
