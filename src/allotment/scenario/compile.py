"""From a scenario to arrays: resolves names, patterns and defaults into the `Problem` that the engine reads."""

from __future__ import annotations

import math

import numpy as np

from allotment.scenario import tables
from allotment.scenario.demand import compile_demand
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.fulfilment import compile_serving, selling_prices
from allotment.scenario.lanes import compile_lanes
from allotment.scenario.patterns import check_unique, spread
from allotment.scenario.problem import (
    CHARGE,
    DECIDE,
    DEMAND,
    FULFIL,
    RECEIVE,
    Clock,
    Floats,
    Names,
    Prices,
    Problem,
    Sharing,
)
from allotment.scenario.schema import HoldingRate, Scenario
from allotment.scenario.source_data import History

PHASE_CODES = {"receive": RECEIVE, "decide": DECIDE, "demand": DEMAND, "fulfil": FULFIL, "charge": CHARGE}


def compile_scenario(scenario: Scenario, histories: dict[str, History]) -> tuple[Problem, Names]:
    """Return the arrays of a scenario and the names along their axes; `ScenarioError` where they do not fit."""
    _check_names(scenario)
    if scenario.units == "integer":
        _check_whole_units(scenario)
    packing = tables.TableSet()
    lanes, lane_names, lane_prices = compile_lanes(scenario, packing)
    serving, serving_names, outbound_freight = compile_serving(scenario)
    problem = Problem(
        clock=_clock(scenario),
        sharing=_sharing(scenario),
        lanes=lanes,
        demand=compile_demand(scenario, histories, packing),
        tables=packing.packed(),
        serving=serving,
        prices=Prices(outbound_freight=outbound_freight, **lane_prices, **_site_prices(scenario), **_channel_prices(scenario)),
    )
    names = Names(
        skus=[sku.name for sku in scenario.skus],
        suppliers=[supplier.name for supplier in scenario.suppliers],
        sites=[site.name for site in scenario.sites],
        channels=[channel.name for channel in scenario.channels],
        supply_lanes=lane_names,
        fulfilment_lanes=serving_names,
    )
    return _with_whole_capacities(problem), names


def _check_names(scenario: Scenario) -> None:
    """Refuse names that stand for two things."""
    for section in ("skus", "suppliers", "sites", "channels"):
        check_unique([part.name for part in getattr(scenario, section)], section)
    suppliers = [supplier.name for supplier in scenario.suppliers]
    for position, site in enumerate(scenario.sites):
        if site.name in suppliers:
            other = f"suppliers[{suppliers.index(site.name)}]"
            raise ScenarioError(f"sites[{position}]: {site.name!r} is the name of {other} too; lanes could not tell them apart")
    _check_distances(scenario)


def _check_distances(scenario: Scenario) -> None:
    """Refuse a distance from or to a name that nothing has: it would be silently left unused."""
    places = [supplier.name for supplier in scenario.suppliers] + [site.name for site in scenario.sites]
    ends = places + [name for part in scenario.channels for name in (part.region, part.name) if name is not None]
    for source, row in scenario.distances.items():
        for name, allowed in [(source, places), *((to, ends) for to in row)]:
            if name not in allowed:
                where = "distances" if allowed is places else f"distances.{source}"
                raise ScenarioError(f"{where}: nothing is called {name!r}; {nearest(name, allowed)}")


def _check_whole_units(scenario: Scenario) -> None:
    """Refuse fractions of units."""
    for section, attribute in (("skus", "case_pack"), ("sites", "initial_stock"), ("supply_lanes", "multiple")):
        for position, part in enumerate(getattr(scenario, section)):
            value = getattr(part, attribute)
            for units in value.values() if isinstance(value, dict) else [value or 0.0]:
                if units != math.floor(units):
                    where = f"{section}[{position}].{attribute}"
                    raise ScenarioError(f"{where} must be whole units where units are integer, not {units:g}")


def _clock(scenario: Scenario) -> Clock:
    horizon = scenario.horizon
    order = {phase: place for place, phase in enumerate(scenario.sequence)}
    return Clock(
        sequence=np.array([PHASE_CODES[phase] for phase in scenario.sequence]),
        decide_at=order["decide"],
        received_first=order["receive"] < order["decide"],
        demand_first=order["demand"] < order["decide"],
        season=horizon.kind == "season",
        length=horizon.warm_up + horizon.periods,
        warm_up=horizon.warm_up,
    )


def _sharing(scenario: Scenario) -> Sharing:
    return Sharing(
        whole=scenario.units == "integer",
        by_priority=scenario.rationing == "priority",
        largest_remainder=scenario.remainder == "largest",
        initial_stock=_per_sku(scenario, "sites", "initial_stock"),
        handling=np.array([unlimited(site.handling) for site in scenario.sites]),
        supplier_capacity=np.array([unlimited(supplier.capacity) for supplier in scenario.suppliers]),
    )


def _per_sku(scenario: Scenario, section: str, attribute: str) -> Floats:
    """Return an attribute of every entry of a section, (entries, skus)."""
    skus = [sku.name for sku in scenario.skus]
    return np.stack(
        [
            spread(getattr(part, attribute), skus, f"{section}[{position}].{attribute}")
            for position, part in enumerate(getattr(scenario, section))
        ]
    )


def _site_prices(scenario: Scenario) -> dict[str, Floats]:
    skus = [sku.name for sku in scenario.skus]
    unit_costs = np.array([sku.unit_cost for sku in scenario.skus])

    def holding(position: int) -> Floats:
        cost = scenario.sites[position].holding_cost
        if isinstance(cost, HoldingRate):
            return cost.rate * unit_costs
        return spread(cost, skus, f"sites[{position}].holding_cost")

    return {
        "holding": np.stack([holding(position) for position in range(len(scenario.sites))]),
        "site_salvage": _per_sku(scenario, "sites", "salvage"),
    }


def _channel_prices(scenario: Scenario) -> dict[str, Floats]:
    price = selling_prices(scenario)
    return {
        "price": price if scenario.objective == "profit" else np.zeros_like(price),
        "backorder": _per_sku(scenario, "channels", "backorder_cost"),
        "shortage": _per_sku(scenario, "channels", "shortage_cost"),
        "channel_salvage": _per_sku(scenario, "channels", "salvage"),
    }


def unlimited(capacity: float | None) -> float:
    """Return a capacity, infinite where none is declared."""
    return math.inf if capacity is None else float(capacity)


def _with_whole_capacities(problem: Problem) -> Problem:
    """Round capacities down where units are whole: half a unit of capacity ships nothing."""
    sharing, lanes, serving = problem.sharing, problem.lanes, problem.serving
    if not sharing.whole:
        return problem
    return problem._replace(
        sharing=sharing._replace(handling=np.floor(sharing.handling), supplier_capacity=np.floor(sharing.supplier_capacity)),
        lanes=lanes._replace(capacity=np.floor(lanes.capacity)),
        serving=serving._replace(capacity=np.floor(serving.capacity)),
    )
