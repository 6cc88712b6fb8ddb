"""Supply lanes as arrays: every declared lane, wildcards expanded, from a supplier, a plant or another site to a site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.scenario.errors import ScenarioError
from allotment.scenario.patterns import matching
from allotment.scenario.problem import CROSSING, IN_ORDER, KAPLAN, Flags, Floats, Lanes
from allotment.scenario.processes import LeadTimeProcess
from allotment.scenario.schema import Freight, Scenario, SupplyLane
from allotment.scenario.sizes import check_entries, check_numbers
from allotment.scenario.spreading import aligned, by_period, calendar, own, spread
from allotment.scenario.streams import stream_key
from allotment.scenario.tables import Table, TableSet, lead_time_table

CROSSINGS = {"allowed": CROSSING, "none": IN_ORDER, "kaplan": KAPLAN}


@dataclass(frozen=True)
class Lane:
    """One declared lane between two named ends, and where in the file it stands."""

    declared: SupplyLane
    source: str
    to: str
    where: str


class LaneReader:
    """Reads the supply lanes of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.skus = [sku.name for sku in scenario.skus]
        self.suppliers = [supplier.name for supplier in scenario.suppliers]
        self.sites = [site.name for site in scenario.sites]
        self.plants = {site.name for site in scenario.sites if site.kind == "plant"}
        self.lanes = self._expanded()
        check_numbers("supply_lanes", {"lanes": len(self.lanes), "SKUs": len(self.skus)})
        self.carried = [self._carried(lane) for lane in self.lanes]

    @property
    def names(self) -> list[str]:
        """Return the lanes' names, `from → to`."""
        return [f"{lane.source} → {lane.to}" for lane in self.lanes]

    def compiled(self, packing: TableSet) -> Lanes:
        """Return the lanes as arrays."""
        lead_times = self._lead_times()
        rows = {id(table): packing.row(table) for table in lead_times}
        priority = np.array([lane.declared.priority for lane in self.lanes])
        constant = [int(table.first) if len(table.cumulative) == 1 else -1 for table in lead_times]
        initial = self._initial()
        sites, suppliers = _places(self.sites), _places(self.suppliers)
        return Lanes(
            supplier=np.array([suppliers.get(lane.source, -1) for lane in self.lanes]),
            site=np.array([sites.get(lane.source, -1) for lane in self.lanes]),
            plant=np.array([sites[lane.source] if lane.source in self.plants else -1 for lane in self.lanes]),
            to=np.array([sites[lane.to] for lane in self.lanes]),
            allowed=np.stack(self.carried),
            priority=priority,
            order=np.argsort(priority, kind="stable"),
            capacity=by_period([lane.declared.capacity for lane in self.lanes], np.inf),
            minimum=self._each("minimum"),
            multiple=np.stack([self._multiple(lane, carried) for lane, carried in zip(self.lanes, self.carried, strict=True)]),
            backlog=np.array([lane.declared.unfilled == "backlog" for lane in self.lanes]),
            on_receipt=np.array([lane.declared.charged == "on_receipt" for lane in self.lanes]),
            initial=initial,
            slots=1 + max(len(initial), int(max(table.values[-1] for table in lead_times))),
            constant=np.array(constant),
            crossing=np.array([CROSSINGS[_process(lane, "crossing", "allowed")] for lane in self.lanes]),
            longest=np.array([int(table.values[-1]) for table in lead_times]),
            lost=self._lost(),
            lost_stream=self._streams("lost"),
            lead_row=np.array([rows[id(table)] for table in lead_times]),
            stream=self._streams("lead_time"),
            by_sku=np.array([_process(lane, "draw", "lane") == "sku" for lane in self.lanes]),
            fill_stream=np.array(
                [[stream_key("fill", lane.source, lane.to, sku) for sku in self.skus] for lane in self.lanes], dtype=np.uint64
            ),
        )

    def _lead_times(self) -> list[Table]:
        """Return each lane's lead time, one table for all lanes that one entry of the file declares."""
        declared = {lane.where: lane.declared.lead_time for lane in self.lanes}
        tables = {where: lead_time_table(lead_time) for where, lead_time in declared.items()}
        return [tables[lane.where] for lane in self.lanes]

    def prices(self) -> dict[str, Floats]:
        """Return the lanes' prices by the fields of `Prices`."""
        each = list(zip(self.lanes, self.carried, strict=True))
        return {
            "purchase": aligned([self._purchase(lane, carried) for lane, carried in each]),
            "production": aligned([self._production(lane) for lane in self.lanes]),
            "inbound_freight": aligned(
                [
                    freight(lane.declared.freight, self.scenario, lane.source, lane.to, f"{lane.where}.freight", carried)
                    for lane, carried in each
                ]
            ),
            "fixed": by_period([lane.declared.fixed_cost for lane in self.lanes], 0.0),
        }

    def _each(self, attribute: str) -> Floats:
        """Return an attribute of every lane, (lanes, skus); a mapping may leave out SKUs that a lane does not carry."""
        rows = []
        for lane, carried in zip(self.lanes, self.carried, strict=True):
            value, where = getattr(lane.declared, attribute), f"{lane.where}.{attribute}"
            rows.append(spread(value, self.skus, where, carried, self._seed(lane, attribute)))
        return np.stack(rows)

    def calendars(self, attribute: str) -> Floats:
        """Return an attribute of every lane by period, (periods, lanes, skus)."""
        parts = []
        for lane, carried in zip(self.lanes, self.carried, strict=True):
            value, where = getattr(lane.declared, attribute), f"{lane.where}.{attribute}"
            parts.append(calendar(value, self.skus, where, carried, self._seed(lane, attribute)))
        return aligned(parts)

    def _seed(self, lane: Lane, attribute: str) -> tuple[str, ...]:
        return str(self.scenario.seed), "supply_lanes", lane.source, lane.to, attribute

    def _purchase(self, lane: Lane, carried: Flags) -> Floats:
        """Return what a unit costs by period, (periods, skus): nothing between sites, where a price stays in the house."""
        if lane.source not in self.suppliers:
            return np.zeros((1, len(self.skus)))
        if lane.declared.unit_cost is None:
            return sku_calendar(self.scenario, "unit_cost")
        return calendar(lane.declared.unit_cost, self.skus, f"{lane.where}.unit_cost", carried, self._seed(lane, "unit_cost"))

    def _production(self, lane: Lane) -> Floats:
        if lane.source not in self.plants:
            return np.zeros((1, len(self.skus)))
        position = self.sites.index(lane.source)
        site, where = self.scenario.sites[position], f"sites[{position}].production_cost"
        return calendar(site.production_cost, self.skus, where, seed=(str(self.scenario.seed), site.name, "production_cost"))

    def _multiple(self, lane: Lane, carried: Flags) -> Floats:
        """Return a lane's own order multiple, else from a supplier the SKU's case pack, else single units."""
        if lane.declared.multiple is not None:
            return spread(lane.declared.multiple, self.skus, f"{lane.where}.multiple", carried)
        single = 1.0 if self.scenario.units == "integer" else 0.0
        packs = np.array([sku.case_pack if lane.source in self.suppliers else 1.0 for sku in self.scenario.skus])
        return np.where(packs == 1.0, single, packs)

    def _initial(self) -> Floats:
        """Return what is in transit when an episode begins, by the age of the order, (ages, lanes, skus) units."""
        oldest = max(len(lane.declared.initial_in_transit) for lane in self.lanes)
        check_numbers("supply_lanes.initial_in_transit", {"periods": oldest, "lanes": len(self.lanes), "SKUs": len(self.skus)})
        units, lead_times = np.zeros((oldest, len(self.lanes), len(self.skus))), self._lead_times()
        for row, (lane, carried) in enumerate(zip(self.lanes, self.carried, strict=True)):
            longest = int(lead_times[row].values[-1])
            where = f"{lane.where}.initial_in_transit"
            if len(lane.declared.initial_in_transit) > longest:
                raise ScenarioError(
                    f"{where} goes back {len(lane.declared.initial_in_transit)} periods, the lead time only {longest}"
                )
            for age, value in enumerate(lane.declared.initial_in_transit):
                units[age, row] = (
                    spread(value, self.skus, f"{where}[{age}]", carried, self._seed(lane, f"initial_{age}")) * carried
                )
        if self.scenario.units == "integer" and (units != np.floor(units)).any():
            raise ScenarioError("supply_lanes: initial_in_transit must be whole units where units are integer")
        return units

    def _lost(self) -> Floats:
        """Return each lane's chance of a shipment never to arrive, (lanes,)."""
        for lane in self.lanes:
            if lane.declared.lost_probability and _process(lane, "crossing", "allowed") == "kaplan":
                where = f"{lane.where}.lost_probability"
                raise ScenarioError(f"{where} does not go with crossing: kaplan, by which what is old enough arrives")
        return np.array([lane.declared.lost_probability for lane in self.lanes])

    def _streams(self, what: str) -> np.ndarray:
        """Return the keys of draws of lead times or losses, (lanes, 1) or, where any lane draws by SKU, (lanes, skus)."""
        by_sku = any(_process(lane, "draw", "lane") == "sku" for lane in self.lanes)
        keys = []
        for lane in self.lanes:
            own_draws = _process(lane, "draw", "lane") == "sku"
            names = [[sku] if own_draws else [] for sku in (self.skus if by_sku else [""])]
            keys.append([stream_key(what, lane.source, lane.to, *each) for each in names])
        return np.array(keys, dtype=np.uint64)

    def _expanded(self) -> list[Lane]:
        """Return every lane the wildcards stand for, in file order; a pair of ends may occur once."""
        ends = self.suppliers + self.sites
        found: dict[tuple[str, str], Lane] = {}
        for position, declared in enumerate(self.scenario.supply_lanes):
            where = f"supply_lanes[{position}]"
            sources, receivers = (
                matching(declared.source, ends, f"{where}.from"),
                matching(declared.to, self.sites, f"{where}.to"),
            )
            check_entries(where, len(found) + len(sources) * len(receivers))
            for source in sources:
                for to in receivers:
                    pair = ends[source], self.sites[to]
                    if pair[0] == pair[1]:
                        if "*" in declared.source or "*" in declared.to:
                            continue
                        raise ScenarioError(f"{where}: a lane must lead to another place, not {pair[0]!r} to itself")
                    if pair in found:
                        raise ScenarioError(f"{where}: {found[pair].where} declares {pair[0]!r} → {pair[1]!r} already")
                    found[pair] = Lane(declared, *pair, where)
        self._check_supplied(found)
        return list(found.values())

    def _check_supplied(self, found: dict[tuple[str, str], Lane]) -> None:
        supplied = {to for _, to in found}
        for position, site in enumerate(self.sites):
            if site not in supplied:
                raise ScenarioError(f"sites[{position}]: no supply lane leads to {site!r}; one must")

    def _carried(self, lane: Lane) -> Flags:
        """Return which SKUs a lane carries, (skus,)."""
        if lane.declared.skus is None:
            return np.ones(len(self.skus), dtype=bool)
        carried = np.zeros(len(self.skus), dtype=bool)
        for pattern in lane.declared.skus:
            carried[matching(pattern, self.skus, f"{lane.where}.skus")] = True
        return carried


