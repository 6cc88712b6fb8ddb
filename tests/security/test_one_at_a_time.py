"""One process at a time works in a run folder or a study; a second one is told who does; readers never wait."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import allotment
from allotment import cli
from allotment.evaluation.place import WorldPlace
from allotment.fitting.fit import fit
from allotment.runs.at_work import InUse, at_work
from allotment.runs.run_folder import RunFolder
from allotment.studies.running import run_study
from allotment.studies.study import Study
from small_worlds import two_shops

pytestmark = pytest.mark.security
HOLD = """
import sys, time
from pathlib import Path
from allotment.runs.at_work import at_work
with at_work(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
CONFIG = {"policy": "constant_order", "parameters": {"quantity": 2}}


@pytest.fixture
def made(tmp_path):
    """Return a finished run."""
    with RunFolder.new(tmp_path / "runs", "shops") as run:
        fit(WorldPlace(two_shops()), "constant", CONFIG, 3, run)
    return run.path


@contextmanager
def another_thread(folder):
    """Let another thread work in a folder."""
    begun, done = threading.Event(), threading.Event()

    def work():
        with at_work(folder):
            begun.set()
            done.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_another_process_is_named_and_a_killed_one_holds_nothing(tmp_path):
    folder = tmp_path / "run"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        today = time.strftime("%Y-%m-%d")
        with pytest.raises(InUse, match=rf"run: in use by process {holder.pid} on .+ since {today} .+: allotment {folder}$"):
            at_work(folder).__enter__()
    finally:
        holder.kill()
        holder.wait()
    with at_work(folder) as first:
        assert first
    assert list(tmp_path.iterdir()) == []


def test_another_thread_is_refused_and_the_same_one_goes_on(tmp_path):
    with another_thread(tmp_path / "run"), pytest.raises(InUse, match=f"in use by process {os.getpid()}"):
        at_work(tmp_path / "run").__enter__()
    with at_work(tmp_path / "run") as first, at_work(tmp_path / "there" / ".." / "run") as second:
        assert (first, second) == (True, False)


def test_what_the_holder_says_is_fit_for_a_terminal(tmp_path):
    with another_thread(tmp_path / "run"):
        (tmp_path / ".run.lock").write_text("\x1b[2J" + "x" * 5000)
        with pytest.raises(InUse) as refused:
            at_work(tmp_path / "run").__enter__()
    assert "\x1b" not in str(refused.value) and len(str(refused.value)) < 600


def test_a_run_that_another_works_in_is_read_but_not_gone_on_with(made, monkeypatch, capsys):
    before = {file: file.read_bytes() for file in made.rglob("*") if file.is_file()}
    with another_thread(made):
        monkeypatch.setattr(sys, "argv", ["allotment", "train", "--resume", str(made), "--set", "steps=9"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert ended.value.code == 2
        assert err.startswith(f"error: {made}: in use by process {os.getpid()} on ") and err.count("\n") == 1

        monkeypatch.setattr(sys, "argv", ["allotment", "evaluate", str(made), "--episodes", "2", "--quiet"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert ended.value.code == 0 and "score" in out
        assert err.startswith("not kept in the run folder: ") and err.count("\n") == 1
        assert allotment.load_policy(made).name == "constant"
    assert {file: file.read_bytes() for file in made.rglob("*") if file.is_file()} == before


def test_a_study_that_another_process_works_on_is_refused_before_anything_is_written(tmp_path):
    study = Study(name="small", question="Which?", env="lost_sales", policies=["constant_order"])
    with another_thread(tmp_path / "small"), pytest.raises(InUse, match="small: in use by"):
        run_study(study, tmp_path, lambda *told: None)
    assert not (tmp_path / "small").exists()


def test_two_runs_of_one_name_get_folders_of_their_own(tmp_path):
    with another_thread(tmp_path / "shops"), RunFolder.new(tmp_path, "shops") as run:
        assert run.path == tmp_path / "shops-1"


def test_readers_that_meet_a_writer_find_a_bundle_all_the_same(made):
    """A reader who finds no bundle puts the former one back; a writer in between must not stumble over it."""
    from allotment.policies import sealed_folder
    from allotment.policies.bundle import save_bundle

    policy, best, rename = allotment.load_policy(made), made / "best", Path.rename
    met, before = [], (best / "bundle.json").stat().st_ino

    def rename_met(path, target):
        done = rename(path, target)
        if path == best and not met:
            met.append(sealed_folder.recover(best))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", rename_met)
        save_bundle(policy, best)
    assert met and (best / "bundle.json").stat().st_ino != before
    assert allotment.load_policy(made).name == "constant"
    assert sorted(path.name for path in made.iterdir() if "best" in path.name) == ["best"]


def test_a_bundle_that_is_replaced_while_it_is_read_is_read_anew(made, monkeypatch):
    from allotment.policies import bundle

    best, opened, read = made / "best", bundle.about_policy, []
    policy = allotment.load_policy(made)
    other = policy.with_values({name: values + 1.0 for name, values in policy.values.items()})

    def opened_and_replaced(folder):
        about = opened(folder)
        if not read:
            bundle.save_bundle(other, best)
        read.append(about["version"])
        return about

    monkeypatch.setattr(bundle, "about_policy", opened_and_replaced)
    assert allotment.load_policy(made).version == read[-1] != read[0]
    assert len(read) == 2
