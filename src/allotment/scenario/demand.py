"""Demand processes as arrays: which table, normal or recorded history each channel and SKU draws from, period by period."""

from __future__ import annotations

import math

import numpy as np

from allotment.scenario import processes
from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.patterns import matching, spread
from allotment.scenario.problem import HISTORY, NO_DEMAND, NORMAL, TABLE, Demand, Flags, Floats
from allotment.scenario.schema import Scenario
from allotment.scenario.source_data import History
from allotment.scenario.streams import stream_key
from allotment.scenario.tables import TableSet, demand_table

LONGEST_CYCLE = 2000  # periods after which seasons of different lengths must repeat together


def compile_demand(scenario: Scenario, histories: dict[str, History], packing: TableSet) -> Demand:
    """Return the demand processes of every channel and SKU."""
    channels = [channel.name for channel in scenario.channels]
    skus = [sku.name for sku in scenario.skus]
    shape = (_cycle(scenario, histories), len(channels), len(skus))
    arrays = {
        "kind": np.full(shape[1:], NO_DEMAND),
        "row": np.zeros(shape, dtype=np.int64),
        "mean": np.zeros(shape),
        "deviation": np.zeros(shape),
        "stream": np.array([[stream_key("demand", c, k) for k in skus] for c in channels], dtype=np.uint64),
        "history_slots": scenario.observation.demand_history,
        **_no_history(len(channels), len(skus)),
    }
    entry = np.full(shape[1:], -1)
    for position, declared in enumerate(scenario.demand):
        where = f"demand[{position}]"
        cells = np.zeros(shape[1:], dtype=bool)
        of_channels = matching(declared.channel, channels, f"{where}.channel")
        cells[np.ix_(of_channels, matching(declared.sku, skus, f"{where}.sku"))] = True
        if (entry[cells] >= 0).any():
            channel, sku = np.argwhere(cells & (entry >= 0))[0]
            earlier = f"demand[{entry[channel, sku]}]"
            raise ScenarioError(f"{where}: {earlier} declares the demand of {channels[channel]!r} for {skus[sku]!r} already")
        entry[cells] = position
        if isinstance(declared.process, processes.Empirical | processes.Trace):
            _fill_history(arrays, cells, declared.process, histories, scenario, f"{where}.process")
        else:
            _fill_distribution(arrays, cells, declared.process, scenario, packing, f"{where}.process")
    return Demand(**arrays)


def _no_history(channels: int, skus: int) -> dict:
    return {
        "history": np.zeros((1, channels, skus)),
        "replayed": False,
        "window": -1,
        "history_stream": np.uint64(stream_key("history")),
    }


def _cycle(scenario: Scenario, histories: dict[str, History]) -> int:
    """Return the number of periods after which all seasons and histories repeat together."""
    lengths = {1}
    for position, declared in enumerate(scenario.demand):
        season = getattr(declared.process, "season", None)
        if season is not None:
            lengths.add(season.period)
        for name in _histories_of(declared.process):
            lengths.add(len(_history(name, histories, f"demand[{position}].process").units))
    cycle = math.lcm(*lengths)
    if cycle > LONGEST_CYCLE:
        cycles = " and ".join(str(length) for length in sorted(lengths - {1}))
        raise ScenarioError(f"demand: seasons of {cycles} periods must repeat together within {LONGEST_CYCLE}, not {cycle}")
    return cycle


def _fill_distribution(
    arrays: dict, cells: Flags, process: processes.Process, scenario: Scenario, packing: TableSet, where: str
) -> None:
    means = _means(process, scenario, cells, len(arrays["mean"]), where)
    if isinstance(process, processes.Deterministic):
        _check_whole(means[:, cells], scenario, f"{where}: deterministic demand")
    if isinstance(process, processes.Normal):
        if scenario.units == "integer":
            raise ScenarioError(f"{where}: distribution normal needs units: continuous")
        skus = [sku.name for sku in scenario.skus]
        base = np.maximum(spread(process.mean, skus, f"{where}.mean", np.asarray(cells.any(axis=0))), 1e-300)
        arrays["kind"][cells] = NORMAL
        arrays["mean"][:, cells] = means[:, cells]
        arrays["deviation"][:, cells] = process.standard_deviation * (means / base)[:, cells]
        return
    arrays["kind"][cells] = TABLE
    for period, channel, sku in zip(*np.nonzero(np.broadcast_to(cells, means.shape)), strict=True):
        table = demand_table(process, float(means[period, channel, sku]))
        arrays["row"][period, channel, sku] = packing.row(table)
        arrays["mean"][period, channel, sku] = table.mean
        arrays["deviation"][period, channel, sku] = math.sqrt(table.variance)


