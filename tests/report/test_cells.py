import numpy as np
import pytest
from shown_money import COST, PROFIT

from allotment.evaluation.comparison import by_knowledge, compare
from allotment.evaluation.testing import evaluate
from allotment.report.cells import (
    capital_cells,
    certainty_cells,
    comparison_cells,
    difference_texts,
    headline,
    rope_width,
    service_cells,
    tables_of,
    term_cells,
)
from allotment.report.money import Money
from small_policies import rule
from small_worlds import shipped_world


def test_a_cost_world_shows_costs_and_differences_in_cost(comparison):
    cells = comparison_cells(comparison, COST)
    assert cells.header[2:6] == ["cost (money per period)", "vs best rule", "percent", "verdict"]
    assert cells.rows[0] == [
        "ppo (3 seeds)",
        "learned",
        "1,187.7 ± 1.5",
        "-12.3 [-14.6, -10.1]",
        "-1.02%",
        "better",
        "95.0%",
    ]


def test_a_profit_world_shows_profits_and_differences_in_profit(comparison):
    cells = comparison_cells(comparison, PROFIT)
    assert cells.header[2] == "profit (money per period)"
    assert cells.rows[0][2:5] == ["-1,187.7 ± 1.5", "+12.3 [+10.1, +14.6]", "+1.02%"]


def test_the_reference_says_so_and_is_named_unless_it_is_the_best_rule(comparison):
    assert comparison_cells(comparison, COST).rows[1][3:6] == ["reference", "", ""]
    other = comparison.assign(reference=comparison["policy"] == "constant_order")
    cells = comparison_cells(other, COST)
    assert cells.header[3] == "vs constant_order"
    assert cells.rows[3][3] == "reference"


def test_what_is_sure_is_the_verdict_whatever_the_objective(comparison):
    for money in (COST, PROFIT):
        assert comparison_cells(comparison, money).verdicts == ["better", "reference", "open", "worse"]


def test_how_sure_a_difference_is_stands_in_a_table_of_its_own(comparison):
    cells = certainty_cells(comparison, COST)
    assert cells.header == ["policy", "interquartile mean", "chance to beat best rule", "p", "p, Holm", "resampled"]
    assert cells.rows[0] == [
        "ppo (3 seeds)",
        "1,185.7 [1,182.7, 1,188.7]",
        "90.0% [88.0%, 93.0%]",
        "< 0.001",
        "< 0.001",
        "seeds, worlds",
    ]
    assert cells.rows[1][2:] == ["", "-", "-", "worlds"]
    assert cells.rows[2][3:] == ["0.400", "0.800", "worlds"]
    assert "corrected for 3 comparisons" in cells.note


def test_the_note_says_how_many_worlds_there_are_and_what_intervals_speak_of(comparison):
    note = comparison_cells(comparison, COST).note
    assert note.startswith("1,000 test worlds, the same for every policy.")
    assert "Intervals speak of other test worlds and other trainings of a policy with several seeds." in note
    assert "A learned policy of one seed is judged as it was trained" in note  # there is such a one
    assert "sure at 5 % after Holm's correction for 3 comparisons" in note


def test_the_note_speaks_of_items_and_seeds_only_where_there_are_any(comparison):
    rules = comparison[comparison["kind"] == "rule-based"]
    note = comparison_cells(rules, COST).note
    assert "Intervals speak of other test worlds. Better" in note
    assert "correction for 1 comparison." in note
    by_item = comparison_cells(comparison.assign(items=100), COST).note
    assert "other test worlds, other trainings of a policy with several seeds and other items than these 100." in by_item
    certainty = certainty_cells(comparison.assign(items=100), COST)
    assert "in an item of a world drawn at random" in certainty.note
    assert certainty.rows[0][-1] == "seeds, worlds, items"


def test_a_single_policy_is_not_compared(comparison):
    tables = tables_of(comparison.iloc[[1]], COST)
    assert [cells.caption.split(",")[0] for cells in tables] == [
        "Cost per period ± standard error; paired differences with 95 % intervals",
        "Service and stock",
        "Money per period",
    ]
    assert "Holm" not in tables[0].note


@pytest.mark.parametrize("money", [COST, PROFIT])
def test_every_table_has_a_row_a_policy(comparison, money):
    for cells in tables_of(comparison, money):
        assert [row[0] for row in cells.rows] == ["ppo (3 seeds)", "base_stock", "sac", "constant_order"]
        assert {len(row) for row in cells.rows} == {len(cells.header)}


def test_informed_policies_are_listed_apart_in_every_table(comparison):
    mixed = comparison.assign(informed=[False, True, False, True])
    for cells in tables_of(mixed, COST):
        assert [row[0] for row in cells.rows] == ["ppo (3 seeds)", "sac", "base_stock", "constant_order"]
        assert cells.groups == ["uninformed", "uninformed", "informed", "informed"]
    table = tables_of(mixed, COST)[0]
    assert table.verdicts == ["better", "open", "reference", "worse"]
    assert "Informed policies see more of coming demand than its past tells" in table.note
    assert headline(by_knowledge(mixed), COST) == headline(mixed, COST)  # the best of all comes first


