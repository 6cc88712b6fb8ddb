"""Scores for TensorBoard, under the same names for learned and rule-based policies, so that one chart holds both.

A measure `m` is the scalar `evaluation/m`. A rule-based policy does not learn: it is a horizontal line over the steps
of the training that it is compared with. The final score is `final/score`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

if TYPE_CHECKING:
    from allotment.report.document import Drawn

TRUE_COLOUR = 4  # RGB with transparency, in TensorBoard's count of an image's channels


def write_scores(writer: SummaryWriter, measures: Mapping[str, float], step: int) -> None:
    """Write each measure after so many training steps."""
    for name, value in measures.items():
        writer.add_scalar(tag(name), value, step)


def write_rule_based(folder: Path, measures: Mapping[str, float], last_step: int) -> None:
    """Write the measures of a rule-based policy as horizontal lines from step 0 to `last_step`, in its own folder."""
    with SummaryWriter(str(folder)) as writer:
        for step in (0, last_step):
            write_scores(writer, measures, step)


def copy_scalars(source: Path, folder: Path, leave_out: str) -> None:
    """Write again what a training logged, its times included, but for tags that start with `leave_out`."""
    events = EventAccumulator(str(source), size_guidance={"scalars": 0})
    events.Reload()
    with SummaryWriter(str(folder)) as writer:
        for name in events.Tags()["scalars"]:
            if not name.startswith(leave_out):
                for event in events.Scalars(name):
                    writer.add_scalar(name, event.value, event.step, event.wall_time)


def write_layout(folder: Path, measures: Iterable[str]) -> None:
    """Write the custom scalars page: one chart a measure, in which every policy of the comparison is a line.

    Terms of money (`money/<term>`) stand in a section of their own.
    """
    sections: dict[str, dict[str, list[object]]] = {}
    for name in measures:
        section = "Money per period" if name.startswith("money/") else "Policies compared"
        title = name.removeprefix("money/").replace("_", " ")
        sections.setdefault(section, {})[title] = ["Multiline", [f"^{tag(name)}$"]]
    with SummaryWriter(str(folder)) as writer:
        writer.add_custom_scalars(sections)


def write_images(folder: Path, images: Iterable[Drawn]) -> None:
    """Write a report's images onto the images page, numbered so that the page keeps their order."""
    with SummaryWriter(str(folder)) as writer:
        for position, drawn in enumerate(images, start=1):
            width, height = drawn.size
            image = Summary.Image(encoded_image_string=drawn.png, width=width, height=height, colorspace=TRUE_COLOUR)
            writer._get_file_writer().add_summary(
                Summary(value=[Summary.Value(tag=f"figures/{position} {drawn.name}", image=image)])
            )


def tag(measure: str) -> str:
    """Return the name of a measure in TensorBoard."""
    return f"evaluation/{measure}"
