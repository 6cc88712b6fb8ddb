"""The kernel's memory: every array of a problem and a batch of worlds, and the table by which compiled functions find them.

Arrays of worlds have the batch as their last axis, so that a row of worlds lies together; `state` and `flows` show them with
the batch first, without a copy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allotment.engine import fields as f
from allotment.engine import kernel, kernel_actions, kernel_observation
from allotment.engine.compiled import function_addresses
from allotment.engine.state import Decided, Flows, State, decided_shapes, flow_shapes, reserves, state_shapes
from allotment.scenario.problem import BALANCED, CHARGE, EVENT, HISTORY, RECEIVE, Problem

STATE_FIELDS = {
    **dict(zip(State._fields, range(f.ON_HAND, f.EPISODE + 1), strict=True)),
}
FLOW_FIELDS = {
    "demand": f.R_DEMAND,
    "shipped": f.R_SHIPPED,
    "on_time": f.R_ON_TIME,
    "lost": f.R_LOST,
    "late": f.R_LATE,
    "open_orders": f.R_OPEN_ORDERS,
    "received": f.R_RECEIVED,
    "requested": f.R_REQUESTED,
    "executed": f.R_EXECUTED,
    "cut_reason": f.R_CUT_REASON,
    "on_hand": f.R_ON_HAND,
    "in_transit": f.R_IN_TRANSIT,
    "owed": f.R_OWED,
    "expired": f.R_EXPIRED,
    "shrunk": f.R_SHRUNK,
    "discarded": f.R_DISCARDED,
    "consumed": f.R_CONSUMED,
    "offered": f.R_OFFERED,
    "granted": f.R_GRANTED,
    "offer_reason": f.R_OFFER_REASON,
    "money": f.R_MONEY,
    "terms": f.R_TERMS,
    "reward": f.R_REWARD,
}
MOST_AT_ONCE = 64  # claims that share a limit in all worlds at once; the work grows with their square
FUNCTIONS_OF = kernel, kernel_actions, kernel_observation  # importing them says where their functions are
Slabs = tuple[NDArray[np.float64], NDArray[np.int64]]
DECIDED_FIELDS = {"orders": f.REQUESTS, "allocation": f.OFFERS, "protection": f.PROTECTIONS}


class Memory:
    """The arrays of a batch of worlds of one problem."""

    def __init__(self, problem: Problem, batch: int) -> None:
        self.problem, self.batch = problem, batch
        self.record = Record(problem, batch)
        self.arrays = problem_arrays(problem) | _world_arrays(problem, batch) | self.record.arrays()
        self.table = table_of(self.arrays)
        self.address = self.table.ctypes.data  # what functions of the kernel are handed
        self.state = State(*(_batch_first(self.arrays[STATE_FIELDS[name]]) for name in State._fields))
        self.flows = self.record.flows()
        self.decided = Decided(*(_batch_first(self.arrays[DECIDED_FIELDS[name]]) for name in Decided._fields))

    def put(self, field: int, array: NDArray[Any]) -> None:
        """Let functions of the kernel find another array in the place of a field."""
        self.arrays[field] = array
        self.table[field] = row_of(array)

    def ship(self, allocates: bool) -> None:
        """Say whether the next step ships what the policy allocates, or what the scenario's rule does."""
        self.arrays[f.SETTINGS][f.ALLOCATES] = allocates
        self.arrays[f.SETTINGS][f.RESERVES] = allocates and reserves(self.problem)

    def clear(self) -> None:
        """Put every world into the state before its first period, with nothing anywhere."""
        for name, (_, _, fill) in state_shapes(self.problem).items():
            getattr(self.state, name)[...] = fill

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the worlds hold; addresses are those of the process that unpickles."""
        return _again, (self.problem, self.batch, [np.array(array) for array in self.state], self.record.slabs)


def _again(problem: Problem, batch: int, state: list[NDArray[Any]], slabs: Slabs) -> Memory:
    memory = Memory(problem, batch)
    for array, kept in zip(memory.state, state, strict=True):
        array[...] = kept
    for slab, kept in zip(memory.record.slabs, slabs, strict=True):
        slab[...] = kept
    return memory


class Record:
    """The record of a period in two slabs, numbers and codes, so that it is kept with two copies."""

    def __init__(self, problem: Problem, batch: int) -> None:
        self.batch = batch
        self.shapes = {name: (shape, dtype) for name, (shape, dtype, _) in flow_shapes(problem).items()}
        self.places: dict[str, tuple[int, int, int]] = {}  # slab, first and last place
        lengths = [0, 0]
        for name, (shape, dtype) in self.shapes.items():
            slab = int(dtype == np.int64)
            start, lengths[slab] = lengths[slab], lengths[slab] + math.prod(shape) * batch
            self.places[name] = slab, start, lengths[slab]
        self.slabs: Slabs = np.zeros(lengths[0]), np.zeros(lengths[1], dtype=np.int64)

    def arrays(self) -> dict[int, NDArray[Any]]:
        """Return the arrays that the kernel fills, by their field."""
        return {FLOW_FIELDS[name]: self._array(name, self.slabs) for name in self.shapes}

    def kept(self) -> Slabs:
        """Return a copy of the period's record, to be read with `flows`."""
        return self.slabs[0].copy(), self.slabs[1].copy()

    def flows(self, slabs: Slabs | None = None) -> Flows:
        """Return a record by name, the current one or one that was kept."""
        chosen = self.slabs if slabs is None else slabs
        return Flows(*(_batch_first(self._array(name, chosen)) for name in Flows._fields))

    def _array(self, name: str, slabs: Slabs) -> NDArray[Any]:
        slab, start, stop = self.places[name]
        return slabs[slab][start:stop].reshape(*self.shapes[name][0], self.batch)


