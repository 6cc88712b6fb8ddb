"""Rule-based policies from their configs: the class that `policy` names, and the values of its parameters in a world."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from allotment import extensions
from allotment.decisions.observation import Observation
from allotment.decisions.ordering import Ordering, ordering_of
from allotment.decisions.policy import Policy
from allotment.decisions.serving import Serving
from allotment.engine.state import Decision
from allotment.exchange.recommend import Recommender, recommend
from allotment.policies import rules, rules_echelon, rules_lost_sales, rules_perishable, rules_rolling, transfers  # noqa: F401, importing them names their rules
from allotment.policies.allocating import Allocator, allocator
from allotment.policies.budgets import Division, Method, division
from allotment.policies.forecast_config import FORECAST, check_forecast, forecaster_class, forecaster_of, settings_of
from allotment.policies.forecasters import Forecaster
from allotment.policies.keeping import KEEP_BACK, PERIODS_KEPT, KeptBack, check_supplies
from allotment.policies.parameters import (
    TUNED,
    Parameter,
    check_names,
    computed_values,
    declared_parameters,
    declared_settings,
    parameter_values,
)
from allotment.policies.protection import (
    EMSR_B,
    PROTECTION,
    Protection,
    given_protection,
    protected_units,
    protection_parameters,
)
from allotment.policies.sources import CHEAPEST, FASTEST, source_lanes
from allotment.policies.tuning_config import Tuning
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

FROM_COSTS = "from_costs"  # the way to compute a parameter that looks at costs alone


def rule_class(name: str, where: str) -> type:
    """Return the class of a rule by its name in a config, shipped or a user's own; `ScenarioError` where there is none."""
    found = extensions.find("policy", name, rules.RULES, where)
    if not (isinstance(found, type) and is_dataclass(found) and hasattr(found, "decide")):
        raise ScenarioError(f"{where}: {name} must be a dataclass with the method decide(observation)")
    if next(iter(each.name for each in fields(found)), "") != "network":
        raise ScenarioError(f"{where}: the first field of {name} must be `network: Network`, what it knows of its world")
    return found


