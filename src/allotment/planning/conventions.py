"""How the tables of a plan write numbers and days: whether a comma or a point is decimal, and the day or the month is first.

Both are read off the cells themselves, those of all text files together. A cell that can be read in two ways, where no other
cell tells which, is refused with the option that settles it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allotment.planning.columns import Kind
from allotment.scenario.errors import ScenarioError
from allotment.scenario.table_file import where

POINT, COMMA = "point", "comma"
MARKS = {POINT: ".", COMMA: ","}
DAY, MONTH = "day", "month"
BETWEEN_THOUSANDS = " \u00a0\u2009\u202f'\u2019"  # beside the mark that is not decimal
NUMERIC = ("units", "level", "amount", "money", "share", "percent", "number")
SPLIT_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\b.*", re.DOTALL)
EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}-?")  # thousands, or a fraction of three digits
LONGEST_TEXT = 64  # characters of a number or a day
TOKENS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}


@dataclass(frozen=True)
class Texts:
    """The texts in a column of a file."""

    source: str
    column: str
    kind: Kind
    cells: list[Any]  # texts, beside others where a file has types
    lines: list[int]
    delimiter: str | None

    @cached_property
    def distinct(self) -> list[str]:
        """Return the distinct texts that are not empty, but for those too long for a number or a day."""
        return list(dict.fromkeys(cell for cell in self.cells if isinstance(cell, str) and 0 < len(cell) <= LONGEST_TEXT))

    def fault(self, text: str, sentence: str) -> ScenarioError:
        """Return the error that says what is wrong with a text."""
        place = where(self.source, self.cells.index(text), self.lines)
        return ScenarioError(
            f"{self.source}: {sentence}" if self.column == self.source else f"{place}, column {self.column}: {sentence}"
        )


Seen = tuple[Texts, str]  # a text, and the column in which it stands


@dataclass(frozen=True)
class Conventions:
    """How numbers and days are written."""

    decimals: dict[str, str]  # by file, point or comma; a point in all others
    first: str | None = None  # in a date of numbers only, the day or the month; None where no date asks for it
    date_format: str | None = None  # of `datetime.strptime`, of all dates
    notes: tuple[str, ...] = ()

    def decimal(self, source: str) -> str:
        """Return which mark is decimal in a file."""
        return self.decimals.get(source, POINT)


def conventions_of(columns: Sequence[Texts], decimal: str | None = None, date_format: str | None = None) -> Conventions:
    """Return how cells are written; `decimal` (point or comma) and `date_format` (DD/MM/YYYY) settle it.

    Raises `ScenarioError` where two cells tell different things, or none tells what another depends on.
    """
    if decimal is not None and decimal not in MARKS:
        raise ScenarioError(f"decimal must be {POINT} or {COMMA}, not {decimal!r}")
    written = strptime_format(date_format) if date_format is not None else None
    numbers = [texts for texts in columns if texts.kind in NUMERIC]
    if decimal is None:
        decimals, of_numbers = _decimals(numbers)
    else:
        decimals, of_numbers = {texts.source: decimal for texts in numbers}, ()
    if written is not None:
        return Conventions(decimals, None, written, of_numbers)
    first, of_days = _first([texts for texts in columns if texts.kind == "day"])
    return Conventions(decimals, first, None, (*of_numbers, *of_days))


def strptime_format(text: str) -> str:
    """Return the format of `datetime.strptime` for DD/MM/YYYY or the like; one with % signs is taken as it is."""
    found = text if "%" in text else re.sub("YYYY|YY|MM|DD", lambda token: TOKENS[token[0]], text.upper())
    signs = set(re.findall("%.", found))
    if not ({"%Y", "%y"} & signs and {"%m", "%b", "%B"} & signs and "%d" in signs):
        raise ScenarioError(f"date-format must have day, month and year, such as DD/MM/YYYY, not {text!r}")
    return found


def plain_number(text: str, decimal: str = POINT) -> str:
    """Return a number's text as Python reads it, without marks between thousands; `ValueError` where it is no number."""
    mark, other = MARKS[decimal], MARKS[COMMA if decimal == POINT else POINT]
    between = f"[{re.escape(BETWEEN_THOUSANDS + other)}]"
    signed = text.strip().replace("\N{MINUS SIGN}", "-")
    found = re.fullmatch(r"([+-]?)(.*?)(-?)", signed, re.DOTALL)  # some programs write the sign behind
    grouped = rf"\d{{1,3}}({between})\d{{3}}(?:\1\d{{3}})*"
    if (
        found is None
        or (found[1] and found[3])
        or not re.search(r"\d", found[2])
        or not re.fullmatch(rf"(?:{grouped}|\d*)(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d+)?", found[2], re.ASCII)
    ):
        raise ValueError("must be a number")
    return (found[1] or found[3]) + re.sub(between, "", found[2]).replace(mark, ".")


