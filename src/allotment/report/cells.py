"""What the comparison says, as text: the cells of its tables, and the finding in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from allotment.evaluation.capital_metrics import CAPITAL
from allotment.evaluation.comparison import EQUAL, SURE, by_knowledge, money_columns, own_measures
from allotment.evaluation.metric_kinds import title_of
from allotment.report.knowledge import MEANING, groups_of
from allotment.report.money import Money
from allotment.report.numbers import decimals, number, p_value, percent, percentage


@dataclass(frozen=True)
class Cells:
    """A table as text."""

    caption: str
    header: list[str]
    rows: list[list[str]]
    verdicts: list[str]  # of each row: better, worse, equal in practice, open, reference; empty where the table makes no claim
    note: str = ""  # what a reader needs to understand the numbers
    groups: Sequence[str] = ()  # of each row, the title of the group that it stands in; none where there are no groups


def tables_of(comparison: pd.DataFrame, money: Money) -> list[Cells]:
    """Return all tables of a comparison, as `compare` returns it, in the order to read them; informed policies stand apart."""
    comparison = by_knowledge(comparison)
    tables = [comparison_cells(comparison, money), certainty_cells(comparison, money), service_cells(comparison)]
    tables += [capital_cells(comparison, money), own_cells(comparison), term_cells(comparison, money)]
    groups = groups_of(comparison)
    return [replace(cells, groups=groups) for cells in tables if cells.rows and len(cells.header) > 1]


def comparison_cells(comparison: pd.DataFrame, money: Money) -> Cells:
    """Return the score, paired difference and fill rate of each policy."""
    places = score_decimals(comparison)
    header = ["policy", "kind", f"{money.objective} ({money.rate})", f"vs {reference_title(comparison)}", "percent", "verdict"]
    header += ["fill rate"]
    differences = difference_texts(comparison, money)
    rows = [
        [
            shown_name(row),
            str(row["kind"]),
            f"{number(money.sign * row['score'], places)} ± {number(row['score_standard_error'], places)}",
            difference,
            "" if row["reference"] else percent(money.sign * row["percent"]),
            "" if row["reference"] else str(row["verdict"]),
            percentage(row["fill_rate"]),
        ]
        for (_, row), difference in zip(comparison.iterrows(), differences, strict=True)
    ]
    if "gap_closed" in comparison:
        header.append("gap closed")
        rows = [[*cells, gap_text(row)] for cells, (_, row) in zip(rows, comparison.iterrows(), strict=True)]
    caption = f"{money.objective.capitalize()} per {money.period} ± standard error; paired differences with 95 % intervals"
    note = f"{reading_note(comparison)} {MEANING}{gap_note(comparison, money)}"
    return Cells(caption, header, rows, list(comparison["verdict"]), note)


def gap_text(row: pd.Series) -> str:
    """Return the share of the gap to foresight that a policy closes, with its standard error."""
    if row["reference"]:
        return ""
    return f"{percentage(row['gap_closed'])} ± {percentage(row['gap_closed_standard_error'])}"


def gap_note(comparison: pd.DataFrame, money: Money) -> str:
    """Return between what and what the gap lies, empty where it is not known."""
    if "gap_closed" not in comparison:
        return ""
    row = comparison.iloc[0]
    bound = money.per_period(number(money.sign * row["bound"], score_decimals(comparison)))
    worlds = f"{int(row['bound_episodes'])} test worlds"
    added = f"what perfect foresight adds to {reference_policy(comparison)}"
    return f" Gap closed: the share of {added}, which then has {bound} in {worlds} with the same opening and closing stock."


def service_cells(comparison: pd.DataFrame) -> Cells:
    """Return the service of each policy and the stock that it takes."""
    places = decimals(comparison["on_hand"].abs().max(), digits=3)
    rows = [
        [
            shown_name(row),
            percentage(row["fill_rate"]),
            percentage(row["cycle_service_level"]),
            number(row["on_hand"], places),
            number(row["stock_turns"], 1),
        ]
        for _, row in comparison.iterrows()
    ]
    header = ["policy", "fill rate", "cycle service", "stock on hand", "stock turns"]
    return Cells("Service and stock", header, rows, [])


def capital_cells(comparison: pd.DataFrame, money: Money) -> Cells:
    """Return what the stock of each policy ties up and earns, as far as the world has the money for it."""
    measured = [metric for metric in CAPITAL if metric.name in comparison and comparison[metric.name].notna().any()]
    columns = [_number_column(comparison[metric.name], digits=3) for metric in measured]
    rows = [[shown_name(row), *cells] for (_, row), *cells in zip(comparison.iterrows(), *columns, strict=True)]
    titles = [f"{title_of(each)} ({money.rate})" if each.unit == "money/period" else title_of(each) for each in measured]
    return Cells("Capital in stock", ["policy", *titles], rows, [])


def own_cells(comparison: pd.DataFrame) -> Cells:
    """Return the means of what was measured beside the shipped measures."""
    own = own_measures(comparison)
    places = {name: decimals(comparison[name].abs().max(), digits=4) for name in own}
    rows = [[shown_name(row), *(number(row[name], places[name]) for name in own)] for _, row in comparison.iterrows() if own]
    return Cells("Own measures, means over episodes", ["policy", *(name.replace("_", " ") for name in own)], rows, [])


def certainty_cells(comparison: pd.DataFrame, money: Money) -> Cells:
    """Return what else the episodes say of each policy, and how sure its difference to the reference is."""
    if len(comparison) == 1:
        return Cells("How sure", ["policy"], [], [])
    places, title = score_decimals(comparison), reference_title(comparison)
    header = ["policy", "interquartile mean", f"chance to beat {title}", "p", "p, Holm", "resampled"]
    rows = [
        [
            shown_name(row),
            _interval_text(row, "interquartile_mean", places, money),
            "" if row["reference"] else chance_text(row),
            p_value(row["p_value"]),
            p_value(row["adjusted_p_value"]),
            resampled(row, comparison),
        ]
        for _, row in comparison.iterrows()
    ]
    place = "an item of a world" if comparison["items"].any() else "a world"
    note = (
        "Interquartile mean: the mean of the middle half of all episodes, which nothing extreme moves. "
        f"Chance to beat: in {place} drawn at random; ties count half. "
        f"p: how often so large a difference would come about by chance; Holm: corrected for {_comparisons(comparison)}."
    )
    return Cells("How sure, with 95 % intervals", header, rows, list(comparison["verdict"]), note)


def term_cells(comparison: pd.DataFrame, money: Money) -> Cells:
    """Return the money of each term that any policy moves, one row a policy and one column a term."""
    terms = [term for term in money_columns(comparison) if comparison[term].abs().max() > 0]
    columns = [_number_column(comparison[term], digits=3) for term in terms]
    header = ["policy", *(term.removeprefix("money/").replace("_", " ") for term in terms)]
    names = [shown_name(row) for _, row in comparison.iterrows()]
    rows = [[name, *cells] for name, *cells in zip(names, *columns, strict=True)]
    return Cells(f"{money.rate[0].upper()}{money.rate[1:]}, by term", header, rows, [])


def headline(comparison: pd.DataFrame, money: Money) -> str:
    """Return the finding in one sentence: the best policy, its difference to the reference, and whether that matters."""
    best, reference = comparison.iloc[0], reference_policy(comparison)
    score = money.per_period(number(money.sign * best["score"], score_decimals(comparison)))
    achievement = "lowest cost" if money.objective == "cost" else "highest profit"
    opening = f"{shown_name(best)} has the {achievement}, {score}"
    if best["reference"]:
        return f"{opening}; it is the reference{_as_good(comparison)}."
    share = "" if pd.isna(best["percent"]) else f" ({percent(money.sign * best['percent'])})"
    difference = f"{difference_texts(comparison, money)[0]}{share}"
    if best["verdict"] == EQUAL:
        return f"{opening}, but is equal in practice to {reference}: {difference} is within {rope_text(comparison)}."
    doubt = ", which may be chance" if best["verdict"] == "open" else ""
    return f"{opening}: {difference} against {reference}{doubt}."


def _as_good(comparison: pd.DataFrame) -> str:
    """Return which policies are as good as the best in practice."""
    equal = [shown_name(row) for _, row in comparison[comparison["verdict"] == EQUAL].iterrows()]
    return f", and {_listed(equal)} {'is' if len(equal) == 1 else 'are'} equal to it in practice" if equal else ""


def rope_text(comparison: pd.DataFrame) -> str:
    """Return the region of practical equivalence, such as `±0.5 % of the reference's score`."""
    return f"±{comparison['rope'].iloc[0]:g} % of the reference's {comparison['percent_of'].iloc[0]}"


def rope_width(comparison: pd.DataFrame) -> float:
    """Return half the width of the region of practical equivalence in money per period, 0 where there is none."""
    told = comparison[comparison["percent"].abs() > 0.0]
    return 0.0 if told.empty else float(told["rope"].iloc[0] * abs(told["difference"].iloc[0] / told["percent"].iloc[0]))


def reading_note(comparison: pd.DataFrame) -> str:
    """Return on how many worlds a comparison stands, and what its intervals and verdicts speak of."""
    several, items = comparison["seeds"].max() > 1, comparison["items"].max()
    spoken_of = ["other test worlds"]
    spoken_of += ["other trainings of a policy with several seeds"] if several else []
    spoken_of += [f"other items than these {items}"] if items else []
    note = f"{comparison['worlds'].max():,} test worlds, the same for every policy. Intervals speak of {_listed(spoken_of)}."
    if ((comparison["kind"] == "learned") & (comparison["seeds"] == 1)).any():
        note += " A learned policy of one seed is judged as it was trained, not how it would be trained again."
    return note + (_verdict_note(comparison) if len(comparison) > 1 else "")


def _verdict_note(comparison: pd.DataFrame) -> str:
    """Return what verdicts and percent mean."""
    sure = f" Better and worse are sure at {100 * SURE:g} % after Holm's correction for {_comparisons(comparison)}."
    if comparison["percent_of"].iloc[0] == "nothing":
        return f"{sure} The reference's score is too near zero for percent of it."
    near_zero = ", as its score is too near zero" if comparison["percent_of"].iloc[0] == "costs" else ""
    equal = (
        f" Equal in practice: the whole interval lies within {rope_text(comparison)}{near_zero}, be the difference sure or not."
    )
    return sure + equal


def shown_name(row: pd.Series) -> str:
    """Return a policy's name, with its number of seeds where it has several."""
    return f"{row['policy']} ({row['seeds']} seeds)" if row["seeds"] > 1 else str(row["policy"])