class RuleConfig(BaseModel):
    """A rule-based policy's config file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    policy: str  # a shipped rule, an installed one, or file.py:Name
    name: str | None = None  # in tables; none = the file's
    source: str = CHEAPEST  # where to order: cheapest, fastest or a supplier's name
    parameters: dict[str, Any] = {}  # each a number, a mapping, `tuned` or a way to compute it; and other settings
    forecast: dict[str, Any] | None = (
        None  # `method`, and its parameters likewise; none = the true process's, where a rule sees one
    )
    transfers: dict[str, Any] | None = None  # when sites draw on each other, likewise; none = no transfers
    keep_back: Any = None  # periods of mean demand that a site keeps back from those it supplies, or `tuned`; none = nothing
    allocation: str | None = None  # the rule by which sites ship to channels; none = the scenario's own
    quotas: dict[str, float] | None = None  # percent by channel, for the rules that go by quotas
    budget: Method | None = None  # how what may be spent is divided among budgets; none = alike
    protection: Protection = None  # by priority, units that classes below may not use, likewise; or how all are found
    tuning: Tuning = Tuning()  # how open parameters are searched for


@dataclass(frozen=True)
class RulePolicy:
    """A rule-based policy in a world: the rule, and the values of its parameters by name."""

    name: str
    config: RuleConfig
    world: World
    values: dict[str, Floats]
    rule: Policy
    allocator: Allocator | Serving | None = None  # what ships to channels, where the scenario leaves it to the policy
    keeping: KeptBack | None = None  # what sites do not send to others
    dividing: Division | None = None  # what divides a budget, where the scenario leaves it to the policy
    kind: str = "rule-based"
    version: str = ""  # of the bundle it was loaded from

    def decide(self, observation: Observation) -> Decision:
        """Return the rule's decision, and what its forecaster has seen, for the next."""
        memory = self.forecaster.remembered(observation)
        known = observation if memory is None else replace(observation, memory=memory)
        decision = self.rule.decide(known)
        if memory is not None:
            decision = decision._replace(memory=memory)
        if self.dividing is not None:
            decision = decision._replace(budget=self.dividing.budget(known, self.forecaster.forecast))
        if self.keeping is not None:
            decision = self.keeping.cut(observation, decision)
        if self.protected is not None:
            everywhere = np.broadcast_to(self.protected, (observation.batch, *self.protected.shape[-3:]))
            decision = decision._replace(protection=everywhere)
        if self.allocator is not None:
            decision = decision._replace(allocation=self.allocator.allocation(observation, decision.orders))
        return decision

    def ordering(self) -> Ordering | None:
        """Return what the rule orders as compiled code takes it; none where it cannot, or decides more than orders."""
        orders_alone = self.allocator is None and self.keeping is None and self.dividing is None
        ordering = ordering_of(self.rule) if orders_alone else None
        return ordering if ordering is None else replace(ordering, protection=self.protected)

    @cached_property
    def protected(self) -> Floats | None:
        """Return what classes below each may not use, (S, J, K) units; none where nothing is protected."""
        return protected_units(self.values, self.world)

    @property
    def memory_size(self) -> int:
        """Return how many numbers it keeps from one decision to the next."""
        return self.forecaster.memory_size(self.world)

    @cached_property
    def forecaster(self) -> Forecaster:
        """Return where its forecasts come from."""
        return forecaster_of(self.config, self.values, self.name)

    @property
    def informed(self) -> bool:
        """Tell whether it knows more of coming demand than past demand tells: a forecast, or the law of the true process.

        Parameters that were found by simulation do not count.
        """
        cls = rule_class(self.config.policy, self.name)
        sees, given = getattr(cls, "SEES", None), self.config.parameters
        ways = {each.name: set(each.ways) - {FROM_COSTS} for each in declared_parameters(cls)}
        computed = any(isinstance(given.get(name), str) and given[name] in ways[name] for name in ways)
        expects = self.allocator is not None and not self.world.problem.clock.demand_first
        forecast = (sees == "forecast" or self.dividing is not None) and self.forecaster.INFORMED
        return sees == "law" or forecast or expects or computed or self.config.protection == EMSR_B

    @property
    def uses_forecast(self) -> bool:
        """Tell whether it goes by the observation's forecast: not where it makes its own from past demand, or needs none.

        A rule of one's own may, unless its forecast is made from past demand.
        """
        cls = rule_class(self.config.policy, self.name)
        shipped = rules.RULES.get(self.config.policy) is cls
        sees = self.dividing is not None or getattr(cls, "SEES", None) == "forecast"
        return self.forecaster.INFORMED and (not shipped or sees)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what the policy is into a bundle's folder; returns what the bundle says of it."""
        values = {name: array.tolist() for name, array in self.values.items()}
        (folder / "parameters.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        return {"kind": self.kind, "name": self.name, "config": self.config.model_dump()}

    def recommend(self, snapshot: Any) -> Any:
        """Return the plan for a snapshot, or plans for a list of them; see `exchange.snapshot` and `exchange.plan`."""
        return recommend(self.recommender, snapshot)

    @cached_property
    def recommender(self) -> Recommender:
        """Return what answers snapshots."""
        return Recommender(self)

    def as_config(self) -> dict[str, Any]:
        """Return `parameters`, and what else has values, as a config would state them: what it was tuned to."""
        stated = {name: _stated(array, self.world) for name, array in self.values.items() if (array < rules.NO_CAP).all()}
        moves = {parameter.name for parameter in transfers.PARAMETERS}
        settings = {name: value for name, value in self.config.parameters.items() if name not in self.values}
        between = {name: stated.pop(name) for name in list(stated) if name in moves}
        kept = {KEEP_BACK: stated.pop(KEEP_BACK)} if KEEP_BACK in stated else {}
        forecast = {name.removeprefix(FORECAST): stated.pop(name) for name in list(stated) if name.startswith(FORECAST)}
        levels = {int(name.removeprefix(PROTECTION)): stated.pop(name) for name in list(stated) if name.startswith(PROTECTION)}
        parts = {
            "parameters": {**settings, **stated},
            "protection": levels,
            "transfers": between,
            "forecast": {**(self.config.forecast or {}), **forecast},
        }
        return {name: part for name, part in parts.items() if part or name == "parameters"} | kept

    def with_values(self, values: dict[str, Floats]) -> RulePolicy:
        """Return the same policy with other values of its parameters; they may have an axis of worlds, (B, …)."""
        rule: Any = self.rule
        network, own = rule.network, {name: value for name, value in values.items() if hasattr(rule, name)}
        if "pull_below" in values:
            covers = {each.name: values[each.name] for each in transfers.PARAMETERS}
            network = replace(network, transfers=replace(network.transfers, **covers))
        if any(name.startswith(FORECAST) for name in values):
            network = replace(network, forecaster=forecaster_of(self.config, values, self.name))
        return replace(self, values=values, rule=replace(rule, network=network, **own), keeping=_keeping(self.world, values))

    def within(self, world: World) -> RulePolicy:
        """Return the same policy in another form of its world: its continuous relaxation, say."""
        allocates = None if self.allocator is None else replace(self.allocator, world=world)
        rule, keeps = _rule(self.config, world, self.values, self.name), _keeping(world, self.values)
        divides = None if self.dividing is None else replace(self.dividing, world=world)
        return replace(self, world=world, rule=rule, allocator=allocates, keeping=keeps, dividing=divides)


def parameters_of(config: RuleConfig, world: World) -> dict[str, Parameter]:
    """Return the parameters a config has in a world, by name; transfers' only where lanes beside the usual ones join sites."""
    named = {parameter.name: parameter for parameter in declared_parameters(rule_class(config.policy, config.policy))}
    if config.transfers is not None and transfers.lateral_lanes(world, source_lanes(world, config.source)).any():
        named.update({parameter.name: parameter for parameter in transfers.PARAMETERS})
    for parameter in declared_parameters(forecaster_class(config)):
        named[FORECAST + parameter.name] = replace(parameter, name=FORECAST + parameter.name)
    if config.keep_back is not None:
        named[KEEP_BACK] = PERIODS_KEPT
    return named | {parameter.name: parameter for parameter in protection_parameters(config.protection, world)}


def build_rule(config: RuleConfig, world: World, origin: str, name: str | None = None) -> tuple[RulePolicy, list[str]]:
    """Return a config's policy in a world, and the names of the parameters that still have to be tuned."""
    cls = rule_class(config.policy, origin)
    known = [parameter.name for parameter in declared_parameters(cls)] + list(declared_settings(cls))
    check_names(config.parameters, known, f"{origin}: parameters")
    check_names(config.transfers or {}, [parameter.name for parameter in transfers.PARAMETERS], f"{origin}: transfers")
    check_forecast(config, cls, world, f"{origin}: forecast")
    forecast = {FORECAST + name: value for name, value in (config.forecast or {}).items()}
    levels = given_protection(config.protection, world, f"{origin}: protection")
    if config.keep_back is not None:
        check_supplies(world, f"{origin}: keep_back")
    given = {**config.parameters, **(config.transfers or {}), **forecast, **levels, KEEP_BACK: config.keep_back}
    values, tuned = {}, []
    for parameter in parameters_of(config, world).values():
        value = given.get(parameter.name, parameter.default)
        if value == TUNED:
            tuned.append(parameter.name)
            values[parameter.name] = parameter.legal(parameter.start(world), world)
        elif isinstance(value, str) and value in parameter.ways:
            computed = computed_values(parameter, value, world, f"{origin}: {parameter.name}")
            values[parameter.name] = parameter.legal(computed, world)
        else:
            values[parameter.name] = parameter_values(parameter, value, world, f"{origin}: {parameter.name}")
    shares = None
    if config.allocation is not None:
        shares = allocator(config.allocation, config.quotas, world, f"{origin}: allocation")
    elif config.quotas is not None:
        raise ScenarioError(f"{origin}: quotas need a rule that goes by them (allocation: quota or quota_borrowing)")
    rule, keeps = _rule(config, world, values, origin), _keeping(world, values)
    divides = division(config.budget, world, source_lanes(world, config.source), f"{origin}: budget")
    return RulePolicy(name or config.name or config.policy, config, world, values, rule, shares, keeps, divides), tuned


def _keeping(world: World, values: dict[str, Floats]) -> KeptBack | None:
    """Return what sites do not send to others; none where they send what they are asked for."""
    return KeptBack(world, values[KEEP_BACK]) if KEEP_BACK in values else None


def _stated(values: Floats, world: World) -> Any:
    """Return a parameter's values as a config states them: one number, or by site, by SKU, or by both where they differ."""
    if (values == values.flat[0]).all():
        return _number(values.flat[0])
    names = world.names.skus if values.ndim == 1 else world.names.sites
    return {
        name: _number(part) if np.ndim(part) == 0 else _stated(part, world) for name, part in zip(names, values, strict=True)
    }


def _number(value: Any) -> int | float:
    """Return a number without a point where it is whole."""
    return int(value) if float(value).is_integer() else float(value)


def _rule(config: RuleConfig, world: World, values: dict[str, Floats], origin: str) -> Policy:
    """Return the rule with its parameters' values; `ScenarioError` where it does not apply in the world."""
    cls = rule_class(config.policy, config.policy)
    usual, moves = source_lanes(world, config.source), None
    if "pull_below" in values:
        lateral = transfers.lateral_lanes(world, usual)
        moves = transfers.Transfers(world, lateral, values["pull_below"], values["give_above"])
    network = rules.Network(world, usual, source_lanes(world, FASTEST), moves, forecaster_of(config, values, origin))
    obstacle = cls.obstacle(network) if hasattr(cls, "obstacle") else None
    if obstacle is not None:
        raise ScenarioError(f"{origin}: {config.policy} {obstacle}")
    own = {parameter.name: values[parameter.name] for parameter in declared_parameters(cls)}
    settings = settings_of(cls, config.parameters, config.policy)
    try:
        return cls(network=network, **own, **settings)
    except TypeError as error:
        raise ScenarioError(f"{config.policy}: {error}") from None
