"""How the kernel's functions are compiled: cached on disk, and without a Python entry where only the kernel calls them."""

from __future__ import annotations

from numba import njit

entry = njit(cache=True)  # callable from Python
inner = njit(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called by other compiled functions only
