"""Who is served, as tables: one policy's, and several side by side."""

import numpy as np
import pandas as pd
import pytest
from shown_money import COST

from allotment.evaluation.breakdown import Breakdown
from allotment.report.breakdown_cells import MOST, all_tables, breakdown_table, breakdown_tables, greatest, side_by_side
from allotment.report.money import Money

EUROS = Money("profit", "EUR", "week")


def many_skus(count, lost=lambda place: float(place)):
    """Return the means of a breakdown of SKUs that each ask for 100, the first of which lacks nothing."""
    amounts = [[100.0, 100 - lost(place), lost(place), lost(place), 2 * lost(place), np.nan, 5.0] for place in range(count)]
    return Breakdown([("sku", f"sku {place}") for place in range(count)], np.array([amounts, amounts])).means()


def test_a_policys_tables_have_means_and_errors_the_most_units_short_first(means):
    channels, sites, skus = breakdown_tables(means["base_stock"], EUROS)
    assert channels.header == ["channel", "demand", "fill rate", "units short", "lost margin (EUR)"]
    assert channels.rows[0] == ["web", "90.0 ± 30.0", "80.0% ± 0.0%", "18.0 ± 6.0", "54.0 ± 18.0"]
    assert [row[0] for row in channels.rows] == ["web", "shop"]
    assert sites.header[-2:] == ["shipped", "on hand"]
    assert "nearest" in sites.note
    assert [row[0] for row in skus.rows] == ["pear", "apple"]
    assert channels.caption == "By channel, per week, ± standard error"


def test_long_lists_are_cut_and_the_rest_is_summed_up():
    skus = breakdown_tables(many_skus(MOST + 3), COST)[2]
    assert [row[0] for row in skus.rows] == [f"sku {place}" for place in range(MOST + 2, 2, -1)] + ["(3 others)"]
    assert skus.rows[-1][1:] == ["300", "99.0%", "3.0", "6.0", "15.00"]
    assert len(breakdown_tables(many_skus(MOST + 1), COST)[2].rows) == MOST + 1  # one alone is shown itself


def test_policies_stand_side_by_side_where_they_differ_most(means):
    channels, _, skus = side_by_side(means, EUROS, "base_stock")
    assert channels.header == ["channel", "measure", "ppo", "base_stock", "sac", "constant_order"]
    assert [row[:2] for row in channels.rows] == [
        ["web", "fill rate"],
        ["", "units short"],
        ["", "lost margin (EUR)"],
        ["shop", "fill rate"],
        ["", "units short"],
        ["", "lost margin (EUR)"],
    ]
    assert channels.rows[0][2:] == ["90.0%", "80.0%", "70.0%", "60.0%"]
    assert channels.rows[1][2:] == ["9.0", "18.0", "27.0", "36.0"]
    assert [row[0] for row in skus.rows[::3]] == ["pear", "apple"]


def test_of_many_skus_those_that_differ_most_are_shown_and_the_rest_is_summed_up():
    policies = {"a": many_skus(10), "b": many_skus(10, lambda place: 2.0 * place)}
    skus = side_by_side(policies, COST, "a")[2]
    assert [row[0] for row in skus.rows[::3]] == ["sku 9", "sku 8", "sku 7", "sku 6", "sku 5", "(5 others)"]
    assert skus.rows[-2][2:] == ["10.0", "20.0"]
    assert greatest("sku", policies)[:2] == ["sku 9", "sku 8"]


def test_policies_side_by_side_say_which_are_informed(comparison, means):
    tables = all_tables(comparison.assign(informed=[True, False, True, False]), means, EUROS)[-3:]
    assert all(table.note.endswith("Informed: ppo, sac.") for table in tables)
    assert all_tables(comparison, means, EUROS)[-1].note == "Informed: none of these."


def test_of_many_policies_the_best_and_the_reference_are_shown(means):
    several = {f"policy {place}": means["ppo"] for place in range(9)}
    table = side_by_side(several, COST, "policy 8")[0]
    assert table.header[2:] == ["policy 0", "policy 1", "policy 2", "policy 3", "policy 4", "policy 8"]
    assert "6 of 9 policies: the best, and the reference." in table.note


def test_a_report_of_one_policy_has_its_own_tables(comparison, means):
    assert len(all_tables(comparison, means, COST)) == 7
    alone = all_tables(comparison.iloc[[1]], {"base_stock": means["base_stock"]}, COST)
    assert [cells.caption.split(",")[0] for cells in alone][-3:] == ["By channel", "By site", "By SKU"]
    assert breakdown_tables(pd.DataFrame(columns=["axis", "name", "measure", "mean", "standard_error"]), COST) == []


def test_all_of_it_is_one_table_in_the_end(means):
    table = breakdown_table(means)
    found = table[(table["policy"] == "sac") & (table["name"] == "web") & (table["measure"] == "fill_rate")]
    assert found["mean"].item() == pytest.approx(0.7)
    assert list(table.columns) == ["policy", "axis", "name", "measure", "mean", "standard_error", "episodes"]