def _check_whole(units: Floats, scenario: Scenario, what: str) -> None:
    fractions = units[units != np.floor(units)]
    if scenario.units == "integer" and fractions.size:
        raise ScenarioError(f"{what} must be whole units where units are integer, not {fractions.flat[0]:g}")


def _means(process: processes.Process, scenario: Scenario, cells: Flags, cycle: int, where: str) -> Floats:
    """Return the mean by period of the cycle, channel and SKU, before any clipping."""
    channels = [channel.name for channel in scenario.channels]
    skus = [sku.name for sku in scenario.skus]
    if not isinstance(process, processes.Shaped):
        return np.zeros((cycle, len(channels), len(skus)))
    concerned, demanded = np.asarray(cells.any(axis=1)), np.asarray(cells.any(axis=0))
    scale = spread(process.scale, channels, f"{where}.scale", concerned)
    mean = np.outer(scale, spread(process.mean, skus, f"{where}.mean", demanded))
    multiplier = season_multipliers(process.season) if process.season else np.ones(1)
    return np.resize(multiplier, cycle)[:, None, None] * mean


def season_multipliers(season: processes.Season) -> Floats:
    """Return the multiplier on the mean in each period of one cycle, (period,)."""
    if season.profile is not None:
        return np.array(season.profile, dtype=float)
    phase = 2.0 * np.pi * (np.arange(season.period) - season.peak) / season.period
    return 1.0 + season.amplitude * np.cos(phase)


def _histories_of(process: processes.Process) -> list[str]:
    return [getattr(process, key) for key in ("history", "forecast") if hasattr(process, key)]


def _history(name: str, histories: dict[str, History], where: str) -> History:
    if name not in histories:
        known = nearest(name, histories) if histories else "the scenario names no data reader that brings one"
        raise ScenarioError(f"{where}: no history is called {name!r}; {known}")
    return histories[name]


def _fill_history(
    arrays: dict,
    cells: Flags,
    process: processes.Empirical | processes.Trace,
    histories: dict[str, History],
    scenario: Scenario,
    where: str,
) -> None:
    """Draw from, or replay, a recorded history; all recorded demand of a world comes from one history."""
    if (arrays["kind"] == HISTORY).any():
        raise ScenarioError(f"{where}: a world has one recorded history; declare it once, with name patterns")
    replayed = isinstance(process, processes.Trace)
    units = _by_name(_history(process.history, histories, where), scenario, where)
    _check_whole(units, scenario, f"{where}: history {process.history!r}")
    length = scenario.horizon.warm_up + scenario.horizon.periods
    if replayed and len(units) < length:
        raise ScenarioError(f"{where}: history {process.history!r} has {len(units)} periods, the horizon {length}")
    known = _by_name(histories[process.forecast], scenario, where) if isinstance(process, processes.Trace) else units
    window = _narrow(process.window, known)
    mean, deviation = resampling_moments(known, window)
    cycle = len(arrays["mean"])
    arrays["kind"][cells] = HISTORY
    arrays["mean"][:, cells] = np.resize(mean, (cycle, *mean.shape[1:]))[:, cells]
    arrays["deviation"][:, cells] = np.resize(deviation, (cycle, *mean.shape[1:]))[:, cells]
    arrays["history"] = units
    arrays["replayed"] = replayed
    arrays["window"] = -1 if window is None else window


def _by_name(history: History, scenario: Scenario, where: str) -> Floats:
    """Return a history's units in the order of the scenario's channels and SKUs, (periods, channels, skus)."""
    try:
        channels = [history.channels.index(channel.name) for channel in scenario.channels]
        skus = [history.skus.index(sku.name) for sku in scenario.skus]
    except ValueError as error:
        raise ScenarioError(f"{where}: the history lacks a channel or SKU of the scenario: {error}") from error
    return np.ascontiguousarray(history.units[:, channels][:, :, skus])


def _narrow(window: int | None, units: Floats) -> int | None:
    """Return the window, none where it spans the whole history: a period shall not count twice."""
    return None if window is None or 2 * window + 1 >= len(units) else window


def resampling_moments(units: Floats, window: int | None) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of a resampled period, each (recorded periods, channels, skus)."""
    if window is None:
        whole = np.broadcast_to
        return whole(units.mean(axis=0), units.shape), whole(units.std(axis=0), units.shape)
    near = np.stack([np.roll(units, -offset, axis=0) for offset in range(-window, window + 1)])
    return near.mean(axis=0), near.std(axis=0)
