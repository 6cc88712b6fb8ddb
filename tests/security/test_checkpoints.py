"""A checkpoint from somebody else runs nothing, and one that is damaged or nonsense is refused by name, losing nothing."""

import json
import os
import pickle
import stat
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from stable_baselines3 import PPO

import allotment
from allotment.cli import main
from allotment.fitting.sb3.checkpoint import Checkpoints
from allotment.fitting.sb3.own_seal import check_seal, key_file, seal_of
from allotment.fitting.tree_file import LONGEST_HEADER, TreeError, TreeFile, write_tree
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation
from small_worlds import two_shops

pytestmark = pytest.mark.security

SMALL = {"steps": 32, "environments": 2, "network.hidden": [4], "settings.n_steps": 8, "settings.batch_size": 8}
SMALL |= {"settings.n_epochs": 1, "validation.every": 16, "validation.episodes": 2, "checkpoint.every": 16}
OVERRIDES = [f"{key}={json.dumps(value)}" for key, value in SMALL.items()]


class Payload:
    """Says that it was run, wherever it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return (Path.touch, (Path(self.marker),))


def trained(place, out):
    run = RunFolder(allotment.train(place, "ppo", out=out, overrides=OVERRIDES))
    run.update(finished=False)
    return run


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    return trained(two_shops(), tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def external(tmp_path_factory):
    return trained("CartPole-v1", tmp_path_factory.mktemp("external"))


@pytest.fixture
def changed(native, external, tmp_path):
    """Returns what writes a run's checkpoint with a part of its tree changed."""
    before = {run: run.checkpoint.read_bytes() for run in (native, external)}

    def change(run, way):
        with TreeFile(run.checkpoint) as kept:
            tree = kept.loaded(kept.tree)
        way(tree)
        write_tree(tree, tmp_path / "changed")
        (tmp_path / "changed").replace(run.checkpoint)

    yield change
    for run, content in before.items():
        run.checkpoint.write_bytes(content)


def contents(run):
    return {file: file.read_bytes() for file in sorted(run.path.rglob("*")) if file.is_file()}


def check_refused(run, message):
    before = contents(run)
    with pytest.raises(ScenarioError, match=message) as told:
        allotment.resume(run.path)
    assert str(told.value).startswith(f"{run.checkpoint}: ")
    assert str(told.value).endswith(f"; remove {run.checkpoints} to train again from the start")
    assert "\n" not in str(told.value)
    assert contents(run) == before


# what a tree is


TREE = {
    "floats": [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), -float("inf"), float("nan")],
    "whole": (2**128 - 1, -(2**64), 0, True, False, None),
    3: {"": "text, \u00e9 \u0000 \U0001f600", "again": {"a/b": np.array(-0.0), "a": {"b": np.empty((0, 3), np.float32)}}},
    "arrays": [np.array([2**64 - 1], np.uint64), np.array([[True], [False]]), np.arange(6.0).reshape(2, 3).T[::-1]],
    "numbers": (np.float64(0.1), np.int8(-3), np.bool_(True)),
    "tensors": [torch.tensor(3, dtype=torch.int64), torch.arange(6, dtype=torch.float16).reshape(2, 3).T, torch.empty(0)],
}


def test_a_tree_comes_back_to_the_bit(tmp_path):
    write_tree(TREE, tmp_path / "tree")
    with TreeFile(tmp_path / "tree") as kept:
        kept.check()
        again = kept.loaded(kept.tree)
    assert _exact(again) == _exact(TREE)


def _exact(tree):
    if isinstance(tree, dict):
        return [(key, _exact(each)) for key, each in tree.items()]
    if isinstance(tree, list | tuple):
        return type(tree), [_exact(each) for each in tree]
    if isinstance(tree, np.ndarray | np.generic | torch.Tensor):
        return type(tree), str(tree.dtype), tuple(tree.shape), np.asarray(tree).tobytes()
    return type(tree), repr(tree)


