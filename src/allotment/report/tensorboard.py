"""Scores for TensorBoard, under the same names for learned and rule-based policies, so that one chart holds both.

A measure `m` is the scalar `evaluation/m`. A rule-based policy does not learn: it is a horizontal line over the steps
of the training that it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams


def write_scores(writer: SummaryWriter, measures: Mapping[str, float], step: int) -> None:
    """Write each measure after so many training steps."""
    for name, value in measures.items():
        writer.add_scalar(tag(name), value, step)


def write_rule_based(folder: Path, measures: Mapping[str, float], last_step: int) -> None:
    """Write the measures of a rule-based policy as horizontal lines from step 0 to `last_step`, in its own folder."""
    with SummaryWriter(str(folder)) as writer:
        for step in (0, last_step):
            write_scores(writer, measures, step)


def write_hyperparameters(folder: Path, settings: Mapping[str, object], metrics: Mapping[str, float]) -> None:
    """Write a run's row of the hyperparameter page into its own folder, with its metrics as `final/<metric>`.

    Nested settings get dotted names. Call it when training has ended: TensorBoard reads the files of a folder in the
    order of their creation, and may not return to an older one.
    """
    # The list of columns is left out, and TensorBoard gathers it: one that a run wrote would hide the others' settings.
    _, start, end = hparams(flatten(settings), {})
    with SummaryWriter(str(folder)) as writer:
        events = writer._get_file_writer()
        events.add_summary(start)
        for name, value in metrics.items():
            writer.add_scalar(f"final/{name}", value, 0)
        events.add_summary(end)


def write_layout(folder: Path, measures: Iterable[str]) -> None:
    """Write the custom scalars page: one chart a measure, in which every policy below the study's folder is a line.

    Terms of money (`money/<term>`) stand in a section of their own.
    """
    sections: dict[str, dict[str, list[object]]] = {}
    for name in measures:
        section = "Money per period" if name.startswith("money/") else "Policies compared"
        title = name.removeprefix("money/").replace("_", " ")
        sections.setdefault(section, {})[title] = ["Multiline", [f"^{tag(name)}$"]]
    with SummaryWriter(str(folder)) as writer:
        writer.add_custom_scalars(sections)


def tag(measure: str) -> str:
    """Return the name of a measure in TensorBoard."""
    return f"evaluation/{measure}"


def flatten(settings: Mapping[str, object], prefix: str = "") -> dict[str, int | float | str]:
    """Return nested settings with dotted names: numbers as they are, the rest as text, without those that are None."""
    flat: dict[str, int | float | str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[f"{prefix}{name}"] = _scalar(value)
    return flat


def _scalar(value: object) -> int | float | str:
    """Return a number as it is, a truth value as `true` or `false`, and anything else as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float) else str(value)
