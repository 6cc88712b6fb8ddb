"""Policies are compared in one world, and the first difference between two is named."""

import pytest
import yaml

from allotment.scenario.errors import ScenarioError
from allotment.studies.world_identity import common_world, first_difference


def change(folder, **sections):
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **sections}))


def test_nested_values_differ_at_the_first_place_where_they_do():
    one = {"a": [{"b": 1, "c": 2}], "d": 3}
    assert first_difference(one, {"a": [{"b": 1, "c": 2}], "d": 3}) is None
    assert first_difference(one, {"a": [{"b": 1, "c": 5}], "d": 4}) == (("a", 0, "c"), "2", "5")
    assert first_difference(one, {"a": [], "d": 3}) == (("a",), "a list of 1", "a list of 0")
    assert first_difference(one, {"a": [{"b": 1, "c": 2}]}) == (("d",), "3", "None")
    assert first_difference({"a": 1}, {"a": 1, "e": {"f": 2}}) == (("e",), "None", "a mapping of 1")


def test_the_world_of_all_runs_is_theirs(runs):
    assert common_world(list(runs.values())).scenario.name == "two_shops"


def test_another_world_is_refused_with_its_first_difference(runs):
    change(runs["many-0"], horizon={"kind": "window", "periods": 9})
    with pytest.raises(ScenarioError, match=r"many-0: made in another world than few-0: horizon.periods is 9, not 4; policies"):
        common_world([runs["few-0"], runs["many-0"]])


def test_a_difference_inside_a_list_is_named_with_its_place(runs):
    change(runs["many-0"], channels=[{"name": "walkers", "unmet": "lost", "shortage_cost": 7}, {"name": "callers"}])
    with pytest.raises(ScenarioError, match=r"channels\[0\].shortage_cost is 7.0, not 0.0"):
        common_world([runs["few-0"], runs["many-0"]])


def test_two_ways_to_write_the_same_world_are_one(runs):
    change(runs["many-0"], name="shops", purpose="Where apples go.", horizon={"kind": "window", "periods": 4, "warm_up": 0})
    assert common_world([runs["few-0"], runs["many-0"]]).scenario.name == "two_shops"
