"""The public functions take what the command line takes: files and folders, names, and what a file would say."""

import pandas as pd
import pytest

import allotment
from allotment.scenario.errors import ScenarioError

LEVEL = {"policy": "base_stock", "parameters": {"level": 25}}
SHORT = ["horizon.warm_up=10", "horizon.periods=40"]
WORLD = {"extends": "lost_sales.yaml", "horizon": {"periods": 40, "warm_up": 10}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the run folders of two levels in one short world."""
    out = tmp_path_factory.mktemp("runs")
    levels = {"low": ["parameters.level=20"], "high": ["parameters.level=28"]}
    return [allotment.train(WORLD, LEVEL, out=out, overrides=given, name=name) for name, given in levels.items()]


def test_a_world_may_be_what_its_file_would_say():
    one, other = allotment.load_scenario(WORLD), allotment.load_scenario("lost_sales", SHORT)
    assert one.scenario == other.scenario
    assert allotment.make(WORLD).reset(seed=0)[0] == pytest.approx(allotment.make(other).reset(seed=0)[0])
    with pytest.raises(ScenarioError, match=r"lost_sales: unknown key 'horizon.period'; did you mean 'periods'\?"):
        allotment.load_scenario({**WORLD, "name": "lost_sales", "horizon": {"period": 3}})


def test_a_run_goes_by_its_policy_where_a_config_has_no_file(tmp_path):
    folder = allotment.train("lost_sales", LEVEL, out=tmp_path, env_overrides=SHORT)
    assert folder.name == "lost_sales-base_stock-warm_up=10-periods=40-seed0"
    assert allotment.load_policy(folder).world.scenario.horizon.periods == 40


def same(one, other):
    return one.drop(columns="policy").equals(other.drop(columns="policy"))


def test_a_run_folder_a_bundle_a_policy_and_a_config_are_evaluated_alike(runs):
    rows = allotment.evaluate(runs[0], episodes=4)
    assert same(rows, allotment.evaluate(runs[0] / "best", episodes=4))
    assert same(rows, allotment.evaluate(allotment.load_policy(runs[0]), episodes=4))
    assert same(rows, allotment.evaluate("base_stock", WORLD, episodes=4, overrides=["parameters.level=20"]))
    assert same(rows, allotment.evaluate(LEVEL, "lost_sales", 4, overrides=["parameters.level=20"], env_overrides=SHORT))


def test_the_own_world_may_have_other_values(runs):
    longer = allotment.evaluate(runs[0], episodes=4, env_overrides=["horizon.periods=41"])
    assert set(longer["periods"]) == {41}


def test_what_cannot_be_evaluated_says_so(runs):
    with pytest.raises(ScenarioError, match="base_stock: has no world of its own"):
        allotment.evaluate("base_stock")
    with pytest.raises(ScenarioError, match=r"low: is made already; only values of a rule's config are replaced"):
        allotment.evaluate(runs[0], overrides=["parameters.level=3"])


def test_run_folders_are_compared_in_their_own_world(runs):
    table = allotment.compare(runs, episodes=8)
    assert list(table["policy"]) == ["high", "low"]
    named = allotment.compare({"low": runs[0], "high": runs[1]}, episodes=8)
    pd.testing.assert_series_equal(table["score"], named["score"])
    with pytest.raises(ScenarioError, match="name the world to compare it in"):
        allotment.compare([runs[0], LEVEL])


@pytest.mark.parametrize("name", ["a/b", ".hidden", "", "x" * 101, "mit Leerzeichen", "ä", "a\n"])
def test_a_name_that_no_folder_should_have_is_refused(name, tmp_path):
    with pytest.raises(ScenarioError, match="must be at most 100 letters"):
        allotment.train("lost_sales", LEVEL, out=tmp_path, name=name)
    with pytest.raises(ScenarioError, match="base_stock: name must be at most 100 letters"):
        allotment.train("lost_sales", {**LEVEL, "name": name}, out=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rule", ["dual_index", "dual_newsvendor", "single_index", "tailored_base_surge"])
def test_a_rule_of_two_sources_is_not_tuned_where_no_site_has_two(rule, tmp_path):
    told = []
    with pytest.raises(ScenarioError, match=f"{rule} orders from a cheaper and a faster source, but in lost_sales no site"):
        allotment.train("lost_sales", rule, out=tmp_path, progress=lambda *news: told.append(news))
    residual = {"name": "residual", "rule": {"policy": rule}}
    with pytest.raises(ScenarioError, match=f"{rule} orders from a cheaper and a faster source"):
        allotment.train("lost_sales", {"algorithm": "ppo", "steps": 8, "encoding": residual}, out=tmp_path)
    assert not told and not list(tmp_path.iterdir())


def test_what_a_rule_was_tuned_to_goes_back_into_a_config(tmp_path):
    config = {"policy": "base_stock", "transfers": {}, "tuning": {"worlds": 2, "rounds": 2}}
    tuned = allotment.load_policy(allotment.train("three_warehouses", config, out=tmp_path, env_overrides=SHORT))
    stated = tuned.as_config()
    assert set(stated) == {"parameters", "transfers"}
    again = allotment.load_policy(allotment.train("three_warehouses", {**config, **stated}, out=tmp_path, env_overrides=SHORT))
    assert {name: values.tolist() for name, values in again.values.items()} == {
        name: values.tolist() for name, values in tuned.values.items()
    }
