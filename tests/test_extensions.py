"""Users' own work enters by the doors that the shipped work uses, and nothing enters that the user did not name."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import allotment
from allotment import extensions
from allotment.cli import app
from allotment.decisions.flatten import Flattener
from allotment.decisions.observation import observe
from allotment.execution.executor import Serial
from allotment.policies.own import VectorPolicy, own_policy
from allotment.runs.run_folder import EPISODES, RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation
from allotment.studies.running import run_study
from allotment.studies.study import load_study
from own_work import LEARNING, METRIC, RULE
from small_worlds import RESIDUAL, one_shop, two_shops

HEDGING = {"policy": "my_rules.py:Hedging", "parameters": {"level": 12}}


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    """Forget what other tests named, and work in an empty folder."""
    for name, nothing in (("_named", {}), ("_code", {}), ("_packages", set())):
        monkeypatch.setattr(extensions, name, nothing)
    monkeypatch.chdir(tmp_path)


def forget():
    """Forget what was named, as a new process would."""
    for known in (extensions._named, extensions._code):
        known.clear()


@pytest.fixture
def rules(tmp_path):
    """Return a file of rules that the user has named."""
    file = tmp_path / "my_rules.py"
    file.write_text(RULE)
    allotment.import_file(file)
    return file


def written(name, content):
    Path(name).write_text(yaml.safe_dump(content))
    return name


def in_a_new_process(code, *, expect=0):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


def test_a_rule_of_ones_own_is_fitted_kept_and_asked_like_a_shipped_one(rules):
    run = allotment.train(one_shop(), written("mine.yaml", HEDGING), out="runs")
    policy = allotment.load_policy(run)
    assert (policy.name, policy.values["level"].tolist(), policy.values["share"].tolist()) == ("mine", [[12.0]], [[0.5]])
    rows = allotment.evaluate(policy, one_shop(), episodes=4)
    assert rows["policy"].unique().tolist() == ["mine"]
    plan = policy.recommend({"period": 0, "stock": {"shop": {"apple": 2}}})
    assert plan.orders[0].units == 5  # half of what is missing up to 12


def test_its_parameters_may_be_tuned_and_its_settings_given(rules):
    content = {**HEDGING, "parameters": {"level": "tuned", "share": 1.0, "at_least": 1.0}, "tuning": {"worlds": 4, "rounds": 1}}
    policy = allotment.load_policy(allotment.train(one_shop(), written("mine.yaml", content), out="runs"))
    assert policy.rule.at_least == 1.0
    assert policy.values["level"].shape == (1, 1)
    with pytest.raises(ScenarioError, match="unknown key 'lvel'; did you mean 'level'"):
        allotment.train(one_shop(), written("wrong.yaml", {**HEDGING, "parameters": {"lvel": 3}}), out="runs")


def test_a_residual_corrects_a_rule_of_ones_own(rules):
    encoding = {"name": "residual", "rule": "mine.yaml"}
    written("mine.yaml", HEDGING)
    small = {"steps": 64, "environments": 2, "settings": {"n_steps": 8, "batch_size": 8}, "network": {"hidden": [4]}}
    config = {"algorithm": "ppo", "encoding": encoding, **small, "validation": {"every": 64, "episodes": 2}}
    policy = allotment.load_policy(allotment.train(one_shop(), written("learner.yaml", config), out="runs"))
    assert policy.encoding.rule.config.policy == "my_rules.py:Hedging"


def test_a_bundle_names_code_and_neither_carries_nor_imports_it(rules, tmp_path):
    run = allotment.train(one_shop(), written("mine.yaml", HEDGING), out="runs")
    assert not list(run.rglob("*.py"))
    load = f"import allotment; print(allotment.load_policy({str(run)!r}).name)"
    (run / "best" / "my_rules.py").write_text("raise SystemExit('run')")  # what lies beside it changes nothing
    told = in_a_new_process(load, expect=1)
    assert "my_rules.py:Hedging stands in a file that is not imported" in told
    assert "nothing is imported because another file names it" in told
    assert "--import my_rules.py" in told
    assert "mine" in in_a_new_process(f"import allotment; allotment.import_file({str(rules)!r}); {load}")


def test_the_command_line_imports_what_the_user_names(rules):
    run = allotment.train(one_shop(), written("mine.yaml", HEDGING), out="runs")
    command = ["evaluate", str(run), "--episodes", "2"]
    forget()
    with pytest.raises(ScenarioError, match=r"name it yourself \(--import my_rules.py\)"):
        app(command, standalone_mode=False)
    with pytest.raises(ScenarioError, match=r"--import nowhere\.py: no such file"):
        app([*command, "--import", "nowhere.py"], standalone_mode=False)
    allowed = subprocess.run([sys.executable, "-m", "allotment.cli", *command, "--import", str(rules)], capture_output=True)
    assert allowed.returncode == 0, allowed.stderr


def test_an_installed_rule_needs_no_file(monkeypatch):
    @dataclass(frozen=True)
    class Nothing:
        network: object

        def decide(self, observation):
            return allotment.Decision(np.zeros(observation.in_transit.shape))

    entry = types.SimpleNamespace(name="nothing", load=lambda: Nothing)
    monkeypatch.setattr(extensions, "entry_points", lambda group: [entry] if group == "allotment.policies" else [])
    run = allotment.train(one_shop(), written("installed.yaml", {"policy": "nothing"}), out="runs")
    assert allotment.evaluate(allotment.load_policy(run), one_shop(), 2)["shipped"].notna().all()
    with pytest.raises(ScenarioError, match="unknown policy 'nothin'; did you mean 'nothing'"):
        allotment.train(one_shop(), written("wrong.yaml", {"policy": "nothin"}), out="runs")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class Hedging: pass", "must be a dataclass with the method decide"),
        ("x = 1", "my_rules.py defines no 'Hedging'"),
        ("import no_such_module_at_all", "cannot be imported: ModuleNotFoundError"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Hedging:\n    level: float\n    def decide(self, o): ...",
            "network",
        ),
    ],
)
def test_what_does_not_fit_says_why(rules, text, told):
    rules.write_text(text)
    with pytest.raises(ScenarioError, match=told):
        allotment.import_file(rules)
        allotment.train(one_shop(), written("mine.yaml", HEDGING), out="runs")


def study(**sections):
    written("mine.yaml", HEDGING)
    content = {
        "name": "own",
        "question": "Is half enough?",
        "env": "lost_sales",
        "overrides": ["horizon.periods=20", "horizon.warm_up=2"],
        "policies": ["mine.yaml", {"config": "base_stock", "overrides": ["parameters.level=25"]}],
        "evaluation": {"episodes": 8, **sections},
    }
    return load_study(written("study.yaml", content))


def test_a_study_imports_nothing_by_itself_and_takes_what_the_user_names(rules, tmp_path):
    Path("my_metrics.py").write_text(METRIC)
    forget()
    with pytest.raises(ScenarioError, match=r"name it yourself \(--import my_rules.py\)"):
        run_study(study(), Path("runs"), lambda *told: None, workers=1)
    for name in ("my_rules.py", "my_metrics.py"):
        allotment.import_file(name)
    result = run_study(
        study(metrics=["my_metrics.py:Days", "my_metrics.py:largest"]), Path("runs"), lambda *told: None, workers=2
    )
    table = result.outcome.comparison
    assert set(table["policy"]) == {"mine", "base_stock"}
    assert {"cover", "most_on_hand"} <= set(table.columns)
    assert "most on hand" in (result.report.parent / "report.md").read_text()


@dataclass
class Elsewhere:
    """Runs jobs as a machine would that shares no folder: in another process, which sees none of the study's files."""

    folder: Path

    def run(self, jobs, progress):
        away = [job.model_copy(update={"here": False}) for job in jobs]
        (self.folder / "jobs.json").write_text(json.dumps([job.model_dump_json() for job in away]))
        code = (
            "import json, pickle, pathlib; from allotment.studies.job import Job;"
            "jobs = [Job.model_validate_json(job) for job in json.loads(pathlib.Path('jobs.json').read_text())];"
            "pathlib.Path('made').write_bytes(pickle.dumps([job.run(lambda *told: None) for job in jobs]))"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        yield from zip(jobs, pickle.loads((self.folder / "made").read_bytes()), strict=True)


def test_a_job_carries_its_world_and_its_code_and_returns_what_it_made(rules, tmp_path_factory):
    allotment.import_file("my_rules.py")
    away = tmp_path_factory.mktemp("away")
    result = run_study(study(), Path("runs"), lambda *told: None, executor=Elsewhere(away))
    here = run_study(study(), Path("again"), lambda *told: None, executor=Serial())
    assert result.outcome.comparison["score"].tolist() == here.outcome.comparison["score"].tolist()
    assert RunFolder(Path("runs/own/mine-seed0")).finished
    assert sorted(each.name for each in away.iterdir()) == ["jobs.json", "made"]


def order_five(observation):
    return np.full(observation.in_transit.shape, 5.0)


def test_a_function_and_an_object_are_evaluated_and_compared_beside_the_shipped_ones():
    class Six:
        def decide(self, observation):
            return allotment.Decision(np.full(observation.in_transit.shape, 6.0))

    world = allotment.load_scenario("lost_sales", ["horizon.periods=20", "horizon.warm_up=0"])
    assert allotment.evaluate(order_five, world, 4)["policy"].unique().tolist() == ["order_five"]
    table = allotment.compare({"five": order_five, "six": Six(), "constant_order": "constant_order"}, world, 16)
    assert sorted(table["policy"]) == ["constant_order", "five", "six"]
    assert set(table["worlds"]) == {16}
    with pytest.raises(TypeError, match="a policy has the method decide"):
        allotment.evaluate(3, world)


@pytest.mark.parametrize("made_by", ["make_sb3", "gym"])
def test_a_model_of_ones_own_script_goes_into_the_comparison(made_by):
    import gymnasium as gym
    from stable_baselines3 import PPO

    world = one_shop()
    environment = allotment.make_sb3(world, num_envs=2) if made_by == "make_sb3" else allotment.make(world)
    assert isinstance(environment, gym.Env) == (made_by == "gym")
    model = PPO("MlpPolicy", environment, n_steps=8, batch_size=8, seed=0).learn(16)
    table = allotment.compare([model, order_five], world, episodes=4)
    assert set(table["policy"]) == {"PPO", "order_five"}
    own = VectorPolicy(
        "own", world, allotment.make(world).encoding, lambda vectors: model.predict(vectors, deterministic=True)[0]
    )
    assert allotment.evaluate(own, world, 4)["score"].tolist() == allotment.evaluate(model, world, 4)["score"].tolist()


def test_metrics_of_ones_own_are_measured_in_python(tmp_path):
    Path("my_metrics.py").write_text(METRIC)
    module = allotment.import_file("my_metrics.py")
    rows = allotment.evaluate(order_five, one_shop(), 4, metrics=[module.Days(), module.largest])
    assert (rows["most_on_hand"] >= rows["on_hand"] - 1e-9).all()
    assert np.isfinite(rows["cover"]).all()
    Path("my_metrics.py").write_text(METRIC + "nothing = 3\n")
    allotment.import_file("my_metrics.py")
    with pytest.raises(ScenarioError, match="is no metric; it lacks name and count and value"):
        extensions.metric("my_metrics.py:nothing")


def test_algorithm_network_callback_and_logger_of_ones_own(tmp_path):
    Path("learning.py").write_text(LEARNING)
    allotment.import_file("learning.py")
    config = {
        "algorithm": "learning.py:Mine",
        "network": {"kind": "learning.py:Wide", "settings": {"width": 6}},
        "environments": 2,
        "steps": 64,
        "settings": {"n_steps": 8, "batch_size": 8},
        "validation": {"every": 32, "episodes": 2},
        "callbacks": [{"use": "learning.py:Counting", "file": str(tmp_path / "steps")}],
        "loggers": [{"use": "learning.py:ToFile", "file": str(tmp_path / "log")}],
    }
    run = allotment.train(two_shops(), written("own.yaml", config), out="runs")
    policy = allotment.load_policy(run)
    assert policy.actor.layers[0].out_features == 6
    assert (tmp_path / "steps").read_text() == "64"
    assert "64 evaluation/score" in (tmp_path / "log").read_text()
    with pytest.raises(ScenarioError, match="must be a subclass of PPO"):
        allotment.train(two_shops(), written("wrong.yaml", {**config, "algorithm": "learning.py:Wide"}), out="runs")
    with pytest.raises(ScenarioError, match=r"network\.kind must be mlp for sac"):
        allotment.train(two_shops(), written("wrong.yaml", {**config, "algorithm": "sac"}), out="runs")


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_loggers_of_other_packages_are_off_unless_configured(name, monkeypatch):
    from allotment.fitting.sb3.loggers import LOGGERS

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ScenarioError, match=f"{name} is not installed"):
        LOGGERS[name]()
    told = []
    package = types.SimpleNamespace(
        init=lambda **settings: types.SimpleNamespace(
            log=lambda numbers, step: told.append((step, numbers)), finish=lambda: told.append("end")
        ),
        start_run=lambda **settings: None,
        set_experiment=lambda name: None,
        log_metrics=lambda numbers, step: told.append((step, numbers)),
        end_run=lambda: told.append("end"),
    )
    monkeypatch.setitem(sys.modules, name, package)
    logger = LOGGERS[name]()
    logger.write({"evaluation/score": np.float32(2.0), "text": "no number"}, {}, 7)
    logger.close()
    assert told == [(7, {"evaluation/score": 2.0}), "end"]


