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

from allotment.engine.state import Flows
from allotment.quantities import Floats, Integers
from allotment.scenario.loader import World

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


class BreakdownSums:
    """Sums over the measured periods of a batch of episodes, by the places and SKUs of the record."""

    def __init__(self, world: World) -> None:
        problem = world.problem
        self.world = world
        self.units: dict[str, Floats] = {}
        self.lost_margin: Floats | float = 0.0  # (B, C, K) money, where margins change over periods
        has_price = problem.prices.price > 0.0
        self.margin = np.where(has_price, problem.prices.price - problem.goods.unit_cost[:, None], problem.prices.shortage)
        self.constant = len(self.margin) == 1

    def add(self, period: int, flows: Flows) -> None:
        """Add a period's record."""
        for name in ("demand", "on_time", "lost", "late"):
            self._count(name, getattr(flows, name))
        self._count("shipped", flows.shipped.sum(axis=2))
        self._count("site_stock", flows.on_hand.sum(axis=2))
        self._count("sku_stock", flows.on_hand.sum(axis=1))
        if not self.constant:
            self.lost_margin = self.lost_margin + flows.lost * self.margin[period % len(self.margin)]

    def _count(self, name: str, units: Floats) -> None:
        """Add to a sum, which keeps the order in memory that the record has."""
        if name in self.units:
            self.units[name] += units
        else:
            self.units[name] = units.copy(order="K")

    def breakdown(self, periods: int) -> Breakdown:
        """Return what each episode came to, per period."""
        names, units = self.world.names, self.units
        margin = units["lost"] * self.margin[0] if self.constant else self.lost_margin
        # In one order in memory, sums are the same to the bit whatever is played at once.
        amounts = [
            np.ascontiguousarray(each) for each in (units["demand"], units["on_time"], self._short(), units["lost"], margin)
        ]
        by_channel = np.stack([each.sum(axis=2) for each in amounts], axis=-1)
        by_sku = np.stack([each.sum(axis=1) for each in amounts], axis=-1)
        parts = [self._channels(by_channel), self._sites(by_channel), self._skus(by_sku)]
        axes = zip(AXES, (names.channels, names.sites, names.skus), strict=True)
        labels = [(axis, name) for axis, each in axes for name in each]
        return Breakdown(labels, np.concatenate(parts, axis=1) / periods)

    def _short(self) -> Floats:
        """Return the units that are not there when due, (B, C, K): what is lost after it has waited has been late before."""
        channels = self.world.problem.channels
        never_late = channels.open_ended | (channels.last == channels.due) | (channels.stays < 1.0)
        return self.units["late"] + self.units["lost"] * never_late[:, None]

    def _channels(self, by_channel: Floats) -> Floats:
        """Return the amounts of each channel, (B, C, amounts)."""
        shipped = _summed(self.units["shipped"], self.world.problem.fulfilment.channel, by_channel.shape[1])
        return _with(by_channel, shipped, np.full_like(shipped, np.nan))

    def _sites(self, by_channel: Floats) -> Floats:
        """Return the amounts of each site, (B, S, amounts): those of the channels nearest to it, and its own."""
        problem, sites = self.world.problem, self.world.problem.shape.sites
        near = _summed(by_channel, problem.channels.nearest_site, sites)
        return _with(near, _summed(self.units["shipped"], problem.fulfilment.site, sites), self.units["site_stock"])

    def _skus(self, by_sku: Floats) -> Floats:
        """Return the amounts of each SKU, (B, K, amounts)."""
        stock = self.units["sku_stock"]
        return _with(by_sku, np.full_like(stock, np.nan), stock)


def _summed(values: Floats, owner: Integers, owners: int) -> Floats:
    """Return the sums of values (B, n, …) over those of each owner, (B, owners, …)."""
    return np.stack([values[:, owner == place].sum(axis=1) for place in range(owners)], axis=1)


def _with(amounts: Floats, shipped: Floats, on_hand: Floats) -> Floats:
    return np.concatenate([amounts, shipped[..., None], on_hand[..., None]], axis=-1)
