"""The promotional campaign of `experiments/promotion_campaign`, exactly, and variants of it against other calculations."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import allotment
from allotment.planning.lanes import FACTORS
from allotment.scenario.errors import ScenarioError

FOLDER = Path(__file__).parents[2] / "experiments" / "promotion_campaign"
NAMES = {"stock": "warehouses", "demand": "demand", "lanes": "lanes", "transport": "transport", "channels": "channels"}
FILES = {kind: FOLDER / f"{name}.csv" for kind, name in NAMES.items()}
EXPECTED = [(*row[:3], int(row[3])) for row in list(csv.reader((FOLDER / "expected_allocation.csv").open()))[1:]]


def flows(plan):
    return [tuple(row.values()) for row in plan.allocation_rows()]


def by_channel(rows):
    sums = {}
    for row in rows:
        sums[row["channel"]] = sums.get(row["channel"], 0) + row["units"]
    return sums


@pytest.mark.parametrize("method", ["optimal", "priority"])
def test_the_campaign_is_allocated_as_the_textbook_has_it(method):
    plan = allotment.plan(**FILES, method=method)
    assert flows(plan) == EXPECTED
    assert plan.objective == plan.value == 1_045_590.0
    assert by_channel(plan.allocation_rows()) == {"online": 7000, "retail": 5000, "enterprise": 3000}
    assert by_channel(plan.unmet_rows()) == {"online": 2000, "retail": 1500, "enterprise": 1000}
    assert plan.totals() == {"supply": 15_000, "demand": 19_500, "allocated": 15_000, "unmet": 4500}
    assert plan.broken_commitments() == plan.transfers == plan.purchases == []


def test_every_unmet_unit_has_a_reason():
    rows = allotment.plan(**FILES).unmet_rows()
    # no carrier takes more online orders, while warehouses could still ship more to the others if they had it
    assert {(row["channel"], row["reason"]) for row in rows} == {
        ("online", "capacity"),
        ("retail", "no_stock"),
        ("enterprise", "no_stock"),
    }


def test_the_purchase_plan_covers_what_is_short_in_time_and_at_the_least_spend():
    plan = allotment.plan(**FILES, offers=FOLDER / "offers.csv", need_by={"online": 10, "*": 30}, today="2026-03-02")
    first, second = plan.purchases
    assert (first["supplier"], first["units"], first["spend"], first["arrives"]) == ("A", 2000, 390_000.0, "2026-03-09")
    assert (second["supplier"], second["units"], second["spend"], second["arrives"]) == ("B", 2500, 450_000.0, "2026-03-23")
    assert first["for"] == [{"channel": "online", "units": 2000}]
    assert {part["channel"]: part["units"] for part in second["for"]} == {"retail": 1500, "enterprise": 1000}
    assert plan.uncovered == []


# objective and units by channel of `optimal`; the objective also by the independent programme below
IGNORED = {
    "commitments": (1_052_654.0, {"online": 7000, "retail": 6200, "enterprise": 1800}),
    "proximity": (1_102_800.0, {"online": 7000, "retail": 4000, "enterprise": 4000}),
    "transport": (1_105_470.0, {"online": 9000, "retail": 3000, "enterprise": 3000}),
    "margin": (998_550.0, {"online": 5500, "retail": 6500, "enterprise": 3000}),
    "performance": (1_113_345.0, {"online": 7000, "retail": 4300, "enterprise": 3700}),
}


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_changes_the_plan_when_it_is_ignored(factor):
    plan = allotment.plan(**FILES, ignore=[factor])
    objective, units = IGNORED[factor]
    assert (plan.objective, by_channel(plan.allocation_rows())) == (objective, units)
    assert plan.objective == pytest.approx(best_value(tables(), factor), abs=1e-6)
    assert flows(plan) != EXPECTED
    assert flows(allotment.plan(**FILES, ignore=[factor], method="priority")) != EXPECTED
    if factor in ("proximity", "margin", "performance"):  # the others are limits, without which more can be reached
        assert plan.value < 1_045_590.0


def test_all_factors_may_be_ignored_together():
    plan = allotment.plan(**FILES, ignore=FACTORS)
    assert plan.objective == pytest.approx(15_000 * (96 + 58 + 68) / 3)  # every unit is worth the mean margin
    with pytest.raises(ScenarioError, match="unknown factor 'margins' to ignore; did you mean 'margin'"):
        allotment.plan(**FILES, ignore=["margins"])


def tables():
    return {kind: pd.read_csv(file) for kind, file in FILES.items()}


def best_value(given, ignore=""):
    """Return the optimum by a dense programme over all (warehouse, channel, region), built from the tables alone."""
    frame = given["stock"][["warehouse"]].merge(given["demand"], how="cross")
    frame = frame.merge(given["lanes"], on=["warehouse", "region"]).merge(given["channels"], on="channel")
    frame = frame.merge(given["transport"], on=["warehouse", "channel"])
    margin = given["channels"]["unit_margin"].mean() if ignore == "margin" else frame["unit_margin"]
    rate = 1.0 if ignore == "performance" else frame["otif"]
    freight = 0.0 if ignore == "proximity" else frame["freight_per_unit_km"] * frame["km"]
    value = (margin * rate - freight).to_numpy()
    matrix, bound = [], []
    for keys, column, table in (
        (["warehouse"], "on_hand", given["stock"]),
        (["channel", "region"], "demand", given["demand"]),
        (["warehouse", "channel"], "outbound_capacity", given["transport"] if ignore != "transport" else None),
        (["channel", "region"], "committed", given["demand"] if ignore != "commitments" else None),
    ):
        for _, row in table.iterrows() if table is not None else ():
            sign = -1.0 if column == "committed" else 1.0
            matrix.append(sign * (frame[keys] == row[keys]).all(axis=1).to_numpy(dtype=float))
            bound.append(sign * row[column])
    found = linprog(-value, A_ub=np.array(matrix), b_ub=bound, method="highs-ds")
    return -found.fun if found.status == 0 else None


def changed(seed):
    """Return tables with stock, demand, commitments and capacity scaled and reshuffled."""
    rng = np.random.default_rng(seed)
    given = tables()
    for kind, column in (("stock", "on_hand"), ("demand", "demand"), ("transport", "outbound_capacity")):
        scaled = np.floor(given[kind][column] * rng.uniform(0.5, 1.6, len(given[kind])))
        given[kind][column] = rng.permutation(scaled).astype(int)
    given["demand"]["committed"] = np.floor(given["demand"]["demand"] * rng.uniform(0.0, 0.4)).astype(int)
    return {kind: table.sample(frac=1.0, random_state=seed) for kind, table in given.items()}


@pytest.mark.parametrize("seed", range(12))
def test_scaled_and_reshuffled_tables_reach_the_optimum_of_an_independent_programme(seed):
    given = changed(seed)
    plan = allotment.plan(**given)
    assert plan.broken_commitments() == []
    assert plan.objective == pytest.approx(best_value(given), abs=1e-6)
    assert allotment.plan(**given, method="priority").objective <= plan.objective + 1e-6


def greedy(given):
    """Return what the rule in words gives: commitments first, most valuable first, nearest warehouse; then by unit value."""
    channels = given["channels"].set_index("channel")
    kilometres = given["lanes"].set_index(["warehouse", "region"])["km"]
    stock = dict(zip(given["stock"]["warehouse"], given["stock"]["on_hand"], strict=True))
    carriers = given["transport"].set_index(["warehouse", "channel"])["outbound_capacity"].to_dict()
    asked = {(row.channel, row.region): row.demand for row in given["demand"].itertuples()}
    promised = {(row.channel, row.region): row.committed for row in given["demand"].itertuples()}
    pairs = [(warehouse, channel, region) for channel, region in asked for warehouse in stock]

    def value(pair):
        channel = channels.loc[pair[1]]
        return channel.unit_margin * channel.otif - channel.freight_per_unit_km * kilometres[pair[0], pair[2]]

    units = dict.fromkeys(pairs, 0)
    for limit in (promised, asked):
        for warehouse, channel, region in sorted(pairs, key=value, reverse=True):
            lacking = limit[channel, region] - sum(units[each, channel, region] for each in stock)
            given_now = max(0, min(lacking, stock[warehouse], carriers[warehouse, channel]))
            units[warehouse, channel, region] += given_now
            stock[warehouse] -= given_now
            carriers[warehouse, channel] -= given_now
    return {pair: amount for pair, amount in units.items() if amount}


@pytest.mark.parametrize("seed", range(12))
def test_the_priority_rule_follows_its_words_on_other_tables(seed):
    given = changed(seed)
    rows = allotment.plan(**given, method="priority").allocation_rows()
    assert {(row["warehouse"], row["channel"], row["region"]): row["units"] for row in rows} == greedy(given)


def test_commitments_beyond_supply_are_short_by_as_little_as_can_be_and_listed():
    given = tables()
    given["stock"]["on_hand"] = [3000, 2000, 1000]
    plan = allotment.plan(**given)
    short = sum(row["units"] for row in plan.broken_commitments())
    assert short == 9200 - 6000
    assert best_value(given) is None  # the programme with commitments as bounds has no solution


def test_a_plan_shows_itself_in_one_line():
    assert repr(allotment.plan(**FILES)) == "<optimal plan: 15,000 of 19,500 units allocated, value 1,045,590.00>"


def test_files_of_all_kinds_and_data_frames_give_the_same_plan(tmp_path):
    given = tables()
    for kind, table in given.items():
        table.to_parquet(tmp_path / f"{kind}.parquet")
    parquet = {kind: tmp_path / f"{kind}.parquet" for kind in given}
    assert flows(allotment.plan(**given)) == flows(allotment.plan(**parquet)) == EXPECTED


def test_the_frames_of_a_plan_hold_its_rows():
    plan = allotment.plan(**FILES)
    assert plan.allocation.to_dict("records") == plan.allocation_rows()
    assert plan.unmet["units"].sum() == 4500
    given = tables()
    given["demand"]["demand"] = given["demand"]["committed"]
    assert list(allotment.plan(**given).unmet.columns) == ["channel", "region", "units", "reason"]
