"""Which policy is best, by how much, and how sure that is: one row a policy, from episodes on common worlds.

A claim against the reference counts as sure where its p-value, corrected for all claims of the table, is below 5 %. The best
rule is chosen after its scores are known, and looks a little better than it is: claims to beat it are the careful ones.

Sure is not yet large: a policy whose interval lies wholly within a region of practical equivalence about zero, ±0.5 % of the
reference's score unless another is asked for, is equal to it in practice, whether its difference is sure or not. Percent are of
the reference's score, whatever its sign. Where the interval of that score holds zero, they are of the reference's costs instead
(all money per period but income, less what stock gains), and where there are none either, there are no percent and nothing is
called equal.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allotment.evaluation.correction import holm
from allotment.evaluation.metrics import COMPARED, METRICS, RESERVED
from allotment.evaluation.resampling import Interval
from allotment.evaluation.statistics import interquartile_mean, mean_score, paired_difference, probability_of_improvement
from allotment.quantities import Floats
from allotment.scenario.errors import nearest
from allotment.scenario.problem import INCOME

MEASURES = COMPARED
SHIPPED = [metric.name for metric in METRICS]
SURE = 0.05  # adjusted p-values below this are claims
ROPE = 0.5  # percent of the reference within which a difference does not matter
EQUAL = "equal in practice"


def compare(
    episodes: pd.DataFrame,
    reference: str | None,
    rng: np.random.Generator,
    by_item: Mapping[str, Floats] | None = None,
    rope: float = ROPE,
) -> pd.DataFrame:
    """Return one row a policy, best score first, each with its paired difference to the reference policy.

    `episodes` has one row per policy, training seed and episode, with the columns `policy`, `kind` ("learned" or
    "rule-based"), `training_seed` (may be missing where every policy has one), `episode`, `score` (mean reward per measured
    period: profit, or minus cost), `fill_rate`, `cycle_service_level`, `stock_turns`, `on_hand` (units) and
    `money/<term>` (positive, per period). Without a `reference`, it is the rule-based policy with the best mean score, or
    where there is none the best policy. `by_item` holds each policy's scores as (seeds, worlds, items): differences and
    chances then speak of other items as well. `rope` is the region of practical equivalence, ± so many percent.

    The result has `policy`, `kind`, `informed` (false where `episodes` says so), `seeds`, `worlds` and `items` (how many there
    are; no items: 0), `reference` (true in
    one row); `score`, `interquartile_mean` and `difference` (money per period) and `improvement` (the probability to beat
    the reference in a world), each with `_low` and `_high` of its 95 % interval, and `score_standard_error`; `p_value` and
    `adjusted_p_value` of the difference (none for the reference); `percent`, `percent_low` and `percent_high`, the difference
    in percent of the reference's `percent_of` (`score` or `costs`; `nothing` where there are no percent), and `rope`; `verdict`
    (`equal in practice` where the percent lie within ±`rope`, else `better` or `worse` where that is sure, else `open`;
    `reference`); and the means of the remaining columns.
    Raises ValueError where the policies did not play the same episodes.
    """
    scores, kinds, informed = scores_by_policy(episodes), _kinds(episodes), _informed(episodes)
    chosen = best_policy(scores, kinds) if reference is None else reference
    if chosen not in scores:
        raise ValueError(f"the reference {chosen!r} is not among the policies; {nearest(chosen, scores)}")
    paired = scores if by_item is None else dict(by_item)
    rows = [
        {
            "policy": policy,
            "kind": kinds[policy],
            "informed": informed[policy],
            "seeds": len(scores[policy]),
            "worlds": scores[policy].shape[1],
            "items": 0 if by_item is None else paired[policy].shape[2],
            "reference": policy == chosen,
            **_alone(scores[policy], rng),
            **(_NOTHING if policy == chosen else _against(paired[policy], paired[chosen], rng)),
        }
        for policy in scores
    ]
    measures = [name for name in MEASURES if name in episodes]
    means = episodes.groupby("policy")[measures + own_measures(episodes) + money_columns(episodes)].mean()
    table = pd.DataFrame(rows).sort_values("score", ascending=False, kind="stable", ignore_index=True)
    others = ~table["reference"]
    table["adjusted_p_value"] = np.nan
    table.loc[others, "adjusted_p_value"] = holm(table.loc[others, "p_value"])
    table = _in_percent(table, means.T[chosen]).assign(rope=rope)
    table["verdict"] = [_verdict(row) for _, row in table.iterrows()]
    return table.join(means, on="policy")


def by_knowledge(comparison: pd.DataFrame) -> pd.DataFrame:
    """Return a comparison with informed policies and the others apart, each best first, those first that have the best."""
    first = comparison["informed"].iloc[0]
    return comparison.sort_values("informed", key=lambda informed: informed != first, kind="stable", ignore_index=True)


def scores_by_policy(episodes: pd.DataFrame) -> dict[str, Floats]:
    """Return each policy's scores as (seeds, worlds), seeds and worlds in rising order, policies in alphabetical order.

    Raises ValueError where a policy played an episode twice, or not at all, or has no finite score there.
    """
    if episodes.empty:
        raise ValueError("a comparison needs at least one policy, but there are no episodes")
    if "training_seed" not in episodes:
        episodes = episodes.assign(training_seed=0)
    keys = ["policy", "training_seed", "episode"]
    for policy, _, episode in _keys(episodes, episodes.duplicated(keys)):
        raise ValueError(f"each policy plays an episode once, but {policy!r} has several rows for episode {episode}")
    for policy, _, episode in _keys(episodes, ~np.isfinite(episodes["score"])):
        raise ValueError(f"scores must be finite, but that of {policy!r} in episode {episode} is not")
    table = episodes.pivot(index=["policy", "training_seed"], columns="episode", values="score")
    if table.isna().any(axis=None):
        counts = table.notna().sum(axis=1)
        several = counts.groupby(level="policy").transform("size") > 1
        names = [f"{policy!r}{f' seed {seed}' if several[policy, seed] else ''}" for policy, seed in counts.index]
        seen = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        raise ValueError(f"policies must share all their episodes; of {table.shape[1]} in all, there are: {seen}")
    return {str(policy): rows.to_numpy() for policy, rows in table.groupby(level="policy")}


def best_policy(scores: Mapping[str, Floats], kinds: Mapping[str, str]) -> str:
    """Return the rule-based policy with the highest mean score, or where there is none the policy with the highest."""
    rules = [policy for policy in scores if kinds[policy] == "rule-based"]
    return max(rules or scores, key=lambda policy: float(scores[policy].mean()))


def own_measures(frame: pd.DataFrame) -> list[str]:
    """Return the names of measured columns that are none of the shipped ones, in their order."""
    known = {*SHIPPED, *RESERVED, *money_columns(frame)}
    return [str(name) for name in frame.select_dtypes("number").columns if name not in known and not _about(str(name))]


def _about(name: str) -> bool:
    """Tell whether a column of the comparison itself goes by a name."""
    return name.removesuffix("_low").removesuffix("_high") in RESERVED


def money_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns `money/<term>`, in their order."""
    return [name for name in map(str, frame.columns) if name.startswith("money/")]


