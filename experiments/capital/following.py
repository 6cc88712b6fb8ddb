"""When a budget follows its market: what a group may spend, by budget period, before and after its demand has become strong.

`python experiments/capital/following.py` plays the policies of `allotment run experiments/capital`, prints the table, and draws
`runs/capital/following.png`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import allotment
from allotment.decisions.observation import observe
from allotment.decisions.policy import Policy
from allotment.evaluation.rollout import started
from allotment.scenario.loader import World
from allotment.scenario.problem import Flags, Floats
from allotment.scenario.streams import derived_seed

RUNS, WORLD, EPISODES = Path("runs/capital"), "capital_allocation", 500
STRONG = 2  # state of a market's chain
SINCE = (-2, -1, 1, 2, 3)  # budget periods before the switch, and after it


def played(world: World, policy: Policy, episodes: int = EPISODES) -> tuple[Floats, Flags]:
    """Return what groups may spend, (budget periods, B, groups) shares, and where markets are strong, (periods, B, groups)."""
    simulation = started(world, derived_seed("test", 0) + np.arange(episodes))
    problem, memory, shares, strong = world.problem, None, [], []
    for period in range(problem.clock.length):
        strong.append(simulation.state.regime == STRONG)
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory
        simulation.step(decision)
        if period % problem.treasury.per == 0:
            given = simulation.flows.budget_left + simulation.flows.spent
            shares.append(given.reshape(episodes, len(world.scenario.regimes), -1).sum(axis=2) / given.sum(axis=1)[:, None])
    return np.array(shares), np.array(strong)


def followed(shares: Floats, strong: Flags, per: int) -> dict[int, tuple[float, float]]:
    """Return a group's share over its mean, with its standard error, by budget periods since its market has become strong.

    Before the switch markets are not strong; after it they have been so ever since.
    """
    usual, begins = shares.mean(axis=(0, 1)), strong[::per]
    found: dict[int, list[float]] = {since: [] for since in SINCE}
    for period, world, group in np.argwhere(strong[1:] & ~strong[:-1]):
        first = period // per + 1  # the budget period that begins next
        for since in SINCE:
            at = first + since - (since > 0)
            if not 0 <= at < len(shares):
                continue
            stays = not begins[at, world, group] if since < 0 else strong[period + 1 : per * at + 1, world, group].all()
            if stays:
                found[since].append(shares[at, world, group] / usual[group])
    return {since: _mean(seen) for since, seen in found.items()}


def _mean(seen: list[float]) -> tuple[float, float]:
    """Return a mean and its standard error; NaN of nothing."""
    return (float(np.mean(seen)), float(np.std(seen) / np.sqrt(len(seen)))) if seen else (np.nan, np.nan)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw each policy's line: a group's share over its mean, by budget periods since the switch."""
    for policy, row in table.iterrows():
        ax.plot([str(since) for since in SINCE], row, marker="o", label=policy)
    ax.set_xlabel("budget periods since the group's market became strong")
    ax.set_ylabel("share of the budget ÷ its mean")
    ax.legend(fontsize="small")
    return ax


def main() -> None:
    """Play all policies of the study, print the table and draw the figure."""
    world, rows, errors = allotment.load_scenario(WORLD), {}, {}
    for run in sorted(RUNS.glob("*-seed0")):
        policy = allotment.load_policy(run, world)
        shares, strong = played(world, policy)
        usual = zip((regime.name for regime in world.scenario.regimes), shares.mean(axis=(0, 1)), strict=True)
        print(run.name, ", ".join(f"{group} {share:.1%}" for group, share in usual))
        seen = followed(shares, strong, world.problem.treasury.per)
        rows[run.name.removesuffix("-seed0")] = [value for value, _ in seen.values()]
        errors[run.name] = max(error for _, error in seen.values())
    table = pd.DataFrame(rows, index=SINCE).T
    print(table.round(2).to_string())
    print(f"standard errors at most {max(errors.values()):.3f}")
    figure = Figure(figsize=(7, 4), layout="constrained")
    draw(table, figure.add_subplot())
    figure.savefig(RUNS / "following.png", dpi=120)


if __name__ == "__main__":
    main()
