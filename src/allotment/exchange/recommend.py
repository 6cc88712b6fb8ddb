"""From snapshots to plans: a policy's decision by name, cut to what can be executed, with what it allows to ship.

A plan is one simulated period in which nobody asks for anything new. It is played by the same compiled period as in training,
so that nothing infeasible can come out of it, and each cut has its reason.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from allotment.decisions.policy import Policy
from allotment.engine.state import DECISION, FLOWS, STATE, Decision, Flows, State
from allotment.exchange.plan import Order, Plan, PolicyVersion, Protection, Reservation, Shipment, Spending, Unmet
from allotment.exchange.register import Register
from allotment.exchange.snapshot import Snapshot, SnapshotError, as_snapshot
from allotment.scenario.distributions import NO_DEMAND
from allotment.scenario.loader import World
from allotment.scenario.problem import REASONS, ROUNDING, Problem
from allotment.simulation.simulation import Simulation

BYTES_AT_ONCE = 16 * 2**20  # of the worlds that are computed together: what a policy makes of them takes a few times as much


class Named(Policy, Protocol):
    """A policy that says what it is."""

    @property
    def name(self) -> str:
        """Return the policy's name."""
        ...

    @property
    def kind(self) -> str:
        """Return `rule-based` or `learned`."""
        ...

    @property
    def version(self) -> str:
        """Return the version of the bundle it was loaded from."""
        ...

    @property
    def world(self) -> World:
        """Return the world it decides in."""
        ...

    @property
    def memory_size(self) -> int:
        """Return how many numbers the policy remembers from one decision to the next."""
        ...


def uses_forecast(policy: Any) -> bool:
    """Tell whether a policy goes by the forecast of an observation; what says nothing of it may."""
    return bool(getattr(policy, "uses_forecast", True))


