"""Days that several tests share: one pool that all want, days drawn at random, and a check of feasibility written apart."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from allotment.allocation.day import NONE, Claims, Day, Options, Pools, reason

ROUNDING = 1e-6


def one_pool(wanted, supply, receipts=(), value=1.0, whole=True, **claims):
    """Return claims on one site's stock, with receipts on days 1, 2, …; every claim may ship on every day."""
    supplies = [supply, *receipts]
    dates = len(supplies)
    pools = Pools(np.array([supplies], dtype=float), np.array([0]), np.array([0]), np.array([False]))
    claim = np.repeat(np.arange(len(wanted)), dates)
    options = Options.of(
        claim,
        np.zeros(len(claim)),
        date=np.tile(np.arange(dates), len(wanted)),
        arrival=np.tile(np.arange(dates), len(wanted)),
        value=np.repeat(np.broadcast_to(value, len(wanted)), dates),
    )
    return Day(Claims.of(np.array(wanted, dtype=float), **claims), pools, options, np.zeros(0), whole)


def sites(stock, wanted, value=1.0, distance=0.0, capacity=None, preference=0.0, **claims):
    """Return claims that every site of a stock may serve; value and distance by (claim, site), capacity of each site."""
    stock, wanted = np.array(stock, dtype=float), np.array(wanted, dtype=float)
    claim, site = (axis.ravel() for axis in np.indices((len(wanted), len(stock))))
    shape = len(wanted), len(stock)
    options = Options.of(
        claim,
        site,
        limits=None if capacity is None else site,
        value=np.broadcast_to(value, shape).ravel(),
        distance=np.broadcast_to(distance, shape).ravel(),
        preference=np.broadcast_to(preference, shape).ravel(),
    )
    none = np.zeros(len(stock), dtype=np.int64)
    pools = Pools(stock[:, None], np.arange(len(stock)), none, none.astype(bool))
    return Day(Claims.of(wanted, **claims), pools, options, np.array([] if capacity is None else capacity, dtype=float))


def shipped(day, drawn):
    """Return what each site ships to each claim, (claims, sites)."""
    units = np.zeros((len(day.claims.wanted), 1 + day.options.site.max()))
    np.add.at(units, (day.options.claim, day.options.site), drawn.sum(axis=1))
    return units.tolist()


