"""Files of users' own work, as a stranger would write them."""

RULE = '''
from dataclasses import dataclass

import numpy as np

from allotment.authoring import Decision, Network, Observation, cover, parameter, spread_over


@dataclass(frozen=True)
class Hedging:
    """Order up to a level, but only a share of what is missing: the rest may turn out not to be needed."""

    network: Network
    level: np.ndarray = parameter(cover(), spread_over(), whole=True)
    share: np.ndarray = parameter(0.5, 0.25, default=0.5)
    at_least: float = 0.0

    def decide(self, observation: Observation) -> Decision:
        transfers, position = self.network.transferred(observation)
        missing = np.maximum(self.level - position, self.at_least)
        return self.network.order(np.ceil(self.share * missing), transfers)
'''
METRIC = '''
from allotment.authoring import PerPeriod, Share


class Days:
    """How long stock on hand would last, in periods of the demand seen."""

    name, about = "cover", "periods"

    def count(self, world, flows):
        import numpy as np

        return np.stack([flows.on_hand.sum(axis=(1, 2)), flows.demand.sum(axis=(1, 2))], axis=1)

    def value(self, sums, periods):
        return sums[:, 0] / sums[:, 1]


largest = PerPeriod("most_on_hand", "units", lambda world, flows: flows.on_hand.max(axis=(1, 2)))
'''
LEARNING = """
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter


class Mine(PPO):
    pass


class Wide(torch.nn.Module):
    def __init__(self, inputs, outputs, width=4):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(inputs, width), torch.nn.ReLU(), torch.nn.Linear(width, outputs))

    def forward(self, vectors):
        return self.layers(vectors)


class Counting(BaseCallback):
    def __init__(self, file):
        super().__init__()
        self.file = file

    def _on_step(self):
        return True

    def _on_training_end(self):
        open(self.file, "w").write(str(self.num_timesteps))


class ToFile(KVWriter):
    def __init__(self, file):
        self.file = file

    def write(self, key_values, key_excluded, step=0):
        with open(self.file, "a") as log:
            log.write("".join(f"{step} {key}\\n" for key in key_values))

    def close(self):
        pass
"""
