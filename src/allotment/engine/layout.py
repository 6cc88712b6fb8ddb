"""Where everything lies in the kernel's memory: a place in one table for each declared array, under its name in capitals.

`LANES_MINIMUM` is `problem.lanes.minimum`, `FLOWS_SHIPPED` is `flows.shipped`, and an array of the state goes by its own name,
`ON_HAND`. They follow from the declarations in `scenario.problem` and `engine.state`. What
only the kernel needs is declared here: features of a world, arrays derived from the problem, and room to work in. Single
numbers of a problem, and its features, stand in one array, `SETTINGS`: `settings[CLOCK_SEASON]`, `settings[PERISHES]`.

Arrays of a problem keep their axes. Those of worlds have the batch as their last axis, so that a row of worlds lies together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from allotment.engine.declaration import FEATURES, LENGTHS, Declared, declared
from allotment.engine.state import DECISION, FLOWS, STATE, SUMS, reserves
from allotment.scenario.distributions import EVENT, HISTORY
from allotment.scenario.errors import nearest
from allotment.scenario.problem import BALANCED, CHARGE, LINEAR, PRIORITY, PROPORTIONAL, RECEIVE, TERMS, Integers, Problem

AXES = 5  # most axes of an array
MOST_COUNTED = 64  # claims among which the place of a remainder is counted; of more, the last that gets a unit is selected


class Field(NamedTuple):
    """An array of the table."""

    name: str
    declared: Declared
    of: Callable[[Problem], Any] | None = None  # its content, for what follows from the problem
    by_world: bool = False  # the batch is its last axis
    given: bool = False  # put there by whoever needs it

    @property
    def dimensions(self) -> int:
        """Return how many axes it has, the batch included."""
        return len(self.declared.axes) + self.by_world

    def array(self, problem: Problem, batch: int) -> NDArray[Any]:
        """Return the array of a problem, or one as it is when an episode begins."""
        if self.of is not None:
            return np.ascontiguousarray(self.of(problem), dtype=self.declared.dtype)
        shape = self.declared.shape(problem)
        return np.full((*shape, batch) if self.by_world else shape, self.declared.start, self.declared.dtype)


class Place(int):
    """The place of an array in the table."""


class Setting(int):
    """The place of a single number in the array of settings."""


FIELDS: list[Field] = []  # by place
SETTING_VALUES: list[Callable[[Problem], int]] = []  # by place among the settings


def _field(field: Field) -> int:
    FIELDS.append(field)
    return Place(len(FIELDS) - 1)


def _setting(value: Callable[[Problem], Any]) -> int:
    SETTING_VALUES.append(lambda problem: int(value(problem)))
    return Setting(len(SETTING_VALUES) - 1)


def feature(name: str, holds: Callable[[Problem], Any]) -> int:
    """Declare a feature that a world may have; returns its place among the settings."""
    FEATURES[name] = lambda problem: bool(holds(problem))
    return _setting(holds)


def derived(axes: str, of: Callable[[Problem], Any], dtype: Any = np.int64) -> int:
    """Declare an array that follows from a problem; returns its place."""
    return _field(Field("derived", Declared("", tuple(axes.split()), dtype), of=of))


def scratch(axes: str = "", dtype: Any = np.float64) -> int:
    """Declare room to work in, for each world a number or an array; returns its place."""
    return _field(Field("scratch", Declared("", tuple(axes.split()), dtype), by_world=True))


def list_of(axis: str, dtype: Any = np.float64) -> int:
    """Declare room for numbers along an axis, in one world at a time; returns its place."""
    return _field(Field("scratch", Declared("", (axis,), dtype)))


def given(axes: str, dtype: Any) -> int:
    """Declare an array that is put in its place by whoever plays; returns that place."""
    return _field(Field("given", Declared("", tuple(axes.split()), dtype), given=True))


def _declare_problem() -> dict[str, int]:
    """Declare what a problem is: its arrays, and its single numbers as settings."""
    places = {}
    for part, kind in get_type_hints(Problem).items():
        arrays = declared(kind)
        for name, hint in get_type_hints(kind).items():
            of = _reader(part, name)
            key = f"{part}_{name}".upper()
            if name in arrays:
                places[key] = _field(Field(key, arrays[name], of=of))
            elif hint in (int, bool):
                places[key] = _setting(of)
            else:  # a real number, or the key of a stream
                dtype = np.float64 if hint is float else np.uint64
                places[key] = _field(Field(key, Declared(name, ("1",), dtype), of=_as_array(of)))
    return places


def _as_array(of: Callable[[Problem], Any]) -> Callable[[Problem], Any]:
    return lambda problem: [of(problem)]


def _reader(part: str, name: str) -> Callable[[Problem], Any]:
    return lambda problem: getattr(getattr(problem, part), name)


def _declare_worlds(prefix: str, fields: dict[str, Declared], given: bool = False) -> dict[str, int]:
    """Declare what worlds hold."""
    names = {name: f"{prefix}{name}".upper() for name in fields}
    return {names[name]: _field(Field(names[name], each, by_world=True, given=given)) for name, each in fields.items()}


def _competes(problem: Problem) -> Integers:
    """Tell of each group whether some of its claims, all of one site, want the same SKU, or the room of one lane."""
    claims, limited = problem.claims, bool(np.isfinite(problem.fulfilment.capacity).any())
    competes = np.zeros(len(claims.group_start) - 1, dtype=np.int64)
    for group in np.flatnonzero(np.diff(claims.group_start) > 1):
        members = slice(claims.group_start[group], claims.group_start[group + 1])
        lanes, skus = claims.lane[members], claims.sku[members]
        competes[group] = len(np.unique(skus)) < len(skus) or (limited and len(np.unique(lanes)) < len(lanes))
    return competes


def _by_site(problem: Problem) -> Integers:
    """Return the fulfilment lanes site by site, (F,)."""
    return np.argsort(problem.fulfilment.site, kind="stable")


def _pairs(problem: Problem) -> Integers:
    """Return lane and SKU of each claim as one number, (claims,)."""
    return problem.claims.lane * problem.shape.skus + problem.claims.sku


def _allocated(problem: Problem) -> tuple[Integers, Integers]:
    """Return lane and SKU of whatever a policy may allocate, site by site."""
    skus, lanes = np.arange(problem.shape.skus), _by_site(problem)
    return np.repeat(lanes, len(skus)), np.tile(skus, len(lanes))


def _starts_by_site(problem: Problem) -> Integers:
    ordered = problem.fulfilment.site[_by_site(problem)]
    return np.searchsorted(ordered, np.arange(problem.shape.sites + 1)) * problem.shape.skus


def _lanes(problem: Problem) -> Integers:
    return np.arange(problem.shape.lanes)


def _fulfilment_lanes(problem: Problem) -> Integers:
    return np.arange(problem.shape.fulfilment)


def _lanes_by(owners: Integers, count: int, order: Integers) -> Integers:
    """List the lanes of each owner in an order: where each owner's begin in the list, where the last one's end, the lanes."""
    by_owner = np.argsort(owners[order], kind="stable")
    starts = np.searchsorted(owners[order][by_owner], np.arange(count + 1))
    return np.concatenate([starts + count + 1, order[by_owner]])


def _chain(groups: Integers, keys: Integers) -> Integers:
    """Return for each claim the next one of its group with the same key, or -1, and whether it is the first, (2, claims)."""
    group = np.repeat(np.arange(len(groups) - 1), np.diff(groups))
    order = np.lexsort((keys, group))
    same = (np.diff(keys[order]) == 0) & (np.diff(group[order]) == 0)
    chain = np.array([np.full(len(keys), -1), np.ones(len(keys), dtype=np.int64)])
    chain[0, order[:-1][same]], chain[1, order[1:][same]] = order[1:][same], 0
    return chain


def _has_storage(problem: Problem, charged: bool) -> bool:
    limited = np.isfinite(problem.sites.storage).any(axis=0)
    return bool((limited & (problem.sites.overflow_charged == charged)).any())


def _phase(problem: Problem, phase: int) -> int:
    return int(np.flatnonzero(problem.clock.sequence == phase)[0])


def _heads(problem: Problem) -> NDArray[np.float64]:
    tables = problem.tables
    return np.stack([tables.start[:-1], tables.first, tables.guide_start[:-1], np.diff(tables.guide_start)], axis=1)


def _terms_paid(problem: Problem) -> list[int]:
    """Return the places of the terms that a world may have, in declared order: those with a price other than nothing."""
    prices = problem.prices
    paid = {each.term for each in LINEAR if getattr(prices, each.price).any()}
    if prices.fixed.any() or prices.line.any():
        paid.add("fixed_ordering")
    if _has_storage(problem, charged=True):
        paid.add("overflow")
    if problem.treasury.interest and problem.treasury.limit:
        paid.add("interest")
    if (problem.treasury.discount > 0.0).any():
        paid.add("discount_taken")
    return [place for place, term in enumerate(TERMS) if term in paid]


def _addends_paid(problem: Problem) -> list[int]:
    """Return the places of the linear addends that a world's records may have, in declared order."""
    there = [each.at == "charge" and getattr(problem.prices, each.price).any() for each in LINEAR]
    return [place for place, paid in enumerate(there) if paid]


