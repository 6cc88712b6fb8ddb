"""What a policy decides for a batch of worlds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from allotment.env.observation import Observation
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class Decision:
    """Quantities in units, never negative: requested on each supply lane, and more where the scenario asks for it."""

    orders: Floats  # (B, L, K)
    allocation: Floats | None = (
        None  # (B, F, K) of each site's stock offered to each channel; none = the scenario's rule serves
    )
    protection: Floats | None = None  # (B, S, J, K) that classes below each may not use; none = nothing
    wanted: Floats | None = None  # orders before negative quantities were cut to 0, where the policy has such a thing
    memory: Floats | None = None  # (B, n) what the policy wants to see again at its next decision


class Decides(Protocol):
    """Anything that decides: rule-based and learned policies alike."""

    def decide(self, observation: Observation) -> Decision:
        """Return the decision for every world of the observation."""
        ...
