"""How much memory a world may take: what would be larger is refused by name, with its size, before any of it is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from allotment.scenario.errors import ScenarioError

MOST_NUMBERS = 2**27  # of one kind, such as prices by period, lane and SKU: 1 GiB
MOST_ENTRIES = 100_000  # of a list, once short names and patterns are written out
GIB = 2**30


def memory_of_machine() -> int:
    """Return the bytes of memory of this machine, or 16 GiB where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 16 * GIB


def in_gib(numbers: float) -> str:
    """Return the size of so many numbers in memory."""
    return f"{numbers * 8 / GIB:,.3g} GiB"


def check_numbers(what: str, axes: Mapping[str, int]) -> None:
    """Refuse arrays that would not fit: `ScenarioError` says what they hold along which axes, and how much that takes."""
    numbers = math.prod(axes.values())
    if numbers > MOST_NUMBERS:
        product = " × ".join(f"{length:,} {axis}" for axis, length in axes.items())
        raise ScenarioError(f"{what}: {product} take {in_gib(numbers)}, more than {in_gib(MOST_NUMBERS)}")


def check_entries(what: str, entries: int) -> None:
    """Refuse a list that is too long: `ScenarioError`."""
    if entries > MOST_ENTRIES:
        raise ScenarioError(f"{what}: {entries:,} entries, more than {MOST_ENTRIES:,}")
