"""An encoding whose actions move the parameters of a rule: its levels and factors, covers for transfers, protection, forecast.

The rule then decides, and leaves open what it leaves open. Where no action moves anything it decides as it was tuned, so that
what is learned starts at the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from allotment.decisions.allocation_actions import AllocationActions, Corrected
from allotment.decisions.encodings import check_forgetful
from allotment.decisions.observation import Observation
from allotment.engine.state import Decision
from allotment.policies.answers import Answers
from allotment.policies.keeping import KEEP_BACK
from allotment.policies.parameters import LARGEST, Parameter
from allotment.policies.rule_config import RulePolicy, parameters_of
from allotment.policies.rules import NO_CAP
from allotment.policies.transfers import PARAMETERS
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

Array = Any  # a NumPy array or a Torch tensor


Axes = Literal["site_sku", "sku"]
BY_SITE = {KEEP_BACK, *(parameter.name for parameter in PARAMETERS)}  # of SKUs in configs, moved by site and SKU


class Moved(NamedTuple):
    """A parameter that actions move, and which."""

    parameter: Parameter
    shape: tuple[int, ...]
    actions: slice


@dataclass(frozen=True)
class RuleParameters:
    """Shifts of a rule's parameters, by as many first steps of tuning as `steps` either way.

    A parameter that stands for no limit, such as a cap that no order reaches, is not moved. Covers for transfers, and what is
    kept back, are moved at each site by itself.
    """

    world: World
    rule: RulePolicy
    steps: float = 6.0
    also_corrects: tuple[Corrected, ...] = ()  # of the rule's decision, by actions of their own
    name: str = "rule_parameters"

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or not isinstance(self.steps, int | float) or not 0 < self.steps <= LARGEST:
            raise ScenarioError(f"encoding {self.name}: steps must be a number > 0, not {shown(self.steps)}")
        if not self.moved:
            raise ScenarioError(f"encoding {self.name}: {self.rule.name} has no parameters that could be moved")
        check_forgetful(self.name, self.rule)
        self.allocation_actions  # noqa: B018, refuses what the world leaves to no policy

    @cached_property
    def moved(self) -> list[Moved]:
        """Return the parameters that actions move, in order."""
        found: list[Moved] = []
        for name, parameter in parameters_of(self.rule.config, self.world).items():
            if (self.rule.values[name] < NO_CAP).all():
                start = found[-1].actions.stop if found else 0
                axes: Axes = "site_sku" if name in BY_SITE else parameter.axes
                shape = replace(parameter, axes=axes).shape(self.world)
                found.append(Moved(parameter, shape, slice(start, start + int(np.prod(shape)))))
        return found

    @property
    def own_size(self) -> int:
        """Return the number of actions that move parameters."""
        return self.moved[-1].actions.stop

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return self.own_size + self.allocation_actions.size

    @cached_property
    def allocation_actions(self) -> AllocationActions:
        """Return what the last of its actions correct of what the rule decides."""
        return AllocationActions.around(self.world, self.also_corrects, f"encoding {self.name}: also_corrects")

    @cached_property
    def limits(self) -> Floats:
        """Return how far each action moves its parameter, (n,)."""
        steps = [np.broadcast_to(each.parameter.step(self.world), each.shape).ravel() for each in self.moved]
        return self.steps * np.concatenate(steps)

    def values(self, actions: Array) -> dict[str, Array]:
        """Return the values of the rule's parameters, (B, …) those that are moved, by actions (B, size) in [-1, 1]."""
        xp = array_namespace(actions)
        by_name: dict[str, Array] = dict(self.rule.values)
        for parameter, shape, own in self.moved:
            limits = xp.asarray(self.limits[own], dtype=actions.dtype)
            shift = xp.reshape(actions[:, own] * limits, (-1, *shape))
            tuned = xp.asarray(self.rule.values[parameter.name], dtype=actions.dtype)
            by_name[parameter.name] = _legal(xp, tuned + shift, parameter)
        return by_name

    def base(self, observation: Observation) -> None:
        """Actions count from the rule's own parameters."""

    def quantities(self, actions: Array, base: Array | None = None) -> Array:
        """Return the values of what is moved, (B, n) in the order of `parameter_names`."""
        xp, values = array_namespace(actions), self.values(actions)
        return xp.concat([xp.reshape(values[each.parameter.name], (actions.shape[0], -1)) for each in self.moved], axis=1)

    def orders(self, actions: Floats, observation: Observation) -> Floats:
        """Return the rule's orders, (B, L, K) units, with its parameters where actions (B, size) move them."""
        return self._decided(actions, observation).orders

    def decision(self, actions: Floats, observation: Observation) -> Decision:
        """Return the rule's decision with its parameters where actions (B, size) in [-1, 1] move them."""
        return self.allocation_actions.corrected(self._decided(actions, observation), observation, actions)

    def within(self, world: World) -> RuleParameters:
        """Return the same encoding in another form of its world."""
        return replace(self, world=world, rule=self.rule.within(world))

    def by_cell(self) -> Answers:
        """Return what a network of cells answers with: a number for each parameter, one of SKUs is the mean over sites."""
        sites, skus = self.world.problem.sites.initial_stock.shape
        cell, width = np.arange(sites * skus), len(self.moved)
        chosen = [cell * width + place for place in range(width)]
        owner = {2: cell, 1: np.tile(np.arange(skus), sites)}
        groups = [each.actions.start + owner[len(each.shape)] for each in self.moved]
        return Answers(width, np.concatenate(chosen), np.concatenate(groups))

    def parameter_names(self) -> list[str]:
        """Return a name for every parameter that is moved, such as `safety_factor[store, item]`."""
        sites, skus = self.world.names.sites, self.world.names.skus
        cells = {2: [f"{site}, {sku}" for site in sites for sku in skus], 1: list(skus)}
        return [f"{each.parameter.name}[{cell}]" for each in self.moved for cell in cells[len(each.shape)]]

    def _decided(self, actions: Floats, observation: Observation) -> Decision:
        return self.rule.with_values(self.values(actions)).decide(observation)


def _legal(xp: Any, values: Array, parameter: Parameter) -> Array:
    """Return the nearest values that a parameter may take; what a rule does with them is rounded by the world."""
    values = values if parameter.signed else xp.clip(values, min=0.0)
    return values if parameter.most >= LARGEST else xp.clip(values, max=parameter.most)
