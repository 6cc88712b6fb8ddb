"""Recorded demand as its user has it: a table, and a world or a backtest of forecasts made from it in a line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allotment import extensions
from allotment.datasets.dataset import Dataset
from allotment.datasets.table import Table
from allotment.forecasting.backtest import QUANTILES, backtest
from allotment.forecasting.methods import Method
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario

ASSUMED: dict[str, dict[str, Any]] = {  # of a world made in a line, where neither the data nor its maker says it
    "skus": {"price": 1.0, "unit_cost": 0.7},
    "sites": {"holding_cost": {"rate": 0.005}},
    "channels": {"unmet": "lost"},
    "supply_lanes": {"lead_time": 1},
}


@dataclass(frozen=True)
class Histories:
    """The table of a data set, and how it was read."""

    reader: str
    folder: str
    options: dict[str, Any]  # as they were given
    dataset: Dataset
    content: Table

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a channel, SKU and period: `channel`, `sku`, `period` (its first day), `units`, `price`."""
        return self.content.frame

    @property
    def period(self) -> str:
        """Return what a period is: day, week or month."""
        return self.content.period

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was done to the data, with counts."""
        return self.content.notes

    def backtest(
        self, method: Method, horizon: int = 1, first: int = 2, quantiles: Sequence[float] = QUANTILES
    ) -> pd.DataFrame:
        """Return how far forecasts of all series were off, as `allotment.forecasting.backtest.backtest` measures it.

        The column `period` is added: the first period that was forecast. Raises `ScenarioError` where the histories are too
        short.
        """
        try:
            found = backtest(method, self.content.series(), horizon, first, quantiles)
        except ValueError as error:
            raise ScenarioError(f"{self.reader}: {error}") from None
        found.insert(1, "period", self.content.periods[found["origin"].to_numpy()])
        return found

    def world(self, **keys: Any) -> World:
        """Return the world whose `data` section names these histories, as `scenario` writes it."""
        return load_scenario(self.scenario(**keys))

    def scenario(self, **keys: Any) -> dict[str, Any]:
        """Return what the scenario file of a world says: a season of whole periods drawn from what is known, then the test.

        `keys` are keys of a scenario and replace what is assumed here; `defaults` adds to `ASSUMED`. A season is as long as the
        test, or a third of the history where there is none.
        """
        named = self.dataset.named(self.content, self.dataset.checked(self.options))
        known, *test = named
        length = len(named[known].units) if test else max(1, len(named[known].units) // 3)
        whole = all(np.array_equal(each.units, np.floor(each.units)) for each in named.values())
        content: dict[str, Any] = {
            "name": self.reader,
            "period": self.period,
            "units": "integer" if whole else "continuous",
            "data": {"reader": self.reader, "folder": self.folder, "options": _written(self.options)},
            "horizon": {"kind": "season", "periods": len(named[test[0]].units) if test else length},
            "demand": [{"process": {"distribution": "empirical", "history": known}}],
        }
        if test:
            content["test"] = {"demand": [{"process": {"distribution": "trace", "history": test[0], "forecast": known}}]}
        return {**content, **keys, "defaults": _with(ASSUMED, keys.get("defaults", {}))}


def _written(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as a file writes them: lists as texts parted by commas, dates as texts."""
    return {
        name: ", ".join(map(str, value))
        if isinstance(value, list | tuple)
        else value
        if isinstance(value, bool | int | float | str)
        else str(value)
        for name, value in options.items()
    }


def _with(assumed: Mapping[str, Mapping[str, Any]], own: Any) -> Any:
    """Return what is assumed of each section under what a caller says of it; the loader refuses what is no mapping."""
    if not isinstance(own, Mapping):
        return own
    both = dict(own)
    for section, attributes in assumed.items():
        said = own.get(section, {})
        both[section] = {**attributes, **said} if isinstance(said, Mapping) else said
    return both


def histories(reader: str, folder: str | Path, **options: Any) -> Histories:
    """Read recorded demand from files: `m5`, `favorita`, `rossmann`, `online_retail`, `iowa_liquor`, `carparts`, or your own.

    `folder` holds the files as they were published, and may name environment variables; `options` are the reader's. Raises
    `ScenarioError` where the reader or an option is unknown, or a file is absent or not as published.
    """
    found = extensions.find("dataset", reader, {}, "histories")
    if not isinstance(found, Dataset):
        raise ScenarioError(f"histories: {reader} gives worlds alone; histories need a Dataset (allotment.datasets.dataset)")
    try:
        content = found.table(Path(os.path.expandvars(folder)), options)
    except ScenarioError as error:
        raise ScenarioError(f"{reader}: {error}") from None
    return Histories(reader, str(folder), options, found, content)
