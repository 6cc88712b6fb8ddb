"""Who was allowed to see more of coming demand than its past tells: how tables and figures list those policies apart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

GROUPS = {True: "informed", False: "uninformed"}  # of the two groups of policies
MEANING = (
    "Informed policies see more of coming demand than its past tells: a forecast from the true process, its law, or levels "
    "computed from it."
)


def groups_of(comparison: pd.DataFrame) -> list[str]:
    """Return the group of each policy of a comparison."""
    return [GROUPS[bool(informed)] for informed in comparison["informed"]]


def begins(groups: Sequence[str]) -> list[bool]:
    """Tell of each row whether it is the first of its group, below whose title it stands."""
    return [place == 0 or group != groups[place - 1] for place, group in enumerate(groups)]


def known_by(name: str, informed: bool) -> str:
    """Return in one sentence whether a policy is informed."""
    if informed:
        return f"{name} is informed: it sees a forecast from the true process, its law, or levels computed from it"
    return f"{name} is uninformed: it sees nothing of coming demand but its past"
