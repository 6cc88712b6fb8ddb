"""The study of gym-invmgmt: its grid, policies of this project in its own environment, and the table of what came out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from experiments.gym_invmgmt import trials
from experiments.gym_invmgmt.grid import GRID, M5, ROWS, SEEDS, published
from experiments.gym_invmgmt.lockstep import Told, profits
from experiments.gym_invmgmt.table import gaps, lines, read
from experiments.gym_invmgmt.trials import COLUMNS

from allotment.scenario.loader import world_from
from small_policies import rule


def test_the_grid_is_that_of_the_published_results():
    assert len(GRID) == 22
    assert set(GRID) == set(published().index)
    assert tuple(GRID)[:4] == ROWS


def test_published_means_lead_to_the_published_gaps():
    known = published()[~published().index.str.contains(M5)]
    programme, learner = (1.0 - known[each] / known["oracle"] for each in ("informed_programme", "best_learner"))
    assert (round(programme.mean(), 3), round(learner.mean(), 3)) == (0.056, 0.146)


@pytest.mark.parametrize("name", [ROWS[0], "serial-trend+seasonal-goodwill-lost", ROWS[3], "base-M5-backlog"])
def test_a_policy_earns_the_same_there_and_here(name):
    world = world_from(GRID[name].content, name)
    policy = rule(world, {"policy": "base_stock", "parameters": {"level": 60}})
    theirs, ours = profits(policy, world.problem, [GRID[name].environment() for _ in range(2)], SEEDS[:2])
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert (theirs[0] != theirs[1]) == (M5 not in name)  # the recorded series is the same in every episode


def test_demand_alone_may_be_told():
    with pytest.raises(ValueError, match="only demand is drawn"):
        Told(np.zeros((1, 1, 1))).uniforms()


def results(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    """Return results of scenario, policy, training seed and profit."""
    return pd.DataFrame([(*row, 10.0, row[3], 2.0, 60.0) for row in rows], columns=list(COLUMNS))


def test_gaps_are_of_the_mean_over_training_seeds_and_of_the_better_learner():
    found = gaps(results((ROWS[2], "pathwise", 0, 1000.0), (ROWS[2], "pathwise", 1, 1010.0), (ROWS[2], "ppo", 0, 990.0)))
    oracle = 1023.94
    assert found.loc[ROWS[2]].to_list() == pytest.approx([1 - 1005 / oracle, 1 - 990 / oracle, 1 - 1005 / oracle])


def test_the_table_has_a_row_for_each_scenario_that_was_played():
    told = lines(results((ROWS[2], "ppo", 0, 990.0), ("serial-M5-backlog", "ppo", 0, 900.0)))
    assert told[2:4] == [
        "| serial-stationary-backlog | 1,024 | 1,006 | 950 |  | 990 ± 10; 990 ± 2 | 3.3% |",
        "| serial-M5-backlog | 942 | 939 | 707 |  | 900 ± 10; 900 ± 2 | 4.5% |",
    ]
    assert told[-1].startswith("Mean gap to the oracle without M5: ppo 3.31% (worst 3.31%, 1 scenarios), better 3.31% ")


def test_the_readme_shows_what_came_out():
    study = Path(trials.__file__).parent
    assert "\n".join(lines(read(study / "results.csv"))) in (study / "README.md").read_text(encoding="utf-8")


def test_a_trial_trains_plays_and_measures(tmp_path, monkeypatch):
    config = Path(__file__).parents[1] / "experiments" / "gym_invmgmt" / "pathwise.yaml"
    short = yaml.safe_load(config.read_text()) | {"steps": 480, "environments": 8, "validation": {"episodes": 2}}
    monkeypatch.setitem(trials.CONFIGS, "pathwise", short)
    monkeypatch.setattr(trials, "FRESH", 4)
    trial = trials.Trial(ROWS[2], "pathwise", 0, tmp_path)
    row = trial.run(lambda *told: None)
    assert tuple(row) == COLUMNS
    again = trial.run(lambda *told: None)  # the run is there
    assert {**again, "cpu_seconds": 0.0} == {**row, "cpu_seconds": 0.0}