def _batch_first(array: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(array, -1, 0)


def table_of(arrays: dict[int, NDArray[Any]]) -> NDArray[np.int64]:
    """Return the addresses and lengths of arrays by their field, and those of the kernel's functions, (rows, 1 + axes)."""
    table = np.zeros((f.FIELDS + len(f.FUNCTIONS), 1 + f.AXES), dtype=np.int64)
    for field, array in arrays.items():
        table[field] = row_of(array)
    table[f.FIELDS :, 0] = list(function_addresses().values())
    return table


def row_of(array: NDArray[Any]) -> NDArray[np.int64]:
    """Return the address and the lengths of an array, as a table holds them."""
    if not array.flags.c_contiguous or array.dtype not in (np.float64, np.float32, np.int64, np.uint64):
        raise TypeError(f"the kernel takes contiguous arrays of float64, float32, int64 or uint64, not {array.dtype}")
    row = np.zeros(1 + f.AXES, dtype=np.int64)
    row[0] = array.ctypes.data
    row[1 : 1 + array.ndim] = array.shape
    return row


def problem_arrays(problem: Problem) -> dict[int, NDArray[Any]]:
    """Return a problem's arrays by their field: flags as integers, single numbers together."""
    goods, sites, suppliers, lanes = problem.goods, problem.sites, problem.suppliers, problem.lanes
    demand, moods, tables, serving, prices = problem.demand, problem.moods, problem.tables, problem.serving, problem.prices
    in_order = [
        *(_settings(problem), np.array([problem.clock.discount, *moods.goodwill]), problem.clock.sequence),
        *(goods.volume, goods.shelf_life, goods.lifo),
        *(sites.initial_stock, sites.handling, sites.storage, sites.overflow_charged, sites.max_position, sites.plant),
        *(sites.production_capacity, sites.yield_low, sites.yield_high, sites.yield_stream, sites.shrinkage),
        *(sites.shrinkage_stream, sites.count_every, sites.expected_demand, sites.from_downstream, sites.cycle),
        *(suppliers.capacity, suppliers.fill_low, suppliers.fill_high, suppliers.fill_by_unit),
        *(suppliers.event_low, suppliers.event_high),
        *(lanes.supplier, lanes.site, lanes.to, lanes.allowed, lanes.priority, lanes.order, lanes.capacity, lanes.minimum),
        *(lanes.multiple, lanes.backlog, lanes.on_receipt, lanes.initial, lanes.constant, lanes.crossing, lanes.lead_row),
        *(lanes.stream, lanes.fill_stream, lanes.plant, np.arange(len(lanes.to))),
        *(demand.kind, demand.row, demand.centre, demand.shape, demand.floor, demand.rounded),
        *(demand.maximum, demand.noise, demand.stream, demand.loading, demand.factor_stream, demand.event_low),
        *(demand.event_high, np.array([demand.event_stream, demand.history_stream], dtype=np.uint64), demand.history),
        *(moods.goodwill_group, moods.goodwill, moods.regime, moods.multiplier, moods.transition, moods.initial, moods.stream),
        *tables,
        *(serving.site, serving.channel, serving.capacity, serving.latest, serving.on_time, serving.accept),
        *(serving.accept_stream, serving.claim_lane, serving.claim_sku, serving.claim_slot),
        *(serving.claim_lane * problem.shape.skus + serving.claim_sku, serving.group_start, _competes(problem)),
        *_offers(problem),
        *(serving.promised_lane, serving.promised_sku, serving.commitment, serving.due, serving.last, serving.open_ended),
        *(serving.stays, serving.stays_stream, serving.home, serving.rank),
        *(
            prices.price[:, serving.channel],
            prices.purchase,
            prices.production,
            prices.inbound_freight,
            prices.fixed,
            prices.line,
        ),
        *(prices.outbound_freight, prices.holding, prices.in_transit, prices.backorder, prices.shortage, prices.late),
        *(np.repeat(prices.waste[:, None], problem.shape.sites, axis=1), prices.overflow),
        *(prices.site_salvage[None, lanes.to], prices.site_salvage[None], prices.channel_salvage[None]),
    ]
    return {field: _plain(array) for field, array in zip(range(f.SETTINGS, f.CHANNEL_SALVAGE + 1), in_order, strict=True)}


def _competes(problem: Problem) -> NDArray[np.int64]:
    """Tell of each group whether some of its claims, all of one site, want the same SKU, or the room of one lane."""
    serving, limited = problem.serving, bool(np.isfinite(problem.serving.capacity).any())
    competes = np.zeros(len(serving.group_start) - 1, dtype=np.int64)
    for group in np.flatnonzero(np.diff(serving.group_start) > 1):
        claims = slice(serving.group_start[group], serving.group_start[group + 1])
        lanes, skus = serving.claim_lane[claims], serving.claim_sku[claims]
        competes[group] = len(np.unique(skus)) < len(skus) or (limited and len(np.unique(lanes)) < len(lanes))
    return competes


def _offers(problem: Problem) -> list[NDArray[np.int64]]:
    """Return lane, SKU and both as one number of all that a policy can allocate, and where each site and lane starts in it."""
    site, skus = problem.serving.site, problem.shape.skus
    order = np.argsort(site, kind="stable")
    begins = np.searchsorted(site[order], np.arange(problem.shape.sites + 1)) * skus
    lanes, each = np.repeat(order, skus), np.tile(np.arange(skus), len(order))
    return [lanes, each, lanes * skus + each, begins, np.argsort(order) * skus]


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as the kernel takes it: contiguous, flags as integers."""
    kind = {"f": np.float64, "u": np.uint64}.get(array.dtype.kind, np.int64)
    return np.ascontiguousarray(array, dtype=kind)


def _settings(problem: Problem) -> NDArray[np.int64]:
    """Return a problem's single numbers, and which features it has."""
    values = _numbers(problem) | _features(problem)
    settings = np.zeros(f.SETTINGS_COUNT, dtype=np.int64)
    settings[list(values)] = list(values.values())
    return settings


def _numbers(problem: Problem) -> dict[int, int]:
    """Return a problem's rules and single numbers by their place among the settings."""
    clock, rules, demand = problem.clock, problem.rules, problem.demand
    return {
        f.WHOLE: rules.whole,
        f.RATIONING: rules.rationing,
        f.LARGEST: rules.largest_remainder,
        f.ALLOCATES: rules.allocates,
        f.PROTECTS: rules.protects,
        f.DECIDE_AT: clock.decide_at,
        f.PHASES: len(clock.sequence),
        f.RECEIVED_FIRST: clock.received_first,
        f.DEMAND_FIRST: clock.demand_first,
        f.SEASON: clock.season,
        f.LENGTH: clock.length,
        f.WARM_UP: clock.warm_up,
        f.SLOTS: problem.lanes.slots,
        f.REPEATS: demand.repeats,
        f.REPLAYED: demand.replayed,
        f.WINDOW: demand.window,
        f.HISTORY_SLOTS: demand.history_slots,
        f.OF_SALES: demand.of_sales,
        f.CYCLE: max(problem.clock.cycle, 2),
    }


def _features(problem: Problem) -> dict[int, bool]:
    """Return which features a problem has by their place among the settings."""
    order = {int(phase): place for place, phase in enumerate(problem.clock.sequence)}
    rules, sites, lanes, demand = problem.rules, problem.sites, problem.lanes, problem.demand
    serving, prices = problem.serving, problem.prices
    return {
        f.PERISHES: problem.goods.shelf_life.any(),
        f.SHRINKS: sites.shrinkage.any(),
        f.STORES: bool((np.isfinite(sites.storage).any(axis=0) & ~sites.overflow_charged).any()),
        f.PLANTS: sites.plant.any(),
        f.TRANSFERS: (lanes.site >= 0).any(),
        f.FILLS: (problem.suppliers.fill_low < 1.0).any(),
        f.OWES: lanes.backlog.any(),
        f.LIMITS_POSITION: np.isfinite(sites.max_position).any(),
        f.RESERVES: reserves(problem),
        f.OVERFLOWS: bool((np.isfinite(sites.storage).any(axis=0) & sites.overflow_charged).any()),
        f.ON_RECEIPT: lanes.on_receipt.any(),
        f.LIMITED_LANES: np.isfinite(serving.capacity).any(),
        f.LIMITED_HANDLING: np.isfinite(sites.handling).any(),
        f.WAITS: problem.shape.slots > 1,
        f.RANDOM_YIELD: (sites.yield_low < sites.yield_high).any(),
        f.CHARGES_LATE: order[RECEIVE] > order[CHARGE],
        f.EVENTS: (problem.suppliers.event_low <= 1.0).any(),
        f.FIXED_COSTS: prices.fixed.any() or prices.line.any(),
        f.DEMAND_EVENTS: (demand.kind == EVENT).any(),
        f.HISTORIES: (demand.kind == HISTORY).any(),
        f.COMES_LATE: (serving.last > serving.due).any(),
        f.ROUNDS_DOWN: not rules.whole or bool(((lanes.multiple != 1.0) | (lanes.minimum > 1.0)).any()),
        f.REMEMBERS: problem.shape.groups > 0 or (demand.history_slots > 0 and demand.of_sales),
    }


def _world_arrays(problem: Problem, batch: int) -> dict[int, NDArray[Any]]:
    """Return empty arrays of worlds by their field: state, record, decision, and room to work in."""
    arrays: dict[int, NDArray[Any]] = {}
    for name, (shape, dtype, fill) in state_shapes(problem).items():
        arrays[STATE_FIELDS[name]] = np.full((*shape, batch), fill, dtype)
    for name, shape in decided_shapes(problem).items():
        arrays[DECIDED_FIELDS[name]] = np.zeros((*shape, batch))
    n = problem.shape
    rows = {
        **dict.fromkeys((f.ROW_A, f.ROW_B, f.ROW_C, f.ROW_D, f.ROW_E, f.ROW_F), ()),
        f.SITE_ROWS: (n.sites,),
        f.SITE_SKU_ROWS: (n.sites, n.skus),
        f.LANE_ROWS: (n.lanes,),
        f.SUPPLIER_ROWS: (n.suppliers,),
        f.PLANT_ROWS: (n.sites,),
        f.SERVING_ROWS: (n.fulfilment,),
        f.PROMISE_ROWS: (n.channels, n.skus),
        f.CLAIM_ROWS: (min(n.lanes * n.skus, MOST_AT_ONCE),),
        f.SERVED_OWED: (n.lanes, n.skus) if problem.lanes.backlog.any() else (0, n.skus),
        f.PAID: (n.lanes, n.skus) if problem.lanes.on_receipt.any() else (0, n.skus),
        f.POSITIONS: (n.sites, n.skus) if problem.rules.rationing == BALANCED else (0, n.skus),
    }
    arrays |= {field: np.zeros((*shape, batch)) for field, shape in rows.items()}
    most = max(n.lanes * n.skus, len(problem.serving.claim_lane), n.fulfilment * n.skus, n.channels)
    arrays |= {field: np.zeros(most) for field in (f.AMOUNTS, f.SCALES, f.STARTS, f.WANTED, f.UNITS, f.REST)}
    arrays |= {field: np.zeros(length, dtype=np.int64) for field, length in ((f.LEVELS, most), (f.ARRIVING, batch))}
    return arrays
