"""Days straight into the array functions: quantities from 0 to 1e12, values from 1e-12 to 1e12, ties, and all of it mixed.

What a rule gives must be possible (`small_days.violations` for small quantities, integers of any size here), and the optimum at
least as good as every other rule, or as the best of all allocations where these are few.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
from attacking import Attack
from small_days import violations

from allotment.allocation.day import NONE, Claims, Day, Options, Pools, reason
from allotment.allocation.rules import RULES

QUANTITIES = np.array([0, 1, 2, 3, 7, 1e3, 12_345, 1e6, 1e9, 1e11, 1e12 - 1, 1e12])
VALUES = np.array([0, 1, -1, 1e-6, 2e-6, 1e6, 1e12, 1e-12, 3.7, 5, 5, 5, -1e12, 123.456])


def draw(draws):
    """Draw a day of a few claims, sites, SKUs and dates, whole or not."""
    whole = bool(draws.random() < 0.6)
    claims, sites, skus, dates = (int(draws.integers(1, most)) for most in (8, 5, 3, 4))
    known = draws.choice(QUANTITIES, draws.integers(1, 5))

    def units(size):
        amounts = draws.choice(known, size)
        amounts = np.clip(amounts + draws.integers(-3, 4, size) * (draws.random() < 0.5), 0, 1e12)
        return amounts if whole else amounts * np.where(draws.random(size) < 0.5, 1.0, draws.random(size))

    wanted = units(claims)
    channel, sku = draws.integers(0, 2, claims), draws.integers(0, skus, claims)
    site_of, sku_of = (axis.ravel() for axis in np.indices((sites, skus)))
    claim, site, date = (axis.ravel() for axis in np.indices((claims, sites, dates)))
    size = len(claim)
    return Day(
        Claims.of(
            wanted,
            committed=np.minimum(units(claims) * (draws.random(claims) < 0.4), wanted) * (draws.random() < 0.5),
            minimum=units(claims) * (draws.random(claims) < 0.2),
            priority=draws.integers(1, 3, claims),
            due=draws.integers(0, 3, claims),
        ),
        Pools(units((sites * skus, dates)), site_of, sku_of, np.zeros(sites * skus, dtype=bool)),
        Options.of(
            claim,
            site * skus + sku[claim],
            site=site,
            date=date,
            arrival=date,
            limits=np.where(draws.random(size) < 0.9, site * 2 + channel[claim], NONE),
            value=draws.choice(draws.choice(VALUES, draws.integers(1, 5)), size),
            blocked=np.where(draws.random(size) < 0.1, reason("lane"), 0),
        ),
        np.where(draws.random(sites * 2) < 0.3, np.inf, units(sites * 2)),
        whole,
    )


def judge(day):
    """Allocate a day by every rule; returns whether the optimum is proven."""
    told = []
    given = {}
    for name, rule in RULES.items():
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            given[name] = rule(day)
        told += [str(warning.message) for warning in warned]
        assert not (broken := beyond(day, given[name])), (name, broken)
    assert all("not proven to be the best" in text for text in told), told
    if not told and (day.options.value > 0.0).any():
        best = worth(day, given["optimal"])
        for name, drawn in given.items():
            other = worth(day, drawn)
            scale = 1e-6 * max(1e-12, abs(best[1]), abs(other[1]), float(np.abs(day.options.value).max()) * 1e-3)
            slack = 0.0 if day.whole else 1e-9 * max(1.0, float(day.claims.wanted.max()))
            assert best[0] >= other[0] - slack, (name, best, other)
            assert best[0] > other[0] or best[1] >= other[1] - scale, (name, best, other)
    return "not proven" if told else "allocated"


def worth(day, drawn):
    """Return the units by which commitments fall short, below zero, and the value of the rest."""
    return -float(np.maximum(day.claims.committed - day.served(drawn), 0.0).sum()), day.value_of(drawn)


def beyond(day, drawn):
    """Return what is not possible: to the unit where units are whole, else to three billionths."""
    found = []
    slack = 0.0 if day.whole else 3e-9
    if (drawn < 0).any() or not np.isfinite(drawn).all() or (day.whole and (drawn != np.rint(drawn)).any()):
        found.append("no units")
    units = [int(each) if day.whole else float(each) for each in drawn.sum(axis=1)]
    options = day.options
    if any(amount and code for amount, code in zip(units, options.blocked, strict=True)):
        found.append("blocked")
    for option, amount in enumerate(units):
        if 0 < amount < day.claims.minimum[options.claim[option]] * (1 - slack) - slack:
            found.append(f"option {option} ships {amount}")
    sums = [(np.flatnonzero(options.claim == claim), wanted) for claim, wanted in enumerate(day.claims.wanted)]
    sums += [(np.flatnonzero((options.limits == limit).any(axis=1)), most) for limit, most in enumerate(day.capacity)]
    for pool, supply in enumerate(day.pools.supply):
        drawn_on = (options.pools == pool).any(axis=1)
        sums += [(np.flatnonzero(drawn_on & (options.date <= date)), supply[: date + 1].sum()) for date in range(len(supply))]
    for members, most in sums:
        total = sum(units[member] for member in members)
        if total > most + slack * max(1.0, min(total, most)):
            found.append(f"{total} of {most}")
    return found


def tiny(draws):
    """Draw a day of at most four options and three units each, in whole units."""
    wanted = draws.integers(0, 4, 2).astype(float)
    sku = int(draws.integers(0, 2))
    supply = draws.integers(0, 4, (4, 1)).astype(float)
    pools = Pools(supply, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.zeros(4, dtype=bool))
    values = draws.choice(VALUES[np.abs(VALUES) < 1e9], 4)
    options = Options.of([0, 0, 1, 1], [0, 2, sku, 2 + sku], site=[0, 1, 0, 1], limits=[0, 1, 0, 1], value=values)
    committed = np.minimum(wanted, draws.integers(0, 4, 2)) * (draws.random() < 0.5)
    claims = Claims.of(wanted, committed=committed, minimum=draws.choice([0, 0, 2], 2))
    return Day(claims, pools, options, draws.integers(0, 6, 2).astype(float))


def judge_tiny(day):
    """Compare the optimum with every allocation there is."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        best = RULES["optimal"](day) if (day.options.value > 0.0).any() else None
    if best is None:
        return "without value"
    every = (np.array(units, dtype=float)[:, None] for units in itertools.product(range(4), repeat=4))
    ranked = max(worth(day, units) for units in every if not violations(day, units))
    found = worth(day, best)
    equal = found[0] == ranked[0] and abs(found[1] - ranked[1]) <= 1e-6 * max(abs(ranked[1]), 1e-9)
    assert equal or told, (found, ranked)
    return "equal" if equal else "not proven"


ATTACKS = [Attack("days", draw, judge, seconds=60.0), Attack("tiny_days", tiny, judge_tiny)]
