"""Showing a world: the last period as a text table, an episode as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.environments.episode_figure import draw_episode, names_of
from allotment.environments.figure_text import plain_text
from allotment.scenario.loader import World
from allotment.simulation.episode_record import EpisodeRecord


def describe_period(world: World, history: list[dict[str, Any]]) -> str:
    """Return the last period as text: stock by site, service by channel, and the money; units summed over SKUs."""
    if not history:
        return f"{world.scenario.name}: before the first period"
    period = history[-1]
    lanes = world.problem.lanes
    sites = [
        [name, period["on_hand"][site].sum(), period["executed"][lanes.to == site].sum(), _arrived(period, lanes.to == site)]
        for site, name in enumerate(world.names.sites)
    ]
    channels = [
        [
            name,
            period["demand"][channel].sum(),
            period["shipped"][world.problem.fulfilment.channel == channel].sum(),
            period["lost"][channel].sum(),
            period["open_demand"][channel].sum(),
        ]
        for channel, name in enumerate(world.names.channels)
    ]
    money = "  ".join(f"{term} {amount:,.2f}" for term, amount in period["money"].items() if amount)
    return "\n".join(
        [
            f"{world.scenario.name}, period {period['period']}: reward {period['reward']:,.2f}",
            *_table(["site", "on hand", "ordered", "received"], sites),
            *_table(["channel", "demand", "shipped", "lost", "open"], channels),
            money,
        ]
    )


def _arrived(period: dict[str, Any], lanes: NDArray[np.bool_]) -> float:
    return float(period["received"][lanes].sum())


def _table(header: list[str], rows: list[list[Any]]) -> list[str]:
    width = max(len(str(row[0])) for row in [header, *rows])
    lines = [header[0].ljust(width) + "".join(title.rjust(12) for title in header[1:])]
    return lines + [str(row[0]).ljust(width) + "".join(f"{value:12,.1f}" for value in row[1:]) for row in rows]


def picture(record: EpisodeRecord) -> NDArray[np.uint8]:
    """Return an episode's figure as pixels, (height, width, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with plain_text(names_of(record)):
        canvas = FigureCanvasAgg(draw_episode(record))
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
