"""What cannot be written is told in one line, with file and reason; measures are printed, and what was there stays."""

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from allotment import whole_file
from allotment.cli import main

pytestmark = pytest.mark.security

RULE = ["base_stock", "--env", "lost_sales", "--set", "parameters.level=25", "--episodes", "4", "--quiet"]
SHORT = ["--set-env", "horizon.warm_up=2", "--set-env", "horizon.periods=8"]
TUNED = ["lost_sales", "base_stock", "--set", "tuning.worlds=8", "--set", "tuning.rounds=2", "--quiet", *SHORT]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in an empty folder; it returns exit code, output and what is told."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["allotment", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def full(monkeypatch):
    """Let the disk be full when something is to be kept on it."""

    def no_space(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(whole_file, "flush", no_space)


@pytest.mark.parametrize("file", ["folder", "missing/measures.json", "file/measures.json"])
def test_a_wrong_path_is_told_before_the_work(command, file):
    Path("folder").mkdir()
    Path("file").touch()
    code, out, told = command("evaluate", *RULE, *SHORT, "--json", file)
    assert (code, out) == (2, "")
    assert told.startswith(f"error: {file}: ") and told.count("\n") == 1


def test_measures_are_printed_where_a_full_disk_cannot_take_them(command, full):
    Path("measures.json").write_text("before")
    code, out, told = command("evaluate", *RULE, *SHORT, "--json", "measures.json")
    assert code == 2 and "4 test worlds" in out
    assert told == "error: measures.json: no space left on device\n"
    assert os.listdir() == ["measures.json"] and Path("measures.json").read_text() == "before"


def test_tuning_on_a_full_disk_leaves_no_half_made_run(command, full):
    code, out, told = command("tune", *TUNED)
    assert (code, out) == (2, "")
    assert "No space left on device" in told and told.count("\n") == 1
    assert not [path for path in Path().rglob("*") if path.is_file()]


def test_an_error_of_the_system_is_told_by_file_and_reason_alone(command, monkeypatch):
    def refuse(file, text):
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), str(file))

    monkeypatch.setattr(whole_file, "write_whole", refuse)
    code, out, told = command("evaluate", *RULE, *SHORT, "--json", "measures.json")
    assert code == 2 and "4 test worlds" in out
    assert told == "error: measures.json: read-only file system\n"


def test_a_pipe_is_written_into_and_never_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    whole_file.write_whole(pipe, "content")
    reader.join(10)
    assert read == ["content"] and pipe.is_fifo() and os.listdir(tmp_path) == ["pipe"]


def test_a_link_is_followed(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("before")
    link.symlink_to(file)
    whole_file.write_whole(link, "after")
    assert link.is_symlink() and file.read_text() == "after"
