"""Reading YAML strictly: within bounds, nothing that is read otherwise than people read it, and messages with file and line.

Every YAML text that the software reads is read here. Keys are texts or whole numbers and stand once; numbers to the base of 8
and 60, dates and tags are refused; what aliases stand for is counted as often as they repeat it, and copied.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from allotment.scenario.errors import ScenarioError, shown

LONGEST_FILE = 16 * 2**20  # bytes
MOST_VALUES = 1_000_000  # keys and values of a text, each as often as aliases repeat it
DEEPEST = 50  # mappings and lists within each other
LONGEST_NUMBER = 100  # digits and signs
BASE_60 = re.compile(r"[-+]?\d+(:\d+)+(\.\d*)?")
BASE_8 = re.compile(r"[-+]?0\d[\d_]*")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # escaped in quotes; a tab and the end of a line are text
KIND = "tag:yaml.org,2002:"
TEXT_KINDS = (f"{KIND}str", f"{KIND}merge", f"{KIND}value")


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _StrictLoader(yaml.SafeLoader):
    """Reads YAML within bounds, and refuses what it would silently change."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth, self.values = 0, 0
        self.sizes: dict[str, int] = {}  # of what has a name that aliases repeat, once it has been read whole

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next value, of bounded depth and size."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refused(f"nested deeper than {DEEPEST} levels", event.start_mark)
        before, name = self.values, event.anchor
        self._count(1, event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if name not in self.sizes:
                raise _refused(f"the alias {shown(name)} stands for what it is a part of", event.start_mark)
            self._count(self.sizes[name] - 1, event.start_mark)
        else:
            if event.tag is not None:
                tag = event.tag.replace(KIND, "!!")
                raise _refused(f"the tag {shown(tag)} is not read; write the plain value", event.start_mark)
            self.sizes.pop(name, 0)
            node = super().compose_node(parent, index)
            if name is not None:
                self.sizes[name] = self.values - before
        self.depth -= 1
        return node

    def _count(self, values: int, mark: Any) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            raise _refused(f"holds more than {MOST_VALUES:,} keys and values, counted as often as aliases repeat them", mark)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping whose keys are texts or whole numbers, each of which stands once."""
        node = super().compose_mapping_node(anchor)
        seen: set[str | float] = set()
        for key, _ in node.value:
            if key.tag not in (*TEXT_KINDS, f"{KIND}int"):
                hint = f"; write '{key.value}', in quotes" if isinstance(key, yaml.ScalarNode) and key.value else ""
                raise _refused(f"a key must be text or a whole number, not {_described(key)}{hint}", key.start_mark)
            value = key.value if key.tag in TEXT_KINDS else self.construct_number(key)
            if value in seen:
                raise _refused(f"the key {shown(value)} stands twice", key.start_mark)
            seen.add(value)
        return node

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Return a number, unless it means another one to YAML than to its reader."""
        text = str(node.value)
        if len(text) > LONGEST_NUMBER:
            raise _refused(f"a number of {len(text):,} digits; at most {LONGEST_NUMBER} are read", node.start_mark)
        value = self.construct_yaml_int(node) if node.tag.endswith(":int") else self.construct_yaml_float(node)
        for pattern, base in ((BASE_60, 60), (BASE_8, 8)):
            if pattern.fullmatch(text):
                hint = f"{text} would be read as {value:g}, to the base of {base}; write it in quotes, or as a plain number"
                raise _refused(hint, node.start_mark)
        return value

    def construct_text(self, node: yaml.ScalarNode) -> str:
        """Return a text without control characters or halves of characters."""
        found = CONTROL.search(node.value)
        if found:
            raise _refused(f"a text must not hold the character U+{ord(found[0]):04X}", node.start_mark)
        return str(node.value)

    def construct_date(self, node: yaml.ScalarNode) -> None:
        """Refuse what YAML reads as a date or a time."""
        raise _refused(f"{node.value} would be read as a date; write it in quotes", node.start_mark)


for _kind, _read in (
    *(("int", _StrictLoader.construct_number), ("float", _StrictLoader.construct_number)),
    *(("str", _StrictLoader.construct_text), ("value", _StrictLoader.construct_text)),
    *(("merge", _StrictLoader.construct_text), ("timestamp", _StrictLoader.construct_date)),
):
    _StrictLoader.add_constructor(f"{KIND}{_kind}", _read)


def _described(key: yaml.Node) -> str:
    if isinstance(key, yaml.ScalarNode):
        return f"{key.value or 'nothing'}"
    return "a mapping" if isinstance(key, yaml.MappingNode) else "a list"


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says; `yaml.YAMLError` where it is none, or may be understood otherwise than it is read."""
    try:
        return _copied(yaml.load(text, _StrictLoader))
    except ValueError as error:
        raise yaml.YAMLError(f"a value that is none: {error}") from None


def _copied(value: Any) -> Any:
    """Return mappings and lists of which none stands in two places, where a change of one would change another."""
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value


def problem_of(error: Exception) -> str:
    """Return what is wrong with a YAML text, in words."""
    if isinstance(error, ReaderError):
        return f"holds the character U+{error.character:04X}"
    return str(getattr(error, "problem", None) or error).replace("\n", " ")


def read_yaml(file: Path) -> dict[str, Any]:
    """Return a YAML file's mapping; `ScenarioError` names file and line."""
    name = short_name(file)
    text = read_text(file)
    try:
        content = parse_yaml(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}{_line_of(error, text)}: not valid YAML: {problem_of(error)}") from None
    if not isinstance(content, dict):
        seen = "nothing" if content is None else f"a {type(content).__name__}"
        raise ScenarioError(f"{name}: must hold a mapping of keys to values, not {seen}")
    return content


def read_text(file: Path) -> str:
    """Return the text of a file that is one, in UTF-8 and not too long; `ScenarioError` names it."""
    name = short_name(file)
    try:
        data = _bytes_of(file, name)
    except (FileNotFoundError, NotADirectoryError):
        raise ScenarioError(f"{name}: no such file") from None
    except OSError as error:
        raise ScenarioError(f"{name}: cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{name}, line {line}: not UTF-8 text (byte 0x{data[error.start]:02x})") from None


def _bytes_of(file: Path, name: str) -> bytes:
    if not stat.S_ISREG(file.stat().st_mode):
        raise ScenarioError(f"{name}: must be a file, not a {'folder' if file.is_dir() else 'device or pipe'}")
    with file.open("rb") as opened:
        data = opened.read(LONGEST_FILE + 1)
    if len(data) > LONGEST_FILE:
        size = max(file.stat().st_size, len(data))
        raise ScenarioError(f"{name}: holds {size:,} bytes; at most {LONGEST_FILE:,} are read")
    return data


def _line_of(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, ReaderError):
        return f", line {text.count(chr(10), 0, error.position) + 1}"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def short_name(file: Path) -> str:
    """Return a file's path as a user would write it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
