"""Logs of movements as files: read as they were written in each format, and refused whole for one bad row."""

import re
from datetime import timedelta

import pandas as pd
import pytest

from allotment.exchange.movement_schema import COLUMNS, KINDS
from allotment.exchange.movements import as_movements, read_movements, write_movements
from allotment.scenario.errors import ScenarioError

LOG = """event,time,kind,sku,units,from,to,unit_cost,unit_price
1,2026-03-01T09:00:00+01:00,opening,apple,100,,north,10,
2,2026-03-01T23:30:00-05:00,receipt,apple,200,supplier:farm,north,11,
3,2026-03-03T09:00:00+01:00,sale,apple,150,north,customer:walkers,,20
"""


def written(folder, text, name="log.csv"):
    file = folder / name
    file.write_text(text)
    return file


def test_a_log_has_every_column_typed_and_in_the_order_of_time(tmp_path):
    header, *rows = LOG.splitlines()
    log = read_movements(written(tmp_path, "\n".join([header, *reversed(rows)])))
    assert list(log) == list(COLUMNS)
    assert log["event"].tolist() == ["1", "2", "3"]
    assert log["units"].tolist() == [100.0, 200.0, 150.0]
    assert log["unit_cost"].tolist()[:2] == [10.0, 11.0] and pd.isna(log["unit_cost"][2])
    assert log["from"].tolist() == ["", "supplier:farm", "north"]
    assert log["seq"].tolist() == [2, 1, 0]
    assert log["time"][1].utcoffset() == timedelta(hours=-5)  # the day is that of the place where it happened


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
@pytest.mark.parametrize("periods", [False, True])
def test_a_log_is_read_as_it_was_written(tmp_path, ending, periods):
    log = read_movements(written(tmp_path, LOG))
    if periods:
        log["time"] = [0, 1, 1]
    write_movements(log, tmp_path / f"again{ending}")
    pd.testing.assert_frame_equal(read_movements(tmp_path / f"again{ending}"), log)


def test_opening_stock_alone_is_a_log_in_json_lines(tmp_path):
    opening = read_movements(written(tmp_path, "\n".join(LOG.splitlines()[:2])))
    write_movements(opening, tmp_path / "log.jsonl")
    pd.testing.assert_frame_equal(read_movements(tmp_path / "log.jsonl"), opening)


def test_an_event_that_stands_twice_counts_once(tmp_path):
    again = LOG + LOG.splitlines()[2] + "\n"
    pd.testing.assert_frame_equal(read_movements(written(tmp_path, again)), read_movements(written(tmp_path, LOG, "one.csv")))
    other = again[::-1].replace("002", "102", 1)[::-1]
    with pytest.raises(ScenarioError, match=r"row 4 \(line 5\), column units: event '2' .* row 2 already, with 200, not 201"):
        read_movements(written(tmp_path, other))


def test_units_are_conserved_whatever_the_delimiter(tmp_path):
    log = read_movements(written(tmp_path, LOG.replace(",", ";")))
    into, out = (log.groupby(end)["units"].sum() for end in ("to", "from"))
    assert into["north"] - out["north"] == 150.0


