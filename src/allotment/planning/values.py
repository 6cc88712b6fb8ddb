"""What a cell says: text from a file, or a typed value from a data frame, turned into a number, a name or a day.

Days are either dates written as 2013-05-26 or whole numbers of days; a cell is turned into one or the other, and `days` sees
to it that a plan has only one kind. Functions return None for an empty cell, and raise `ValueError` with what is allowed.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from typing import Any

from allotment.allocation.confirmation import STRATEGIES
from allotment.scenario.errors import nearest

Moment = datetime.date | int
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
WORDS = {"yes": 1.0, "true": 1.0, "1": 1.0, "no": 0.0, "false": 0.0, "0": 0.0}


def is_empty(cell: Any) -> bool:
    """Tell whether a cell says nothing."""
    return cell is None or cell == "" or cell != cell  # what is not itself is no number, or no time


def name(cell: Any) -> str:
    """Return a name, without blanks around it."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def number(cell: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number within bounds."""
    try:
        value = math.nan if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a number")
    if not least <= value <= most:
        raise ValueError(f"must be >= {least:g}" if most == math.inf else f"must be between {least:g} and {most:g}")
    return value


def day(cell: Any) -> Moment:
    """Return a date, or a whole number of days."""
    if isinstance(cell, datetime.datetime):
        return cell.date()
    if isinstance(cell, datetime.date):
        return cell
    text = str(cell).strip()
    try:
        if DATE.fullmatch(text):
            return datetime.date.fromisoformat(text)
        return int(text) if not isinstance(cell, float) else int(str(int(cell))) if cell.is_integer() else int(text)
    except ValueError:
        raise ValueError("must be a date like 2013-05-26 or a whole number of days") from None


def hour(cell: Any) -> float:
    """Return hours since midnight from a time like 14:30."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", str(cell).strip()[:5])
    if not found or not (int(found[1]) <= 24 and int(found[2]) < 60):
        raise ValueError("must be a time like 14:30")
    return int(found[1]) + int(found[2]) / 60


def flag(cell: Any) -> float:
    """Return 1 for yes and 0 for no."""
    word = str(cell).strip().lower()
    if word not in WORDS:
        raise ValueError("must be yes or no")
    return WORDS[word]


def strategy(cell: Any) -> float:
    """Return the place of a strategy of re-allocation."""
    word = str(cell).strip().lower()
    if word not in STRATEGIES:
        raise ValueError(f"must be one of {', '.join(STRATEGIES)} ({nearest(word, STRATEGIES)})")
    return float(STRATEGIES.index(word))


NUMBERS: dict[str, Callable[[Any], float]] = {
    "units": lambda cell: number(cell, least=0.0),
    "amount": lambda cell: number(cell, least=0.0),
    "number": lambda cell: number(cell, least=0.0),
    "money": number,
    "share": lambda cell: number(cell, 0.0, 1.0),
    "percent": lambda cell: number(cell, 0.0, 100.0),
    "hour": hour,
    "flag": flag,
    "strategy": strategy,
}
