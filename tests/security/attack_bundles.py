"""Bundles as somebody else might hand them over: their bytes damaged, or their values replaced and the whole sealed anew.

Of damaged bytes every one must be refused. Of replaced values each must be refused by the bundle's name, or give a policy that
decides on finite quantities.
"""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from attacking import Attack
from sealing import KINDS, make_bundles, seal

from allotment.decisions.observation import observe
from allotment.policies.bundle import load_bundle
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation

_folder = tempfile.TemporaryDirectory(prefix="allotment-attack-")  # gone with the process
MADE = Path(_folder.name) / "made"
DEEP: Any = 0
for _ in range(60):
    DEEP = [DEEP]
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, -3, 2, 7, 0.5, -0.5, 10**6, 10**9, 2**63, 10**29, 1e-300, 1e18, 1e308, -1e308),
    *(
        "",
        " ",
        "x",
        "1",
        "tuned",
        "from_costs",
        "learned",
        "rule-based",
        "mlp",
        "cells",
        "lstm",
        "residual",
        "discrete",
        "tanh",
    ),
    *(
        "../x",
        "/etc/passwd",
        "payload:X-v0",
        "payload.py:X",
        "this",
        "CartPole-v1",
        "GymV26Environment-v0",
        "a" * 300,
        "é" * 99,
    ),
    *("=1+1", "<b>", "\x1b[2J", "\x00", "\u202e", "\ud800", "2024-13-45", "*", "a\nb"),
    *([], {}, [[]], [None], [1, 2], [10**9, 10**9], [1] * 5_000, [-1], {"x": 1}, {"": None}, {"policy": "random"}, DEEP),
)
RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "9" * 5_000,
    "[" * 100_000,
    '{"a":' * 5_000,
    "\ufeff1",
    "01",
    "'x'",
    '"\\ud800"',
)
ALL_BYTES = 256


class Change(NamedTuple):
    """An input: a kind of bundle, one of its files, and how it is changed."""

    kind: str
    file: str
    how: str
    what: tuple[Any, ...]


def prepare() -> None:
    """Make the bundles, and load and play each once, so that all is imported and compiled."""
    _made()
    for kind in KINDS:
        _decide(load_bundle(MADE / kind))


def _made() -> Path:
    if not MADE.is_dir():
        make_bundles(MADE)
    return MADE


def _files(kind: str) -> list[str]:
    folder = _made() / kind
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def draw_bytes(draws: np.random.Generator) -> Change:
    """Return damage to some bytes of a file."""
    kind = str(draws.choice(KINDS))
    file = str(draws.choice(_files(kind)))
    length = (MADE / kind / file).stat().st_size
    how, place = str(draws.choice(["flip", "cut", "insert", "remove", "overwrite"])), int(draws.integers(length))
    return Change(kind, file, how, (place, int(draws.integers(1, ALL_BYTES)), int(draws.integers(1, 20))))


def _damaged(content: bytes, how: str, what: tuple[Any, ...]) -> bytes:
    place, value, many = what
    head, tail = content[:place], content[place:]
    return {
        "flip": head + bytes([tail[0] ^ value]) + tail[1:],
        "cut": head,
        "insert": head + bytes([value]) * many + tail,
        "remove": head + tail[many:],
        "overwrite": head + bytes([value]) * many + tail[many:],
    }[how]


def judge_bytes(change: Change) -> str:
    """Load a bundle with damaged bytes, which must be refused unless they mean the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(MADE / change.kind, Path(name) / "bundle"))
        file = folder / change.file
        before = file.read_bytes()
        file.write_bytes(_damaged(before, change.how, change.what))
        end = _loaded(folder)
        if end == "accepted" and not _means_the_same(change.file, before, file.read_bytes()):
            raise AssertionError("damage was not seen")
        return end


def _means_the_same(name: str, before: bytes, after: bytes) -> bool:
    """Tell whether damage left a file's content: only that of `bundle.json`, whose own digest is of what it says."""
    return before == after or (name == "bundle.json" and json.loads(before) == json.loads(after))


def draw_values(draws: np.random.Generator) -> Change:
    """Return a value put into the place of another one, or a key or entry taken away, added or renamed."""
    kind = str(draws.choice(KINDS))
    texts = [file for file in _files(kind) if file.endswith((".json", ".yaml"))]
    ours = [file for file in texts if not file.endswith("scenario.yaml")]
    file = str(draws.choice(ours if draws.random() < 0.8 else texts))  # worlds have an attack of their own
    places = [path for path in _places(_read(MADE / kind / file)) if path and path[0] not in ("version", "schema")]
    path = places[int(draws.integers(len(places)))]
    how = str(draws.choice(["replace", "replace", "replace", "raw", "remove", "add", "rename", "repeat"]))
    return Change(kind, file, how, (path, int(draws.integers(len(VALUES))), int(draws.integers(len(RAW)))))


