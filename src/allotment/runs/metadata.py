"""What a run folder's `metadata.json` says, checked where it is read: whoever made the folder wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from allotment.names import ShownName
from allotment.policies.config_file import checked
from allotment.policies.json_file import read_json

Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    """A part of which some keys are read, and others kept."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class _Reached(_Part):
    """What a policy reached on validation worlds."""

    episodes: Count
    score: float
    standard_error: float
    fill_rate: float = 1.0
    steps: Count = 0


class _Rule(_Reached):
    """What the rule that a residual corrects reached in the same worlds."""

    name: ShownName


class _Tested(_Part):
    """In which test worlds the evaluation was that the folder holds."""

    place: str
    seed: Count
    episodes: Count
    code: dict[str, str] = {}


class Metadata(_Part):
    """The file."""

    policy: ShownName | None = None
    seed: Count | None = None
    finished: bool = False
    environment_steps: Count = 0
    code: dict[str, str] = {}
    packages: dict[str, str] = {}
    git_commit: str | None = None
    validation: _Reached | None = None
    corrected_rule: _Rule | None = None
    evaluation: _Tested | None = None


def read_metadata(file: Path) -> dict[str, Any]:
    """Return what a run folder says of itself; `ScenarioError` names the key that says what no run says."""
    content = read_json(file, finite=False)
    checked(Metadata, content, str(file))
    return content