def test_an_allocation_rule_of_ones_own():
    Path("allocations.py").write_text("import numpy as np\ndef nothing(day):\n    return np.zeros(day.options.pools.shape)\n")
    allotment.import_file("allocations.py")
    world = two_shops(sequence=["receive", "demand", "decide", "fulfil", "charge"], decisions=["orders", "allocation"])
    config = {"policy": "constant_order", "parameters": {"quantity": 2}, "allocation": "allocations.py:nothing"}
    policy = allotment.load_policy(allotment.train(world, written("mine.yaml", config), out="runs"))
    assert not allotment.evaluate(policy, world, 2)["shipped"].any()


def test_nothing_is_written_of_code_in_a_config_that_names_none():
    run = allotment.train(
        one_shop(), written("plain.yaml", {"policy": "constant_order", "parameters": {"quantity": 2}}), out="r"
    )
    assert json.loads((run / "best" / "bundle.json").read_text())["config"]["policy"] == "constant_order"
    assert extensions.named_code() == {}


def test_a_residuals_rule_is_written_out_in_the_run_folder():
    assert RESIDUAL["name"] == "residual"
    from allotment.policies.config_file import read_config

    _, content = read_config("ppo_residual")
    assert content["encoding"]["rule"]["policy"] == content["encoding"]["rule"]["name"] == "dual_newsvendor"


