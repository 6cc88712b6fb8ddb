"""Runs are told apart by their names, which any file system takes."""

import re

import pytest

from allotment.runs.naming import run_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "lost_sales-ppo-seed0"),
        (["settings.gamma=0.9"], "lost_sales-ppo-gamma=0.9-seed0"),
        (["steps=4_000", "network.hidden=[64, 64]"], "lost_sales-ppo-steps=4000-hidden=64_64-seed0"),
        (["supply_lanes[0].lead_time=2"], "lost_sales-ppo-lead_time=2-seed0"),
        (["source=../../etc/passwd"], "lost_sales-ppo-source=etc_passwd-seed0"),
        (["settings.target_kl=null", "stagger=false"], "lost_sales-ppo-target_kl=null-stagger=False-seed0"),
        (["transfers={"], "lost_sales-ppo-transfers=-seed0"),
    ],
)
def test_a_run_goes_by_what_made_it(overrides, name):
    assert run_name("lost_sales", "ppo", 0, overrides) == name


def test_long_values_are_cut_and_still_told_apart():
    names = [run_name("shop", "ppo", 0, [f"encoding={{rule: {'x' * 500}{end}}}"]) for end in "ab"]
    assert names[0] != names[1]
    for name in names:
        assert len(name) < 70
        assert re.fullmatch(r"[A-Za-z0-9_.=+-]+", name)


def test_names_of_worlds_and_files_are_made_safe():
    assert run_name("my world/one", "läufer", 3) == "my_world_one-l_ufer-seed3"
