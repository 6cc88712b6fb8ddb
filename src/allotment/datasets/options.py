"""What a reader of recorded demand is told beside its folder: which series, which dates, and what worlds assume."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from allotment.scenario.amounts import AtLeastOne, Count, NonNegative, Part
from allotment.scenario.errors import ScenarioError, explain, nearest

Options = TypeVar("Options", bound=Part)


def _names(value: Any) -> Any:
    """Return a list of names: a text of them parted by commas, a number that is one, or a list already."""
    if isinstance(value, bool) or not isinstance(value, str | int | list | tuple):
        raise ValueError(f"must be names or name patterns parted by commas, not {value!r}")
    parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
    return [str(part).strip() for part in parts if str(part).strip()]


def _date(value: Any) -> Any:
    """Return a date as written, checked."""
    try:
        return datetime.date.fromisoformat(str(value)[:10] if isinstance(value, datetime.date) else value).isoformat()
    except (TypeError, ValueError):
        raise ValueError(f"must be a date as '2016-05-22', not {value!r}") from None


Names = Annotated[list[str], BeforeValidator(_names)]
Date = Annotated[str, BeforeValidator(_date)]


class Sampling(Part):
    """One item in so many, in the order of their names."""

    items_every: AtLeastOne = 1  # of the items, in the order of their names, one in so many; 1 = all
    items_first: Count = 0  # the place of the first of them, from 0

    @model_validator(mode="after")
    def _first_is_among_them(self) -> Sampling:
        if not self.items_first < self.items_every:
            raise ValueError(f"items_first must be below items_every, not {self.items_first} of {self.items_every}")
        return self

    def sampled(self, items: Iterable[str]) -> list[str]:
        """Return one item in so many, sorted by name."""
        return sorted(items)[self.items_first :: self.items_every]


class WorldOptions(Sampling):
    """Which part of the data a world is made of; `ScenarioError`s name an option that no field has."""

    items: Names = []  # items by name or name pattern; none = all
    first: Date | None = None  # the first day that counts; none = of the data
    last: Date | None = None  # the last day that counts; none = of the data
    test_from: Date | None = None  # the first day of the history "test"; what lies before is "train"; none = one history, "all"
    cost_share: Annotated[float, Field(ge=0, le=1)] = 0.7  # assumed: unit cost ÷ price, where the data has prices
    opening_periods: NonNegative = 0.0  # assumed: initial stock ÷ mean demand of a period


class DailyOptions(WorldOptions):
    """Options of data that is recorded by day and place."""

    stores: Names = []  # places by name or name pattern; none = all
    period: Literal["day", "week", "month"] = "day"  # what days are added up to; weeks begin on Mondays


class GroupedOptions(DailyOptions):
    """Options of data that groups its items or its places."""

    groups: Names = []  # the data's own groups, by name or name pattern; none = all


def options_of(model: type[Options], given: Mapping[str, Any]) -> Options:
    """Return checked options: `ScenarioError` where one is unknown or has no such value."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise ScenarioError(explain(error, dict(given), model, "options")) from None


def chosen(patterns: list[str], names: Iterable[str], option: str) -> list[str]:
    """Return the names, sorted, that match one of some patterns, or all where there is none.

    Raises `ScenarioError` where a pattern matches nothing.
    """
    known = sorted(set(names))
    if not patterns:
        return known
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ScenarioError(f"option {option}: nothing in the data is called {pattern!r}; {nearest(pattern, known)}")
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]
