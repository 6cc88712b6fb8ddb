"""A world's network as a picture: suppliers, sites and channels from left to right, an arrow for each lane."""

from __future__ import annotations

import io
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allotment.environments.figure_text import settings_for
from allotment.scenario.loader import World

COLOURS = {"supplier": "#E69F00", "warehouse": "#0072B2", "store": "#56B4E9", "plant": "#009E73", "channel": "#CC79A7"}
SHAPES = {"supplier": "D", "warehouse": "s", "store": "s", "plant": "p", "channel": "o"}
LONGEST_NAME = 24  # letters
MOST_NAMED = 24  # more places than that in a column are drawn without names


@dataclass(frozen=True)
class Place:
    """A supplier, site or channel."""

    name: str
    kind: str


@dataclass(frozen=True)
class Network:
    """Places and the lanes between them, by name."""

    places: tuple[Place, ...]
    lanes: tuple[tuple[str, str], ...]


def network_of(world: World) -> Network:
    """Return the places of a world and the lanes between them."""
    scenario, problem = world.scenario, world.problem
    suppliers = [Place(f"supplier {part.name}", "supplier") for part in scenario.suppliers]
    sites = [Place(f"site {part.name}", part.kind) for part in scenario.sites]
    channels = [Place(f"channel {part.name}", "channel") for part in scenario.channels]
    lanes = [
        (suppliers[supplier].name if supplier >= 0 else sites[site].name, sites[to].name)
        for supplier, site, to in zip(problem.lanes.supplier, problem.lanes.site, problem.lanes.to, strict=True)
    ]
    serving = zip(problem.fulfilment.site, problem.fulfilment.channel, strict=True)
    lanes += [(sites[site].name, channels[channel].name) for site, channel in serving]
    return Network((*suppliers, *sites, *channels), tuple(dict.fromkeys(lanes)))


def columns(network: Network) -> dict[str, int]:
    """Return each place's column: suppliers first, a site behind all that supply it, channels last."""
    kinds = {place.name: place.kind for place in network.places}
    column = {name: 0 for name in kinds}
    for _ in network.places:
        for source, to in network.lanes:
            if kinds[to] != "channel" and not _supplies(network, to, source):
                column[to] = max(column[to], column[source] + 1)
    last = max((place for name, place in column.items() if kinds[name] != "channel"), default=0) + 1
    return {name: last if kinds[name] == "channel" else place for name, place in column.items()}


def _supplies(network: Network, source: str, to: str) -> bool:
    """Tell whether goods of one place may reach another, be it through others."""
    reached, queue = {source}, [source]
    while queue:
        here = queue.pop()
        for start, end in network.lanes:
            if start == here and end not in reached:
                reached.add(end)
                queue.append(end)
    return to in reached


def positions(network: Network) -> dict[str, tuple[float, float]]:
    """Return where each place stands: columns to the right, the places of a column evenly from top to bottom.

    Those of a column stand in the order of the mean height of what leads to them from columns before, which saves crossings.
    """
    column: dict[str, int] = columns(network)
    where: dict[str, tuple[float, float]] = {}
    for number in sorted(set(column.values())):
        members = [place.name for place in network.places if column[place.name] == number]
        before = {
            name: [where[source][1] for source, to in network.lanes if to == name and source in where] for name in members
        }
        heights = {name: round(sum(ys) / len(ys), 6) if ys else 0.5 for name, ys in before.items()}
        for place, name in enumerate(sorted(members, key=lambda name: -heights[name])):
            where[name] = (float(number), 1.0 - (place + 0.5) / len(members))
    return where


def draw(network: Network) -> Figure:
    """Return the picture of a network."""
    with matplotlib.rc_context(settings_for(place.name for place in network.places)):
        return _drawn(network)


def _drawn(network: Network) -> Figure:
    where = positions(network)
    width = 2.0 + 2.1 * max(x for x, _ in where.values())
    tallest = max(sum(1 for x, _ in where.values() if x == column) for column in {x for x, _ in where.values()})
    figure = Figure(figsize=(width, min(max(1.6, 0.5 * tallest), 6.5)), layout="constrained")
    ax = figure.subplots()
    for lane in network.lanes:
        _arrow(ax, where[lane[0]], where[lane[1]], dense=len(network.lanes) > 60)
    for place in network.places:
        _place(ax, place, where[place.name], named=tallest <= MOST_NAMED)
    ax.set(xlim=(-0.5, max(x for x, _ in where.values()) + 0.5), ylim=(-0.02, 1.08))
    ax.axis("off")
    return figure


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], dense: bool) -> None:
    """Draw a lane; one between places of a column bends, so that there and back are two lines."""
    style = {"arrowstyle": "-|>", "color": "#7F7F7F", "lw": 0.5 if dense else 0.9, "shrinkA": 7, "shrinkB": 8}
    bend = 0.45 if start[0] == end[0] else 0.04 if end[0] > start[0] else 0.25
    ax.annotate("", end, start, arrowprops={**style, "connectionstyle": f"arc3,rad={bend}", "alpha": 0.5 if dense else 0.9})


def _place(ax: Axes, place: Place, at: tuple[float, float], named: bool) -> None:
    ax.plot(*at, SHAPES[place.kind], color=COLOURS[place.kind], markersize=9)
    if named:
        label = shortened(place.name.partition(" ")[2])
        behind = {"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.8}  # so that arrows do not cross words
        ax.annotate(label, at, (0, 8), textcoords="offset points", ha="center", fontsize=8, color="#222222", bbox=behind)


def shortened(name: str) -> str:
    """Return a name that fits beside others."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def as_svg(figure: Figure) -> bytes:
    """Return a figure as SVG, the same bytes each time."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "allotment", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=False)
    return buffer.getvalue()
