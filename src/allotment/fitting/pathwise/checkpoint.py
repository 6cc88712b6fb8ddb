"""Checkpoints of a training by gradients: weights, optimiser, learning curve, and which worlds come next.

They are written between two episodes, so that no state of a world belongs to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from allotment.fitting.checkpoint_file import opened_checkpoint
from allotment.fitting.learning_curve import check_progress
from allotment.fitting.pathwise.rollout import Rollout
from allotment.fitting.pathwise.scaling import InputScaling
from allotment.fitting.tree_file import TreeError, check_alike, write_tree
from allotment.runs.run_folder import RunFolder
from allotment.whole_file import whole_file


@dataclass(frozen=True)
class Resumed:
    """What an interrupted training goes on with, beside what its network and its optimiser took over."""

    steps: int  # environment steps done
    progress: dict[str, Any]


def resumed(
    actor: nn.Module, optimiser: torch.optim.Optimizer, rollout: Rollout, scaling: InputScaling | None, run: RunFolder
) -> Resumed | None:
    """Put a training that was just built into the state that a run's checkpoint holds; returns none where there is none.

    `ScenarioError` where the checkpoint is damaged, or of another training.
    """
    if not run.checkpoint.is_file():
        return None
    with opened_checkpoint(run) as kept:
        _check(kept.tree, actor, optimiser, scaling)
        kept.check()
        content = kept.loaded(kept.tree)
    actor.load_state_dict(content["weights"])
    for weights, moments in zip(_weights(optimiser), content["optimiser"], strict=True):
        optimiser.state[weights] = {name: moment.clone() for name, moment in moments.items()}
    rollout.block = content["block"]
    if scaling:
        scaling.go_on(content["scaling"])
    return Resumed(content["steps"], content["progress"])


class Checkpoints:
    """Writes the checkpoint every so many steps and at the end."""

    def __init__(self, run: RunFolder, every: int, written_at: int) -> None:
        self.run, self.every, self.written_at = run, every, written_at

    def due(self, steps: int) -> bool:
        """Tell whether it is time to write one after so many environment steps."""
        return steps - self.written_at >= self.every

    def keep(self, content: dict[str, Any], progress: dict[str, Any], steps: int) -> None:
        """Write a checkpoint."""
        self.run.checkpoints.mkdir(exist_ok=True)
        with whole_file(self.run.checkpoint) as part:
            write_tree({**content, "progress": progress, "steps": steps}, part)
        self.written_at = steps


def content_of(
    actor: nn.Module, optimiser: torch.optim.Optimizer, rollout: Rollout, scaling: InputScaling | None
) -> dict[str, Any]:
    """Return what a checkpoint holds of a training between two episodes, beside how far it came."""
    moments = [dict(optimiser.state[weights]) for weights in _weights(optimiser)]
    content = {"weights": dict(actor.state_dict()), "optimiser": moments, "block": rollout.block}
    return {**content, "scaling": scaling.kept() if scaling else None}


def _weights(optimiser: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [weights for group in optimiser.param_groups for weights in group["params"]]


def _moments(weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what Adam keeps of some weights, before it has seen a gradient."""
    zeros = torch.zeros_like(weights).detach()
    return {"step": torch.zeros(()), "exp_avg": zeros, "exp_avg_sq": zeros}


def _check(found: Any, actor: nn.Module, optimiser: torch.optim.Optimizer, scaling: InputScaling | None) -> None:
    """Raise `TreeError` where a file does not hold a checkpoint of such a training."""
    moments = [_moments(weights) for weights in _weights(optimiser)]
    own = {"weights": dict(actor.state_dict()), "optimiser": moments, "block": 0, "steps": 0}
    own["scaling"] = scaling.kept() if scaling else None
    check_progress(found)
    check_alike({key: value for key, value in found.items() if key != "progress"}, own)
    if min(found["block"], found["steps"]) < 0:
        raise TreeError("block and steps must be >= 0")
