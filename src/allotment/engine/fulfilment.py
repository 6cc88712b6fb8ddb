"""Serving customers: pairs of fulfilment lane and SKU in the order of the scenario's rule, group by group.

The pairs of a group rank equally at one site; where something is scarce they share it in proportion to what they want.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allotment.engine.rationing import ration
from allotment.engine.state import Flows, State
from allotment.scenario.problem import Floats, Integers, Problem


class _Left(NamedTuple):
    """What can still be shipped, changed as groups are served."""

    on_hand: Floats  # (B, S, K) units
    open_orders: Floats  # (B, C, K) units
    lane: Floats  # (B, F) units
    handling: Floats  # (B, S) units
    shipped: Floats  # (B, F, K) units so far


def fulfil(problem: Problem, state: State, flows: Flows) -> tuple[State, Flows]:
    """Ship in the order of the rule; then what is not served is lost or stays open."""
    batch = len(state.period)
    leaves = problem.lanes.site[None, :] == np.arange(len(problem.sharing.handling))[:, None]
    transferred = np.einsum("sl,blk->bs", leaves.astype(float), flows.executed)
    left = _Left(
        on_hand=state.on_hand.sum(axis=-1),
        open_orders=state.open_orders.sum(axis=-1),
        lane=np.tile(problem.serving.capacity, (batch, 1)),
        handling=problem.sharing.handling - transferred,
        shipped=np.zeros((batch, *problem.prices.outbound_freight.shape)),
    )
    for start, stop in zip(problem.serving.group_start[:-1], problem.serving.group_start[1:], strict=True):
        _serve(problem, left, problem.serving.pair_lane[start:stop], problem.serving.pair_sku[start:stop])
    lost = np.where(problem.serving.lost[:, None], left.open_orders, 0.0)
    state = state._replace(on_hand=left.on_hand[..., None], open_orders=(left.open_orders - lost)[..., None])
    return state, flows._replace(shipped=left.shipped, lost=lost)


def _serve(problem: Problem, left: _Left, lanes: Integers, skus: Integers) -> None:
    """Ship to one group as much as its customers want and stock, lanes and handling allow."""
    site, channels = problem.serving.site[lanes[0]], problem.serving.channel[lanes]
    wanted = left.open_orders[:, channels, skus]
    for members, limit in _limits(left, site, lanes, skus):
        none = np.zeros(members.sum(), dtype=int)
        limit = np.maximum(limit, 0.0)
        wanted[:, members] = ration(wanted[:, members], none, limit, problem.sharing.whole, problem.sharing.largest_remainder)
    left.on_hand[:, site, skus] = np.maximum(left.on_hand[:, site, skus] - _sum_by(skus, wanted), 0.0)
    left.open_orders[:, channels, skus] -= wanted
    for lane in np.unique(lanes):
        left.lane[:, lane] -= wanted[:, lanes == lane].sum(axis=1)
    left.handling[:, site] -= wanted.sum(axis=1)
    left.shipped[:, lanes, skus] += wanted


def _limits(left: _Left, site: int, lanes: Integers, skus: Integers):
    """Yield which pairs share a limit and the limit (B,): the stock of each SKU, each lane, the site's handling."""
    for sku in np.unique(skus):
        yield skus == sku, left.on_hand[:, site, sku]
    for lane in np.unique(lanes):
        yield lanes == lane, left.lane[:, lane]
    yield np.ones(len(lanes), dtype=bool), left.handling[:, site]


def _sum_by(skus: Integers, units: Floats) -> Floats:
    """Return for each pair the sum over all pairs of its SKU, so that assigning it once for each changes nothing."""
    return units @ (skus[:, None] == skus[None, :]).astype(float)
