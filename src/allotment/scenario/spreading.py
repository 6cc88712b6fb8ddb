"""From an amount as a file writes it to numbers: one for each name, and one for each period of a calendar.

A name's own entry wins over a pattern, a longer pattern over a shorter one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from allotment.scenario.amounts import Uniform
from allotment.scenario.errors import ScenarioError
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Flags, Floats
from allotment.scenario.sizes import check_numbers
from allotment.scenario.streams import stream_key


def spread(value: Any, names: Sequence[str], where: str, needed: Flags | None = None, seed: tuple[str, ...] = ()) -> Floats:
    """Return one number for each name, (names,), from a number, a mapping of patterns to numbers, or a `Uniform`.

    A name without an entry is an error where it is `needed` (all are by default), else it gets 0. `seed` are words that what is
    left to chance depends on, beside the name.
    """
    numbers = calendar(value, names, where, needed, seed)
    if len(numbers) > 1:
        raise ScenarioError(f"{where} must be one number, not one for each of {len(numbers)} periods")
    return numbers[0]


def calendar(value: Any, names: Sequence[str], where: str, needed: Flags | None = None, seed: tuple[str, ...] = ()) -> Floats:
    """Return a number for each period of a calendar and each name, (periods, names); one period where nothing changes."""
    if isinstance(value, Uniform):
        return np.array([[drawn(value, *seed, name) for name in names]])
    if not isinstance(value, Mapping):
        check_numbers(where, {"periods": len(_periods(value)), "names": len(names)})
        return np.tile(np.array(_periods(value), dtype=float)[:, None], (1, len(names)))
    length = max((len(_periods(each)) for each in value.values()), default=1)
    check_numbers(where, {"periods": length, "names": len(names)})
    numbers, places = np.full((length, len(names)), np.nan), {name: place for place, name in enumerate(names)}
    for pattern in sorted(value, key=lambda key: (key in places, len(key))):
        periods = _periods(value[pattern])
        if len(periods) not in (1, length):
            raise ScenarioError(
                f"{where}.{pattern} has {len(periods)} periods, another entry {length}; a calendar has one length"
            )
        found = [places[pattern]] if pattern in places else matching(pattern, names, where)
        numbers[:, found] = np.array(periods, dtype=float)[:, None]
    missing = np.isnan(numbers[0]) if needed is None else np.isnan(numbers[0]) & needed
    if missing.any():
        raise ScenarioError(f"{where} has no entry for {names[int(missing.argmax())]!r}")
    return np.nan_to_num(numbers)


def own(value: Any, where: str, *seed: str) -> Floats:
    """Return the numbers of a part that has one SKU by period of a calendar, (periods,)."""
    return calendar(value, [""], where, seed=seed)[:, 0]


def by_period(values: Sequence[Any], missing: float) -> Floats:
    """Return limits of several parts, each a number, one for each period or none, as (periods, parts)."""
    length = _common(len(_periods(value)) for value in values)
    check_numbers("limits by period", {"periods": length, "lanes or places": len(values)})
    columns = [np.resize(_periods(missing if value is None else value), length) for value in values]
    return np.stack(columns, axis=1).astype(float)


def aligned(parts: Sequence[Floats]) -> Floats:
    """Stack the calendars of several parts, each (periods, …), along a new axis behind the first: (periods, parts, …)."""
    length = _common(len(part) for part in parts)
    check_numbers("prices by period", {"periods": length, "numbers": sum(part[0].size for part in parts)})
    return np.stack([np.tile(part, (length // len(part), *[1] * (part.ndim - 1))) for part in parts], axis=1)


def drawn(value: Uniform, *seed: str) -> float:
    """Return the number that words draw from a `Uniform`, the same on every machine."""
    low, high = value.uniform
    share = stream_key("generate", *seed) / 2.0**64
    return round(low + share * (high - low), value.digits)


def _common(lengths: Iterable[int]) -> int:
    """Return after how many periods calendars of different lengths start again together."""
    return math.lcm(*set(lengths))


def _periods(value: Any) -> Sequence[float]:
    return value if isinstance(value, list | tuple) else [value]
