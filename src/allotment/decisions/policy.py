"""What a policy is: anything that decides from what it observes."""

from __future__ import annotations

from typing import Protocol

from allotment.decisions.observation import Observation
from allotment.engine.state import Decision


class Policy(Protocol):
    """Anything that decides: rule-based and learned policies, and users' own, alike."""

    def decide(self, observation: Observation) -> Decision:
        """Return the decision for every world of the observation."""
        ...
