"""Every algorithm at a size at which a test can train it: a few hundred steps in the world of two shops."""

import json

from small_worlds import one_shop, two_shops

ROLLOUTS = {"settings.n_steps": 8, "settings.batch_size": 16, "environments": 4, "network.hidden": [8]}
REPLAYED = {
    "environments": 4,
    "network.hidden": [8, 8],
    "settings.buffer_size": 400,
    "settings.learning_starts": 40,
    "settings.batch_size": 16,
    "settings.gradient_steps": 1,
}
SMALL = {
    "ppo": {**ROLLOUTS, "settings.n_epochs": 2},
    "a2c": {"settings.n_steps": 8, "environments": 4, "network.hidden": [8]},
    "trpo": ROLLOUTS,
    "recurrent_ppo": {**ROLLOUTS, "settings.n_epochs": 1, "network.memory": 4},
    "sac": REPLAYED,
    "tqc": REPLAYED,
    "crossq": REPLAYED,
    "td3": REPLAYED,
    "ddpg": REPLAYED,
    "dqn": {**REPLAYED, "settings.target_update_interval": 40},
}
RULE = {"policy": "base_stock", "parameters": {"level": "tuned"}, "tuning": {"worlds": 2, "rounds": 1}}
SMALL_PATHWISE = {
    "environments": 4,
    "network.hidden": [8],
    "encoding": {"name": "rule_parameters", "rule": RULE},
    "settings.window": 2,
}
MEASURED = {"steps": 480, "validation.every": 128, "validation.episodes": 4, "checkpoint.every": 64}


def world_for(algorithm):
    """Return a small world that an algorithm can learn in: one decision from a list, or several of quantities."""
    return one_shop() if algorithm == "dqn" else two_shops()


def small(algorithm, **settings):
    """Return the overrides that make an algorithm's shipped config small, and any others."""
    own = SMALL_PATHWISE if algorithm == "pathwise" else SMALL[algorithm]
    return [f"{key}={json.dumps(value)}" for key, value in {**own, **MEASURED, **settings}.items()]