def _most_claims(problem: Problem) -> int:
    n = problem.shape
    return max(n.lanes * n.skus, len(problem.claims.lane), n.fulfilment * n.skus, n.channels)


def _shares_remainders(problem: Problem) -> bool:
    """Tell whether the largest remainders of shares get another unit."""
    rules = problem.rules
    return rules.whole and rules.largest_remainder and rules.rationing in (PRIORITY, PROPORTIONAL)


DIGITS = 256  # of the bits of a number, by which one of several is selected
PARTS = 64  # between 0 and 1, in which remainders are counted
LENGTHS |= {
    "most_claims": _most_claims,
    "remainders": lambda problem: problem.shape.lanes * problem.shape.skus if _shares_remainders(problem) else 0,
    "digits": lambda problem: DIGITS,
    "parts": lambda problem: PARTS if _shares_remainders(problem) else 0,
}

SETTINGS = derived("settings", lambda problem: [value(problem) for value in SETTING_VALUES])
_places = _declare_problem()

# features, which say what a world may skip
PERISHES = feature("perishes", lambda problem: problem.goods.shelf_life.any())
SHRINKS = feature("shrinks", lambda problem: problem.sites.shrinkage.any())
STORES = feature("stores", lambda problem: _has_storage(problem, charged=False))
OVERFLOWS = feature("overflows", lambda problem: _has_storage(problem, charged=True))
PLANTS = feature("plants", lambda problem: problem.sites.plant.any())
TRANSFERS = feature("transfers", lambda problem: (problem.lanes.site >= 0).any())
FILLS = feature("fills", lambda problem: (problem.suppliers.fill_low < 1.0).any())
OWES = feature("owes", lambda problem: problem.lanes.backlog.any())
LIMITS_POSITION = feature("limits_position", lambda problem: np.isfinite(problem.sites.max_position).any())
ALLOCATES = feature("allocates", lambda problem: problem.rules.allocates)
PROTECTS = feature("protects", lambda problem: problem.rules.protects)
BUDGETS = feature("budgets", lambda problem: problem.rules.budgets)
RESERVES = feature("reserves", reserves)
BALANCES = feature("balances", lambda problem: problem.rules.rationing == BALANCED)
ON_RECEIPT = feature("on_receipt", lambda problem: problem.lanes.on_receipt.any())
LIMITED_LANES = feature("limited_lanes", lambda problem: np.isfinite(problem.fulfilment.capacity).any())
LIMITED_HANDLING = feature("limited_handling", lambda problem: np.isfinite(problem.sites.handling).any())
LOSES = feature("loses", lambda problem: (problem.lanes.lost > 0.0).any())
WAITS = feature("waits", lambda problem: problem.shape.slots > 1)
RANDOM_YIELD = feature("random_yield", lambda problem: (problem.sites.yield_low < problem.sites.yield_high).any())
CHARGES_LATE = feature("charges_late", lambda problem: _phase(problem, RECEIVE) > _phase(problem, CHARGE))
EVENTS = feature("events", lambda problem: (problem.suppliers.event_low <= 1.0).any())
FIXED_COSTS = feature("fixed_costs", lambda problem: problem.prices.fixed.any() or problem.prices.line.any())
PART_IS_DUE = feature("part_is_due", lambda problem: problem.prices.backorder.any() and problem.channels.due.any())
DEMAND_EVENTS = feature("demand_events", lambda problem: (problem.demand.kind == EVENT).any())
HISTORIES = feature("histories", lambda problem: (problem.demand.kind == HISTORY).any())
COMES_LATE = feature("comes_late", lambda problem: (problem.channels.last > problem.channels.due).any())
ROUNDS_DOWN = feature(
    "rounds_down",
    lambda problem: not problem.rules.whole or ((problem.lanes.multiple != 1.0) | (problem.lanes.minimum > 1.0)).any(),
)
REMEMBERS = feature(
    "remembers", lambda problem: problem.shape.groups > 0 or (problem.demand.history_slots > 0 and problem.demand.of_sales)
)