@pytest.mark.parametrize(
    "value",
    [
        *({1, 2}, 1j, b"bytes", object(), Path("x"), np.array(["text"]), np.array([None]), np.array([1j]), np.ma.array([1.0])),
        *(np.array([1.0], dtype=">f8"), torch.zeros(1, dtype=torch.bfloat16), torch.eye(2).to_sparse(), {1.5: 0}, {None: 0}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused_when_it_is_written(value, tmp_path):
    with pytest.raises(TreeError, match=r"^(/a/0: cannot be kept|/a/0: a key must be)"):
        write_tree({"a": [value]}, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


# code


def test_a_planted_pickle_does_not_run(native, changed, tmp_path):
    marker = tmp_path / "ran"
    planted = pickle.dumps(Payload(marker))
    for name in ("training.pt", "training.pkl"):
        (native.checkpoints / name).write_bytes(planted)
    native.checkpoint.write_bytes(planted)
    check_refused(native, "no file of this kind|no safetensors file|header")
    torch.save(Payload(marker), native.checkpoint)
    check_refused(native, "no file of this kind|no safetensors file|header")
    assert not marker.exists()
    pickle.loads(planted)
    assert marker.exists()  # it would have told
    for name in ("training.pt", "training.pkl"):
        (native.checkpoints / name).unlink()


@pytest.mark.parametrize("sealed_by", ["nobody", "another user", "the user, for something else"])
def test_another_packages_environment_that_the_user_did_not_seal_is_not_unpickled(
    sealed_by, external, changed, tmp_path, monkeypatch
):
    marker = tmp_path / "ran"
    planted = pickle.dumps({"envs": Payload(marker)})

    def plant(tree):
        kept = tree["environments"]
        if sealed_by == "nobody":
            kept["seal"] = "0" * 64
        elif sealed_by == "another user":
            with monkeypatch.context() as elsewhere:
                elsewhere.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
                kept["seal"] = seal_of(planted)
        kept["pickled"] = np.frombuffer(planted, np.uint8)

    changed(external, plant)
    check_refused(external, "the environment of another package is not sealed by this user's key, .*: written by somebody else")
    assert not marker.exists()


def test_a_seal_holds_for_its_content_and_its_key_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    seal = seal_of(b"content")
    check_seal(b"content", seal)
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    for content, other in ((b"contend", seal), (b"content", seal[:-1]), (b"content", ""), (b"content", "\u00e9")):
        with pytest.raises(ValueError, match="is not sealed by this user's key"):
            check_seal(content, other)
    key_file().chmod(0o640)
    with pytest.raises(PermissionError, match=r"must belong to the user alone \(chmod 600\)"):
        check_seal(b"content", seal)
    key_file().chmod(0o600)
    key_file().unlink()
    with pytest.raises(ValueError, match="is not sealed by this user's key"):
        check_seal(b"content", seal)


def test_where_no_key_can_be_kept_the_training_goes_on_and_says_that_it_cannot_be_resumed(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="training cannot be resumed once interrupted: .*no key to seal its environment"):
        run = RunFolder(allotment.train("CartPole-v1", "ppo", out=tmp_path, overrides=OVERRIDES))
    assert run.finished and not run.can_go_on


# nonsense


def put(*keys, value):
    def way(tree):
        for key in keys[:-1]:
            tree = tree[key]
        tree[keys[-1]] = value

    return way


def drop(*keys):
    def way(tree):
        for key in keys[:-1]:
            tree = tree[key]
        del tree[keys[-1]]

    return way


OPTIMISER = ("parameters", "policy.optimizer")
WORLDS = ("environments", "worlds")


@pytest.mark.parametrize(
    ("way", "message"),
    [
        (drop("replay"), "must hold algorithm, parameters"),
        (put("more", value=1), "must hold algorithm, parameters"),
        (drop("progress"), "progress must hold measures"),
        (put("progress", "curve", value=np.zeros((3, 2))), "progress/curve must be array float64"),
        (put("progress", "best", value={"score": "high"}), "progress/best must be numbers"),
        (put("progress", "series", "train/loss", value=(1.0, 2, 3.0)), "progress/series must be"),
        (put("algorithm", "num_timesteps", value=-5), "algorithm/num_timesteps must be a count, not -5"),
        (put("algorithm", "num_timesteps", value=10**40), "algorithm/num_timesteps must be a count"),
        (put("algorithm", "num_timesteps", value=1.0), "algorithm/num_timesteps must be a int, not float"),
        (put("algorithm", "_last_obs", value=np.zeros((3, 1), np.float32)), "algorithm/_last_obs must be array float32"),
        (put("algorithm", "episodes", value=np.zeros((200, 3))), "algorithm/episodes must be of at most 100 episodes, not 200"),
        (put("parameters", "policy", value={}), "parameters/policy/.* is missing"),
        (
            put(*OPTIMISER, "state", 0, "exp_avg", value=torch.zeros(1)),
            "optimizer/state/0/exp_avg must be tensor float32",
        ),
        (put(*OPTIMISER, "state", 99, value={}), "policy.optimizer/state/99 is unknown"),
        (put(*OPTIMISER, "param_groups", 0, "params", 0, value=1), "parameters/policy.optimizer must be of the weights"),
        (put(*OPTIMISER, "param_groups", 0, "lr", value=float("nan")), "param_groups/0/lr must be finite, not nan"),
        (put(*WORLDS, "on_hand", value=np.zeros(3)), "environments/worlds/on_hand must be array float64"),
        (put(*WORLDS, "period", value=np.array([0, 2**40])), "period of a state must be from 0 to "),
        (put(*WORLDS, "period", value=np.array([0, -1])), "period of a state must be from 0 to "),
        (put("generators", "numpy", value=("MT19937", np.zeros(624, np.uint32), 10**6, 0, 0.0)), "generators/numpy must be at"),
        (put("generators", "actions", "state", "state", value=-1), "remove"),
        (put("generators", "torch", value=torch.zeros(5056, dtype=torch.uint8)), "remove"),
        (put("generators", "python", 1, value=np.zeros(625, np.uint64)), "generators/python/1 must be array uint32"),
        (put("normalisation", "ret_rms", 2, value=7), "normalisation/ret_rms/2 must be a float, not int"),
        (put("normalisation", "ret_rms", 2, value=-1.0), "normalisation/ret_rms must have a variance and a count that are not"),
        (put("generators", "actions", "bit_generator", value="MT19937"), "bit_generator must be 'PCG64'"),
    ],
)
def test_a_checkpoint_that_holds_nonsense_is_refused_by_name(way, message, native, changed):
    changed(native, way)
    check_refused(native, message)


def test_a_checkpoint_of_another_training_is_refused(native, external, changed):
    native.checkpoint.write_bytes(external.checkpoint.read_bytes())
    check_refused(native, "algorithm/_last_obs must be array float32")


def test_a_weight_that_is_no_number_is_refused(native, changed):
    def way(tree):
        next(iter(tree["parameters"]["policy"].values())).fill_(float("nan"))

    changed(native, way)
    check_refused(native, "parameters/policy/.* holds what is no finite number")


def test_a_changed_or_cut_off_checkpoint_is_refused_whatever_was_changed(native, changed):
    whole = native.checkpoint.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    for place in (0, 7, 8, length // 2, length + 8, len(whole) - 1):
        native.checkpoint.write_bytes(bytes([*whole[:place], whole[place] ^ 1, *whole[place + 1 :]]))
        check_refused(native, "is cut off|no file of this kind|altered|array|missing|must be|holds")
    for kept in (0, 5, length, len(whole) - 1):
        native.checkpoint.write_bytes(whole[:kept])
        check_refused(native, "is cut off, or no safetensors file|no file of this kind")


def test_a_checkpoint_of_another_version_says_so(native, changed):
    arrays = load_file(native.checkpoint)
    save_file(arrays, native.checkpoint, {"schema": "2", "tree": "null", "digest": ""})
    check_refused(native, "is of schema '2'; this version reads schema '1'")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "holds no JSON"),
        ("9" * 5000, "holds no JSON"),
        ("NaN", "holds NaN, which is no JSON"),
        ('{"dict": [["a", 1], ["a", 2]]}', "a key that is new"),
        ('[{"array": "x"}, {"array": "x"}]', "has no array 'x', or has it twice"),
        ("[]", "holds the array 'x', which belongs nowhere"),
        ('{"import": "this"}', "which says no value"),
    ],
)
def test_a_file_that_says_no_tree_is_refused(text, message, tmp_path):
    save_file({"x": np.zeros(3)}, tmp_path / "tree", {"schema": "1", "tree": text, "digest": ""})
    with pytest.raises(TreeError, match=message):
        TreeFile(tmp_path / "tree")


def test_sizes_without_content_take_no_memory(native, changed):
    whole = native.checkpoint.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    last = max((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"][1])
    header[last]["shape"] = [10**12]
    header[last]["data_offsets"][1] = header[last]["data_offsets"][0] + 10**12 * 8
    text = json.dumps(header).encode()
    with native.checkpoint.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        os.truncate(file.fileno(), 8 + len(text) + header[last]["data_offsets"][1])  # a file of holes
    with pytest.raises(ScenarioError, match=r"must be|is cut off"):
        allotment.resume(native.path)
    native.checkpoint.write_bytes((LONGEST_HEADER + 1).to_bytes(8, "little") + b"{}")
    check_refused(native, "its header would have 8,388,609 bytes")


def test_the_command_line_tells_it_in_one_line(native, changed, capsys, monkeypatch):
    native.checkpoint.write_bytes(b"nonsense")
    monkeypatch.setattr("sys.argv", ["allotment", "train", "--resume", str(native.path), "--quiet"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and line.endswith("to train again from the start")


def test_a_training_that_is_to_be_longer_stays_finished_where_its_checkpoint_is_refused(native, changed):
    native.update(finished=True)
    before = contents(native)
    native.checkpoint.write_bytes(b"nonsense")
    with pytest.warns(UserWarning, match="depends on the length"), pytest.raises(ScenarioError, match="to train again from"):
        allotment.resume(native.path, ["steps=64"])
    assert {**contents(native), native.checkpoint: b""} == {**before, native.checkpoint: b""}
    native.update(finished=False)


def test_what_is_left_of_a_kill_while_the_first_checkpoint_is_written_is_no_checkpoint(tmp_path):
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    run.checkpoint.with_name(f"{run.checkpoint.name}.part").write_bytes(b"half of it")
    assert not run.can_go_on


def test_a_full_disk_ends_a_training_and_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    model = PPO("MlpPolicy", allotment.make_sb3(two_shops(), 2), n_steps=8, batch_size=8, n_epochs=1, device="cpu")
    model.learn(16, callback=Checkpoints(run, 16, dict, None))
    before = run.checkpoint.read_bytes()

    def full(arrays, file, about):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr("allotment.fitting.tree_file.save_file", full)
    with pytest.raises(OSError, match="No space left on device"):
        model.learn(16, callback=Checkpoints(run, 1, dict, None))
    assert run.checkpoint.read_bytes() == before


@pytest.mark.parametrize("name", ["period", "seed", "episode", "regime", "on_hand"])
def test_a_simulation_takes_no_state_that_cannot_be(name):
    simulation = Simulation(two_shops().problem, 2)
    simulation.reset(np.arange(2), np.arange(2), np.zeros(2, dtype=np.int64))
    state = simulation.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if state[name].size:
            wrong = state[name].copy()
            wrong.flat[0] = np.nan if wrong.dtype == np.float64 else -1
            with pytest.raises(ValueError, match=f"{name} of a state must be "):
                simulation.set_state({**state, name: wrong})
        with pytest.raises(ValueError, match=f"{name} of a state must be .*, not float32"):
            simulation.set_state({**state, name: np.zeros(3, np.float32)})
    assert all(np.array_equal(array, state[each]) for each, array in simulation.get_state().items())
