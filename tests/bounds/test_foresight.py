"""No policy exceeds the bound, and every step of foresight is worth something or nothing."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import allotment
from allotment.assembly import policy_and_place
from allotment.bounds.foresight import BOUND, POLICY, Foresight, foresight, freed, usual_rule
from allotment.bounds.perfect_information import perfect_information, seeds_of_tests
from allotment.cli import app
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario

SHORT = ["horizon.periods=4", "horizon.warm_up=2"]


def scores(world, policy, overrides, episodes=3):
    return allotment.evaluate(policy, world, episodes=episodes, overrides=overrides)["score"].to_numpy()


@pytest.mark.parametrize(
    ("world", "changed", "policies"),
    [
        ("dual_sourcing", [], [("base_stock", ["parameters.level=6"]), ("constant_order", ["parameters.quantity=2"])]),
        ("one_warehouse_lost", [], [("base_stock", ["parameters.level=20"]), ("newsvendor", ["parameters.safety_factor=1"])]),
        ("perishable", [], [("base_stock", ["parameters.level=7"]), ("random", [])]),
        ("perishable", ["horizon.stock_value=cost"], [("base_stock", ["parameters.level=7"]), ("random", [])]),
    ],
)
def test_no_policy_exceeds_the_bound_in_any_episode(world, changed, policies):
    loaded = load_scenario(world, [*SHORT, *changed])
    bound = perfect_information(loaded, seeds_of_tests(0, 3))
    for policy, overrides in policies:
        assert (scores(loaded, policy, overrides) <= bound + 1e-9).all()


def test_a_warm_up_brings_stock_that_counts_at_cost_for_no_gain():
    at_cost, free = (load_scenario("perishable", [*SHORT, f"horizon.stock_value={each}"]) for each in ("cost", "none"))
    seeds = seeds_of_tests(0, 3)
    assert (perfect_information(at_cost, seeds) < perfect_information(free, seeds) - 1.0).all()


def steps(name="three_warehouses", overrides=("parameters.safety_factor=1", "transfers=null"), world=SHORT):
    policy, place = policy_and_place("newsvendor", name, list(overrides), world)
    return foresight(place.world, policy, seeds_of_tests(0, 2)), place.world


def test_each_step_begins_with_the_score_and_adds_no_less_than_nothing():
    found, world = steps()
    assert list(found.scores) == [POLICY, "serving", "transfers", "fast orders", "all orders", BOUND]
    played = scores(world, "newsvendor", ["parameters.safety_factor=1", "transfers=null"], 2)
    assert found.scores[POLICY] == pytest.approx(played, rel=1e-12)
    table = np.array(list(found.scores.values()))
    assert (np.diff(table, axis=0) >= -1e-6).all()
    assert (table[4] > table[0] + 1.0).all()


def test_steps_that_free_nothing_are_left_out():
    found, world = steps("lost_sales")
    assert [name for name, _ in freed(world)] == ["serving", "all orders"]
    assert found.scores["serving"] == pytest.approx(found.scores[POLICY], abs=1e-9)


def test_what_goes_down_a_network_is_freed_behind_transfers_and_before_orders_from_suppliers():
    world = load_scenario("hub_and_regions")
    fixed = dict(freed(world))
    assert list(fixed) == ["serving", "transfers", "shipments between sites", "fast orders", "all orders"]
    kept = {name: [world.names.supply_lanes[lane] for lane in np.flatnonzero(lanes)] for name, lanes in fixed.items()}
    assert kept["transfers"] == ["domestic → hub", "overseas → hub", "hub → north", "hub → south"]
    assert kept["shipments between sites"] == ["domestic → hub", "overseas → hub"]
    assert kept["fast orders"] == ["overseas → hub"]


def test_a_season_that_is_measured_from_its_first_period_has_one_bound():
    found, world = steps("gym_invmgmt_base", world=["horizon.periods=6"])
    assert isinstance(found, Foresight) and BOUND not in found.scores
    assert found.bound == pytest.approx(perfect_information(world, seeds_of_tests(0, 2)), rel=1e-9)


def test_worlds_with_two_sources_call_for_a_rule_of_two():
    assert usual_rule(load_scenario("dual_sourcing")) == "dual_newsvendor"
    assert usual_rule(load_scenario("lost_sales")) == "newsvendor"


def test_what_is_worth_more_at_the_end_than_it_costs_has_no_bound():
    world = load_scenario("newsvendor", ["sites.0.salvage=1"])
    with pytest.raises(ScenarioError, match=r"nothing bounds the score: .* \(salvage\)"):
        perfect_information(world, [1])


def test_the_command_shows_the_table_and_writes_every_number(tmp_path):
    file = tmp_path / "bound.json"
    command = ["bound", "two_centres", "--episodes", "3", "--policy", "constant_order", "--replan", "--json", str(file), "-q"]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    assert "all orders" in shown.output and "relaxed: whole units" in shown.output
    content = json.loads(file.read_text())
    assert content["bound"] == pytest.approx(np.mean(content["scores"]["all orders"]["episodes"]))
    assert content["bound"] >= content["scores"][POLICY]["mean"]
    planned = content["scores"]["planned again at every decision"]
    assert planned["mean"] <= content["bound"] and len(planned["episodes"]) == 3
    assert f"on forecasts: {-planned['mean']:.3f} ±" in shown.output
