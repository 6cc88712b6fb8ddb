"""How much of a service one request may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and how many are answered at once."""

    bytes: int = 4 * 2**20
    snapshots: int = 256
    seconds: float = 30.0  # for a request to arrive, and then to wait for its turn
    at_once: int = 4  # requests whose plans are computed side by side in one process
