from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from allotment.environments.episode_figure import draw_episode

PERIODS, SKUS = 4, 2


def record(sites=2, channels=2, lost=0.0):
    demand = np.full((PERIODS, channels, SKUS), 5.0)
    demand[2] = 0.0
    unserved = np.where(demand > 0, lost, 0.0)
    return SimpleNamespace(
        title="Two stores",
        sites=[f"site {n}" for n in range(sites)],
        channels=[f"channel {n}" for n in range(channels)],
        on_hand=np.full((PERIODS, sites, SKUS), 7.0),
        in_transit=np.full((PERIODS, 3, SKUS), 2.0),
        demand=demand,
        on_time=demand - unserved,
        open_demand=np.zeros((PERIODS, channels, SKUS)),
        lost=unserved,
        shipped=demand - unserved,
        reward=np.array([-1.0, -2.0, -3.0, -4.0]),
    )


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture
def panels():
    return draw_episode(record(lost=1.0)).axes


def test_the_title_says_the_mean_reward():
    assert draw_episode(record()).get_suptitle() == "Two stores: mean reward -2.5 per period"


def test_stock_is_summed_over_skus_for_each_site(panels):
    assert names(panels[0]) == ["site 0", "site 1"]
    assert list(panels[0].lines[0].get_ydata()) == [14.0] * PERIODS


def test_units_in_transit_are_summed_over_lanes(panels):
    assert [bar.get_height() for bar in panels[1].containers[0]] == [12.0] * PERIODS


def test_lost_units_stand_on_top_of_those_shipped(panels):
    assert names(panels[2]) == ["demand", "shipped", "lost"]
    shipped, lost = panels[2].containers
    assert [bar.get_height() for bar in shipped] == [16.0, 16.0, 0.0, 16.0]
    assert [bar.get_y() + bar.get_height() for bar in lost] == [20.0, 20.0, 0.0, 20.0]


def test_nothing_lost_is_not_in_the_legend():
    assert names(draw_episode(record()).axes[2]) == ["demand", "shipped"]


def test_a_period_without_demand_has_no_service(panels):
    assert names(panels[3]) == ["channel 0", "channel 1", "all channels"]
    np.testing.assert_array_equal(panels[3].lines[-1].get_ydata(), [0.8, 0.8, np.nan, 0.8])


def test_many_sites_are_the_largest_and_the_mean_of_the_others():
    many = record(sites=10)
    many.on_hand[:, 9] = 100.0
    ax = draw_episode(many).axes[0]
    assert len(ax.lines) == 7
    assert "site 9" in names(ax)
    assert names(ax)[-1] == "mean of 4 others"
    assert list(ax.lines[-1].get_ydata()) == [14.0] * PERIODS


def test_a_given_figure_is_drawn_anew_and_has_pixels():
    figure = draw_episode(record())
    assert draw_episode(record(sites=1, channels=1), figure) is figure
    assert len(figure.axes) == 4
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba()).std() > 0


def test_the_highest_demand_stays_below_the_edge_where_something_is_lost():
    some = record()  # a demand of 20
    some.lost[0], some.shipped[0] = 1.0, 4.0
    assert draw_episode(some).axes[2].get_ylim()[1] > 20.5


def test_before_the_first_period_the_panels_are_empty():
    nothing = record()
    for name in ("on_hand", "in_transit", "demand", "on_time", "open_demand", "lost", "shipped", "reward"):
        setattr(nothing, name, getattr(nothing, name)[:0])
    figure = draw_episode(nothing)
    assert figure.get_suptitle() == "Two stores: before the first period"
    assert len(figure.axes) == 4
    assert not any(len(ax.get_xticks()) or len(ax.get_yticks()) for ax in figure.axes)
