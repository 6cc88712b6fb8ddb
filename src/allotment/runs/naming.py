"""What runs are called: by place, policy, the settings that were replaced, and seed, or as their user says.

Folders go by these names, so that they are of letters, digits and `-_.=+` alone, and never long.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import yaml

from allotment.scenario.yaml_file import parse_yaml

LONGEST = 48  # characters of each part of a name
MARK = 6  # of them that tell apart what was cut off


def run_name(place: str, policy: str, seed: int, overrides: Sequence[str] = ()) -> str:
    """Return the name of a run, such as `lost_sales-ppo-gamma=0.9-seed0`; `overrides` are texts `a.b=c`."""
    settings = "-".join(_setting(override) for override in overrides)
    return "-".join(filter(None, map(_cut, (_safe(place), _safe(policy), settings, f"seed{seed}"))))


def _setting(override: str) -> str:
    """Return the last part of a setting's key with its value, without signs that a folder's name should not have."""
    path, _, text = override.partition("=")
    try:
        value = parse_yaml(text)
    except yaml.YAMLError:
        value = text
    key = re.split(r"[.\[\]]+", path.strip(" .[]"))[-1]
    return f"{_safe(key)}={_safe(text if value is None else str(value))}"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9=+.-]+", "_", text).strip("_.")


def _cut(text: str) -> str:
    """Return a text that is not too long, with a digest of the whole in place of what is cut off."""
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:MARK]
    return f"{text[: LONGEST - MARK - 1].rstrip('-_.=')}-{digest}"
