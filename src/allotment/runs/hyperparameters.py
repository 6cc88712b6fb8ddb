"""TensorBoard's page of hyperparameters: every setting of every policy beside its final scores, the best policy on top.

The page lists rows in the alphabetical order of their names, and can be told no other order in advance: a row's name
therefore starts with the policy's rank. Runs that share a name are one row, with the mean of their scores. Which columns
there are, and in which order those of scores stand, is what one run declares for all; where none does, the page gathers
every scalar of every run. A declared column hides all others, so whoever declares them must know all runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from torch.utils.tensorboard import SummaryWriter

from allotment.runs.settings import Setting, flatten


def write_hyperparameters(
    folder: Path, settings: Mapping[str, object], metrics: Mapping[str, float], row: str | None = None
) -> None:
    """Write a run's settings and its metrics, as `final/<metric>`, into its own folder; without a `row`, it is one itself.

    Nested settings get dotted names. Call it when training has ended: TensorBoard reads the files of a folder in the
    order of their creation, and may not return to an older one.
    """
    start = SessionStartInfo(group_name=row or "")
    for name, value in flatten(settings).items():
        setattr(start.hparams[name], "string_value" if isinstance(value, str) else "number_value", value)
    with SummaryWriter(str(folder)) as writer:
        _add(writer, metadata.SESSION_START_INFO_TAG, session_start_info=start)
        for name, value in metrics.items():
            writer.add_scalar(_final(name), value, 0)
        _add(writer, metadata.SESSION_END_INFO_TAG, session_end_info=SessionEndInfo(status=api_pb2.STATUS_SUCCESS))


def write_columns(folder: Path, settings: Iterable[Mapping[str, object]], metrics: Sequence[str]) -> None:
    """Declare the columns: every setting that any run has, those that differ first, and the metrics in their order."""
    rows = [flatten(each) for each in settings]
    names = sorted({name for row in rows for name in row})
    hyperparameters = [_hyperparameter(name, [row[name] for row in rows if name in row]) for name in names]
    scores = [
        api_pb2.MetricInfo(name=api_pb2.MetricName(tag=_final(name)), display_name=f"final {name.replace('_', ' ')}")
        for name in metrics
    ]
    with SummaryWriter(str(folder)) as writer:
        experiment = api_pb2.Experiment(hparam_infos=hyperparameters, metric_infos=scores)
        _add(writer, metadata.EXPERIMENT_TAG, experiment=experiment)


def ranked(names: Sequence[str]) -> list[str]:
    """Return names, best first, with their ranks in front, so that the alphabet puts them in this order."""
    width = len(str(len(names)))
    return [f"{rank:0{width}d}. {name}" for rank, name in enumerate(names, start=1)]


def _hyperparameter(name: str, values: list[Setting]) -> api_pb2.HParamInfo:
    """Return the description of a column; what is a number in one run and text in another is text."""
    numbers = all(isinstance(value, int | float) for value in values)
    kind = api_pb2.DATA_TYPE_FLOAT64 if numbers else api_pb2.DATA_TYPE_STRING
    info = api_pb2.HParamInfo(name=name, type=kind, differs=len(set(values)) > 1)
    if numbers:
        info.domain_interval.min_value, info.domain_interval.max_value = min(values), max(values)
    else:
        info.domain_discrete.extend(sorted({str(value) for value in values}))
    return info


def _final(metric: str) -> str:
    return f"final/{metric}"


def _add(writer: SummaryWriter, name: str, **content: object) -> None:
    """Write one of the page's own records, which live in the metadata of a tensor that holds nothing."""
    summary = Summary()
    described = metadata.create_summary_metadata(HParamsPluginData(**content))
    summary.value.add(tag=name, metadata=described, tensor=metadata.NULL_TENSOR)
    writer._get_file_writer().add_summary(summary)
