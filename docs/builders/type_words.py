"""A type as written in the source, in words that a reader of a file understands."""

from __future__ import annotations

import ast
from collections.abc import Mapping

AMOUNT = "#amounts"
WORDS = {
    "str": "text",
    "int": "whole number",
    "bool": "true or false",
    "float": "number",
    "object": "anything",
    "Any": "anything",
    "NonNegative": "number ≥ 0",
    "Positive": "number > 0",
    "Finite": "number",
    "Probability": "number from 0 to 1",
    "Count": "whole number ≥ 0",
    "AtLeastOne": "whole number ≥ 1",
    "Seed": "whole number ≥ 0",
    "Units": "whole number ≥ 0",
    "Name": "text on one line",
    "Days": "number ≥ 0",
    "Amounts": "number ≥ 0, or by name of the group, the region, or both",
    "Word": "text, 20 characters at most",
    "ShownName": "one line of text, 100 characters at most",
    "FolderName": "letters, digits and `-_.`, 100 at most",
    "Calendar": f"number ≥ 0 ([by period]({AMOUNT}))",
    "Own": f"number ≥ 0 ([or drawn]({AMOUNT}))",
    "OwnCalendar": f"number ≥ 0 ([by period, or drawn]({AMOUNT}))",
    "PerSku": f"number ≥ 0 ([by SKU, or drawn]({AMOUNT}))",
    "PerSkuCalendar": f"number ≥ 0 ([by SKU, by period, or drawn]({AMOUNT}))",
    "PositivePerSku": f"number > 0 ([by SKU]({AMOUNT}))",
    "AnyPerSku": f"number ([by SKU]({AMOUNT}))",
    "DemandProcess": "[a demand process](#demand-processes)",
    "LeadTime": "[drawn](#lead-times)",
}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Unworded(LookupError):
    """A type that the documentation has no words for."""


def in_words(node: ast.expr, aliases: Mapping[str, ast.expr], parts: Mapping[str, str]) -> str:
    """Return a type in words; `parts` maps the names of classes to what stands for them."""

    def words(inner: ast.expr) -> str:
        return in_words(inner, aliases, parts)

    if isinstance(node, ast.Name):
        if node.id in WORDS or node.id in parts:
            return WORDS.get(node.id) or parts[node.id]
        if node.id in aliases:
            return words(aliases[node.id])
    if isinstance(node, ast.BinOp):
        return _either([words(side) for side in _sides(node) if not _is_none(side)])
    if isinstance(node, ast.Subscript):
        return _subscript(node, words)
    raise Unworded(f"no words for the type {ast.unparse(node)}; write them into docs/builders/type_words.py")


def _sides(node: ast.expr) -> list[ast.expr]:
    return [*_sides(node.left), *_sides(node.right)] if isinstance(node, ast.BinOp) else [node]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _either(words: list[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def _subscript(node: ast.Subscript, words) -> str:  # type: ignore[no-untyped-def]
    name, inner = ast.unparse(node.value), node.slice
    items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Annotated":
        return words(items[0]) + _bounds(items[1:])
    if name == "Literal":
        return " or ".join(f"`{ast.literal_eval(item)}`" for item in items)
    if name == "list":
        return f"list of {words(items[0])}"
    if name == "dict":
        return f"mapping of names to {words(items[1])}"
    if name == "tuple":
        return f"pair of {words(items[0])}"
    raise Unworded(f"no words for the type {ast.unparse(node)}; write them into docs/builders/type_words.py")


def _bounds(extras: list[ast.expr]) -> str:
    """Return the bounds that a `Field(...)` beside a type states."""
    calls = [extra for extra in extras if isinstance(extra, ast.Call) and ast.unparse(extra.func) == "Field"]
    stated = [(word.arg, word.value) for call in calls for word in call.keywords if word.arg in BOUNDS]
    return " and".join(f" {BOUNDS[str(name)]} {ast.unparse(value)}" for name, value in stated)
