import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from shown_money import COST, PROFIT

from allotment.evaluation.comparison import by_knowledge
from allotment.report.figures import (
    chances,
    cost_terms,
    gaps_closed,
    learning_curve,
    paired_differences,
    rows_of,
    service_against_stock,
    term_differences,
)
from allotment.report.knowledge import GROUPS
from allotment.report.money import Money
from allotment.report.palette import LEARNED, RULE_BASED

NAMES = ["ppo (3 seeds)", "base_stock", "sac", "constant_order"]


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4.5), layout="constrained").subplots()


def texts(ax):
    """Return what is written on the axes but the titles of groups."""
    return [text.get_text() for text in ax.texts if text.get_text() not in GROUPS.values()]


def legend(ax):
    return [text.get_text() for text in ax.figure.legends[0].get_texts()]


def curve(scores):
    return pd.DataFrame({"steps": np.arange(len(scores)) * 1000, "score": scores})


def test_rule_based_policies_are_dashed_lines_at_their_scores(ax):
    assert learning_curve(ax, {"ppo": curve([-90.0, -50.0, -40.0])}, {"base_stock": -45.0}, PROFIT) is ax
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert [list(line.get_ydata()) for line in dashed] == [[-45.0, -45.0]]
    assert texts(ax) == ["ppo", "base_stock"]


def test_several_seeds_are_their_mean(ax):
    seeds = pd.concat([curve([-90.0, -50.0]), curve([-70.0, -40.0])])
    learning_curve(ax, {"ppo": seeds}, {}, PROFIT)
    assert list(ax.lines[0].get_ydata()) == [-80.0, -45.0]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (-90.0, -40.0)


def test_a_bad_start_does_not_flatten_the_rest(ax):
    learning_curve(ax, {"ppo": curve([-1e6, -60.0, -50.0, -45.0, -44.0])}, {"base_stock": -45.0, "none": -80.0}, PROFIT)
    low, high = ax.get_ylim()
    assert -100 < low < -80
    assert -44 < high < 0


def test_a_rule_far_below_the_curves_is_told_but_not_drawn(ax):
    curves = {"ppo": curve([-60.0, -50.0, -45.0, -44.0])}
    learning_curve(ax, curves, {"base_stock": -46.0, "constant_order": -1200.0}, PROFIT)
    assert ax.get_ylim()[0] > -60
    assert texts(ax) == ["ppo", "base_stock", "constant_order (-1,200, off the axis)"]


def test_bars_stack_the_costs_of_each_policy_and_leave_income_out(ax, comparison):
    comparison["money/revenue"] = 5000.0
    cost_terms(ax, comparison, COST)
    assert legend(ax) == ["holding", "lost sale"]
    ends = [bar.get_x() + bar.get_width() for bar in ax.containers[-1]]
    assert ends == [90.0, 90.0, 100.0, 200.0]
    assert texts(ax) == ["90", "90", "100", "200"]
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES


def test_service_stands_against_stock_with_a_colour_for_each_kind(ax, comparison):
    service_against_stock(ax, comparison)
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines] == [
        (28.0, 0.95),
        (30.0, 0.9712),
        (28.1, 0.9505),
        (50.0, 0.95),
    ]
    assert [to_hex(line.get_color()).upper() for line in ax.lines] == [LEARNED, RULE_BASED, LEARNED, RULE_BASED]
    assert texts(ax) == NAMES


def test_differences_stand_with_their_intervals_about_zero(ax, comparison):
    paired_differences(ax, comparison, PROFIT)
    drawn = [list(line.get_xdata()) for line in ax.lines]
    assert drawn[0] == [0, 0]  # the zero line
    assert drawn[1:5] == [[10.1, 14.6], [12.3], [0.0, 0.0], [0.0]]
    assert texts(ax) == ["+12.3 [+10.1, +14.6]", "reference", "-1.0 [-3.0, +1.0]", "-100.0 [-102.0, -98.0]"]
    assert "base_stock" in ax.get_xlabel()


def test_a_policy_far_beyond_the_others_is_an_arrow_at_the_edge(ax, comparison):
    paired_differences(ax, comparison, PROFIT)
    last = ax.lines[-1]
    assert last.get_marker() == "<"
    assert list(last.get_xdata()) == pytest.approx([-4 * 14.6])  # four times the reach in the middle
    assert ax.get_xlim()[0] > -70


def test_a_single_policy_can_be_drawn(ax, comparison):
    paired_differences(ax, comparison.iloc[[1]], PROFIT)
    assert texts(ax) == ["reference"]


def test_chances_stand_with_their_intervals_about_one_half(ax, comparison):
    assert chances(ax, comparison) is ax
    drawn = [list(line.get_xdata()) for line in ax.lines]
    assert drawn[0] == [0.5, 0.5]
    assert drawn[1:5] == [pytest.approx([0.88, 0.93]), [0.9], pytest.approx([0.48, 0.53]), [0.5]]
    assert texts(ax) == ["90.0% [88.0%, 93.0%]", "reference", "50.0% [48.0%, 53.0%]", "5.0% [3.0%, 8.0%]"]


def test_a_cost_world_is_drawn_in_the_signs_of_its_table(ax, comparison):
    paired_differences(ax, comparison, COST)
    assert texts(ax)[0] == "-12.3 [-14.6, -10.1]"
    assert list(ax.lines[1].get_xdata()) == [-10.1, -14.6]
    assert ax.lines[-1].get_marker() == ">"
    assert ax.get_xlabel() == "cost less that of base_stock (money per period, left is better)"


