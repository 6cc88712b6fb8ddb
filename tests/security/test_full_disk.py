"""A disk that is full, or may not be written to: one line, exit code 2, what was measured is printed, nothing is lost."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from allotment import cli
from allotment.whole_file import check_file

pytestmark = pytest.mark.security
EVALUATE = ["evaluate", "constant_order", "--set", "parameters.quantity=5", "--env", "lost_sales", "--episodes", "2", "--quiet"]
TUNE = ["tune", "lost_sales", "base_stock", "--set", "tuning.worlds=2", "--set", "tuning.rounds=1", "--quiet"]
PRINT = "import sys, typer; from allotment import cli; cli.app = lambda: {}; cli.main()"
LINES = 'print("x" * 99_999), typer.echo("y" * 99_999), open("{}", "w").close()'


@contextmanager
def disk_of(size):
    """Let no file grow beyond so many bytes: writing more fails as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return what runs a command, and returns its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["allotment", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_measures_are_printed_before_they_are_written(command, tmp_path):
    file = tmp_path / "measures.json"
    file.write_text("before")
    assert command(*EVALUATE)[0] == 0  # with what is compiled on the disk
    with disk_of(100):
        code, out, err = command(*EVALUATE, "--json", file)
    assert (code, err) == (2, f"error: {file}: file too large\n")
    assert "score" in out and "fill_rate" in out
    assert file.read_text() == "before" and list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
def test_a_full_device_is_named_and_stays_a_device(command):
    code, out, err = command(*EVALUATE, "--json", "/dev/full")
    assert (code, err) == (2, "error: /dev/full: no space left on device\n")
    assert "score" in out and Path("/dev/full").is_char_device()


@pytest.mark.parametrize("size", [100, 1500])
def test_a_run_that_cannot_be_written_is_told_in_one_line_and_leaves_nothing_half(command, tmp_path, size):
    command(*TUNE, "--out", tmp_path / "first")
    with disk_of(size):
        code, _, err = command(*TUNE, "--out", tmp_path / "runs")
    assert code == 2 and err.count("\n") == 1
    assert err.startswith(f"error: {tmp_path / 'runs'}") and err.endswith(": file too large\n")
    assert not list((tmp_path / "runs").rglob("*.part")) and not list((tmp_path / "runs").glob("*"))


def test_where_results_cannot_go_is_told_before_the_work(command, tmp_path):
    (tmp_path / "file").touch()
    for place, said in (
        (tmp_path, "is a folder; name a file in it"),
        ("no/x.json", "there is no folder no"),
        ("file/x.json", "there is no folder file"),
    ):
        assert command(*EVALUATE, "--json", place) == (2, "", f"error: {place}: {said}\n")
    assert command(*TUNE, "--out", "file") == (2, "", "error: file: is a file; name a folder\n")


def test_what_may_not_be_written_is_told_before_the_work(tmp_path, monkeypatch):
    file = tmp_path / "kept.json"
    file.touch()
    allowed = {file: False}
    monkeypatch.setattr("os.access", lambda path, how: allowed.get(Path(path), True))
    with pytest.raises(ValueError, match=r"kept.json: cannot be written to$"):
        check_file(file)
    allowed[tmp_path] = False
    with pytest.raises(ValueError, match=rf"new.json: {tmp_path} cannot be written to$"):
        check_file(tmp_path / "new.json")


def printed(tmp_path, where):
    """Return how a command ended that prints much, whose output goes somewhere, and that writes a file then."""
    code = PRINT.format(f"({LINES.format(tmp_path / 'written')})")
    piped = f'"$0" -c "$1" {where}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(["bash", "-c", piped, sys.executable, code], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("where", "code", "told"),
    [("| head -c 5", 0, ""), ("> /dev/full", 2, "error: standard output: no space left on device\n")],
)
def test_what_nobody_reads_does_not_keep_a_command_from_its_work(tmp_path, where, code, told):
    done = printed(tmp_path, where)
    assert (done.returncode, done.stderr) == (code, told)
    assert (tmp_path / "written").exists()
