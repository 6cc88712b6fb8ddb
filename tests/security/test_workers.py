"""Workers end with the process that waits for them, however it ends, and what they started ends with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from allotment.execution.executor import Processes

pytestmark = pytest.mark.security
RUN = "import sys; sys.path.insert(0, sys.argv[2]); import test_workers; test_workers.work(sys.argv[1])"
SOON = 20.0  # seconds; on a busy machine


@dataclass(frozen=True)
class StartAndWork:
    """Starts a process, says which ones there are, and never ends."""

    folder: str
    number: int

    def run(self, progress):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        file = Path(self.folder) / str(self.number)
        file.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
        file.with_suffix(".part").replace(file)
        while True:
            progress("working", "", 1, 1, None)


@dataclass(frozen=True)
class TellMuch:
    """Tells more than a pipe holds."""

    def run(self, progress):
        for _ in range(3000):
            progress("telling", "x" * 100, 1, 1, None)
        return "told"


def work(folder):
    list(Processes(2).run([StartAndWork(folder, number) for number in range(2)], lambda *told: None))


def processes(folder):
    """Return the ids of both workers and of what they started, once they have said them."""
    return [int(word) for number in range(2) for word in awaited(folder / str(number)).split()]


def awaited(file):
    end = time.monotonic() + 60
    while True:
        try:
            return file.read_text()
        except OSError:
            assert time.monotonic() < end, "nothing came"
            time.sleep(0.05)


def runs(process):
    """Tell whether a process works or waits; one that is dead and that nobody has asked for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def left(ids):
    """Return which processes still run after a while."""
    end = time.monotonic() + SOON
    while any(map(runs, ids)) and time.monotonic() < end:
        time.sleep(0.05)
    return [process for process in ids if runs(process)]


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="this system does not list its processes there")
def test_workers_and_what_they_started_end_with_a_process_that_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), str(Path(__file__).parent)])
    ids = processes(tmp_path)
    assert all(map(runs, ids))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert left(ids) == []


def test_a_failure_to_show_progress_ends_all_and_nobody_waits(tmp_path):
    def fail(*told):
        if len(list(tmp_path.glob("?"))) == 2:
            raise RuntimeError("nobody looks any more")

    with pytest.raises(RuntimeError, match="nobody looks"):
        list(Processes(3).run([StartAndWork(str(tmp_path), 0), StartAndWork(str(tmp_path), 1), TellMuch()], fail))
    assert left(processes(tmp_path)) == []
