"""What a batch of simulated worlds holds between two decisions, what a policy decides, and what a period leaves on record.

Every array has a leading batch axis B. Stock in transit is kept by the period in which it was ordered, with the period in
which it will arrive beside it: one array answers both "what arrives now" and "for how long has this been in transit".
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from allotment.engine.declaration import Declared, declared
from allotment.scenario.problem import Floats, Integers, Problem


class State(NamedTuple):
    """The state of a batch of worlds. Axes as in `Problem`; N counts periods of orders, H periods of history.

    What follows from a feature that a world does not have is an array without entries.
    """

    on_hand: Annotated[Floats, "S K A", "units, by remaining life"]
    pipeline: Annotated[Floats, "N L K A", "units in transit; slot = period of the order modulo the slots"]
    arrival: Annotated[Integers, "N L draws", "period in which the slot's shipment arrives; only the engine may read it", -1.0]
    in_transit: Annotated[Floats, "L K", "units, the sum of `pipeline`"]
    open_demand: Annotated[Floats, "C K D", "units, by due slot"]
    owed: Annotated[Floats, "L|owes K", "units that sources owe, where lanes keep a backlog"]
    reserved: Annotated[Floats, "S|reserves C K", "units set aside for a channel in this period"]
    protected: Annotated[Floats, "S J|protects K", "units that classes below may not use in this period"]
    allocation: Annotated[Floats, "F|allocates K", "units that the policy allocates in this period"]
    unrecorded_loss: Annotated[Floats, "S|shrinks K", "units that have disappeared and are still in the records"]
    goodwill: Annotated[Floats, "G", "multiplier of mean demand", 1.0]
    regime: Annotated[Integers, "R", "state of each Markov chain"]
    demand_history: Annotated[Floats, "H C K", "units; slot = period modulo the slots"]
    handling_left: Annotated[Floats, "S", "units that a site can still ship out in this period"]
    demand: Annotated[Floats, "C K", "units demanded since the last record was closed, as all that follow"]
    received: Annotated[Floats, "L K", "units"]
    discarded: Annotated[Floats, "L K", "units turned away for want of room"]
    vanished: Annotated[Floats, "L K", "units given up, which have not arrived in the longest lead time"]
    shipped: Annotated[Floats, "F K", "units"]
    on_time: Annotated[Floats, "C K", "units shipped that are there when due"]
    lost: Annotated[Floats, "C K", "units"]
    late: Annotated[Floats, "C K", "units that were not there when due"]
    expired: Annotated[Floats, "S K", "units"]
    shrunk: Annotated[Floats, "S K", "units"]
    cash: Annotated[Floats, "M", "money"]
    debt: Annotated[Floats, "M", "money drawn on the credit line"]
    payables: Annotated[Floats, "V U", "money owed to suppliers, by settlements until it is paid, the next one first"]
    receivables: Annotated[Floats, "V C", "money owed by channels, likewise"]
    budget_left: Annotated[Floats, "Q", "money that may still be spent in this budget period"]
    receipts: Annotated[Floats, "M", "money that came in since the last record was closed, as the two that follow"]
    payments: Annotated[Floats, "M", "money that went out"]
    discounts: Annotated[Floats, "M", "money saved by early payment"]
    period: Annotated[Integers, ""]
    seed: Annotated[Integers, ""]
    episode: Annotated[Integers, ""]


class Flows(NamedTuple):
    """What happened in the period whose record a step closed. Units, money at the end; stocks are those at `charge`."""

    demand: Annotated[Floats, "C K"]
    shipped: Annotated[Floats, "F K"]
    on_time: Annotated[Floats, "C K", "shipped, and there when due"]
    lost: Annotated[Floats, "C K"]
    late: Annotated[Floats, "C K"]
    open_demand: Annotated[Floats, "C K"]
    received: Annotated[Floats, "L K"]
    requested: Annotated[Floats, "L K"]
    executed: Annotated[Floats, "L K"]
    cut_reason: Annotated[Integers, "L K", "code in `REASONS` of the last cut, 0 for none"]
    on_hand: Annotated[Floats, "S K"]
    in_transit: Annotated[Floats, "L K"]
    owed: Annotated[Floats, "L K"]
    expired: Annotated[Floats, "S K"]
    shrunk: Annotated[Floats, "S K"]
    discarded: Annotated[Floats, "L K"]
    vanished: Annotated[Floats, "L K", "given up: not arrived in the longest lead time"]
    consumed: Annotated[Floats, "S K", "lost in production: what a plant used up beyond what it shipped"]
    cash: Annotated[Floats, "M", "when the record was closed, as debt, payable, receivable and budget_left"]
    debt: Annotated[Floats, "M"]
    payable: Annotated[Floats, "M", "owed to all suppliers"]
    receivable: Annotated[Floats, "M", "owed by all channels"]
    budget_left: Annotated[Floats, "Q"]
    receipts: Annotated[Floats, "M"]
    payments: Annotated[Floats, "M", "to suppliers and at once, and interest"]
    spent: Annotated[Floats, "Q", "of each budget, on what was ordered"]
    allocation_requested: Annotated[Floats, "F|allocates K", "units that the policy allocated"]
    allocation_executed: Annotated[Floats, "F|allocates K", "units of these that were reserved, or shipped"]
    allocation_reason: Annotated[Integers, "F|allocates K", "code in `REASONS` of why less, 0 for none"]
    money: Annotated[Floats, "terms K", "positive magnitudes, a change of stock in its sign, in the order of `TERMS`"]
    terms: Annotated[Floats, "terms", "the same, summed over SKUs"]
    reward: Annotated[Floats, "", "money"]


class Sums(NamedTuple):
    """What the records of the measured periods of an episode come to, in units or money; the discount is the scenario's."""

    demand: Annotated[Floats, "C K"]
    shipped: Annotated[Floats, "F K"]
    on_time: Annotated[Floats, "C K"]
    lost: Annotated[Floats, "C K"]
    late: Annotated[Floats, "C K"]
    open_demand: Annotated[Floats, "C K"]
    on_hand: Annotated[Floats, "S K"]
    in_transit: Annotated[Floats, "L K"]
    expired: Annotated[Floats, "S|perishes K"]
    shrunk: Annotated[Floats, "S|shrinks K"]
    vanished: Annotated[Floats, "L|loses K"]
    money: Annotated[Floats, "terms K"]
    reward: Annotated[Floats, "", "money, discounted from the first measured period on"]
    lost_margin: Annotated[Floats, "C K", "money; units lost × their margin in the prices of the period"]
    cash: Annotated[Floats, "M"]
    debt: Annotated[Floats, "M"]
    payable: Annotated[Floats, "M"]
    receivable: Annotated[Floats, "M"]
    lowest_cash: Annotated[Floats, "M", "money when a record was closed, at its least", np.inf]
    below_floor: Annotated[Floats, "M", "records closed with less cash than the floor"]
    cells_with_demand: Annotated[Floats, "", "channels and SKUs with demand in a period"]
    cells_in_full: Annotated[Floats, "", "those of which nothing became late or was lost"]