def test_two_files_of_one_name_are_not_taken_for_each_other(rules, tmp_path):
    allotment.import_file(rules)
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "my_rules.py"
    other.write_text(RULE.replace("0.5", "0.9"))
    with pytest.raises(ScenarioError, match=r"another file of this name is in use, .*; give one of them another name"):
        allotment.import_file(other)
    rules.write_text(other.read_text())  # the same file, edited, is imported anew
    assert allotment.import_file(rules).Hedging.__dataclass_fields__["share"].metadata != {}


def test_what_was_made_with_another_text_of_a_file_is_told_and_made_anew(rules):
    metrics = Path("my_metrics.py")
    metrics.write_text(METRIC)

    def scores():
        for file in (rules, metrics):
            allotment.import_file(file)
        run_quietly(study_of(HEDGING, ["my_metrics.py:largest"]))
        run = RunFolder(Path("made/mine/mine-seed0"))
        return pd.read_parquet(run.path / EPISODES), run.best / "bundle.json"

    first, bundle = scores()
    kept = bundle.stat().st_mtime_ns
    _, bundle = scores()
    assert bundle.stat().st_mtime_ns == kept
    metrics.write_text(METRIC.replace("flows.on_hand.max(axis=(1, 2))", "2.0 * flows.on_hand.max(axis=(1, 2))"))
    doubled, bundle = scores()
    assert bundle.stat().st_mtime_ns == kept  # the policy is the same, its measures are not
    np.testing.assert_allclose(doubled["most_on_hand"], 2.0 * first["most_on_hand"])
    rules.write_text(RULE.replace("np.ceil(self.share * missing)", "np.ceil(missing)"))
    allotment.import_file(rules)
    with pytest.warns(UserWarning, match=r"my_rules.py has changed since the policy was kept"):
        allotment.load_policy("made/mine/mine-seed0")
    changed, _ = scores()
    assert (changed["score"] != first["score"]).any()


