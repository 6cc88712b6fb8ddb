"""What a reader of outside files hands to the loader: sections of a scenario, and recorded demand by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class History:
    """Recorded demand of consecutive periods, the first period first."""

    channels: list[str]
    skus: list[str]
    units: NDArray[np.float64]  # (periods, channels, skus) units ordered; 0 where nothing was


@dataclass(frozen=True)
class SourceData:
    """The parts of a scenario that its file leaves to a reader, and the histories its demand may name."""

    sections: dict[str, list[dict[str, Any]] | dict[str, Any]]  # as the scenario file would write them
    histories: dict[str, History]
