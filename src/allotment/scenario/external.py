"""Environments of other packages in the place of a world, as run folders and bundles name them; nothing is imported here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ExternalEnvironment:
    """A Gymnasium environment of another package: its id, the arguments it is made with, and the sizes of its spaces."""

    id: str  # `Name-v0`
    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: int = 0  # numbers of an observation
    outputs: int = 0  # numbers of an action, or choices in all
    choices: list[int] = field(default_factory=list)  # of each decision from a list; none where actions are quantities

    @property
    def name(self) -> str:
        """Return a name for files and tables."""
        return re.sub(r"[^A-Za-z0-9]+", "_", self.id.split("/")[-1]).strip("_")

    @property
    def content(self) -> dict[str, Any]:
        """Return what is kept of it in run folders and bundles."""
        return {
            "id": self.id,
            "arguments": self.arguments,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "choices": self.choices,
        }

    @property
    def sizes(self) -> str:
        """Return the sizes of its spaces in words."""
        decided = f"choices of {', '.join(map(str, self.choices))}" if self.choices else f"{self.outputs} quantities"
        return f"observations of {self.inputs} numbers and actions of {decided}"
