"""How much of a service one request may take, and how many requests and connections there may be."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.exchange.recommend import most_entries
from allotment.scenario.problem import Problem

LONGEST_ANSWER = 250_000  # entries of all plans in one answer


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and how many are heard at once by one process."""

    bytes: int = 4 * 2**20
    snapshots: int = 256
    seconds: float = 30.0  # for a request to arrive, for it to wait for its turn, and for its answer to be taken
    at_once: int = 4  # requests whose plans are computed side by side
    in_flight: int = 64  # requests that arrive, wait or are computed
    connections: int = 1000
    values: int = 500_000  # of one request: numbers and text, objects and lists

    def snapshots_of(self, problem: Problem) -> int:
        """Return how many snapshots of a world one request may hold: fewer where plans can be long."""
        return min(self.snapshots, max(1, LONGEST_ANSWER // most_entries(problem)))
