"""Whole episodes of a compiled rule in one call: decide, play, measure, block by block.

A block is played to the end before the next, so that its worlds stay in the processor's cache from period to period.
"""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import entry, integers1
from allotment.engine.kernel.deciding import decide_by_rule
from allotment.engine.kernel.measuring import measure_block
from allotment.engine.kernel.period import block_at, step_block


@entry
def play(table, periods):  # type: ignore[no-untyped-def]
    """Play some periods of every world with the rule that stands in the table, and add their records to the sums."""
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count, start = block_at(table, first), np.uint64(first)
        for _ in range(periods):
            now = period[first]
            decide_by_rule(table, now, 0, start, count)
            step_block(table, now, start, count)
            measure_block(table, now, start, count)
        first += count


@entry
def decide_all(table):  # type: ignore[no-untyped-def]
    """Write what the rule that stands in the table orders in every world."""
    period, first = integers1(table, f.PERIOD), 0
    while first < period.shape[0]:
        count = block_at(table, first)
        decide_by_rule(table, period[first], 0, np.uint64(first), count)
        first += count
