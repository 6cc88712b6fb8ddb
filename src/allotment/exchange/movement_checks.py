"""What is checked of a log's rows, and what they become: typed columns, each event once, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from allotment.exchange.movement_schema import COLUMNS, KINDS, SITE, STOCK, fault_of_ends, place_kind
from allotment.quantities import MOST, ROUNDING
from allotment.scenario.errors import ScenarioError, nearest, shown

MOST_MOVEMENTS = 50_000_000

Fault = Callable[[int, str, str], ScenarioError]  # from a row (from 0), its column and what is wrong


def checked_movements(cells: pd.DataFrame, source: str, fault: Fault, sites: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the movements in columns of cells, sorted by time and seq, with the columns of `COLUMNS` and an index from 0.

    Texts are empty where nothing is said, numbers NaN; `time` is periods (integers) or `datetime` objects with their offsets.
    `ScenarioError` for columns missing or misspelt, and for the first bad row, by row and column. Where `sites` are named, a
    place that would be another one is bad.
    """
    _check_columns([str(name) for name in cells.columns], source)
    columns = {}
    for name, column in COLUMNS.items():
        given = (
            cells[name].reset_index(drop=True) if name in cells else pd.Series(np.nan, index=range(len(cells)), dtype=object)
        )
        columns[name] = _READERS[column.holds](given, name, fault)
    frame = pd.DataFrame(columns)
    if "seq" not in cells or frame["seq"].isna().all():
        frame["seq"] = np.arange(len(frame))
    _check_present(frame, fault)
    frame = frame.astype({"seq": np.int64})
    _check_kinds_and_places(frame, fault)
    if sites is not None:
        _check_sites(frame, sites, fault)
    frame = _ordered(_each_once(frame, fault))
    _check_stock(frame, fault)
    return frame.reset_index(drop=True)


def _check_columns(found: list[str], source: str) -> None:
    """Refuse columns that are unknown, twice there, or missing."""
    missing = [name for name, column in COLUMNS.items() if column.needed and name not in found]
    for name in found:
        if name not in COLUMNS:
            left = [other for other in COLUMNS if other not in found]
            raise ScenarioError(f"{source}: unknown column {shown(name)}; {nearest(name, left or COLUMNS)}")
        if found.count(name) > 1:
            raise ScenarioError(f"{source}: has two columns {name!r}")
    if missing:
        raise ScenarioError(f"{source}: column {missing[0]!r} is missing; a log has {', '.join(COLUMNS)}")


def _first(bad: Any) -> int | None:
    """Return the first row in which a flag is set."""
    places = np.flatnonzero(np.asarray(bad))
    return int(places[0]) if len(places) else None


def _blank(cells: pd.Series) -> np.ndarray:
    return np.asarray(cells.isna() | (cells == ""))


def _texts(cells: pd.Series, name: str, fault: Fault) -> pd.Series:
    """Return texts without blanks around them, empty where there is none."""
    if cells.dtype == object:
        row = _first([isinstance(cell, bool | list | dict | bytes) for cell in cells])
        if row is not None:
            raise fault(row, name, f"must be text, not {shown(cells[row])}")
    texts = cells.astype(object).where(cells.notna(), "").astype("str").str.strip()
    row = _first(~texts.map(str.isprintable, na_action="ignore").astype(bool)) if len(texts) else None
    if row is not None:
        raise fault(row, name, f"{texts[row]!a} has signs that cannot be printed")
    return texts


def _numbers(cells: pd.Series, name: str, fault: Fault) -> pd.Series:
    """Return finite numbers, NaN where nothing is said."""
    blank = _blank(cells)
    given = cells.mask(cells.map(lambda cell: isinstance(cell, bool))) if cells.dtype in (object, bool) else cells
    numbers = pd.to_numeric(given.where(~blank), errors="coerce").astype(np.float64)
    row = _first(~blank & ~np.isfinite(numbers))
    if row is not None:
        raise fault(row, name, f"must be a number, not {shown(cells[row])}")
    row = _first(np.abs(numbers) > MOST)
    if row is not None:
        raise fault(row, name, f"must be at most {MOST:g}, not {shown(cells[row])}")
    return numbers


def _whole_numbers(cells: pd.Series, name: str, fault: Fault) -> pd.Series:
    numbers = _numbers(cells, name, fault)
    row = _first(numbers.notna() & (numbers != np.floor(numbers)))
    if row is not None:
        raise fault(row, name, f"must be a whole number, not {shown(cells[row])}")
    return numbers


def _times(cells: pd.Series, name: str, fault: Fault) -> pd.Series:
    """Return periods as integers, or points in time with their offsets; a log has one of the two."""
    row = _first(_blank(cells))
    if row is not None:
        raise fault(row, name, "is empty")
    if len(cells) and _is_period(cells.iloc[0]):
        row = None if pd.api.types.is_integer_dtype(cells) else _first([not _is_period(cell) for cell in cells])
        if row is not None:
            raise fault(row, name, f"must be a period, as in the first row, not {shown(cells[row])}")
        return cells.astype(np.int64)
    known: dict[Any, datetime] = {}
    for row, cell in enumerate(cells):
        if cell not in known:
            known[cell] = _moment(cell, row, name, fault)
    return pd.Series([known[cell] for cell in cells], dtype=object, index=cells.index)


