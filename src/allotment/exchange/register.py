"""Between snapshots and the arrays of a simulation: names into positions, and back.

What a snapshot says becomes the very state that a simulation holds, so that the observation of a snapshot is built by the
same code as in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.decisions.observation import GivenForecast, Observation, visible_ages
from allotment.engine.memory import Memory
from allotment.engine.state import State
from allotment.exchange.snapshot import (
    LONGEST_HISTORY,
    MOST_KEYS,
    Balances,
    InTransit,
    OpenDemand,
    Owed,
    PastDemand,
    Snapshot,
    SnapshotError,
    Unpaid,
)
from allotment.scenario.errors import LONGEST_NAME, nearest, shown
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class SnapshotState:
    """Where the worlds of some snapshots stand: a simulation's memory, and what else a policy sees."""

    worlds: Memory
    remembered: Floats | None  # (B, n) what the policy kept from its last decision
    given: GivenForecast | None

    def observation(self) -> Observation:
        """Return what a policy sees."""
        return Observation.of(self.worlds.problem, self.worlds.state, self.remembered, self.given)


class Register:
    """The positions of a world's names, for reading snapshots and writing them."""

    def __init__(self, world: World) -> None:
        self.world = world
        names, lanes = world.names, world.problem.lanes
        self.sites = {name: place for place, name in enumerate(names.sites)}
        self.skus = {name: place for place, name in enumerate(names.skus)}
        self.channels = {name: place for place, name in enumerate(names.channels)}
        self.suppliers = {name: place for place, name in enumerate(names.suppliers)}
        self.budgets = {name: place for place, name in enumerate(names.budgets)}
        sources = [names.suppliers[u] if u >= 0 else names.sites[s] for u, s in zip(lanes.supplier, lanes.site, strict=True)]
        self.ends = [(source, names.sites[to]) for source, to in zip(sources, lanes.to, strict=True)]
        self.lanes = {ends: lane for lane, ends in enumerate(self.ends)}
        self.fulfilment = [
            (names.sites[site], names.channels[channel])
            for site, channel in zip(world.problem.fulfilment.site, world.problem.fulfilment.channel, strict=True)
        ]
        self.priorities = sorted({channel.priority for channel in world.scenario.channels})  # by class
        self.ages = visible_ages(world.problem)
        self.longest_history = max(LONGEST_HISTORY, world.problem.demand.history_slots)
        self.mean_lead_times = lead_time_moments(world.problem)[0].tolist()
        self.whole = world.problem.rules.whole
        self.carried = lanes.allowed.tolist()  # lists answer single questions faster than arrays
        self.shelf_lives = world.problem.goods.shelf_life.tolist()

    def check_width(self, content: Any, where: str) -> None:
        """Raise `SnapshotError` where a content names more than the world has: each name would be a fault of its own."""
        if not isinstance(content, dict):
            return
        stock = content.get("stock")
        rows = [
            (stock, len(self.sites), "sites", "stock"),
            (content.get("goodwill"), len(self.channels), "channels", "goodwill"),
        ]
        balances = content.get("treasury")
        if isinstance(balances, dict):
            owed = (("payables", self.suppliers, "suppliers"), ("receivables", self.channels, "channels"))
            rows += [(balances.get(name), len(known), what, f"treasury.{name}") for name, known, what in owed]
            rows.append((balances.get("budgets"), len(self.budgets), "budgets", "treasury.budgets"))
        if isinstance(stock, dict) and len(stock) <= len(self.sites):
            rows += [(row, len(self.skus), "SKUs", f"stock.{shown(site)}") for site, row in stock.items()]
        for names, most, kind, field in rows:
            if isinstance(names, dict) and len(names) > max(most, MOST_KEYS):
                raise SnapshotError(f"{where}.{field} must have at most {most} {kind}, as the world has, not {len(names)}")

    def placed(self, snapshots: Mapping[str, Snapshot], worlds: Memory) -> SnapshotState:
        """Put worlds where snapshots, by their names, say they stand; `SnapshotError` names the field that is wrong."""
        worlds.clear()
        for world, (where, snapshot) in enumerate(snapshots.items()):
            self._fill(worlds.state, world, snapshot, where)
        return SnapshotState(worlds, self._memory(list(snapshots.values())), self._given(snapshots))

    def _fill(self, state: State, world: int, snapshot: Snapshot, where: str) -> None:
        clock = self.world.problem.clock
        if clock.season and snapshot.period >= clock.length:
            raise SnapshotError(f"{where}.period must be < {clock.length}, the length of the season, not {snapshot.period}")
        state.period[world] = snapshot.period
        handling = self.world.problem.sites.handling
        state.handling_left[world] = handling[snapshot.period % len(handling)]
        self._fill_stock(state.on_hand[world], snapshot.stock, f"{where}.stock")
        self._fill_in_transit(state, world, snapshot, f"{where}.in_transit")
        for place, demand in enumerate(snapshot.open_demand):
            self._add_open(state, world, demand, f"{where}.open_demand[{place}]")
        for place, owed in enumerate(snapshot.owed):
            self._add_owed(state, world, owed, f"{where}.owed[{place}]")
        for name, multiplier in snapshot.goodwill.items():
            group = self.world.problem.modulation.goodwill_group[self._position(name, self.channels, f"{where}.goodwill")]
            if group >= 0:
                state.goodwill[world, group] = multiplier
        for at, past in self._by_channel_and_sku(snapshot.demand_history, f"{where}.demand_history"):
            self._add_history(state, world, past, at)
        self._fill_treasury(state, world, snapshot.treasury, f"{where}.treasury")

    def _fill_treasury(self, state: State, world: int, balances: Balances | None, where: str) -> None:
        """Write cash, what is owed and what budgets have left."""
        treasury = self.world.problem.treasury
        if treasury.exists != (balances is not None):
            raise SnapshotError(f"{where} {'is needed in' if treasury.exists else 'must be left out of'} {self.world.name}")
        if balances is None:
            return
        if balances.debt > treasury.limit:
            raise SnapshotError(f"{where}.debt must be <= {treasury.limit:g}, the credit line's limit, not {balances.debt:g}")
        state.cash[world], state.debt[world] = balances.cash, balances.debt
        owed = [("payables", balances.payables, self.suppliers), ("receivables", balances.receivables, self.channels)]
        for name, amounts, known in owed:
            for party, by_settlement in amounts.items():
                place = self._position(party, known, f"{where}.{name}")
                if len(by_settlement) > treasury.slots:
                    longest = f"{where}.{name}.{shown(party)} must list at most {treasury.slots} settlements"
                    raise SnapshotError(f"{longest}, the longest terms, not {len(by_settlement)}")
                getattr(state, name)[world, : len(by_settlement), place] = by_settlement
        for place, entry in enumerate(balances.unpaid):
            lane, sku = self._lane(entry, f"{where}.unpaid[{place}]")
            if not self.world.problem.lanes.on_receipt[lane]:
                raise SnapshotError(f"{where}.unpaid[{place}]: the lane {entry.source} → {entry.to} is paid for on shipment")
            state.received[world, lane, sku] += self._whole(entry.units, f"{where}.unpaid[{place}].units")
        self._fill_budgets(state, world, balances, f"{where}.budgets")

    def _fill_budgets(self, state: State, world: int, balances: Balances, where: str) -> None:
        """Write what budgets have left; all must be there, but where their period begins: then they are full, or divided."""
        treasury, period = self.world.problem.treasury, int(state.period[world])
        begins = period % treasury.per == 0
        if begins:
            state.budget_left[world] = treasury.amounts[(period // treasury.per) % len(treasury.amounts)]
        for budget, amount in balances.budgets.items():
            state.budget_left[world, self._position(budget, self.budgets, where)] = amount
        missing = [name for name in self.budgets if name not in balances.budgets]
        if missing and not begins:
            raise SnapshotError(f"{where} has no entry for the budget {missing[0]!r}")

    def _fill_stock(self, on_hand: Floats, stock: dict[str, dict[str, Any]], where: str) -> None:
        """Write units by site, SKU and remaining life, (S, K, lives); every site and SKU must be there."""
        if stock.keys() != self.sites.keys():
            for name in stock:
                self._position(name, self.sites, where)
            missing = next(name for name in self.sites if name not in stock)
            raise SnapshotError(f"{where} has no entry for the site {missing!r}")
        for site, row in self.sites.items():
            by_sku = stock[site]
            if by_sku.keys() != self.skus.keys():
                for name in by_sku:
                    self._position(name, self.skus, f"{where}.{site}")
                missing = next(name for name in self.skus if name not in by_sku)
                raise SnapshotError(f"{where}.{site} has no entry for the SKU {missing!r}")
            for sku, units in by_sku.items():
                self._fill_lives(on_hand[row, self.skus[sku]], self.skus[sku], units, f"{where}.{site}.{sku}")

    def _fill_lives(self, lives: Floats, sku: int, units: Any, where: str) -> None:
        shelf_life = int(self.world.problem.goods.shelf_life[sku])
        if not isinstance(units, list):
            lives[max(shelf_life - 1, 0)] = self._whole(units, where)
            return
        if len(units) != shelf_life or not units:
            allowed = f"a list of {shelf_life}, one for each period on sale left," if shelf_life else "one number"
            raise SnapshotError(f"{where} must be {allowed} not a list of {len(units)}")
        lives[:shelf_life] = [self._whole(each, f"{where}[{left}]") for left, each in enumerate(units)]

    def _lane(self, entry: InTransit | Owed, where: str) -> tuple[int, int]:
        """Return lane and SKU of an entry."""
        lane = self.lanes.get((entry.source, entry.to))
        if lane is None:
            ends = f"{entry.source[:LONGEST_NAME]} → {entry.to[:LONGEST_NAME]}"
            raise SnapshotError(f"{where}: no supply lane leads {shown(ends)}; {nearest(ends, self.world.names.supply_lanes)}")
        sku = self._position(entry.sku, self.skus, f"{where}.sku")
        if not self.world.problem.lanes.allowed[lane, sku]:
            raise SnapshotError(f"{where}.sku: {entry.source} → {entry.to} does not carry {entry.sku!r}")
        return lane, sku

    def _fill_in_transit(self, state: State, world: int, snapshot: Snapshot, where: str) -> None:
        """Add all entries at once: there are a hundred of them in a usual snapshot."""
        if not snapshot.in_transit:
            return
        if self.ages == 0:
            raise SnapshotError(f"{where}[0]: nothing can be under way where every lead time is 0")
        slots, places, units = self.world.problem.lanes.slots, [], []
        for place, entry in enumerate(snapshot.in_transit):
            lane, sku, life = self._in_transit_at(entry, where, place)
            places.append(((snapshot.period - self._age(entry, lane)) % slots, lane, sku, life))
            units.append(entry.units)
        slot, lanes, skus, lives = zip(*places, strict=True)
        np.add.at(state.pipeline[world], (slot, lanes, skus, lives), units)
        np.add.at(state.in_transit[world], (lanes, skus), units)

    def _in_transit_at(self, entry: InTransit, where: str, place: int) -> tuple[int, int, int]:
        """Return lane, SKU and remaining life of an entry."""
        lane, sku = self.lanes.get((entry.source, entry.to)), self.skus.get(entry.sku)
        if lane is None or sku is None or not self.carried[lane][sku]:
            lane, sku = self._lane(entry, f"{where}[{place}]")  # says what is wrong
        shelf_life = self.shelf_lives[sku]
        if entry.life is not None and not 1 <= entry.life <= shelf_life:
            allowed = f"from 1 to {shelf_life}" if shelf_life else "left out, as the SKU does not perish"
            raise SnapshotError(f"{where}[{place}].life must be {allowed}, not {entry.life}")
        if self.whole and entry.units != int(entry.units):
            self._whole(entry.units, f"{where}[{place}].units")
        return lane, sku, max((entry.life or shelf_life) - 1, 0)

    def _add_open(self, state: State, world: int, demand: OpenDemand, where: str) -> None:
        """Add open demand to the slot of its due period; the latest orders are those of this period, or the last."""
        channel, sku = self._channel_and_sku(demand, where)
        channels = self.world.problem.channels
        latest, last = (0 if self.world.problem.clock.demand_first else 1), int(channels.last[channel])
        slot = min(latest, last) if demand.due is None else int(channels.due[channel]) - demand.due
        if slot < 0:
            raise SnapshotError(
                f"{where}.due must be <= {channels.due[channel]}, the time {demand.channel!r} gives, not {demand.due}"
            )
        state.open_demand[world, channel, sku, min(slot, last)] += self._whole(demand.units, f"{where}.units")

    def _add_owed(self, state: State, world: int, owed: Owed, where: str) -> None:
        lane, sku = self._lane(owed, where)
        if not self.world.problem.lanes.backlog[lane]:
            raise SnapshotError(f"{where}: the lane {owed.source} → {owed.to} keeps no backlog")
        state.owed[world, lane, sku] += self._whole(owed.units, f"{where}.units")

    def _age(self, entry: InTransit, lane: int) -> int:
        """Return for how long an order has been in transit, at most as long as the world's orders ever are.

        A promised date stands for the age at which the lane's mean lead time leads to it.
        """
        age = entry.age if entry.age is not None else round(self.mean_lead_times[lane]) - (entry.promised or 0)
        return min(max(age, 1), self.ages)

    def _by_channel_and_sku(self, entries: Sequence[Any], where: str) -> Iterator[tuple[str, Any]]:
        """Return entries, each with its place; `SnapshotError` where two are about the same channel and SKU."""
        known: set[tuple[int, int]] = set()
        for place, entry in enumerate(entries):
            about = self._channel_and_sku(entry, f"{where}[{place}]")
            if about in known:
                raise SnapshotError(f"{where}[{place}]: {entry.channel} and {entry.sku} stand in an entry before it already")
            known.add(about)
            yield f"{where}[{place}]", entry

    def _add_history(self, state: State, world: int, past: PastDemand, where: str) -> None:
        channel, sku = self._channel_and_sku(past, where)
        demand = self.world.problem.demand
        kept = demand.history_slots
        if len(past.units) > self.longest_history:
            raise SnapshotError(f"{where}.units must list at most {self.longest_history}, not {len(past.units)}")
        seen = self.world.problem.clock.demand_first and not demand.of_sales
        latest = int(state.period[world]) - (0 if seen else 1)
        units = [self._whole(each, f"{where}.units[{back}]") for back, each in enumerate(past.units)]
        for back, each in enumerate(units[:kept]):
            state.demand_history[world, (latest - back) % kept, channel, sku] = each

    def _channel_and_sku(self, entry: Any, where: str) -> tuple[int, int]:
        channel = self._position(entry.channel, self.channels, f"{where}.channel")
        return channel, self._position(entry.sku, self.skus, f"{where}.sku")

    def _position(self, name: str, known: dict[str, int], where: str) -> int:
        if name not in known:
            raise SnapshotError(f"{where}: nothing is called {shown(name)}; {nearest(name, known)}")
        return known[name]

    def _whole(self, units: float, where: str) -> float:
        if self.world.problem.rules.whole and units != int(units):
            raise SnapshotError(f"{where} must be whole units, not {units:g}")
        return units

    def _memory(self, snapshots: Sequence[Snapshot]) -> Floats | None:
        """Return what the policies remember, (B, n), all of one length; zeros for a first decision beside later ones."""
        given = next((snapshot.memory for snapshot in snapshots if snapshot.memory is not None), None)
        if given is None:
            return None
        nothing = [0.0] * len(given)
        return np.array([nothing if snapshot.memory is None else snapshot.memory for snapshot in snapshots])

    def _given(self, snapshots: Mapping[str, Snapshot]) -> GivenForecast | None:
        """Return the forecasts that came with snapshots."""
        places, mean, deviation = [], [], []
        for world, (where, snapshot) in enumerate(snapshots.items()):
            for at, entry in self._by_channel_and_sku(snapshot.forecast, f"{where}.forecast"):
                places.append((world, *self._channel_and_sku(entry, at)))
                mean.append(np.array([period.mean for period in entry.periods]))
                deviation.append(np.array([period.deviation for period in entry.periods]))
        return GivenForecast(places, mean, deviation) if places else None

    def snapshot(self, state: State, world: int, memory: Floats | None = None) -> Snapshot:
        """Return what is known of a simulated world before its decision."""
        goodwill, groups = state.goodwill[world], self.world.problem.modulation.goodwill_group
        return Snapshot(
            period=int(state.period[world]),
            stock=self._stock(state, world),
            in_transit=list(self._in_transit(state, world)),
            open_demand=list(self._open(state, world)),
            owed=list(self._owed(state, world)),
            goodwill={name: float(goodwill[groups[place]]) for name, place in self.channels.items() if groups[place] >= 0},
            demand_history=self._history(state, world),
            treasury=self._balances(state, world) if self.world.problem.treasury.exists else None,
            memory=None if memory is None else memory[world].tolist(),
        )

    def _balances(self, state: State, world: int) -> Balances:
        names = self.world.names
        return Balances(
            cash=float(state.cash[world, 0]),
            debt=float(state.debt[world, 0]),
            payables=dict(zip(names.suppliers, state.payables[world].T.tolist(), strict=True)),
            receivables=dict(zip(names.channels, state.receivables[world].T.tolist(), strict=True)),
            unpaid=list(self._unpaid(state, world)),
            budgets=dict(zip(names.budgets, state.budget_left[world].tolist(), strict=True)),
        )

    def _unpaid(self, state: State, world: int) -> Iterator[Unpaid]:
        on_receipt = self.world.problem.lanes.on_receipt
        for lane, sku in zip(*np.nonzero(state.received[world] * on_receipt[:, None]), strict=True):
            source, to = self.ends[lane]
            units = float(state.received[world, lane, sku])
            yield Unpaid(source=source, to=to, sku=self.world.names.skus[sku], units=units)

    def _stock(self, state: State, world: int) -> dict[str, dict[str, float | list[float]]]:
        """Return stock as the records have it; of what perishes by remaining life, where the records agree with the shelves."""
        seen, shelf_life = Observation.of(self.world.problem, state), self.world.problem.goods.shelf_life

        def of(site: int, sku: int) -> float | list[float]:
            if shelf_life[sku] == 0:
                return float(seen.on_hand[world, site, sku])
            lives = seen.by_life[world, site, sku, : shelf_life[sku]].copy()
            lives[-1] += seen.on_hand[world, site, sku] - lives.sum()  # unseen losses: nobody knows of which life
            return [float(units) for units in lives]

        return {site: {sku: of(row, place) for sku, place in self.skus.items()} for site, row in self.sites.items()}

    def _open(self, state: State, world: int) -> Iterator[OpenDemand]:
        names, due = self.world.names, self.world.problem.channels.due
        for channel, sku, slot in zip(*np.nonzero(state.open_demand[world]), strict=True):
            units = float(state.open_demand[world, channel, sku, slot])
            left = int(due[channel] - slot)
            yield OpenDemand(channel=names.channels[channel], sku=names.skus[sku], units=units, due=left)

    def _owed(self, state: State, world: int) -> Iterator[Owed]:
        for lane, sku in zip(*np.nonzero(state.owed[world]), strict=True):
            source, to = self.ends[lane]
            yield Owed(source=source, to=to, sku=self.world.names.skus[sku], units=float(state.owed[world, lane, sku]))

    def _in_transit(self, state: State, world: int) -> Iterator[InTransit]:
        problem, period = self.world.problem, int(state.period[world])
        for slot, lane, sku, life in zip(*np.nonzero(state.pipeline[world]), strict=True):
            source, to = self.ends[lane]
            units, age = float(state.pipeline[world, slot, lane, sku, life]), (period - int(slot)) % problem.lanes.slots
            left = int(life) + 1 if problem.goods.shelf_life[sku] else None
            yield InTransit(source=source, to=to, sku=self.world.names.skus[sku], units=units, age=age, life=left)

    def _history(self, state: State, world: int) -> list[PastDemand]:
        seen = Observation.of(self.world.problem, state).demand_history[world]
        return [
            PastDemand(channel=channel, sku=sku, units=seen[:, c, k].tolist())
            for channel, c in self.channels.items()
            for sku, k in self.skus.items()
            if seen[:, c, k].any()
        ]
