"""Files of worlds and configs with other text, bytes and values: each is read, or refused with its name and what is wrong."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from attack_worlds import check_message
from attacking import Attack
from mutations import chosen, mutated, paths

from allotment.fitting.sb3.config import LearnedConfig, check_learned
from allotment.policies.config_file import checked, is_rule, read_config, rule_config
from allotment.resources import shipped_folder, shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario

SNIPPETS = [
    *(
        "&a ",
        "*a",
        "<<: *a\n",
        "!!bool x",
        "!!binary x",
        "!!python/name:os.system",
        "!x y",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "? ",
    ),
    *(
        "[",
        "{",
        "]",
        "}",
        ": ",
        "- ",
        "\t",
        "\n",
        "'",
        '"',
        "|\n",
        ">\n",
        "#",
        "\\",
        "@",
        "`",
        "%",
        "~",
        "null",
        "yes",
        ".inf",
        ".nan",
    ),
    *("2024-13-45", "1:30", "010", "0x" + "f" * 60, "9" * 400, "1e400", "1.0e400", "[" * 200, "{a: " * 200, "- " * 200),
    *("\0", "\x07", "\x85", "\u2028", "\ufeff", "\ud800", "\uffff", "é", "𝄞", '"\\0"', '"\\ud800"', '"\\x1b[31m"'),
    *("a: &b [" + "*b, " * 5 + "]\n", "a: &a {b: *a}\n", "x: &x [" + "0," * 2000 + "]\ny: [" + "*x," * 2000 + "]\n"),
    "a0: &a0 [0, 0]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
    "".join(f"k{n}: 1\n" for n in range(3000)),
]


@cache
def folder() -> Path:
    """Return a folder with a copy of the shipped files, in which attacked ones lie beside those that they name."""
    copies = Path(tempfile.mkdtemp(prefix="attack_yaml"))
    for kind in ("envs", "configs"):
        shutil.copytree(shipped_folder(kind), copies / kind)
    return copies


def draw(draws: np.random.Generator) -> tuple[str, bytes]:
    """Return a kind of file and its bytes."""
    kind = chosen(draws, ["envs", "configs"])
    text = (shipped_folder(kind) / f"{chosen(draws, shipped_names(kind))}.yaml").read_text(encoding="utf-8")
    return kind, damaged(draws, text)


def damaged(draws: np.random.Generator, text: str) -> bytes:
    """Return a YAML file with other text, bytes or values."""
    way = draws.random()
    if way < 0.35:
        return with_other_text(draws, text).encode("utf-8", "surrogatepass")
    if way < 0.5:
        return with_other_bytes(draws, text.encode())
    return with_other_values(draws, text).encode("utf-8", "surrogatepass")


def with_other_text(draws: np.random.Generator, text: str, snippets: list[str] = SNIPPETS) -> str:
    """Return a text into which pieces are put, or from which they are taken."""
    for _ in range(int(draws.integers(1, 5))):
        start, stop = sorted(int(each) for each in draws.integers(len(text) + 1, size=2))
        stop = min(stop, start + int(draws.integers(1, 60)))
        piece = chosen(draws, [chosen(draws, snippets), "", text[start:stop] * int(draws.integers(1, 4))])
        text = text[:start] + piece + text[stop if draws.random() < 0.5 else start :]
    return text


def with_other_bytes(draws: np.random.Generator, data: bytes) -> bytes:
    """Return bytes of which some are others, or fewer, or in another encoding."""
    changed = bytearray(data)
    for place in draws.integers(len(data), size=int(draws.integers(1, 6))):
        changed[int(place)] = int(draws.integers(256))
    cut = changed[: int(draws.integers(len(data) + 1))] if draws.random() < 0.2 else changed
    return chosen(draws, [bytes(cut)] * 6 + [data.decode().encode("utf-16"), b"\xef\xbb\xbf" + data])


def with_other_values(draws: np.random.Generator, text: str) -> str:
    """Return a YAML file that says other things."""
    content = yaml.safe_load(text)
    content = mutated(draws, content)
    if draws.random() < 0.3 and isinstance(content, dict) and content:  # the same object in two places becomes an alias
        key = chosen(draws, list(content))
        content[chosen(draws, [path[-1] for path in paths(content)])] = content[key]
    written: str = yaml.dump(content, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False)
    return written


def judge(drawn: tuple[str, bytes]) -> str:
    """Read a file of a kind as the software does, or read why not."""
    kind, data = drawn
    file = folder() / kind / "attacked.yaml"
    file.write_bytes(data)
    try:
        if kind == "envs":
            load_scenario(file)
        else:
            read_as_config(file)
    except (ScenarioError, FileNotFoundError) as error:
        check_message(str(error))
        return "refused"
    return "accepted"


def read_as_config(file: Path) -> None:
    """Read the config of a rule, or of a policy that learns."""
    _, content = read_config(file)
    if is_rule(content, str(file)):
        rule_config(content, str(file))
    else:
        check_learned(checked(LearnedConfig, content, str(file)), str(file))


def prepare() -> None:
    """Load what reading takes."""
    for kind, name in (("envs", "lost_sales"), ("configs", "base_stock"), ("configs", "ppo")):
        assert judge((kind, (shipped_folder(kind) / f"{name}.yaml").read_bytes())) == "accepted"


ATTACKS = [Attack("yaml", draw, judge, prepare, memory=1024, seconds=30.0)]
