"""Checkpoints of trainings that are cut off, changed byte by byte, or whose values are nonsense under a right digest.

A training that is put into such a state must refuse it in one line that names the file and says how to go on; or be in exactly
the state that the file holds.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import warnings
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attacking import Attack
from safetensors.numpy import load_file, save_file
from small_trainings import small, world_for

import allotment
from allotment.fitting import tree_file
from allotment.fitting.sb3.checkpoint import resumed
from allotment.fitting.sb3.config import LearnedConfig
from allotment.fitting.sb3.trainer import Training
from allotment.fitting.sb3.training_place import training_place
from allotment.fitting.tree_file import TreeFile, write_tree
from allotment.policies.config_file import checked
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError

ALGORITHMS = ("ppo", "sac", "recurrent_ppo", "external")
NONSENSE: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 2**31, 2**63, 10**40, -(10**40), 10**5000, 0.5, -0.0, 1e308, math.nan, math.inf),
    *("", "x", "PCG64", "\x00\ud800", [], [[]], (), (1, 2), {}, {"": 0}, {0: []}),
    *(np.zeros(0), np.zeros(3), np.full((2, 2), np.nan), np.array(-1), np.arange(9, dtype=np.uint64), np.float32(1.0)),
    *(torch.zeros(0), torch.full((4,), math.inf), torch.zeros(624, dtype=torch.uint8)),
)


@cache
def _run(algorithm: str) -> RunFolder:
    folder = Path(tempfile.mkdtemp())
    name, place = ("ppo", "CartPole-v1") if algorithm == "external" else (algorithm, world_for(algorithm))
    overrides = small(name, steps=120, normalise_observation=True, **{"validation.every": 1000})
    return RunFolder(allotment.train(place, name, out=folder, overrides=overrides))


def _model(run: RunFolder) -> Any:
    config = checked(LearnedConfig, run.config, "config")
    training = Training(run.place, training_place(run.place, config, None), config, run)
    return training.model(training.environments())


@cache
def _states(algorithm: str) -> tuple[bytes, Any]:
    file = _run(algorithm).checkpoint
    with TreeFile(file) as kept:
        return file.read_bytes(), kept.loaded(kept.tree)


def _draw(rng: np.random.Generator) -> tuple[str, int, int]:
    return str(rng.choice(ALGORITHMS)), int(rng.integers(6)), int(rng.integers(2**62))


def _bytes(drawn: tuple[str, int, int]) -> str:
    """Change bytes of a file: flip, cut off, put in, or write another header."""
    algorithm, way, seed = drawn
    rng, content = np.random.default_rng(seed), bytearray(_states(algorithm)[0])
    place = int(rng.integers(len(content) if way % 2 else 4000))
    if way < 2:
        content[place] ^= 1 << int(rng.integers(8))
    elif way == 2:
        del content[place:]
    elif way == 3:
        content[place:place] = rng.bytes(int(rng.integers(1, 40)))
    elif way == 4:
        content[:8] = int(rng.integers(2**40)).to_bytes(8, "little")
    else:
        content[place : place + 20] = rng.bytes(20)
    return _judged(algorithm, lambda file: file.write_bytes(content), same=bytes(content) == _states(algorithm)[0])


def _values(drawn: tuple[str, int, int]) -> str:
    """Put nonsense at a place of the tree, leave something out, or change an array, under a right digest."""
    algorithm, way, seed = drawn
    rng, tree = np.random.default_rng(seed), _copy(_states(algorithm)[1])
    for _ in range(int(rng.integers(1, 3))):
        _spoil(tree, way, rng)

    def write(file: Path) -> None:
        try:
            write_tree(tree, file)
        except (ValueError, UnicodeError):  # what cannot be written is no input; the file stays away
            file.unlink(missing_ok=True)

    return _judged(algorithm, write, same=None)


def _header(drawn: tuple[str, int, int]) -> str:
    """Change what the header says as text, under a right digest: structure, sizes, other versions."""
    algorithm, way, seed = drawn
    rng = np.random.default_rng(seed)
    arrays = load_file(_run(algorithm).checkpoint)
    with TreeFile(_run(algorithm).checkpoint) as kept:
        about = dict(kept._about)
    text = about["tree"]
    place = int(rng.integers(len(text)))
    spoilt = (
        text[:place],
        "[" * int(rng.integers(1, 300_000)),
        text[:place] + str(rng.choice(["9" * 5000, "{}", "NaN", '"', "[1]", '{"array": "0"}', "-1", "1e400"])) + text[place:],
        text.replace('"array"', str(rng.choice(['"tensor"', '"number"', '"float"'])), int(rng.integers(1, 9))),
        text.replace("0", str(rng.integers(10**9)), int(rng.integers(1, 50))),
        f'{{"dict": [["a", {text}], ["a", {text}]]}}',
    )[way]
    about |= {"tree": spoilt, "schema": str(rng.choice(["1", "1", "1", "2", ""]))}

    def write(file: Path) -> None:
        named = ((tree_file._described(name, array), iter([array])) for name, array in sorted(arrays.items()))
        save_file(arrays, file, {**about, "digest": tree_file._digest(spoilt, named)})

    return _judged(algorithm, write, same=None)


def _huge(drawn: tuple[str, int, int]) -> str:
    """Say that arrays are of up to 2**50 bytes, in a file with holes, or that a header is."""
    algorithm, way, seed = drawn
    rng, content = np.random.default_rng(seed), _states(algorithm)[0]
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    names = sorted((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"])
    grown, more = names[int(rng.integers(len(names)))], 8 * int(2.0 ** rng.uniform(10, 44))
    header[grown]["shape"] = [more // 8, 8] if way % 2 else [*header[grown]["shape"], more]
    shift = False
    for name in names:
        start, stop = header[name]["data_offsets"]
        header[name]["data_offsets"] = [start + more * shift, stop + more * (shift or name == grown)]
        shift = shift or name == grown
    text = json.dumps(header).encode()

    def write(file: Path) -> None:
        with file.open("wb") as opened:
            opened.write(len(text).to_bytes(8, "little") + text + content[8 + length :])
            with suppress(OSError):  # larger than this file system has files
                opened.truncate(8 + len(text) + len(content) - 8 - length + more)

    return _judged(algorithm, write, same=False)


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(each) for key, each in tree.items()}
    if isinstance(tree, list | tuple):
        return [*map(_copy, tree)] if isinstance(tree, list) else tuple(map(_copy, tree))
    return tree.clone() if isinstance(tree, torch.Tensor) else tree.copy() if isinstance(tree, np.ndarray) else tree


def _spoil(tree: Any, way: int, rng: np.random.Generator) -> None:
    """Change one place of a tree, in depth."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        if not isinstance(tree[key], dict | list) or rng.random() < 0.05:
            break
        tree = tree[key]
    value = tree[key]
    if way == 0:
        del tree[key]
    elif way < 3 or not isinstance(value, np.ndarray | torch.Tensor):
        tree[key] = NONSENSE[int(rng.integers(len(NONSENSE)))]
    else:
        tree[key] = _spoilt_array(value, way, rng)


