"""Fulfilment lanes as arrays, and the order in which a fulfilment rule serves pairs of lane and SKU.

A rule is a sort key. Pairs with equal keys at one site form a group and share what is scarce in proportion.
"""

from __future__ import annotations

import numpy as np

from allotment.scenario.errors import ScenarioError
from allotment.scenario.lanes import freight
from allotment.scenario.patterns import matching, spread
from allotment.scenario.problem import Floats, Integers, Serving
from allotment.scenario.schema import Scenario


def compile_serving(scenario: Scenario) -> tuple[Serving, list[str], Floats]:
    """Return the fulfilment lanes and their serving order, their names `from → to`, and their freight (lanes, skus)."""
    sites = [site.name for site in scenario.sites]
    channels = [channel.name for channel in scenario.channels]
    ends, wheres = _expand(scenario, sites, channels)
    declared = [scenario.fulfilment_lanes[where] for where in wheres]
    site = np.array([sites.index(source) for source, _ in ends])
    channel = np.array([channels.index(to) for _, to in ends])
    outbound = np.stack(
        [
            freight(lane.freight, scenario, source, _region(scenario, to), f"fulfilment_lanes[{where}].freight")
            for lane, (source, to), where in zip(declared, ends, wheres, strict=True)
        ]
    )
    capacity = np.array([np.inf if lane.capacity is None else lane.capacity for lane in declared], dtype=float)
    coupled = bool(np.isfinite(capacity).any()) or any(place.handling is not None for place in scenario.sites)
    pair_lane, pair_sku, group_start = _serving_order(_keys(scenario, channel, outbound), site, coupled)
    serving = Serving(
        site=site,
        channel=channel,
        capacity=capacity,
        pair_lane=pair_lane,
        pair_sku=pair_sku,
        group_start=group_start,
        lost=np.array([part.unmet == "lost" for part in scenario.channels]),
        home=_homes(site, channel, outbound, len(channels)),
    )
    return serving, [f"{source} → {to}" for source, to in ends], outbound


def _expand(scenario: Scenario, sites: list[str], channels: list[str]) -> tuple[list[tuple[str, str]], list[int]]:
    """Return every lane the wildcards stand for and its place in the file."""
    found: dict[tuple[str, str], int] = {}
    for position, declared in enumerate(scenario.fulfilment_lanes):
        where = f"fulfilment_lanes[{position}]"
        for source in matching(declared.source, sites, f"{where}.from"):
            for to in matching(declared.to, channels, f"{where}.to"):
                pair = sites[source], channels[to]
                if pair in found:
                    raise ScenarioError(f"{where}: fulfilment_lanes[{found[pair]}] declares {pair[0]!r} → {pair[1]!r} already")
                found[pair] = position
    served = {to for _, to in found}
    for position, name in enumerate(channels):
        if name not in served:
            raise ScenarioError(f"channels[{position}]: nobody serves {name!r}; a fulfilment lane must lead to it")
    return list(found), list(found.values())


def _region(scenario: Scenario, channel: str) -> str:
    """Return where a channel's customers are: its region, else the channel itself."""
    region = next(part.region for part in scenario.channels if part.name == channel)
    return channel if region is None else region


def _homes(site: Integers, channel: Integers, outbound: Floats, channels: int) -> Integers:
    mean = outbound.mean(axis=1)
    cheapest = [min(np.flatnonzero(channel == c), key=lambda lane: mean[lane]) for c in range(channels)]
    return site[np.array(cheapest)]


def _keys(scenario: Scenario, channel: Integers, outbound: Floats) -> list[Floats]:
    """Return the rule's sort keys, the first the most important, each (lanes, skus), smaller first."""
    if scenario.fulfilment == "nearest":
        return [outbound]
    margin = selling_prices(scenario) - np.array([sku.unit_cost for sku in scenario.skus])
    history = np.array([part.fulfilment_history for part in scenario.channels])
    priority = np.array([part.priority for part in scenario.channels], dtype=float)
    unit_value = margin[channel] * history[channel, None] - outbound
    return [np.broadcast_to(priority[channel, None], outbound.shape), -unit_value]


def selling_prices(scenario: Scenario) -> Floats:
    """Return what a channel pays for a SKU, (channels, skus) in money/unit."""
    skus = [sku.name for sku in scenario.skus]
    own = np.array([sku.price for sku in scenario.skus])
    return np.stack(
        [
            own if channel.price is None else spread(channel.price, skus, f"channels[{position}].price")
            for position, channel in enumerate(scenario.channels)
        ]
    )


def _serving_order(keys: list[Floats], site: Integers, coupled: bool) -> tuple[Integers, Integers, Integers]:
    """Sort pairs by the keys, then by site; without shared capacities SKU by SKU, which comes to the same.

    Returns lane and SKU of each pair and where each group starts.
    """
    lanes, skus = keys[0].shape
    lane = np.repeat(np.arange(lanes), skus)
    sku = np.tile(np.arange(skus), lanes)
    columns = [key.ravel() for key in keys] + [site[lane].astype(float)]
    columns = columns if coupled else [sku.astype(float), *columns]
    order = np.lexsort([lane, sku, *reversed(columns)])
    sorted_columns = np.stack(columns)[:, order]
    begins = np.append(True, (np.diff(sorted_columns, axis=1) != 0).any(axis=0))
    return lane[order], sku[order], np.append(np.flatnonzero(begins), len(order))
