"""Protection levels as parameters of a rule: the `protection` section of its config, one for each priority that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator

from allotment.policies.allocating import expected_marginal_revenue
from allotment.policies.initial_values import constant, demand_share
from allotment.policies.parameters import TUNED, Parameter
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

PROTECTION = "protection."  # what a class's parameter is called by among a policy's values, before its priority
EMSR_B = "emsr_b"


def whole_keys(given: Any) -> Any:
    """Read priorities as whole numbers, which JSON writes as text."""
    if not isinstance(given, dict):
        return given
    return {int(key) if isinstance(key, str) and key.isdigit() else key: value for key, value in given.items()}


Protection = Annotated[dict[int, Any] | Literal["emsr_b", "tuned"] | None, BeforeValidator(whole_keys)]


def priorities_of(world: World) -> list[int]:
    """Return the priorities of a world's channels, the first class first."""
    return sorted({channel.priority for channel in world.scenario.channels})


def protection_parameters(given: Mapping[int, Any] | str | None, world: World) -> list[Parameter]:
    """Return a parameter for each class that a config protects; tuning starts from first come, first served."""
    named = () if given is None else priorities_of(world)[:-1] if isinstance(given, str) else given
    start, step = constant(0.0, "site_sku"), demand_share(0.5)
    return [Parameter(f"{PROTECTION}{priority}", "site_sku", start, step, whole=True) for priority in named]


def given_protection(given: Mapping[int, Any] | str | None, world: World, where: str) -> dict[str, Any]:
    """Return what a config says of each class's parameter; `ScenarioError` where the world has no such class."""
    if given is None:
        return {}
    if not world.problem.rules.protects:
        raise ScenarioError(f"{where}: {world.scenario.name} leaves no protection to policies; its decisions must name it")
    priorities = priorities_of(world)
    if given == EMSR_B:
        levels = expected_marginal_revenue(world, where)
        given = {priority: levels[:, rank].tolist() for rank, priority in enumerate(priorities[:-1])}
    elif isinstance(given, str):
        given = dict.fromkeys(priorities[:-1], TUNED)
    for priority in given:
        if priority not in priorities:
            raise ScenarioError(f"{where}: no channel has priority {priority}; allowed: {', '.join(map(str, priorities))}")
    return {f"{PROTECTION}{priority}": units for priority, units in given.items()}


def protected_units(values: Mapping[str, Floats], world: World) -> Floats | None:
    """Return what is protected for each class and all above it, (…, S, J, K) units; none where nothing is.

    Classes that are not named protect nothing.
    """
    own = {name: array for name, array in values.items() if name.startswith(PROTECTION)}
    if not own:
        return None
    nothing = np.zeros_like(next(iter(own.values())))
    units = np.stack([own.get(f"{PROTECTION}{priority}", nothing) for priority in priorities_of(world)], axis=-2)
    return np.floor(units + 0.5) if world.problem.rules.whole else units