def _decimals(columns: Sequence[Texts]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the decimal mark of each file, and a note on each comma; what one file leaves open the others tell."""
    files: dict[str, list[Texts]] = {}
    for texts in columns:
        files.setdefault(texts.source, []).append(texts)
    telling = {source: _telling(parts) for source, parts in files.items()}
    marks = {mark for found in telling.values() for mark in found}
    decimals, notes = {}, []
    for source, parts in files.items():
        seen: Seen | None
        if telling[source]:
            (mark, seen), *_ = telling[source].items()
        else:
            mark, seen = _supposed(parts, next(iter(marks)) if len(marks) == 1 else None)
        decimals[source] = mark
        if mark == COMMA and seen:
            notes.append(f"{source}: decimals are written with a comma ({seen[1]} in column {seen[0].column})")
    return decimals, tuple(notes)


def _telling(parts: list[Texts]) -> dict[str, Seen]:
    """Return the first number of a file that tells the decimal mark, by that mark; nothing where none does."""
    found: dict[str, Seen] = {}
    for texts in parts:
        for text in texts.distinct:
            if mark := _told_by(text):
                found.setdefault(mark, (texts, text))
    if len(found) > 1:
        (texts, text), other = found[COMMA], found[POINT][1]
        raise texts.fault(
            text, f"{text!r} has a decimal comma, but {other!r} in column {found[POINT][0].column} a decimal point"
        )
    return found


def _told_by(text: str) -> str | None:
    """Return which mark must be the decimal one in a number's text; None where it cannot be told."""
    commas, points = text.count(","), text.count(".")
    if commas and points:
        return COMMA if text.rindex(",") > text.rindex(".") else POINT
    if commas + points > 1:
        return POINT if commas else COMMA
    if commas + points == 0 or EITHER.fullmatch(text):
        return None
    return COMMA if commas else POINT


def _supposed(parts: list[Texts], elsewhere: str | None) -> tuple[str, Seen | None]:
    """Return the decimal mark of a file whose numbers do not tell it: that of the other files, else of files of its kind."""
    open_ = [(texts, text) for texts in parts for text in texts.distinct if EITHER.fullmatch(text)]
    if not open_:
        return elsewhere or POINT, None
    texts, text = open_[0]
    usual = COMMA if texts.delimiter == ";" else POINT  # of files with such delimiters
    if elsewhere == usual or MARKS[usual] in text:
        return usual, (texts, text)
    if elsewhere and usual == POINT:
        return elsewhere, (texts, text)
    raise texts.fault(text, f"{text!r} can be thousands or a fraction; say --decimal point or --decimal comma")


def _first(columns: Sequence[Texts]) -> tuple[str | None, tuple[str, ...]]:
    """Return whether dates of numbers begin with the day or the month, and the note on it."""
    telling: dict[str, Seen] = {}
    open_: list[Seen] = []
    for texts, text, found in _split_dates(columns):
        first = _begins(found)
        if first:
            telling.setdefault(first, (texts, text))
        elif found[1].zfill(2) != found[3].zfill(2):
            open_.append((texts, text))
    if len(telling) > 1:
        (texts, text), other = telling[MONTH], telling[DAY]
        raise texts.fault(text, f"{text!r} has the month first, but {other[1]!r} in {other[0].source} has the day first")
    for first, (texts, text) in telling.items():
        return first, (f"dates begin with the {first} ({text} in {texts.source})",)
    for texts, text in open_:
        raise texts.fault(text, f"{text!r} can begin with the day or the month; say --date-format DD/MM/YYYY or MM/DD/YYYY")
    return None, ()


def _split_dates(columns: Sequence[Texts]) -> Iterator[tuple[Texts, str, re.Match[str]]]:
    for texts in columns:
        for text in texts.distinct:
            if found := SPLIT_DATE.fullmatch(compact(text)):
                yield texts, text, found


def compact(text: str) -> str:
    """Return a date without the blanks behind the points between its numbers."""
    return re.sub(r"(?<=\d)\s*\.\s+(?=\d)", ".", text)


def _begins(found: re.Match[str]) -> str | None:
    """Return what a date of numbers must begin with; with points between them it is the day."""
    if found[2] == "." or int(found[1]) > 12:
        return DAY
    return MONTH if int(found[3]) > 12 else None
