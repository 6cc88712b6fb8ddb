"""What users' own policies, metrics and allocation rules are written with; see the pages on extending.

A rule is a frozen dataclass whose first field is `network: Network`; `parameter` declares what may be tuned, and `decide`
returns a `Decision`:

    @dataclass(frozen=True)
    class Hedging:
        network: Network
        level: np.ndarray = parameter(cover(), spread_over(), whole=True)

        def decide(self, observation: Observation) -> Decision:
            transfers, position = self.network.transferred(observation)
            return self.network.order(self.level - position, transfers)
"""

from allotment.allocation.day import Day
from allotment.allocation.filling import fill
from allotment.decisions.observation import Observation
from allotment.engine.state import Decision, Flows
from allotment.evaluation.metric_kinds import Lowest, Metric, PerPeriod, Share
from allotment.policies.initial_values import cover, demand_share, spread_over
from allotment.policies.own import VectorPolicy
from allotment.policies.parameters import parameter
from allotment.policies.rules import Network
from allotment.scenario.loader import World

__all__ = [
    "Day",
    "Decision",
    "Flows",
    "Lowest",
    "Metric",
    "Network",
    "Observation",
    "PerPeriod",
    "Share",
    "VectorPolicy",
    "World",
    "cover",
    "demand_share",
    "fill",
    "parameter",
    "spread_over",
]
