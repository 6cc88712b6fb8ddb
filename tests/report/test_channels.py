"""Who got what was scarce, as a figure: a cell for each policy and channel."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex

from allotment.evaluation.breakdown import Breakdown
from allotment.report.breakdown_cells import ABREAST, MOST
from allotment.report.channels import served_by_channel
from allotment.report.money import Money
from allotment.report.palette import SCARCE, SERVED

EUROS = Money("profit", "EUR", "week")


def of_channels(short):
    """Return the means of channels that each ask for 100 units a week and are so many short."""
    rows = [[100.0, 100.0 - units, units, units, units, 100.0 - units, np.nan] for units in short]
    return Breakdown([("channel", f"shop {place}") for place in range(len(short))], np.array([rows, rows])).means()


def test_cells_hold_the_share_that_was_there_when_due_and_the_units_short(means):
    (ax,) = served_by_channel(means, "base_stock", EUROS).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == list(means)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["shop", "web"]
    assert [text.get_text() for text in ax.texts][:4] == ["95.0%\n3.0", "90.0%\n9.0", "95.0%\n3.0", "80.0%\n18.0"]
    assert "units short per week" in ax.get_title(loc="left")


def test_the_darker_a_cell_the_smaller_the_share():
    (ax,) = served_by_channel({"rule": of_channels([0.0, 10.0, 50.0, 80.0])}, "rule", EUROS).axes
    (image,) = ax.images
    colours = [to_hex(colour) for colour in image.cmap(image.norm(image.get_array()[0]))]
    assert colours[0] == SERVED.lower() and colours[2] == colours[3] == SCARCE.lower()
    assert len(set(colours)) == 3
    assert [text.get_color() for text in ax.texts] == ["#222222", "#222222", "white", "white"]


def test_of_many_channels_those_stand_there_in_which_policies_differ_most():
    one, other = np.zeros(MOST + 3), np.arange(MOST + 3.0)
    (ax,) = served_by_channel({"one": of_channels(one), "other": of_channels(other)}, "one", EUROS).axes
    assert [label.get_text() for label in ax.get_xticklabels()] == [f"shop {place}" for place in range(MOST + 2, 2, -1)]


def test_of_many_policies_the_best_stand_there_and_the_reference():
    means = {f"rule {place}": of_channels([float(place)]) for place in range(ABREAST + 3)}
    (ax,) = served_by_channel(means, f"rule {ABREAST + 2}", EUROS).axes
    shown = [*range(ABREAST - 1), ABREAST + 2]
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"rule {place}" for place in shown]


def test_a_channel_without_demand_has_no_share():
    nothing = Breakdown(
        [("channel", "shop"), ("channel", "web")], np.array([[[0.0] * 7, [10.0, 5.0, 5.0, 5.0, 5.0, 5.0, 0.0]]] * 2)
    )
    (ax,) = served_by_channel({"rule": nothing.means()}, "rule", EUROS).axes
    assert [text.get_text() for text in ax.texts] == ["-\n0.00", "50.0%\n5.00"]
