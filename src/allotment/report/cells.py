"""What the comparison says, as text: the cells of its tables, and the finding in one sentence.

A world's objective decides the words: a profit world shows profit, where a positive difference is better; a cost world
shows cost (minus the score), where a negative difference is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from allotment.evaluation.comparison import money_columns
from allotment.report.numbers import decimals, number, percentage

Objective = Literal["cost", "profit"]


@dataclass(frozen=True)
class Cells:
    """A table as text."""

    caption: str
    header: list[str]
    rows: list[list[str]]
    better: list[bool | None]  # of each row: surely better than the reference, surely worse, or open (None)


def comparison_cells(comparison: pd.DataFrame, objective: Objective) -> Cells:
    """Return the score, paired difference and service of each policy; `comparison` is as `compare` returns it."""
    places = score_decimals(comparison)
    header = ["policy", "kind", f"{objective}/period", f"vs {reference_title(comparison)}"]
    header += ["fill rate", "cycle service", "stock turns"]
    differences = difference_texts(comparison, objective)
    rows = [
        [
            str(row["policy"]),
            str(row["kind"]),
            f"{number(_sign(objective) * row['score'], places)} ± {number(row['score_standard_error'], places)}",
            difference,
            percentage(row["fill_rate"]),
            percentage(row["cycle_service_level"]),
            number(row["stock_turns"], 1),
        ]
        for (_, row), difference in zip(comparison.iterrows(), differences, strict=True)
    ]
    caption = f"{objective.capitalize()} per period ± standard error; paired differences with 95 % intervals"
    return Cells(caption, header, rows, [_better(row) for _, row in comparison.iterrows()])


def term_cells(comparison: pd.DataFrame) -> Cells:
    """Return the money of each term that any policy moves, one row a policy and one column a term."""
    terms = [term for term in money_columns(comparison) if comparison[term].abs().max() > 0]
    columns = [_number_column(comparison[term], digits=3) for term in terms]
    header = ["policy", *(term.removeprefix("money/").replace("_", " ") for term in terms)]
    rows = [[str(policy), *cells] for policy, *cells in zip(comparison["policy"], *columns, strict=True)]
    return Cells("Money per period, by term", header, rows, [None] * len(rows))


def headline(comparison: pd.DataFrame, objective: Objective) -> str:
    """Return the finding in one sentence: the best policy, and its difference to the reference."""
    best, reference = comparison.iloc[0], reference_policy(comparison)
    score = number(_sign(objective) * best["score"], score_decimals(comparison))
    achievement = "lowest cost" if objective == "cost" else "highest profit"
    opening = f"{best['policy']} has the {achievement}, {score} per period"
    if best["reference"]:
        return f"{opening}; it is the reference."
    doubt = "" if _better(best) else ", which may be chance"
    return f"{opening}: {difference_texts(comparison, objective)[0]} against {reference}{doubt}."


def difference_texts(comparison: pd.DataFrame, objective: Objective) -> list[str]:
    """Return each paired difference like `+12.3 [+10.1, +14.6]`; a cost world's are differences in cost."""
    half_widths = (comparison["difference_high"] - comparison["difference_low"])[~comparison["reference"]] / 2
    places = max(score_decimals(comparison), decimals(half_widths.median(), digits=2))
    return [
        "reference" if row["reference"] else _difference_text(row, _sign(objective), places) for _, row in comparison.iterrows()
    ]


def score_decimals(comparison: pd.DataFrame) -> int:
    """Return the places that show four digits of the largest score and two of a typical standard error."""
    return max(
        decimals(comparison["score"].abs().max(), digits=4),
        decimals(comparison["score_standard_error"].median(), digits=2),
    )


def reference_policy(comparison: pd.DataFrame) -> str:
    """Return the name of the policy that the others are compared with."""
    return str(comparison.loc[comparison["reference"], "policy"].iloc[0])


def reference_title(comparison: pd.DataFrame) -> str:
    """Return `best rule` where the reference is the best rule-based policy, else its name."""
    rules = comparison[comparison["kind"] == "rule-based"]
    return "best rule" if len(rules) and rules.iloc[0]["reference"] else reference_policy(comparison)


def _difference_text(row: pd.Series, sign: int, places: int) -> str:
    """Return one paired difference with its interval."""
    low, high = sorted([sign * row["difference_low"], sign * row["difference_high"]])
    mean = number(sign * row["difference"], places, signed=True)
    return f"{mean} [{number(low, places, signed=True)}, {number(high, places, signed=True)}]"


def _number_column(values: pd.Series, digits: int) -> list[str]:
    """Return a column of numbers with the places that its largest one deserves."""
    places = decimals(values.abs().max(), digits)
    return [number(value, places) for value in values]


def _sign(objective: Objective) -> int:
    """Return what a score is multiplied by to be shown."""
    return -1 if objective == "cost" else 1


def _better(row: pd.Series) -> bool | None:
    """Return whether a policy is surely better (True) or worse (False) than the reference; None where it is open."""
    if row["difference_low"] > 0:
        return True
    return False if row["difference_high"] < 0 else None
