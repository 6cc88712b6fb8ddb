"""Training by gradients through the simulation: it learns, it goes on where it was cut off, and it says what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest
from small_trainings import RULE, small
from test_resuming import CutOff, every_report, same_end  # noqa: F401, a fixture that this file uses too

import allotment
from allotment.scenario.errors import ScenarioError
from small_worlds import one_shop, shipped_world, two_shops

SMALL_NETWORK = {"kind": "mlp", "hidden": [16], "seasons": None}


def overrides(**settings):
    return small("pathwise", **settings)


def test_the_newsvendors_order_is_learned(tmp_path):
    learning = {"settings.levels_learning_rate": 0.05, "network": {"kind": "levels", "seasons": None}, "environments": 1024}
    encoding = {"name": "quantity", "periods": 2.0}
    given = overrides(steps=60_000, encoding=encoding, **{**learning, "validation.every": 60_000, "checkpoint.every": 60_000})
    world = shipped_world("newsvendor")
    policy = allotment.load_policy(allotment.train(world, "pathwise", out=tmp_path, overrides=given) / "best")
    cost = allotment.evaluate(policy, world, episodes=20_000, seed=1)["score"].mean()
    assert cost == pytest.approx(-1.99760, abs=0.05)


def test_a_training_that_was_cut_off_goes_on_to_the_same_end(tmp_path):
    whole = allotment.train(two_shops(), "pathwise", seed=5, out=tmp_path / "whole", overrides=overrides())
    curve = pd.read_parquet(whole / "curve.parquet")
    assert curve["steps"].tolist()[0] == 0
    assert curve["steps"].tolist()[-1] >= 480
    told = json.loads((whole / "metadata.json").read_text())
    assert told["finished"]
    assert told["corrected_rule"]["name"] == "rule"

    def fall(what, done, of, score):
        if what.startswith("training") and done >= 200:
            raise CutOff

    with pytest.raises(CutOff):
        allotment.train(two_shops(), "pathwise", seed=5, out=tmp_path / "cut", overrides=overrides(), progress=fall)
    (folder,) = (tmp_path / "cut").iterdir()
    assert (folder / "checkpoints" / "training.safetensors").is_file()
    same_end(whole, allotment.resume(folder))


def test_training_worlds_and_chances_follow_from_the_seed(tmp_path):
    runs = [
        allotment.train(two_shops(), "pathwise", seed=s, out=tmp_path / str(n), overrides=overrides())
        for n, s in enumerate((3, 3, 4))
    ]
    one, again, other = ((run / "final" / "weights.safetensors").read_bytes() for run in runs)
    assert one == again != other


def test_what_is_learned_is_a_policy_like_others(tmp_path):
    given = overrides(network=SMALL_NETWORK, encoding={"name": "order_up_to"}, **{"network.hidden": [8]})
    folder = allotment.train(two_shops(), "pathwise", out=tmp_path, overrides=given)
    policy = allotment.load_policy(folder)
    assert policy.kind == "learned"
    scores = allotment.evaluate(policy, two_shops(), episodes=4, seed=0)
    assert np.isfinite(scores["score"]).all()
    again = allotment.train(
        two_shops(), "pathwise", out=tmp_path / "again", overrides=[*given, f"from={json.dumps(str(folder))}"]
    )
    assert json.loads((again / "metadata.json").read_text())["started_from"]["folder"] == str(folder)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"settings.rate": 1}, "unknown key 'settings.rate'; allowed: gradient_norm, learning_rate, levels_learning_rate"),
        ({"network.kind": "lstm"}, "network.kind must be mlp, cells, levels or FILE.py:NAME for pathwise, not lstm"),
        ({"settings.treatments": {"fixed": "smooth"}}, "no feature of a world is called 'fixed'"),
        (
            {"settings.treatments": {"fixed_costs": "soft"}},
            "fixed_costs cannot be 'soft'; allowed: ignored,",
        ),
        ({"encoding": {"name": "rule_parameters"}}, "needs the rule-based policy that it starts from"),
        ({"encoding": {"name": "quantity", "steps": 3.0}}, "encoding.steps belongs to rule_parameters, not to quantity"),
        ({"encoding": {"name": "rule_parameters", "rule": RULE, "periods": 2.0}}, "encoding.periods belongs to quantity"),
    ],
)
def test_a_config_that_cannot_be_used_says_what_is_wrong(entries, told, tmp_path):
    with pytest.raises(ScenarioError, match=told):
        allotment.train(two_shops(), "pathwise", out=tmp_path, overrides=overrides(**entries))
    assert not list(tmp_path.iterdir())


def test_a_list_of_quantities_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="pathwise cannot choose from a list"):
        allotment.train(one_shop(), "pathwise", out=tmp_path, overrides=overrides(encoding={"name": "discrete"}))


@pytest.mark.parametrize(
    ("world", "rule"),
    [
        ("lost_sales", "vector_base_stock"),
        ("three_warehouses", "rolling_horizon"),
    ],
)
def test_a_rule_that_looks_at_values_is_refused_before_anything_is_kept(world, rule, tmp_path):
    given = overrides(network=SMALL_NETWORK, encoding={"name": "residual", "rule": rule})
    given = [each for each in given if not each.startswith("network.hidden")]
    with pytest.raises(ScenarioError, match=f"pathwise cannot be trained in {world}: what is decided or played there looks at"):
        allotment.train(shipped_world(world), "pathwise", out=tmp_path, overrides=given)
    assert not list(tmp_path.iterdir())


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path):
    folder = allotment.train(two_shops(), "pathwise", out=tmp_path, overrides=overrides(steps=64))
    file = folder / "checkpoints" / "training.safetensors"
    file.write_bytes(file.read_bytes()[:-9])
    (folder / "metadata.json").write_text(
        (folder / "metadata.json").read_text().replace('"finished": true', '"finished": false')
    )
    with pytest.raises(ScenarioError, match=r"training.safetensors: .*remove .*checkpoints to train again"):
        allotment.resume(folder)
