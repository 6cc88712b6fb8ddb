"""What follows from the shape of a network: who supplies whom, in which order, and how much demand passes through a site."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from allotment.scenario.problem import Flags, Floats, Integers, Lanes


def cycles(lanes: Lanes, sites: int) -> Integers:
    """Return a number for each site, (S,), equal where sites supply each other, be it through others."""
    between = lanes.site >= 0
    graph = csr_array((np.ones(between.sum()), (lanes.site[between], lanes.to[between])), shape=(sites, sites))
    return connected_components(graph, directed=True, connection="strong")[1].astype(np.int64)


def reachable(lanes: Lanes, cycle: Integers) -> Flags:
    """Return which sites the goods of each may reach, itself included, (S, S), without going round a cycle."""
    reached = np.eye(len(cycle), dtype=bool)
    for site in from_downstream(lanes, cycle):
        for lane in np.flatnonzero(lanes.site == site):
            if cycle[lanes.to[lane]] != cycle[site]:
                reached[site] |= reached[lanes.to[lane]]
    return reached


def from_downstream(lanes: Lanes, cycle: Integers) -> Integers:
    """Return the sites in an order in which each comes before those that supply it, else in file order."""
    sites = len(cycle)
    supplies = {
        (int(source), int(to))
        for source, to in zip(lanes.site, lanes.to, strict=True)
        if source >= 0 and cycle[source] != cycle[to]
    }
    order: list[int] = []
    while len(order) < sites:
        free = (site for site in range(sites) if site not in order and _all_before(site, supplies, cycle, order))
        order.append(next(free))
    return np.array(order)


def _all_before(site: int, supplies: set[tuple[int, int]], cycle: Integers, order: list[int]) -> bool:
    """Tell whether everything that a site's cycle supplies outside of it has its place already."""
    together = np.flatnonzero(cycle == cycle[site])
    return all(to in order for source, to in supplies if source in together)


def expected_demand(lanes: Lanes, order: Integers, own: Floats) -> Floats:
    """Return the mean demand that a site has to serve, (S, K) units/period.

    It is the demand near it, `own` (S, K), or where there is none its share of what the sites that it supplies have to serve:
    each site's demand is split equally among those that may supply it. Where there is nothing downstream, it is an equal share
    of all demand for the SKU.
    """
    expected = own.copy()
    for site in order:
        passed = np.zeros(own.shape[1])
        for lane in np.flatnonzero((lanes.site == site) & (lanes.to != site)):
            to = lanes.to[lane]
            suppliers = np.maximum((lanes.allowed & (lanes.to == to)[:, None]).sum(axis=0), 1)
            passed += np.where(lanes.allowed[lane], expected[to] / suppliers, 0.0)
        expected[site] = np.where(own[site] > 0.0, own[site], passed)
    share = own.sum(axis=0) / len(own)
    expected = np.where(expected > 0.0, expected, share)
    return np.where(expected > 0.0, expected, 1.0)
