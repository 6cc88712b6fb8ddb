"""From a scenario to arrays: resolves names, patterns and defaults into the `Problem` that the engine reads."""

from __future__ import annotations

import math

import numpy as np

from allotment.scenario import tables
from allotment.scenario.demand import LONGEST_CYCLE, compile_demand
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.fulfilment import ServingReader
from allotment.scenario.lanes import LaneReader, sku_calendar
from allotment.scenario.moods import compile_moods
from allotment.scenario.patterns import check_unique
from allotment.scenario.problem import (
    BALANCED,
    CHARGE,
    DECIDE,
    DEMAND,
    EXPIRE,
    FULFIL,
    MIN_SHORTAGE,
    PRIORITY,
    PROPORTIONAL,
    RECEIVE,
    Clock,
    Demand,
    Floats,
    Goods,
    Lanes,
    Names,
    Prices,
    Problem,
    Rules,
    Serving,
    Shape,
)
from allotment.scenario.schema import HoldingRate, Scenario
from allotment.scenario.sites import compile_sites, compile_suppliers
from allotment.scenario.source_data import History
from allotment.scenario.spreading import aligned, by_period, calendar, spread

PHASE_CODES = {"receive": RECEIVE, "decide": DECIDE, "demand": DEMAND, "fulfil": FULFIL, "expire": EXPIRE, "charge": CHARGE}
RATIONING = {"proportional": PROPORTIONAL, "priority": PRIORITY, "balanced": BALANCED, "min_shortage": MIN_SHORTAGE}


def compile_scenario(scenario: Scenario, histories: dict[str, History]) -> tuple[Problem, Names]:
    """Return the arrays of a scenario and the names along their axes; `ScenarioError` where they do not fit."""
    _check_names(scenario)
    if scenario.units == "integer":
        _check_whole_units(scenario)
    packing = tables.TableSet()
    lane_reader, serving_reader = LaneReader(scenario), ServingReader(scenario)
    lanes, serving = lane_reader.compiled(packing), serving_reader.compiled()
    demand = compile_demand(scenario, histories, packing)
    sites, suppliers = compile_sites(scenario, lanes, _near(serving, demand, len(scenario.sites))), compile_suppliers(scenario)
    moods, goods = compile_moods(scenario), _goods(scenario)
    problem = Problem(
        clock=_clock(scenario, 1),
        rules=_rules(scenario),
        goods=goods,
        sites=sites,
        suppliers=suppliers,
        lanes=lanes,
        demand=demand,
        moods=moods,
        tables=packing.packed(),
        serving=serving,
        prices=_prices(scenario, lane_reader, serving_reader),
        shape=Shape(
            sites=len(scenario.sites),
            skus=len(scenario.skus),
            channels=len(scenario.channels),
            suppliers=len(scenario.suppliers),
            lanes=len(lanes.to),
            fulfilment=len(serving.site),
            lives=max(1, int(goods.shelf_life.max())),
            slots=int(serving.last.max()) + 1,
            groups=int(moods.goodwill_group.max()) + 1,
            regimes=len(moods.initial),
            classes=int(serving.rank.max()) + 1,
        ),
    )
    names = Names(
        skus=[sku.name for sku in scenario.skus],
        suppliers=[supplier.name for supplier in scenario.suppliers],
        sites=[site.name for site in scenario.sites],
        channels=[channel.name for channel in scenario.channels],
        supply_lanes=lane_reader.names,
        fulfilment_lanes=serving_reader.names,
    )
    problem = problem._replace(clock=_clock(scenario, _cycle(scenario, problem)))
    return _with_whole_capacities(problem), names


def _near(serving: Serving, demand: Demand, sites: int) -> Floats:
    """Return the mean demand of the channels that each site is nearest to, (S, K) units/period."""
    near = np.zeros((sites, demand.mean.shape[2]))
    np.add.at(near, serving.home, demand.mean.mean(axis=0))
    return near


def _check_names(scenario: Scenario) -> None:
    """Refuse names that stand for two things."""
    for section in ("skus", "suppliers", "sites", "channels", "regimes"):
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
                if not isinstance(units, float | int) or units != math.floor(units):
                    where = f"{section}[{position}].{attribute}"
                    seen = f"{units:g}" if isinstance(units, float | int) else "numbers left to chance"
                    raise ScenarioError(f"{where} must be whole units where units are integer, not {seen}")


def _cycle(scenario: Scenario, problem: Problem) -> int:
    """Return after how many periods seasons of demand and calendars repeat together."""
    seasons = [season.period for part in scenario.demand if (season := getattr(part.process, "season", None)) is not None]
    lengths = {len(problem.demand.mean) if problem.demand.repeats else 1, *seasons}
    calendars = [*problem.prices[:-2], problem.goods.unit_cost, problem.sites.handling, problem.sites.storage]
    calendars += [
        problem.sites.production_capacity,
        problem.suppliers.capacity,
        problem.lanes.capacity,
        problem.serving.capacity,
    ]
    lengths |= {len(calendar) for calendar in calendars if calendar.ndim > 1}
    return min(math.lcm(*lengths), LONGEST_CYCLE)


