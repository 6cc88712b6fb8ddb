import re
from io import BytesIO

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from torch.utils.tensorboard import SummaryWriter

from allotment.evaluation.breakdown import Breakdown
from allotment.report.document import draw
from allotment.report.tensorboard import SLASH, copy_scalars, write_breakdown, write_images, write_layout
from allotment.runs.tensorboard import Changing, logged, put_away, write_rule_based, write_scores


def events(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def points(folder, tag):
    return [(event.step, event.value) for event in events(folder).Scalars(tag)]


def test_learned_and_rule_based_scores_have_the_same_names(tmp_path):
    with SummaryWriter(str(tmp_path / "ppo")) as writer:
        series = Changing(writer)
        write_scores(series, {"score": -50.0, "money/holding": 3.0, "money/production": 0.0}, step=0)
        write_scores(series, {"score": -40.0, "money/holding": 2.0, "money/production": 0.0}, step=1000)
    write_rule_based(tmp_path / "base_stock", {"score": -45.0, "money/holding": 1.0, "money/production": 0.0}, 1000)
    learned, rule = (events(tmp_path / policy).Tags()["scalars"] for policy in ("ppo", "base_stock"))
    assert learned == rule == ["evaluation/score", "money/holding"]
    assert points(tmp_path / "ppo", "evaluation/score") == [(0, -50.0), (1000, -40.0)]
    assert points(tmp_path / "base_stock", "evaluation/score") == [(0, -45.0), (1000, -45.0)]


def test_what_a_training_logged_is_written_again_as_it_was(tmp_path):
    with SummaryWriter(str(tmp_path / "tb")) as writer:
        writer.add_scalar("train/loss", 3.0, 10, walltime=1000.0)
        writer.add_scalar("train/loss", 2.0, 20, walltime=1060.0)
        writer.add_scalar("final/score", -1.0, 0)
        for step in (10, 20):
            writer.add_scalar("train/learning_rate", 0.1, step)
            writer.add_scalar("evaluation/score", -1.0, step)
            writer.add_scalar("measures/discounted_return", 5.0 + step, step)
    copy_scalars(tmp_path / "tb", tmp_path / "ppo", measures=["score"])
    copied = events(tmp_path / "ppo")
    assert copied.Tags()["scalars"] == ["train/loss", "evaluation/score"]
    assert [(event.step, event.value, event.wall_time) for event in copied.Scalars("train/loss")] == [
        (10, 3.0, 1000.0),
        (20, 2.0, 1060.0),
    ]


def test_images_keep_their_order_and_their_pixels(tmp_path):
    drawing = Figure(figsize=(3, 2))
    drawing.subplots().plot([0, 1])
    images = draw({"terms": ("Costs", drawing), "episodes": ("Episodes", drawing)})
    write_images(tmp_path, images)
    shown = events(tmp_path)
    assert shown.Tags()["images"] == ["figures/1 terms", "figures/2 episodes"]
    [image] = shown.Images("figures/1 terms")
    assert image.encoded_image_string == images[0].png
    assert (image.width, image.height) == Image.open(BytesIO(images[0].png)).size


def test_logs_that_are_put_away_are_seen_by_nobody_but_kept_with_what_is_added(tmp_path):
    logs = tmp_path / "run" / "tb"
    for step in (10, 20):  # as a training that is made longer
        with SummaryWriter(str(logs)) as writer:
            writer.add_scalar("train/loss", 1.0 / step, step)
        put_away(logs)
        assert [file.name for file in (tmp_path / "run").iterdir()] == ["tb.zip"]
    put_away(logs)  # where there is nothing new
    with logged(logs) as whole:
        assert [step for step, _ in points(whole, "train/loss")] == [10, 20]
    copy_scalars(logs, tmp_path / "copy", measures=[])
    assert len(points(tmp_path / "copy", "train/loss")) == 2


def test_the_layout_has_one_chart_a_measure_for_exactly_its_name(tmp_path):
    write_layout(tmp_path, ["score", "fill_rate", "money/lost_sale"])
    [event] = events(tmp_path).Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    charts = {
        category.title: {chart.title: list(chart.multiline.tag) for chart in category.chart} for category in layout.category
    }
    assert charts == {
        "Policies compared": {"score": ["^evaluation/score$"], "fill rate": ["^evaluation/service/fill_rate$"]},
        "Money per period": {"lost sale": ["^money/lost_sale$"]},
    }


def test_channels_have_charts_whatever_they_are_called(tmp_path):
    labels = [("channel", "a/b (1+1)"), ("channel", "left out"), ("sku", "=cmd")]
    means = Breakdown(labels, np.tile([4.0, 3, 1, 1, 6, 3, np.nan], (2, 3, 1))).means()
    shown = {"channel": ["a/b (1+1)"], "sku": ["=cmd"]}
    write_breakdown(tmp_path, means, {**shown, "site": []}, [0, 64])
    tags = events(tmp_path).Tags()["scalars"]
    assert tags[0] == f"final by channel/a{SLASH}b (1+1)/fill_rate"
    assert [tag.split("/")[2] for tag in tags] == ["fill_rate", "short", "lost_margin"] * 2
    assert points(tmp_path, tags[0]) == [(0, 0.75), (64, 0.75)]
    write_layout(tmp_path / "whole", ["score"], shown)
    [event] = events(tmp_path / "whole").Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    assert [category.title for category in layout.category] == ["Policies compared", "By channel", "By SKU"]
    assert re.match(layout.category[1].chart[0].multiline.tag[0], tags[0])
