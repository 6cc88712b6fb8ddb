"""Who gets what is scarce: service, units short and lost margin of each episode, by channel, by site and by SKU.

- **Fill rate**: units that are there when due, as a share of demand.
- **Units short**: units that are not there when due, so lost or late. What is late first and cancelled in the end counts once
  (but twice in channels where some wait with a time limit, and others do not wait: the record does not tell them apart).
- **Lost margin**: units lost × (price − unit cost) in the prices of the period. Where a channel has no price for an SKU, or the
  objective is cost, it is units lost × the cost of a lost sale.

An SKU has the demand of all channels. A site has no demand of its own, since several may serve one channel: it stands for the
channels that are nearest to it (whose cheapest lane comes from it), whoever serves them. What it ships to customers, and its
stock on hand, are its own. All but the fill rate are per measured period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allotment.engine.state import Sums
from allotment.quantities import Flags, Floats, Integers
from allotment.scenario.loader import World
from allotment.scenario.problem import Problem

AXES = ("channel", "site", "sku")
AMOUNTS = ("demand", "on_time", "short", "lost", "lost_margin", "shipped", "on_hand")  # per measured period
MEASURES = ("fill_rate", *AMOUNTS)
KEYS = ["axis", "name"]


@dataclass(frozen=True)
class Breakdown:
    """Amounts of each episode by channel, site and SKU; none where there are no such things."""

    labels: list[tuple[str, str]]  # axis and name
    amounts: Floats  # (episodes, labels, `AMOUNTS`) per measured period; no stock for channels, no shipments for SKUs

    def first(self, episodes: int) -> Breakdown:
        """Return that of so many episodes from the first on."""
        return Breakdown(self.labels, self.amounts[:episodes])

    def belongs_to(self, episodes: pd.DataFrame) -> bool:
        """Tell whether it is that of these episodes: it then loses, and has in stock, what they do."""
        if len(self.amounts) != len(episodes) or not self.labels:
            return False
        skus = self.amounts[:, [axis == "sku" for axis, _ in self.labels]].sum(axis=1)
        return all(np.allclose(skus[:, AMOUNTS.index(name)], episodes[name]) for name in ("demand", "lost", "on_hand"))

    def table(self) -> pd.DataFrame:
        """Return a row for each episode, axis and name, with the amounts as columns; `episode` counts from 0."""
        episodes, labels, _ = self.amounts.shape
        keys = pd.DataFrame(self.labels * episodes, columns=KEYS)
        keys.insert(0, "episode", np.repeat(np.arange(episodes), labels))
        return keys.join(pd.DataFrame(self.amounts.reshape(-1, len(AMOUNTS)), columns=AMOUNTS))

    def means(self) -> pd.DataFrame:
        """Return a row for each axis, name and measure, with mean, standard error and how many episodes have it.

        An episode without demand has no fill rate. The measures are `MEASURES`.
        """
        values = np.concatenate([self._fill_rate(), self.amounts], axis=2).reshape(len(self.amounts), -1)
        frame = pd.DataFrame(values)
        rows = pd.DataFrame([(*label, measure) for label in self.labels for measure in MEASURES], columns=[*KEYS, "measure"])
        return rows.assign(mean=frame.mean(), standard_error=frame.sem(), episodes=frame.count()).dropna(subset="mean")

    def _fill_rate(self) -> Floats:
        """Return the share of demand that is there when due, (episodes, labels, 1); not a number without demand."""
        demand, on_time = self.amounts[..., :1], self.amounts[..., 1:2]
        return np.divide(on_time, demand, out=np.full_like(demand, np.nan), where=demand > 0.0)


NOTHING = Breakdown([], np.empty((0, 0, len(AMOUNTS))))


def joined(parts: Sequence[Breakdown]) -> Breakdown:
    """Return the episodes of all parts, one after the other."""
    return Breakdown(parts[0].labels, np.concatenate([part.amounts for part in parts]))


def average(parts: Sequence[Breakdown]) -> Breakdown:
    """Return the mean over parts that played the same episodes, such as trainings with several seeds."""
    return Breakdown(parts[0].labels, np.mean([part.amounts for part in parts], axis=0))


def from_table(table: pd.DataFrame) -> Breakdown:
    """Return the breakdown that a table of it holds."""
    labels = list(table.loc[table["episode"] == 0, KEYS].itertuples(index=False, name=None))
    episodes = len(table) // max(len(labels), 1)
    return Breakdown(labels, table[list(AMOUNTS)].to_numpy().reshape(episodes, len(labels), len(AMOUNTS)))


def lost_margin(world: World) -> Floats:
    """Return what a lost unit would have earned, (T, C, K) money; one period where that does not change."""
    prices, unit_cost = world.problem.prices, world.problem.goods.unit_cost[:, None]
    margin: Floats = np.where(prices.price > 0.0, prices.price - unit_cost, prices.shortage)
    return margin


def breakdown(world: World, sums: Sums, periods: int) -> Breakdown:
    """Return what each episode's sums come to by channel, site and SKU, per period."""
    problem, names, margin = world.problem, world.names, lost_margin(world)
    # In one order in memory, sums are the same to the bit whatever is played at once.
    units = {name: np.ascontiguousarray(getattr(sums, name)) for name in ("demand", "on_time", "late", "lost", "lost_margin")}
    short = units["late"] + units["lost"] * _never_late(problem)[:, None]
    margins = units["lost"] * margin[0] if len(margin) == 1 else units["lost_margin"]
    amounts = [units["demand"], units["on_time"], short, units["lost"], margins]
    by_channel = np.stack([each.sum(axis=2) for each in amounts], axis=-1)
    by_sku = np.stack([each.sum(axis=1) for each in amounts], axis=-1)
    shipped, on_hand = np.ascontiguousarray(sums.shipped).sum(axis=2), np.ascontiguousarray(sums.on_hand)
    sent = _summed(shipped, problem.fulfilment.channel, problem.shape.channels)
    near = _summed(by_channel, problem.channels.nearest_site, problem.shape.sites)
    served, stock = _summed(shipped, problem.fulfilment.site, problem.shape.sites), on_hand.sum(axis=1)
    parts = [
        _with(by_channel, sent, np.full_like(sent, np.nan)),
        _with(near, served, on_hand.sum(axis=2)),
        _with(by_sku, np.full_like(stock, np.nan), stock),
    ]
    axes = zip(AXES, (names.channels, names.sites, names.skus), strict=True)
    labels = [(axis, name) for axis, each in axes for name in each]
    return Breakdown(labels, np.concatenate(parts, axis=1) / periods)


def _never_late(problem: Problem) -> Flags:
    """Tell for each channel whether what is lost there has never been late before, (C,)."""
    channels = problem.channels
    return channels.open_ended | (channels.last == channels.due) | (channels.stays < 1.0)


def _summed(values: Floats, owner: Integers, owners: int) -> Floats:
    """Return the sums of values (B, n, …) over those of each owner, (B, owners, …)."""
    return np.stack([values[:, owner == place].sum(axis=1) for place in range(owners)], axis=1)


def _with(amounts: Floats, shipped: Floats, on_hand: Floats) -> Floats:
    return np.concatenate([amounts, shipped[..., None], on_hand[..., None]], axis=-1)
