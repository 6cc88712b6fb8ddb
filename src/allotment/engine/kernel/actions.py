"""Actions of a network as decisions, in compiled code: what `decisions.encodings` says, in a block of worlds at once.

The actions of all worlds stand in `ACTIONS`, (worlds, n). `ENCODING` says what they stand for; the other arrays of actions say
which of them decides which lane and SKU, and how much the largest stands for.
"""

from __future__ import annotations

import math

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, entry, floats1, floats2, floats3, floats4, inline, integers1, integers2, linked
from allotment.engine.exponential import exponential_of
from allotment.engine.kernel.deciding import add_moved, clear_moved, count_moved, decide_by_rule, find_position
from allotment.engine.kernel.observation import observe_block
from allotment.engine.kernel.period import block_at, first_not_finite, step_block

ENCODINGS = ("quantity", "order_up_to", "residual", "discrete")  # that compiled code decodes
QUANTITY, ORDER_UP_TO, RESIDUAL, DISCRETE = range(len(ENCODINGS))


@entry
def act(table):  # type: ignore[no-untyped-def]
    """Decide as the actions say, play a period, and write what is seen after it, block by block.

    Returns -1, or the place of the first action that is not allowed, or, behind all actions, of the first quantity that is too
    large; nothing is played then.
    """
    fault = first_wrong(table)
    if fault >= 0:
        return fault
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count = block_at(table, first)
        decode(table, period[first], np.uint64(first), count)
        first += count
    fault, first = first_not_finite(table), 0
    if fault >= 0:
        return floats2(table, f.ACTIONS).size + fault
    while first < period.shape[0]:
        count = block_at(table, first)
        now, start = period[first], np.uint64(first)
        step_block(table, now, start, count)
        observe_block(table, now + 1, start, count)
        first += count
    return -1


@entry
def order(table):  # type: ignore[no-untyped-def]
    """Write what the actions of all worlds decide; returns the place of the first that is not allowed, else -1."""
    fault, period, first = first_wrong(table), integers1(table, f.PERIOD), 0
    while fault < 0 and first < period.shape[0]:
        count = block_at(table, first)
        decode(table, period[first], np.uint64(first), count)
        first += count
    return fault


@linked
def first_wrong(table: int) -> int:
    """Return the place of the first action that is not finite, or no position in the list; -1 where none is."""
    actions, positions = floats2(table, f.ACTIONS), floats1(table, f.ACTION_LIMIT)
    discrete = integers1(table, f.ENCODING)[0] == DISCRETE
    for world in range(actions.shape[0]):
        for place in range(actions.shape[1]):
            action = actions[world, place]
            if not math.isfinite(action):
                return world * actions.shape[1] + place
            if discrete and not (0.0 <= action <= positions[0] and action == math.floor(action)):
                return world * actions.shape[1] + place
    return -1


@linked
def decode(table: int, now: int, first: World, count: int) -> None:
    """Write the decisions of a block of worlds."""
    encoding = integers1(table, f.ENCODING)[0]
    if encoding == ORDER_UP_TO:
        raise_to_targets(table, first, count)
    elif encoding == RESIDUAL:
        decide_by_rule(table, now, 1, first, count)
        correct(table, first, count)
    else:
        take_quantities(table, encoding == DISCRETE, first, count)
    if floats2(table, f.ALLOCATION_LIMIT).shape[0] > 0:
        take_allocation(table, first, count)
    if floats3(table, f.PROTECTION_LIMIT).shape[1] > 0:
        take_protection(table, first, count)
    if floats1(table, f.BUDGET_LIMIT).shape[0] > 0:
        take_budget(table, first, count)


@inline
def share_of_most(action):  # type: ignore[no-untyped-def]
    """Return which share of the most an action stands for: none at -1 and below, all at 1 and above."""
    return 0.5 * (min(max(action, -1.0), 1.0) + 1.0)


