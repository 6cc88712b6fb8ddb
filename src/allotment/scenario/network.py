"""What follows from the shape of a network: who supplies whom, in which order, and how much demand passes through a site."""

from __future__ import annotations

from collections import defaultdict
from heapq import heapify, heappop, heappush

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from allotment.scenario.amounts import SMALLEST
from allotment.scenario.problem import Flags, Floats, Integers, Lanes


def cycles(lanes: Lanes, sites: int) -> Integers:
    """Return a number for each site, (S,), equal where sites supply each other, be it through others."""
    between = lanes.site >= 0
    graph = csr_array((np.ones(between.sum()), (lanes.site[between], lanes.to[between])), shape=(sites, sites))
    return connected_components(graph, directed=True, connection="strong")[1].astype(np.int64)


def reachable(lanes: Lanes, cycle: Integers) -> Flags:
    """Return which sites the goods of each may reach, itself included, (S, S), without going round a cycle."""
    reached, by_site = np.eye(len(cycle), dtype=bool), _lanes_of(lanes, len(cycle))
    for site in from_downstream(lanes, cycle):
        for lane in by_site[site]:
            if cycle[lanes.to[lane]] != cycle[site]:
                reached[site] |= reached[lanes.to[lane]]
    return reached


def _lanes_of(lanes: Lanes, sites: int) -> list[Integers]:
    """Return the lanes that lead from each site."""
    order = np.argsort(lanes.site, kind="stable")
    return np.split(order, np.searchsorted(lanes.site[order], np.arange(sites)))[1:]


def from_downstream(lanes: Lanes, cycle: Integers) -> Integers:
    """Return the sites in an order in which each comes before those that supply it, else in file order."""
    supplied: dict[int, set[int]] = defaultdict(set)  # by cycle, what must come before it
    suppliers: dict[int, set[int]] = defaultdict(set)  # by site, the cycles that must come after it
    for source, to in zip(lanes.site, lanes.to, strict=True):
        if source >= 0 and cycle[source] != cycle[to]:
            supplied[int(cycle[source])].add(int(to))
            suppliers[int(to)].add(int(cycle[source]))
    members: dict[int, list[int]] = defaultdict(list)
    for site, group in enumerate(cycle):
        members[int(group)].append(site)
    free = [site for group, sites in members.items() if not supplied[group] for site in sites]
    heapify(free)
    order: list[int] = []
    while free:
        order.append(heappop(free))
        for group in suppliers[order[-1]]:
            supplied[group].remove(order[-1])
            for site in members[group] if not supplied[group] else ():
                heappush(free, site)
    return np.array(order)


def expected_demand(lanes: Lanes, order: Integers, own: Floats) -> Floats:
    """Return the mean demand that a site has to serve, (S, K) units/period.

    It is the demand near it, `own` (S, K), or where there is none its share of what the sites that it supplies have to serve:
    each site's demand is split equally among those that may supply it. Where there is nothing downstream, it is an equal share
    of all demand for the SKU.
    """
    expected, by_site = own.copy(), _lanes_of(lanes, len(own))
    suppliers = np.zeros(own.shape)
    np.add.at(suppliers, lanes.to, lanes.allowed)
    for site in order:
        passed = np.zeros(own.shape[1])
        for lane in by_site[site][lanes.to[by_site[site]] != site]:
            to = lanes.to[lane]
            passed += np.where(lanes.allowed[lane], expected[to] / np.maximum(suppliers[to], 1.0), 0.0)
        expected[site] = np.where(own[site] > SMALLEST, own[site], passed)
    share = own.sum(axis=0) / len(own)
    expected = np.where(expected > SMALLEST, expected, share)
    return np.where(expected > SMALLEST, expected, 1.0)
