import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.utils.tensorboard import SummaryWriter

from allotment.report.tensorboard import flatten, write_hyperparameters, write_layout, write_rule_based, write_scores


def events(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def points(folder, tag):
    return [(event.step, event.value) for event in events(folder).Scalars(tag)]


def test_learned_and_rule_based_scores_have_the_same_names(tmp_path):
    with SummaryWriter(str(tmp_path / "ppo")) as writer:
        write_scores(writer, {"score": -50.0, "money/holding": 3.0}, step=0)
        write_scores(writer, {"score": -40.0, "money/holding": 2.0}, step=1000)
    write_rule_based(tmp_path / "base_stock", {"score": -45.0, "money/holding": 1.0}, last_step=1000)
    learned, rule = (events(tmp_path / policy).Tags()["scalars"] for policy in ("ppo", "base_stock"))
    assert learned == rule == ["evaluation/score", "evaluation/money/holding"]
    assert points(tmp_path / "ppo", "evaluation/score") == [(0, -50.0), (1000, -40.0)]
    assert points(tmp_path / "base_stock", "evaluation/score") == [(0, -45.0), (1000, -45.0)]


def test_hyperparameters_go_into_the_runs_own_folder(tmp_path):
    settings = {"algorithm": "ppo", "network": {"hidden": [64, 64]}, "shared": True, "rate": 0.5, "none": None}
    write_hyperparameters(tmp_path, settings, {"score": -40.0})
    assert all(path.is_file() for path in tmp_path.iterdir())
    assert points(tmp_path, "final/score") == [(0, -40.0)]
    content = events(tmp_path).SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    written = HParamsPluginData.FromString(content).session_start_info.hparams
    assert {name: value.number_value or value.string_value for name, value in written.items()} == {
        "algorithm": "ppo",
        "network.hidden": "[64, 64]",
        "shared": "true",
        "rate": 0.5,
    }


def test_no_run_decides_which_hyperparameters_of_the_others_are_shown(tmp_path):
    write_hyperparameters(tmp_path, {"algorithm": "ppo"}, {"score": -40.0})
    with pytest.raises(KeyError):
        events(tmp_path).SummaryMetadata("_hparams_/experiment")


def test_nested_settings_get_dotted_names():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1, 2], "e": False}) == {"a.b.c": 1, "d": "[1, 2]", "e": "false"}


def test_the_layout_has_one_chart_a_measure_for_exactly_its_name(tmp_path):
    write_layout(tmp_path, ["score", "fill_rate", "money/lost_sale"])
    [event] = events(tmp_path).Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    charts = {
        category.title: {chart.title: list(chart.multiline.tag) for chart in category.chart} for category in layout.category
    }
    assert charts == {
        "Policies compared": {"score": ["^evaluation/score$"], "fill rate": ["^evaluation/fill_rate$"]},
        "Money per period": {"lost sale": ["^evaluation/money/lost_sale$"]},
    }