@st.composite
def any_day(draw, whole=None, plain=False):
    """Draw a day: several sites, SKUs, dates, reservations, limits and smallest shipments, or of the plainest kind."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = draw(st.booleans()) if whole is None else whole
    claims, places, skus = draw(st.integers(1, 7)), draw(st.integers(1, 4)), 1 if plain else draw(st.integers(1, 2))
    dates = 1 if plain else draw(st.integers(1, 3))
    reserved = 0 if plain else draw(st.integers(0, 3))

    def units(size, most):
        amounts = rng.integers(0, most + 1, size) * (rng.random(size) < 0.8)
        return amounts.astype(float) if whole else amounts * rng.random(size)

    wanted = units(claims, 20)
    committed = np.minimum(units(claims, 10) * (rng.random(claims) < 0.4), wanted)
    channel, sku = rng.integers(0, 2, claims), rng.integers(0, skus, claims)
    site_of, sku_of = (axis.ravel() for axis in np.indices((places, skus)))
    site_of = np.append(site_of, rng.integers(0, places, reserved))
    sku_of = np.append(sku_of, rng.integers(0, skus, reserved))
    supply = units((len(site_of), dates), 15)
    supply[places * skus :, 1:] = 0.0
    owner = rng.integers(0, claims, reserved)
    claim, site, date = (axis.ravel() for axis in np.indices((claims, places, dates)))
    free = site * skus + sku[claim]
    pools = [free]
    for number in range(reserved):
        pool = places * skus + number
        own = (owner[number] == claim) & (site_of[pool] == site) & (sku_of[pool] == sku[claim])
        pools.insert(0, np.where(own, pool, NONE))
    size = len(claim)
    limits = [np.where(rng.random(size) < 0.9, site * 2 + channel[claim], NONE)]
    if not plain and rng.random() < 0.5:
        limits.append(places * 2 + site)
    blocked = np.where(rng.random(size) < 0.2, rng.choice([reason("lane"), reason("deadline")], size), 0)
    minimum = units(claims, 8) * (rng.random(claims) < (0.0 if plain else 0.3))
    return Day(
        claims=Claims.of(
            wanted,
            committed=committed,
            minimum=minimum,
            priority=rng.integers(1, 3, claims),
            due=rng.integers(0, 4, claims),
            ordered=rng.integers(0, 3, claims),
            channel=channel,
        ),
        pools=Pools(supply, site_of, sku_of, np.arange(len(site_of)) >= places * skus),
        options=Options.of(
            claim,
            np.column_stack(pools),
            site=site,
            date=date,
            arrival=date + rng.integers(0, 2, size),
            limits=np.column_stack(limits),
            value=rng.integers(-3, 20, size),
            distance=rng.integers(0, 9, size),
            preference=rng.integers(0, 3, size),
            blocked=blocked,
        ),
        capacity=np.where(rng.random(places * 3) < 0.2, np.inf, units(places * 3, 20)),
        whole=whole,
    )


def violations(day, drawn):
    """Return what an allocation breaks, in words: written out claim by claim and pool by pool, apart from the rules."""
    found = []
    options, units = day.options, drawn.sum(axis=1)
    if not np.isfinite(drawn).all() or (drawn < -ROUNDING).any():
        found.append("a draw is negative or no number")
    if day.whole and (drawn != np.round(drawn)).any():
        found.append("a draw is not whole")
    for option in range(len(units)):
        if units[option] > ROUNDING and options.blocked[option]:
            found.append(f"option {option} is blocked and ships")
        for draw, pool in enumerate(options.pools[option]):
            if pool == NONE and drawn[option, draw] > ROUNDING:
                found.append(f"option {option} draws on nothing")
        if ROUNDING < units[option] < day.claims.minimum[options.claim[option]] - ROUNDING:
            found.append(f"option {option} ships {units[option]}, below the minimum")
    for claim, wanted in enumerate(day.claims.wanted):
        if units[options.claim == claim].sum() > wanted + ROUNDING:
            found.append(f"claim {claim} gets more than {wanted}")
    for limit, capacity in enumerate(day.capacity):
        if units[(options.limits == limit).any(axis=1)].sum() > capacity + ROUNDING:
            found.append(f"limit {limit} is exceeded")
    for pool in range(len(day.pools.supply)):
        for date in range(day.pools.supply.shape[1]):
            by_then = options.date <= date
            drawn_by = drawn[by_then][options.pools[by_then] == pool].sum()
            if drawn_by > day.pools.supply[pool, : date + 1].sum() + ROUNDING:
                found.append(f"pool {pool} gives too much by date {date}")
    return found


def wasted(day, drawn):
    """Return options by which a claim could still get what it wants and a shipment may carry."""
    units, options = drawn.sum(axis=1), day.options
    found = []
    for option in np.flatnonzero(day.usable):
        claim, date = options.claim[option], options.date[option]
        amounts = [day.claims.wanted[claim] - units[options.claim == claim].sum()]
        for limit in options.limits[option]:
            if limit != NONE:
                amounts.append(day.capacity[limit] - units[(options.limits == limit).any(axis=1)].sum())
        stock = 0.0
        for pool in options.pools[option]:
            if pool != NONE:
                left = []
                for later in range(date, day.pools.supply.shape[1]):
                    by_then = options.date <= later
                    given = drawn[by_then][options.pools[by_then] == pool].sum()
                    left.append(day.pools.supply[pool, : later + 1].sum() - given)
                stock += max(min(left), 0.0)
        more = min(*amounts, stock) if len(amounts) > 1 else min(amounts[0], stock)
        if more > ROUNDING and units[option] + more >= day.claims.minimum[claim] - ROUNDING:
            found.append((int(option), float(more)))
    return found