def test_a_recurrent_model_remembers_from_decision_to_decision():
    from sb3_contrib import RecurrentPPO

    world = two_shops()
    model = RecurrentPPO("MlpLstmPolicy", allotment.make_sb3(world, 2), n_steps=8, batch_size=8, n_epochs=1, seed=1)
    policy = own_policy(model, world)
    simulation, starts, state, memory = Simulation(world.problem, 3), np.ones(3, dtype=bool), None, None
    simulation.reset(np.arange(3), np.arange(3), np.zeros(3, dtype=int))
    for _ in range(4):
        seen = observe(simulation, memory)
        actions, state = model.predict(Flattener(world)(seen), state=state, episode_start=starts, deterministic=True)
        decided, starts = policy.decide(seen), np.zeros(3, dtype=bool)
        expected = policy.encoding.decision(np.clip(actions.astype(np.float64), -1.0, 1.0), seen)
        np.testing.assert_array_equal(decided.orders, expected.orders)
        memory = decided.memory
        simulation.step(decided)
    assert np.abs(memory).max() > 0.0
    assert allotment.evaluate(model, world, 3)["policy"].unique().tolist() == ["RecurrentPPO"]
    assert allotment.compare([model, "constant_order"], world, 3)["policy"].tolist().count("RecurrentPPO") == 1


