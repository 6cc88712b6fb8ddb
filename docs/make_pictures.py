"""Make the pictures that are kept with the documentation: `python docs/make_pictures.py`, half a minute on one core.

One episode of the default world under a forecast rule, and a comparison of rules in the same world.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

import allotment
from allotment.environments.episode_figure import draw_episode
from allotment.evaluation.comparison import by_knowledge, compare
from allotment.evaluation.rollout import rollout
from allotment.report.figures import paired_differences, panel, rows_of
from allotment.report.money import money_of
from allotment.scenario.loader import World
from allotment.simulation.episode_record import RECORDED, record_of

ASSETS = Path(__file__).parent / "assets"
SEED = 4
RULES = {  # what is compared -> its config and the overrides that fix its parameters
    "dual_newsvendor": ("dual_newsvendor", ["parameters.safety_factor=1.6", "parameters.expedite_factor=0.5"]),
    "newsvendor": ("newsvendor", ["parameters.safety_factor=1.6"]),
    "cautious": ("newsvendor", ["parameters.safety_factor=2.5"]),
    "random": ("random", []),
}


def rule(name: str, world: World) -> Any:
    """Return a rule of the table above in a world."""
    config, overrides = RULES[name]
    with TemporaryDirectory() as folder:
        return allotment.load_policy(allotment.train(world, config, out=folder, overrides=overrides), world)


def episode_figure() -> Figure:
    """Return one episode of the default world under the strongest rule, without its warm-up."""
    world = allotment.load_scenario("three_warehouses")
    periods = []
    for _, flows in rollout(world, rule("dual_newsvendor", world), np.array([SEED])):
        periods.append({name: np.array(getattr(flows, name)[0]) for name in RECORDED})
    measured = periods[world.problem.clock.warm_up :]
    figure = Figure(figsize=(9, 7.2), layout="constrained")
    return draw_episode(record_of(world, measured, "three_warehouses under dual_newsvendor"), figure, world.scenario.period)


def comparison_figure() -> Figure:
    """Return the paired differences of the rules on 200 common test worlds."""
    world = allotment.load_scenario("three_warehouses")
    played = [allotment.evaluate(rule(name, world), world, episodes=200).assign(policy=name) for name in RULES]
    comparison = by_knowledge(compare(pd.concat(played), reference="newsvendor", rng=np.random.default_rng(0)))
    return panel(paired_differences, comparison, money_of(world.scenario), rows=rows_of(comparison))


def write(figure: Figure, name: str) -> Path:
    """Write a figure as a small PNG: at most 64 colours, which these drawings hardly exceed."""
    file = ASSETS / name
    figure.savefig(file, dpi=100, metadata={"Software": None})
    Image.open(file).convert("RGB").quantize(64).save(file, optimize=True)
    return file


def main() -> None:
    """Make all pictures, and say where they are."""
    matplotlib.use("agg")
    for figure, name in ((episode_figure(), "episode.png"), (comparison_figure(), "comparison.png")):
        file = write(figure, name)
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
