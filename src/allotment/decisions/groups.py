"""The named groups of what a network observes, each declared once: its axes, when a world has it, and its values.

`flatten` and the documentation read this table; compiled code (`engine.kernel.observation`) writes the same values for the
groups that its own table `KINDS` names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.decisions.observation import Observation, visible_ages
from allotment.engine.dynamics.arrays import sum_last
from allotment.scenario.problem import Floats, Problem
from allotment.scenario.schema import ObservationGroups
from allotment.scenario.sizes import check_numbers

HIGHEST = 50.0  # larger values are clipped
Chosen = ObservationGroups
LENGTHS: dict[str, Callable[[Problem, Chosen], int]] = {  # of the axes that a problem tells
    "site": lambda problem, chosen: problem.shape.sites,
    "sku": lambda problem, chosen: problem.shape.skus,
    "channel": lambda problem, chosen: problem.shape.channels,
    "supply_lane": lambda problem, chosen: problem.shape.lanes,
    "life": lambda problem, chosen: problem.shape.lives,
    "due_slot": lambda problem, chosen: problem.shape.slots,
    "goodwill_group": lambda problem, chosen: problem.shape.groups,
    "age": lambda problem, chosen: visible_ages(problem),
    "past_period": lambda problem, chosen: chosen.demand_history,
    "coming_period": lambda problem, chosen: chosen.forecast,
    "account": lambda problem, chosen: 1,
    "clock": lambda problem, chosen: 1,
    "settlement": lambda problem, chosen: problem.treasury.slots,
    "budget": lambda problem, chosen: problem.treasury.amounts.shape[1],
    "calendar": lambda problem, chosen: 3 if is_dated(problem) else 2,
}


@dataclass(frozen=True)
class Kind:
    """A group as it is declared."""

    kind: str  # in compiled code
    name: str  # in the layout of the vector
    axes: tuple[str, ...]
    about: str
    present: Callable[[Problem, Chosen], bool]
    values: Callable[[Observation, Chosen], Floats]  # (B, …) units, or as `about` says
    low: float = 0.0
    high: float = HIGHEST

    def __reduce__(self) -> tuple[Any, ...]:
        return kind_of, (self.kind,)


def kind_of(kind: str) -> Kind:
    """Return the group that is declared under a name."""
    return next(each for each in KINDS if each.kind == kind)


@dataclass(frozen=True)
class Group:
    """One part of a world's vector."""

    kind: Kind
    shape: tuple[int, ...]
    start: int  # first place in the vector

    @property
    def name(self) -> str:
        """Return the group's name."""
        return self.kind.name

    @property
    def axes(self) -> tuple[str, ...]:
        """Return what each axis counts."""
        return self.kind.axes

    @property
    def stop(self) -> int:
        """Return the place behind the last."""
        return self.start + math.prod(self.shape)


def is_dated(problem: Problem) -> bool:
    """Tell whether it matters how much of the episode is left: it has an end, or demand does not repeat."""
    return problem.clock.season or not problem.demand.repeats


def _calendar(seen: Observation, chosen: Chosen) -> Floats:
    clock = seen.problem.clock
    angle = 2.0 * np.pi * seen.period / max(clock.cycle, 2)
    columns = [np.sin(angle), np.cos(angle)]
    if is_dated(seen.problem):
        columns.append((clock.length - seen.period) / clock.length)
    return np.stack(columns, axis=1)


def _in_transit(variant: str, axes: str, about: str, values: Callable[[Observation, Chosen], Floats]) -> Kind:
    return Kind(
        f"in_transit_{variant}",
        "in_transit",
        tuple(axes.split()),
        about,
        lambda problem, chosen: chosen.in_transit == variant and visible_ages(problem) > 0,
        values,
    )


def _open_demand(kind: str, axes: str, about: str, by_due: bool, values: Callable[[Observation, Chosen], Floats]) -> Kind:
    def present(problem: Problem, chosen: Chosen) -> bool:
        several = problem.shape.slots > 1
        return (several or problem.clock.demand_first) and (chosen.open_demand == "by_due_period" and several) == by_due

    return Kind(kind, "open_demand", tuple(axes.split()), about, present, values)


def _budget_clock(seen: Observation, chosen: Chosen) -> Floats:
    per = seen.problem.treasury.per
    return ((per - seen.period % per) / per)[:, None]


def _treasury(
    name: str, axis: str, about: str, values: Callable[[Observation], Floats], low: float = 0.0, budgets: bool = False
) -> Kind:
    def present(problem: Problem, chosen: Chosen) -> bool:
        return chosen.treasury and problem.treasury.exists and (not budgets or problem.treasury.amounts.shape[1] > 0)

    return Kind(name, name, (axis,), about, present, lambda seen, chosen: values(seen), low)