# what follows from the problem
# lanes by owner, in the order in which they share a limit
LANES_ALONE = derived("listed", lambda problem: _lanes_by(_lanes(problem), problem.shape.lanes, problem.lanes.order))
LANES_OF_SUPPLIER = derived(
    "listed", lambda problem: _lanes_by(problem.lanes.supplier, problem.shape.suppliers, problem.lanes.order)
)
LANES_OF_PLANT = derived("listed", lambda problem: _lanes_by(problem.lanes.plant, problem.shape.sites, problem.lanes.order))
LANES_FROM_SITE = derived("listed", lambda problem: _lanes_by(problem.lanes.site, problem.shape.sites, problem.lanes.order))
LANES_TO_SITE = derived("listed", lambda problem: _lanes_by(problem.lanes.to, problem.shape.sites, problem.lanes.order))
# and as the scenario lists them
LANES_LEAVING = derived("listed", lambda problem: _lanes_by(problem.lanes.site, problem.shape.sites, _lanes(problem)))
LANES_COMING = derived("listed", lambda problem: _lanes_by(problem.lanes.to, problem.shape.sites, _lanes(problem)))
FULFILMENT_OF_CHANNEL = derived(
    "listed", lambda problem: _lanes_by(problem.fulfilment.channel, problem.shape.channels, _fulfilment_lanes(problem))
)
FULFILMENT_OF_SITE = derived(
    "listed", lambda problem: _lanes_by(problem.fulfilment.site, problem.shape.sites, _fulfilment_lanes(problem))
)
# claims of one group that share a limit
CLAIMS_SAME_LANE = derived("2 claims", lambda problem: _chain(problem.claims.group_start, problem.claims.lane))
CLAIMS_SAME_SKU = derived("2 claims", lambda problem: _chain(problem.claims.group_start, problem.claims.sku))
CLAIMS_SAME_PAIR = derived("2 claims", lambda problem: _chain(problem.claims.group_start, _pairs(problem)))
CLAIMS_COMPETES = derived("claim_groups", _competes)
# what a policy may allocate, site by site: lane, SKU, which of a site share a limit, and where each site and each lane begins
ALLOCATED_LANE = derived("allocated", lambda problem: _allocated(problem)[0])
ALLOCATED_SKU = derived("allocated", lambda problem: _allocated(problem)[1])
ALLOCATED_SAME_LANE = derived("2 allocated", lambda problem: _chain(_starts_by_site(problem), _allocated(problem)[0]))
ALLOCATED_SAME_SKU = derived("2 allocated", lambda problem: _chain(_starts_by_site(problem), _allocated(problem)[1]))
ALLOCATED_SAME_PAIR = derived(
    "2 allocated", lambda problem: _chain(_starts_by_site(problem), np.arange(problem.shape.fulfilment * problem.shape.skus))
)
ALLOCATED_START = derived("sites+1", _starts_by_site)
ALLOCATED_FIRST = derived("F", lambda problem: np.argsort(_by_site(problem)) * problem.shape.skus)