def chance_text(row: pd.Series) -> str:
    """Return the probability of improvement with its interval."""
    low, high = (percentage(row[f"improvement_{end}"]) for end in ("low", "high"))
    return f"{percentage(row['improvement'])} [{low}, {high}]"


def resampled(row: pd.Series, comparison: pd.DataFrame) -> str:
    """Return what the interval of a policy's difference resamples."""
    reference = comparison.loc[comparison["reference"], "seeds"].item()
    sources = {"seeds": max(row["seeds"], reference), "worlds": row["worlds"], "items": row["items"]}
    return ", ".join(name for name, members in sources.items() if members > 1)


def difference_texts(comparison: pd.DataFrame, money: Money) -> list[str]:
    """Return each paired difference like `+12.3 [+10.1, +14.6]`; a cost world's are differences in cost."""
    half_widths = (comparison["difference_high"] - comparison["difference_low"])[~comparison["reference"]] / 2
    places = max(score_decimals(comparison), decimals(half_widths.median(), digits=2))
    return [
        "reference" if row["reference"] else _interval_text(row, "difference", places, money, signed=True)
        for _, row in comparison.iterrows()
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


def _interval_text(row: pd.Series, name: str, places: int, money: Money, signed: bool = False) -> str:
    """Return an estimate in money with its interval."""
    sign = money.sign
    low, high = sorted([sign * row[f"{name}_low"], sign * row[f"{name}_high"]])
    estimate, *ends = (number(value, places, signed) for value in (sign * row[name], low, high))
    return f"{estimate} [{', '.join(ends)}]"


def _comparisons(comparison: pd.DataFrame) -> str:
    count = len(comparison) - 1
    return f"{count} comparison{'s' if count > 1 else ''}"


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _number_column(values: pd.Series, digits: int) -> list[str]:
    """Return a column of numbers with the places that its largest one deserves."""
    places = decimals(values.abs().max(), digits)
    return [number(value, places) for value in values]
