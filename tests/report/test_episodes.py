from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from allotment.report.episodes import episodes_side_by_side

PERIODS = 4


def record(title, stock, demand=5.0):
    units = np.full((PERIODS, 1, 1), demand)
    return SimpleNamespace(
        title=title,
        sites=["shop"],
        channels=["customers"],
        on_hand=np.full((PERIODS, 1, 1), stock),
        in_transit=2.0 * units,
        demand=units,
        on_time=units,
        open_demand=0.0 * units,
        lost=0.0 * units,
        shipped=units,
        reward=np.full(PERIODS, -stock),
    )


@pytest.fixture
def figure():
    return episodes_side_by_side([record("ppo", 3.0), record("base_stock", 70.0), record("sac", 9.0), record("random", 20.0)])


def test_each_policy_has_its_episode_in_the_given_order(figure):
    titles = [part.get_suptitle() for part in figure.subfigs if part.axes]
    assert [title.split(":")[0] for title in titles] == ["ppo", "base_stock", "sac", "random"]
    assert "mean reward -70.0 per period" in titles[1]


def test_the_same_panel_has_the_same_scale_for_every_policy(figure):
    panels = [part.axes for part in figure.subfigs if part.axes]
    for same in zip(*panels, strict=True):
        assert len({(*panel.get_xlim(), *panel.get_ylim()) for panel in same}) == 1
    assert panels[0][0].get_ylim()[1] > 70
    assert panels[0][0].get_ylim()[0] == 0


def test_more_than_three_stand_in_several_rows(figure):
    wide = episodes_side_by_side([record("ppo", 3.0), record("base_stock", 7.0)])
    assert figure.get_figheight() == 2 * wide.get_figheight()
    assert figure.get_figwidth() == 1.5 * wide.get_figwidth()


def test_it_can_be_drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba()).min() < 255
