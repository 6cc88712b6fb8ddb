"""The tables of policies: which rules there are and what parameters they have, and the configs that are shipped."""

from __future__ import annotations

import re

from allotment.policies.rule_config import KINDS
from allotment.resources import shipped_folder, shipped_names
from allotment.scenario.yaml_file import read_yaml

ROW = re.compile(r"^\| \[(\w+)\]\(\w+\.yaml\) \| (.+?) \|$", re.MULTILINE)


def rules() -> str:
    """Return a row for each rule: what it does, and its parameters."""
    lines = ["| `policy` | decides | parameters |", "|---|---|---|"]
    for name, kind in KINDS.items():
        parameters = ", ".join(f"`{parameter.name}`" for parameter in kind.parameters)
        lines.append(f"| `{name}` | {kind.purpose} | {parameters or 'none'} |")
    return "\n".join(lines)


def shipped() -> str:
    """Return a row for each shipped config, with the words of configs/README.md; one that is missing there is an error."""
    readme = (shipped_folder("configs") / "README.md").read_text(encoding="utf-8")
    words = dict(ROW.findall(readme))
    lines = ["| name | kind | decides |", "|---|---|---|"]
    for name in shipped_names("configs"):
        if name not in words:
            raise LookupError(f"configs/README.md has no row for {name}")
        content = read_yaml(shipped_folder("configs") / f"{name}.yaml")
        lines.append(f"| `{name}` | {'rule' if 'policy' in content else 'learns'} | {words[name]} |")
    return "\n".join(lines)
