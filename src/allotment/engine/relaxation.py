"""The continuous relaxation of a world, and its state in Torch: what gradients through the simulation are taken of.

Units become continuous: nothing is rounded, and what comes through by chance, unit by unit (partial backorders, acceptance,
fill, shrinkage), does so by expectation. Demand and lead times are drawn as ever. Features whose gradient is nothing, or says
nothing, are refused until a treatment is named: `ignored` leaves a feature out of the world; `straight_through` keeps what it
does, with the gradient of a world without it; `smooth` keeps what it does, with the gradient of a smooth stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_torch_array

from allotment.engine.dynamics.feasibility import limits_of_suppliers
from allotment.engine.state import State
from allotment.scenario.errors import nearest
from allotment.scenario.problem import BY_RECEIVER, Floats, Integers, Problem

LEAST_SMOOTH = 0.1  # units by which most of a smooth fixed cost has come at least, where units are continuous; 1 where whole
IGNORED, STRAIGHT_THROUGH, SMOOTH = "ignored", "straight_through", "smooth"


class Feature(NamedTuple):
    """A part of the model without a useful gradient."""

    name: str
    what: str  # in the words of a scenario file
    treatments: tuple[str, ...]
    is_used: Callable[[Problem], bool]
    without: Callable[[Problem], Problem]  # the problem that leaves it out
    smooth: Callable[[Problem], Problem] | None = None  # the problem that has a smooth stand-in's slope


def relaxed(problem: Problem, treatments: Mapping[str, str]) -> Problem:
    """Return a problem in continuous units, through which Torch differentiates.

    `treatments` names one for each feature without a useful gradient that the world has; others do no harm. Raises `ValueError`
    where one is missing, and where a feature or a treatment is not known.
    """
    _check(problem, treatments)
    for feature in FEATURES:
        if treatments.get(feature.name) == IGNORED:
            problem = feature.without(problem)
        elif treatments.get(feature.name) == SMOOTH and feature.smooth is not None and feature.is_used(problem):
            problem = feature.smooth(problem)
    problem = _in_continuous_units(problem) if problem.rules.whole else problem
    return problem._replace(rules=problem.rules._replace(relaxed=True))


def on_torch(state: State, dtype: Any = None, device: Any = None) -> State:
    """Return a state with units and money as tensors, by default in Torch's usual precision and place; the rest is NumPy's."""
    import torch

    def tensor(values: np.ndarray) -> Any:
        if values.dtype.kind != "f":
            return values
        return torch.tensor(values, dtype=dtype or torch.get_default_dtype(), device=device)

    return State(*map(tensor, state))


def detach(state: State) -> State:
    """Return a state of Torch through which no gradient passes: what was played before it counts as given."""
    detached: list[Any] = [part.detach() if is_torch_array(part) else part for part in state]
    return State(*detached)


def _check(problem: Problem, treatments: Mapping[str, str]) -> None:
    """Refuse treatments that are not known, and a world that has features without one."""
    known = {feature.name: feature for feature in FEATURES}
    for name, treatment in treatments.items():
        if name not in known:
            raise ValueError(f"no feature of a world is called {name!r}; {nearest(name, known)}")
        if treatment not in known[name].treatments:
            raise ValueError(f"{name} cannot be {treatment!r}; allowed: {', '.join(known[name].treatments)}")
    missing = [feature for feature in FEATURES if feature.name not in treatments and feature.is_used(problem)]
    if missing:
        each = "; ".join(f"{feature.name} ({feature.what}): {' or '.join(feature.treatments)}" for feature in missing)
        raise ValueError(f"features of this world have no useful gradient; name a treatment of each: {each}")


def _in_continuous_units(problem: Problem) -> Problem:
    """Return a problem of whole units without their rounding: none of single units, and no draw for each of them."""
    lanes, suppliers = problem.lanes, problem.suppliers
    return problem._replace(
        rules=problem.rules._replace(whole=False),
        lanes=lanes._replace(multiple=np.where(lanes.multiple > 1.0, lanes.multiple, 0.0)),
        suppliers=suppliers._replace(fill_by_unit=np.zeros_like(suppliers.fill_by_unit)),
    )


def _shares_whole_units(problem: Problem) -> bool:
    """Tell whether a comparison picks who gets a whole unit: the largest remainder, or the receiver worst off."""
    rules, lanes, sites = problem.rules, problem.lanes, problem.sites
    if not rules.whole:
        return False
    one_by_one = rules.rationing in BY_RECEIVER
    several_claims = bool(np.diff(problem.claims.group_start).max(initial=0) > 1) or rules.allocates
    of_lanes = (
        (np.arange(len(lanes.to)), lanes.capacity),
        (lanes.supplier, limits_of_suppliers(problem)),
        (lanes.plant, sites.production_capacity),
        (lanes.site, sites.handling),
    )
    several_requests = _most(lanes.site) > 1 or any(
        _most(_limited(owners, calendar)) * problem.shape.skus > 1 for owners, calendar in of_lanes
    )
    several_to_a_site = bool(np.isfinite(sites.max_position).any()) and _most(lanes.to) > 1
    shared = several_requests or several_to_a_site
    return (shared and one_by_one) or ((shared or several_claims) and rules.largest_remainder)


def _limited(owners: Integers, calendar: Floats) -> Integers:
    """Return owners that have a limit, in a calendar (T, owners); -1 in place of the others."""
    limited = np.flatnonzero(np.isfinite(calendar).any(axis=0))
    return np.where(np.isin(owners, limited), owners, -1)


def _most(owners: Integers) -> int:
    """Return how many belong to the owner of most; those of owner -1 belong to none."""
    return int(np.bincount(owners[owners >= 0], minlength=1).max())


def _uses_multiples(problem: Problem) -> bool:
    """Tell whether some lane ships in multiples, beyond the single units that whole units come in."""
    return bool((problem.lanes.multiple > (1.0 if problem.rules.whole else 0.0)).any())


def _without_multiples(problem: Problem) -> Problem:
    return problem._replace(lanes=problem.lanes._replace(multiple=np.zeros_like(problem.lanes.multiple)))


def _without_minimums(problem: Problem) -> Problem:
    return problem._replace(lanes=problem.lanes._replace(minimum=np.zeros_like(problem.lanes.minimum)))


def _without_fixed_costs(problem: Problem) -> Problem:
    fixed, line = np.zeros_like(problem.prices.fixed), np.zeros_like(problem.prices.line)
    return problem._replace(prices=problem.prices._replace(fixed=fixed, line=line))


def _with_smooth_fixed_costs(problem: Problem) -> Problem:
    return problem._replace(rules=problem.rules._replace(smooth_fixed=1.0 if problem.rules.whole else LEAST_SMOOTH))


def _without_goodwill(problem: Problem) -> Problem:
    none = np.full_like(problem.modulation.goodwill_group, -1)
    return problem._replace(modulation=problem.modulation._replace(goodwill_group=none), shape=problem.shape._replace(groups=0))


FEATURES = (
    Feature(
        "whole_shares",
        "what is scarce is shared in whole units",
        (IGNORED,),
        _shares_whole_units,
        lambda problem: problem,  # continuous units leave no remainder
    ),
    Feature(
        "multiples",
        "`multiple` of a lane or `case_pack` of a SKU",
        (IGNORED, STRAIGHT_THROUGH),
        _uses_multiples,
        _without_multiples,
    ),
    Feature(
        "minimums",
        "`minimum` of a lane",
        (IGNORED, STRAIGHT_THROUGH),
        lambda problem: bool((problem.lanes.minimum > 0.0).any()),
        _without_minimums,
    ),
    Feature(
        "fixed_costs",
        "`fixed_cost` or `line_cost` of a lane",
        (IGNORED, STRAIGHT_THROUGH, SMOOTH),
        lambda problem: bool(problem.prices.fixed.any() or problem.prices.line.any()),
        _without_fixed_costs,
        lambda problem: problem._replace(
            rules=problem.rules._replace(smooth_fixed=1.0 if problem.rules.whole else LEAST_SMOOTH)
        ),
    ),
    Feature(
        "goodwill",
        "`goodwill`, which acts through the demand that is drawn",
        (IGNORED, STRAIGHT_THROUGH, SMOOTH),
        lambda problem: problem.shape.groups > 0,
        _without_goodwill,
        lambda problem: problem._replace(rules=problem.rules._replace(smooth_goodwill=True)),
    ),
)
