"""How the kernel's functions are compiled: cached on disk, and without a Python entry where only the kernel calls them.

Numba recompiles a function when its own file changes, not when a function it calls does; so the cache is emptied when any
source that it was built from is newer.
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
_compiled = [*_here.glob("kernel*.py"), *(_here / name for name in ("compiled.py", "randomness.py", "state.py"))]
remove_outdated(_here / "__pycache__", [*_compiled, _here.parent / "scenario" / "problem.py"])

entry = njit(cache=True)  # callable from Python
# called by other compiled functions only
inner = njit(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
inline = njit(cache=True, inline="always")  # laid into its caller, where a call for each number would cost more
