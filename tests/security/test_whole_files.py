"""Results are whole and on the disk: flushed before they are put in place, their names flushed after; else all is as it was."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from allotment.evaluation.place import WorldPlace
from allotment.execution.executor import Serial
from allotment.runs.run_folder import RunFolder
from allotment.studies.running import run_study
from allotment.studies.study import Study
from allotment.whole_file import LEFT_OVER, whole_file, whole_folder, write_whole
from small_worlds import two_shops

pytestmark = pytest.mark.security
linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not name open files")
STUDY = {
    "name": "small",
    "question": "Which?",
    "env": "lost_sales",
    "overrides": ["horizon.periods=5", "horizon.warm_up=0"],
    "policies": [{"config": "constant_order", "overrides": ["parameters.quantity=5"]}],
    "evaluation": {"episodes": 4},
}


class Disk:
    """What would be there after a power cut: flushed files and folders, and what was put in place in between."""

    def __init__(self, monkeypatch):
        self.flushed = set()  # paths, of which the content is on the disk
        self.steps = []
        for name in ("fsync", "replace", "rename"):
            monkeypatch.setattr(os, name, self._recording(getattr(os, name), getattr(self, name)))

    def _recording(self, call, note):
        def recorded(*arguments, **settings):
            note(*arguments)
            return call(*arguments, **settings)

        return recorded

    def fsync(self, number):
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        self.flushed.add(path)
        self.steps.append(("flush", path))

    def replace(self, part, place):
        part, place = Path(part).resolve(), Path(place).resolve()
        moved = [path for path in self.flushed if path.is_relative_to(part)]
        self.flushed |= {place / path.relative_to(part) for path in moved}
        self.steps.append(("put", place))

    rename = replace

    def lost(self, folder):
        """Return the files below a folder that a power cut could take, logs aside."""
        files = [file for file in folder.resolve().rglob("*") if file.is_file()]
        return [file for file in files if file not in self.flushed and "tfevents" not in file.name]

    def unnamed(self):
        """Return what was put in place without a flush of the folder that names it afterwards."""
        places = [(at, place) for at, (step, place) in enumerate(self.steps) if step == "put"]
        return [place for at, place in places if ("flush", place.parent) not in self.steps[at:]]


@linux
def test_all_that_a_study_writes_is_on_the_disk_before_it_is_in_its_place(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    result = run_study(Study.model_validate(STUDY), tmp_path, lambda *told: None, executor=Serial())
    assert result.report.is_file() and (tmp_path / "small" / "constant_order-seed0" / "best" / "bundle.json").is_file()
    assert disk.lost(tmp_path) == []
    left_or_logs = [place for place in disk.unnamed() if place.exists() and "tensorboard" not in place.parts]
    assert left_or_logs == []


@linux
def test_a_file_is_flushed_then_put_in_place_and_then_its_folder_is_flushed(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    write_whole(tmp_path / "a", "text")
    (first, part), put, folder = disk.steps
    assert (first, put, folder) == ("flush", ("put", tmp_path / "a"), ("flush", tmp_path))
    assert part.parent == tmp_path and part != tmp_path / "a"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("no")])
def test_whatever_goes_wrong_the_file_is_as_it_was_and_nothing_lies_beside(tmp_path, error):
    file = tmp_path / "a.json"
    file.write_text("before")
    with pytest.raises(type(error)) as raised, whole_file(file) as part:
        part.write_text("half")
        raise error
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
    if isinstance(error, OSError):
        assert raised.value.filename == str(file)


def test_links_are_followed_and_permissions_kept(tmp_path):
    file, link = tmp_path / "a.json", tmp_path / "link.json"
    file.write_text("before")
    file.chmod(0o600)
    link.symlink_to(file)
    write_whole(link, "after")
    assert link.is_symlink() and file.read_text() == "after"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert pipe.is_fifo()


def test_what_a_killed_process_left_of_a_file_is_removed_by_the_next_that_writes_it(tmp_path):
    old, new, other = (tmp_path / name for name in (".a.json.01234567.part", ".a.json.89abcdef.part", ".b.01234567.part"))
    for part in (old, new, other):
        part.touch()
    long_ago = time.time() - LEFT_OVER - 1
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    write_whole(tmp_path / "a.json", "")
    assert sorted(tmp_path.iterdir()) == sorted([new, other, tmp_path / "a.json"])


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "new") as part:
        (part / "a").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_kill_while_a_run_begins_leaves_a_whole_run_or_none(tmp_path):
    run, place = RunFolder(tmp_path / "runs" / "shops"), WorldPlace(two_shops())
    ends = []
    while not ends or ends[-1] == 9:
        child = os.fork()
        if child == 0:
            _begin_until(len(ends), run, place)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if run.path.exists():
            assert RunFolder.existing(run.path).place.content == place.content
    assert ends[-1] == 0 and len(ends) > 6
    with run.held():
        pass
    assert [path.name for path in run.path.parent.iterdir()] == ["shops"]


def _begin_until(steps, run, place):
    """Begin a run, but end the process, as a kill would, before it has flushed more than so many files or folders."""
    flush, flushed = os.fsync, []

    def flush_or_end(number):
        if len(flushed) == steps:
            os._exit(9)
        flushed.append(number)
        flush(number)

    os.fsync = flush_or_end
    try:
        run.begin(place, "constant", {"policy": "constant_order"}, 0)
        os._exit(0)
    except BaseException:
        os._exit(1)
