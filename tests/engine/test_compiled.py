"""How the kernel's functions are found, and that an interrupt while one compiles is not lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from allotment.engine.compiled import linked_functions


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

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
make, sent = compiled.CFunc, []

def interrupted(*arguments, **settings):
    if not sent:
        sent.append(1)
        os.kill(os.getpid(), signal.SIGINT)
    return make(*arguments, **settings)

compiled.CFunc = interrupted
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