class Decision(NamedTuple):
    """What a policy decides for a batch of worlds. Quantities in units; what is negative counts as nothing."""

    orders: Annotated[Floats, "L K", "units requested on each supply lane"]
    allocation: Annotated[
        Floats | None, "F|allocates K", "units of each site's stock for each channel; none = the scenario's rule allocates"
    ] = None
    protection: Annotated[
        Floats | None, "S|protects J K", "units that classes below each may not use; none = nothing is protected"
    ] = None
    budget: Annotated[
        Floats | None,
        "Q|budgets",
        "money of each budget where a budget period begins; more than the total is cut; none = alike",
    ] = None
    wanted: Floats | None = None  # (B, L, K) orders before negative quantities were cut to 0, where the policy has such a thing
    memory: Floats | None = None  # (B, n) what the policy wants to see again at its next decision


STATE, FLOWS, DECISION, SUMS = declared(State), declared(Flows), declared(Decision), declared(Sums)
MOVEMENTS = {  # what the state collects until a record is closed, and the feature without which there is none of it
    "demand": "",
    "received": "",
    "discarded": "stores",
    "vanished": "loses",
    "shipped": "",
    "on_time": "",
    "lost": "",
    "late": "comes_late",
    "expired": "perishes",
    "shrunk": "shrinks",
}
CODED = tuple(name for name, field in FLOWS.items() if field.dtype == np.int64)  # records of reasons


def reserves(problem: Problem) -> bool:
    """Tell whether the policy's allocation is decided before demand, and so reserves."""
    return bool(problem.rules.allocates and not problem.clock.demand_first)


def decision_shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    """Return the shape of each quantity of a decision without its batch axis."""
    return {name: field.shape(problem) for name, field in DECISION.items()}


def in_full(problem: Problem, decision: Decision) -> Decision:
    """Return a decision with every array: nothing protected, no lanes where the scenario's rule allocates, budgets alike."""
    batch, shapes = len(decision.orders), decision_shapes(problem)
    allocation, protection = decision.allocation, decision.protection
    return decision._replace(
        allocation=np.zeros((batch, 0, problem.shape.skus)) if allocation is None else allocation,
        protection=np.zeros((batch, *shapes["protection"])) if protection is None else protection,
        budget=np.full((batch, *shapes["budget"]), problem.treasury.total.max())
        if decision.budget is None
        else decision.budget,
    )


def empty_state(problem: Problem, batch: int) -> State:
    """Return a state of worlds before their first period; `reset` fills it."""
    return State(*_empty(STATE, problem, batch))


def empty_flows(problem: Problem, batch: int) -> Flows:
    """Return a record of zeros; a step fills it."""
    return Flows(*_empty(FLOWS, problem, batch))


def _empty(fields: dict[str, Declared], problem: Problem, batch: int) -> list[np.ndarray]:
    return [np.full((batch, *field.shape(problem)), field.start, field.dtype) for field in fields.values()]
