"""A folder that is written to has one process at a time."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from allotment.folder_lock import alone_in
from allotment.scenario.errors import ScenarioError

pytestmark = pytest.mark.security


def _hold(folder, held):
    with alone_in(folder):
        held.set()
        time.sleep(60)


def test_a_second_process_is_refused_by_the_name_of_the_first_until_that_is_killed(tmp_path):
    context, folder = multiprocessing.get_context("fork"), tmp_path / "run"
    held = context.Event()
    first = context.Process(target=_hold, args=(folder, held))
    first.start()
    assert held.wait(30)
    with pytest.raises(ScenarioError, match=rf"run: process {first.pid} on .*, since .*\) works in it; wait"), alone_in(folder):
        pass
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    with alone_in(folder):
        pass
    assert list(tmp_path.iterdir()) == []  # nothing stays


def test_a_folder_is_held_once_in_one_process_too(tmp_path):
    with (
        alone_in(tmp_path / "run"),
        pytest.raises(ScenarioError, match=f"process {os.getpid()} on"),
        alone_in(Path(os.path.relpath(tmp_path / "run"))),
    ):
        pass
    with alone_in(tmp_path / "other"), alone_in(tmp_path / "run"):
        pass