def test_an_installed_network_is_trained_by_its_name(monkeypatch):
    Path("learning.py").write_text(LEARNING)
    entry = types.SimpleNamespace(name="wide", load=lambda: allotment.import_file("learning.py").Wide)
    monkeypatch.setattr(extensions, "entry_points", lambda group: [entry] if group == "allotment.networks" else [])
    small = {"steps": 16, "environments": 2, "settings": {"n_steps": 8, "batch_size": 8}, "validation": {"episodes": 2}}
    config = written("learner.yaml", {"algorithm": "ppo", "network": {"kind": "wide"}, **small})
    policy = allotment.load_policy(allotment.train(one_shop(), config, out="runs"))
    assert type(policy.actor).__name__ == "Wide"
    with pytest.raises(ScenarioError, match="unknown network 'wid'; did you mean 'wide'"):
        allotment.train(
            one_shop(), written("wrong.yaml", {"algorithm": "ppo", "network": {"kind": "wid"}, **small}), out="runs"
        )


def test_an_allocation_rule_of_ones_own_plans_a_day():
    Path("sharing.py").write_text("import numpy as np\n\n\ndef nobody(day):\n    return np.zeros(day.options.pools.shape)\n")
    Path("stock.csv").write_text("warehouse,sku,on_hand\nnorth,milk,5\n")
    Path("demand.csv").write_text("channel,region,sku,demand\nweb,east,milk,3\n")
    allotment.import_file("sharing.py")
    given = allotment.plan("stock.csv", "demand.csv", method="sharing.py:nobody")
    assert given.drawn.sum() == 0.0
    assert allotment.plan("stock.csv", "demand.csv").drawn.sum() == 3.0


