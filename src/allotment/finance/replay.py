"""An episode's stock, replayed from its log of movements."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from allotment.exchange.movement_schema import KINDS
from allotment.scenario.loader import World
from allotment.scenario.problem import EXPIRE, Floats, Integers


class Stocks(NamedTuple):
    """Stock before each period's decision, and at the end of the last period; units. Axes as in `Problem`."""

    on_hand: Floats  # (periods + 1, S, K, A) by remaining life
    in_transit: Floats  # (periods + 1, L, K)
    unrecorded: Floats  # (periods + 1, S, K) disappeared, and still in the records


def replay(log: pd.DataFrame, world: World) -> Stocks:
    """Return the stock of an episode of a world from its log alone, each movement applied in turn."""
    problem, names = world.problem, world.names
    moves = log[log["kind"].isin([name for name, kind in KINDS.items() if kind.moves])]
    cuts = [_rows_before(moves, period) for period in range(problem.clock.length)] + [len(moves)]
    lots = np.array([int(lot.removeprefix("expires:")) if lot else -1 for lot in moves["lot"]], dtype=np.int64)
    expiries = int(lots.max(initial=0)) + 2

    def stock(places: list[str], lots: Integers, expiries: int) -> Floats:
        """Return the units in places at each cut, by SKU and by the period in which a lot expires, the last for none."""
        units = np.zeros((len(cuts), len(places), len(names.skus), expiries))
        for end, sign in (("from", -1.0), ("to", 1.0)):
            legs = _legs(moves, end, places, names.skus)
            at = np.searchsorted(cuts, legs.row, side="right")
            np.add.at(units, (at, legs.place, legs.sku, lots[legs.row]), sign * legs.units)
        return units.cumsum(axis=0)

    none = np.zeros_like(lots)
    return Stocks(
        on_hand=_by_life(world, stock(names.sites, lots, expiries)),
        in_transit=stock([f"in_transit:{lane}" for lane in names.supply_lanes], none, 1)[..., 0],
        unrecorded=stock([f"unrecorded:{site}" for site in names.sites], none, 1)[..., 0],
    )


class _Legs(NamedTuple):
    """The movements that leave some places, or reach them."""

    row: Integers
    place: Integers
    sku: Integers
    units: Floats


def _legs(moves: pd.DataFrame, end: str, places: list[str], skus: list[str]) -> _Legs:
    place = pd.Index(places).get_indexer(pd.Index(moves[end]))
    row = np.flatnonzero(place >= 0).astype(np.int64)
    sku = pd.Index(skus).get_indexer(pd.Index(moves["sku"]))
    return _Legs(row, place[row].astype(np.int64), sku[row].astype(np.int64), moves["units"].to_numpy()[row])


def _rows_before(moves: pd.DataFrame, period: int) -> int:
    """Return how many movements there were before a period's decision."""
    return int(((moves["time"] < period) | ((moves["time"] == period) & (moves["seq"] < 0))).sum())


def _by_life(world: World, by_expiry: Floats) -> Floats:
    """Return stock (periods + 1, S, K, A) by remaining life from that by expiry, the last of which is none."""
    problem = world.problem
    lives: Integers = np.arange(problem.shape.lives)
    on_hand = np.zeros((*by_expiry.shape[:-1], len(lives)))
    expired = (problem.clock.sequence[: problem.clock.decide_at] == EXPIRE).any()
    for cut in range(len(on_hand)):
        last = cut == problem.clock.length
        expiry = cut + lives + int(expired and not last)
        there = expiry < by_expiry.shape[-1] - 1
        on_hand[cut][..., there] = by_expiry[cut][..., expiry[there]]
    on_hand[..., 0] += by_expiry[..., -1]
    return on_hand
