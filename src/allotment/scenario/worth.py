"""What it is worth to serve a unit of demand: what the unit costs if it is not served, less the freight of serving it."""

from __future__ import annotations

from allotment.quantities import Floats, Integers


def worth_of_serving(
    stays: Floats, margin: Floats, shortage: Floats, backorder: Floats, channel: Integers, freight: Floats
) -> Floats:
    """Return the worth of a unit by lane and SKU, (lanes, skus) money.

    A unit that is lost costs its margin and the cost of a shortage, one that waits a period's cost of a backorder; `stays`
    (channels,) is its chance to wait. Margin, shortage and backorder are (channels, skus); `channel` says where lanes lead.
    """
    unmet = stays[:, None] * backorder + (1.0 - stays[:, None]) * (margin + shortage)
    worth: Floats = unmet[channel] - freight
    return worth
