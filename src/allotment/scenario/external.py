"""Environments of other packages in the place of a world, as run folders and bundles name them; nothing is imported here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MOST_NUMBERS = 10**7  # of an observation, and of an action
ID = re.compile(r"(?!allotment/)([\w-][\w.-]{0,49}/)?[\w-][\w.-]{0,99}-v\d{1,9}", re.ASCII)


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise ValueError(f"must be an id as Name-v0, without a module and none of this project's, not {text[:100]!a}")
    return text


Numbers = Annotated[int, Field(ge=1, le=MOST_NUMBERS)]


class StoredEnvironment(BaseModel):
    """An environment as `environment.yaml` says it; it is looked up by its id, and nothing is imported."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Annotated[str, AfterValidator(_id)]
    arguments: dict[str, Any] = {}
    inputs: Numbers
    outputs: Numbers
    choices: Annotated[list[Numbers], Field(max_length=MOST_NUMBERS)] = []

    @model_validator(mode="after")
    def _choices_are_outputs(self) -> StoredEnvironment:
        if self.choices and sum(self.choices) != self.outputs:
            raise ValueError(f"choices must add up to outputs, {self.outputs}, not to {sum(self.choices)}")
        return self


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
