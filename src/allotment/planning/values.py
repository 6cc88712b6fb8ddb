"""What a cell says: text from a file, or a typed value from a data frame, turned into a number, a name or a day.

Days are either dates or whole numbers of days; a cell is turned into one or the other, and `days` sees to it that a plan has
only one kind. Functions raise `ValueError` with what is allowed.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from dateutil import parser

from allotment.allocation.confirmation import STRATEGIES
from allotment.planning.conventions import DAY, Conventions, compact, plain_number
from allotment.scenario.errors import nearest

Moment = datetime.date | int
YEARS = (1900, 2199)  # of a date written as eight digits
MOST_DAYS = 1_000_000  # a number of days has at most so many
LAST_QUANTITY = 1e12  # units, money, and whatever else is counted
LONGEST_NAME = 255  # characters
WORDS = {"yes": 1.0, "true": 1.0, "y": 1.0, "x": 1.0, "1": 1.0, "no": 0.0, "false": 0.0, "n": 0.0, "0": 0.0}
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?=\D|$)")
INSTANTS = (datetime.datetime(2001, 1, 1, 1, 1), datetime.datetime(2002, 2, 2, 2, 2))  # what a text leaves out is taken from
A_DATE, A_TIME = "must be a date like 2013-05-26 or a whole number of days", "must be a time like 14:30"


def name(cell: Any) -> str:
    """Return a name, without blanks around it."""
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
    if len(text) > LONGEST_NAME:
        raise ValueError(f"must be a name of at most {LONGEST_NAME} characters")
    return unicodedata.normalize("NFC", text)  # letters with marks are one sign, however they were written


def number(cell: Any, least: float = -math.inf, most: float = math.inf, decimal: str = "point") -> float:
    """Return a finite number within bounds."""
    try:
        value = math.nan if isinstance(cell, bool) else float(plain_number(cell, decimal) if isinstance(cell, str) else cell)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a number")
    if not least <= value <= most:
        raise ValueError(f"must be >= {least:g}" if most == math.inf else f"must be between {least:g} and {most:g}")
    if abs(value) > LAST_QUANTITY:
        raise ValueError(f"must be at most {LAST_QUANTITY:g}")
    return value


def day(cell: Any, conventions: Conventions) -> Moment:
    """Return a date, or a whole number of days. The time of a moment is left out; one with a time zone is refused."""
    if isinstance(cell, datetime.datetime):
        return _date_of(cell)
    if isinstance(cell, datetime.date):
        return cell
    if isinstance(cell, bool) or (isinstance(cell, float) and not cell.is_integer()):
        raise ValueError(A_DATE)
    text = str(int(cell) if isinstance(cell, float) else cell).strip()
    if conventions.date_format is not None and isinstance(cell, str):
        return _written_date(text, conventions)
    return _number_or_date(text) if re.fullmatch(r"[+-]?[0-9]+", text) else _written_date(text, conventions)


def _number_or_date(digits: str) -> Moment:
    """Return the date that eight digits stand for, else a number of days."""
    if len(digits) == 8 and digits.isdigit() and YEARS[0] <= int(digits[:4]) <= YEARS[1]:
        try:
            return datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            raise ValueError(A_DATE) from None
    if abs(int(digits[:20])) > MOST_DAYS:
        raise ValueError(A_DATE)
    return int(digits)


def _written_date(text: str, conventions: Conventions) -> datetime.date:
    try:
        if conventions.date_format is not None:
            return datetime.datetime.strptime(text, conventions.date_format).date()
        if YEAR_FIRST.match(text):
            text = YEAR_FIRST.sub(lambda found: f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}", text, count=1)
            return _date_of(_first_year(text))
        if not re.search(r"(?<!\d)\d{4}(?!\d)", text):
            raise ValueError(f"{A_DATE}; a year has four digits")
        return _date_of(_complete(compact(text), conventions.first))
    except (parser.ParserError, OverflowError):
        raise ValueError(A_DATE) from None
    except ValueError as error:
        if str(error).startswith("must"):
            raise
        wanted = f"written as {conventions.date_format}" if conventions.date_format else "like 2013-05-26"
        raise ValueError(f"must be a date {wanted} or a whole number of days") from None


def _first_year(text: str) -> datetime.datetime:
    """Return the moment that a text says which begins with year, month and day."""
    try:
        return parser.isoparse(text)
    except ValueError:
        if not text[10:].strip():
            raise
        hour(text[10:].strip())  # or it is no time
        return parser.isoparse(text[:10])


def _complete(text: str, first: str | None) -> datetime.datetime:
    """Return the moment that a text says, with day, month and a year of four digits."""
    found = [parser.parse(text, dayfirst=first == DAY, default=instant) for instant in INSTANTS]
    other = parser.parse(text, dayfirst=first != DAY, default=INSTANTS[0])
    if found[0].date() != found[1].date() or str(found[0].year) not in text:
        raise ValueError(A_DATE)
    if first is None and other.date() != found[0].date():
        raise ValueError("must not begin with either the day or the month; say --date-format DD/MM/YYYY or MM/DD/YYYY")
    return found[0].replace(hour=0, minute=0)


def _date_of(moment: datetime.datetime) -> datetime.date:
    if moment.tzinfo is not None:
        raise ValueError(f"{A_DATE}, without a time zone")
    return moment.date()


def hour(cell: Any) -> float:
    """Return hours since midnight from a time like 14:30 or 02:30 PM; 24:00 is the end of the day."""
    if isinstance(cell, datetime.time):
        return _hours(cell)
    text = str(cell).strip()
    if re.fullmatch(r"24:00(:00)?", text):
        return 24.0
    if not re.fullmatch(r"\d{1,2}(:\d{2}){1,2}(\s*[ap]\.?m\.?)?|\d{1,2}\s*[ap]\.?m\.?", text, re.IGNORECASE | re.ASCII):
        raise ValueError(A_TIME)
    try:
        return _hours(parser.parse(text, default=INSTANTS[0].replace(hour=0, minute=0)).time())
    except (parser.ParserError, OverflowError):
        raise ValueError(A_TIME) from None


def _hours(time: datetime.time) -> float:
    if time.tzinfo is not None:
        raise ValueError(f"{A_TIME}, without a time zone")
    return time.hour + time.minute / 60 + time.second / 3600


def flag(cell: Any) -> float:
    """Return 1 for yes and 0 for no."""
    word = str(cell).strip().lower().removesuffix(".0")
    if word not in WORDS:
        raise ValueError("must be yes or no")
    return WORDS[word]


def strategy(cell: Any) -> float:
    """Return the place of a strategy of re-allocation."""
    word = str(cell).strip().lower()
    if word not in STRATEGIES:
        raise ValueError(f"must be one of {', '.join(STRATEGIES)} ({nearest(word, STRATEGIES)})")
    return float(STRATEGIES.index(word))


BOUNDS = {  # of the numbers of a kind
    "units": (0.0, math.inf),
    "level": (-math.inf, math.inf),  # units, below zero where more was taken than counted
    "amount": (0.0, math.inf),
    "number": (0.0, math.inf),
    "money": (-math.inf, math.inf),
    "share": (0.0, 1.0),
    "percent": (0.0, 100.0),
}
READERS: dict[str, Callable[[Any], float]] = {"hour": hour, "flag": flag, "strategy": strategy}


def reader(kind: str, decimal: str) -> Callable[[Any], float]:
    """Return what turns a cell of a kind into a number, in a file with a decimal mark."""
    if kind in READERS:
        return READERS[kind]
    least, most = BOUNDS[kind]
    return lambda cell: number(cell, least, most, decimal)