def test_the_best_policy_is_in_the_first_group(comparison):
    cells = tables_of(comparison.assign(informed=[True, False, False, True]), COST)[0]
    assert cells.groups == ["informed", "informed", "uninformed", "uninformed"]
    assert [row[0] for row in cells.rows] == ["ppo (3 seeds)", "constant_order", "base_stock", "sac"]


def test_differences_show_the_digits_that_their_intervals_support(comparison):
    tight = comparison.assign(score_standard_error=0.0, score=[9.0, 8.0, 7.0, 6.0])
    tight = tight.assign(difference_low=tight["difference"] - 0.005, difference_high=tight["difference"] + 0.005)
    assert difference_texts(tight, PROFIT)[0] == "+12.3000 [+12.2950, +12.3050]"


def test_terms_that_nothing_moves_are_left_out(comparison):
    cells = term_cells(comparison, COST)
    assert cells.header == ["policy", "holding", "lost sale"]
    assert cells.rows[3] == ["constant_order", "140", "60.0"]


def test_the_finding_names_the_best_policy_and_its_lead(comparison):
    assert headline(comparison, COST) == (
        "ppo (3 seeds) has the lowest cost, 1,187.7 per period: -12.3 [-14.6, -10.1] (-1.02%) against base_stock."
    )
    assert headline(comparison.iloc[1:], PROFIT).endswith("per period; it is the reference.")
    euros = Money("cost", "EUR", "week")
    assert headline(comparison, euros).startswith("ppo (3 seeds) has the lowest cost, 1,187.7 EUR per week: -12.3")
    unsure = comparison.assign(verdict="open")
    assert headline(unsure, COST).endswith("against base_stock, which may be chance.")


def test_the_finding_says_that_a_win_too_small_to_matter_is_none(comparison):
    comparison.loc[0, "verdict"] = "equal in practice"
    assert headline(comparison, COST).endswith(
        "but is equal in practice to base_stock: -12.3 [-14.6, -10.1] (-1.02%) is within ±0.05 % of the reference's score."
    )
    others = comparison.iloc[1:].assign(verdict=["reference", "equal in practice", "worse"])
    assert headline(others, COST).endswith("it is the reference, and sac is equal to it in practice.")


def test_the_note_says_what_percent_are_of(comparison):
    assert (
        "lies within ±0.05 % of the reference's score, be the difference sure or not."
        in comparison_cells(comparison, COST).note
    )
    near_zero = comparison_cells(comparison.assign(percent_of="costs"), COST).note
    assert "within ±0.05 % of the reference's costs, as its score is too near zero, be" in near_zero
    without = comparison.assign(percent_of="nothing", percent=float("nan"))
    assert comparison_cells(without, COST).rows[0][4] == "-"
    assert "too near zero for percent of it" in comparison_cells(without, COST).note
    assert rope_width(without) == 0
    assert rope_width(comparison) == pytest.approx(0.05 * 12.01)


def test_money_has_the_name_that_the_world_gives_it(comparison):
    euros = Money("profit", "EUR", "week")
    assert comparison_cells(comparison, euros).header[2] == "profit (EUR per week)"
    assert term_cells(comparison, euros).caption == "EUR per week, by term"
    assert term_cells(comparison, COST).caption == "Money per period, by term"


def test_service_stands_beside_the_stock_that_it_takes(comparison):
    assert service_cells(comparison).rows[0] == ["ppo (3 seeds)", "95.0%", "90.0%", "28.0", "12.3"]


def test_what_stock_ties_up_is_shown_as_far_as_it_is_measured(comparison):
    measured = comparison.assign(days_of_inventory=[20.0, 31.5, np.nan, 8.0], gmroi=0.25, write_downs=[3.0, 1.0, 0.0, 2.0])
    cells = capital_cells(measured, COST)
    assert cells.header == ["policy", "days of inventory", "GMROI", "write-downs (money per period)"]
    assert cells.rows[1] == ["base_stock", "31.5", "0.250", "1.00"]
    assert cells.rows[2][1] == "-"
    assert "Capital in stock" in [table.caption for table in tables_of(measured, COST)]
    assert "Capital in stock" not in [table.caption for table in tables_of(comparison, COST)]


def test_a_comparison_has_what_its_world_has_the_money_for():
    rows = evaluate(rule(shipped_world("three_warehouses"), {"policy": "newsvendor"}), shipped_world("three_warehouses"), 2, 0)
    table = compare(rows.episodes, None, np.random.default_rng(0))
    assert (table["days_of_inventory"] > 0.0).all()
    assert table["gmroi"].notna().all()
    assert "write_downs" not in table