# the money terms that a world may have
TERMS_PAID = derived("paid_terms", _terms_paid)
ADDENDS_PAID = derived("paid_addends", _addends_paid)  # and their linear addends in a record

_places |= _declare_worlds("", STATE) | _declare_worlds("flows_", FLOWS) | _declare_worlds("decision_", DECISION)
_places |= _declare_worlds("summed_", SUMS, given=True)

# a number for each world
EVENT_CHANCE = scratch()  # the uniform number that says which event happens in a period
BINOMIAL_CHANCE = scratch()  # the uniform numbers behind binomial draws
REGIME_CHANCE = scratch()
DEMAND_CHANCE = scratch()
CHANCES = scratch("C K")  # of demands, then what they come to
FACTOR_CHANCE = scratch()  # of the factor that demands share
FILL_CHANCE = scratch()
DRAWN = scratch()  # units demanded
RECORDED_PERIOD = scratch()  # from which demand is taken
MULTIPLIER = scratch()  # of mean demand
LEAD_TIME = scratch()  # periods
LOST_CHANCE = scratch()  # the uniform numbers behind shipments that never arrive
YIELD = scratch()  # good units per unit consumed
MOVED = scratch()  # units that arrive
DISAPPEARING = scratch()  # units
REQUESTED = scratch()  # units that share a limit, together
LIMIT = scratch()  # units that they may take
LIMIT_LEFT = scratch()  # units that levels to come may take
UNITS_LEFT = scratch()  # of the limit, after the whole parts of shares
REMAINDER_RANK = scratch()  # of a request's remainder, 1 for the largest
LAST_REMAINDER = scratch()  # that gets another unit
LAST_UNITS = scratch()  # how many requests with that remainder get one
PART_OF_LAST = scratch(dtype=np.int64)  # between 0 and 1, in which it lies
LEAVING = scratch()  # units that a site ships to others
FILLED = scratch()  # units that a supplier ships of what it accepted
CLAIM_UNITS = scratch()  # wanted by one claim, then shipped to it
CLAIMED = scratch()  # units wanted by a group of claims together
STAYING = scratch()  # units that wait
VOLUME_HELD = scratch()  # m³
VOLUME_COMING = scratch()  # m³
OVERFLOW_PRICE = scratch()  # money/m³ of what is held
SKUS_SHIPPED = scratch()  # how many SKUs a shipment holds
UNMET = scratch()  # units lost or waiting
MEANS = scratch()  # money that may still be spent
MEANS_NONE = scratch()  # whether nothing at all can be paid
MEANS_ASKED = scratch()  # money that orders cost
MEANS_PART = scratch()  # of orders, that can be paid for
AMOUNT = scratch()  # money
STOCK_VALUE_TOTAL = scratch()  # money
OBSERVED = scratch()  # units, before scaling
OBSERVED_CELLS = scratch("S K")  # likewise
ARRIVING = scratch(dtype=np.int64)  # the worlds in which a shipment arrives

