"""Scores for TensorBoard, under the same names for learned and rule-based policies, so that one chart holds both.

A measure `m` is the scalar `evaluation/m`. A rule-based policy does not learn: it is a horizontal line over the steps
of the training that it is compared with. The final score is `final/score`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


def write_scores(writer: SummaryWriter, measures: Mapping[str, float], step: int) -> None:
    """Write each measure after so many training steps."""
    for name, value in measures.items():
        writer.add_scalar(tag(name), value, step)


def write_rule_based(folder: Path, measures: Mapping[str, float], last_step: int) -> None:
    """Write the measures of a rule-based policy as horizontal lines from step 0 to `last_step`, in its own folder."""
    with SummaryWriter(str(folder)) as writer:
        for step in (0, last_step):
            write_scores(writer, measures, step)


def tag(measure: str) -> str:
    """Return the name of a measure in TensorBoard."""
    return f"evaluation/{measure}"
