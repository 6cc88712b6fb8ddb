"""The movements of an episode: its phases played one by one in the array dynamics, each unit that moves noted.

The compiled simulation plays the episode; before each decision the array dynamics take over its state and play the period
again, so that nothing drifts. Prices are those of the period whose record counts the movement.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allotment.decisions.observation import observe
from allotment.decisions.policy import Policy
from allotment.engine.dynamics.expiry import aged
from allotment.engine.dynamics.period import begin_decided, left_to_rule, open_period, opening, play_phase
from allotment.engine.dynamics.shipping import accepted_of, arriving, issued, receive_at_once
from allotment.engine.state import Decision, Flows, State, empty_flows, in_full
from allotment.finance.movement_rows import MovementRows
from allotment.scenario.loader import World
from allotment.scenario.problem import CHARGE, DECIDE, EXPIRE, FULFIL, RECEIVE, Flags, Floats, Integers
from allotment.simulation.simulation import Simulation


def episode_movements(world: World, policy: Policy, seed: int, episode: int = 0) -> pd.DataFrame:
    """Return the log of the first episode of a seed, in which `episode` begins the ids of events.

    The columns are those of `exchange.movement_schema`, periods count from 0, warm-up included. It ends with the last period:
    what begins a window's next one counts nowhere.
    """
    simulation = Simulation(world.problem, 1)
    simulation.reset(np.zeros(1, dtype=np.int64), np.array([seed], dtype=np.int64), np.zeros(1, dtype=np.int64))
    tracing = EpisodeTracing(world, seed, episode)
    memory = None
    for _ in range(world.problem.clock.length):
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory
        before = State(**simulation.get_state())
        simulation.step(decision)  # which refuses what is no decision
        tracing.play(before, decision)
    return tracing.rows.frame()


class EpisodeTracing:
    """An episode that is played along, period by period, and noted; one world."""

    def __init__(self, world: World, seed: int, episode: int) -> None:
        self.problem, self.rows = world.problem, MovementRows(world, episode)
        self.state = opening(self.problem, np.array([seed], dtype=np.int64), np.zeros(1, dtype=np.int64))
        self._flows: Flows = empty_flows(self.problem, 1)
        self._phase = 0  # position in the sequence
        self._note_opening()
        self._begin()

    def play(self, state: State, decision: Decision) -> None:
        """Play from a state before a decision to the end of its period, and on to the next decision where there is one."""
        decision = in_full(self.problem, decision)
        decision = decision._replace(orders=np.asarray(decision.orders, dtype=np.float64) * self.problem.rules.orders)
        self.state, self._flows = state, empty_flows(self.problem, 1)
        whole, self.problem = self.problem, left_to_rule(self.problem, decision)
        self._play_phases(range(whole.clock.decide_at, len(whole.clock.sequence)), decision)
        self.problem = whole
        self.state = self.state._replace(period=self.state.period + 1)
        self.rows.end_period()
        if self.rows.period < whole.clock.length:
            self._begin()

    def _begin(self) -> None:
        """Open a period, and play its phases before the decision."""
        self.state = open_period(self.problem, self.state)
        self._play_phases(range(self.problem.clock.decide_at), None)
        self.rows.decision_is_due()

    def _play_phases(self, positions: range, decision: Decision | None) -> None:
        for position in positions:
            self._phase = position
            self._play_phase(decision)

    def _play_phase(self, decision: Decision | None) -> None:
        before, phase = self.state, int(self.problem.clock.sequence[self._phase])
        if phase == DECIDE:
            assert decision is not None
            self._decide(decision)
            return
        self.state, self._flows = play_phase(self.problem, phase, before, self._flows, None)
        note = {RECEIVE: self._note_arrivals, FULFIL: self._note_sales, EXPIRE: self._note_losses}.get(phase)
        if note is not None:
            note(before)

    def _decide(self, decision: Decision) -> None:
        before = self.state
        self.state, self._flows = begin_decided(self.problem, before, self._flows, decision)
        self._note_reserved("reservation", self.state)
        self._note_departures(before)
        if self.problem.clock.received_first:
            shipped = self.state
            self.state = receive_at_once(self.problem, shipped)
            self._note_arrivals(shipped)

    def _note_opening(self) -> None:
        rows, cost = self.rows, self.problem.goods.unit_cost[:1]
        on_hand = self.state.on_hand[0]
        rows.add("opening", on_hand, "", rows.sites, expiry=self._expiries(), unit_cost=np.repeat(cost, len(on_hand), axis=0))
        costs = np.repeat(cost, len(rows.lanes), axis=0)
        for slot, units in enumerate(self.state.pipeline[0].sum(axis=-1)):
            rows.add("opening", units, "", rows.in_transit, unit_cost=costs, document=self._documents(slot - self._slots))

    def _note_departures(self, before: State) -> None:
        """Note what left on lanes: from suppliers and sites, and through plants, where some of it is lost."""
        self._note_production(before)
        rows, by_life = self.rows, (self.state.pipeline - before.pipeline)[0].sum(axis=0)
        paid_now, documents = ~self.problem.lanes.on_receipt, self._documents(rows.period)
        fresh, lots = by_life * self._bought[:, None, None], by_life * ~self._bought[:, None, None]
        costs = self._cost_where(paid_now)
        rows.add("dispatch", fresh.sum(axis=-1), rows.sources, rows.in_transit, unit_cost=costs, document=documents)
        rows.add("dispatch", lots, rows.sources, rows.in_transit, expiry=self._expiries(), document=documents)
        self._note_freight(by_life.sum(axis=-1) * paid_now[:, None], rows.in_transit, documents)

    def _note_production(self, before: State) -> None:
        """Note what plants use, by lot, and what of it becomes no goods."""
        rows, plant = self.rows, self.problem.sites.plant
        if plant.any():
            used = (before.on_hand - self.state.on_hand)[0] * plant[:, None, None]
            rows.add("production", used, rows.sites, rows.made, expiry=self._expiries())
            lost = self._flows.consumed[0] * plant[:, None]
            rows.add("scrap", lost, rows.made, "lost", reason="yield")

    def _note_freight(self, units: Floats, places: list[str], documents: list[str]) -> None:
        freight = self._price("inbound_freight")
        self.rows.add(
            "landed_cost", units * (freight > 0.0), "", places, unit_cost=freight, document=documents, reason="freight"
        )

    def _note_arrivals(self, before: State) -> None:
        """Note what arrived, shipment by shipment, what was turned away for want of room, and what never will arrive."""
        left = before.pipeline - self.state.pipeline
        moved = left * arriving(self.problem, before)[..., None]
        limited = not np.isinf(self.problem.sites.storage).all()
        accepted = accepted_of(self.problem, before, moved) if limited else moved
        for slot in np.flatnonzero(left[0].any(axis=(1, 2, 3))).tolist():
            documents = self._documents(self.rows.period - (self.rows.period - slot) % self._slots)
            given_up = (left - moved)[0, slot].sum(axis=-1)
            self.rows.add("scrap", given_up, self.rows.in_transit, "lost", document=documents, reason="never arrived")
            self._note_arrival(accepted[0, slot], (moved - accepted)[0, slot].sum(axis=-1), documents)

    def _note_arrival(self, accepted: Floats, refused: Floats, documents: list[str]) -> None:
        """Note what joins the stock of sites, (L, K, A), and what does not, (L, K), of the shipments of one period."""
        rows, paid_now = self.rows, self.problem.lanes.on_receipt
        kinds = ["receipt" if bought else "transfer_receipt" for bought in self._bought]
        sites = [rows.sites[site] for site in self.problem.lanes.to]
        costs, expiry = self._cost_where(paid_now), self._expiries()
        rows.add(kinds, accepted, rows.in_transit, sites, expiry=expiry, unit_cost=costs, document=documents)
        rows.add("scrap", refused, rows.in_transit, "lost", document=documents, reason="storage")
        self._note_freight(accepted.sum(axis=-1) * paid_now[:, None], sites, documents)

    def _note_reserved(self, kind: str, state: State) -> None:
        """Note what is set aside at each site for each channel in a period, or no longer is when it is served."""
        rows = self.rows
        if state.reserved.shape[1]:
            sites = [site for site in rows.sites for _ in rows.customers]
            customers = rows.customers * len(rows.sites)
            rows.add(kind, state.reserved[0].reshape(len(sites), -1), sites, customers)

    def _note_sales(self, before: State) -> None:
        """Note what was shipped to channels; lanes that leave a site together take its lots in the order of the file."""
        self._note_reserved("release", before)
        rows, fulfilment = self.rows, self.problem.fulfilment
        left = before.on_hand - self.state.on_hand
        shipped = (self.state.shipped - before.shipped)[0]
        by_life = np.zeros((*shipped.shape, left.shape[-1]))
        for lane, site in enumerate(fulfilment.site):
            rest, taken = issued(self.problem, left[:, [site]], shipped[None, [lane]])
            left[:, site], by_life[lane] = rest[:, 0], taken[0, 0]
        sites = [rows.sites[site] for site in fulfilment.site]
        customers = [rows.customers[channel] for channel in fulfilment.channel]
        rows.add("sale", by_life, sites, customers, expiry=self._expiries(), unit_price=self._price("revenue"))

    def _note_losses(self, before: State) -> None:
        """Note what expired, what disappeared unseen, and what a count found missing."""
        rows, perishes = self.rows, self.problem.goods.shelf_life.any()
        on_hand = aged(self.problem, before.on_hand) if perishes else before.on_hand
        if perishes:
            gone = before.on_hand[0] * (self.problem.goods.shelf_life > 0)[:, None]
            gone[..., 1:] = 0.0
            rows.add("expiry", gone, rows.sites, "lost", expiry=self._expiries(aged=False))
        if self.problem.sites.shrinkage.any():
            missing = (on_hand - self.state.on_hand)[0]
            rows.add("shrinkage", missing, rows.sites, rows.unrecorded, expiry=self._expiries(aged=True))
            unrecorded = before.unrecorded_loss[0] + missing.sum(axis=-1)
            counted = np.where(self.state.unrecorded_loss[0] == 0.0, unrecorded, 0.0)
            documents = [f"count {site} {rows.period}" for site in rows.sites]
            rows.add("count", counted, rows.unrecorded, "lost", document=documents)

    @property
    def _bought(self) -> Flags:
        """Return which lanes bring goods from suppliers and plants, (L,)."""
        return (self.problem.lanes.supplier >= 0) | (self.problem.lanes.plant >= 0)

    def _cost_where(self, paid_now: Flags) -> Floats:
        """Return what a unit costs (L, K) on lanes from suppliers and plants that are paid for now, NaN on the others."""
        cost = self._price("purchase") + self._price("production")
        return np.where((self._bought & paid_now)[:, None], cost, np.nan)

    @property
    def _slots(self) -> int:
        return self.problem.lanes.slots

    def _documents(self, ordered: int) -> list[str]:
        """Return the name of each lane's shipment that was ordered in a period."""
        return [f"{lane} {ordered}" for lane in self.rows.lanes]

    def _expiries(self, aged: bool | None = None) -> Integers:
        """Return the period in which each remaining life ends; a period's `expire` may have taken one off already."""
        phases = self.problem.clock.sequence[: self._phase]
        done = bool((phases == EXPIRE).any()) if aged is None else aged
        return self.rows.period + int(done) + np.arange(self.problem.shape.lives)

    def _price(self, name: str) -> Floats:
        """Return a price (places, K) of the period whose record counts what happens now."""
        calendar: Floats = getattr(self.problem.prices, name)
        closed = (self.problem.clock.sequence[: self._phase] == CHARGE).any()
        period = min(self.rows.period + int(closed), self.problem.clock.length - 1)
        return calendar[period % len(calendar)]
