"""What TensorBoard shows of a run: what matters first, and nothing that never changes."""

import math

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from allotment.evaluation.metrics import METRICS
from allotment.runs.tensorboard import Changing, tag, write_scores


def series_of(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_the_score_comes_first_then_service_then_stock_then_all_else():
    measures = ["score", "discounted_return", "money/holding", *(metric.name for metric in METRICS)]
    shown = sorted([*map(tag, measures), "rollout/ep_rew_mean", "train/loss", "time/fps"])
    assert shown[0] == "evaluation/score"
    groups = list(dict.fromkeys(name.rpartition("/")[0] for name in shown))
    assert groups == ["evaluation", "evaluation/service", "evaluation/stock", "measures", "money", "rollout", "time", "train"]
    assert "evaluation/service/fill_rate" in shown


def test_a_series_appears_once_it_changes_as_if_it_had_always_been_there(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        series = Changing(writer)
        for step, value in enumerate([3.0, 3.0, 3.0, 2.0, 2.0]):
            series.add("late", value, step)
            series.add("never", 0.2, step)
            series.add("unknown", math.nan, step)
            series.add("always", float(step), step)
    shown = series_of(tmp_path)
    assert shown["late"] == [(0, 3.0), (2, 3.0), (3, 2.0), (4, 2.0)]
    assert shown["always"] == [(step, float(step)) for step in range(5)]
    assert set(shown) == {"late", "always"}


def test_a_single_point_is_shown_in_the_end(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        series = Changing(writer)
        series.add("once", 4.0, 3)
        series.close()
    assert series_of(tmp_path) == {"once": [(3, 4.0)]}


def test_what_was_held_back_is_taken_up_again(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        first = Changing(writer)
        first.add("late", 1.0, 0)
        again = Changing(writer, first.held)
        again.add("late", 2.0, 7)
    assert series_of(tmp_path) == {"late": [(0, 1.0), (7, 2.0)]}


def test_the_score_is_there_though_it_never_changes_and_demand_is_nobodys(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        series = Changing(writer)
        for step in (0, 10):
            write_scores(series, {"score": 1.0, "lost": 0.0, "demand": float(step)}, step)
    assert series_of(tmp_path) == {"evaluation/score": [(0, 1.0), (10, 1.0)]}
