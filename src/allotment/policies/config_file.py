"""Policy config files: found by path or shipped name, overridden, and told apart by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from allotment.policies.rule_config import KINDS, RuleConfig
from allotment.resources import shipped
from allotment.scenario.errors import ScenarioError, explain, nearest
from allotment.scenario.loader import read_yaml
from allotment.scenario.overrides import apply_overrides

Config = TypeVar("Config", bound=BaseModel)


def read_config(path: str | Path, overrides: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
    """Return a config's short name and its content, from a path or the name of a shipped config."""
    file = shipped("configs", path)
    return file.stem, apply_overrides(read_yaml(file), overrides, str(path))


def is_rule(content: dict[str, Any], origin: str) -> bool:
    """Tell a rule-based policy's config (`policy`) from a learned one's (`algorithm`)."""
    if ("policy" in content) == ("algorithm" in content):
        raise ScenarioError(f"{origin}: must say either policy (a rule) or algorithm (one that learns)")
    return "policy" in content


def checked(model: type[Config], content: dict[str, Any], origin: str) -> Config:
    """Return the typed config; `ScenarioError` names file, key and what is allowed."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(explain(error, content, model, origin)) from None


def rule_config(content: dict[str, Any], origin: str) -> RuleConfig:
    """Return the typed config of a rule-based policy."""
    config = checked(RuleConfig, content, origin)
    if config.policy not in KINDS:
        raise ScenarioError(f"{origin}: unknown policy {config.policy!r}; {nearest(config.policy, KINDS)}")
    return config