def _keys(episodes: pd.DataFrame, wanted: pd.Series) -> list[tuple[str, int, int]]:
    """Return the (policy, training seed, episode) of the wanted rows."""
    keys = episodes.loc[wanted, ["policy", "training_seed", "episode"]]
    return list(keys.itertuples(index=False, name=None))


def _kinds(episodes: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each policy, policies in alphabetical order."""
    pairs = sorted(set(zip(episodes["policy"], episodes["kind"], strict=True)))
    if len(pairs) > len(dict(pairs)):
        raise ValueError(f"a policy has one kind, not several: {pairs}")
    return dict(pairs)


def _informed(episodes: pd.DataFrame) -> dict[str, bool]:
    """Return whether each policy saw more of coming demand than its past; what says nothing of it may have."""
    if "informed" not in episodes:
        return dict.fromkeys(map(str, episodes["policy"]), True)
    return {str(policy): bool(rows.any()) for policy, rows in episodes.groupby("policy")["informed"]}


def _alone(scores: Floats, rng: np.random.Generator) -> dict[str, float]:
    """Return what a policy's own scores say."""
    mean = mean_score(scores, rng)
    return {
        **_columns("score", mean),
        "score_standard_error": mean.standard_error,
        **_columns("interquartile_mean", interquartile_mean(scores, rng)),
    }


def _against(scores: Floats, reference: Floats, rng: np.random.Generator) -> dict[str, float]:
    """Return what a policy's scores say against those of the reference."""
    difference = paired_difference(scores, reference, rng)
    return {
        **_columns("difference", difference),
        **_columns("improvement", probability_of_improvement(scores, reference, rng)),
        "p_value": difference.p_value(),
    }


def _in_percent(table: pd.DataFrame, reference: pd.Series) -> pd.DataFrame:
    """Return the table with its differences in percent too; `reference` has the means of the reference policy."""
    score = table[table["reference"]].iloc[0]
    costs = sum(reference[name] for name in money_columns(reference.to_frame().T) if name.removeprefix("money/") not in INCOME)
    costs -= reference.get("money/stock_change", 0.0)
    what, whole = "score", abs(score["score"])
    if score["score_low"] <= 0.0 <= score["score_high"]:
        what, whole = ("costs", costs) if costs > 0.0 else ("nothing", np.nan)
    percent = {name.replace("difference", "percent"): 100.0 * table[name] / whole for name in _NOTHING if "difference" in name}
    return table.assign(**percent, percent_of=what)


def _verdict(row: pd.Series) -> str:
    """Return what is to be said of a policy: whether its difference matters, and whether it is sure after correction."""
    if row["reference"]:
        return "reference"
    if -row["rope"] <= row["percent_low"] and row["percent_high"] <= row["rope"]:
        return EQUAL
    if row["adjusted_p_value"] >= SURE:
        return "open"
    return "better" if row["difference"] > 0 else "worse"


def _columns(name: str, found: Interval) -> dict[str, float]:
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}


_NOTHING = {  # of the reference against itself
    **dict.fromkeys(["difference", "difference_low", "difference_high"], 0.0),
    **dict.fromkeys(["improvement", "improvement_low", "improvement_high"], 0.5),
    "p_value": np.nan,
}
