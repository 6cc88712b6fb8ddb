"""Evaluation of rules: episodes of 52 periods in the default world, once everything is compiled."""

from __future__ import annotations

from collections.abc import Iterator

import allotment
from allotment.policies.config_file import read_config, rule_config
from allotment.policies.rule_config import RulePolicy, build_rule
from benchmarks.timing import Duration, repeat

WORLD, PERIODS = "three_warehouses", 52
RULES = {  # shipped config -> what makes it ready to decide without tuning
    "newsvendor": ["parameters.safety_factor=from_costs"],
    "base_stock": [],
}


def durations(episodes: int = 1000, repeats: int = 5) -> Iterator[tuple[str, list[Duration]]]:
    """Yield each rule and what its episodes took. Open parameters keep the initial value that tuning would start from."""
    world = allotment.load_scenario(WORLD, ["horizon.warm_up=0", f"horizon.periods={PERIODS}"])
    for name, overrides in RULES.items():
        policy = _ready(name, overrides, world)
        allotment.evaluate(policy, world, episodes=2)  # compiles
        yield name, repeat(lambda policy=policy: allotment.evaluate(policy, world, episodes), repeats)


def _ready(name: str, overrides: list[str], world: allotment.scenario.loader.World) -> RulePolicy:
    _, content = read_config(name, overrides)
    return build_rule(rule_config(content, name), world, name)[0]
