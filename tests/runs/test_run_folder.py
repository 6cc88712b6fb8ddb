"""A run folder says what made it, how it stands and what came of it, and goes whole from one machine to another."""

from __future__ import annotations

import pytest
import yaml

from allotment.evaluation.place import WorldPlace
from allotment.fitting.fit import fit
from allotment.runs.run_folder import RunFolder, is_run
from allotment.scenario.errors import ScenarioError
from small_worlds import two_shops

CONFIG = {"policy": "constant_order", "parameters": {"quantity": 2}}


@pytest.fixture
def place():
    return WorldPlace(two_shops())


@pytest.fixture
def made(place, tmp_path):
    """Return a finished run."""
    with RunFolder.new(tmp_path / "runs", "shops") as run:
        fit(place, "constant", CONFIG, 3, run)
    return run


def test_it_says_what_it_is_made_from(made, place):
    again = RunFolder.existing(made.path)
    assert (again.policy_name, again.seed, again.config) == ("constant", 3, CONFIG)
    assert again.place.content == place.content
    assert again.finished and again.shortfall is None
    assert again.bundle["name"] == "constant"


@pytest.mark.parametrize(("config", "seed"), [({**CONFIG, "source": "fastest"}, 3), (CONFIG, 4)])
def test_it_is_of_its_own_config_and_seed_alone(made, place, config, seed):
    assert made.is_of(place, CONFIG, 3)
    assert not made.is_of(place, config, seed)
    other = yaml.safe_load(yaml.safe_dump(place.content))
    other["horizon"]["periods"] += 1
    assert not made.is_of(WorldPlace(two_shops(horizon=other["horizon"])), CONFIG, 3)


def test_a_second_run_of_the_same_has_a_folder_of_its_own(made, place):
    with RunFolder.new(made.path.parent, "shops") as other, RunFolder.new(made.path.parent, "shops") as third:
        assert (other.path.name, third.path.name) == ("shops-1", "shops-2")
    assert [folder.name for folder in made.path.parent.iterdir()] == ["shops"]  # what has not begun is not there


def test_it_is_told_how_far_a_training_came_that_was_cut_short(tmp_path, place):
    run = RunFolder(tmp_path / "cut")
    run.begin(place, "ppo", {"algorithm": "ppo", "steps": 10_000}, 0)
    run.update(finished=False, environment_steps=4_000)
    assert run.shortfall == "not finished (4,000 of 10,000 environment steps)"
    (tmp_path / "cut" / "config.yaml").write_text("policy: base_stock")
    assert RunFolder(tmp_path / "cut").shortfall == "not finished"


def test_what_goes_on_keeps_what_it_was_started_with(made, place):
    before = made.metadata
    made.begin(place, "other", {}, 9)
    assert made.metadata == before


def test_its_evaluation_is_found_by_place_and_forgotten_with_the_policy(made, place):
    result = place.evaluate(made.place.load(made.best), 4, 0)
    made.keep_evaluation(result, place.name, 0)
    held = made.evaluation(place.name)
    assert held is not None and held.episodes.equals(result.episodes)
    assert (held.score_by_sku == result.score_by_sku).all()
    assert made.metadata["evaluation"] == {"place": place.name, "seed": 0, "episodes": 4}
    assert made.evaluation("elsewhere") is None


def test_it_goes_whole_to_another_folder_and_never_outside_of_it(made, tmp_path):
    (made.checkpoints).mkdir()
    (made.checkpoints / "training.safetensors").write_bytes(b"not sent")
    copy = RunFolder(tmp_path / "elsewhere")
    copy.unpack(made.packed())
    assert copy.finished and copy.config == made.config
    assert not copy.checkpoints.exists()
    with pytest.raises(ScenarioError, match="would lie outside of the run folder"):
        copy.unpack({"../escaped": b""})
    assert not (tmp_path / "escaped").exists()


def test_what_is_no_run_is_told_from_one(made, tmp_path):
    assert is_run(made.path)
    assert not is_run(tmp_path)
    with pytest.raises(ScenarioError, match=r"not a run folder; expected metadata.json and config.yaml"):
        RunFolder.existing(tmp_path)
