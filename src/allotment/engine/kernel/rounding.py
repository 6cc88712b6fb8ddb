"""What is rounding error in a quantity, as `quantities` says it, for compiled functions."""

from __future__ import annotations

from allotment.engine.compiled import inline
from allotment.quantities import ROUNDING


@inline
def rounding(units):  # type: ignore[no-untyped-def]
    """Return what is rounding error in sums and differences of quantities as large as some units."""
    return ROUNDING * max(1.0, abs(units))
