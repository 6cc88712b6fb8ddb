"""TensorBoard's page of hyperparameters, as TensorBoard itself answers for it."""

import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, get_experiment, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from allotment.runs.hyperparameters import ranked, write_columns, write_hyperparameters

SETTINGS = {"algorithm": "ppo", "network": {"hidden": [64, 64]}, "shared": True, "rate": 0.5, "none": None}
STATUSES = [api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS]


class Page:
    """What the page of hyperparameters shows for a folder of logs."""

    def __init__(self, folder):
        multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
        multiplexer.Reload()
        provider = MultiplexerDataProvider(multiplexer, str(folder))
        self.context = Context(TBContext(data_provider=provider, logdir=str(folder)))

    def columns(self):
        """Return the names of the settings and of the metrics, in the page's order."""
        found = get_experiment.Handler(RequestContext(), self.context, "", api_pb2.GetExperimentRequest()).run()
        return [info.name for info in found.hparam_infos], [info.display_name or info.name.tag for info in found.metric_infos]

    def rows(self):
        """Return the rows before anybody has clicked on a column, each with its settings and its first metric."""
        settings, _ = self.columns()
        request = api_pb2.ListSessionGroupsRequest(allowed_statuses=STATUSES, slice_size=100)
        request.col_params.extend(api_pb2.ColParams(hparam=name) for name in settings)
        groups = list_session_groups.Handler(RequestContext(), self.context, "", request).run().session_groups
        return [(group.name, sorted(group.hparams), group.metric_values[0].value) for group in groups]


def test_settings_and_final_scores_go_into_the_runs_own_folder(tmp_path):
    write_hyperparameters(tmp_path, SETTINGS, {"score": -40.0})
    assert all(path.is_file() for path in tmp_path.iterdir())
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("final/score")] == [(0, -40.0)]
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    written = HParamsPluginData.FromString(content).session_start_info.hparams
    assert {name: value.number_value or value.string_value for name, value in written.items()} == {
        "algorithm": "ppo",
        "network.hidden": "[64, 64]",
        "shared": "true",
        "rate": 0.5,
    }


def test_where_no_columns_are_declared_the_page_gathers_the_settings_of_all_runs(tmp_path):
    write_hyperparameters(tmp_path / "ppo", {"algorithm": "ppo", "rate": 0.5}, {"score": -40.0})
    write_hyperparameters(tmp_path / "base_stock", {"policy": "base_stock"}, {"score": -45.0})
    assert sorted(Page(tmp_path).columns()[0]) == ["algorithm", "policy", "rate"]


@pytest.fixture
def comparison(tmp_path):
    """Return the page of a comparison: the worst policy's folder comes first, and one policy has two seeds."""
    runs = {
        "base_stock": ("3. base_stock", {"policy": "base_stock", "env": "shop"}, -45.0),
        "ppo seed 0": ("1. ppo", {"algorithm": "ppo", "env": "shop", "rate": 0.5}, -38.0),
        "ppo seed 1": ("1. ppo", {"algorithm": "ppo", "env": "shop", "rate": 0.5}, -42.0),
        "sac": ("2. sac", {"algorithm": "sac", "env": "shop", "rate": "linear"}, -41.0),
    }
    for name, (row, settings, score) in runs.items():
        write_hyperparameters(tmp_path / name, settings, {"fill_rate": 0.9, "score": score}, row)
    write_columns(tmp_path / "comparison", [settings for _, settings, _ in runs.values()], ["score", "fill_rate"])
    return Page(tmp_path)


def test_the_final_score_is_the_first_column_of_metrics(comparison):
    assert comparison.columns()[1] == ["final score", "final fill rate"]


def test_declared_columns_hold_the_settings_of_all_runs_those_that_differ_first(comparison):
    assert comparison.columns()[0] == ["algorithm", "rate", "env", "policy"]


def test_rows_stand_by_rank_and_seeds_share_a_row(comparison):
    assert comparison.rows() == [
        ("1. ppo", ["algorithm", "env", "rate"], -40.0),
        ("2. sac", ["algorithm", "env", "rate"], -41.0),
        ("3. base_stock", ["env", "policy"], -45.0),
    ]


def test_the_alphabet_keeps_ranks_in_order():
    names = [f"policy {number}" for number in range(12)]
    assert ranked(names)[:2] == ["01. policy 0", "02. policy 1"]
    assert sorted(ranked(names)) == ranked(names)
