"""What Stable-Baselines3 logs while it learns, into the TensorBoard file that validation writes to as well."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter

from allotment.runs.tensorboard import Changing


class Scalars(KVWriter):
    """Writes numbers that change; one writer for a run folder, so that a resumed run can take back what it will write again."""

    def __init__(self, series: Changing) -> None:
        self.series = series

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write every number that is meant for TensorBoard."""
        for key, value in key_values.items():
            if "tensorboard" not in (key_excluded[key] or ()) and isinstance(value, int | float | np.number):
                self.series.add(key, float(value), step)

    def close(self) -> None:
        """The writer is closed by whom it belongs to."""