def study_of(policy, metrics=()):
    """Return a study of one policy in the world of one shop, with its config and its world written out."""
    written("mine.yaml", policy)
    content = {
        "name": "mine",
        "question": "Does hedging pay?",
        "env": written("shop.yaml", one_shop().content),
        "policies": [{"config": "mine.yaml"}],
        "evaluation": {"episodes": 4, "metrics": list(metrics)},
    }
    return written("study.yaml", content)


def run_quietly(study):
    return run_study(load_study(study), Path("made"), lambda *told: None, executor=Serial())


def test_finished_runs_outlive_a_forgotten_import(rules):
    study = study_of(HEDGING)
    allotment.import_file(rules)
    run_quietly(study)
    kept = sorted(Path("made/mine/mine-seed0").rglob("*"))
    forget()
    with pytest.raises(ScenarioError, match=r"my_rules.py:Hedging stands in a file that is not imported"):
        run_quietly(study)
    assert sorted(Path("made/mine/mine-seed0").rglob("*")) == kept


def test_a_config_that_is_wrong_costs_no_finished_run(rules):
    allotment.import_file(rules)
    run_quietly(study_of(HEDGING))
    kept = sorted(Path("made/mine/mine-seed0").rglob("*"))
    with pytest.raises(ScenarioError, match="unknown key 'lvel'"):
        run_quietly(study_of({**HEDGING, "parameters": {"lvel": 3}}))
    assert sorted(Path("made/mine/mine-seed0").rglob("*")) == kept


def test_a_run_folder_names_no_other_file_to_be_imported(rules):
    written("mine.yaml", HEDGING)
    small = {"steps": 16, "environments": 2, "settings": {"n_steps": 8, "batch_size": 8}, "validation": {"episodes": 2}}
    config = {"algorithm": "ppo", "encoding": {"name": "residual", "rule": "mine.yaml"}, **small}
    run = allotment.train(one_shop(), written("learner.yaml", config), out="runs")
    written(run / "config.yaml", config)  # as if it had not been resolved: a file beside which code lies
    rules.write_text("raise SystemExit('imported')")
    forget()
    with pytest.raises(ScenarioError, match=r"encoding\.rule: must be written out in a run folder, not named: 'mine\.yaml'"):
        allotment.repeat(run, out="again")