def _clock(scenario: Scenario, cycle: int) -> Clock:
    horizon = scenario.horizon
    order = {phase: place for place, phase in enumerate(scenario.sequence)}
    return Clock(
        sequence=np.array([PHASE_CODES[phase] for phase in scenario.sequence]),
        decide_at=order["decide"],
        received_first=order["receive"] < order["decide"],
        demand_first=order["demand"] < order["decide"],
        season=horizon.kind == "season",
        cycle=cycle,
        length=horizon.warm_up + horizon.periods,
        warm_up=horizon.warm_up,
        discount=horizon.discount if horizon.discount_rewards else 1.0,
    )


def _rules(scenario: Scenario) -> Rules:
    return Rules(
        whole=scenario.units == "integer",
        rationing=RATIONING[scenario.rationing],
        largest_remainder=scenario.remainder == "largest",
        orders="orders" in scenario.decisions,
        allocates="allocation" in scenario.decisions,
        protects="protection" in scenario.decisions,
    )


def _goods(scenario: Scenario) -> Goods:
    return Goods(
        unit_cost=sku_calendar(scenario, "unit_cost"),
        volume=sku_calendar(scenario, "volume")[0],
        shelf_life=np.array([sku.shelf_life or 0 for sku in scenario.skus]),
        lifo=np.array([sku.issue == "lifo" for sku in scenario.skus]),
    )


def _prices(scenario: Scenario, lanes: LaneReader, serving: ServingReader) -> Prices:
    price = serving.prices()
    return Prices(
        price=price if scenario.objective == "profit" else np.zeros_like(price),
        outbound_freight=serving.freight(),
        waste=sku_calendar(scenario, "waste_cost"),
        overflow=by_period([site.overflow_cost for site in scenario.sites], 0.0),
        **lanes.prices(),
        **_site_prices(scenario),
        **_channel_prices(scenario),
    )


def _site_prices(scenario: Scenario) -> dict[str, Floats]:
    skus = [sku.name for sku in scenario.skus]
    unit_costs = sku_calendar(scenario, "unit_cost")

    def holding(position: int) -> Floats:
        cost = scenario.sites[position].holding_cost
        if isinstance(cost, HoldingRate):
            return cost.rate * unit_costs
        return calendar(cost, skus, f"sites[{position}].holding_cost", seed=_seed(scenario, "sites", position, "holding_cost"))

    return {
        "holding": aligned([holding(position) for position in range(len(scenario.sites))]),
        "site_salvage": _salvage(scenario, "sites"),
    }


def _channel_prices(scenario: Scenario) -> dict[str, Floats]:
    skus = [sku.name for sku in scenario.skus]

    def by_sku(attribute: str) -> Floats:
        parts = [
            calendar(
                getattr(part, attribute),
                skus,
                f"channels[{position}].{attribute}",
                seed=_seed(scenario, "channels", position, attribute),
            )
            for position, part in enumerate(scenario.channels)
        ]
        return aligned(parts)

    return {
        "backorder": by_sku("backorder_cost"),
        "shortage": by_sku("shortage_cost"),
        "late": by_sku("late_cost"),
        "channel_salvage": _salvage(scenario, "channels"),
    }


def _salvage(scenario: Scenario, section: str) -> Floats:
    skus = [sku.name for sku in scenario.skus]
    parts = enumerate(getattr(scenario, section))
    return np.stack([spread(part.salvage, skus, f"{section}[{position}].salvage") for position, part in parts])


def _seed(scenario: Scenario, section: str, position: int, attribute: str) -> tuple[str, ...]:
    return str(scenario.seed), section, getattr(scenario, section)[position].name, attribute


def _with_whole_capacities(problem: Problem) -> Problem:
    """Round capacities down where units are whole: half a unit of capacity ships nothing."""
    if not problem.rules.whole:
        return problem
    sites, lanes, serving = problem.sites, problem.lanes, problem.serving
    return problem._replace(
        sites=sites._replace(
            handling=np.floor(sites.handling),
            production_capacity=np.floor(sites.production_capacity),
            max_position=np.floor(sites.max_position),
        ),
        suppliers=problem.suppliers._replace(capacity=np.floor(problem.suppliers.capacity)),
        lanes=_whole_lanes(lanes),
        serving=serving._replace(capacity=np.floor(serving.capacity), commitment=np.floor(serving.commitment)),
    )


def _whole_lanes(lanes: Lanes) -> Lanes:
    return lanes._replace(capacity=np.floor(lanes.capacity))
