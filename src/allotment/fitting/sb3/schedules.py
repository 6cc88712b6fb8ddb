"""Settings of an algorithm that change while it trains, by the names of their shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SCHEDULES: dict[str, Callable[[float, float, float], float]] = {  # of initial value, final value, share of training left
    "linear": lambda initial, final, left: final + left * (initial - final),
    "geometric": lambda initial, final, left: final * (initial / final) ** left,
}

SCHEDULED = ("learning_rate", "clip_range", "clip_range_vf")  # the settings that may change while training


def scheduled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an algorithm's settings with every `{schedule, initial, final}` replaced by its function of training left."""
    return {name: _function(value) if isinstance(value, Mapping) else value for name, value in settings.items()}


def _function(section: Mapping[str, Any]) -> Callable[[float], float]:
    shape = SCHEDULES[section["schedule"]]
    initial, final = float(section["initial"]), float(section["final"])
    return lambda left: shape(initial, final, left)