KINDS = (
    Kind(
        "on_hand",
        "on_hand",
        ("site", "sku"),
        "stock on hand, as the records have it",
        lambda problem, chosen: True,
        lambda seen, chosen: seen.on_hand,
    ),
    Kind(
        "on_hand_by_life",
        "on_hand_by_life",
        ("site", "sku", "life"),
        "stock on hand by remaining life",
        lambda problem, chosen: chosen.by_remaining_life and problem.shape.lives > 1,
        lambda seen, chosen: seen.by_life,
    ),
    _in_transit(
        "by_age",
        "age supply_lane sku",
        "units in transit by lane and by the age of their order, the youngest first",
        lambda seen, chosen: seen.in_transit_by_age,
    ),
    _in_transit("by_lane", "supply_lane sku", "units in transit by lane", lambda seen, chosen: seen.in_transit),
    _in_transit(
        "by_site_and_age",
        "age site sku",
        "units in transit by destination and by the age of their order",
        lambda seen, chosen: seen.inbound_by_age,
    ),
    _in_transit("by_site", "site sku", "units in transit by destination", lambda seen, chosen: seen.inbound),
    Kind(
        "owed",
        "owed",
        ("supply_lane", "sku"),
        "units that sources owe",
        lambda problem, chosen: chosen.owed and bool(problem.lanes.backlog.any()),
        lambda seen, chosen: seen.owed,
    ),
    _open_demand("open_demand", "channel sku", "demand not yet served", False, lambda seen, chosen: seen.open_demand),
    _open_demand(
        "open_demand_by_slot",
        "channel sku due_slot",
        "demand not yet served, by the period in which it is due",
        True,
        lambda seen, chosen: seen.open_demand_by_slot,
    ),
    Kind(
        "demand_history",
        "demand_history",
        ("past_period", "channel", "sku"),
        "past demand, or sales, the latest period first",
        lambda problem, chosen: chosen.demand_history > 0,
        lambda seen, chosen: seen.demand_history,
    ),
    Kind(
        "forecast_mean",
        "forecast_mean",
        ("coming_period", "site", "sku"),
        "mean of the demand near each site in the coming periods",
        lambda problem, chosen: chosen.forecast > 0,
        lambda seen, chosen: seen.forecast(chosen.forecast)[0],
    ),
    Kind(
        "forecast_deviation",
        "forecast_deviation",
        ("coming_period", "site", "sku"),
        "its standard deviation",
        lambda problem, chosen: chosen.forecast > 0,
        lambda seen, chosen: seen.forecast(chosen.forecast)[1],
    ),
    Kind(
        "goodwill",
        "goodwill",
        ("goodwill_group",),
        "multiplier of mean demand that past service has left",
        lambda problem, chosen: chosen.goodwill and problem.shape.groups > 0,
        lambda seen, chosen: seen.goodwill,
    ),
    Kind(
        "calendar",
        "calendar",
        ("calendar",),
        "sine and cosine of where the cycle of seasons stands, and where it matters the share of the episode that is left",
        lambda problem, chosen: chosen.calendar or (problem.clock.season and problem.clock.length > 1),
        _calendar,
        -1.0,
        1.0,
    ),
    _treasury("cash", "account", "money in cash", lambda seen: seen.cash, -HIGHEST),
    _treasury("debt", "account", "money drawn on the credit line", lambda seen: seen.debt),
    _treasury(
        "payables",
        "settlement",
        "money owed to suppliers, by settlements until it is paid, the next one first",
        lambda seen: sum_last(seen.payables),
    ),
    _treasury(
        "receivables",
        "settlement",
        "money owed by channels, by settlements until it is paid, the next one first",
        lambda seen: sum_last(seen.receivables),
    ),
    _treasury("budget_left", "budget", "money left of each budget", lambda seen: seen.budget_left, budgets=True),
    Kind(
        "budget_clock",
        "budget_clock",
        ("clock",),
        "share of the budget period that is left, this period included",
        lambda problem, chosen: chosen.treasury and problem.treasury.amounts.shape[1] > 0,
        _budget_clock,
        0.0,
        1.0,
    ),
)


def layout(problem: Problem, chosen: Chosen, kinds: Sequence[Kind] = KINDS) -> list[Group]:
    """Return the groups that a scenario switches on and a world has, in order."""
    groups: list[Group] = []
    for kind in kinds:
        if kind.present(problem, chosen):
            shape = tuple(LENGTHS[axis](problem, chosen) for axis in kind.axes)
            groups.append(Group(kind, shape, groups[-1].stop if groups else 0))
            check_numbers("observation", {f"numbers up to {kind.name}": groups[-1].stop})
    return groups