def test_what_is_equal_in_practice_is_shaded(ax, comparison):
    paired_differences(ax, comparison, PROFIT)
    [band] = ax.patches
    assert (band.get_x(), band.get_width()) == (pytest.approx(-0.05 * 12.01), pytest.approx(0.1 * 12.01))
    assert "equal in practice" in legend(ax)


def test_a_policy_off_the_axis_stands_at_its_edge_even_beside_one_without_difference(ax, comparison):
    same = comparison["policy"] == "sac"
    for end in ("difference", "difference_low", "difference_high"):
        comparison.loc[same, end] = 0.0
    paired_differences(ax, comparison.iloc[1:], PROFIT)
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(-100)


@pytest.mark.parametrize(("money", "sign"), [(PROFIT, 1), (COST, -1)])
def test_terms_add_up_to_the_difference_in_the_sign_of_the_table(ax, comparison, money, sign):
    comparison["money/revenue"] = [110.0, 100.0, 100.0, 100.0]
    term_differences(ax, comparison, money)
    assert legend(ax) == ["revenue", "holding", "lost sale"]
    # The learned policy sells for 10 more, holds for 10 less and loses for 10 more.
    assert [float(each) for each in ax.lines[1].get_xdata()] == [sign * total for total in (10, 0, -10, -110)][:3]
    assert texts(ax) == [
        f"{sign * 10:+.1f}",
        "reference",
        f"{-sign * 10:+.1f}",
        f"{-sign * 110:+.1f}",
    ]


@pytest.mark.parametrize("draw", [paired_differences, chances, cost_terms, term_differences])
def test_informed_policies_stand_apart_below_a_title(ax, comparison, draw):
    draw(ax, by_knowledge(comparison.assign(informed=[True, False, False, True])), *([] if draw is chances else [PROFIT]))
    titles = {text.get_text(): text.xy[1] for text in ax.texts if text.get_text() in GROUPS.values()}
    rows = {label.get_text(): label.get_position()[1] for label in ax.get_yticklabels()}
    assert list(rows) == ["ppo (3 seeds)", "constant_order", "base_stock", "sac"]  # from top to bottom
    assert titles["informed"] < rows["ppo (3 seeds)"] < rows["constant_order"]
    assert rows["constant_order"] < titles["uninformed"] < rows["base_stock"] < rows["sac"] < ax.get_ylim()[0]
    assert rows_of(comparison) == len(comparison) + 0.8  # all of these are uninformed


def test_uninformed_policies_are_hollow_where_service_stands_against_stock(ax, comparison):
    service_against_stock(ax, comparison.assign(informed=[True, False, True, True]))
    assert [line.get_markerfacecolor() == "white" for line in ax.lines] == [False, True, False, False]
    assert "uninformed (hollow)" in legend(ax)


def test_a_small_term_is_seen_beside_a_bar_off_the_axis(ax, comparison):
    term_differences(ax, comparison, COST)
    assert ax.get_xlim()[1] == pytest.approx(4 * 10 * 1.06)
    arrows = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == ">"]
    assert arrows == [[pytest.approx(1.03 * 40)]]


def test_the_learning_curve_of_a_cost_world_shows_costs_with_its_rules(ax):
    learning_curve(
        ax, {"ppo": curve([-90.0, -50.0, -40.0])}, {"base_stock": -45.0, "none": -800.0}, Money("cost", "EUR", "week")
    )
    assert ax.get_ylabel() == "cost (EUR per week, lower is better)"
    assert list(ax.lines[0].get_ydata()) == [90.0, 50.0, 40.0]
    assert list(ax.lines[1].get_ydata()) == [45.0, 45.0]
    assert texts(ax) == ["ppo", "base_stock", "none (800.0, off the axis)"]


def test_small_differences_between_curve_and_rules_look_small(ax):
    learning_curve(ax, {"ppo": curve([3672.8, 3672.9])}, {"newsvendor": 3672.85, "base_stock": 3551.0}, PROFIT)
    low, high = ax.get_ylim()
    assert high - low > 0.02 * 3672
    assert low < 3551


def test_of_two_policies_a_small_difference_is_not_flattened_by_a_large_one(ax, comparison):
    paired_differences(ax, comparison.iloc[[1, 2, 3]], PROFIT)
    assert ax.get_xlim()[0] == pytest.approx(-4 * 3.0 * 1.06)


def test_a_long_name_takes_several_lines_beside_the_axes(ax, comparison):
    comparison.loc[3, "policy"] = "constant_order (parameters.quantity=2, cap.level=100) with yet another setting, and one more"
    paired_differences(ax, comparison, PROFIT)
    lines = ax.get_yticklabels()[3].get_text().split("\n")
    assert len(lines) == 3
    assert max(map(len, lines)) <= 28


def test_shares_of_the_gap_stand_with_their_intervals_and_one_far_off_is_an_arrow(ax, comparison):
    bounded = comparison.assign(gap_closed=[0.12, 0.0, 0.03, -4.0], gap_closed_standard_error=[0.01, 0.0, 0.02, 0.1])
    gaps_closed(ax, bounded, COST)
    assert texts(ax) == ["12.0% ± 1.0%", "reference", "3.0% ± 2.0%", "-400.0% ± 10.0%"]
    intervals = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 2]
    assert intervals[0].get_xdata() == pytest.approx([0.12 - 0.0196, 0.12 + 0.0196])
    assert [line.get_marker() for line in ax.lines if line.get_marker() != "None"] == ["o", "s", "o", "<"]
    assert ax.get_xlim()[0] > -1.0 and ax.get_xlim()[1] > 0.12