BAD = {
    "a misspelt kind": ("sale", "sael", r"row 3 \(line 4\), column kind: unknown kind 'sael'; did you mean 'sale'\?"),
    "a misspelt column": ("kind", "kinds", r"unknown column 'kinds'; did you mean 'kind'\?"),
    "a missing column": ("event,", "line,", "column 'event' is missing"),
    "negative stock": ("150", "500", r"row 3 \(line 4\), column units: takes 500 of 'apple' from 'north', which holds 300"),
    "an unknown place": ("supplier:farm", "supplyer:farm", r"row 2 \(line 3\), column from: .*did you mean 'supplier'"),
    "a place without a name": ("supplier:farm", "supplier:", r"row 2 .*column from: 'supplier:' names no name"),
    "a place of another kind": ("supplier:farm", "customer:x", r"row 2 .*column from: is customer:<channel>; .* kind receipt"),
    "a count between sites": (
        "sale,apple,150,north,customer:walkers",
        "count,apple,150,north,south",
        r"row 3 .*column to: is a site",
    ),
    "no offset": ("+01:00", "", r"row 1 \(line 2\), column time: '2026-03-01T09:00:00' has no offset from UTC"),
    "no time": ("2026-03-01T09:00:00+01:00", "Monday", r"row 1 .*column time: must be a period, or an ISO .* not 'Monday'"),
    "periods among times": ("2026-03-01T09:00:00+01:00", "4", r"row 2 .*column time: must be a period, as in the first row"),
    "no number": ("100", "1oo", r"row 1 .*column units: must be a number, not '1oo'"),
    "an infinite number": ("150", "inf", r"row 3 .*column units: must be a number, not 'inf'"),
    "NaN": ("150", "nan", r"row 3 .*column units: must be a number, not 'nan'"),
    "negative units": ("150", "-5", r"row 3 .*column units: must be > 0, not -5"),
    "no units": (",150,", ",,", r"row 3 .*column units: is empty"),
    "no event": ("\n3,", "\n\n,", r"row 3 \(line 5\), column event: is empty"),
    "no SKU": ("sale,apple", "sale,", r"row 3 .*column sku: is empty"),
    "too many cells": ("north,10,", "north,10,,,,", "is no CSV: .*Expected 9 columns, got 12"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_named_and_nothing_is_read(tmp_path, case):
    old, new, message = BAD[case]
    assert old in LOG
    file = written(tmp_path, LOG.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=re.escape(str(file)) + ".*" + message):
        read_movements(file)


def test_a_header_in_another_encoding_is_told(tmp_path):
    file = tmp_path / "log.csv"
    file.write_bytes(LOG.encode().replace(b"event", b"\xed\x20event", 1))
    with pytest.raises(ScenarioError, match="is no CSV: its header is not in UTF-8"):
        read_movements(file)


LINES = {
    "no JSON": ('{"event": 1', "line 1: is no JSON"),
    "no object": ("[1]", "line 1: must be an object"),
    "a misspelt column": ('{"evnt": "1"}', "line 1: unknown column 'evnt'; did you mean 'event'"),
    "a flag for a number": (
        '{"event": "1", "time": 0, "kind": "opening", "sku": "a", "units": true, "from": "", "to": "north"}',
        r"row 1 \(line 1\), column units: must be a number, not true",
    ),
    "a list for a text": (
        '{"event": ["1"], "time": 0, "kind": "opening", "sku": "a", "units": 1, "from": "", "to": "north"}',
        r"row 1 \(line 1\), column event: must be text",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_a_bad_line_of_json_is_named(tmp_path, case):
    text, message = LINES[case]
    with pytest.raises(ScenarioError, match=message):
        read_movements(written(tmp_path, text + "\n", "log.jsonl"))


def test_a_site_that_is_none_of_those_named_is_refused(tmp_path):
    file = written(tmp_path, LOG)
    assert len(read_movements(file, sites=["north", "south"])) == 3
    with pytest.raises(ScenarioError, match=r"row 1 \(line 2\), column to: unknown site 'north'; did you mean 'norht'"):
        read_movements(file, sites=["norht"])


def test_files_that_hold_no_log_are_refused(tmp_path):
    with pytest.raises(ScenarioError, match=r"no such file"):
        read_movements(tmp_path / "none.csv")
    with pytest.raises(ScenarioError, match=r"kept in .csv, .parquet, .jsonl"):
        read_movements(written(tmp_path, LOG, "log.xlsx"))
    with pytest.raises(ScenarioError, match="has no rows"):
        read_movements(written(tmp_path, ""))
    with pytest.raises(ScenarioError, match="is no Parquet file"):
        read_movements(written(tmp_path, LOG, "log.parquet"))


def test_nothing_is_written_of_a_frame_with_a_bad_row(tmp_path):
    log = read_movements(written(tmp_path, LOG)).assign(units=[100.0, 200.0, 301.0])
    with pytest.raises(ScenarioError, match="movements: row 3, column units: takes 301"):
        write_movements(log, tmp_path / "bad.csv")
    assert not (tmp_path / "bad.csv").exists()


def test_what_moves_no_units_needs_none():
    rows = [
        {"event": "1", "time": 0, "kind": "price", "sku": "a", "units": None, "from": "", "to": "north", "unit_price": 9.0},
        {"event": "2", "time": 0, "kind": "reservation", "sku": "a", "units": 5.0, "from": "north", "to": "customer:c"},
    ]
    assert len(as_movements(pd.DataFrame(rows))) == 2  # and take nothing from stock
    assert {name for name, kind in KINDS.items() if not kind.moves} == {"reservation", "release", "landed_cost", "price"}
