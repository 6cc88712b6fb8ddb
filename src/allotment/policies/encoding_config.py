"""From a config's `encoding` section to an encoding in a world; a residual brings the rule that it corrects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from allotment.decisions.encodings import Discrete, Encoding, OrderUpTo, Quantity, Residual
from allotment.policies.rule_config import RulePolicy
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World

Periods = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class EncodingConfig(BaseModel):
    """How a network's actions become quantities."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Literal["quantity", "order_up_to", "residual", "discrete"] = "quantity"  # what actions mean
    periods: Periods | None = None  # reach, in periods of mean demand; none = the encoding's own
    by: Literal["lane", "lane_and_sku"] | None = None  # residual only: one correction for a lane, or one for each SKU
    rule: str | dict[str, Any] | None = None  # residual only: the config it corrects, a file's name or written out


def build_encoding(config: EncodingConfig, world: World, rule: RulePolicy | None = None) -> Encoding:
    """Return a config's encoding in a world; `rule` is the policy that a residual corrects."""
    given: dict[str, Any] = {} if config.periods is None else {"periods": config.periods}
    if config.by is not None:
        given["by"] = config.by
    if config.name == "residual":
        if rule is None:
            raise ScenarioError("encoding residual needs the rule-based policy that it corrects: encoding.rule")
        return Residual(world, rule, **given)
    if rule is not None or config.by is not None:
        raise ScenarioError(f"encoding.rule and encoding.by belong to encoding residual, not {config.name}")
    kinds: dict[str, type[Quantity] | type[OrderUpTo] | type[Discrete]] = {
        "quantity": Quantity,
        "order_up_to": OrderUpTo,
        "discrete": Discrete,
    }
    return kinds[config.name](world, **given)


def described(encoding: Encoding) -> dict[str, Any]:
    """Return what a config would say of an encoding, but for the rule that a residual corrects."""
    about = {"name": encoding.name, "periods": encoding.periods}
    return {**about, "by": encoding.by} if isinstance(encoding, Residual) else about
