"""Policy config files: found by path or shipped name, overridden, and told apart by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from allotment import extensions
from allotment.policies.rule_config import RuleConfig, rule_class
from allotment.resources import shipped
from allotment.scenario.errors import ScenarioError, explain
from allotment.scenario.overrides import apply_overrides
from allotment.scenario.yaml_file import read_yaml

Config = TypeVar("Config", bound=BaseModel)


def read_config(path: str | Path, overrides: Sequence[str] = (), admit: bool = True) -> tuple[str, dict[str, Any]]:
    """Return a config's short name and its content, from a path or the name of a shipped config.

    A rule that the config names by its file is written out, so that what is returned needs no other file. Files of the
    user's own code that a config names are imported, unless `admit` is false: then the user has to name them elsewhere.
    """
    file = shipped("configs", path)
    content = apply_overrides(read_yaml(file), overrides, str(path))
    encoding = content.get("encoding")
    if isinstance(encoding, dict) and isinstance(encoding.get("rule"), str):
        content = {**content, "encoding": {**encoding, "rule": _rule_of(encoding["rule"], file.parent, admit)}}
    if admit:
        extensions.admit(content, (file.parent, Path(".")))
    return _name_in(content, file.stem, str(path)), content


def _name_in(content: dict[str, Any], stem: str, origin: str) -> str:
    """Return what a config calls its policy, by default as its file; folders go by it, so that it is one part of a path."""
    name = content.get("name")
    if name is None:
        return stem
    if not isinstance(name, str) or not name.strip() or name in (".", "..") or set(name) & set("/\\"):
        raise ScenarioError(f"{origin}: name must be text without / or \\, not {name!r}")
    return name


def _rule_of(name: str, folder: Path, admit: bool) -> dict[str, Any]:
    """Return the config of a rule that another config names, by a file beside it, another file or a shipped name."""
    beside = folder / name
    stem, content = read_config(beside if beside.is_file() else name, admit=admit)
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
