"""Policies, sites, channels and SKUs may have any names: they reach pages, tables, figures and folders as text alone."""

import csv
import re
from pathlib import Path

import pytest
import yaml

from allotment.scenario.errors import ScenarioError
from allotment.studies.running import compare_policies, run_study
from allotment.studies.setup import setup_of
from allotment.studies.study import load_study
from allotment.whole_file import file_name

NAMES = [r"$\frac{a$", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "../../[a](javascript:b)"]
WORLD = {
    "name": "any",
    "horizon": {"periods": 4},
    "currency": "$_{US}",
    "period": "Woche",
    "skus": [{"name": "=sku", "price": 9}],
    "suppliers": [{"name": "mill"}],
    "sites": [{"name": "<b>site", "initial_stock": 5}],
    "channels": [{"name": "$channel^"}],
    "supply_lanes": [{"from": "mill", "to": "<b>site"}],
    "fulfilment_lanes": [{"from": "<b>site", "to": "$channel^"}],
    "demand": [{"process": {"distribution": "poisson", "mean": 4}}],
}


def study(names):
    policies = [
        {"name": name, "config": "constant_order", "overrides": [f"parameters.quantity={place + 2}"]}
        for place, name in enumerate(names)
    ]
    content = {"name": "names", "question": "Which <b>?", "env": "any.yaml", "policies": policies}
    return yaml.safe_dump({**content, "evaluation": {"episodes": 6, "rope": 0.1}})


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Return the folders of a study's report and of that of comparing two of its runs."""
    folder = tmp_path_factory.mktemp("names")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        Path("any.yaml").write_text(yaml.safe_dump(WORLD))
        Path("names.yaml").write_text(study(NAMES))
        ran = run_study(load_study("names.yaml"), Path("runs"), lambda *report: None, workers=1)
        two = [f"runs/names/{file_name(f'{name}-seed0')}" for name in NAMES[1:3]]
        compared = compare_policies(setup_of(two, Path("runs")), reference=NAMES[2], out=Path("again"))
        return [folder / ran.report.parent, folder / compared.report.parent]


def test_no_name_becomes_html_or_a_link(reports):
    for folder in reports:
        page, markdown = (folder / "report.html").read_text(), (folder / "report.md").read_text()
        prose = re.sub(r"(?m)^ {6}.*$", "", markdown)  # but for blocks of code
        for text in (page, prose):
            assert "<script" not in text
            assert "<b>" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "[a](javascript" not in prose


def test_no_cell_of_a_csv_file_is_a_formula(reports):
    for folder in reports:
        for file in ("comparison.csv", "breakdown.csv"):
            cells = {cell for row in csv.reader((folder / file).open()) for cell in row}
            words = [cell for cell in cells if not re.fullmatch(r"-?[\d.]+(e[+-]\d+)?", cell)]
            assert not [cell for cell in words if cell.startswith(("=", "+", "-", "@"))]
        assert "'=cmd|' /C calc'!A0" in cells
        assert "'=sku" in cells


def test_every_figure_is_drawn_and_every_run_has_its_folder(reports):
    drawn = {"differences", "chances", "terms", "service", "episodes"}
    for folder in reports:
        assert {file.stem for file in folder.glob("*.png")} == drawn
    assert [len(list((folder / "tensorboard").iterdir())) for folder in reports] == [len(NAMES) + 1, 3]
    runs = reports[0].parent
    assert {entry.name for entry in runs.iterdir()} >= {"<script>alert(1)<-script>-seed0", "..-..-[a](javascript:b)-seed0"}


def test_money_and_period_have_the_worlds_names(reports):
    assert "profit ($_{US} per Woche)" in (reports[0] / "report.html").read_text()


def test_names_whose_folders_would_be_one_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("any.yaml").write_text(yaml.safe_dump(WORLD))
    Path("names.yaml").write_text(study(["a/b", "a-b"]))
    with pytest.raises(ScenarioError, match="the name 'a/b' occurs twice"):
        load_study("names.yaml")
