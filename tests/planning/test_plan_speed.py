"""Ten thousand order lines on twenty warehouses, in seconds of processor time: what a neighbour's work costs is not counted."""

import time

import numpy as np
import pytest

from allotment.allocation.day import Claims, Day, Options, Pools, reason
from allotment.allocation.program import optimal
from allotment.allocation.sequences import priority

LINES, WAREHOUSES, CHANNELS = 10_000, 20, 3


def large_day(eligible):
    """Return the lines of three channels, of which each may be served by some warehouses; 77 % of demand is in stock."""
    rng = np.random.default_rng(0)
    claim, site = (axis.ravel() for axis in np.indices((LINES, WAREHOUSES)))
    wanted = rng.integers(1, 50, LINES).astype(float)
    channel = rng.integers(0, CHANNELS, LINES)
    stock = np.floor(rng.dirichlet(np.full(WAREHOUSES, 5.0)) * wanted.sum() * 0.77)
    none = np.zeros(WAREHOUSES, dtype=np.int64)
    closed = np.argsort(rng.random((LINES, WAREHOUSES)), axis=1) >= eligible
    return Day(
        Claims.of(wanted, priority=rng.integers(1, 4, LINES), due=rng.integers(0, 10, LINES)),
        Pools(stock[:, None], np.arange(WAREHOUSES), none, none.astype(bool)),
        Options.of(
            claim,
            site,
            limits=site * CHANNELS + channel[claim],
            value=np.array([91.0, 56.0, 60.0])[channel[claim]] - 0.02 * rng.integers(50, 3000, len(claim)),
            blocked=closed.ravel() * reason("lane"),
        ),
        capacity=np.repeat(np.floor(0.45 * stock), CHANNELS),
    )


def seconds(rule, day, repeats):
    """Return the processor time of the fastest of some repeats."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        rule(day)
        found.append(time.process_time() - start)
    return min(found)


def test_the_priority_rule_takes_less_than_fifty_milliseconds():
    assert seconds(priority, large_day(WAREHOUSES), repeats=20) < 0.05


@pytest.mark.parametrize(("eligible", "limit"), [(5, 5.0), (20, 30.0)])
def test_the_linear_programme_takes_seconds(eligible, limit):
    assert seconds(optimal, large_day(eligible), repeats=1) < limit
