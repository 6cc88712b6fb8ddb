"""The fields of a record of arrays: the axes and the meaning of each, as they are declared."""

from __future__ import annotations

import ast
import re
from importlib import import_module

from builders.source import Field, read

AXES = re.compile(r"^\(([^)]*)\) ?")  # a comment that opens with axes, such as `(B, S, K) units`


def table(path: str) -> str:
    """Return a row for each public field of a class, named by its full path."""
    module, _, name = path.rpartition(".")
    lines = ["| field | axes | holds |", "|---|---|---|"]
    for field, written in read(import_module(module)).classes[name].items():
        if not field.startswith("_"):
            axes, meaning = axes_and_meaning(written)
            lines.append(f"| `{field}` | {axes} | {meaning} |".replace("  ", " "))
    return "\n".join(lines)


def axes_and_meaning(field: Field) -> tuple[str, str]:
    """Return what a field's `Annotated` type says of its axes and meaning, else what its comment does."""
    texts = _annotated(field.annotation)
    if texts:
        return re.sub(r"\|(\w+)", r" (where it \1)", f"B {texts[0]}".strip()), " ".join(texts[1:])
    found = AXES.match(field.comment)
    axes = found[1].replace(",", "") if found else ""
    meaning = field.comment[found.end() :] if found else field.comment
    return axes, meaning or f"`{ast.unparse(field.annotation)}`"


def _annotated(node: ast.expr) -> list[str]:
    if not (isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple)):
        return []
    return [item.value for item in node.slice.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
