"""The reference of a file format, from the pydantic classes that check it: every key, type, unit, default and meaning."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from builders.source import Field, read
from builders.type_words import in_words

EXAMPLES = Path(__file__).with_name("schema_examples.yaml")
UNIT = re.compile(r"((?:money|units|m³|km|periods?)(?:/(?:unit|period|m³|km))*(?: per period)?|1/period|environment steps)\b")
CHOOSER = "distribution"  # the key that tells processes apart; it stands in their titles
GROUPS = (  # headings, and which titles stand under them
    ("Sections", lambda title: title.startswith("`")),
    ("Parts of sections", lambda title: not title.startswith(("`", "Demand: ", "Lead time: "))),
    ("Demand processes", lambda title: title.startswith("Demand: ")),
    ("Lead times", lambda title: title.startswith("Lead time: ")),
)


class Undescribed(LookupError):
    """A key, or a part, that the source leaves without a word of what it means."""


def reference(root: type[BaseModel], modules: Sequence[ModuleType], level: int = 2) -> str:
    """Return the reference of a file format: the file, its sections, their parts, and the processes they may name."""
    models = parts_of(root, modules)
    titles = {model: title_of(model, root) for model in models}
    groups = [(heading, [model for model in models[1:] if belongs(titles[model])]) for heading, belongs in GROUPS]
    pages, shown = [], [group for group in groups if group[1]]
    for heading, members in shown:
        deeper = int(len(shown) > 1)
        pages += [f"{'#' * level} {heading}"] * deeper
        pages += [section(model, titles, modules, root, level + deeper) for model in members]
    return "\n\n".join([section(root, titles, modules, root, level), *pages])


def parts_of(root: type[BaseModel], modules: Sequence[ModuleType]) -> list[type[BaseModel]]:
    """Return the classes that a file may hold, the file first, each behind the part that names it."""
    known = {name: getattr(module, name) for module in modules for name in read(module).classes}
    found: list[type[BaseModel]] = []

    def visit(model: type[BaseModel]) -> None:
        if model in found:
            return
        found.append(model)
        for name, _, written in fields_of(model, modules):
            if name != CHOOSER:
                for inner in _named_in(written, modules):
                    visit(known[inner])

    visit(root)
    return found


def _named_in(written: Field, modules: Sequence[ModuleType]) -> list[str]:
    """Return the classes that a field's type names, be it through the names of types."""
    classes = {name for module in modules for name in read(module).classes}
    aliases = _aliases(modules)
    names, queue = [], [written.annotation]
    while queue:
        for name in re.findall(r"[A-Za-z_]\w*", _text(queue.pop(0))):
            if name in classes and issubclass(_class(name, modules), BaseModel):
                names.append(name)
            elif name in aliases:
                queue.append(aliases.pop(name))
    return list(dict.fromkeys(names))


def _text(node: ast.expr) -> str:
    """Return a type as it is written, without the texts in it."""
    return re.sub(r"'[^']*'", "", ast.unparse(node))


def _class(name: str, modules: Sequence[ModuleType]) -> type:
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def _aliases(modules: Sequence[ModuleType]) -> dict[str, Any]:
    return {name: node for module in modules for name, node in read(module).aliases.items()}


def fields_of(model: type[BaseModel], modules: Sequence[ModuleType]) -> list[tuple[str, FieldInfo, Field]]:
    """Return a part's fields with what pydantic and the source say of each, its own before those it has in common."""
    written: dict[str, Field] = {}
    for ancestor in model.__mro__:
        for module in modules:
            for name, field in read(module).classes.get(ancestor.__name__, {}).items():
                written.setdefault(name, field)
    return [(name, model.model_fields[name], field) for name, field in written.items() if name in model.model_fields]


