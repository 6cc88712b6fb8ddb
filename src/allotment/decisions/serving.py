"""Serving in a fixed order of claims, in all worlds at once: the order of a world's own fulfilment rule, or of another.

A policy that has seen demand ships what a world with that rule would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from allotment.decisions.claimed import free_stock, sent_away, wanted_by_slot
from allotment.decisions.observation import Observation
from allotment.engine.dynamics.fulfilment import topped_up
from allotment.engine.dynamics.rationing import share, share_alike
from allotment.scenario.fulfilment import FulfilmentReader
from allotment.scenario.loader import World
from allotment.scenario.problem import Claims, Flags, Floats, Integers


@dataclass(frozen=True)
class Serving:
    """Allocates in the order of a fulfilment rule; what a channel has been promised comes first."""

    world: World
    fulfilment: Literal["worth"] | None = None  # worth = by what an unmet unit costs less freight; none = the world's own rule

    def allocation(self, observation: Observation, orders: Floats) -> Floats:
        """Return what each fulfilment lane ships, (B, F, K) units, beside orders (B, L, K) of the same decision."""
        serving = _Served(self.world, observation, orders)
        serving.serve_promised(self.claims)
        for group in serving.wanted_groups(self.claims):
            serving.serve_group(group)
        return serving.shipped

    @cached_property
    def claims(self) -> Claims:
        """Return the claims in the order in which they are served."""
        if self.fulfilment is None:
            return self.world.problem.claims
        scenario = self.world.scenario.model_copy(update={"fulfilment": self.fulfilment})
        return FulfilmentReader(scenario).compiled()[1]


class _Served:
    """What is wanted and what is left of stock and capacities while claims are served, one after the other in every world."""

    def __init__(self, world: World, observation: Observation, orders: Floats) -> None:
        problem, period = world.problem, observation.period
        self.problem = problem
        self.wanted = _worlds_last(wanted_by_slot(world, observation))  # (C, K, D, B)
        self.stock = _worlds_last(free_stock(world, observation, orders))  # (S, K, B)
        self.lanes_left = self._changing(_now(problem.fulfilment.capacity, period))  # (F, B)
        handled = sent_away(world, orders).sum(axis=2).T  # (S, B)
        self.sites_left = np.maximum(_now(problem.sites.handling, period) - handled, 0.0)  # (S, B)
        self.lanes_limited = bool(np.isfinite(problem.fulfilment.capacity).any())
        self.sites_limited = bool(np.isfinite(problem.sites.handling).any())
        self.moved = self._changing(np.zeros((*problem.prices.outbound_freight.shape[1:], observation.batch)))  # (F, K, B)

    def _changing(self, array: Floats) -> Floats:
        """Return an array that can be changed by what is wanted: of traced numbers, where those are."""
        return array if isinstance(self.wanted, np.ndarray) else self.wanted.new(array)

    @property
    def shipped(self) -> Floats:
        """Return what is shipped, (B, F, K) units."""
        return np.moveaxis(self.moved, -1, 0)

    def serve_promised(self, claims: Claims) -> None:
        """Serve each channel what it has been promised, its oldest orders first."""
        commitment = self.problem.channels.commitment
        promised = self._changing(np.repeat(commitment[..., None], self.moved.shape[-1], axis=-1))  # (C, K, B)
        for lane, sku in zip(claims.promised_lane, claims.promised_sku, strict=True):
            of_channel = promised[self.problem.fulfilment.channel[lane], sku]
            for slot in range(self.problem.fulfilment.latest[lane], -1, -1):
                of_channel -= self._serve(lane, sku, slot, of_channel)

    def wanted_groups(self, claims: Claims) -> Iterator[list[list[int]]]:
        """Yield lane, SKU and slot of the claims of each group in their order, those that are wanted in any world."""
        each = np.stack([claims.lane, claims.sku, claims.slot])
        some = _may_be_something(self.wanted)[self.problem.fulfilment.channel[claims.lane], claims.sku, claims.slot]
        group = np.repeat(np.arange(len(claims.group_start) - 1), np.diff(claims.group_start))[some]
        rows, ends = each[:, some].T.tolist(), np.append(np.flatnonzero(np.diff(group)) + 1, len(group)).tolist()
        yield from (rows[begin:end] for begin, end in pairwise([0, *ends]))

    def serve_group(self, group: list[list[int]]) -> None:
        """Serve claims of equal worth, which share what is scarce; what one of them cannot take goes to the next in line."""
        if len(group) > 1:
            for (lane, sku, slot), units in zip(group, self._shared(*np.array(group).T).T, strict=True):
                self._take(units, lane, sku, slot)
            if not topped_up(self.problem):
                return
        for lane, sku, slot in group:
            self._serve(lane, sku, slot, np.inf)

    def _shared(self, lanes: Integers, skus: Integers, slots: Integers) -> Floats:
        """Return what claims of one site get (B, n), in proportion to what they want."""
        rules, site = self.problem.rules, self.problem.fulfilment.site[lanes[0]]
        units = self.wanted[self.problem.fulfilment.channel[lanes], skus, slots].T
        units = share_alike(rules, units, skus, self.stock[site, skus].T)
        if self.lanes_limited:
            units = share_alike(rules, units, lanes, self.lanes_left[lanes].T)
        return share(rules, units, self.sites_left[site]) if self.sites_limited else units

    def _serve(self, lane: int, sku: int, slot: int, most: Floats | float) -> Floats:
        """Serve one claim, at most so much; returns what it gets, (B,) units."""
        site, channel = self.problem.fulfilment.site[lane], self.problem.fulfilment.channel[lane]
        units = np.minimum(np.minimum(self.wanted[channel, sku, slot], self.stock[site, sku]), most)
        if self.lanes_limited:
            units = np.minimum(units, self.lanes_left[lane])
        if self.sites_limited:
            units = np.minimum(units, self.sites_left[site])
        units = np.floor(units) if self.problem.rules.whole else units
        self._take(units, lane, sku, slot)
        return units

    def _take(self, units: Floats, lane: int, sku: int, slot: int) -> None:
        site, channel = self.problem.fulfilment.site[lane], self.problem.fulfilment.channel[lane]
        self.wanted[channel, sku, slot] -= units
        self.stock[site, sku] -= units
        self.lanes_left[lane] -= units
        self.sites_left[site] -= units
        self.moved[lane, sku] += units


def _worlds_last(array: Floats) -> Floats:
    """Return an array (B, …) with the worlds last, to be changed."""
    moved = np.moveaxis(array, 0, -1)
    return np.ascontiguousarray(moved) if isinstance(moved, np.ndarray) else moved.copy()


def _may_be_something(array: Floats) -> Flags:
    """Return where an array (…, B) is something in any world; of traced numbers, where it is not known to be nothing."""
    if isinstance(array, np.ndarray):
        return array.max(axis=-1) > 0.0
    return array.may_be_something()[..., 0]


def _now(calendar: Floats, period: Integers) -> Floats:
    """Return a calendar's values in each world's period, (places, B)."""
    return calendar[period % len(calendar)].T.copy()
