"""A small scenario that is right in every way, for tests to break or extend."""

from __future__ import annotations

import copy
from typing import Any

SCENARIO: dict[str, Any] = {
    "name": "small",
    "horizon": {"periods": 10},
    "skus": [{"name": "tin", "unit_cost": 2, "price": 5}, {"name": "jar", "unit_cost": 4, "price": 9}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "depot", "initial_stock": 20}, {"name": "store", "kind": "store"}],
    "channels": [{"name": "web"}, {"name": "shop"}],
    "supply_lanes": [{"from": "mill", "to": "depot", "lead_time": 2}, {"from": "depot", "to": "store"}],
    "fulfilment_lanes": [{"from": "store", "to": "shop"}, {"from": "depot", "to": "web"}],
    "demand": [{"process": {"distribution": "poisson", "mean": 3}}],
}


def small(*changes: tuple[str, Any], **sections: Any) -> dict[str, Any]:
    """Return the scenario with values in place at paths such as `sites.0.handling`, and whole sections replaced."""
    content = copy.deepcopy(SCENARIO) | sections
    for path, value in changes:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        part: Any = content
        for step in steps:
            part = part[step]
        part[last] = value
    return content


def without(path: str) -> dict[str, Any]:
    """Return the scenario without the entry at a path."""
    content = copy.deepcopy(SCENARIO)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    part: Any = content
    for step in steps:
        part = part[step]
    del part[last]
    return content
