"""What a command names is compared: run folders, or a study as far as it is made."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from priced_shops import PPO, priced

from allotment.scenario.errors import ScenarioError
from allotment.studies.setup import setup_of

RUNS = Path("runs")


def write_study(**sections):
    """Write a study of the finished runs, whose world and configs lie beside it."""
    Path("world.yaml").write_text(yaml.safe_dump(priced().content))
    Path("ppo.yaml").write_text(yaml.safe_dump(PPO))
    Path("level.yaml").write_text(yaml.safe_dump({"policy": "base_stock", "parameters": {"level": 25}}))
    content = {
        "name": "shops",
        "question": "Which?",
        "env": "world.yaml",
        "policies": ["ppo.yaml", {"config": "level.yaml", "name": "base_stock"}],
        "seeds": [0, 1],
        "evaluation": {"episodes": 8, "seed": 4},
        **sections,
    }
    Path("study.yaml").write_text(yaml.safe_dump(content))


def move_into(folder, runs, **names):
    """Put finished runs where a study looks for them."""
    for name, run in names.items():
        shutil.copytree(runs[run], folder / name)


def place_runs(folder, runs):
    move_into(folder, runs, **{"ppo-seed0": "ppo-0", "ppo-seed1": "ppo-1", "base_stock-seed0": "level-0"})


def compared(setup):
    return {policy.name: [run.seed for run in policy.runs] for policy in setup.policies}


def test_run_folders_are_compared_as_the_policies_they_hold(runs):
    setup = setup_of([str(runs[name]) for name in ("ppo-0", "ppo-1", "few-0", "many-0")], RUNS)
    assert compared(setup) == {
        "constant_order (parameters.quantity=2)": [0],
        "constant_order (parameters.quantity=9)": [0],
        "ppo": [0, 1],
    }
    assert setup.notes == []
    assert setup.report == Path("runs/comparison")
    assert (setup.evaluation.episodes, setup.evaluation.seed) == (1000, 0)


def test_a_run_that_was_cut_short_takes_part_and_is_told(runs):
    file = runs["ppo-0"] / "metadata.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "finished": False, "environment_steps": 32}))
    setup = setup_of([str(runs["ppo-0"]), str(runs["few-0"])], RUNS)
    assert compared(setup) == {"constant_order": [0], "ppo": [0]}
    assert setup.notes == ["ppo-0 is not finished (32 of 64 environment steps); its best policy so far takes part."]


def test_a_finished_study_is_compared_as_it_says(runs):
    write_study()
    place_runs(Path("runs/shops"), runs)
    setup = setup_of(["study.yaml"], RUNS)
    assert compared(setup) == {"base_stock": [0], "ppo": [0, 1]}
    assert (setup.title, setup.question, setup.notes) == ("shops", "Which?", [])
    assert setup.report == Path("runs/shops/report")
    assert (setup.evaluation.episodes, setup.evaluation.seed) == (8, 4)


@pytest.mark.parametrize("named", ["study.yaml", ".", "elsewhere"])
def test_a_study_is_named_by_its_file_its_folder_or_the_folder_of_its_runs(runs, named):
    write_study()
    place_runs(Path("elsewhere" if named == "elsewhere" else "runs/shops"), runs)
    if named == "elsewhere":
        shutil.copy("study.yaml", "elsewhere")
    assert compared(setup_of([named], RUNS)) == {"base_stock": [0], "ppo": [0, 1]}


def test_what_a_study_lacks_is_told_with_the_reason(runs):
    write_study(seeds=[0, 1, 2])
    place_runs(Path("runs/shops"), runs)
    file = Path("runs/shops/ppo-seed1/metadata.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "finished": False, "environment_steps": 32}))
    setup = setup_of(["study.yaml"], RUNS)
    assert compared(setup) == {"base_stock": [0], "ppo": [0]}
    assert setup.notes == [
        "ppo seed 1 is left out: runs/shops/ppo-seed1 is not finished (32 of 64 environment steps).",
        "ppo seed 2 is left out: runs/shops/ppo-seed2 is not there.",
    ]


def test_a_run_of_another_config_is_not_the_studys(runs):
    write_study(policies=[{"config": "ppo.yaml", "overrides": ["steps=99"]}, "level.yaml"])
    move_into(Path("runs/shops"), runs, **{"ppo-seed0": "ppo-0", "level-seed0": "level-0"})
    notes = setup_of(["study.yaml"], RUNS).notes
    assert notes[0] == "ppo seed 0 is left out: runs/shops/ppo-seed0 was made from another config, seed or world."


def test_a_study_that_was_never_run_has_nothing_to_compare(runs):
    write_study()
    with pytest.raises(
        ScenarioError, match=r"shops: nothing to compare yet: runs/shops/ppo-seed0 is not there; `allotment run`"
    ):
        setup_of(["study.yaml"], RUNS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nowhere"], "nowhere: no such folder; expected run folders, or one study"),
        (["."], ".: not a run folder; expected metadata.json and config.yaml"),
        (["few-0", "few-0/best"], "few-0/best: not a run folder"),
    ],
)
def test_a_name_that_is_neither_is_refused(runs, names, message):
    with pytest.raises(ScenarioError, match=message):
        setup_of(names, RUNS)
