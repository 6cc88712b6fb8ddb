"""Names that others chose lead nowhere: they are checked where they are read, and what they reach is text."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import allotment
from allotment.cli import app
from allotment.names import check_links, is_inside, no_formula
from allotment.policies.bundle import bundle_of, load_bundle, save_bundle
from allotment.report.tables import markdown_text, to_csv
from allotment.runs.naming import run_name
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.studies.compared_policies import read_run
from allotment.studies.job import jobs_of
from allotment.studies.study import load_study
from small_policies import rule
from small_worlds import one_shop, two_shops

pytestmark = pytest.mark.security
STUDY = {"name": "s", "question": "?", "env": "shop.yaml", "policies": ["mine.yaml"], "evaluation": {"episodes": 2}}
RULE = {"policy": "constant_order", "parameters": {"quantity": 1}}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in a folder in a folder, so that what escapes from it is seen."""
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write(folder, **entries):
    """Write a study with its world and its config into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("study.yaml", {**STUDY, **entries}), ("shop.yaml", one_shop().content), ("mine.yaml", RULE)):
        (folder / name).write_text(json.dumps(content))
    return folder / "study.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return allotment.train(one_shop(), RULE, out=tmp_path_factory.mktemp("made"), name="r")


@pytest.fixture
def run(made, here):
    """Return a run folder."""
    return Path(shutil.copytree(made, "runs/r"))


@pytest.mark.parametrize(
    "name",
    ["../../escaped/x", "/tmp/escaped", "..", ".", "", "a/b", "a\\b", "a\nb", "a" * 101, "\x00", "\u202eab", 7, None, ["a"]],
)
def test_the_name_of_a_study_is_that_of_a_folder(name, here):
    with pytest.raises(ScenarioError, match=r"study\.yaml") as refused:
        load_study(write(here, name=name))
    told = str(refused.value)
    assert len(told.splitlines()) == 1
    assert "name" in told or told.startswith("study.yaml, line 1: not valid YAML: a text must not hold the character")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 101, "é" * 101, "\U0001f600" * 60, "a\x1b[2J", "\u202eab", 7, ["a"]])
def test_the_name_of_a_policy_is_one_line_that_can_be_printed(name, here):
    with pytest.raises(ScenarioError, match=r"study\.yaml"):
        load_study(write(here, policies=[{"config": "mine.yaml", "name": name}]))


def test_any_other_name_of_a_policy_stays_inside_of_the_folder_of_its_study(here):
    names = ["../../escaped/x", "/escaped", "é" * 100, "..", "=1+1"]
    study = load_study(write(here, policies=[{"config": "mine.yaml", "name": name} for name in names]))
    folders = {Path(job.folder) for job in jobs_of(study, here / "runs" / study.name)}
    assert len(folders) == len(names)
    for folder in folders:
        folder.mkdir(parents=True)  # a name that is not too long
        assert folder.resolve().parent == here / "runs" / "s"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"policy": "a\x1b[2J"}, "U+001B"),
        ({"policy": "a\u202e"}, "policy: must be of signs"),
        ({"policy": "x" * 300}, "policy: must have at most 100 characters"),
        ({"policy": 3}, "policy must be text, not 3"),
        ({"seed": -1}, "seed must be >= 0, not -1"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"seed": 10**25}, "seed must be < 9.22337e"),
        ({"validation": {"score": "high"}}, "validation.score must be a number"),
        ({"environment_steps": "many"}, "environment_steps must be a whole number"),
        ({"packages": []}, "packages must be a mapping"),
    ],
)
def test_what_a_run_folder_says_of_itself_is_checked(run, entries, told):
    file = run / "metadata.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))
    with pytest.raises(ScenarioError, match=r"metadata\.json") as refused:
        RunFolder.existing(run)
    assert told in str(refused.value)


def test_the_policy_of_a_run_folder_is_a_text_that_leads_nowhere(run, here):
    file = run / "metadata.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "policy": "/../../y"}))
    again = allotment.repeat(run, out="again")
    assert read_run(again).name == "/../../y"
    assert sorted(each.name for each in here.iterdir()) == ["again", "runs"]
    assert [each.name for each in here.parent.iterdir()] == ["er"]


@pytest.mark.parametrize("seed", [0, 10**300])
def test_the_folder_of_a_run_has_no_long_name(seed):
    assert len(run_name("w" * 500, "../" * 100, seed, ["a=" + "b" * 500])) < 200


@pytest.mark.parametrize("name", ["", "/x", "../x", "x/../y", "x//y", "x/.", "x\\y", "c:x", "x\x00", "x\n", ".", ".."])
def test_a_name_that_leads_out_of_a_folder_is_none_in_it(name):
    assert not is_inside(name) and is_inside("rule/bundle.json")


@pytest.mark.parametrize("place", ["metadata.json.part", "tb", "best/weights", "checkpoints"])
def test_a_run_folder_with_a_link_is_refused_before_anything_is_written_through_it(run, here, place):
    kept = here / "kept"
    kept.write_text("mine")
    shutil.rmtree(run / place, ignore_errors=True)
    (run / place).symlink_to(kept)
    for command in (
        ["evaluate", run, "--episodes", "2"],
        ["train", "--resume", run],
        ["train", "--repeat", run],
        ["compare", run],
    ):
        with pytest.raises(ScenarioError, match=rf"{Path(place).name}' is a link"):
            CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    assert kept.read_text() == "mine"


def test_a_bundle_with_a_link_is_refused(here):
    save_bundle(rule(two_shops()), here / "b")
    shutil.move("b/parameters.json", "elsewhere")
    os.symlink("../elsewhere", "b/parameters.json")
    with pytest.raises(ScenarioError, match=r"'parameters\.json' is a link"):
        load_bundle(Path("b"))
    os.unlink("b/parameters.json")
    check_links(Path("b"))


def test_a_study_is_found_with_what_lies_beside_its_file_wherever_one_works(here, monkeypatch):
    file = write(here / "elsewhere")
    study = load_study(file)
    assert study.world().name == "one_shop"
    Path("runs/s").mkdir(parents=True)
    Path("runs/s/study.yaml").write_text(yaml.safe_dump(study.model_dump(mode="json")))  # the copy that a run leaves
    copy = load_study("runs/s")
    assert [content for _, _, content in copy.configs()] == [RULE] and copy.world().name == "one_shop"


def test_a_mistyped_name_renames_no_folder(here):
    for kept in ("notes.old", "notes.part", ".notes.former", ".notes.writing"):
        (here / kept).mkdir()
        (here / kept / "mine.txt").write_text("mine")
    save_bundle(rule(two_shops()), here / "best.old")
    for name in ("notes", "best"):
        with pytest.raises(ScenarioError, match="holds no policy"):
            bundle_of(here / name)
    for name, place in (("notes", ".notes.writing"), ("best", None)):
        if place:
            with pytest.raises(ScenarioError, match=rf"{place}: is in the way; remove it"):
                save_bundle(rule(two_shops()), here / name)
        else:
            save_bundle(rule(two_shops()), here / name)
    kept = {str(file.relative_to(here)) for file in here.rglob("mine.txt")}
    assert kept == {f"{name}/mine.txt" for name in ("notes.old", "notes.part", ".notes.former", ".notes.writing")}
    assert load_bundle(here / "best.old").name == "base_stock"


def test_no_cell_begins_a_formula_whatever_parts_the_cells(here):
    texts = ["=1", "+1", "-1", "@x", "\t=1", " =1", "a;=1", "a;\t-1", "a\n@x", "\uff1d1", "plain; text", "a-b"]
    to_csv(pd.DataFrame({"=name": texts, "number": -1.5}), Path("t.csv"))
    lines = Path("t.csv").read_text()
    assert lines.startswith("'=name") and "-1.5" in lines and "'-1.5" not in lines
    for cell in lines.replace("\n", ";").replace(",", ";").replace('"', "").split(";"):
        assert cell.startswith("-1.5") or not cell.strip().startswith(("=", "+", "-", "@", "\uff1d"))
    assert no_formula("plain; text") == "plain; text" and no_formula("a-b") == "a-b" and no_formula(-3) == -3


def test_markdown_has_no_html_link_or_fence_from_a_name():
    text = markdown_text("~~~ <script>x</script> [a](b) `c` |d| ![e](f)")
    for sign in ("<", "](", "~~~", " `", " |"):
        assert sign not in text


def test_an_error_moves_no_cursor():
    told = str(ScenarioError("a\x1b[2Jb\x07\u202ec\rd"))
    assert told.isprintable() or all(line.isprintable() for line in told.splitlines())
    assert "\\x1b[2J" in told


def test_yaml_of_names_is_dumped_as_it_was_read(here):
    write(here, policies=[{"config": "mine.yaml", "name": "ünï"}])
    assert yaml.safe_load(Path("study.yaml").read_text())["policies"][0]["name"] == load_study("study.yaml").entries()[0].name