def title_of(model: type[BaseModel], root: type[BaseModel]) -> str:
    """Return what a part is called in files: its section, its distribution, or its class in words."""
    if model is root:
        return "Keys of the file"
    for name, info in root.model_fields.items():
        if re.search(rf"\b{model.__name__}\b", str(info.annotation)) and name not in {"units"}:
            return f"`{name}`"
    chosen = model.model_fields.get(CHOOSER)
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).lower()
    if chosen is None:
        return words.capitalize()
    kind = "Lead time" if any(base.__name__ == "LeadTimeProcess" for base in model.__mro__) else "Demand"
    return f"{kind}: `{chosen.annotation.__args__[0]}`"  # type: ignore[union-attr]


def anchor(model: type[BaseModel]) -> str:
    """Return the anchor of a part in its page."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower()


def section(
    model: type[BaseModel], titles: dict[Any, str], modules: Sequence[ModuleType], root: type[BaseModel], level: int
) -> str:
    """Return one part: what it is, an example that its own class has accepted, and a row for each key."""
    about = inspect.cleandoc(model.__doc__ or "")
    if not about or model.__doc__ == BaseModel.__doc__:
        raise Undescribed(f"{model.__name__} has no docstring, and the documentation nothing to say of it")
    parts = {part.__name__: f"[{_plain(title)}](#{anchor(part)})" for part, title in titles.items()}
    lines = [f"{'#' * level} {titles[model]} {{ #{anchor(model)} }}", "", about, ""]
    if model is not root:
        lines += ["```yaml", example(model, root), "```", ""]
    lines += ["| key | type | unit | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *rows(model, modules, parts)])


def _plain(title: str) -> str:
    return title if title.startswith("`") else title[0].lower() + title[1:]


def rows(model: type[BaseModel], modules: Sequence[ModuleType], parts: dict[str, str]) -> list[str]:
    """Return a row of the table for each key of a part; `Undescribed` names the keys that the source says nothing of."""
    shown = [found for found in fields_of(model, modules) if found[0] != CHOOSER]
    silent = [name for name, _, written in shown if not written.comment]
    if silent:
        raise Undescribed(f"{model.__name__}: no comment beside {', '.join(silent)}; write unit and meaning there")
    table = []
    for name, info, written in shown:
        unit, meaning = unit_and_meaning(written.comment)
        kind = in_words(written.annotation, _aliases(modules), parts).replace("|", "\\|")
        cells = (f"`{info.alias or name}`", kind, unit, default_text(info), meaning)
        table.append("| " + " | ".join(cells) + " |")
    return table


def unit_and_meaning(comment: str) -> tuple[str, str]:
    """Split a comment into the unit that it opens with and the rest."""
    found = UNIT.match(comment)
    rest = comment[found.end() :] if found else comment
    told_apart = not rest or rest[0] in ",;"  # `money/unit, what …`; but `money/unit that expires` is one thought
    meaning = rest.lstrip(",; ") if told_apart else comment
    return (found[1] if found else ""), meaning.replace("|", "\\|")


def default_text(info: FieldInfo) -> str:
    """Return a default as a file would write it."""
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, BaseModel):
        return "its own defaults"
    if value == "":
        return "empty"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix('...' + chr(10)).strip()}`"


def example(model: type[BaseModel], root: type[BaseModel]) -> str:
    """Return a part's example, once its class, or the section of the file, has accepted it."""
    examples = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    if model.__name__ not in examples:
        raise Undescribed(f"{model.__name__} has no example in docs/builders/{EXAMPLES.name}")
    text = examples[model.__name__].strip()
    ((key, value),) = yaml.safe_load(text).items()
    if key in root.model_fields and not _is_within(model, value):
        TypeAdapter(root.model_fields[key].annotation).validate_python(value)
    else:
        model.model_validate(value)
    return text


def _is_within(model: type[BaseModel], value: Any) -> bool:
    """Tell whether an example shows the part by itself, not as an entry of its section."""
    return isinstance(value, dict) and not isinstance(next(iter(value.values()), None), dict) and CHOOSER in value
