"""What a rule of the base-stock family orders, as arrays that compiled code plays with.

Rules that raise inventory positions to levels, which may follow the season, say what they are by an `Ordering`; the kernel
(`engine.kernel.deciding`) then decides in their place, to the bit as their array code does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.engine import layout as f
from allotment.engine.kernel.deciding import FLAGS, LIMITS
from allotment.scenario.problem import Flags, Floats, Integers
from allotment.simulation.simulation import Simulation

NO_LEVEL = np.inf  # a reorder point that every position is below, and a cap that no order reaches


@dataclass(frozen=True)
class Ordering:
    """How positions (S, K) are raised: by the usual lane of each site and SKU, and by the fastest where there are two sources.

    Levels are in units by period of demand's tables, (P, S, K); one period stands for all.
    """

    lanes: Integers  # (S, K) the usual supply lane of each site, -1 for none
    fast_lanes: Integers  # (S, K)
    level: Floats  # (P, S, K) units up to which the usual lane raises the position
    two_sources: Flags  # (S, K) where the fastest lane orders too
    expedite_level: Floats | None = None  # (P, S, K) units up to which the fastest lane raises it; none = there is no such lane
    slower: Floats | None = None  # (S, K) periods by which the usual lane is slower; none = the whole position is raised
    cap: Floats | None = None  # (S, K) units at most on the usual lane; none = no cap
    reorder_point: Floats | None = None  # (S, K) units at or below which the usual lane orders; none = always
    constant: Floats | None = None  # (S, K) units on the usual lane, whatever the position
    echelon: bool = False  # positions are those of a site and all downstream of it
    lateral: tuple[Integers, Floats] | None = None  # lanes in rising freight; covers (2, S, K) in units
    protection: Floats | None = None  # (S, J, K) units that classes below each may not use, in every period; none = nothing

    def put_into(self, simulation: Simulation) -> None:
        """Let the kernel decide by this in a simulation."""
        for field, array in self._arrays().items():
            simulation.memory.put(field, np.ascontiguousarray(array, dtype=f.FIELDS[field].declared.dtype))
        protection = simulation.memory.decision.protection
        if protection is not None:
            protection[...] = 0.0 if self.protection is None else self.protection

    def _arrays(self) -> dict[int, Any]:
        shape, expedites = self.lanes.shape, self.expedite_level is not None
        flags = {"echelon": self.echelon, "near": self.slower is not None}
        limits = {
            "cap": _or(self.cap, NO_LEVEL, shape),
            "reorder_point": _or(self.reorder_point, NO_LEVEL, shape),
            "constant": _or(self.constant, -1.0, shape),
            "slower": _or(self.slower, 0.0, shape),
            "two_sources": self.two_sources & expedites,
        }
        by_freight, cover = self.lateral or (np.zeros(0, dtype=np.int64), np.zeros((2, *shape)))
        level, expedite = _of_one_length(self.level, self.expedite_level if self.expedite_level is not None else self.level)
        return {
            f.RULE_FLAGS: [flags[name] for name in FLAGS],
            f.RULE_LANES: np.stack([self.lanes, self.fast_lanes]),
            f.RULE_LEVEL: level,
            f.RULE_EXPEDITE: expedite,
            f.RULE_LIMITS: np.stack([np.broadcast_to(limits[name], shape) for name in LIMITS]),
            f.RULE_LATERAL: np.stack([by_freight, np.sort(by_freight)]),
            f.RULE_COVER: cover,
        }


def _or(values: Floats | None, otherwise: float, shape: tuple[int, ...]) -> Floats:
    return np.full(shape, otherwise) if values is None else np.broadcast_to(values, shape)


def _of_one_length(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return two tables of levels (P, S, K) with equally many periods."""
    periods = max(len(one), len(other))
    return np.broadcast_to(one, (periods, *one.shape[1:])), np.broadcast_to(other, (periods, *other.shape[1:]))


def ordering_of(rule: Any) -> Ordering | None:
    """Return what a rule orders as compiled code takes it, or none where only its own `decide` says it.

    A class that decides otherwise than the one it inherits `ordering` from is taken at its own word.
    """
    for each in type(rule).__mro__:
        if "decide" in vars(each):
            return rule.ordering() if "ordering" in vars(each) else None
    return None
