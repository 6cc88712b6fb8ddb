"""The tables of policies: which rules there are and what parameters they have, and the configs that are shipped."""

from __future__ import annotations

import inspect
import re

from allotment.policies.parameters import declared_parameters
from allotment.policies.rules import RULES
from allotment.resources import shipped_folder, shipped_names
from allotment.scenario.yaml_file import read_yaml

ROW = re.compile(r"^\| \[(\w+)\]\(\w+\.yaml\) \|(.+)\|$", re.MULTILINE)


def rules() -> str:
    """Return a row for each rule: what it does, and its parameters."""
    lines = ["| `policy` | decides | sees of coming demand | parameters |", "|---|---|---|---|"]
    for name, rule in RULES.items():
        about = (inspect.getdoc(rule) or "").split("\n\n")[0].replace("\n", " ")
        if not about:
            raise LookupError(f"the rule {name} has no docstring")
        parameters = ", ".join(f"`{parameter.name}`" for parameter in declared_parameters(rule))
        sees = (
            {"forecast": "the config's forecast", "law": "the law of the true process"}[rule.SEES]
            if hasattr(rule, "SEES")
            else ""
        )
        lines.append(f"| `{name}` | {about} | {sees} | {parameters or 'none'} |")
    return "\n".join(lines)


def shipped() -> str:
    """Return a row for each shipped config, with the words of configs/README.md; one that is missing there is an error."""
    readme = (shipped_folder("configs") / "README.md").read_text(encoding="utf-8")
    words = {name: [cell.strip() for cell in cells.split("|")] for name, cells in ROW.findall(readme)}
    names = shipped_names("configs")
    silent = [name for name in names if name not in words]
    if silent:
        raise LookupError(f"configs/README.md has no row for {', '.join(silent)}")
    lines = ["| name | kind | decides | sees of coming demand | needs |", "|---|---|---|---|---|"]
    for name in (name for name in words if name in names):
        content = read_yaml(shipped_folder("configs") / f"{name}.yaml")
        kind, unsaid = ("rule", []) if "policy" in content else ("learns", ["", ""])
        lines.append(f"| {' | '.join([f'`{name}`', kind, *words[name], *unsaid])} |")
    return "\n".join(lines)
