"""The figure of a plan: bars that sum to what is asked for, and to what there is."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from small_tables import planned, table
from test_plan_campaign import FILES

import allotment
from allotment.planning.figure import demand_served, draw, save, stock_used
from allotment.planning.summary import MOST_GROUPS, summary


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4.5), layout="constrained").subplots()


def widths(ax):
    """Return the widths of all bars by label."""
    return {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}


def test_each_bar_of_demand_is_what_warehouses_ship_and_what_stays_unmet(ax):
    plan = allotment.plan(**FILES)
    assert demand_served(ax, summary(plan), plan.book.warehouses) is ax
    drawn = widths(ax)
    assert drawn["from CENTRAL"] == [0, 2200, 0, 0, 1600, 0, 0, 1100, 0]
    assert sum(drawn["unmet"]) == 4500
    assert [label.get_text() for label in ax.get_yticklabels()][:2] == ["online EAST", "online CENTRAL"]
    (ticks,) = ax.lines
    assert ticks.get_xdata().tolist() == [1500, 900, 800, 1200, 1000, 800, 1200, 1100, 700]


def test_each_bar_of_supply_is_what_channels_get_and_what_is_left(ax):
    plan = planned({"channel": ["web", "shop"], "demand": [3, 4]}, method="first_come")
    assert stock_used(ax, plan) is ax
    assert widths(ax) == {"to web": [3], "to shop": [4], "left": [3]}


def test_many_warehouses_share_their_last_colour(ax):
    stock = table(warehouse=[f"W{place}" for place in range(10)], on_hand=list(range(1, 11)))
    plan = allotment.plan(stock, table(channel="web", demand=60), today=0)
    demand_served(ax, summary(plan), plan.book.warehouses)
    drawn = widths(ax)
    assert list(drawn) == [*(f"from W{place}" for place in range(3, 10)), "from others", "unmet"]
    assert drawn["from others"] == [1 + 2 + 3]


def test_many_regions_are_summed_up_by_channel():
    regions = [f"R{place}" for place in range(MOST_GROUPS + 1)]
    plan = planned({"channel": ["web"] * len(regions), "region": regions, "demand": [1] * len(regions)})
    sums = summary(plan)
    assert (sums.titles, sums.wanted.tolist(), sums.served.tolist()) == (["web"], [31], [10])
    assert sums.reasons(0) == "no stock"


def test_a_figure_has_both_panels_and_room_for_its_bars():
    figure = draw(allotment.plan(**FILES))
    assert len(figure.axes) == 2
    figure.canvas.draw()
    assert np.all(np.diff([ax.get_position().x0 for ax in figure.axes]) > 0)


def test_a_plan_of_any_names_is_drawn(tmp_path):
    warehouse, channel = r"$\frac{a$", "<script>$x^"
    plan = planned({"channel": [channel, "=cmd|A0"], "demand": [3, 4]}, stock={"warehouse": [warehouse], "on_hand": [5]})
    save(plan, tmp_path / "plan.png")
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    figure = draw(plan)
    FigureCanvasAgg(figure).draw()  # names stay as they are, whoever draws the figure later
    assert warehouse in [label.get_text() for label in figure.axes[1].get_yticklabels()]
