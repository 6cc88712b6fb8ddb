from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from allotment.report.labels import Label, label_beside_points, label_in_margin, spread


def test_labels_with_room_stay_where_they_are():
    assert list(spread([0.9, 0.1, 0.5], 0.1)) == [0.9, 0.1, 0.5]


def test_labels_that_would_touch_move_apart_around_their_mean():
    assert spread([0.5, 0.5, 0.52], 0.1) == pytest.approx([0.406667, 0.506667, 0.606667], abs=1e-5)


def test_groups_that_meet_join_and_keep_their_order():
    placed = spread([0.30, 0.31, 0.42, 0.41], 0.1)
    assert list(np.argsort(placed)) == [0, 1, 3, 2]
    assert np.diff(np.sort(placed)) == pytest.approx([0.1, 0.1, 0.1])
    assert placed.mean() == pytest.approx(0.36)


def boxes(ax):
    return [text.get_window_extent() for text in ax.texts]


def crossings(ax):
    return [pair for pair in combinations(boxes(ax), 2) if Bbox.intersection(*pair) is not None]


def crowd():
    points = [(1.0, 1.0), (1.02, 1.0), (1.0, 1.01), (1.03, 1.01), (2.0, 2.0)]
    ax = Figure(figsize=(6, 4), layout="constrained").subplots()
    ax.plot(*zip(*points, strict=True), "o")
    ax.set(xlim=(0, 3), ylim=(0, 3))
    return ax, [Label(f"policy {n}", x, y, "black") for n, (x, y) in enumerate(points)]


def test_names_of_crowded_points_do_not_cover_each_other():
    ax, labels = crowd()
    label_beside_points(ax, labels)
    assert len(boxes(ax)) == 5
    assert crossings(ax) == []


def test_names_in_the_margin_do_not_cover_each_other():
    ax, labels = crowd()
    label_in_margin(ax, labels)
    ax.figure.draw_without_rendering()
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert len(heights) == 5
    assert min(np.diff(heights)) * ax.get_window_extent().height * 72 / ax.figure.dpi > 9  # the font's size in points
