"""What the source says about a class beyond its values: the annotation of each field as written, and the comment beside it."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Field:
    """A field as it is written."""

    annotation: ast.expr
    comment: str  # empty where there is none


@dataclass(frozen=True)
class Source:
    """What a module declares."""

    classes: dict[str, dict[str, Field]] = field(default_factory=dict)
    aliases: dict[str, ast.expr] = field(default_factory=dict)  # names of types


@cache
def read(module: ModuleType) -> Source:
    """Return the classes and the named types of a module."""
    return parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))


def parse(text: str) -> Source:
    """Return the classes and the named types of a module's text."""
    comments, tree = comments_by_line(text), ast.parse(text)
    classes = {node.name: _fields(node, comments) for node in tree.body if isinstance(node, ast.ClassDef)}
    return Source(classes, dict(pair for node in tree.body for pair in _alias(node)))


def comments_by_line(text: str) -> dict[int, tuple[bool, str]]:
    """Return each line's comment, and whether it stands there alone."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {
        token.start[0]: (token.line.lstrip().startswith("#"), token.string.lstrip("# ").rstrip())
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _fields(node: ast.ClassDef, comments: dict[int, tuple[bool, str]]) -> dict[str, Field]:
    written = [item for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]
    return {item.target.id: Field(item.annotation, _comment(item, comments)) for item in written}


def _comment(item: ast.AnnAssign, comments: dict[int, tuple[bool, str]]) -> str:
    """Return the comments on a field's own lines, or the one right above it."""
    lines = range(item.lineno, (item.end_lineno or item.lineno) + 1)
    beside = [comments[line][1] for line in lines if line in comments]
    alone, above = comments.get(item.lineno - 1, (False, ""))
    return " ".join(beside) or (above if alone else "")


def _alias(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return [(node.targets[0].id, node.value)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [(node.target.id, node.value)]
    return []
