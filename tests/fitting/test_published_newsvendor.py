"""Every algorithm finds the newsvendor's order (Snyder and Shen, Example 4.3: the best one, 56.604, costs 1.99760)."""

import pandas as pd
import pytest

import allotment
from allotment.fitting.sb3.algorithms import ALGORITHMS
from allotment.policies.bundle import load_bundle

OPTIMUM = 1.99760
MEASURED = ["validation.every=1_000_000", "validation.episodes=10_000"]  # before and after training, on many short seasons

# A season is one period here: short rollouts, small buffers, a tenth of the steps and larger ones do.
REPLAYED = [
    *("steps=10_000", "environments=32", "settings.gradient_steps=1", "settings.buffer_size=16_000"),
    "settings.learning_rate=0.003",
]
LITTLE_ENTROPY = "settings.ent_coef=auto_0.1"  # a few hundred gradient steps do not cool it down from 1
# Every observation is the same here, so that what CrossQ's actor divides by vanishes: it acts as it was trained to only
# once its weights have come to rest and the running means have caught up with them. Large steps at first get it there in time.
LARGE_STEPS_FIRST = "settings.learning_rate={schedule: geometric, initial: 1.0e-2, final: 1.0e-6}"
TO_REST = ["steps=16_000", "settings.gradient_steps=1", "settings.batch_size=64", LARGE_STEPS_FIRST]
OFTEN = ["settings.n_steps=8", "settings.batch_size=128", "network.initial_deviation=0.1"]
SMALL = {
    "ppo": ["steps=16_000", "environments=64", *OFTEN, "settings.n_epochs=10"],
    "a2c": ["steps=100_000", "settings.n_steps=4", "settings.learning_rate=0.003"],
    "trpo": ["steps=60_000", "settings.n_steps=16"],
    "recurrent_ppo": ["steps=10_000", *OFTEN, "settings.n_epochs=5", "settings.learning_rate=0.002"],
    "sac": [*REPLAYED, LITTLE_ENTROPY],
    "tqc": [*REPLAYED, LITTLE_ENTROPY],
    "crossq": [*TO_REST, LITTLE_ENTROPY],
    "td3": REPLAYED,
    "ddpg": REPLAYED,
    "dqn": [*REPLAYED, "steps=40_000", "environments=64", "settings.learning_rate=0.001"],
}


def test_no_algorithm_is_left_out():
    assert set(SMALL) == set(ALGORITHMS)


@pytest.mark.parametrize("algorithm", SMALL)
def test_what_is_learned_costs_at_most_five_per_cent_more_than_the_best_order(algorithm, tmp_path):
    folder = allotment.train("newsvendor", algorithm, seed=0, out=tmp_path, overrides=SMALL[algorithm] + MEASURED)
    untrained = -pd.read_parquet(folder / "curve.parquet")["score"].iloc[0]
    assert untrained > 1.05 * OPTIMUM
    for kept in ("best", "final"):
        scores = allotment.evaluate(load_bundle(folder / kept), "newsvendor", 50_000, seed=1)["score"]
        assert scores.sem() < 0.005 * OPTIMUM
        assert -scores.mean() <= 1.05 * OPTIMUM
