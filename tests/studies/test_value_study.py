"""A study of published values: what is computed and how it is judged, what is kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from allotment.cli import app
from allotment.scenario.errors import ScenarioError
from allotment.studies.study import load_study
from allotment.studies.value_study import ValueEntry, is_value_study, load_value_study
from allotment.studies.valuing import Compared, Found, computed, run_values

LEVELS = {"policy": "base_stock", "parameters": {}}
OPTIMAL = {"policy": "optimal", "value": 2.95094, "times": 1.8, "config": "optimal"}
PUBLISHED = Path("experiments/published")


def written(tmp_path, *values):
    """Return the folder of a study of values of `demand_classes`, by Ha (1997)."""
    table = {"title": "Classes", "env": "demand_classes", "values": list(values)}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"name": "ha", "question": "Do they come out?", "tables": [table]}))
    return tmp_path


def test_optima_and_the_best_of_several_rules_are_computed_and_kept(tmp_path):
    best = {"policy": "base-stock", "value": 3.30136, "times": 1.8, "config": LEVELS, "among": {"level": [2, 3, 4]}}
    study, told = load_value_study(written(tmp_path, OPTIMAL, best)), []
    first = run_values(study, tmp_path / "runs", lambda *news: told.append(news), workers=1)
    assert [row.agrees for row in first] == [True, True]
    assert first[1].found.best == {"level": 3}
    assert len(told) == 4
    again = run_values(study, tmp_path / "runs", lambda *news: pytest.fail("computed again"), workers=1)
    assert [row.found for row in again] == [row.found for row in first]
    page = (tmp_path / "runs/ha/values.md").read_text(encoding="utf-8")
    assert "| base-stock | 3.30136 | 3.30136 (3) | exact | agrees |" in page


def found(value, error=None, **best):
    return Found(value=value, lower=value, upper=value, standard_error=error, best=best, seconds=0.0)


@pytest.mark.parametrize(
    ("said", "ours", "agrees"),
    [
        ({"value": 5.0}, found(5.0009), True),
        ({"value": 5.0}, found(5.0011), False),
        ({"value": 5.27, "digits": 2}, found(5.2748), True),
        ({"value": 5.27, "digits": 2}, found(5.2752), False),
        ({"value": 5.0}, found(5.011, 0.004), True),
        ({"value": 5.0}, found(5.013, 0.004), False),
        ({"value": 5.0}, found(5.0, 0.006), False),  # too coarse a simulation says nothing
        ({"value": 7, "finds": "level"}, found(3.0, level=7), True),
        ({"value": 7, "finds": "level"}, found(3.0, level=6), False),
    ],
)
def test_a_value_agrees_as_far_as_it_is_known(said, ours, agrees):
    entry = ValueEntry(policy="any", config=LEVELS, **said)
    assert Compared("Table", entry, ours).agrees == agrees
    assert Compared("Table", entry, ours).verdict == ("agrees" if agrees else "DIFFERS")


def test_a_simulated_value_has_a_standard_error():
    entry = ValueEntry(policy="rule", value=2.95, config={"policy": "base_stock", "parameters": {"level": 3}}, episodes=20)
    ours = computed(entry.model_copy(update={"env": "demand_classes", "times": 1.8}))
    assert ours.standard_error > 0.0
    assert ours.value == pytest.approx(3.30136, abs=4.0 * ours.standard_error)


def test_the_command_prints_both_values_and_fails_where_one_differs_for_no_known_reason(tmp_path):
    wrong = {**OPTIMAL, "policy": "as misprinted", "value": 3.0}
    explained = {**wrong, "note": "a slip of the pen."}
    told = CliRunner().invoke(app, ["run", str(written(tmp_path, OPTIMAL, explained)), "--out", str(tmp_path / "runs"), "-q"])
    assert told.exit_code == 0
    assert "as misprinted: a slip of the pen." in told.output
    assert "1 of 2 published values come out, 1 differ for a known reason, 0 for none" in told.output
    told = CliRunner().invoke(app, ["run", str(written(tmp_path, OPTIMAL, wrong)), "--out", str(tmp_path / "runs"), "-q"])
    assert told.exit_code == 1
    assert "DIFFERS" in told.output


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"finds": "level"}, "finds must be one of among, not 'level'"),
        ({"among": {"level": [1]}}, "among needs the config whose parameters it sets"),
        ({"digit": 2}, "did you mean 'digits'"),
    ],
)
def test_what_is_wrong_with_a_study_of_values_is_said(tmp_path, change, told):
    with pytest.raises(ScenarioError, match=told):
        load_value_study(written(tmp_path, {**OPTIMAL, **change}))


def test_parameters_that_are_not_given_are_named(tmp_path):
    entry = ValueEntry(policy="rule", value=1.0, config={"policy": "base_stock"}, env="demand_classes")
    with pytest.raises(ScenarioError, match="level must be given"):
        computed(entry)


def test_policies_are_not_compared_where_values_are_published(tmp_path):
    with pytest.raises(ScenarioError, match="a study of published values"):
        load_study(written(tmp_path, OPTIMAL))


def test_what_was_kept_and_cannot_be_read_is_computed_again(tmp_path):
    study = load_value_study(written(tmp_path, OPTIMAL))
    (tmp_path / "runs/ha").mkdir(parents=True)
    (tmp_path / "runs/ha/values.json").write_text("{")
    assert run_values(study, tmp_path / "runs", lambda *news: None, workers=1)[0].agrees
    assert len(json.loads((tmp_path / "runs/ha/values.json").read_text())) == 1


def test_the_shipped_study_of_published_values_has_every_table():
    root = Path(__file__).parents[2] / PUBLISHED
    assert is_value_study(root)
    study = load_value_study(root)
    assert len(study.tables) == 13
    assert sum(len(table.values) for table in study.tables) >= 58
