"""Supply lanes as arrays: every declared lane, wildcards expanded, from a supplier or another site to a site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allotment.scenario.errors import ScenarioError
from allotment.scenario.patterns import matching, spread
from allotment.scenario.problem import Flags, Floats, Lanes
from allotment.scenario.schema import Freight, Scenario, SupplyLane
from allotment.scenario.streams import stream_key
from allotment.scenario.tables import TableSet, lead_time_table


@dataclass(frozen=True)
class _Lane:
    """One declared lane between two named ends, and where in the file it stands."""

    declared: SupplyLane
    source: str
    to: str
    where: str


def compile_lanes(scenario: Scenario, packing: TableSet) -> tuple[Lanes, list[str], dict[str, Floats]]:
    """Return the supply lanes, their names `from → to`, and their prices by the fields of `Prices`."""
    suppliers = [supplier.name for supplier in scenario.suppliers]
    sites = [site.name for site in scenario.sites]
    found = _expand(scenario, suppliers, sites)
    lead_times = [lead_time_table(lane.declared.lead_time) for lane in found]
    priority = np.array([lane.declared.priority for lane in found])
    capacity = [np.inf if lane.declared.capacity is None else lane.declared.capacity for lane in found]
    lanes = Lanes(
        supplier=np.array([_position(lane.source, suppliers) for lane in found]),
        site=np.array([_position(lane.source, sites) for lane in found]),
        to=np.array([sites.index(lane.to) for lane in found]),
        allowed=np.stack([_carried(lane, scenario) for lane in found]),
        priority=priority,
        order=np.argsort(priority, kind="stable"),
        capacity=np.array(capacity, dtype=float),
        minimum=_per_sku(scenario, found, "minimum"),
        multiple=np.stack([_multiple(scenario, lane, lane.source in suppliers) for lane in found]),
        slots=1 + int(max(table.values[-1] for table in lead_times)),
        lead_row=np.array([packing.row(table) for table in lead_times]),
        stream=np.array([stream_key("lead_time", lane.source, lane.to) for lane in found], dtype=np.uint64),
    )
    return lanes, [f"{lane.source} → {lane.to}" for lane in found], _lane_prices(scenario, found, suppliers)


def _lane_prices(scenario: Scenario, found: list[_Lane], suppliers: list[str]) -> dict[str, Floats]:
    skus_carried = [_carried(lane, scenario) for lane in found]
    return {
        "purchase": np.stack([_unit_cost(scenario, lane, lane.source in suppliers) for lane in found]),
        "inbound_freight": np.stack(
            [
                freight(lane.declared.freight, scenario, lane.source, lane.to, f"{lane.where}.freight", carried)
                for lane, carried in zip(found, skus_carried, strict=True)
            ]
        ),
        "fixed": np.array([lane.declared.fixed_cost for lane in found], dtype=float),
        "line": _per_sku(scenario, found, "line_cost"),
        "in_transit": _per_sku(scenario, found, "in_transit_cost"),
    }


def _per_sku(scenario: Scenario, found: list[_Lane], attribute: str) -> Floats:
    """Return an attribute of every lane, (lanes, skus)."""
    return np.stack([_spread(scenario, lane, attribute) for lane in found])


def _spread(scenario: Scenario, lane: _Lane, attribute: str) -> Floats:
    """Return an attribute of a lane for each SKU; a mapping may leave out SKUs that the lane does not carry."""
    skus = [sku.name for sku in scenario.skus]
    return spread(getattr(lane.declared, attribute), skus, f"{lane.where}.{attribute}", _carried(lane, scenario))


def _unit_cost(scenario: Scenario, lane: _Lane, from_supplier: bool) -> Floats:
    """Return a lane's own unit cost, else from a supplier the SKU's, else nothing."""
    if lane.declared.unit_cost is not None:
        return _spread(scenario, lane, "unit_cost")
    return np.array([sku.unit_cost if from_supplier else 0.0 for sku in scenario.skus])


def _multiple(scenario: Scenario, lane: _Lane, from_supplier: bool) -> Floats:
    """Return a lane's own order multiple, else from a supplier the SKU's case pack, else single units."""
    if lane.declared.multiple is not None:
        return _spread(scenario, lane, "multiple")
    single = 1.0 if scenario.units == "integer" else 0.0
    packs = np.array([sku.case_pack if from_supplier else 1.0 for sku in scenario.skus])
    return np.where(packs == 1.0, single, packs)


def freight(value: object, scenario: Scenario, source: str, to: str, where: str, needed: Flags | None = None) -> Floats:
    """Return the freight of a lane for each SKU (money/unit), by distance where the lane says so."""
    skus = [sku.name for sku in scenario.skus]
    if not isinstance(value, Freight):
        return spread(value, skus, where, needed)  # type: ignore[arg-type]
    return spread(value.base, skus, f"{where}.base", needed) + value.per_km * _distance(scenario, source, to, where)


def _distance(scenario: Scenario, source: str, to: str, where: str) -> float:
    between = scenario.distances.get(source, {}).get(to, scenario.distances.get(to, {}).get(source))
    if between is None:
        raise ScenarioError(f"{where}.per_km: distances has no entry between {source!r} and {to!r}")
    return between


def _expand(scenario: Scenario, suppliers: list[str], sites: list[str]) -> list[_Lane]:
    """Return every lane the wildcards stand for, in file order; a pair of ends may occur once."""
    ends = suppliers + sites
    found: dict[tuple[str, str], _Lane] = {}
    for position, declared in enumerate(scenario.supply_lanes):
        where = f"supply_lanes[{position}]"
        for source in matching(declared.source, ends, f"{where}.from"):
            for to in matching(declared.to, sites, f"{where}.to"):
                pair = ends[source], sites[to]
                if pair[0] == pair[1]:
                    if "*" in declared.source or "*" in declared.to:
                        continue
                    raise ScenarioError(f"{where}: a lane must lead to another place, not {pair[0]!r} to itself")
                if pair in found:
                    raise ScenarioError(f"{where}: {found[pair].where} declares {pair[0]!r} → {pair[1]!r} already")
                found[pair] = _Lane(declared, *pair, where)
    _check_supplied(found, sites)
    return list(found.values())


def _check_supplied(found: dict[tuple[str, str], _Lane], sites: list[str]) -> None:
    supplied = {to for _, to in found}
    for position, site in enumerate(sites):
        if site not in supplied:
            raise ScenarioError(f"sites[{position}]: no supply lane leads to {site!r}; one must")


def _carried(lane: _Lane, scenario: Scenario) -> Flags:
    """Return which SKUs a lane carries, (skus,)."""
    skus = [sku.name for sku in scenario.skus]
    if lane.declared.skus is None:
        return np.ones(len(skus), dtype=bool)
    carried = np.zeros(len(skus), dtype=bool)
    for pattern in lane.declared.skus:
        carried[matching(pattern, skus, f"{lane.where}.skus")] = True
    return carried


def _position(name: str, names: list[str]) -> int:
    return names.index(name) if name in names else -1