def sku_calendar(scenario: Scenario, attribute: str) -> Floats:
    """Return a price of the SKUs by period of the calendar, (periods, skus)."""
    parts = [
        own(getattr(sku, attribute), f"skus[{position}].{attribute}", str(scenario.seed), "skus", sku.name, attribute)
        for position, sku in enumerate(scenario.skus)
    ]
    return aligned(parts)


def freight(value: Any, scenario: Scenario, source: str, to: str, where: str, needed: Flags | None = None) -> Floats:
    """Return the freight of a lane by period and SKU (money/unit), by distance where the lane says so."""
    skus = [sku.name for sku in scenario.skus]
    seed = str(scenario.seed), "freight", source, to
    if not isinstance(value, Freight):
        return calendar(value, skus, where, needed, seed)
    return calendar(value.base, skus, f"{where}.base", needed, seed) + value.per_km * _distance(scenario, source, to, where)


def _distance(scenario: Scenario, source: str, to: str, where: str) -> float:
    between = scenario.distances.get(source, {}).get(to, scenario.distances.get(to, {}).get(source))
    if between is None:
        raise ScenarioError(f"{where}.per_km: distances has no entry between {source!r} and {to!r}")
    return between


def _process(lane: Lane, attribute: str, otherwise: str) -> str:
    lead_time = lane.declared.lead_time
    return getattr(lead_time, attribute) if isinstance(lead_time, LeadTimeProcess) else otherwise


def _places(names: list[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}