# an array for each world
FREE = scratch("S K")  # units that may still be shipped
POSITION_ROOM = scratch("S K")  # units up to the highest position
TAKEN = scratch("S K")  # units that leave stock
POSITION = scratch("S|balances K")  # units
LANE_LIMIT = scratch("L")  # units, as all limits
SUPPLIER_LIMIT = scratch("U")
PLANT_LIMIT = scratch("S")
HANDLING_LIMIT = scratch("S")
SHARE_WITH_ROOM = scratch("S")  # of what arrives
FULFILMENT_LIMIT = scratch("F")
PROMISED = scratch("C K")  # units of commitments not served yet
SERVED_OWED = scratch("L|owes K")  # units
GIVEN = scratch("K")  # units of a lane's requests that are let through
REMAINDERS = scratch("remainders")  # of requests that share a limit
REMAINDER_COUNTS = scratch("parts", np.int64)  # how many of them lie in each part of 0 to 1
STOCK_VALUE = scratch("K")  # money, of stock at cost
PAID = scratch("L|on_receipt K")  # units that are paid for now
DUE = scratch("C|part_is_due K")  # units open and due
REMAINING_STOCK = scratch("S K")
REMAINING_DEMAND = scratch("C K")

# claims, or requests that share a limit, in one world
AMOUNTS = list_of("most_claims")  # units requested, then executed
LEVELS = list_of("most_claims", np.int64)  # priorities
STARTS = list_of("most_claims")  # positions that receivers have already
SCALES = list_of("most_claims")  # demands that they expect
ASKED = list_of("most_claims")  # units requested
REST = list_of("most_claims")  # remainders of shares
SELECTED = list_of("most_claims")  # those among which one is selected
DIGIT_COUNTS = list_of("digits", np.int64)  # how many of them have each digit
KEYS = list_of("most_claims")  # at which each request gets its next unit
HEAP = list_of("most_claims", np.int64)  # requests, the one with the lowest key first
WANTED = list_of("most_claims")  # units wanted by claims
UNITS = list_of("most_claims")  # units shipped to them
WANTED_TOGETHER = list_of("K")  # units of a SKU wanted by claims
FROM_RESERVE = list_of("most_claims")  # units of these from reserves

