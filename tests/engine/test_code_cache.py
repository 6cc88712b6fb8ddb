"""Machine code on disk is used only where it is whole, and every source that decided on it is as it was."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from numba import njit

from allotment.engine import code_cache, compiled
from allotment.engine.code_cache import (
    PACKAGE,
    SEAL,
    CodeCache,
    folders,
    read_sealed,
    remove_outdated,
    sources_of,
    stamp_of,
    writable_folder,
    write_sealed,
)

ENGINE = ("code_cache", "compiled", "declaration", "inversion", "layout", "randomness", "state")
DECIDING = {"quantities.py", "scenario/distributions.py", "scenario/problem.py", *(f"engine/{name}.py" for name in ENGINE)}


def plus_one(number: int) -> int:
    return number + 1


def compiled_in(folder: Path, stamp: str = "0" * 64):
    """Return a compiled function whose machine code lies in a folder, called once."""
    function = njit(plus_one)
    function._cache = CodeCache(plus_one, folder, stamp)
    assert function(1) == 2
    return function


def was_loaded(function) -> bool:
    return bool(function.stats.cache_hits)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with one compiled function."""
    folder = tmp_path_factory.mktemp("kept")
    assert not was_loaded(compiled_in(folder))
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    """A copy of a folder with one compiled function."""
    return shutil.copytree(kept, tmp_path / "code")


def test_what_was_compiled_is_loaded(folder):
    (file,) = folder.iterdir()
    before = file.stat().st_mtime_ns
    assert was_loaded(compiled_in(folder))
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "damage",
    {
        "emptied": lambda content: b"",
        "cut in its digest": lambda content: content[: SEAL // 2],
        "cut in its code": lambda content: content[:-100],
        "lengthened": lambda content: content + b"x",
        "a bit in its digest": lambda content: bytes([content[0] ^ 1]) + content[1:],
        "a bit in its code": lambda content: content[:-5000] + bytes([content[-5000] ^ 8]) + content[-4999:],
        "of zeros": lambda content: bytes(len(content)),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_damaged_code_is_never_run_but_compiled_again(folder, damage):
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage[1](whole))
    assert read_sealed(file) is None
    write_sealed(file, b"whole again")  # as it is once the function was compiled
    assert read_sealed(file) == b"whole again"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system says otherwise who may write a file")
@pytest.mark.parametrize("how", ["by its group", "by all", "by another user", "under another name"])
def test_code_that_somebody_else_may_have_written_is_not_run(folder, how, monkeypatch):
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o644
    if how == "under another name":
        file = file.rename(file.with_name(f"other{file.name}"))
    elif how == "by another user":
        stat = os.fstat
        monkeypatch.setattr(os, "fstat", lambda number: os.stat_result((*stat(number)[:4], 4321, *stat(number)[5:])))
    else:
        file.chmod(0o664 if how == "by its group" else 0o646)
    assert read_sealed(file) is None


def test_a_damaged_file_is_replaced(folder):
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert not was_loaded(compiled_in(folder))
    assert list(folder.iterdir()) == [file] and read_sealed(file) is not None


def test_code_of_other_sources_or_another_processor_is_not_found(folder, monkeypatch):
    cache = CodeCache(plus_one, folder, "0" * 64)
    function = compiled_in(folder)
    codegen, signature = function.targetctx.codegen(), function.signatures[0]
    own = cache._file(signature, codegen)
    assert own.is_file()
    assert not CodeCache(plus_one, folder, "1" * 64)._file(signature, codegen).exists()
    monkeypatch.setattr(type(codegen), "magic_tuple", lambda self: ("x86_64", "another", "+avx512f"))
    assert not cache._file(signature, codegen).exists()


def test_the_stamp_covers_what_the_compiled_files_import():
    covered = {file.relative_to(PACKAGE).as_posix() for file in sources_of(compiled.COMPILED)}
    assert covered >= DECIDING
    assert covered >= {file.relative_to(PACKAGE).as_posix() for file in (PACKAGE / "engine" / "kernel").rglob("*.py")}


@pytest.mark.parametrize(
    "imported", ["from allotment.one import A", "from allotment import one as o", "from allotment.one import (\n    A,\n)"]
)
def test_a_source_that_is_imported_by_one_that_is_imported_decides_too(tmp_path, imported):
    first, one, two = (tmp_path / f"{name}.py" for name in ("first", "one", "two"))
    first.write_text(f"import math\n{imported}\n")
    one.write_text("from allotment.two import B\n")
    two.write_text("B = 1\n")
    sources = sources_of([first], tmp_path)
    assert sources == [first, one, two]
    before = stamp_of(sources)
    two.write_text("B = 2\n")
    assert stamp_of(sources) != before


@pytest.mark.parametrize("compiler", ["numba", "llvmlite"])
def test_another_version_of_the_compiler_is_another_stamp(monkeypatch, compiler):
    before = stamp_of([])
    monkeypatch.setattr(getattr(code_cache, compiler), "__version__", "99.0")
    assert stamp_of([]) != before


def test_code_of_other_sources_is_removed(tmp_path):
    old, own = tmp_path / "period.step.0123456789abcdef.0.nbc", tmp_path / f"period.step.{compiled.STAMP[:16]}.0.nbc"
    for file in (old, own):
        file.touch()
    remove_outdated(tmp_path, compiled.STAMP)
    assert (old.exists(), own.exists()) == (False, True)


def test_the_first_folder_that_can_be_written_to_is_taken(tmp_path):
    occupied = tmp_path / "file"
    occupied.touch()
    assert writable_folder([occupied / "a", tmp_path / "b", tmp_path / "c"]) == tmp_path / "b"
    assert not (tmp_path / "c").exists()
    assert writable_folder([Path("/proc/nowhere"), Path("/proc/self")]) == Path("/proc/self")  # it may hold code to read
    assert folders()[-2:][0] == PACKAGE / "engine" / "__pycache__"


def test_where_nothing_can_be_kept_functions_work_and_it_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(CodeCache, "told", False)
    occupied = tmp_path / "file"
    occupied.touch()
    with pytest.warns(UserWarning, match=r"cannot be kept in .*file \(Not a directory\).* NUMBA_CACHE_DIR names") as told:
        compiled_in(occupied)
        compiled_in(occupied)
    assert len(told) == 1


def test_a_full_disk_leaves_no_half_written_code(tmp_path, monkeypatch):
    monkeypatch.setattr(CodeCache, "told", False)

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # not even then is anything raised into compiled code
        compiled_in(tmp_path)
    assert not list(tmp_path.iterdir())


UNKEPT = """
from allotment.engine.inversion import normal_quantile
print(normal_quantile(0.5))
"""


def test_a_package_that_cannot_keep_code_says_so_in_one_plain_line(tmp_path):
    occupied = tmp_path / "file"
    occupied.touch()
    package = shutil.copytree(PACKAGE, tmp_path / "copy" / "allotment", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "engine" / "__pycache__").touch()
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "HOME": str(occupied), "XDG_CACHE_HOME": str(occupied)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", UNKEPT], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, abs(float(done.stdout)) < 1e-9) == (0, True)
    assert done.stderr.startswith("warning: compiled code cannot be kept in ") and done.stderr.count("\n") == 1
