"""Machine code on disk is used only where every source that decided on it is as it was, wherever it is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import allotment
from allotment.engine.compiled import STAMP, linked_functions, remove_outdated

PACKAGE = Path(allotment.__file__).parent
PLAY = """
import numpy as np
import allotment
from allotment.simulation.simulation import Simulation
simulation = Simulation(allotment.load_scenario("lost_sales").problem, 2)
simulation.reset(np.arange(2), np.array([5, 6]), np.zeros(2, dtype=np.int64))
print([simulation.step(np.full((2, 1, 1), 5.0)).reward.tolist() for _ in range(3)])
"""


def played(folder: Path, cache: Path) -> str:
    """Play a few periods with the package in a folder, machine code in another; returns what they earned."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", PLAY], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compiled(cache: Path) -> set[str]:
    return {file.name for file in cache.rglob("*.nbc")}


@pytest.mark.timeout(600)
def test_another_layout_is_compiled_anew_wherever_numba_keeps_its_code(tmp_path):
    folder, cache = tmp_path / "copy", tmp_path / "cache"
    shutil.copytree(PACKAGE, folder / "allotment", ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("envs", "configs"):
        if not (folder / "allotment" / kind).is_dir():
            shutil.copytree(PACKAGE.parents[1] / kind, folder / "allotment" / kind)
    expected = played(folder, cache)
    first = compiled(cache)
    assert first
    assert played(folder, cache) == expected
    assert compiled(cache) == first  # the same sources, the same code

    state = folder / "allotment" / "engine" / "state.py"
    said = state.read_text(encoding="utf-8")
    lines = said.splitlines()
    demand = next(place for place, line in enumerate(lines) if line.startswith("    demand: "))
    lines[demand], lines[demand + 2] = lines[demand + 2], lines[demand]  # places of arrays with other shapes change
    state.write_text("\n".join(lines), encoding="utf-8")
    kept = os.stat(state)
    os.utime(state, ns=(kept.st_atime_ns - 10**12, kept.st_mtime_ns - 10**12))  # and the file claims to be old
    assert played(folder, cache) == expected
    assert not compiled(cache) & first - compiled(cache) and compiled(cache) - first


def test_code_of_other_sources_is_removed_beside_the_engine(tmp_path):
    old, own = tmp_path / "period.step-20.0123456789abcdef.nbi", tmp_path / f"period.step-20.{STAMP[:16]}.nbi"
    for file in (old, own):
        file.touch()
    remove_outdated(tmp_path, STAMP)
    assert (old.exists(), own.exists()) == (False, True)


def test_linked_functions_are_found_in_the_sources_and_have_names_of_their_own(tmp_path):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("@linked\ndef later(table: int) -> None: ...\n@linked\ndef first(table: int) -> None: ...\n")
    other.write_text("@inner\ndef hidden(table): ...\n")
    assert linked_functions([other, one]) == ("first", "later")
    other.write_text("@linked\ndef first(table: int) -> int: ...\n")
    with pytest.raises(TypeError, match="first is there twice"):
        linked_functions([one, other])


INTERRUPTED = """
import os
import signal
import time

import numpy as np
from allotment.engine import compiled
from allotment.scenario.loader import load_scenario
from allotment.simulation.simulation import Simulation

make, sent = compiled.cfunc, []

def interrupted(*arguments, **settings):
    if not sent:
        sent.append(1)
        os.kill(os.getpid(), signal.SIGINT)
    return make(*arguments, **settings)

compiled.cfunc = interrupted
problem = load_scenario("lost_sales").problem
zero = np.zeros(4, dtype=np.int64)
told = False
first = Simulation(problem, 4)
try:
    first.reset(np.arange(4), np.arange(4), zero)
    time.sleep(1.0)
except KeyboardInterrupt:
    told = True
second = Simulation(problem, 4)
second.reset(np.arange(4), np.arange(4), zero)
equal = all(np.array_equal(a, b) for a, b in zip(first.state, second.state, strict=True))
assert sent and told and equal, (sent, told, equal)
"""


def test_an_interrupt_while_a_function_compiles_comes_afterwards_and_changes_nothing():
    call = [sys.executable, "-c", INTERRUPTED]
    found = subprocess.run(call, capture_output=True, text=True, timeout=200, start_new_session=True)
    assert (found.returncode, found.stderr) == (0, "")
