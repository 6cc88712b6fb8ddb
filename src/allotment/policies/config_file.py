"""Policy config files: found by path or shipped name, overridden, and told apart by what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from allotment.names import checked_name
from allotment.policies.rule_config import RuleConfig, rule_class
from allotment.resources import lies_at, shipped
from allotment.scenario.errors import ScenarioError, explain
from allotment.scenario.overrides import apply_overrides
from allotment.scenario.yaml_file import read_yaml

WITHIN_RULE = "encoding.rule."  # what an override of the rule behind an encoding begins with
Config = TypeVar("Config", bound=BaseModel)


def read_config(given: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
    """Return a config's short name and its content, from a path, the name of a shipped config, or a content.

    A rule that the config names by its file is written out, so that what is returned needs no other file; overrides may go
    on into it (`encoding.rule.tuning.rounds=4`). Files of code
    that a config names are not imported.
    """
    stem, written, folder = _content_of(given)
    origin = stem if isinstance(given, Mapping) else str(given)
    of_rule = [override for override in overrides if override.startswith(WITHIN_RULE)]
    content = apply_overrides(written, [override for override in overrides if override not in of_rule], origin)
    encoding = content.get("encoding")
    if isinstance(encoding, dict) and isinstance(encoding.get("rule"), str):
        content = {**content, "encoding": {**encoding, "rule": _rule_of(encoding["rule"], folder)}}
    content = apply_overrides(content, of_rule, origin)
    name = content.get("name")
    return stem if name is None else checked_name(name, f"{origin}: name"), content


def _content_of(given: str | Path | Mapping[str, Any]) -> tuple[str, dict[str, Any], Path]:
    """Return what a config goes by, what it says, and the folder in which its files lie."""
    if isinstance(given, Mapping):
        named = str(given.get("policy", given.get("algorithm", "config")))  # a class of one's own is file.py:Name
        return named.rpartition(":")[2], dict(given), Path(".")
    file = shipped("configs", given)
    return file.stem, read_yaml(file), file.parent


def _rule_of(name: str, folder: Path) -> dict[str, Any]:
    """Return the config of a rule that another config names, by a file beside it, another file or a shipped name."""
    beside = folder / name
    stem, content = read_config(beside if lies_at(beside) else name)
    return {"name": stem, **content}


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
    rule_class(config.policy, origin)
    return config