def draw_weights(draws: np.random.Generator) -> Change:
    """Return weights whose header or numbers say something else, sealed all the same."""
    kind = str(draws.choice([kind for kind in KINDS if kind != "rule"]))
    how = str(draws.choice(["header", "header", "number", "number", "flip", "cut", "insert", "remove", "overwrite"]))
    place, many = int(draws.integers((_made() / kind / "weights.safetensors").stat().st_size)), int(draws.integers(1, 20))
    if how in ("header", "number"):
        return Change(kind, "weights.safetensors", how, (place, int(draws.integers(len(VALUES))), many))
    return Change(kind, "weights.safetensors", how, (place, int(draws.integers(1, ALL_BYTES)), many))


def _read(file: Path) -> Any:
    text = file.read_text(encoding="utf-8")
    return json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)


def _places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ():
        yield from _places(inner, (*path, key))


def _changed(content: Any, how: str, path: tuple[Any, ...], value: Any) -> Any:
    content = copy.deepcopy(content)
    *way, last = path
    parent = content
    for key in way:
        parent = parent[key]
    if how == "remove":
        del parent[last]
    elif how == "replace":
        parent[last] = value
    elif how == "add":
        (parent.update({f"{last}_": value}) if isinstance(parent, dict) else parent.append(value))
    elif how == "rename" and isinstance(parent, dict):
        parent[value if isinstance(value, str) else f"{last}"[:-1]] = parent.pop(last)
    elif isinstance(parent, list):
        parent += parent[:1] * 50
    return content


def judge_values(change: Change) -> str:
    """Load a bundle with another value in it, sealed as if it had been written so."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(MADE / change.kind, Path(name) / "bundle"))
        _put(folder / change.file, change)
        for inner in sorted(folder.rglob("bundle.json"), key=lambda file: -len(file.parts)):
            _seal(inner)
        return _loaded(folder)


def _put(file: Path, change: Change) -> None:
    path, value, raw = change.what
    if change.how == "raw":
        text = json.dumps(_changed(_read(file), "replace", path, "@raw@")).replace('"@raw@"', RAW[raw])
    elif file.suffix == ".json":
        text = json.dumps(_changed(_read(file), change.how, path, VALUES[value]))
    else:
        text = yaml.safe_dump(_changed(_read(file), change.how, path, VALUES[value]), allow_unicode=False)
    file.write_text(text, encoding="utf-8")


def _seal(file: Path) -> None:
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        seal(file.parent, about)
    except (ValueError, RecursionError, AttributeError):  # nothing that could be sealed
        return


def judge_weights(change: Change) -> str:
    """Load a bundle with other weights, sealed as if they had been written so."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(MADE / change.kind, Path(name) / "bundle"))
        file = folder / change.file
        file.write_bytes(_other_weights(file.read_bytes(), change))
        _seal(folder / "bundle.json")
        return _loaded(folder)


def _other_weights(content: bytes, change: Change) -> bytes:
    place, value, many = change.what
    length = int.from_bytes(content[:8], "little")
    if change.how == "number":
        start = 8 + length + place % (len(content) - 8 - length) // 4 * 4
        number = np.float32([np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0, 1e-40][value % 7]).tobytes()
        return content[:start] + number + content[start + 4 :]
    if change.how == "header":
        header = json.loads(content[8 : 8 + length])
        paths = [path for path in _places(header) if path]
        text = json.dumps(
            _changed(header, ["replace", "remove", "add", "rename"][many % 4], paths[place % len(paths)], VALUES[value])
        )
        return len(text.encode()).to_bytes(8, "little") + text.encode() + content[8 + length :]
    return _damaged(content, change.how, change.what)


def _loaded(folder: Path) -> str:
    """Load a bundle; it must be refused by name, or decide."""
    try:
        policy = load_bundle(folder)
    except ScenarioError as error:
        lines = str(error).splitlines()
        assert lines and all(line.isprintable() for line in lines) and len(lines) <= 11, str(error)
        assert str(folder) in lines[0], f"does not name the bundle: {error}"
        return "refused"
    try:
        _decide(policy)
    except ScenarioError as error:
        assert str(error).startswith(f"{policy.name}: "), str(error)
        return "refused when it decides"
    return "accepted"


def _decide(policy: Any) -> None:
    if hasattr(policy, "act"):
        actions, _ = policy.act(np.ones((3, policy.world.inputs)))
        assert np.isfinite(actions).all()
        return
    simulation = Simulation(policy.world.problem, 2)
    simulation.reset(np.arange(2), np.arange(2), np.zeros(2, dtype=int))
    for _ in range(2):
        decision = policy.decide(observe(simulation))
        assert decision.orders.shape[0] == 2 and np.isfinite(decision.orders).all() and (decision.orders >= 0.0).all()
        simulation.step(decision)


Judge = Callable[[Any], str]
ATTACKS = [
    Attack("bundles-bytes", draw_bytes, judge_bytes, prepare),
    Attack("bundles-values", draw_values, judge_values, prepare),
    Attack("bundles-weights", draw_weights, judge_weights, prepare),
]
