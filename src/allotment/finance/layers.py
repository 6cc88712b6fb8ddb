"""Layers of stock: units that came in together, with what they cost and when; and the pools from which units go.

An average pool is one layer whose units came on several days: it knows them by `lots`, of which the first goes first, so that
the age of stock does not depend on the cost formula.

What is left of a layer of `whole` units and `value` coins is worth value * units / whole, rounded: the same whether ten units
go at once or one by one. A pool of layers gives the first or the last first; an average pool is one layer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Protocol

from allotment.finance.amounts import share


class Layer:
    """Units that came in together. Its parts in other units of money (`profit`, `historical`) go with the units too."""

    __slots__ = ("day", "historical", "lots", "origin", "profit", "units", "value", "whole")

    def __init__(self, units: int, value: int, day: int, origin: int, profit: int = 0, historical: int = 0) -> None:
        self.units = self.whole = units  # left, and as it was made
        self.value = value  # coins, of the whole
        self.day = day  # on which the units came in
        self.origin = origin  # the movement that brought them
        self.profit = profit  # coins, of the whole: what another entity of the group earned on it
        self.historical = historical  # coins of the presentation currency, of the whole: what it cost the group
        self.lots: deque[tuple[int, int]] | None = None  # days and units, the first to go first; none = all of one day

    def by_day(self) -> list[tuple[int, int]]:
        """Return on which days the units left came in, and how many on each."""
        return [(self.day, self.units)] if self.lots is None else list(self.lots)

    @property
    def worth(self) -> int:
        """Return what the units left are worth, in coins."""
        return share(self.value, self.units, self.whole)

    def part(self, amount: int) -> int:
        """Return the share of an amount of the whole that goes with the units left."""
        return share(amount, self.units, self.whole) if amount > 0 else -share(-amount, self.units, self.whole)

    def split(self, units: int) -> Layer:
        """Take units out as a layer of their own, and return it."""
        left, lots = self.units - units, self._lots_of(units)
        if self.units == self.whole and left == 0:
            self.units = 0
            taken = Layer(units, self.value, self.day, self.origin, self.profit, self.historical)
        else:
            worth, profit, historical = self.worth, self.part(self.profit), self.part(self.historical)
            self.units = left
            taken = Layer(
                *(units, worth - self.worth, self.day, self.origin),
                *(profit - self.part(self.profit), historical - self.part(self.historical)),
            )
        taken.lots = lots
        return taken

    def _lots_of(self, units: int) -> deque[tuple[int, int]] | None:
        """Take so many units out of the lots, the first first."""
        if self.lots is None:
            return None
        taken: deque[tuple[int, int]] = deque()
        while units:
            day, here = self.lots.popleft()
            if here > units:
                self.lots.appendleft((day, here - units))
            taken.append((day, min(here, units)))
            units -= min(here, units)
        return taken

    def revalue(self, change: int, historical: int = 0) -> None:
        """Add coins to what is left."""
        self.value, self.profit = self.worth + change, self.part(self.profit)
        self.historical = self.part(self.historical) + historical
        self.whole = self.units


class Pool(Protocol):
    """What units of a SKU at a place cost together."""

    units: int

    def add(self, layer: Layer) -> None:
        """Put a layer in."""

    def back(self, layer: Layer) -> None:
        """Put a layer back that had gone before: it goes next."""

    def take(self, units: int) -> list[Layer]:
        """Take units out, no more than there are."""

    def __iter__(self) -> Iterator[Layer]: ...


class Queue:
    """Layers of which the first goes first (FIFO), or the last (LIFO)."""

    __slots__ = ("first", "layers", "units")

    def __init__(self, first: bool) -> None:
        self.layers: deque[Layer] = deque()
        self.first = first
        self.units = 0

    def add(self, layer: Layer) -> None:
        """Put a layer in behind the others."""
        self.layers.append(layer)
        self.units += layer.units

    def back(self, layer: Layer) -> None:
        """Put a layer back where the next units are taken."""
        (self.layers.appendleft if self.first else self.layers.append)(layer)
        self.units += layer.units

    def take(self, units: int) -> list[Layer]:
        """Take units out, no more than there are, and return them as layers, in the order in which they go."""
        self.units -= units
        taken = []
        while units:
            layer = self.layers[0 if self.first else -1]
            if layer.units > units:
                taken.append(layer.split(units))
                break
            units -= layer.units
            taken.append(layer.split(layer.units))
            (self.layers.popleft if self.first else self.layers.pop)()
        return taken

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)


class Average:
    """Units that all have one cost, and each the day on which they came."""

    __slots__ = ("layer", "units")

    def __init__(self) -> None:
        self.layer: Layer | None = None
        self.units = 0

    def add(self, layer: Layer) -> None:
        """Mix a layer in."""
        held, self.units = self.layer, self.units + layer.units
        if held is None:
            self.layer = layer
            return
        lots = held.lots if held.lots is not None else deque(held.by_day())
        for day, units in layer.by_day():
            lots.append((day, lots.pop()[1] + units) if lots and lots[-1][0] == day else (day, units))
        held.lots = lots
        value, profit, historical = held.worth, held.part(held.profit), held.part(held.historical)
        held.value, held.profit, held.historical = value + layer.value, profit + layer.profit, historical + layer.historical
        held.units = held.whole = self.units

    back = add

    def take(self, units: int) -> list[Layer]:
        """Take units out at the average cost."""
        held, self.units = self.layer, self.units - units
        if held is None or not units:
            return []
        taken = held.split(units)
        if not self.units:
            self.layer = None
        return [taken]

    def __iter__(self) -> Iterator[Layer]:
        return iter(() if self.layer is None else (self.layer,))
