"""Names in figures are drawn as they are."""

import warnings

import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from allotment.environments.episode_figure import draw_episode
from allotment.environments.figure_text import _characters, fonts_for, plain_text
from allotment.environments.render import picture
from allotment.scenario.loader import world_from
from allotment.simulation.episode_record import record_of

DOLLARS, CHINESE = r"$\frac{a$", "仓库"


def test_a_dollar_sign_is_no_mathematics():
    with plain_text([DOLLARS]):
        figure = Figure()
        figure.text(0.5, 0.5, DOLLARS)
        figure.draw_without_rendering()
    FigureCanvasAgg(figure).draw()  # which stays so, whoever draws it later


def test_characters_that_the_usual_font_lacks_are_drawn_in_one_that_has_them():
    usual = _characters(font_manager.findfont("DejaVu Sans"))
    only_elsewhere = sorted(_characters(font_manager.findfont("STIXGeneral")) - usual)[0]
    families, lacking = fonts_for(f"shop {only_elsewhere}\n")
    assert len(families) == 2
    assert lacking == ""
    assert only_elsewhere in _characters(font_manager.findfont(families[1]))


def test_what_no_font_has_is_told_once_and_drawn_as_boxes(monkeypatch):
    own = [entry for entry in font_manager.fontManager.ttflist if "DejaVu" in entry.name or "Last Resort" in entry.name]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with plain_text([CHINESE, "shop"]):
            figure = Figure()
            figure.text(0.5, 0.5, CHINESE)
            FigureCanvasAgg(figure).draw()
    assert [str(warning.message) for warning in told] == ["figures show boxes for 仓库: no installed font has these characters"]


@pytest.mark.parametrize("name", [DOLLARS, "<script>", "=cmd|' /C calc'!A0"])
def test_an_episode_of_a_world_with_any_names_is_drawn(name):
    world = world_from(
        {
            "name": name,
            "horizon": {"periods": 2},
            "skus": [{"name": name, "price": 0}],
            "suppliers": [{"name": "mill"}],
            "sites": [{"name": name}],
            "channels": [{"name": name}],
            "supply_lanes": [{"from": "mill", "to": name}],
            "fulfilment_lanes": [{"from": name, "to": name}],
            "demand": [{"process": {"distribution": "poisson", "mean": 3}}],
        },
        "any",
    )
    assert picture(record_of(world, [])).any()
    FigureCanvasAgg(draw_episode(record_of(world, []))).draw()
