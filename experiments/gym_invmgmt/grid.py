"""The grid of gym-invmgmt's benchmark (Barati and Hu 2026): 22 scenarios, each as its own environment and as a world here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from experiments.gym_invmgmt.networks import EFFECTS, peer, recorded, scenario_of

SEEDS = (42, 123, 456, 789, 1011, 2022, 3033, 4044, 5055, 6066)  # of the benchmark's ten episodes
PUBLISHED = Path(__file__).parent / "published.csv"
M5 = "M5"
M5_UNITS = (2, 3, 4, 0, 0, 1, 0, 2, 1, 1, 5, 3, 1, 0, 0, 2, 7, 2, 2, 13, 8, 11, 50, 60, 54, 51, 39, 50, 48, 61)
M5_MEAN = 20.0  # units a period, to which the benchmark scales item FOODS_3_382 in store CA_3, days 1841 to 1870
NETWORKS = {"base": "network", "serial": "serial"}  # names there
ROWS = (  # of shared published results: those that come first
    "base-trend+seasonal-backlog",
    "base-trend+seasonal+shock-goodwill-lost",
    "serial-stationary-backlog",
    "serial-trend+seasonal+shock-goodwill-backlog",
)


@dataclass(frozen=True)
class Scenario:
    """A scenario of the grid."""

    network: str  # base or serial
    demand: str  # stationary, effects joined by +, or M5
    goodwill: bool
    backlog: bool  # unmet demand waits, else it is lost

    @property
    def name(self) -> str:
        """Return its name in tables."""
        unmet = "backlog" if self.backlog else "lost"
        return "-".join([self.network, self.demand, *["goodwill"] * self.goodwill, unmet])

    def environment(self) -> Any:
        """Return gym-invmgmt's own environment of it."""
        config: dict[str, Any] = {"effects": self._effects, "use_goodwill": self.goodwill}
        if self.demand == M5:
            config |= {"external_series": _m5_series(), "noise_scale": 0.0}
        return peer(NETWORKS[self.network], config, backlog=self.backlog)

    @cached_property
    def content(self) -> dict[str, Any]:
        """Return what a scenario file of it would say."""
        env = self.environment()
        content = scenario_of(env, self._process) | {"name": self.name.replace("+", "_").replace("-", "_").lower()}
        content["observation"] = {"demand_history": 1, "calendar": True, "goodwill": self.goodwill}
        if self.demand == M5:
            content |= recorded(env, _m5_series()[:, None])
        return content

    @property
    def _effects(self) -> list[str]:
        return [] if self.demand in ("stationary", M5) else self.demand.split("+")

    @property
    def _process(self) -> dict[str, Any]:
        """Return demand as a process; a season of no amplitude lets policies see the period of a stationary one."""
        process: dict[str, Any] = {"distribution": "poisson", "mean": 20, "mean_floor": 0.1}
        process |= {"season": {"period": 30, "amplitude": 0.0}}
        for effect in self._effects:
            process |= EFFECTS[effect]
        return process


def _m5_series() -> Any:
    units = pd.Series(M5_UNITS, dtype=float)
    return (units * (M5_MEAN / units.mean())).to_numpy()


def _grid() -> list[Scenario]:
    """Return the scenarios, the four of `ROWS` first."""
    effects, yes_no = ("trend+seasonal", "trend+seasonal+shock"), (False, True)
    scenarios = [Scenario(*each) for each in product(NETWORKS, effects, yes_no, yes_no)]
    scenarios += [Scenario(network, "stationary", False, backlog) for network, backlog in product(NETWORKS, yes_no)]
    scenarios += [Scenario(network, M5, False, True) for network in NETWORKS]
    return sorted(scenarios, key=lambda each: ROWS.index(each.name) if each.name in ROWS else len(ROWS))


GRID = {scenario.name: scenario for scenario in _grid()}


def published() -> pd.DataFrame:
    """Return published mean profits over the ten seeds, a row for each scenario by name.

    Columns: oracle, which knows the season's demand; informed_programme, a stochastic programme that knows the mean of demand;
    best_learner, the best of the benchmark's policies that learn, and `learner`, its name there.
    """
    return pd.read_csv(PUBLISHED, index_col="scenario")
