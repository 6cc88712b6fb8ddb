"""From a scenario to arrays: resolves names, patterns and defaults into the `Problem` that the engine reads."""

from __future__ import annotations

import math

import numpy as np

from allotment.scenario import tables
from allotment.scenario.demand import LONGEST_CYCLE, compile_demand
from allotment.scenario.distributions import NO_DEMAND
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.fulfilment import FulfilmentReader
from allotment.scenario.lanes import LaneReader, sku_calendar
from allotment.scenario.modulation import compile_modulation
from allotment.scenario.patterns import check_unique
from allotment.scenario.prices import compile_prices
from allotment.scenario.problem import (
    CHARGE,
    DECIDE,
    DEMAND,
    EXPIRE,
    FULFIL,
    RATIONING,
    RECEIVE,
    SETTLE,
    Channels,
    Clock,
    Demand,
    Floats,
    Fulfilment,
    Goods,
    Lanes,
    Modulation,
    Names,
    Problem,
    Rules,
    Shape,
)
from allotment.scenario.schema import Scenario
from allotment.scenario.sites import compile_sites, compile_suppliers
from allotment.scenario.sizes import check_numbers
from allotment.scenario.source_data import History
from allotment.scenario.stock_value import stock_prices, stock_value
from allotment.scenario.treasury import TreasuryReader, capital_prices, with_settle

WHOLE = (("skus", "case_pack"), ("sites", "initial_stock"), ("channels", "initial_open"), ("supply_lanes", "multiple"))
PHASE_CODES = {
    **{"receive": RECEIVE, "decide": DECIDE, "demand": DEMAND, "fulfil": FULFIL},
    **{"expire": EXPIRE, "charge": CHARGE, "settle": SETTLE},
}


def compile_scenario(scenario: Scenario, histories: dict[str, History]) -> tuple[Problem, Names]:
    """Return the arrays of a scenario and the names along their axes; `ScenarioError` where they do not fit."""
    _check_names(scenario)
    if scenario.objective == "profit":
        _check_prices(scenario)
    if scenario.units == "integer":
        _check_whole_units(scenario)
    check_numbers("sites", {"sites": len(scenario.sites), "sites or SKUs": max(len(scenario.sites), len(scenario.skus))})
    packing = tables.TableSet()
    lane_reader, fulfilment_reader = LaneReader(scenario), FulfilmentReader(scenario)
    lanes = lane_reader.compiled(packing)
    fulfilment, claims, channels = fulfilment_reader.compiled()
    demand = compile_demand(scenario, histories, packing)
    _check_channels(scenario, demand)
    near = _near(channels, demand, len(scenario.sites))
    _check_kept(scenario, lanes, demand)
    sites, suppliers = compile_sites(scenario, lanes, near), compile_suppliers(scenario)
    modulation, goods = compile_modulation(scenario), _goods(scenario, lane_reader)
    treasury = TreasuryReader(scenario, lane_reader)
    of_stock = stock_prices(goods, sites, lanes, fulfilment) | capital_prices(scenario, goods, lanes)
    problem = Problem(
        clock=_clock(scenario, 1),
        rules=_rules(scenario),
        goods=goods,
        sites=sites,
        suppliers=suppliers,
        lanes=lanes,
        demand=demand,
        modulation=modulation,
        tables=packing.packed(),
        fulfilment=fulfilment,
        claims=claims,
        channels=channels,
        prices=compile_prices(scenario, lane_reader, fulfilment_reader, of_stock),
        treasury=treasury.compiled(),
        shape=_shape(scenario, lanes, fulfilment, goods, channels, modulation),
    )
    problem = problem._replace(clock=_clock(scenario, _cycle(scenario, problem)))
    return _with_whole_capacities(problem), _names(scenario, lane_reader, fulfilment_reader, treasury)


def _names(scenario: Scenario, lanes: LaneReader, fulfilment: FulfilmentReader, treasury: TreasuryReader) -> Names:
    return Names(
        skus=[sku.name for sku in scenario.skus],
        suppliers=[supplier.name for supplier in scenario.suppliers],
        sites=[site.name for site in scenario.sites],
        channels=[channel.name for channel in scenario.channels],
        supply_lanes=lanes.names,
        fulfilment_lanes=fulfilment.names,
        budgets=treasury.names,
    )


def _shape(
    scenario: Scenario, lanes: Lanes, fulfilment: Fulfilment, goods: Goods, channels: Channels, modulation: Modulation
) -> Shape:
    return Shape(
        sites=len(scenario.sites),
        skus=len(scenario.skus),
        channels=len(scenario.channels),
        suppliers=len(scenario.suppliers),
        lanes=len(lanes.to),
        fulfilment=len(fulfilment.site),
        lives=max(1, int(goods.shelf_life.max())),
        slots=int(channels.last.max()) + 1,
        groups=int(modulation.goodwill_group.max()) + 1,
        regimes=len(modulation.initial),
        classes=int(channels.rank.max()) + 1,
    )


