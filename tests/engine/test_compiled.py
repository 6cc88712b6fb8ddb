"""Compiled code is kept on disk only while no source of the engine is newer."""

from __future__ import annotations

import os

from allotment.engine.compiled import remove_outdated


def written(file, seconds):
    file.touch()
    os.utime(file, (seconds, seconds))
    return file


def test_a_newer_source_removes_what_was_compiled_before_it(tmp_path):
    caller, called = written(tmp_path / "kernel.py", 100), written(tmp_path / "kernel_cuts.py", 300)
    old, new = written(tmp_path / "kernel.step.nbi", 200), written(tmp_path / "kernel_cuts.give.nbi", 301)
    remove_outdated(tmp_path, [caller, called])
    assert (old.exists(), new.exists()) == (False, True)


def test_unchanged_sources_keep_what_was_compiled(tmp_path):
    source, compiled = written(tmp_path / "kernel.py", 100), written(tmp_path / "kernel.step.nbi", 200)
    remove_outdated(tmp_path, [source])
    assert compiled.exists()
