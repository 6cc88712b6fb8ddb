"""Pages of TensorBoard that belong to no single run: one chart a measure with every policy in it, and a report's figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from allotment.report.breakdown_cells import COMPARED, TITLES
from allotment.runs.tensorboard import FIRST, MONEY, OTHERS, logged, tag

if TYPE_CHECKING:
    from allotment.report.document import Drawn

FINAL = "final/"
SLASH = "\u2215"  # looks like one, and is none
TRUE_COLOUR = 4  # RGB with transparency, in TensorBoard's count of an image's channels


def copy_scalars(source: Path, folder: Path, measures: Iterable[str]) -> None:
    """Write again what a training logged, its times included: of measures of evaluations these alone, and nothing constant.

    Final scores are left out, which the comparison has from its own worlds.
    """
    with logged(source) as whole:
        events = EventAccumulator(str(whole), size_guidance={"scalars": 0}).Reload()
    kept = {tag(name) for name in measures}
    with SummaryWriter(str(folder)) as writer:
        for name in events.Tags()["scalars"]:
            if name in kept or not (name.startswith((FIRST, OTHERS, MONEY, FINAL)) or _constant(events.Scalars(name))):
                for event in events.Scalars(name):
                    writer.add_scalar(name, event.value, event.step, event.wall_time)


def _constant(events: Sequence[Any]) -> bool:
    """Tell whether several points have one value."""
    return len(events) > 1 and len({event.value for event in events}) == 1


def write_breakdown(folder: Path, means: pd.DataFrame, shown: Mapping[str, Sequence[str]], steps: Iterable[int]) -> None:
    """Write service, units short and lost margin of the names shown of each axis, at each of the steps."""
    with SummaryWriter(str(folder)) as writer:
        for row in means[means["measure"].isin(COMPARED)].itertuples():
            if row.name in shown[str(row.axis)]:
                for step in steps:
                    writer.add_scalar(breakdown_tag(str(row.axis), str(row.name), str(row.measure)), row.mean, step)


def breakdown_tag(axis: str, name: str, measure: str) -> str:
    """Return the name of a measure of a channel, site or SKU; a slash in a name, which would end it, is another sign."""
    return f"final by {TITLES[axis]}/{name.replace('/', SLASH)}/{measure}"


def write_layout(folder: Path, measures: Iterable[str], shown: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
    """Write the custom scalars page: one chart a measure, in which every policy of the comparison is a line.

    The measures come first in their order, then terms of money (`money/<term>`), then channels, sites and SKUs by name.
    """
    sections: dict[str, dict[str, list[object]]] = {}
    for name in measures:
        section = "Money per period" if name.startswith("money/") else "Policies compared"
        title = name.removeprefix("money/").replace("_", " ")
        sections.setdefault(section, {})[title] = _chart(tag(name))
    for axis, names in shown.items():
        charts = [(name, measure) for name in names for measure in COMPARED]
        sections[f"By {TITLES[axis]}"] = {
            f"{name}: {measure.replace('_', ' ')}": _chart(breakdown_tag(axis, name, measure)) for name, measure in charts
        }
    with SummaryWriter(str(folder)) as writer:
        writer.add_custom_scalars(sections)


def _chart(wanted: str) -> list[object]:
    """Return a chart of exactly one tag."""
    return ["Multiline", [f"^{re.escape(wanted)}$"]]


def write_images(folder: Path, images: Iterable[Drawn]) -> None:
    """Write a report's images onto the images page, numbered so that the page keeps their order."""
    with SummaryWriter(str(folder)) as writer:
        for position, drawn in enumerate(images, start=1):
            width, height = drawn.size
            image = Summary.Image(encoded_image_string=drawn.png, width=width, height=height, colorspace=TRUE_COLOUR)
            writer._get_file_writer().add_summary(
                Summary(value=[Summary.Value(tag=f"figures/{position} {drawn.name}", image=image)])
            )
