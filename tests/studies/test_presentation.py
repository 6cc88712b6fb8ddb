"""The report and the logs of a comparison, whether a study has run or run folders were named."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from priced_shops import PPO, priced
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from allotment.report.episodes import episodes_side_by_side
from allotment.studies import presentation
from allotment.studies.logs import write_logs
from allotment.studies.outcome import read_outcome
from allotment.studies.presentation import present
from allotment.studies.running import compare_policies, run_study
from allotment.studies.setup import setup_of, setup_of_runs
from allotment.studies.study import load_study

FIGURES = ["learning", "differences", "chances", "terms", "channels", "service", "episodes"]


def events(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


@pytest.fixture(scope="module")
def reported(finished, tmp_path_factory):
    """Return the outcome of a comparison of all finished runs, and the folder of its report."""
    setup = setup_of_runs(sorted(finished.iterdir()), Path("runs"))
    outcome, folder = read_outcome(setup, episodes=8), tmp_path_factory.mktemp("reported")
    present(outcome, folder)
    return outcome, folder


def test_the_report_has_the_same_tables_as_markdown_html_and_csv(reported):
    outcome, folder = reported
    markdown, page = ((folder / f"report.{ending}").read_text() for ending in ("md", "html"))
    assert pd.read_csv(folder / "comparison.csv")["policy"].tolist() == outcome.comparison["policy"].tolist()
    for words in ("ppo (2 seeds)", "interquartile mean", "8 test worlds, the same for every policy", "seed 1, commit"):
        assert words in markdown
        assert words in page


def test_every_figure_has_a_file_and_a_caption_that_counts_worlds_where_it_shows_means(reported):
    _, folder = reported
    captions = dict(re.findall(r"!\[(.*)\]\((.*)\.png\)", (folder / "report.md").read_text()))
    by_name = {name: caption for caption, name in captions.items()}
    assert list(by_name) == FIGURES
    assert all((folder / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in FIGURES)
    for name in ("differences", "chances", "terms", "service"):
        assert "8 test worlds" in by_name[name]
    assert "95 % intervals" in by_name["differences"]
    assert "the band reaches from the lowest to the highest" in by_name["learning"]
    assert "The first test world under each policy, its measured periods, the best policy first." in by_name["episodes"]


def test_tensorboard_has_a_run_with_a_readable_name_for_each_training(reported):
    _, folder = reported
    runs = {entry.name for entry in (folder / "tensorboard").iterdir()}
    assert {"ppo seed 0", "ppo seed 1", "base_stock", "comparison"} < runs
    assert len(runs) == 6


def test_learned_and_rule_based_policies_have_the_same_metrics(reported):
    _, folder = reported
    tags = {
        name: {
            tag for tag in events(folder / "tensorboard" / name).Tags()["scalars"] if tag.startswith(("evaluation/", "final/"))
        }
        for name in ("ppo seed 0", "base_stock")
    }
    assert tags["ppo seed 0"] == tags["base_stock"]
    assert {"evaluation/score", "evaluation/service/fill_rate", "final/score", "final/fill_rate"} < tags["base_stock"]


def test_what_a_training_logged_of_itself_is_there_too(reported):
    _, folder = reported
    assert "train/loss" in events(folder / "tensorboard" / "ppo seed 0").Tags()["scalars"]


def test_a_rules_line_reaches_as_far_as_the_training_and_is_on_its_worlds(reported):
    outcome, folder = reported
    line = [(event.step, event.value) for event in events(folder / "tensorboard" / "base_stock").Scalars("evaluation/score")]
    assert [step for step, _ in line] == [0, 64]
    assert line[0][1] == pytest.approx(outcome.rules["base_stock"]["score"])


def test_final_scores_are_those_of_the_table(reported):
    outcome, folder = reported
    scores = outcome.comparison.set_index("policy")["score"]
    seeds = [events(folder / "tensorboard" / f"ppo seed {seed}").Scalars("final/score")[0].value for seed in (0, 1)]
    assert sum(seeds) / 2 == pytest.approx(scores["ppo"], rel=1e-6)


def test_the_run_of_the_whole_holds_layout_columns_and_images(reported):
    _, folder = reported
    whole = events(folder / "tensorboard" / "comparison")
    assert whole.Tags()["images"] == [f"figures/{place} {name}" for place, name in enumerate(FIGURES, start=1)]
    assert "custom_scalars__config__" in whole.Tags()["tensors"]
    assert whole.SummaryMetadata("_hparams_/experiment")


def test_new_logs_replace_those_of_an_earlier_comparison_but_nobody_elses(reported, tmp_path):
    outcome, _ = reported
    (tmp_path / "mine").mkdir()
    write_logs(outcome, tmp_path, [])
    assert (tmp_path / "mine").is_dir()
    first = {file.parent.name for file in tmp_path.rglob("events*")}
    (tmp_path / "a policy of before").mkdir()
    write_logs(outcome, tmp_path, [])
    assert {entry.name for entry in tmp_path.iterdir()} == first


def test_of_a_long_episode_the_first_measured_periods_are_shown(finished, tmp_path, monkeypatch):
    shown = []

    def look(records, period):
        shown.extend(len(record.reward) for record in records)
        return episodes_side_by_side(records, period)

    monkeypatch.setattr(presentation, "LONGEST", 3)
    monkeypatch.setattr(presentation, "episodes_side_by_side", look)
    present(read_outcome(setup_of_runs([finished / "few-0"], Path("runs")), episodes=4), tmp_path)
    assert shown == [3]
    assert "under each policy, the first 3 of its 4 measured periods, the best policy" in (tmp_path / "report.md").read_text()


def test_a_single_policy_has_a_report_without_differences(finished, tmp_path):
    outcome = read_outcome(setup_of_runs([finished / "few-0"], Path("runs")), episodes=4)
    present(outcome, tmp_path)
    assert {image.stem for image in tmp_path.glob("*.png")} == {"terms", "channels", "service", "episodes"}
    assert "constant_order has the highest profit" in (tmp_path / "report.md").read_text()


def test_running_a_study_ends_with_the_report_that_comparing_it_gives(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("world.yaml").write_text(yaml.safe_dump(priced().content))
    Path("ppo.yaml").write_text(yaml.safe_dump(PPO))
    rule = {"config": "base_stock", "overrides": ["parameters.level=25"]}
    content = {"name": "shops", "question": "Which?", "env": "world.yaml", "policies": ["ppo.yaml", rule], "seeds": [0, 1]}
    Path("shops.yaml").write_text(yaml.safe_dump({**content, "evaluation": {"episodes": 8}}))
    ran = run_study(load_study("shops.yaml"), Path("runs"), lambda *report: None, workers=1)
    assert ran.report == Path("runs/shops/report/report.html")
    page, table = ran.report.read_text(), Path("runs/shops/report/comparison.csv").read_text()
    for named in ("shops.yaml", "runs/shops"):
        compared = compare_policies(setup_of([named], Path("runs")))
        assert compared.report.read_text() == page
        assert Path("runs/shops/report/comparison.csv").read_text() == table