def _check_kept(scenario: Scenario, lanes: Lanes, demand: Demand) -> None:
    """Refuse a world of which more would be kept than fits."""
    skus, lives = len(scenario.skus), max(sku.shelf_life or 1 for sku in scenario.skus)
    check_numbers("lead times", {"periods": lanes.slots, "lanes": len(lanes.to), "SKUs": skus, "remaining lives": lives})
    past = {"periods": demand.history_slots, "channels": len(scenario.channels), "SKUs": skus}
    check_numbers("observation.demand_history", past)


def _near(channels: Channels, demand: Demand, sites: int) -> Floats:
    """Return the mean demand of the channels that each site is nearest to, (S, K) units/period."""
    near = np.zeros((sites, demand.mean.shape[2]))
    np.add.at(near, channels.nearest_site, demand.mean.mean(axis=0))
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


def _check_prices(scenario: Scenario) -> None:
    """Refuse goods of which nobody says what customers pay: a price of 0 is written."""
    without = [channel.name for channel in scenario.channels if channel.price is None]
    for position, sku in enumerate(scenario.skus):
        if without and "price" not in sku.model_fields_set:
            hint = f"channel {without[0]!r} has none of its own; write 0 where nothing is paid, or objective: cost"
            raise ScenarioError(f"skus[{position}]: {sku.name!r} has no price, which profit needs; {hint}")


def _check_channels(scenario: Scenario, demand: Demand) -> None:
    """Refuse a channel from which nothing is ever asked: a mean of 0 is written."""
    for position, channel in enumerate(scenario.channels):
        if (demand.kind[position] == NO_DEMAND).all():
            hint = "no entry of demand covers it; write one with a mean of 0 where that is meant"
            raise ScenarioError(f"channels[{position}]: nothing is asked for by {channel.name!r}; {hint}")


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
    for section, attribute in WHOLE:
        for position, part in enumerate(getattr(scenario, section)):
            value = getattr(part, attribute)
            for units in value.values() if isinstance(value, dict) else [value or 0.0]:
                if not isinstance(units, float | int) or units != math.floor(units):
                    where = f"{section}[{position}].{attribute}"
                    seen = f"{units:g}" if isinstance(units, float | int) else "numbers left to chance"
                    raise ScenarioError(f"{where} must be whole units where units are integer, not {seen}")


def _cycle(scenario: Scenario, problem: Problem) -> int:
    """Return after how many periods seasons of demand and calendars repeat together."""
    lengths = {len(problem.demand.mean) if problem.demand.repeats else 1}
    lengths |= {cycle for part in scenario.demand for cycle in getattr(part.process, "cycles", ())}
    calendars = [*problem.prices, problem.goods.unit_cost, problem.sites.handling, problem.sites.storage]
    calendars += [
        problem.sites.production_capacity,
        problem.suppliers.capacity,
        problem.lanes.capacity,
        problem.fulfilment.capacity,
    ]
    lengths |= {len(calendar) for calendar in calendars if calendar.ndim > 1}
    return min(math.lcm(*lengths), LONGEST_CYCLE)


def _clock(scenario: Scenario, cycle: int) -> Clock:
    horizon, sequence = scenario.horizon, with_settle(scenario)
    order = {phase: place for place, phase in enumerate(sequence)}
    return Clock(
        sequence=np.array([PHASE_CODES[phase] for phase in sequence]),
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
        budgets="budget" in scenario.decisions,
    )


def _goods(scenario: Scenario, lanes: LaneReader) -> Goods:
    return Goods(
        unit_cost=sku_calendar(scenario, "unit_cost"),
        stock_value=stock_value(scenario, lanes),
        volume=sku_calendar(scenario, "volume")[0],
        shelf_life=np.array([sku.shelf_life or 0 for sku in scenario.skus]),
        lifo=np.array([sku.issue == "lifo" for sku in scenario.skus]),
    )


def _with_whole_capacities(problem: Problem) -> Problem:
    """Round capacities down where units are whole: half a unit of capacity ships nothing."""
    if not problem.rules.whole:
        return problem
    sites, lanes, fulfilment = problem.sites, problem.lanes, problem.fulfilment
    return problem._replace(
        sites=sites._replace(
            handling=np.floor(sites.handling),
            production_capacity=np.floor(sites.production_capacity),
            max_position=np.floor(sites.max_position),
        ),
        suppliers=problem.suppliers._replace(capacity=np.floor(problem.suppliers.capacity)),
        lanes=_whole_lanes(lanes),
        fulfilment=fulfilment._replace(capacity=np.floor(fulfilment.capacity)),
        channels=problem.channels._replace(commitment=np.floor(problem.channels.commitment)),
    )


def _whole_lanes(lanes: Lanes) -> Lanes:
    return lanes._replace(capacity=np.floor(lanes.capacity))