# one SKU at the sites and lanes of each world, while its orders are decided
KNOWN_STOCK = scratch("S")  # units on hand as the records have them
WAITING_NEAR = scratch("S")  # units open near a site
COMING = scratch("S")  # units on their way to a site
POSITION_NOW = scratch("S")  # units on hand and on their way, less those owed
ECHELON_POSITION = scratch("S")  # units, of a site and all downstream of it
LACKING = scratch("S")  # units up to the cover below which a site asks others
SPARE = scratch("S")  # units above the cover that a site keeps
MOVED_IN = scratch("S")  # units that transfers add to a site
MOVED_OUT = scratch("S")  # units that they take
FAST_ORDER = scratch()  # units
SUMMED = scratch()  # units
LANE_SCORE = scratch("L")  # before they are made shares
LANE_WEIGHT = scratch("L")  # a lane's share of what its site lacks
SITE_WEIGHT = scratch("S")  # of its lanes together
TARGET = scratch("S")  # units up to which a site orders

# of each table of values: where its cumulative probabilities begin, its first value, where its guide begins, and its length
TABLES_HEAD = derived("tables 4", _heads, np.float64)

# what a policy's network answers, and observes
ACTIONS = given("worlds actions", np.float64)
ENCODING = given("1", np.int64)  # what actions stand for, by its place in `deciding.ENCODINGS`
ACTION_LANE = given("cells", np.int64)
ACTION_SKU = given("cells", np.int64)
ACTION_OF = given("cells", np.int64)  # the action that decides a cell of lanes and SKUs
ACTION_LIMIT = given("cells", np.float64)  # units
TARGET_LIMIT = given("S K", np.float64)  # units
SCORE_ACTION = given("L", np.int64)  # the action that weighs a lane, -1 for none
SHARPNESS = given("1", np.float64)
ALLOCATION_LIMIT = given("F K", np.float64)  # units; no lanes where the policy allocates nothing
BUDGET_LIMIT = given("budgets", np.float64)  # money; no budgets where the policy divides none
PROTECTION_LIMIT = given("S classes K", np.float64)  # units; no classes where it protects nothing
MEASURED_DISCOUNT = given("periods", np.float64)  # of a measured period's reward
MEASURED_MARGIN = given("T C K", np.float64)  # money/unit lost, by period
# what a rule orders: see `kernel.deciding`
RULE_FLAGS = given("flags", np.int64)
RULE_LANES = given("2 S K", np.int64)
RULE_LEVEL = given("P S K", np.float64)  # units
RULE_EXPEDITE = given("P S K", np.float64)  # units
RULE_LIMITS = given("limits S K", np.float64)
RULE_LATERAL = given("2 lateral", np.int64)  # lanes, by their freight and in their own order
RULE_COVER = given("2 S K", np.float64)  # units
OBSERVED_GROUPS = given("groups 3", np.int64)  # code, first place, length
OBSERVED_BOUNDS = given("3 components", np.float64)  # per unit, low, high
OBSERVED_FORECAST = given("2 P S K", np.float64)  # mean, deviation
OBSERVATIONS = given("worlds components", np.float32)

globals().update(_places)
PLACES = {name: place for name, place in globals().items() if isinstance(place, Place | Setting)}
for _name, _place in PLACES.items():
    if isinstance(_place, Place):
        FIELDS[_place] = FIELDS[_place]._replace(name=_name)


def _began(dtype: Any) -> list[tuple[int, float]]:
    """Return the places of the state's arrays of a type, and what they hold when an episode begins."""
    return [(int(_places[name.upper()]), each.start) for name, each in STATE.items() if each.dtype == dtype]


CLEARED, CLEARED_TO = zip(*_began(np.float64), strict=True)
CLEARED_INTEGERS, CLEARED_INTEGERS_TO = zip(*[(place, int(start)) for place, start in _began(np.int64)], strict=True)


def __getattr__(name: str) -> int:
    raise AttributeError(f"no array or setting of the kernel is called {name}; {nearest(name, PLACES)}")
