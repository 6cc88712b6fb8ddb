"""Rule-based policies by name: one visible table from a config's `policy` to its parameters and its class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from allotment.decisions.observation import Observation
from allotment.decisions.policy import Policy
from allotment.engine.state import Decision
from allotment.exchange.recommend import Recommender, recommend
from allotment.policies import initial_values as initial_values
from allotment.policies import rules, transfers
from allotment.policies.allocating import Allocator, allocator, expected_marginal_revenue
from allotment.policies.parameters import TUNED, Parameter, check_names, parameter_values
from allotment.policies.sources import CHEAPEST, FASTEST, source_lanes
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

FROM_COSTS = "from_costs"  # the critical ratio of the scenario's own costs
NO_CAP = 1e15  # units; larger than any order


@dataclass(frozen=True)
class Kind:
    """A rule-based policy: what it is, its parameters, and how it is built from them."""

    purpose: str
    parameters: tuple[Parameter, ...]
    build: Callable[..., Policy]  # network and one array for each parameter
    defaults: Mapping[str, Any]  # values of parameters that a config may leave out


def _level(source: str = CHEAPEST) -> Parameter:
    return Parameter("level", "site_sku", initial_values.cover(source), initial_values.spread_over(source, 1.0), whole=True)


_CAP = Parameter("cap", "site_sku", initial_values.demand_share(1.5), initial_values.demand_share(0.25), whole=True)
_EXPEDITE = Parameter(
    "expedite_level",
    "site_sku",
    initial_values.cover(FASTEST, 0.0),
    initial_values.spread_over(FASTEST, 1.0),
    whole=True,
    signed=True,
)
# A single position holds all that the slow source is bringing, so the fast source's level covers the slow lead time.
_SLOW_EXPEDITE = Parameter(
    "expedite_level",
    "site_sku",
    initial_values.cover(CHEAPEST, 0.0),
    initial_values.spread_over(CHEAPEST, 1.0),
    whole=True,
    signed=True,
)
_SLOW_GAP = Parameter("gap", "site_sku", initial_values.demand_share(1.0), initial_values.demand_share(0.5), whole=True)
_GAP = Parameter("gap", "site_sku", initial_values.demand_share(2.0), initial_values.demand_share(1.0), whole=True)
_REORDER = Parameter(
    "reorder_point",
    "site_sku",
    initial_values.cover(CHEAPEST, 0.0),
    initial_values.spread_over(CHEAPEST, 1.0),
    whole=True,
    signed=True,
)
_PROTECTION = Parameter(
    "protection", "site_sku", initial_values.constant(0.0, "site_sku"), initial_values.constant(1.0, "site_sku")
)
_QUANTITY = Parameter("quantity", "site_sku", initial_values.demand_share(0.9), initial_values.demand_share(0.1), whole=True)
_REGULAR = Parameter("quantity", "site_sku", initial_values.demand_share(0.5), initial_values.demand_share(0.25), whole=True)
_ECHELON_LEVEL = Parameter(
    "level", "site_sku", initial_values.echelon_cover, initial_values.echelon_spread, whole=True, signed=True
)
_SAFETY = Parameter(
    "safety_factor", "site_sku", initial_values.constant(1.0, "site_sku"), initial_values.constant(0.5, "site_sku"), signed=True
)

_EXPEDITE_FACTOR = Parameter(
    "expedite_factor",
    "site_sku",
    initial_values.constant(0.0, "site_sku"),
    initial_values.constant(0.5, "site_sku"),
    signed=True,
)

KINDS: dict[str, Kind] = {
    "base_stock": Kind("order up to a level every period", (_level(), _CAP), rules.BaseStock, {"cap": NO_CAP}),
    "echelon_base_stock": Kind(
        "order a site and all downstream of it up to a level", (_ECHELON_LEVEL,), rules.EchelonBaseStock, {}
    ),
    "s_S": Kind("order up to a level when the position has fallen to a point", (_REORDER, _GAP), rules.ReorderPoint, {}),
    "constant_order": Kind("order the same quantity every period", (_QUANTITY,), rules.ConstantOrder, {}),
    "single_index": Kind("two sources, one position", (_SLOW_EXPEDITE, _SLOW_GAP), rules.SingleIndex, {}),
    "dual_index": Kind("two sources, two positions", (_EXPEDITE, _level(), _CAP), rules.DualIndex, {"cap": NO_CAP}),
    "tailored_base_surge": Kind(
        "two sources, the cheap one at a constant quantity", (_EXPEDITE, _REGULAR), rules.TailoredBaseSurge, {}
    ),
    "newsvendor": Kind("order up to a forecast quantile", (_SAFETY,), rules.Newsvendor, {}),
    "dual_newsvendor": Kind("two sources, two forecast quantiles", (_EXPEDITE_FACTOR, _SAFETY), rules.DualNewsvendor, {}),
    "random": Kind("order anything", (), rules.RandomOrder, {}),
}


class Tuning(BaseModel):
    """How parameters are searched for."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    worlds: Annotated[int, Field(ge=2)] = 128  # common worlds every candidate is played on
    rounds: Annotated[int, Field(ge=1)] = 12  # passes over the parameters


def _whole_keys(given: Any) -> Any:
    """Read priorities as whole numbers, which JSON writes as text."""
    if not isinstance(given, dict):
        return given
    return {int(key) if isinstance(key, str) and key.isdigit() else key: value for key, value in given.items()}


Protection = Annotated[dict[int, Any] | Literal["emsr_b"] | None, BeforeValidator(_whole_keys)]