@linked
def take_quantities(table: int, discrete: int, first: World, count: int) -> None:
    """Each action is the order of its lane and SKU: a share of the largest, or the number itself."""
    orders, limit, actions = floats3(table, f.DECISION_ORDERS), floats1(table, f.ACTION_LIMIT), floats2(table, f.ACTIONS)
    lane, sku, action_of = integers1(table, f.ACTION_LANE), integers1(table, f.ACTION_SKU), integers1(table, f.ACTION_OF)
    for cell in range(lane.shape[0]):
        place = action_of[cell]
        for j in range(count):
            world = first + np.uint64(j)
            action = actions[world, place]
            orders[lane[cell], sku[cell], world] = action if discrete else share_of_most(action) * limit[cell]


@linked
def correct(table: int, first: World, count: int) -> None:
    """Correct what the rule wants by an action for each lane and SKU; nothing is ordered below 0."""
    orders, scale, actions = floats3(table, f.DECISION_ORDERS), floats1(table, f.ACTION_LIMIT), floats2(table, f.ACTIONS)
    lane, sku, action_of = integers1(table, f.ACTION_LANE), integers1(table, f.ACTION_SKU), integers1(table, f.ACTION_OF)
    for cell in range(lane.shape[0]):
        place = action_of[cell]
        for j in range(count):
            world = first + np.uint64(j)
            orders[lane[cell], sku[cell], world] += min(max(actions[world, place], -1.0), 1.0) * scale[cell]
    for each in range(orders.shape[0]):
        for which in range(orders.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                orders[each, which, world] = max(orders[each, which, world], 0.0)


@linked
def raise_to_targets(table: int, first: World, count: int) -> None:
    """Raise positions to targets, SKU by SKU: transfers first, each its share of what is lacking; suppliers share the rest."""
    orders, targets = floats3(table, f.DECISION_ORDERS), floats2(table, f.TARGET_LIMIT)
    target, actions = floats2(table, f.TARGET), floats2(table, f.ACTIONS)
    score_lanes(table, first, count)
    for sku in range(orders.shape[1]):
        find_position(table, sku, first, count)
        for site in range(targets.shape[0]):
            place = site * targets.shape[1] + sku
            for j in range(count):
                world = first + np.uint64(j)
                target[site, world] = share_of_most(actions[world, place]) * targets[site, sku]
        weigh(table, sku, first, count)
        if integers1(table, f.SETTINGS)[f.TRANSFERS]:
            clear_moved(table, first, count)
            share_shortfall(table, sku, 1, first, count)
            count_moved(table, first, count)
        share_shortfall(table, sku, 0, first, count)


@linked
def score_lanes(table: int, first: World, count: int) -> None:
    """Write what the actions say of each lane, beside the others that lead to its site."""
    scores, actions, of_lane = floats2(table, f.LANE_SCORE), floats2(table, f.ACTIONS), integers1(table, f.SCORE_ACTION)
    sharpness = floats1(table, f.SHARPNESS)[0]
    for lane in range(of_lane.shape[0]):
        place = of_lane[lane]
        for j in range(count):
            world = first + np.uint64(j)
            scores[lane, world] = exponential_of(sharpness * min(max(actions[world, place], -1.0), 1.0)) if place >= 0 else 1.0


@linked
def weigh(table: int, sku: int, first: World, count: int) -> None:
    """Write each lane's share of what its site lacks of an SKU; shares of a site sum to 1."""
    scores, weights, together = floats2(table, f.LANE_SCORE), floats2(table, f.LANE_WEIGHT), floats2(table, f.SITE_WEIGHT)
    allowed, to = integers2(table, f.LANES_ALLOWED), integers1(table, f.LANES_TO)
    for lane in range(to.shape[0]):
        carried = 1.0 if allowed[lane, sku] else 0.0
        for j in range(count):
            world = first + np.uint64(j)
            weights[lane, world] = scores[lane, world] * carried
    add_weights(table, 0, first, count)
    for lane in range(to.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            all_of_them = together[to[lane], world]
            weights[lane, world] /= all_of_them if all_of_them > 0.0 else 1.0


@linked
def add_weights(table: int, suppliers: int, first: World, count: int) -> None:
    """Write the weights of each site's lanes together: of all, or of those of suppliers."""
    weights, together, to = floats2(table, f.LANE_WEIGHT), floats2(table, f.SITE_WEIGHT), integers1(table, f.LANES_TO)
    source = integers1(table, f.LANES_SITE)
    for site in range(together.shape[0]):
        for j in range(count):
            together[site, first + np.uint64(j)] = 0.0
    for lane in range(to.shape[0]):
        if not suppliers or source[lane] < 0:
            for j in range(count):
                world = first + np.uint64(j)
                together[to[lane], world] += weights[lane, world]


@linked
def share_shortfall(table: int, sku: int, between: int, first: World, count: int) -> None:
    """Order each lane's share of what its site lacks up to its target: on lanes between sites, or on those of suppliers."""
    orders, weights, together = floats3(table, f.DECISION_ORDERS), floats2(table, f.LANE_WEIGHT), floats2(table, f.SITE_WEIGHT)
    position, target, to = floats2(table, f.POSITION_NOW), floats2(table, f.TARGET), integers1(table, f.LANES_TO)
    source = integers1(table, f.LANES_SITE)
    if not between:
        add_weights(table, 1, first, count)
    for lane in range(to.shape[0]):
        site = to[lane]
        if (source[lane] >= 0) != between:
            continue
        for j in range(count):
            world = first + np.uint64(j)
            share = weights[lane, world]
            if not between:
                share /= together[site, world] if together[site, world] > 0.0 else 1.0
            orders[lane, sku, world] = share * max(target[site, world] - position[site, world], 0.0)
        if between:
            add_moved(table, sku, lane, first, count)


@linked
def take_allocation(table: int, first: World, count: int) -> None:
    """The last actions but those of protection and budgets: what each lane of fulfilment ships of each SKU."""
    allocation, limit, actions = (
        floats3(table, f.DECISION_ALLOCATION),
        floats2(table, f.ALLOCATION_LIMIT),
        floats2(table, f.ACTIONS),
    )
    place = actions.shape[1] - floats3(table, f.PROTECTION_LIMIT).size - floats1(table, f.BUDGET_LIMIT).size - limit.size
    for lane in range(limit.shape[0]):
        for sku in range(limit.shape[1]):
            for j in range(count):
                world = first + np.uint64(j)
                allocation[lane, sku, world] = share_of_most(actions[world, place]) * limit[lane, sku]
            place += 1


@linked
def take_protection(table: int, first: World, count: int) -> None:
    """The last actions but those of budgets: what classes below each but the last may not use."""
    protection, limit, actions = (
        floats4(table, f.DECISION_PROTECTION),
        floats3(table, f.PROTECTION_LIMIT),
        floats2(table, f.ACTIONS),
    )
    place, last = actions.shape[1] - floats1(table, f.BUDGET_LIMIT).size - limit.size, limit.shape[1]
    for site in range(limit.shape[0]):
        for rank in range(limit.shape[1]):
            for sku in range(limit.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    protection[site, rank, sku, world] = share_of_most(actions[world, place]) * limit[site, rank, sku]
                place += 1
        for sku in range(limit.shape[2]):
            for j in range(count):
                protection[site, last, sku, first + np.uint64(j)] = 0.0


@linked
def take_budget(table: int, first: World, count: int) -> None:
    """The last actions: what each budget gets."""
    budget, limit, actions = floats2(table, f.DECISION_BUDGET), floats1(table, f.BUDGET_LIMIT), floats2(table, f.ACTIONS)
    start = actions.shape[1] - limit.shape[0]
    for place in range(limit.shape[0]):
        for j in range(count):
            world = first + np.uint64(j)
            budget[place, world] = share_of_most(actions[world, start + place]) * limit[place]
