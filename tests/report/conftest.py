import numpy as np
import pandas as pd
import pytest

from allotment.evaluation.breakdown import Breakdown


def row(
    policy,
    kind,
    score,
    difference=None,
    verdict="reference",
    seeds=1,
    on_hand=30.0,
    fill_rate=0.95,
    holding=40.0,
    lost_sale=60.0,
    informed=False,
):
    """Return a policy's row of a comparison; without a difference (mean, low, high), it is the reference."""
    mean, low, high = difference or (0.0, 0.0, 0.0)
    p_value = {"reference": np.nan, "open": 0.4, "equal in practice": 0.4}.get(verdict, 0.0001)
    chance = {"better": 0.9, "worse": 0.05}.get(verdict, 0.5)
    return {
        "policy": policy,
        "kind": kind,
        "informed": informed,
        "seeds": seeds,
        "worlds": 1000,
        "items": 0,
        "reference": difference is None,
        "score": score,
        "score_standard_error": 1.5,
        "interquartile_mean": score + 2.0,
        "interquartile_mean_low": score - 1.0,
        "interquartile_mean_high": score + 5.0,
        "difference": mean,
        "difference_low": low,
        "difference_high": high,
        "improvement": chance,
        "improvement_low": chance - 0.02,
        "improvement_high": chance + 0.03,
        "p_value": p_value,
        "adjusted_p_value": 2 * p_value,
        "percent": mean / 12.01,
        "percent_low": low / 12.01,
        "percent_high": high / 12.01,
        "percent_of": "score",
        "rope": 0.05,
        "verdict": verdict,
        "fill_rate": fill_rate,
        "cycle_service_level": 0.9,
        "stock_turns": 12.34,
        "on_hand": on_hand,
        "money/revenue": 0.0,
        "money/holding": holding,
        "money/lost_sale": lost_sale,
    }


@pytest.fixture
def comparison():
    """A cost world in which a policy that learned, of three seeds, costs 12.3 less per period than the best rule."""
    return pd.DataFrame(
        [
            row("ppo", "learned", -1187.7, (12.3, 10.1, 14.6), "better", seeds=3, on_hand=28.0, holding=30.0),
            row("base_stock", "rule-based", -1200.0, fill_rate=0.9712, lost_sale=50.0),
            row("sac", "learned", -1201.0, (-1.0, -3.0, 1.0), "open", on_hand=28.1, fill_rate=0.9505),
            row("constant_order", "rule-based", -1300.0, (-100.0, -102.0, -98.0), "worse", on_hand=50.0, holding=140.0),
        ]
    )


def amounts(demand, lost, margin):
    """Return what a name of a breakdown came to in two episodes, the second of which doubles the first."""
    once = np.array([demand, demand - lost, lost, lost, lost * margin, demand - lost, 10.0])
    return np.stack([once, 2 * once])


@pytest.fixture
def means(comparison):
    """Return the means of every policy's breakdown: each loses more than the one before, most of it of pears on the web."""
    labels = [("channel", "shop"), ("channel", "web"), ("site", "depot"), ("sku", "apple"), ("sku", "pear")]
    found = {}
    for place, policy in enumerate(comparison["policy"]):
        lost = [(40, 2, 2), (60, 6 + 6 * place, 3), (100, 8 + 6 * place, 2.75), (50, 2, 2), (50, 6 + 6 * place, 3)]
        found[policy] = Breakdown(labels, np.stack([amounts(*each) for each in lost], axis=1)).means()
    return found