def _spoilt_array(array: Any, way: int, rng: np.random.Generator) -> Any:
    """Return an array of another value, shape or type."""
    if way == 3:
        return array.reshape(-1)[: int(rng.integers(array.reshape(-1).shape[0] + 1))]
    if way == 4:
        return np.asarray(array).astype(str(rng.choice(["float16", "int64", "uint8", "bool", "float64"])))
    values = np.asarray(array).reshape(-1).copy()
    if len(values) and values.dtype != bool:
        chosen = [-1, 0, 1, 7, 2**31, 2**62, -(2**62)] if values.dtype.kind in "iu" else [0, -1, 1e300, math.nan, -math.inf]
        with np.errstate(all="ignore"):
            drawn = np.array(chosen[int(rng.integers(len(chosen)))]).astype(values.dtype)
        values[int(rng.integers(len(values)))] = drawn
    values = values.reshape(np.asarray(array).shape)
    return torch.from_numpy(values) if isinstance(array, torch.Tensor) else values


def _judged(algorithm: str, write: Any, same: bool | None) -> str:
    """Put a training into the state of a file: refused by name, or taken over exactly and trained on."""
    from allotment.fitting.sb3.training_state import captured

    run = _run(algorithm)
    with tempfile.TemporaryDirectory() as folder:
        other = RunFolder(Path(folder))
        for name in ("config.yaml", "metadata.json", run.place.file):
            shutil.copy(run.path / name, folder)
        other.checkpoints.mkdir()
        write(other.checkpoint)
        if not other.checkpoint.is_file():
            return "no tree"
        model = _model(other)
        try:
            start = resumed(model, other)
        except ScenarioError as error:
            told = str(error)
            assert told.startswith(f"{other.checkpoint}: ") and "\n" not in told and len(told) < 600, told
            assert told.endswith(f"; remove {other.checkpoints} to train again from the start"), told
            return "refused"
        assert same is not False, "taken over, and is not what was written"
        assert start is not None
        with TreeFile(other.checkpoint) as kept:
            content = kept.loaded(kept.tree)
        content.pop("progress")
        for unlike in ("environments",) * (algorithm == "external"):
            content.pop(unlike)
        now = {name: each for name, each in captured(model).items() if name in content}
        assert _text(now) == _text(content), "another state than the file's"
    return "taken over"


def _text(tree: Any) -> str:
    """Return a tree as text, exact."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_text(each)}" for key, each in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        return f"{type(tree).__name__}({', '.join(map(_text, tree))})"
    if isinstance(tree, np.ndarray | torch.Tensor):
        array = np.ascontiguousarray(tree.detach() if isinstance(tree, torch.Tensor) else tree)
        return f"{array.dtype}{array.shape}{array.tobytes().hex()}"
    return repr(tree)


def _prepare() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for algorithm in ALGORITHMS:
        _states(algorithm)
        whole = _run(algorithm).checkpoint
        assert _judged(algorithm, partial(shutil.copy, whole), same=True) == "taken over"


ATTACKS = [
    Attack(f"checkpoint {name}", _draw, judge, _prepare, memory=256, seconds=20.0)
    for name, judge in (("bytes", _bytes), ("values", _values), ("headers", _header), ("sizes", _huge))
]
