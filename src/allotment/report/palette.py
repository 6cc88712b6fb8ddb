"""The colours of every figure, told apart by colour-blind readers too (Okabe and Ito, 2008, with tints)."""

from __future__ import annotations

LEARNED = "#0072B2"
RULE_BASED = "#D55E00"
NEUTRAL = "#666666"
SERVED, SCARCE = "#EEF4F8", "#A33C00"  # of cells: all of the demand was there when due, much of it was not
ROPE = "#E4EDF3"  # the region of practical equivalence

SERIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F"]

TERMS = {
    "revenue": "#3F4A66",
    "salvage": "#A9B4CC",
    "purchase": "#C4C4C4",
    "stock_change": "#6E7FA8",
    "production": "#8A8A8A",
    "inbound_freight": "#56B4E9",
    "outbound_freight": "#0072B2",
    "fixed_ordering": "#F0E442",
    "holding": "#009E73",
    "in_transit": "#8FD9C0",
    "backorder": "#E69F00",
    "lost_sale": "#D55E00",
    "lateness": "#F2B48C",
    "waste": "#CC79A7",
    "overflow": "#7D3C6B",
    "interest": "#5C4033",
    "capital": "#A67B5B",
    "discount_taken": "#8FB996",
}


def kind_colour(kind: str) -> str:
    """Return the colour of a policy's kind."""
    return {"learned": LEARNED, "rule-based": RULE_BASED}.get(kind, NEUTRAL)


def term_colour(term: str) -> str:
    """Return the colour of a cost term, the same in every figure."""
    return TERMS.get(term, NEUTRAL)


def series_colour(position: int) -> str:
    """Return the colour of the line at a position, starting again after the last."""
    return SERIES[position % len(SERIES)]