def _is_period(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().lstrip("-").isdecimal() and len(cell) < 16
    return isinstance(cell, int | np.integer) and not isinstance(cell, bool)


def _moment(cell: Any, row: int, name: str, fault: Fault) -> datetime:
    if isinstance(cell, pd.Timestamp):
        cell = cell.to_pydatetime(warn=False)
    try:
        moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell).strip())
    except ValueError:
        allowed = "a period, or an ISO timestamp with its offset such as 2026-03-01T09:30:00+01:00"
        raise fault(row, name, f"must be {allowed}, not {shown(cell)}") from None
    if moment.tzinfo is None:
        raise fault(row, name, f"{shown(str(cell))} has no offset from UTC; say one, such as {moment.isoformat()}+00:00")
    return moment


_READERS = {"text": _texts, "number": _numbers, "whole": _whole_numbers, "time": _times}


def _check_present(frame: pd.DataFrame, fault: Fault) -> None:
    """Refuse rows without an id or a SKU, without units that move, or without their place in a sequence that others have."""
    for name in ("event", "sku", "seq"):
        row = _first(_blank(frame[name]))
        if row is not None:
            raise fault(row, name, "is empty")
    row = _first(~frame["kind"].isin(list(KINDS)))
    if row is not None:
        raise fault(row, "kind", f"unknown kind {shown(frame['kind'][row])}; {nearest(frame['kind'][row], KINDS)}")
    moves = frame["kind"].isin([name for name, kind in KINDS.items() if kind.moves])
    units = frame["units"]
    row = _first((moves & ~(units > 0.0)) | (units < 0.0))
    if row is not None:
        seen = "is empty" if np.isnan(units[row]) else f"must be > 0, not {units[row]:g}"
        raise fault(row, "units", f"{seen}; where they go is said by from and to")


def _check_kinds_and_places(frame: pd.DataFrame, fault: Fault) -> None:
    """Refuse unknown places, and movements between places that their kind does not go between."""
    for name in ("from", "to"):
        for place in frame[name].unique():
            try:
                place_kind(place)
            except ValueError as error:
                raise fault(_first(frame[name] == place) or 0, name, str(error)) from None
    ends = pd.DataFrame({"kind": frame["kind"], **{name: frame[name].map(_kinds_of(frame[name])) for name in ("from", "to")}})
    for kind, start, end in ends.drop_duplicates().itertuples(index=False):
        wrong = fault_of_ends(kind, start, end)
        if wrong is not None:
            place = _first((ends["kind"] == kind) & (ends["from"] == start) & (ends["to"] == end)) or 0
            raise fault(place, *wrong)
    row = _first((frame["from"] == frame["to"]) & (frame["to"] != ""))
    if row is not None:
        raise fault(row, "to", f"{shown(frame['to'][row])} is where they come from")


def _check_sites(frame: pd.DataFrame, sites: Sequence[str], fault: Fault) -> None:
    """Refuse sites that are none of those named."""
    places = {*frame["from"].unique(), *frame["to"].unique()}
    unknown = frame[["from", "to"]].isin([place for place in places if place_kind(place) == SITE and place not in sites])
    row = _first(unknown.any(axis=1))
    if row is not None:
        name = "from" if unknown["from"][row] else "to"
        raise fault(row, name, f"unknown site {shown(frame[name][row])}; {nearest(frame[name][row], sites)}")


def _kinds_of(places: pd.Series) -> dict[str, str]:
    return {place: place_kind(place) for place in places.unique()}


def _each_once(frame: pd.DataFrame, fault: Fault) -> pd.DataFrame:
    """Return each event once; refuse one that stands again with other content."""
    again = frame["event"].duplicated()
    if not again.any():
        return frame
    first = frame.drop_duplicates("event").set_index("event").loc[frame["event"][again]]
    for name in COLUMNS:
        if name in ("event", "seq"):
            continue
        found, before = frame[name][again].to_numpy(), first[name].to_numpy()
        row = _first((found != before) & ~(pd.isna(found) & pd.isna(before)))
        if row is not None:
            place, event = int(np.flatnonzero(again)[row]), first.index[row]
            other = _first(frame["event"] == event) or 0
            seen = f"{_said(before[row])}, not {_said(found[row])}"
            raise fault(place, name, f"event {shown(event)} stands in row {other + 1} already, with {seen}")
    return frame[~again]


def _said(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else shown(cell if isinstance(cell, str) else str(cell))


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows by time and seq, those of the same by their place in the file; the index says which rows they were."""
    if frame["time"].dtype != object:
        return frame.sort_values(["time", "seq"], kind="stable")
    instants = pd.to_datetime(frame["time"], utc=True)
    return frame.assign(time=instants).sort_values(["time", "seq"], kind="stable").assign(time=frame["time"])


def _check_stock(frame: pd.DataFrame, fault: Fault) -> None:
    """Refuse a movement that takes more of a SKU out of a place than is there."""
    moved = frame[frame["kind"].isin([name for name, kind in KINDS.items() if kind.moves])]
    order = np.arange(len(moved))
    out, into = (moved[[end, "sku", "units"]].rename(columns={end: "place"}).assign(order=order) for end in ("from", "to"))
    legs = pd.concat([out.assign(units=-out["units"]), into])
    kinds = legs["place"].map(_kinds_of(legs["place"]))
    legs = legs[kinds.isin(STOCK)].sort_values("order", kind="stable")
    groups = legs.assign(size=legs["units"].abs()).groupby(["place", "sku"], sort=False)
    stock, largest = groups["units"].cumsum(), groups["size"].cummax()
    short = np.flatnonzero(stock < -ROUNDING * np.maximum(1.0, largest))
    if len(short):
        row, leg = int(legs.index[short[0]]), legs.iloc[short[0]]
        left = stock.iloc[short[0]] - leg["units"]
        raise fault(row, "units", f"takes {-leg['units']:g} of {leg['sku']!r} from {leg['place']!r}, which holds {left:g}")