class RuleConfig(BaseModel):
    """A rule-based policy's config file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    policy: str  # the rule, by name
    source: str = CHEAPEST  # where to order: cheapest, fastest or a supplier's name
    parameters: dict[str, Any] = {}  # each a number, a mapping by site or SKU, `tuned`, or for safety factors `from_costs`
    transfers: dict[str, Any] | None = None  # when sites draw on each other, likewise; none = no transfers
    allocation: str | None = None  # the rule by which sites ship to channels; none = the scenario's own
    quotas: dict[str, float] | None = None  # percent by channel, for the rules that go by quotas
    protection: Protection = None  # by priority, units that classes below may not use; or how they are found
    seed: Annotated[int, Field(ge=0)] = 0  # of the random policy
    tuning: Tuning = Tuning()  # how open parameters are searched for


@dataclass(frozen=True)
class RulePolicy:
    """A rule-based policy in a world: the rule, and the values of its parameters by name."""

    name: str
    config: RuleConfig
    world: World
    values: dict[str, Floats]
    rule: Policy
    protected: Floats | None = None  # (S, J, K) units that classes below each may not use
    allocator: Allocator | None = None  # what ships to channels, where the scenario leaves it to the policy
    kind: str = "rule-based"
    version: str = ""  # of the bundle it was loaded from
    memory_size: int = 0  # a rule remembers nothing

    def decide(self, observation: Observation) -> Decision:
        """Return the rule's decision."""
        decision = self.rule.decide(observation)
        if self.protected is not None:
            everywhere = np.broadcast_to(self.protected, (observation.batch, *self.protected.shape))
            decision = decision._replace(protection=everywhere)
        if self.allocator is not None:
            decision = decision._replace(allocation=self.allocator.allocation(observation, decision.orders))
        return decision

    def recommend(self, snapshot: Any) -> Any:
        """Return the plan for a snapshot, or a list of plans for a list of snapshots; see `env.snapshot` and `env.plan`."""
        return recommend(self.recommender, snapshot)

    @cached_property
    def recommender(self) -> Recommender:
        """Return what answers snapshots."""
        return Recommender(self)

    def with_values(self, values: dict[str, Floats]) -> RulePolicy:
        """Return the same policy with other values of its parameters."""
        return replace(self, values=values, rule=_rule(self.config, self.world, values))


def parameters_of(config: RuleConfig, world: World) -> dict[str, Parameter]:
    """Return the parameters a config has in a world, by name; transfers' only where lanes beside the usual ones join sites."""
    named = {parameter.name: parameter for parameter in KINDS[config.policy].parameters}
    if config.transfers is not None and transfers.lateral_lanes(world, source_lanes(world, config.source)).any():
        named.update({parameter.name: parameter for parameter in transfers.PARAMETERS})
    return named


def build_rule(config: RuleConfig, world: World, origin: str, name: str | None = None) -> tuple[RulePolicy, list[str]]:
    """Return a config's policy in a world, and the names of the parameters that still have to be tuned."""
    kind = KINDS[config.policy]
    check_names(config.parameters, [parameter.name for parameter in kind.parameters], f"{origin}: parameters")
    check_names(config.transfers or {}, [parameter.name for parameter in transfers.PARAMETERS], f"{origin}: transfers")
    given = {**kind.defaults, **config.parameters, **(config.transfers or {})}
    values, tuned = {}, []
    for parameter in parameters_of(config, world).values():
        value = given.get(parameter.name, TUNED)
        if value == TUNED:
            tuned.append(parameter.name)
            values[parameter.name] = parameter.legal(parameter.start(world), world)
        elif value == FROM_COSTS and parameter.name == "safety_factor":
            values[parameter.name] = rules.critical_safety_factor(world)
        else:
            values[parameter.name] = parameter_values(parameter, value, world, f"{origin}: {parameter.name}")
    protected = None if config.protection is None else _protected(config.protection, world, f"{origin}: protection")
    shares = None
    if config.allocation is not None:
        shares = allocator(config.allocation, config.quotas, world, f"{origin}: allocation")
    elif config.quotas is not None:
        raise ScenarioError(f"{origin}: quotas need a rule that goes by them (allocation: quota or quota_borrowing)")
    policy = RulePolicy(name or config.policy, config, world, values, _rule(config, world, values), protected, shares)
    return policy, tuned


def _protected(given: Mapping[int, Any] | str, world: World, where: str) -> Floats:
    """Return what is protected for each class and all above it, (S, J, K) units; classes that are not named protect nothing."""
    if not world.problem.rules.protects:
        raise ScenarioError(f"{where}: {world.scenario.name} leaves no protection to policies; its decisions must name it")
    if isinstance(given, str):
        levels = expected_marginal_revenue(world, where)
        return np.floor(levels + 0.5) if world.problem.rules.whole else levels
    priorities = sorted({channel.priority for channel in world.scenario.channels})
    protected = np.zeros((world.problem.shape.sites, len(priorities), world.problem.shape.skus))
    for priority, units in given.items():
        if priority not in priorities:
            raise ScenarioError(f"{where}: no channel has priority {priority}; allowed: {', '.join(map(str, priorities))}")
        protected[:, priorities.index(priority)] = parameter_values(_PROTECTION, units, world, f"{where}.{priority}")
    return protected


def _rule(config: RuleConfig, world: World, values: dict[str, Floats]) -> Policy:
    kind = KINDS[config.policy]
    usual, moves = source_lanes(world, config.source), None
    if "pull_below" in values:
        lateral = transfers.lateral_lanes(world, usual)
        moves = transfers.Transfers(world, lateral, values["pull_below"], values["give_above"])
    network = rules.Network(world, usual, source_lanes(world, FASTEST), moves)
    if config.policy == "random":
        return kind.build(network, config.seed)
    return kind.build(network, *[values[parameter.name] for parameter in kind.parameters])
