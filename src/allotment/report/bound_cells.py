"""What perfect foresight is worth, as a table and as numbers for other programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.bounds.foresight import POLICY, Foresight
from allotment.bounds.gap import gap_closed
from allotment.quantities import Floats
from allotment.report.cells import Cells
from allotment.report.money import Money
from allotment.report.numbers import decimals, number, percentage

NOTE = (
    "Each row frees one kind of decision more, and leaves the others as the policy executed them. What is served is free from "
    "the first on. Foresight is unattainable: a row says what the best informed policy might gain there at most."
)
OPENED = (
    " Up to the last row, all open with the policy's stock and close with no less; the last is the bound of every policy, "
    "which may also stock up in the warm-up and run stock down at the end: the score counts stock at cost, or not at all, but "
    "never what the warm-up pays to bring and to keep it."
)


def bound_cells(found: Foresight, money: Money, policy: str) -> Cells:
    """Return the score with ever more foresight, and what each step adds."""
    steps = list(found.scores.items())
    places = max(decimals(max(abs(scores.mean()) for _, scores in steps), 4), decimals(standard_error(steps[0][1]), 2))
    rows, before = [], steps[0][1]
    for name, scores in steps:
        first = name == POLICY
        rows.append(
            [
                f"{policy}, without" if first else name,
                _with_error(money.sign * scores, places),
                "" if first else _with_error(money.sign * (scores - before), places, signed=True),
            ]
        )
        before = scores
    caption = f"Perfect foresight in {len(before)} test worlds: {money.objective} ± standard error"
    header = ["foresight in", f"{money.objective} ({money.rate})", "which adds"]
    return Cells(caption, header, rows, [], NOTE + (OPENED if found.bound is not found.reachable else ""))


def replanning(found: Foresight, scores: Floats, money: Money, policy: str) -> str:
    """Return what planning again at every decision, on forecasts, has in the same episodes, in words."""
    own = found.scores[POLICY]
    share, places = (
        gap_closed(scores, own, found.reachable),
        max(decimals(abs(scores.mean()), 4), decimals(standard_error(own), 2)),
    )
    earned = f"{_with_error(money.sign * scores, places)}, {_with_error(money.sign * (scores - own), places, signed=True)}"
    closes = f"{percentage(share.estimate)} ± {percentage(share.standard_error)} of the gap"
    return f"planned again at every decision, on forecasts: {earned} against {policy}; closes {closes}"


def bound_content(found: Foresight, replanned: Floats | None = None) -> dict[str, Any]:
    """Return means, standard errors and every episode's numbers, as scores: profit, or minus cost."""
    played = found.scores if replanned is None else {**found.scores, "planned again at every decision": replanned}
    steps = {
        name: {"mean": float(scores.mean()), "standard_error": standard_error(scores), "episodes": scores.tolist()}
        for name, scores in played.items()
    }
    return {"bound": float(found.bound.mean()), "reachable": float(found.reachable.mean()), "scores": steps}


def standard_error(scores: Floats) -> float:
    """Return the standard error of a mean over episodes."""
    return float(scores.std(ddof=1) / np.sqrt(len(scores)))


def _with_error(scores: Floats, places: int, signed: bool = False) -> str:
    return f"{number(scores.mean(), places, signed)} ± {number(standard_error(scores), places)}"
