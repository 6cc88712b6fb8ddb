"""Why a claim goes unmet: the first of these that holds for one of its options, once the day is allocated.

1. Stock and room are left: the rule gives no more, for the reason that is named with it, or it is too little for a shipment
   (`minimum`).
2. What is there, or comes, would arrive too late: `deadline`.
3. Stock is left, but no room to move it: `capacity`.
4. Room is left, but no stock: `reserved` where units are kept there for others, else `no_stock`.
5. No room and no stock: `capacity`, since more stock alone would not help.
6. No option may be used: the reason why they are blocked, and `lane` where there is none.
"""

from __future__ import annotations

import numpy as np

from allotment.allocation.day import ROUNDING, Codes, Day, Flags, Floats, reason
from allotment.allocation.remaining import Remaining
from allotment.allocation.reserved import kept_for_others


def why_unmet(day: Day, drawn: Floats, otherwise: str = "unprofitable") -> Codes:
    """Return the reason (C,) why claims get less than they want of what options draw (O, D); 0 for those served in full.

    `otherwise` names the reason of the rule itself, for claims that could be given more: the optimum's is that units would
    cost more than they bring.
    """
    left = Remaining(day, drawn)
    every = slice(None)
    stock, room = left.stock(every) > ROUNDING, left.allowance(every) > ROUNDING
    blocked, usable = day.options.blocked, day.usable
    both = usable & stock & room
    kept = kept_for_others(day, left.available)
    possible = left.possible(every) > 0.0
    found = [
        (both & possible, reason(otherwise)),
        (both, reason("minimum")),
        ((blocked == reason("deadline")) & stock, reason("deadline")),
        (usable & stock, reason("capacity")),
        (usable & room & kept, reason("reserved")),
        (usable & room, reason("no_stock")),
        (usable, reason("capacity")),
        *((blocked == code, code) for code in np.unique(blocked[~usable])[::-1]),
    ]
    codes = np.full(len(day.claims.wanted), reason("lane"), dtype=np.int8)
    for options, code in reversed(found):
        codes[_with_any(day, options)] = code
    return np.where(left.wants > ROUNDING, codes, 0).astype(np.int8)


def _with_any(day: Day, options: Flags) -> Flags:
    """Return which claims (C,) have any of the options."""
    return np.bincount(day.options.claim[options], minlength=len(day.claims.wanted)) > 0
