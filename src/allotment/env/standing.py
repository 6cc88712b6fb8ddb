"""Between snapshots and the arrays of a simulation: names into positions, and back.

What a snapshot says becomes the very state that a simulation holds, so that the observation of a snapshot is built by the
same code as in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allotment.engine.state import State, empty_state
from allotment.env.observation import GivenForecast, Observation, visible_ages
from allotment.env.snapshot import OpenDemand, PastDemand, Snapshot, SnapshotError, UnderWay
from allotment.scenario.errors import nearest
from allotment.scenario.loader import World
from allotment.scenario.moments import lead_time_moments
from allotment.scenario.problem import Floats


@dataclass(frozen=True)
class Standing:
    """Where the worlds of some snapshots stand: the state of a simulation, and what else a policy sees."""

    state: State
    memory: Floats | None
    given: GivenForecast | None

    def observation(self, world: World) -> Observation:
        """Return what a policy sees."""
        return Observation.of(world.problem, self.state, self.memory, self.given)


class Register:
    """The positions of a world's names, for reading snapshots and writing them."""

    def __init__(self, world: World) -> None:
        self.world = world
        names, lanes = world.names, world.problem.lanes
        self.sites = {name: place for place, name in enumerate(names.sites)}
        self.skus = {name: place for place, name in enumerate(names.skus)}
        self.channels = {name: place for place, name in enumerate(names.channels)}
        sources = [names.suppliers[u] if u >= 0 else names.sites[s] for u, s in zip(lanes.supplier, lanes.site, strict=True)]
        self.ends = [(source, names.sites[to]) for source, to in zip(sources, lanes.to, strict=True)]
        self.lanes = {ends: lane for lane, ends in enumerate(self.ends)}
        self.serving = [
            (names.sites[site], names.channels[channel])
            for site, channel in zip(world.problem.serving.site, world.problem.serving.channel, strict=True)
        ]
        self.ages = visible_ages(world.problem)
        self.mean_lead_times = lead_time_moments(world.problem)[0].tolist()

    def standing(self, snapshots: Sequence[Snapshot]) -> Standing:
        """Return where the worlds of snapshots stand; `SnapshotError` names the snapshot and the field that is wrong."""
        state = empty_state(self.world.problem, len(snapshots))
        for place, snapshot in enumerate(snapshots):
            where = "snapshot" if len(snapshots) == 1 else f"snapshots[{place}]"
            self._fill(state, place, snapshot, where)
        return Standing(state, self._memory(snapshots), self._given(snapshots))

    def _fill(self, state: State, world: int, snapshot: Snapshot, where: str) -> None:
        clock = self.world.problem.clock
        if clock.season and snapshot.period >= clock.length:
            raise SnapshotError(f"{where}.period must be < {clock.length}, the length of the season, not {snapshot.period}")
        state.period[world] = snapshot.period
        self._fill_stock(state.on_hand[world, :, :, 0], snapshot.stock, f"{where}.stock")
        for place, entry in enumerate(snapshot.under_way):
            self._add_under_way(state, world, entry, f"{where}.under_way[{place}]")
        for place, demand in enumerate(snapshot.open_demand):
            channel, sku = self._channel_and_sku(demand, f"{where}.open_demand[{place}]")
            state.open_orders[world, channel, sku, 0] += self._whole(demand.units, f"{where}.open_demand[{place}].units")
        for place, past in enumerate(snapshot.demand_history):
            self._add_history(state, world, past, f"{where}.demand_history[{place}]")

    def _fill_stock(self, on_hand: Floats, stock: dict[str, dict[str, float]], where: str) -> None:
        for name in stock:
            self._position(name, self.sites, where)
        for site, row in self.sites.items():
            if site not in stock:
                raise SnapshotError(f"{where} has no entry for the site {site!r}")
            by_sku = stock[site]
            if by_sku.keys() != self.skus.keys():
                for name in by_sku:
                    self._position(name, self.skus, f"{where}.{site}")
                missing = next(name for name in self.skus if name not in by_sku)
                raise SnapshotError(f"{where}.{site} has no entry for the SKU {missing!r}")
            for sku, units in by_sku.items():
                on_hand[row, self.skus[sku]] = self._whole(units, f"{where}.{site}.{sku}")

    def _add_under_way(self, state: State, world: int, entry: UnderWay, where: str) -> None:
        lane = self.lanes.get((entry.source, entry.to))
        if lane is None:
            ends = f"{entry.source} → {entry.to}"
            raise SnapshotError(f"{where}: no supply lane leads {ends}; {nearest(ends, self.world.names.supply_lanes)}")
        sku = self._position(entry.sku, self.skus, f"{where}.sku")
        if not self.world.problem.lanes.allowed[lane, sku]:
            raise SnapshotError(f"{where}.sku: {entry.source} → {entry.to} does not carry {entry.sku!r}")
        if self.ages == 0:
            raise SnapshotError(f"{where}: nothing can be under way where every lead time is 0")
        slot = (state.period[world] - self._age(entry, lane)) % self.world.problem.lanes.slots
        state.in_transit[world, slot, lane, sku, 0] += self._whole(entry.units, f"{where}.units")

    def _age(self, entry: UnderWay, lane: int) -> int:
        """Return for how long an order has been under way, at most as long as the world's orders ever are.

        A promised date stands for the age at which the lane's mean lead time leads to it.
        """
        age = entry.age if entry.age is not None else round(self.mean_lead_times[lane]) - (entry.promised or 0)
        return min(max(age, 1), self.ages)

    def _add_history(self, state: State, world: int, past: PastDemand, where: str) -> None:
        channel, sku = self._channel_and_sku(past, where)
        kept = self.world.problem.demand.history_slots
        latest = int(state.period[world]) - (0 if self.world.problem.clock.demand_first else 1)
        units = [self._whole(each, f"{where}.units[{back}]") for back, each in enumerate(past.units)]
        for back, each in enumerate(units[:kept]):
            state.demand_history[world, (latest - back) % kept, channel, sku] = each

    def _channel_and_sku(self, entry: Any, where: str) -> tuple[int, int]:
        channel = self._position(entry.channel, self.channels, f"{where}.channel")
        return channel, self._position(entry.sku, self.skus, f"{where}.sku")

    def _position(self, name: str, known: dict[str, int], where: str) -> int:
        if name not in known:
            raise SnapshotError(f"{where}: nothing is called {name!r}; {nearest(name, known)}")
        return known[name]

    def _whole(self, units: float, where: str) -> float:
        if self.world.problem.sharing.whole and units != int(units):
            raise SnapshotError(f"{where} must be whole units, not {units:g}")
        return units

    def _memory(self, snapshots: Sequence[Snapshot]) -> Floats | None:
        """Return what the policies remember, (B, n); zeros for a first decision beside later ones."""
        given = [snapshot.memory for snapshot in snapshots if snapshot.memory is not None]
        if not given:
            return None
        sizes = {len(memory) for memory in given}
        if len(sizes) > 1:
            raise SnapshotError(f"snapshots: memory must have one length, not {sorted(sizes)}")
        nothing = [0.0] * sizes.pop()
        return np.array([nothing if snapshot.memory is None else snapshot.memory for snapshot in snapshots])

    def _given(self, snapshots: Sequence[Snapshot]) -> GivenForecast | None:
        """Return the forecasts that came with snapshots, by channel and SKU; NaN where there is none."""
        periods = max((len(entry.periods) for snapshot in snapshots for entry in snapshot.forecast), default=0)
        if periods == 0:
            return None
        mean = np.full((len(snapshots), periods, len(self.channels), len(self.skus)), np.nan)
        deviation = mean.copy()
        for world, snapshot in enumerate(snapshots):
            for place, entry in enumerate(snapshot.forecast):
                channel, sku = self._channel_and_sku(entry, f"forecast[{place}]")
                mean[world, : len(entry.periods), channel, sku] = [period.mean for period in entry.periods]
                deviation[world, : len(entry.periods), channel, sku] = [period.deviation for period in entry.periods]
        return GivenForecast(mean, deviation)

    def snapshot(self, state: State, world: int, memory: Floats | None = None) -> Snapshot:
        """Return what is known of a simulated world before its decision."""
        period = int(state.period[world])
        return Snapshot(
            period=period,
            stock={
                site: dict(zip(self.skus, state.on_hand[world, row, :, 0].tolist(), strict=True))
                for site, row in self.sites.items()
            },
            under_way=list(self._under_way(state, world)),
            open_demand=[
                OpenDemand(channel=self.world.names.channels[c], sku=self.world.names.skus[k], units=float(units))
                for (c, k), units in np.ndenumerate(state.open_orders[world, :, :, 0])
                if units > 0.0
            ],
            demand_history=self._history(state, world),
            memory=None if memory is None else memory[world].tolist(),
        )

    def _under_way(self, state: State, world: int) -> Sequence[UnderWay]:
        slots, period = self.world.problem.lanes.slots, int(state.period[world])
        entries = []
        for slot, lane, sku in zip(*np.nonzero(state.in_transit[world, :, :, :, 0]), strict=True):
            source, to = self.ends[lane]
            units, age = float(state.in_transit[world, slot, lane, sku, 0]), (period - int(slot)) % slots
            entries.append(UnderWay(source=source, to=to, sku=self.world.names.skus[sku], units=units, age=age))
        return entries

    def _history(self, state: State, world: int) -> list[PastDemand]:
        seen = Observation.of(self.world.problem, state).demand_history[world]
        return [
            PastDemand(channel=channel, sku=sku, units=seen[:, c, k].tolist())
            for channel, c in self.channels.items()
            for sku, k in self.skus.items()
            if seen[:, c, k].any()
        ]
