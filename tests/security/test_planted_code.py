"""Nothing runs because a file names it: code enters where the user names it, and nowhere else."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from pathlib import Path

import gymnasium as gym
import pytest
import yaml
from sealing import change, make_bundles, seal
from typer.testing import CliRunner

import allotment
from allotment import cli, extensions
from allotment.environments import external
from allotment.scenario.errors import ScenarioError
from small_worlds import one_shop

pytestmark = pytest.mark.security
PAYLOAD = "from pathlib import Path\nPath('ran').touch()\n\ndef wipe(*given, **settings):\n    Path('ran').touch()\n"
SMALL = {"steps": 16, "environments": 2, "settings": {"n_steps": 8, "batch_size": 8}, "validation": {"episodes": 2}}


class Importing(gym.Env):
    """Imports the module that it is told, as environments that wrap others do."""

    observation_space, action_space = gym.spaces.Box(0, 1, (4,)), gym.spaces.Discrete(2)

    def __init__(self, env_id="none"):
        importlib.import_module(env_id.partition(":")[0]) if env_id != "none" else None

    def reset(self, *, seed=None, options=None):
        raise NotImplementedError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with bundles of each kind."""
    folder = tmp_path_factory.mktemp("made")
    make_bundles(folder)
    return folder


@pytest.fixture
def planted(made, tmp_path, monkeypatch):
    """Return a folder of bundles in which code lies, that the path of modules reaches, and in which the user works."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    for folder in (tmp_path, *(folder for folder in tmp_path.iterdir() if folder.is_dir())):
        (folder / "payload.py").write_text(PAYLOAD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(gym.registry, "Importing-v0", gym.envs.registration.EnvSpec("Importing-v0", Importing))
    for name, nothing in (("_named", {}), ("_code", {}), ("_packages", set())):
        monkeypatch.setattr(extensions, name, nothing)
    monkeypatch.setattr(external, "_said", set())
    yield tmp_path
    sys.modules.pop("payload", None)


def written(name, content):
    Path(name).write_text(yaml.safe_dump(content))
    return name


def named_in(environment):
    """Let the bundle of an environment name another one."""
    content = yaml.safe_load(Path("external/environment.yaml").read_text())
    written("external/environment.yaml", {**content, **environment})
    change(Path("external"), lambda about: None)


def refused(*arguments):
    """Return what a command says when it refuses, in one line and with exit code 2."""
    try:
        ended = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    except ScenarioError as error:
        assert len(str(error).splitlines()) == 1
        return str(error)
    raise AssertionError(ended.output)


@pytest.mark.parametrize("name", ["payload:X-v0", "this:X-v0", "payload:CartPole-v1", "allotment/LostSales-v0", "../x-v0", "X"])
@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "external"),
        ("evaluate", "external", "--set-env", "length=1"),
        ("serve", "external"),
        ("export", "external", "p.onnx"),
    ],
    ids=["evaluate", "evaluate-set-env", "serve", "export"],
)
def test_the_environment_that_a_bundle_names_imports_nothing(planted, name, command):
    named_in({"id": name})
    told = refused(*command)
    assert "environment.yaml: id: must be an id as Name-v0, without a module" in told
    assert not Path("ran").exists() and "this" not in sys.modules


@pytest.mark.parametrize("text", ["payload:X-v0", "payload.py", "../payload", "/payload"])
def test_texts_among_its_arguments_are_handed_over_where_the_user_says_them(planted, text):
    named_in({"id": "Importing-v0", "arguments": {"env_id": text}})
    told = refused("evaluate", "external", "--episodes", "2")
    assert "Importing-v0: arguments.env_id may stand for a file or a module" in told and "--set-env env_id=" in told
    assert "may stand for a file" in refused("evaluate", "external", "--set-env", "max_episode_steps=3")
    assert not Path("ran").exists()


def test_what_the_user_says_is_imported(planted):
    named_in({"id": "Importing-v0", "arguments": {"env_id": "payload:X-v0"}})
    with pytest.raises(NotImplementedError):  # from its reset: it was made
        refused("evaluate", "external", "--set-env", "env_id=payload:X-v0", "--episodes", "2")
    assert Path("ran").exists()


def test_a_package_of_environments_is_imported_where_the_user_names_it(planted):
    Path("my_envs.py").write_text(
        "import gymnasium\ngymnasium.register('Mine-v0', 'gymnasium.envs.classic_control:CartPoleEnv', max_episode_steps=9)\n"
    )
    named_in({"id": "Mine-v0"})
    assert "Mine-v0: no such Gymnasium environment; --import the package or file that registers it" in refused(
        "evaluate", "external"
    )
    ended = CliRunner().invoke(
        cli.app, ["evaluate", "external", "--episodes", "2", "--import", "my_envs"], catch_exceptions=False
    )
    assert ended.exit_code == 0, ended.output
    del gym.registry["Mine-v0"]
    assert "--import nowhere_at_all: cannot be imported: ModuleNotFoundError" in refused(
        "evaluate", "external", "--import", "nowhere_at_all"
    )


@pytest.mark.parametrize("name", ["payload.py:Rule", "payload:Rule", "payload", "/payload.py:Rule"])
def test_the_rule_or_network_that_a_bundle_names_is_not_imported(planted, name):
    change(planted / "rule", lambda about: about["config"].update(policy=name))
    change(planted / "network", lambda about: about["network"].update(kind=name))
    for bundle in ("rule", "network"):
        told = refused("evaluate", bundle)
        assert f"--import {name.partition(':')[0]}" in told if ".py" in name else "unknown" in told
    assert not Path("ran").exists()


@pytest.mark.parametrize("reader", ["payload.py:wipe", "payload:wipe"])
def test_the_reader_of_data_that_a_bundles_world_names_is_not_imported(planted, reader):
    world = yaml.safe_load(Path("rule/scenario.yaml").read_text())
    written("rule/scenario.yaml", {**world, "data": {"reader": reader, "folder": "."}})
    change(planted / "rule", lambda about: None)
    assert "data.reader" in refused("evaluate", "rule")
    assert not Path("ran").exists()


def test_a_config_a_study_and_a_run_folder_import_nothing(planted):
    written("mine.yaml", {"policy": "payload.py:Rule"})
    study = {"name": "s", "question": "?", "env": "lost_sales", "policies": ["mine.yaml"]}
    written("study.yaml", study)
    run = allotment.train(one_shop(), {"policy": "constant_order", "parameters": {"quantity": 1}}, out="runs", name="r")
    written(run / "config.yaml", {"policy": "payload.py:Rule"})
    about = json.loads((run / "metadata.json").read_text())
    (run / "metadata.json").write_text(json.dumps({**about, "finished": False}))
    for command in (
        *(("train", "lost_sales", "mine.yaml"), ("tune", "lost_sales", "mine.yaml"), ("run", "study.yaml")),
        *(("evaluate", "mine.yaml", "--env", "lost_sales"), ("train", "--resume", run), ("train", "--repeat", run)),
    ):
        told = refused(*command)
        assert "payload.py:Rule stands in a file that is not imported" in told and "(--import payload.py)" in told
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "entries",
    [
        {"callbacks": [{"use": "payload.py:wipe", "path": "/"}]},
        {"loggers": [{"use": "payload.py:wipe", "path": "/"}]},
        {"network": {"kind": "payload.py:wipe", "settings": {"path": "/"}}},
        {"algorithm": "payload.py:wipe"},
    ],
)
def test_no_function_of_a_file_that_the_user_imports_runs_because_a_config_names_it(planted, entries):
    allotment.import_file("payload.py")
    Path("ran").unlink()
    with pytest.raises((ScenarioError, TypeError), match="subclass"):
        allotment.train(one_shop(), written("mine.yaml", {"algorithm": "ppo", **SMALL, **entries}), out="runs")
    with pytest.raises(ScenarioError, match="no class, so that it takes no settings, not path"):
        extensions.metric({"use": "payload.py:wipe", "path": "/"})
    assert not Path("ran").exists()


def test_loggers_that_send_elsewhere_need_the_users_word(planted, monkeypatch):
    config = written("mine.yaml", {"algorithm": "ppo", **SMALL, "loggers": [{"use": "wandb", "dir": "/"}]})
    Path("wandb.py").write_text(PAYLOAD)
    told = refused("train", "lost_sales", config)
    assert "loggers: wandb is not imported because a file names it; name it yourself (--import wandb)" in told
    assert not Path("ran").exists()


def test_an_entry_point_in_the_working_folder_is_none(planted):
    installed = Path("planted-1.0.dist-info")
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[allotment.policies]\nplanted = payload:wipe\n")
    importlib.invalidate_caches()
    assert [each.name for each in importlib.metadata.entry_points(group="allotment.policies")] == ["planted"]
    change(planted / "rule", lambda about: about["config"].update(policy="planted"))
    assert "unknown policy 'planted'" in refused("evaluate", "rule")
    assert not Path("ran").exists()


def test_pickles_in_the_place_of_weights_and_arrays_are_not_unpickled(planted):
    import pickle

    class Planted:
        def __reduce__(self):
            return Path.touch, (Path("ran"),)

    weights = Path("network/weights.safetensors")
    weights.write_bytes(pickle.dumps(Planted()))
    seal(planted / "network", json.loads(Path("network/bundle.json").read_text()))
    assert "weights.safetensors: not a safetensors file" in refused("evaluate", "network")
    assert not Path("ran").exists()
