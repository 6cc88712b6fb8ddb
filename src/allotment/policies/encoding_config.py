"""From a config's `encoding` section to an encoding in a world; a residual brings the rule that it corrects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from allotment.decisions.encodings import Discrete, Encoding, OrderUpTo, Quantity, Residual
from allotment.policies.rule_config import RulePolicy
from allotment.policies.rule_parameters import RuleParameters
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World

Periods = Annotated[float, Field(gt=0, allow_inf_nan=False)]


OF_RULES: dict[str, Any] = {"residual": Residual, "rule_parameters": RuleParameters}
KEYS = {  # the encodings that a key belongs to
    "rule": tuple(OF_RULES),
    "by": ("residual",),
    "also_corrects": tuple(OF_RULES),
    "steps": ("rule_parameters",),
    "periods": ("quantity", "order_up_to", "residual", "discrete"),
}


class EncodingConfig(BaseModel):
    """How a network's actions become quantities."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Literal["quantity", "order_up_to", "residual", "rule_parameters", "discrete"] = "quantity"  # what actions mean
    periods: Periods | None = None  # reach, in periods of mean demand; none = the encoding's own
    by: Literal["lane", "lane_and_sku"] | None = None  # residual only: one correction for a lane, or one for each SKU
    steps: Periods | None = None  # rule_parameters only: reach, in first steps of tuning; none = the encoding's own
    # residual and rule_parameters: what actions also correct of the rule's decision; none = its orders, or parameters, alone
    also_corrects: list[Literal["allocation", "protection", "budget"]] | None = None
    rule: str | dict[str, Any] | None = (
        None  # residual and rule_parameters: the config that is corrected or moved, a file's name or written out
    )


def build_encoding(config: EncodingConfig, world: World, rule: RulePolicy | None = None) -> Encoding:
    """Return a config's encoding in a world; `rule` is the policy that a residual corrects."""
    _check_keys(config, rule is not None)
    given = {key: value for key in ("periods", "by", "steps") if (value := getattr(config, key)) is not None}
    if config.also_corrects is not None:
        given["also_corrects"] = tuple(config.also_corrects)
    kinds: dict[str, Any] = {"quantity": Quantity, "order_up_to": OrderUpTo, "discrete": Discrete, **OF_RULES}
    encoding: Encoding = kinds[config.name](world, *([] if rule is None else [rule]), **given)
    if not encoding.size:
        raise ScenarioError(f"encoding {config.name}: {world.name} has no lane from a supplier whose orders could be corrected")
    return encoding


def _check_keys(config: EncodingConfig, with_rule: bool) -> None:
    """Refuse a key that belongs to another encoding, and an encoding of a rule without one."""
    if config.name in OF_RULES and not with_rule:
        raise ScenarioError(f"encoding {config.name} needs the rule-based policy that it starts from: encoding.rule")
    given = {"rule": with_rule, **{key: getattr(config, key) is not None for key in KEYS if key != "rule"}}
    for key, is_given in given.items():
        if is_given and config.name not in KEYS[key]:
            raise ScenarioError(f"encoding.{key} belongs to {' and '.join(KEYS[key])}, not to {config.name}")


def described(encoding: Encoding) -> dict[str, Any]:
    """Return what a config would say of an encoding, but for the rule that it starts from."""
    keys = [key for key in ("periods", "by", "steps") if encoding.name in KEYS[key]]
    also = list(getattr(encoding, "also_corrects", ()))
    return {"name": encoding.name, **{key: getattr(encoding, key) for key in keys}, **({"also_corrects": also} if also else {})}
