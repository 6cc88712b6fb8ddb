"""How the kernel's functions are compiled: cached on disk, and without a Python entry where only the kernel calls them.

Numba recompiles a function when its own file changes, not when a function it calls does; so the cache is emptied when any
source of the engine is newer.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from numba import njit


def remove_outdated(cache: Path, sources: list[Path]) -> None:
    """Remove from a cache folder what was compiled before the last change of any source."""
    changed = max(source.stat().st_mtime for source in sources)
    for index in cache.glob("*.nbi"):
        with suppress(OSError):  # another process was faster, or the folder is read-only
            if index.stat().st_mtime < changed:
                index.unlink()


_here = Path(__file__).parent
remove_outdated(_here / "__pycache__", [*_here.glob("*.py"), _here.parent / "scenario" / "problem.py"])

entry = njit(cache=True)  # callable from Python
inner = njit(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called by other compiled functions only
inline = njit(cache=True, inline="always")  # laid into its caller, where a call for each number would cost more