@pytest.mark.parametrize("name", ["rmtree", "shutil", "partial"])
def test_what_a_file_imports_is_reached_by_no_name(name):
    Path("cleaning.py").write_text(
        "import shutil\nfrom functools import partial\nfrom shutil import rmtree\n\nclass Own: ...\n"
    )
    allotment.import_file("cleaning.py")
    with pytest.raises(ScenarioError, match=rf"cleaning.py defines no '{name}'; allowed: Own"):
        extensions.find("metric", f"cleaning.py:{name}", {}, "metrics")
    assert extensions.find("metric", "cleaning.py:Own", {}, "metrics").__name__ == "Own"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"callbacks": ["learning.py:Typo"]}, "callbacks: learning.py defines no 'Typo'"),
        ({"callbacks": ["learning.py:Wide"]}, "callbacks: learning.py:Wide must be a subclass of BaseCallback"),
        ({"callbacks": ["foo"]}, "unknown callback 'foo'; none is shipped or installed; name your own as file.py:Name"),
        ({"loggers": ["learning.py:Wide"]}, "loggers: learning.py:Wide must be a subclass of KVWriter"),
        ({"loggers": ["wnadb"]}, "unknown logger 'wnadb'; did you mean 'wandb'"),
        ({"network": {"settings": {"width": 3}}}, "network.settings: a network mlp takes none beside its own keys, not width"),
        ({"name": "a/b"}, r"wrong.yaml: name must be at most 100 letters .*, the first no point, not 'a/b'"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(entries, message):
    Path("learning.py").write_text(LEARNING)
    allotment.import_file("learning.py")
    with pytest.raises(ScenarioError, match=message):
        allotment.train(one_shop(), written("wrong.yaml", {"algorithm": "ppo", "steps": 16, **entries}), out="runs")
    assert not list(Path("runs").glob("*")) if Path("runs").exists() else True


def test_a_subclass_that_passes_on_what_it_gets_takes_the_settings_of_its_base():
    Path("learning.py").write_text(
        "from stable_baselines3 import PPO\n\n\nclass Mine(PPO):\n"
        "    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
    )
    allotment.import_file("learning.py")
    small = {"steps": 16, "environments": 2, "settings": {"n_steps": 8, "batch_size": 8}, "validation": {"episodes": 2}}
    config = {"algorithm": "learning.py:Mine", **small}
    assert (allotment.train(one_shop(), written("learner.yaml", config), out="runs") / "best").is_dir()
    with pytest.raises(ScenarioError, match=r"settings: unknown key 'n_stps' for learning\.py:Mine; did you mean 'n_steps'"):
        allotment.train(one_shop(), written("wrong.yaml", {**config, "settings": {"n_stps": 8}}), out="runs")


class Counting:
    """A metric of whatever shape."""

    about = "nothing"

    def __init__(self, name, counted=lambda B: np.ones(B), value=lambda sums: sums):
        self.name, self.counted, self.made = name, counted, value

    def count(self, world, flows):
        return self.counted(len(flows.reward))

    def value(self, sums, periods):
        return self.made(sums)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([Counting("demand")], "metric demand: the name is taken"),
        ([Counting("seed")], "metric seed: the name is taken"),
        ([Counting("score_low")], "metric score_low: the name is taken"),
        ([Counting("mine"), Counting("mine")], "metric mine: the name is taken"),
        ([Counting("mine", lambda B: 1.0)], r"metric mine: count must be \(B,\) or \(B, n\) with B = 4, not \(\)"),
        ([Counting("mine", lambda B: np.ones((B, 2)))], r"metric mine: value must be \(B,\) with B = 4, not \(4, 2\)"),
    ],
)
def test_a_metric_has_a_name_and_a_shape_of_its_own(metrics, message):
    with pytest.raises(ValueError, match=message):
        allotment.evaluate("constant_order", one_shop(), 4, metrics=metrics)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("ppo", "ppo: learns; train it first"),
        (Counting, "a policy is an object, not the class Counting"),
        (3, "a policy has the method decide"),
    ],
)
def test_what_is_no_policy_is_refused(policy, message):
    with pytest.raises((ScenarioError, TypeError), match=message):
        allotment.evaluate(policy, one_shop(), 4)


def test_a_model_of_another_world_is_refused():
    from stable_baselines3 import PPO

    model = PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8)
    with pytest.raises(TypeError, match="a model needs the environment that it was trained in"):
        allotment.evaluate(model, one_shop(), 4)
    with pytest.raises(ScenarioError, match="another package's environment"):
        allotment.evaluate(lambda observation: 0, "CartPole-v1", 4)
    with pytest.raises(ScenarioError, match="worlds of this project only"):
        allotment.compare({"mine": lambda observation: 0}, "CartPole-v1", 4)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "x"])
def test_a_setting_is_of_the_type_that_its_rule_says(seed):
    config = written("random.yaml", {"policy": "random", "parameters": {"seed": seed}})
    with pytest.raises(ScenarioError, match="random: seed: Input should be"):
        allotment.evaluate(config, one_shop(), 4)


def test_a_file_may_import_what_lies_beside_it(rules):
    Path("helper.py").write_text("LEVEL = 12\n")
    Path("mine.py").write_text(f"from helper import LEVEL\n{RULE}")
    assert allotment.import_file("mine.py").LEVEL == 12
    good = sys.modules["allotment_user.mine"]
    Path("mine.py").write_text("1 / 0")
    with pytest.raises(ScenarioError, match="cannot be imported: ZeroDivisionError"):
        allotment.import_file("mine.py")
    assert sys.modules["allotment_user.mine"] is good
