"""Demand processes as arrays: how each channel and SKU draws its demand, period by period."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from allotment.scenario import processes
from allotment.scenario.amounts import LARGEST
from allotment.scenario.distributions import DISTRIBUTIONS, EVENT, HISTORY, NO_DEMAND, TABLE, Distribution, demand_table
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.moments import resampling_moments
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Demand, Flags, Floats
from allotment.scenario.schema import Demand as Declared
from allotment.scenario.schema import Scenario
from allotment.scenario.shapes import multipliers
from allotment.scenario.sizes import check_numbers
from allotment.scenario.source_data import History
from allotment.scenario.spreading import spread
from allotment.scenario.streams import stream_key
from allotment.scenario.tables import LARGEST_SET, TableSet, TooLarge, check_size

LONGEST_CYCLE = 2000  # periods after which seasons of different lengths must repeat together
BEHIND_THE_END = 64  # periods that are known beyond an episode's end, for forecasts, where the mean does not repeat
MOST_SEARCHED = 2**30  # values a period, where draws are looked for
MOST_TABLES = 200_000  # more than so many are not tabulated but inverted draw by draw


def compile_demand(scenario: Scenario, histories: dict[str, History], packing: TableSet) -> Demand:
    """Return the demand processes of every channel and SKU."""
    return _Compiler(scenario, histories, packing).compiled()


class _Compiler:
    """Fills the arrays of `Demand`, entry by entry."""

    def __init__(self, scenario: Scenario, histories: dict[str, History], packing: TableSet) -> None:
        self.scenario, self.histories, self.packing = scenario, histories, packing
        self.channels = [channel.name for channel in scenario.channels]
        self.skus = [sku.name for sku in scenario.skus]
        self.periods, self.repeats = self._table_periods()
        self.searched = 0.0  # values among which the draws of a period are looked for
        self.highest_multiplier = _highest_multiplier(scenario)
        cells = len(self.channels), len(self.skus)
        self.shape = (self.periods, *cells)
        check_numbers("demand", {"periods": self.periods, "channels": cells[0], "SKUs": cells[1], "numbers of each": 4})
        self.arrays: dict[str, Any] = {
            "kind": np.full(cells, NO_DEMAND),
            "row": np.zeros(self.shape, dtype=np.int64),
            "centre": np.zeros(self.shape),
            "mean": np.zeros(self.shape),
            "deviation": np.zeros(self.shape),
            "repeats": self.repeats,
            "shape": np.zeros(cells),
            "floor": np.zeros(cells),
            "rounded": np.zeros(cells, dtype=bool),
            "maximum": np.full(cells, np.inf),
            "noise": np.ones(cells),
            "stream": np.array([[stream_key("demand", c, k) for k in self.skus] for c in self.channels], dtype=np.uint64),
            "loading": np.zeros(cells),
            "factor_stream": np.zeros(cells, dtype=np.uint64),
            "event_low": np.full(cells, 2.0),
            "event_high": np.full(cells, 2.0),
            "event_stream": np.uint64(stream_key("event")),
            "recorded": np.zeros((1, *cells)),
            "replayed": False,
            "window": -1,
            "history_stream": np.uint64(stream_key("history")),
            "history_slots": scenario.observation.demand_history,
            "of_sales": scenario.observation.history_of == "sales",
        }

    def compiled(self) -> Demand:
        """Return the filled arrays."""
        entry = np.full(self.shape[1:], -1)
        for position, declared in enumerate(self.scenario.demand):
            where = f"demand[{position}]"
            cells = self._cells(declared, where)
            if (entry[cells] >= 0).any():
                channel, sku = np.argwhere(cells & (entry >= 0))[0]
                earlier, names = f"demand[{entry[channel, sku]}]", f"{self.channels[channel]!r} for {self.skus[sku]!r}"
                raise ScenarioError(f"{where}: {earlier} declares the demand of {names} already")
            entry[cells] = position
            self._fill(cells, declared, f"{where}.process")
            self._correlate(cells, declared, position)
        return Demand(**self.arrays)

    def _table_periods(self) -> tuple[int, bool]:
        """Return how many periods the tables hold, and whether they repeat after that."""
        lengths, moves = {1}, False
        for position, declared in enumerate(self.scenario.demand):
            process = declared.process
            lengths |= getattr(process, "cycles", set())
            moves |= isinstance(process, processes.Shaped) and process.moves
            for name in _histories_of(process):
                lengths.add(len(self._history(name, f"demand[{position}].process").units))
        if moves:
            return self.scenario.horizon.warm_up + self.scenario.horizon.periods + BEHIND_THE_END, False
        cycle = math.lcm(*lengths)
        if cycle > LONGEST_CYCLE:
            cycles = " and ".join(str(length) for length in sorted(lengths - {1}))
            raise ScenarioError(f"demand: seasons of {cycles} periods must repeat together within {LONGEST_CYCLE}, not {cycle}")
        return cycle, True

    def _cells(self, declared: Declared, where: str) -> Flags:
        cells = np.zeros(self.shape[1:], dtype=bool)
        channels = matching(declared.channel, self.channels, f"{where}.channel")
        cells[np.ix_(channels, matching(declared.sku, self.skus, f"{where}.sku"))] = True
        return cells

    def _fill(self, cells: Flags, declared: Declared, where: str) -> None:
        process = declared.process
        modulated = self.scenario.goodwill is not None or declared.regime is not None
        if isinstance(process, processes.OneOf):
            self._fill_events(cells, process, modulated, where)
            return
        highest = np.inf if process.maximum is None else process.maximum
        self.arrays["maximum"][cells] = (
            math.floor(highest) if self.scenario.units == "integer" and highest < np.inf else highest
        )
        self.arrays["noise"][cells] = process.noise_scale
        if process.noise_scale != 1.0 and self.scenario.units == "integer":
            raise ScenarioError(f"{where}.noise_scale needs units: continuous")
        if isinstance(process, processes.Empirical | processes.Trace):
            self._fill_history(cells, process, modulated, where)
        else:
            try:
                self._fill_distribution(cells, process, modulated, where)
            except TooLarge as error:
                raise ScenarioError(f"{where}: {error}") from None

    def _fill_distribution(self, cells: Flags, process: Any, modulated: bool, where: str) -> None:
        if isinstance(process, processes.Shaped):
            self._fill_mean(cells, process, where)
        elif modulated:
            raise ScenarioError(f"{where}: goodwill and regimes need a process with a mean, not {process.distribution}")
        distribution = DISTRIBUTIONS[type(process)]
        fractions = distribution.continuous and not process.rounded
        if fractions and self.scenario.units == "integer":
            raise ScenarioError(f"{where}: distribution {process.distribution} needs units: continuous, or rounded: true")
        if isinstance(process, processes.Deterministic) and not modulated:
            self._check_whole(self.arrays["centre"][:, cells], f"{where}: deterministic demand")
        direct = modulated or process.noise_scale != 1.0 or fractions or self.periods * cells.sum() > MOST_TABLES
        if process.noise_scale != 1.0 and distribution.inverted is None:
            raise ScenarioError(f"{where}.noise_scale needs a process with a mean, not {process.distribution}")
        if direct and distribution.inverted is not None:
            self._fill_inverted(cells, process, distribution, where)
        else:
            self._fill_tables(cells, process)

    def _fill_mean(self, cells: Flags, process: processes.Shaped, where: str) -> None:
        """Write the nominal mean by period, channel and SKU, before clipping, noise and modulation."""
        concerned, demanded = np.asarray(cells.any(axis=1)), np.asarray(cells.any(axis=0))
        scale = spread(process.scale, self.channels, f"{where}.scale", concerned)
        by_sku = spread(process.mean, self.skus, f"{where}.mean", demanded, (str(self.scenario.seed), where))
        with np.errstate(over="ignore", invalid="ignore"):
            moving = multipliers(process, self.periods, self.skus, where)[:, None]
            centre = np.maximum(moving * np.outer(scale, by_sku), process.mean_floor)
        self._check_largest(centre[:, cells], "a mean", where)
        self.arrays["centre"][:, cells] = centre[:, cells]
        if isinstance(process, processes.Normal) and process.standard_deviation > 0.0 and (by_sku[demanded] == 0.0).any():
            raise ScenarioError(f"{where}.mean must be > 0 where standard_deviation is, not 0")
        self.arrays["floor"][cells] = process.mean_floor
        self.arrays["shape"][cells] = np.broadcast_to(DISTRIBUTIONS[type(process)].shape(process, by_sku), self.shape[1:])[
            cells
        ]

    def _fill_inverted(self, cells: Flags, process: Any, distribution: Distribution, where: str) -> None:
        """Invert the distribution at the mean of the moment, draw by draw."""
        self.arrays["kind"][cells] = distribution.inverted
        whole = self.scenario.units == "integer"
        self.arrays["rounded"][cells] = getattr(process, "rounded", isinstance(process, processes.Deterministic) and whole)
        assert distribution.moments is not None
        mean, deviation = distribution.moments(self.arrays["centre"][:, cells], self.arrays["shape"][cells])
        self._check_largest(deviation, "a standard deviation", where)
        self._check_search(process, mean, deviation)
        self.arrays["mean"][:, cells], self.arrays["deviation"][:, cells] = mean, process.noise_scale * deviation

    def _check_largest(self, units: Floats, what: str, where: str) -> None:
        """Refuse demand that is larger, or may be driven higher, than quantities can be."""
        highest = float(units.max(initial=0.0)) * self.highest_multiplier
        if not highest <= LARGEST:
            raise ScenarioError(f"{where}: {what} of up to {highest:,.3g} units a period, more than {LARGEST:,.0f}")

    def _check_search(self, process: Any, mean: Floats, deviation: Floats) -> None:
        """Refuse counts so spread that to look for each draw would take too long: `TooLarge`."""
        if isinstance(process, processes.Poisson | processes.NegativeBinomial):
            spread = deviation.max(axis=0, initial=0.0) * math.sqrt(self.highest_multiplier)
            values = 16.0 + 8.0 * spread + 30.0 * getattr(process, "dispersion", 1.0)
            check_size(float(values.max(initial=0.0)))
            self.searched += float(values.sum())
            if self.searched > MOST_SEARCHED:
                raise TooLarge(self.searched, MOST_SEARCHED)

    def _check_tables(self, cells: Flags, process: Any) -> None:
        """Refuse tables that will clearly be too large together before the first is made: `TooLarge`."""
        moments = DISTRIBUTIONS[type(process)].moments
        if moments is not None and not isinstance(process, processes.Deterministic):
            shapes = np.broadcast_to(self.arrays["shape"][cells], (self.periods, int(cells.sum())))
            means, shapes = np.unique(np.stack([self.arrays["centre"][:, cells].ravel(), shapes.ravel()]), axis=1)
            deviations = moments(means, shapes)[1]
            values = float((np.minimum(means, 12.0 * deviations) + 8.0 * deviations).sum())
            if len(means) > 1 and values > LARGEST_SET:
                raise TooLarge(values, LARGEST_SET)

    def _fill_tables(self, cells: Flags, process: Any) -> None:
        self.arrays["kind"][cells] = TABLE
        self._check_tables(cells, process)
        known: dict[tuple[float, float], tuple[int, float, float]] = {}
        for period, channel, sku in zip(*np.nonzero(np.broadcast_to(cells, self.shape)), strict=True):
            key = float(self.arrays["centre"][period, channel, sku]), float(self.arrays["shape"][channel, sku])
            if key not in known:
                table = demand_table(process, *key).up_to(process.maximum)
                known[key] = self.packing.row(table), table.mean, math.sqrt(table.variance)
            row, expected, deviation = known[key]
            self.arrays["row"][period, channel, sku] = row
            self.arrays["mean"][period, channel, sku] = expected
            self.arrays["deviation"][period, channel, sku] = deviation

    def _fill_events(self, cells: Flags, process: processes.OneOf, modulated: bool, where: str) -> None:
        """Give each channel its slice of the unit interval; a period's event is where one uniform number falls."""
        if modulated:
            raise ScenarioError(f"{where}: goodwill and regimes need a process with a mean, not one_of")
        if (self.arrays["kind"] == EVENT).any():
            raise ScenarioError(f"{where}: a world has one process of one_of")
        skus = np.flatnonzero(cells.any(axis=0))
        if len(skus) != 1:
            raise ScenarioError(f"{where}: one_of orders units of one SKU; name it with sku, not {len(skus)} of them")
        low = 0.0
        for name, probability in process.channels.items():
            (channel,) = matching(name, self.channels, f"{where}.channels")
            self.arrays["kind"][channel, skus] = EVENT
            self.arrays["event_low"][channel, skus], self.arrays["event_high"][channel, skus] = low, low + probability
            self.arrays["mean"][:, channel, skus] = probability
            self.arrays["deviation"][:, channel, skus] = math.sqrt(probability * (1.0 - probability))
            low += probability

    def _fill_history(self, cells: Flags, process: processes.Empirical | processes.Trace, modulated: bool, where: str) -> None:
        """Draw from, or replay, a recorded history; all recorded demand of a world comes from one history."""
        if (self.arrays["kind"] == HISTORY).any():
            raise ScenarioError(f"{where}: a world has one recorded history; declare it once, with name patterns")
        if modulated and self.scenario.units == "integer":
            raise ScenarioError(f"{where}: goodwill on a recorded history needs units: continuous")
        replayed = isinstance(process, processes.Trace)
        units = self._by_name(self._history(process.history, where), where)
        self._check_whole(units, f"{where}: history {process.history!r}")
        length = self.scenario.horizon.warm_up + self.scenario.horizon.periods
        if replayed and len(units) < length:
            raise ScenarioError(f"{where}: history {process.history!r} has {len(units)} periods, the horizon {length}")
        known = units
        if isinstance(process, processes.Trace):
            known = self._by_name(self._history(process.forecast, where), where)
        if process.window is not None:
            windows = {"periods": len(known), "periods of a window": min(len(known), 2 * process.window + 1)}
            check_numbers(where, {**windows, "channels": len(self.channels), "SKUs": len(self.skus)})
        window = None if process.window is None or 2 * process.window + 1 >= len(known) else process.window
        mean, deviation = resampling_moments(known, window)
        for name, values in (("mean", mean), ("deviation", deviation), ("centre", mean)):
            self.arrays[name][:, cells] = np.resize(values, self.shape)[:, cells]
        self.arrays["kind"][cells] = HISTORY
        self.arrays["recorded"], self.arrays["replayed"] = units, replayed
        self.arrays["window"] = -1 if window is None else window

    def _correlate(self, cells: Flags, declared: Declared, position: int) -> None:
        """Give draws a common factor: one in all, one for each SKU (across channels) or one for each channel (across SKUs)."""
        correlation = declared.correlation
        if correlation is None:
            return
        if isinstance(declared.process, processes.Empirical | processes.Trace | processes.OneOf):
            kind = declared.process.distribution
            raise ScenarioError(f"demand[{position}].correlation: draws of {kind} belong together already")
        self.arrays["loading"][cells] = math.sqrt(correlation.coefficient)
        for channel, sku in np.argwhere(cells):
            names = {"channels": (self.skus[sku],), "skus": (self.channels[channel],), "all": ()}[correlation.across]
            of = "factor", declared.channel, declared.sku, correlation.across
            self.arrays["factor_stream"][channel, sku] = stream_key(*of, *names)

    def _history(self, name: str, where: str) -> History:
        if name not in self.histories:
            known = (
                nearest(name, self.histories) if self.histories else "the scenario has none, of its own or from a data reader"
            )
            raise ScenarioError(f"{where}: no history is called {name!r}; {known}")
        return self.histories[name]

    def _by_name(self, history: History, where: str) -> Floats:
        """Return a history's units in the order of the scenario's channels and SKUs, (periods, channels, skus)."""
        try:
            channels = [history.channels.index(channel) for channel in self.channels]
            skus = [history.skus.index(sku) for sku in self.skus]
        except ValueError as error:
            raise ScenarioError(f"{where}: the history lacks a channel or SKU of the scenario: {error}") from error
        return np.ascontiguousarray(history.units[:, channels][:, :, skus])

    def _check_whole(self, units: Floats, what: str) -> None:
        fractions = units[units != np.floor(units)]
        if self.scenario.units == "integer" and fractions.size:
            raise ScenarioError(f"{what} must be whole units where units are integer, not {fractions.flat[0]:g}")


def _highest_multiplier(scenario: Scenario) -> float:
    """Return the most that goodwill and regimes can multiply a mean by."""
    cap = 1.0 if scenario.goodwill is None else scenario.goodwill.cap
    return max(1.0, cap * max([each for regime in scenario.regimes for each in regime.multipliers], default=1.0))


def _histories_of(process: processes.DemandProcess) -> list[str]:
    return [getattr(process, key) for key in ("history", "forecast") if hasattr(process, key)]
