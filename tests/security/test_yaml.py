"""Files of bounded size, and nothing that is read otherwise than people read it: what a YAML file holds is told in a line."""

import os
import time

import pytest

from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from allotment.scenario.overrides import apply_overrides
from allotment.scenario.yaml_file import LONGEST_FILE, MOST_VALUES, parse_yaml, read_yaml
from small_worlds import shipped_world

pytestmark = pytest.mark.security

LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
SQUARED = f"a: &a [{'1,' * 1500}]\nb: [{'*a,' * 1500}]\n"
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40))
TOO_MANY = f"holds more than {MOST_VALUES:,} keys and values, counted as often as aliases repeat them"
KEYS = "not valid YAML: a key must be text or a whole number"
REFUSED = {
    "laughs": (LAUGHS, "line 6: not valid YAML: " + TOO_MANY),
    "squared": (SQUARED, "line 2: not valid YAML: " + TOO_MANY),
    "merges": (MERGES, "line 18: not valid YAML: " + TOO_MANY),
    "own alias": ("a: &a {b: *a}\n", "line 1: not valid YAML: the alias 'a' stands for what it is a part of"),
    "lists": ("a:\n  " + "[" * 3000, "line 2: not valid YAML: nested deeper than 50 levels"),
    "mappings": ("a: " + "{a: " * 3000, "line 1: not valid YAML: nested deeper than 50 levels"),
    "date": ("a: 1\nb: 2024-13-45\n", "line 2: not valid YAML: 2024-13-45 would be read as a date; write it in quotes"),
    "digits": (f"a: 0x{'f' * 5000}\n", "line 1: not valid YAML: a number of 5,002 digits; at most 100 are read"),
    "number key": ("a: {1: 2, 1.0: 3}\n", f"line 1: {KEYS}, not 1.0; write '1.0', in quotes"),
    "same number": ("a: {1: 2, 0x1: 3}\n", "line 1: not valid YAML: the key 1 stands twice"),
    "flag key": ("1: 2\ntrue: 2\n", f"line 2: {KEYS}, not true; write 'true', in quotes"),
    "list key": ("a: 1\n? [b]\n: 2\n", f"line 2: {KEYS}, not a list"),
    "mapping key": ("? {b: 1}\n: 2\n", f"line 1: {KEYS}, not a mapping"),
    "empty key": ("~: 2\n", f"line 1: {KEYS}, not ~; write '~', in quotes"),
    "same key": ("a: 1\n'a': 1\n", "line 2: not valid YAML: the key 'a' stands twice"),
    "NUL": ('a: "b\\0"\n', "line 1: not valid YAML: a text must not hold the character U+0000"),
    "raw NUL": ("a: 1\nb: \0\n", "line 2: not valid YAML: holds the character U+0000"),
    "half a character": ('a: "\\ud800"\n', "line 1: not valid YAML: a text must not hold the character U+D800"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "line 1: not UTF-8 text (byte 0xff)"),
    "Latin": ("a: 1\nb: é\n".encode("latin-1"), "line 2: not UTF-8 text (byte 0xe9)"),
}
TAGS = ["!!bool x", "!!timestamp x", "!!python/object/apply:os.system [ls]", "!!binary x", "!!set {x}", "!mine x", "!!map x"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal_of(folder, content):
    (folder / "x.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ScenarioError) as error:
        read_yaml(folder.relative_to(folder) / "x.yaml")
    return str(error.value)


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_too_much_or_means_something_else_is_refused_with_its_line(folder, content, message):
    assert refusal_of(folder, content) == f"x.yaml, {message}"


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_refused_with_its_line(folder, tag):
    message = refusal_of(folder, f"a: 1\nb: {tag}\n")
    assert message == f"x.yaml, line 2: not valid YAML: the tag {tag.split()[0]!r} is not read; write the plain value"


def test_a_file_that_is_too_long_is_refused_before_it_is_read_whole(folder):
    with (folder / "x.yaml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ScenarioError, match=rf"^x.yaml: holds 1,099,511,627,776 bytes; at most {LONGEST_FILE:,} are read$"):
        load_scenario("x.yaml")


def test_what_is_no_file_is_not_waited_for(folder):
    os.mkfifo("pipe.yaml")
    os.mkdir("folder.yaml")
    for name, seen in (("pipe.yaml", "device or pipe"), ("/dev/zero", "device or pipe"), ("folder.yaml", "folder")):
        with pytest.raises(ScenarioError, match=f"must be a file, not a {seen}$"):
            read_yaml(folder / name)
    for name in ("pipe.yaml", "x" * 5000, "a\0b"):
        with pytest.raises(ScenarioError, match="no such file in envs"):
            load_scenario(name)
        with pytest.raises(ScenarioError, match=r"^world: extends .*, which does not lie beside it$"):
            load_scenario({"extends": name})


def test_many_keys_take_time_in_proportion(folder):
    def seconds(keys):
        text = "{" + ", ".join(f"k{n}: 1" for n in range(keys)) + "}"
        start = time.process_time()
        assert len(parse_yaml(text)) == keys
        return time.process_time() - start

    few = min(seconds(300) for _ in range(3))
    assert min(seconds(3000) for _ in range(3)) < 40 * few


def test_what_an_alias_repeats_is_changed_alone():
    content = parse_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n")
    assert content == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}
    assert apply_overrides(content, ["a.x=5"], "here")["b"] == {"x": 1}


def test_a_merged_key_may_be_stated_again_wherever_it_is_merged_on():
    assert parse_yaml("o: {b: &b {<<: &a {x: 1}, x: 2}}\nc: {<<: *b}\n") == {"o": {"b": {"x": 2}}, "c": {"x": 2}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("horizon.periods=!!bool x", "the tag '!!bool' is not read; write the plain value"),
        ("horizon.periods=2024-13-45", "2024-13-45 would be read as a date; write it in quotes"),
        ("horizon.periods=\ud800", "holds the character U+D800"),
        ("a." * 60 + "a=1", "leads 61 levels deep, more than 50"),
        ("skus[²].name=x", "names no entry '²'; allowed: item"),
    ],
)
def test_an_override_is_read_as_strictly(override, message):
    with pytest.raises(ScenarioError) as error:
        apply_overrides(shipped_world("lost_sales").content, [override], "x.yaml")
    assert str(error.value).startswith("x.yaml: the override") and str(error.value).endswith(message)
