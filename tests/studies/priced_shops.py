"""The world of two shops with prices, and configs of policies for it that are made in a moment."""

import json

from allotment.policies.config_file import read_config
from small_worlds import two_shops

QUICK = {
    "steps": 64,
    "environments": 4,
    "settings.n_steps": 8,
    "settings.batch_size": 16,
    "settings.n_epochs": 1,
    "network.hidden": [8],
    "validation.every": 32,
    "validation.episodes": 4,
}
PPO = read_config("ppo", [f"{key}={json.dumps(value)}" for key, value in QUICK.items()])[1]


def constant_order(quantity):
    return {"policy": "constant_order", "parameters": {"quantity": quantity}}


def priced():
    """Return the world of two shops in which sales are worth something."""
    return two_shops(skus=[{"name": "apple", "price": 9}, {"name": "pear", "price": 9}])
