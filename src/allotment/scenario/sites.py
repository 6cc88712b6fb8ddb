"""Sites and suppliers as arrays."""

from __future__ import annotations

import numpy as np

from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.network import cycles, expected_demand, from_downstream, reachable
from allotment.scenario.problem import Floats, Lanes, Sites, Suppliers
from allotment.scenario.processes import OneOf
from allotment.scenario.schema import Scenario, Share, ShareBetween
from allotment.scenario.spreading import by_period, spread
from allotment.scenario.streams import stream_key


def compile_sites(scenario: Scenario, lanes: Lanes, near: Floats) -> Sites:
    """Return the sites as arrays; `near` is the mean demand near each, (S, K) units/period."""
    parts, skus = scenario.sites, [sku.name for sku in scenario.skus]
    _check_plants(scenario, lanes)
    cycle = cycles(lanes, len(parts))
    order = from_downstream(lanes, cycle)
    shares = [_bounds(part.production_yield) for part in parts]

    def amounts(attribute: str, missing: float) -> Floats:
        rows = []
        for position, part in enumerate(parts):
            value = getattr(part, attribute)
            seed = str(scenario.seed), "sites", part.name, attribute
            rows.append(spread(missing if value is None else value, skus, f"sites[{position}].{attribute}", seed=seed))
        return np.stack(rows)

    return Sites(
        initial_stock=amounts("initial_stock", 0.0),
        handling=by_period([part.handling for part in parts], np.inf),
        storage=by_period([part.storage for part in parts], np.inf),
        overflow_charged=np.array([part.overflow == "charge" for part in parts]),
        max_position=amounts("max_position", np.inf),
        plant=np.array([part.kind == "plant" for part in parts]),
        production_capacity=by_period([part.production_capacity for part in parts], np.inf),
        yield_low=np.array([low for low, _ in shares]),
        yield_high=np.array([high for _, high in shares]),
        yield_stream=np.array([stream_key("yield", part.name) for part in parts], dtype=np.uint64),
        shrinkage=np.array([part.shrinkage for part in parts]),
        shrinkage_stream=np.array(
            [[stream_key("shrinkage", part.name, sku) for sku in skus] for part in parts], dtype=np.uint64
        ),
        count_every=np.array([part.count_every or 0 for part in parts]),
        expected_demand=expected_demand(lanes, order, near),
        from_downstream=order,
        cycle=cycle,
        downstream=reachable(lanes, cycle),
    )


def _check_plants(scenario: Scenario, lanes: Lanes) -> None:
    """Refuse a plant with whole units of which several are consumed for one, which would leave fractions of a unit."""
    for position, site in enumerate(scenario.sites):
        if site.kind == "plant" and scenario.units == "integer" and site.production_yield != 1.0:
            raise ScenarioError(f"sites[{position}].yield must be 1 where units are integer, not {site.production_yield}")


def compile_suppliers(scenario: Scenario) -> Suppliers:
    """Return the suppliers as arrays."""
    parts = scenario.suppliers
    shares = [_bounds(part.fill_rate) for part in parts]
    low, high = _events(scenario)
    return Suppliers(
        capacity=by_period([part.capacity for part in parts], np.inf),
        fill_low=np.array([each[0] for each in shares]),
        fill_high=np.array([each[1] for each in shares]),
        fill_by_unit=np.array([not isinstance(part.fill_rate, ShareBetween) and scenario.units == "integer" for part in parts]),
        event_low=low,
        event_high=high,
    )


def _bounds(share: Share) -> tuple[float, float]:
    return share.uniform if isinstance(share, ShareBetween) else (float(share), float(share))


def _events(scenario: Scenario) -> tuple[Floats, Floats]:
    """Return the slice of the unit interval in which a period's event is a unit of a supplier's capacity."""
    names = [part.name for part in scenario.suppliers]
    low, high = np.full(len(names), 2.0), np.full(len(names), 2.0)
    for position, declared in enumerate(scenario.demand):
        if isinstance(declared.process, OneOf):
            start = sum(declared.process.channels.values())
            for name, probability in declared.process.suppliers.items():
                if name not in names:
                    where = f"demand[{position}].process.suppliers"
                    raise ScenarioError(f"{where}: nothing is called {name!r}; {nearest(name, names)}")
                low[names.index(name)], high[names.index(name)] = start, start + probability
                start += probability
    return low, high
