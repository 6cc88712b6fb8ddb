"""Tuning: how long an exhaustive search takes for so many runs, each a candidate in a world, once everything is compiled."""

from __future__ import annotations

from collections.abc import Iterator

import allotment
from allotment.fitting.tuning import tune
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from benchmarks.timing import Duration, repeat

RUNS = 10_000
CANDIDATES = (20, 100, 1_000)  # and as many worlds as make the runs


def durations(runs: int = RUNS, periods: int = 1_000, repeats: int = 3) -> Iterator[tuple[int, int, list[Duration]]]:
    """Yield how many candidates a search of `lost_sales` had in how many worlds, and what it took, warm-up periods included."""
    world = allotment.load_scenario("lost_sales", [f"horizon.periods={periods}"])
    for candidates in CANDIDATES:
        worlds = runs // candidates
        levels = {"low": 15, "high": 15 + candidates - 1}
        content = {"policy": "base_stock", "tuning": {"search": "exhaustive", "worlds": worlds, "ranges": {"level": levels}}}
        policy, left = build_rule(rule_config(content, "base_stock"), world, "base_stock")
        allotment.evaluate(policy, world, episodes=2)  # compiles
        yield candidates, worlds, repeat(lambda policy=policy, left=left: tune(policy, left, 0), repeats)
