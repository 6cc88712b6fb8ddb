"""The learning curve: the policy as it stands, measured on validation worlds under the names of the final evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allotment.evaluation.testing import mean_measures
from allotment.fitting.fitter import Progress
from allotment.fitting.tree_file import Kept, TreeError, check_array
from allotment.runs.run_folder import Validated, validated
from allotment.whole_file import whole_file

Steps = Callable[[int, int, float | None], None]  # environment steps done, in all, latest validation score
SECONDS_BETWEEN_REPORTS = 0.2
LARGEST_CURVE = 2**24  # numbers of a learning curve
POINT = (float, int, float)  # value, step and time of a series


def training_steps(progress: Progress | None, policy: str) -> Steps:
    """Return what tells how far the training of a policy has come."""

    def show(done: int, steps: int, score: float | None) -> None:
        if progress:
            progress(f"training {policy}", done, steps, score)

    return show


class LearningCurve:
    """Measures policies, keeps the best of them, and tells how far training has come."""

    def __init__(
        self,
        measured: Callable[[Any], pd.DataFrame],
        keep: Callable[[Any], None],
        write: Callable[[Mapping[str, float], int], None],
        progress: Steps | None,
    ) -> None:
        self.measured, self.keep, self.write_measures, self.progress = measured, keep, write, progress
        self.points: list[dict[str, float]] = []
        self.best: Validated | None = None
        self.reported_at = 0.0

    @property
    def steps(self) -> float:
        """Return after how many environment steps the last point was measured."""
        return self.points[-1]["steps"]

    def exhausted(self, patience: int | None) -> bool:
        """Tell whether so many evaluations in a row have brought no better score; never without `patience`."""
        if patience is None or self.best is None:
            return False
        return sum(row["steps"] > self.best["steps"] for row in self.points) >= patience

    def progress_so_far(self) -> dict[str, Any]:
        """Return what a resumed training needs to measure on as before."""
        measures = list(self.points[0])
        curve = np.array([[row[name] for name in measures] for row in self.points], dtype=np.float64)
        return {"measures": measures, "curve": curve, "best": self.best}

    def go_on(self, progress: dict[str, Any]) -> None:
        """Take up the learning curve of an interrupted training."""
        self.points = [dict(zip(progress["measures"], row, strict=True)) for row in progress["curve"].tolist()]
        self.best = progress["best"]

    def measure(self, policy: Any, steps: int) -> None:
        """Evaluate a policy after so many environment steps, log it, and keep it if it is the best so far."""
        rows = self.measured(policy)
        measures = mean_measures(rows)
        self.write_measures(measures, steps)
        self.points.append({"steps": float(steps), **measures})
        if self.best is None or measures["score"] > self.best["score"]:
            self.best = {**validated(rows), "steps": steps}
            self.keep(policy)

    def report(self, steps: int, of: int, at_once: bool = True) -> None:
        """Tell how far training has come, or that it goes on, now and then."""
        if at_once or time.monotonic() - self.reported_at > SECONDS_BETWEEN_REPORTS:
            self.reported_at = time.monotonic()
            if self.progress:
                self.progress(steps, of, self.points[-1]["score"])

    def write(self, file: Path) -> None:
        """Write the learning curve, one row a measurement."""
        with whole_file(file) as part:
            pd.DataFrame(self.points).to_parquet(part)


def check_progress(content: Any) -> None:
    """Raise `TreeError` where a file does not say how far a training came."""
    found = content.get("progress") if isinstance(content, dict) else None
    if not isinstance(found, dict) or found.keys() != {"measures", "curve", "best", "series"}:
        raise TreeError("progress must hold measures, curve, best and series")
    measures, best, series = found["measures"], found["best"], found["series"]
    if not (_are(measures, list, str) and {"steps", "score"} <= set(measures) and len(set(measures)) == len(measures)):
        raise TreeError("progress/measures must be names, steps and score among them")
    rows = found["curve"].shape[0] if isinstance(found["curve"], Kept) and found["curve"].shape else 0
    most = LARGEST_CURVE // len(measures)
    check_array(found["curve"], "array", "float64", (min(max(rows, 1), most), len(measures)), "progress/curve")
    if not (
        isinstance(best, dict) and _are([*best], list, str) and _are([*best.values()], list, int, float) and "score" in best
    ):
        raise TreeError("progress/best must be numbers by name, score among them")
    if not (isinstance(series, dict) and _are([*series], list, str) and all(map(_is_held, series.values()))):
        raise TreeError("progress/series must be the first and last point of each series, or none")


def _are(values: Any, kind: Any, *types: type) -> bool:
    return type(values) is kind and all(type(each) in types for each in values)


def _is_held(value: Any) -> bool:
    """Tell whether a value is the first and the last point of a series, or none."""
    return value is None or (type(value) is tuple and len(value) == 2 and all(map(_is_point, value)))


def _is_point(value: Any) -> bool:
    if type(value) is not tuple or tuple(map(type, value)) != POINT:
        return False
    return bool(0 <= value[1] < 2**62 and math.isfinite(value[2]))