class Recommender:
    """Answers snapshots of one world with one policy's plans."""

    def __init__(self, policy: Named) -> None:
        self.policy = policy
        self.register = Register(policy.world)
        self.problem = _without_chance(policy.world.problem)
        self.most_at_once = max(1, BYTES_AT_ONCE // bytes_of_a_world(self.problem))
        self._kept = threading.local()
        self.version = PolicyVersion(name=policy.name, kind=policy.kind, version=policy.version)

    def plans(self, snapshots: Sequence[Snapshot | dict[str, Any]]) -> list[Plan]:
        """Return a plan for each snapshot; `SnapshotError` names the snapshot and the field that is wrong."""
        if not snapshots:
            return []
        names = ["snapshot"] if len(snapshots) == 1 else [f"snapshots[{place}]" for place in range(len(snapshots))]
        given = [(name, self._read(content, name)) for content, name in zip(snapshots, names, strict=True)]
        groups = range(0, len(given), self.most_at_once)
        return [plan for first in groups for plan in self._answered(dict(given[first : first + self.most_at_once]))]

    def _read(self, content: Snapshot | dict[str, Any], where: str) -> Snapshot:
        self.register.check_width(content, where)
        snapshot = as_snapshot(content, where)
        if snapshot.memory is not None and len(snapshot.memory) != self.policy.memory_size:
            wanted = f"{self.policy.memory_size} numbers for {self.policy.name}"
            raise SnapshotError(f"{where}.memory must hold {wanted}, not {len(snapshot.memory)}")
        if snapshot.forecast and not uses_forecast(self.policy):
            raise SnapshotError(
                f"{where}.forecast: {self.policy.name} does not go by a forecast that is given to it; leave it out"
            )
        return snapshot

    def _answered(self, snapshots: dict[str, Snapshot]) -> list[Plan]:
        """Return the plans of snapshots that are computed together."""
        simulation = self._simulation(len(snapshots))
        decision = self.policy.decide(self.register.placed(snapshots, simulation.memory).observation())
        flows, state = simulation.step(decision), simulation.state
        return [self._plan(snapshot, decision, state, flows, world) for world, snapshot in enumerate(snapshots.values())]

    def _simulation(self, batch: int) -> Simulation:
        """Return worlds to play a period in, each thread its own; they are used again where as many are asked for."""
        kept: Simulation | None = getattr(self._kept, "simulation", None)
        if kept is None or kept.batch != batch:
            kept = self._kept.simulation = Simulation(self.problem, batch)
        return kept

    def _plan(self, snapshot: Snapshot, decision: Decision, state: State, flows: Flows, world: int) -> Plan:
        return Plan(
            policy=self.version,
            period=snapshot.period,
            orders=list(self._orders(flows, world)),
            shipments=list(self._shipments(flows, world)),
            unmet=list(self._unmet(flows, world)),
            reservations=list(self._reservations(flows, world)),
            protection=list(self._protection(state, world)),
            budgets=list(self._budgets(flows, world)),
            memory=None if decision.memory is None else decision.memory[world].tolist(),
        )

    def _orders(self, flows: Flows, world: int) -> Iterator[Order]:
        requested, executed, reasons = flows.requested[world], flows.executed[world], flows.cut_reason[world]
        for lane, sku in zip(*np.nonzero((requested > ROUNDING) | (executed > 0.0)), strict=True):
            source, to = self.register.ends[lane]
            yield Order.model_construct(
                source=source,
                to=to,
                sku=self.policy.world.names.skus[sku],
                units=float(executed[lane, sku]),
                requested=float(requested[lane, sku]),
                reason=REASONS[reasons[lane, sku]],
            )

    def _shipments(self, flows: Flows, world: int) -> Iterator[Shipment]:
        for lane, sku in zip(*np.nonzero(flows.shipped[world]), strict=True):
            site, channel = self.register.fulfilment[lane]
            units = float(flows.shipped[world, lane, sku])
            yield Shipment.model_construct(source=site, to=channel, sku=self.policy.world.names.skus[sku], units=units)

    def _reservations(self, flows: Flows, world: int) -> Iterator[Reservation]:
        if self.problem.clock.demand_first:
            return
        for lane, sku in zip(*np.nonzero(flows.allocation_requested[world]), strict=True):
            site, channel = self.register.fulfilment[lane]
            units, requested = (
                float(flows.allocation_executed[world, lane, sku]),
                float(flows.allocation_requested[world, lane, sku]),
            )
            name = self.policy.world.names.skus[sku]
            yield Reservation.model_construct(site=site, channel=channel, sku=name, units=units, requested=requested)

    def _protection(self, state: State, world: int) -> Iterator[Protection]:
        names, priorities = self.policy.world.names, self.register.priorities
        for site, rank, sku in zip(*np.nonzero(state.protected[world]), strict=True):
            units = float(state.protected[world, site, rank, sku])
            yield Protection.model_construct(
                site=names.sites[site], priority=priorities[rank], sku=names.skus[sku], units=units
            )

    def _budgets(self, flows: Flows, world: int) -> Iterator[Spending]:
        for name, spent, left in zip(
            self.policy.world.names.budgets, flows.spent[world].tolist(), flows.budget_left[world].tolist(), strict=True
        ):
            yield Spending.model_construct(budget=name, amount=spent + left, spent=spent)

    def _unmet(self, flows: Flows, world: int) -> Iterator[Unmet]:
        names, fulfilment = self.policy.world.names, self.problem.fulfilment
        left = flows.lost[world] + flows.open_demand[world]
        for channel, sku in zip(*np.nonzero(left > ROUNDING), strict=True):
            sites = fulfilment.site[fulfilment.channel == channel]
            has_stock = bool((flows.on_hand[world, sites, sku] > ROUNDING).any())
            yield Unmet.model_construct(
                channel=names.channels[channel],
                sku=names.skus[sku],
                units=float(left[channel, sku]),
                reason="capacity" if has_stock else "no_stock",
            )


def bytes_of_a_world(problem: Problem) -> int:
    """Return how much a world's state, records and decision take, with a forecast over all ages of orders."""
    arrays = [field.shape(problem) for fields in (STATE, FLOWS, DECISION) for field in fields.values()]
    arrays.append((problem.lanes.slots, problem.shape.channels, problem.shape.skus))
    return 8 * sum(math.prod(shape) for shape in arrays)


def most_entries(problem: Problem) -> int:
    """Return how many entries a plan can have, apart from unmet demand: that has as many as the open demand that was sent."""
    shape = problem.shape
    by_lane = shape.lanes + shape.fulfilment * (1 + problem.rules.allocates)
    return int(by_lane + shape.sites * shape.classes) * shape.skus + problem.treasury.amounts.shape[1]


def recommend(recommender: Recommender, snapshots: Any) -> Any:
    """Return the plan for a snapshot, or a list of plans for a list of snapshots."""
    if isinstance(snapshots, list | tuple):
        return recommender.plans(snapshots)
    return recommender.plans([snapshots])[0]


def _without_chance(problem: Problem) -> Problem:
    """Return the problem in which nobody asks for anything new, and suppliers and customers do what they are asked to."""
    nobody = np.full_like(problem.demand.kind, NO_DEMAND)
    always, never = np.ones_like, np.zeros_like
    suppliers, sites, fulfilment, channels = problem.suppliers, problem.sites, problem.fulfilment, problem.channels
    expected = 0.5 * (sites.yield_low + sites.yield_high)
    return problem._replace(
        demand=problem.demand._replace(kind=nobody),
        suppliers=suppliers._replace(
            fill_low=always(suppliers.fill_low),
            fill_high=always(suppliers.fill_high),
            event_low=np.full_like(suppliers.event_low, 2.0),
        ),
        sites=sites._replace(yield_low=expected, yield_high=expected, shrinkage=never(sites.shrinkage)),
        lanes=problem.lanes._replace(lost=never(problem.lanes.lost)),
        fulfilment=fulfilment._replace(accept=always(fulfilment.accept)),
        channels=channels._replace(stays=always(channels.stays)),
    )
