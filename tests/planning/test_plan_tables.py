"""Tables that cannot be used: every fault is told with the file, the row and the column."""

import datetime
from pathlib import Path

import pandas as pd
import pytest
from small_tables import planned, table

import allotment
from allotment.allocation.methods import Method
from allotment.allocation.rules import BY_QUOTA, RULES
from allotment.planning.methods import METHODS
from allotment.scenario.errors import ScenarioError

FILES = {
    "stock": "warehouse,on_hand\nEAST,10\nWEST,20\n",
    "demand": "channel,region,demand,committed\nweb,EAST,8,2\nweb,WEST,9,\n",
    "lanes": "warehouse,region,km\nEAST,EAST,10\nWEST,WEST,10\n",
    "channels": "channel,unit_margin,otif\nweb,9,0.9\n",
    "transport": "warehouse,channel,outbound_capacity\nEAST,web,5\n",
    "receipts": "warehouse,arrives,units\nEAST,2026-03-05,4\nWEST,2026-03-06,4\n",
    "reservations": "channel,warehouse,reserved\nweb,EAST,4\n",
    "offers": "supplier,unit_cost,lead_time\nA,5,7\n",
}
FAULTS = {  # what is wrong: table, text, text instead, words of the message
    "an unknown warehouse": ("lanes", "\nWEST,", "\nWSET,", "column warehouse: unknown warehouse 'WSET'; did you mean 'WEST'?"),
    "an unknown warehouse of a carrier": ("transport", "EAST,web", "NORTH,web", "row 1 (line 2), column warehouse: unknown"),
    "an unknown channel": ("demand", "web,WEST", "wbe,WEST", "column channel: unknown channel 'wbe'; did you mean 'web'?"),
    "an unknown region": ("demand", "web,WEST", "web,WETS", "row 2 (line 3), column region: unknown region 'WETS'"),
    "an unknown channel of a reservation": ("reservations", "web", "wbe", "column channel: unknown channel 'wbe'"),
    "negative stock": ("stock", "20", "-20", "row 2 (line 3), column on_hand: must be >= 0, not -20; --negative zero"),
    "stock that is no number": ("stock", "20", "many", "row 2 (line 3), column on_hand: must be a number, not 'many'"),
    "an infinite stock": ("stock", "20", "inf", "column on_hand: must be a number, not 'inf'"),
    "thousands with commas amiss": ("stock", "20", '"10,20,30"', "column on_hand: must be a number, not '10,20,30'"),
    "digits with underscores": ("stock", "20", "1_020", "column on_hand: must be a number, not '1_020'"),
    "no stock at all": ("stock", "20", "", "row 2 (line 3), column on_hand: is empty"),
    "no warehouse": ("stock", "WEST", " ", "row 2 (line 3), column warehouse: is empty"),
    "a warehouse twice": ("stock", "WEST", "EAST", "column warehouse: 'EAST' is listed already in row 1 (line 2)"),
    "a demand twice": ("demand", "web,WEST", "web,EAST", "column channel and region: 'web', 'EAST' is listed already in row 1"),
    "a lane twice": (
        "lanes",
        "WEST,WEST",
        "EAST,EAST",
        "row 2 (line 3), column warehouse and region: 'EAST', 'EAST' is listed",
    ),
    "a missing column": ("stock", "on_hand", "stock", "column on_hand is missing; it has warehouse, stock"),
    "a misspelt column": ("stock", "on_hand", "on_hnd", "column on_hand is missing; is 'on_hnd' meant for it?"),
    "a misspelt column that may be absent": (
        "demand",
        "committed",
        "comitted",
        "column comitted is unknown; did you mean 'comm",
    ),
    "two columns of one name": ("demand", "committed", "demand", "has two columns 'demand'"),
    "a rate above one": ("channels", "0.9", "90", "row 1 (line 2), column otif: must be between 0 and 1, not '90'"),
    "a date in no format": ("receipts", "2026-03-06", "6th", "row 2 (line 3), column arrives: must be a date like"),
    "a date to be read in two ways": (
        "receipts",
        "2026-03-06",
        "06/03/2026",
        "row 2 (line 3), column arrives: '06/03/2026' can begin with the day or the month; say --date-format",
    ),
    "a day that does not exist": ("receipts", "2026-03-06", "2026-02-30", "column arrives: must be a date like 2013-05-26"),
    "a day number among dates": (
        "receipts",
        "2026-03-06",
        "6",
        "row 2 (line 3), column arrives: is a number of days (6), but today has a date (2026-03-02)",
    ),
    "more reserved than there is": ("reservations", "4", "14", "column reserved: with it, 4 more than EAST has on hand"),
    "a row too short": ("stock", "WEST,20", "WEST", "row 2 (line 3): has 1 cell, but the header has 2 columns"),
    "more committed than asked for": (
        "demand",
        "8,2",
        "8,9",
        "row 1 (line 2), column committed: must be <= the demand of 8, not 9",
    ),
    "a demand without its channel": ("demand", "channel,", "chain,", "column channel is missing; channels.csv has one"),
    "a lane to a region for a channel": (
        "lanes",
        "region,",
        "channel,",
        "row 1 (line 2), column channel: unknown channel 'EAST'",
    ),
    "no rows": ("stock", "EAST,10\nWEST,20\n", "", "has no rows"),
    "skus in one table only": ("stock", "warehouse", "sku", "column warehouse is missing; it has sku, on_hand"),
    "a lead time below zero": ("offers", "7", "-7", "row 1 (line 2), column lead_time: must be >= 0, not '-7'"),
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write the tables into an empty folder to work in; returns their paths by kind."""
    monkeypatch.chdir(tmp_path)
    for kind, text in FILES.items():
        Path(f"{kind}.csv").write_text(text)
    return {kind: f"{kind}.csv" for kind in FILES}


def test_the_tables_without_faults_are_planned(files):
    plan = allotment.plan(**files, today="2026-03-02")
    assert plan.totals() == {"supply": 38, "demand": 17, "allocated": 17, "unmet": 0}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_file_row_and_column(files, fault):
    kind, text, instead, words = FAULTS[fault]
    assert text in FILES[kind]
    Path(f"{kind}.csv").write_text(FILES[kind].replace(text, instead, 1))
    with pytest.raises(ScenarioError) as error:
        allotment.plan(**files, today="2026-03-02")
    assert str(error.value).startswith(f"{kind}.csv: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_days_of_two_tables_must_be_of_one_kind(files):
    Path("demand.csv").write_text("channel,region,demand,due\nweb,EAST,8,5\n")
    with pytest.raises(ScenarioError) as error:
        allotment.plan(**files)
    words = "is a date (2026-03-05), but demand.csv, column due has a number of days (5)"
    assert str(error.value) == f"receipts.csv: row 1 (line 2), column arrives: {words}"


def test_the_demand_must_say_where_it_is_where_lanes_lead_to_regions(files):
    Path("demand.csv").write_text("channel,demand\nweb,8\n")
    with pytest.raises(ScenarioError, match=r"demand\.csv: column region is missing; lanes\.csv has one"):
        allotment.plan(**files)


def test_skus_must_be_told_apart_everywhere_or_nowhere(files):
    Path("stock.csv").write_text("warehouse,sku,on_hand\nEAST,tin,10\n")
    with pytest.raises(ScenarioError, match=r"demand\.csv: column sku is missing; stock\.csv has one"):
        allotment.plan(**files)


def test_rows_are_counted_past_blank_lines_and_lines_are_those_of_the_file(files):
    Path("stock.csv").write_text("warehouse,on_hand\nEAST,10\n\n\nWEST,-1\n")
    with pytest.raises(ScenarioError, match=r"stock\.csv: row 2 \(line 5\), column on_hand"):
        allotment.plan(**files)


def test_a_data_frame_is_named_by_what_it_was_given_as():
    with pytest.raises(ScenarioError, match=r"^stock: row 2, column on_hand: must be >= 0, not -1"):
        planned({"channel": "web", "demand": 3}, {"warehouse": ["A", "B"], "on_hand": [4, -1]})


def test_columns_with_other_names_are_not_read():
    plan = planned({"order": "A", "demand": 3, "buyer": "Smith", "chain": None})
    assert plan.allocation_rows() == [{"warehouse": "W", "order": "A", "units": 3}]


def test_typed_cells_are_read_like_text():
    days = [pd.Timestamp("2026-03-03"), datetime.date(2026, 3, 4)]
    demand = {"order": [7, 8.0], "demand": [3.0, 20], "due": days, "minimum": [float("nan"), None]}
    reserved = {"order": "8", "warehouse": "W", "reserved": 8}
    plan = planned(demand, today=datetime.date(2026, 3, 2), reservations=reserved, method="first_come")
    assert plan.served.tolist() == [2, 8]
    assert plan.unmet_rows() == [
        {"order": "7", "units": 1, "reason": "no_stock"},
        {"order": "8", "units": 12, "reason": "no_stock"},
    ]


def test_every_way_to_allocate_has_its_name_and_every_name_its_way():
    assert set(METHODS) == set(Method)
    assert set(RULES) | set(BY_QUOTA) <= set(Method)


WRONG = {
    "no such method": ({"method": "optimum"}, "method: unknown allocation rule 'optimum'; did you mean 'optimal'?"),
    "a method without its column": ({"method": "quota"}, "method quota needs a table of channels with the column quota"),
    "a method with too much": (
        {"method": "quota", "channels": {"channel": ["web", "shop"], "quota": [70, 40]}},
        "channels: column quota sums to 110; at most 100 percent can be given",
    ),
    "quotas that are shares": (
        {"method": "quota", "channels": {"channel": ["web", "shop"], "quota": [0.6, 0.4]}},
        "channels: row 1, column quota: 0.6 of all quotas together is 1 percent; write 60 for 60 percent",
    ),
    "a method that lacks a column": (
        {"method": "reallocate"},
        "demand: column confirmed is missing; method reallocate needs it",
    ),
    "fares that protect nothing": (
        {
            "method": "protection",
            "channels": {"channel": "web", "unit_margin": -1, "forecast": 3, "forecast_deviation": 1},
        },
        "channels: row 1, column unit_margin: times otif must be > 0 for protection levels, not -1",
    ),
    "units of another kind": ({"units": "whole"}, "units must be integer or continuous, not 'whole'"),
    "half a unit": ({"units": "integer", "stock": {"warehouse": "W", "on_hand": 2.5}}, "must be a whole number (or units cont"),
    "a time that is none": ({"now": "25:00"}, "now must be a time like 14:30, not '25:00'"),
    "a day that is none": (
        {"today": "yesterday"},
        "today must be a date like 2013-05-26 or a whole number of days; a year has four digits, not",
    ),
    "a channel that needs nothing": ({"need_by": {"wbe": 3}}, "need_by: unknown channel 'wbe'; did you mean 'web'?"),
    "a need before today": ({"need_by": {"web": -3}}, "need_by of web must be >= 0 days, not -3"),
    "a reservation of two": (
        {"reservations": {"order": "A", "channel": "web", "warehouse": "W", "reserved": 3}},
        "reservations: row 1, column channel: must be empty beside order 'A', not 'web'",
    ),
    "a strategy that is none": (
        {"method": "reallocate", "demand": {"channel": "web", "demand": 3, "confirmed": 1, "strategy": "wni"}},
        "demand: row 1, column strategy: must be one of win, gain, redistribute, fill, lose",
    ),
    "a cut-off that is none": ({"lanes": {"warehouse": "W", "cut_off": "noon"}}, "column cut_off: must be a time like 14:30"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_does_not_go_together_is_refused(fault):
    given, words = WRONG[fault]
    demand = given.get("demand", {"channel": "web", "demand": 3})
    with pytest.raises(ScenarioError) as error:
        planned(demand, **{name: value for name, value in given.items() if name != "demand"})
    assert words in str(error.value)


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError, match=r"^nowhere\.csv: no such file"):
        allotment.plan("nowhere.csv", table(channel="web", demand=3))
    Path("picture.csv").write_bytes(b"warehouse,on_hand\n\x89PNG\x00\x81,3\n")
    with pytest.raises(ScenarioError, match=r"^picture\.csv: is text neither in UTF-8"):
        allotment.plan("picture.csv", table(channel="web", demand=3))
