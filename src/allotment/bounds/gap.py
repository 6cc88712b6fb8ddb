"""The gap between a reference policy and perfect foresight, and the share of it that another policy closes.

    share = (score − reference's score) ÷ (foresight's score − reference's score)

Foresight opens and closes with the reference's stock (`foresight.reachable`), so that running stock down is no part of the gap.
In a season that is measured from its first period it is the bound of every policy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from allotment.quantities import Floats


class Share(NamedTuple):
    """An estimate over episodes, and its standard error; not a number where there is no gap."""

    estimate: float
    standard_error: float


def gap_closed(scores: Floats, reference: Floats, bound: Floats) -> Share:
    """Return the share of the gap that scores close, all (episodes,); its error is that of a ratio of paired means."""
    gap, gain = bound - reference, scores - reference
    if not gap.mean() > 0.0:
        return Share(np.nan, np.nan)
    share = gain.mean() / gap.mean()
    return Share(float(share), float((gain - share * gap).std(ddof=1) / np.sqrt(len(gap)) / gap.mean()))


def with_gaps(comparison: pd.DataFrame, episodes: pd.DataFrame, bound: Floats) -> pd.DataFrame:
    """Return a comparison with the columns `bound`, `bound_episodes`, `gap_closed` and `gap_closed_standard_error`.

    `episodes` has one row a policy, training seed and episode; `bound` are the scores of foresight in the first episodes.
    """
    first = episodes[episodes["episode"].isin(sorted(episodes["episode"].unique())[: len(bound)])]
    scores = first.groupby(["policy", "episode"])["score"].mean()
    reference = scores[comparison.loc[comparison["reference"], "policy"].item()].to_numpy()
    shares = [gap_closed(scores[policy].to_numpy(), reference, bound) for policy in comparison["policy"]]
    return comparison.assign(
        bound=bound.mean(),
        bound_episodes=len(bound),
        gap_closed=[share.estimate for share in shares],
        gap_closed_standard_error=[share.standard_error for share in shares],
    )
