"""What `bundle.json` may say of a policy, beside the digests of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from allotment.names import ShownName
from allotment.policies.config_file import checked
from allotment.policies.encoding_config import EncodingConfig
from allotment.policies.rule_config import RuleConfig
from allotment.policies.sealed_folder import ABOUT, opened
from allotment.scenario.errors import ScenarioError, nearest, shown

MOST_LAYERS, MOST_UNITS = 100, 2**20  # of a network


class Section(BaseModel):
    """A part of a bundle that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Units = Annotated[int, Field(ge=1, le=MOST_UNITS)]


class Network(Section):
    """The shape of a network; see `policies.networks.NetworkShape`."""

    kind: str
    hidden: Annotated[list[Units], Field(max_length=MOST_LAYERS)]
    activation: Literal["tanh", "relu", "silu", "elu"]
    memory: Units
    output: Literal["plain", "tanh"]
    settings: dict[str, Any]
    seasons: Annotated[int, Field(ge=0, le=MOST_LAYERS)] | None
    tags: Annotated[int, Field(ge=0, le=MOST_UNITS)]


class _Policy(Section):
    schema_: Annotated[int, Field(alias="schema")]
    name: ShownName  # in tables
    code: dict[str, str] = {}  # digests of the files of the user's own that it names
    files: dict[str, str]  # digests of its files
    version: str  # the digest of all this


class Rule(_Policy):
    """A rule's bundle."""

    kind: Literal["rule-based"]
    config: RuleConfig


class Learned(_Policy):
    """A network's bundle."""

    kind: Literal["learned"]
    network: Network
    encoding: EncodingConfig | None = None  # none in environments of other packages
    told: list[str] | None = None  # what each cell is told by a network that belongs to no SKU; none of other networks


class Optimal(_Policy):
    """The bundle of an exact solution."""

    kind: Literal["optimal"]
    step: Annotated[float, Field(gt=0.0, le=1e6)]  # units in which continuous units are counted


KINDS: dict[str, type[Rule] | type[Learned] | type[Optimal]] = {"rule-based": Rule, "learned": Learned, "optimal": Optimal}


def about_policy(folder: Path) -> dict[str, Any]:
    """Return what a bundle says of its policy; `ScenarioError` names the file and the key that says something else."""
    content = opened(folder)
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        allowed = nearest(kind, KINDS) if isinstance(kind, str) else f"allowed: {', '.join(KINDS)}"
        raise ScenarioError(f"{folder / ABOUT}: bundle of kind {shown(kind)}; {allowed}")
    checked(KINDS[kind], content, str(folder / ABOUT))
    return {"code": {}, "encoding": None, "told": None, **content}
