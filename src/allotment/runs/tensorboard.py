"""Scores for TensorBoard, under the same names for learned and rule-based policies, so that one chart holds both.

TensorBoard sorts by name. `evaluation/` comes first: the score, then shares of demand that is served, then what else policies
are compared by. All other measures are in `measures/`, terms of money in `money/`, and the algorithm's own series follow. A
series that never changes is not there, but for those of `evaluation/`. A rule-based policy does not learn: it is a horizontal
line over the steps of the training that it is compared with. The final score is `final/score`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isnan
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from allotment.evaluation.metric_kinds import Share
from allotment.evaluation.metrics import COMPARED, METRICS
from allotment.scenario.errors import ScenarioError, shown
from allotment.whole_file import remove_folder, whole_file

MOST_LOGS, LARGEST_LOGS = 10_000, 2**30  # of a run: files, and their bytes together
FIRST, OTHERS, MONEY = "evaluation/", "measures/", "money/"  # groups of measures; the first is always there
_SERVICE = {metric.name for metric in METRICS if isinstance(metric, Share) and metric.otherwise == 1.0}
OF_THE_WORLD = {"demand"}  # what no policy changes
Point = tuple[float, int, float]  # value, step, time
Held = dict[str, tuple[Point, Point] | None]  # first and last point of what has not changed yet; none of what has


class Changing:
    """Writes series that change: the points of one that has not are held back, but for its first and its last, unseen."""

    def __init__(self, writer: SummaryWriter, held: Held | None = None) -> None:
        self.writer = writer
        self.held: Held = dict(held or {})

    def add(self, name: str, value: float, step: int) -> None:
        """Write a point of a series, or hold it back."""
        point = (float(value), step, time.time())
        known = self.held.get(name, (point, point))
        if known is not None and _same(known[0][0], point[0]):
            self.held[name] = (known[0], point)
            return
        for before in dict.fromkeys(known or ()):
            self._write(name, before)
        self.held[name] = None
        self._write(name, point)

    def close(self) -> None:
        """Write the series of a single point, of which nobody can say whether they change."""
        for name, known in self.held.items():
            if known is not None and known[0][1:] == known[1][1:]:
                self._write(name, known[0])

    def _write(self, name: str, point: Point) -> None:
        self.writer.add_scalar(name, *point)


def write_scores(series: Changing, measures: Mapping[str, float], step: int) -> None:
    """Write each measure after so many training steps."""
    for name, value in _of_the_policy(measures).items():
        if name.startswith(FIRST):
            series.writer.add_scalar(name, value, step)
        else:
            series.add(name, value, step)


def write_rule_based(folder: Path, measures: Mapping[str, float], last_step: int) -> None:
    """Write the measures of a rule-based policy as horizontal lines from step 0 to `last_step`, in its own folder.

    What is zero has no line, but for what policies are compared by.
    """
    shown = {name: value for name, value in _of_the_policy(measures).items() if value != 0.0 or name.startswith(FIRST)}
    with SummaryWriter(str(folder)) as writer:
        for step in (0, last_step):
            for name, value in shown.items():
                writer.add_scalar(name, value, step)


def put_away(logs: Path) -> None:
    """Pack a run's logs into an archive beside their folder, where TensorBoard does not see them."""
    if logs.is_dir():
        with (
            logged(logs) as whole,
            whole_file(_archive(logs)) as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed,
        ):
            for file in sorted(whole.iterdir()):
                packed.write(file, file.name)
        remove_folder(logs)


@contextmanager
def logged(logs: Path) -> Iterator[Path]:
    """Hand out a folder with all logs of a run, whether they are put away or not."""
    if not _archive(logs).is_file():
        yield logs
        return
    with tempfile.TemporaryDirectory() as folder:
        _unpack(_archive(logs), Path(folder))
        if logs.is_dir():
            shutil.copytree(logs, folder, dirs_exist_ok=True)
        yield Path(folder)


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack logs into a folder; `ScenarioError` where it is no archive of them, or would take too much of the disk."""
    try:
        with zipfile.ZipFile(archive) as packed:
            members, size = packed.infolist(), sum(member.file_size for member in packed.infolist())
            if len(members) > MOST_LOGS or size > LARGEST_LOGS:
                most = f"{MOST_LOGS:,} files and {LARGEST_LOGS / 2**30:g} GiB"
                raise ScenarioError(f"{archive}: {len(members):,} files of {size / 2**30:,.3g} GiB; at most {most}")
            for member in members:
                if Path(member.filename).name != member.filename:
                    raise ScenarioError(f"{archive}: holds {shown(member.filename)}, which is no plain name of a log")
            packed.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ScenarioError(f"{archive}: no archive of logs ({error})") from None


def _archive(logs: Path) -> Path:
    return logs.with_name(f"{logs.name}.zip")


def tag(measure: str) -> str:
    """Return the name of a measure in TensorBoard."""
    if measure == "score":
        return f"{FIRST}{measure}"
    if measure in COMPARED:
        return f"{FIRST}{'service' if measure in _SERVICE else 'stock'}/{measure}"
    return measure if measure.startswith(MONEY) else f"{OTHERS}{measure}"


def _of_the_policy(measures: Mapping[str, float]) -> dict[str, float]:
    """Return what a policy can change, by its name in TensorBoard."""
    return {tag(name): value for name, value in measures.items() if name not in OF_THE_WORLD}


def _same(one: float, other: float) -> bool:
    return one == other or (isnan(one) and isnan(other))
