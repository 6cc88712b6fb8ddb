"""Which policy is best, by how much, and how sure that is: one row a policy, from episodes on common worlds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allotment.evaluation.statistics import mean_interval, paired_difference

MEASURES = ["fill_rate", "cycle_service_level", "stock_turns", "on_hand"]


def compare(episodes: pd.DataFrame, reference: str | None, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row a policy, best score first, each with its paired difference to the reference policy.

    `episodes` has one row per episode and policy, with the columns `policy`, `kind` ("learned" or "rule-based"),
    `episode`, `score` (mean reward per measured period: profit, or minus cost), `fill_rate`, `cycle_service_level`,
    `stock_turns`, `on_hand` (units) and `money/<term>` (positive, per period). Without a `reference`, it is the
    rule-based policy with the best mean score.

    The result has `policy`, `kind`, `reference` (true in one row), `score`, `score_standard_error`, `difference`,
    `difference_low`, `difference_high` (all money per period; 95 % intervals) and the means of the remaining columns.
    Raises ValueError where the policies did not play the same episodes.
    """
    scores = scores_by_episode(episodes)
    kinds = _kinds(episodes)
    chosen = best_rule(scores, kinds) if reference is None else reference
    if chosen not in kinds:
        raise ValueError(f"the reference {chosen!r} is not among the policies {sorted(kinds)}")
    rows = [_score_row(scores, policy, kinds[policy], chosen, rng) for policy in kinds]
    means = episodes.groupby("policy")[MEASURES + money_columns(episodes)].mean()
    table = pd.DataFrame(rows).join(means, on="policy")
    return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def scores_by_episode(episodes: pd.DataFrame) -> pd.DataFrame:
    """Return the scores as (episodes, policies), with policies in alphabetical order.

    Raises ValueError where a policy played an episode twice, or not at all, or has no finite score there.
    """
    if episodes.empty:
        raise ValueError("a comparison needs at least one policy, but there are no episodes")
    for policy, episode in _keys(episodes, episodes.duplicated(["policy", "episode"])):
        raise ValueError(f"each policy plays an episode once, but {policy!r} has several rows for episode {episode}")
    for policy, episode in _keys(episodes, ~np.isfinite(episodes["score"])):
        raise ValueError(f"scores must be finite, but that of {policy!r} in episode {episode} is not")
    scores = episodes.pivot(index="episode", columns="policy", values="score")
    played = episodes.groupby("policy").size()
    if (played < len(scores)).any():
        seen = ", ".join(f"{policy!r} {count}" for policy, count in played.items())
        raise ValueError(f"policies must share all their episodes; of {len(scores)} in all, there are: {seen}")
    return scores


def best_rule(scores: pd.DataFrame, kinds: Mapping[str, str]) -> str:
    """Return the rule-based policy with the highest mean score; `scores` is (episodes, policies)."""
    rules = [policy for policy, kind in kinds.items() if kind == "rule-based"]
    if not rules:
        raise ValueError(f"there is no rule-based policy to compare with among {sorted(kinds)}; name a reference")
    return str(scores[rules].mean().idxmax())


def money_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns `money/<term>`, in their order."""
    return [name for name in map(str, frame.columns) if name.startswith("money/")]


def _keys(episodes: pd.DataFrame, wanted: pd.Series) -> list[tuple[str, int]]:
    """Return the (policy, episode) of the wanted rows."""
    return list(episodes.loc[wanted, ["policy", "episode"]].itertuples(index=False, name=None))


def _kinds(episodes: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each policy, policies in alphabetical order."""
    pairs = sorted(set(zip(episodes["policy"], episodes["kind"], strict=True)))
    if len(pairs) > len(dict(pairs)):
        raise ValueError(f"a policy has one kind, not several: {pairs}")
    return dict(pairs)


def _score_row(scores: pd.DataFrame, policy: str, kind: str, reference: str, rng: np.random.Generator) -> dict[str, object]:
    """Return a policy's mean score and its paired difference to the reference."""
    score = mean_interval(scores[policy], rng)
    difference = paired_difference(scores[policy], scores[reference], rng)
    return {
        "policy": policy,
        "kind": kind,
        "reference": policy == reference,
        "score": score.mean,
        "score_standard_error": score.standard_error,
        "difference": difference.mean,
        "difference_low": difference.low,
        "difference_high": difference.high,
    }
