"""What configs/README.md says of each rule, what it sees of coming demand and what it needs, is what the program does."""

import re
from functools import cache
from pathlib import Path

import pytest

from allotment.policies.config_file import is_rule, read_config, rule_config
from allotment.policies.rule_config import build_rule
from allotment.resources import shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario

ROW = re.compile(r"^\| \[(\w+)\]\(\w+\.yaml\) \|(.+)\|$", re.MULTILINE)
README = (Path(__file__).parents[2] / "configs" / "README.md").read_text(encoding="utf-8")
ROWS = {name: [cell.strip() for cell in cells.split("|")] for name, cells in ROW.findall(README)}
RULES = [name for name in shipped_names("configs") if is_rule(read_config(name, [])[1], name)]
WORLDS = {
    "three_warehouses": ["observation.demand_history=1"],
    "demand_classes": [],
    "hub_and_regions": [],
    "capital_allocation": [],
    "dual_sourcing": [],
    "lost_sales": [],
    "perishable": [],
    "serial": [],
}


@cache
def shipped_world(name):
    return load_scenario(name, WORLDS[name])


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_sees_and_needs_is_what_its_row_says(name):
    _, sees, needs = ROWS[name]
    config, found, refused = rule_config(read_config(name, [])[1], name), [], []
    for world in WORLDS:
        try:
            found.append(build_rule(config, shipped_world(world), name)[0].informed)
        except ScenarioError as error:
            refused.append(str(error))
    assert set(found) == {sees in ("a forecast", "the law")}
    assert bool(refused) == bool(needs)


def test_only_rules_have_such_cells():
    assert {name for name, cells in ROWS.items() if len(cells) == 3} == set(RULES)
