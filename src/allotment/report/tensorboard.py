"""Pages of TensorBoard that belong to no single run: one chart a measure with every policy in it, and a report's figures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from allotment.runs.tensorboard import tag

if TYPE_CHECKING:
    from allotment.report.document import Drawn

TRUE_COLOUR = 4  # RGB with transparency, in TensorBoard's count of an image's channels


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
