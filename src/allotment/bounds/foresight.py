"""What perfect foresight is worth, step by step from what a policy did: serving, between sites, fast orders, all orders.

Each step frees one kind of decision more and leaves the others as the policy executed them. All begin with the policy's stock
at the end of its warm-up and, in a window, close with no less of any SKU than the policy did: nothing is gained by running
stock down. What remains between the last step and the bound is worth no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from allotment.bounds.perfect_information import Progress, perfect_information, solved, whole_episode
from allotment.decisions.observation import observe
from allotment.decisions.policy import Policy
from allotment.engine.state import Decision
from allotment.policies.sources import CHEAPEST, FASTEST, source_lanes
from allotment.programs.draft import Draft
from allotment.programs.fixing import Episode, fix_everything, fix_orders, recorded
from allotment.programs.path import sample_path
from allotment.programs.stocks import keep_at_least
from allotment.programs.world_program import check_possible, draft_of
from allotment.quantities import Flags
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats
from allotment.simulation.simulation import Simulation

POLICY, EVERYTHING, BOUND = "the policy itself", "all orders", "opening and closing stock"
MISSED = 1e-6  # relative difference between the score of an episode and the money of its programme
AT_ONCE = 64  # episodes that are played together


@dataclass(frozen=True)
class Foresight:
    """Scores of a policy's episodes with ever more foresight, by what was freed last; money per measured period."""

    scores: dict[str, Floats]  # (episodes,) each, none below the one before; the last is the bound of every policy

    @property
    def bound(self) -> Floats:
        """Return what no policy exceeds, (episodes,)."""
        return self.scores.get(BOUND, self.reachable)

    @property
    def reachable(self) -> Floats:
        """Return what perfect foresight earns that opens and closes with the policy's stock, (episodes,)."""
        return self.scores[EVERYTHING]


def foresight(world: World, policy: Policy, seeds: list[int], progress: Progress | None = None) -> Foresight:
    """Return what foresight is worth in the first episode of each seed.

    `ScenarioError` where a linear programme does not bound the world.
    """
    check_possible(world.problem)
    scores: dict[str, list[float]] = {}
    for place, (seed, episode) in enumerate(zip(seeds, episodes_of(world, policy, seeds), strict=True)):
        if place == 0:
            check_program(world, episode, seed)
        measured = episode.money[world.problem.clock.warm_up :].sum() / world.scenario.horizon.periods
        scores.setdefault(POLICY, []).append(float(measured))
        for name, lanes in freed(world):
            scores.setdefault(name, []).append(_value(world, episode, seed, lanes))
        if _opens_freely(world):
            scores.setdefault(BOUND, []).append(float(perfect_information(world, [seed])[0]))
        if progress:
            progress()
    return Foresight({name: np.array(values) for name, values in scores.items()})


def _opens_freely(world: World) -> bool:
    """Tell whether policies may open or close with stocks whose costs the score does not count, or not in full."""
    return world.problem.clock.warm_up > 0 or not world.problem.clock.season


def reachable(world: World, policy: Policy, seeds: list[int], progress: Progress | None = None) -> Floats:
    """Return what perfect foresight earns with the policy's opening and closing stock, (episodes,) money per period."""
    check_possible(world.problem)
    values = []
    for seed, episode in zip(seeds, episodes_of(world, policy, seeds), strict=True):
        values.append(_value(world, episode, seed, np.zeros(world.problem.shape.lanes, dtype=bool)))
        if progress:
            progress()
    return np.array(values)


def usual_rule(world: World) -> str:
    """Return the config of the shipped rule that a world calls for: of two sources where some site has them."""
    two = (source_lanes(world, CHEAPEST) != source_lanes(world, FASTEST)).any()
    return "dual_newsvendor" if two else "newsvendor"


def freed(world: World) -> Iterator[tuple[str, Flags]]:
    """Yield the steps, each with the lanes (L,) that stay as the policy used them; steps that free nothing are left out."""
    lanes = world.problem.lanes
    usual = np.isin(np.arange(len(lanes.to)), source_lanes(world, CHEAPEST))
    between = (lanes.site >= 0) & (lanes.plant < 0)
    transfers = between & ~usual
    steps = [
        ("serving", np.ones_like(usual)),
        ("transfers", ~transfers),
        ("shipments between sites", ~between),
        ("fast orders", usual & ~between),
    ]
    before = None
    for name, fixed in steps:
        if before is None or (fixed != before).any():
            yield name, fixed
        before = fixed
    yield EVERYTHING, np.zeros_like(usual)


def episodes_of(world: World, policy: Policy, seeds: list[int]) -> Iterator[Episode]:
    """Yield what a policy does in the first episode of each seed."""
    for first in range(0, len(seeds), AT_ONCE):
        memory: Floats | None = None

        def decide(simulation: Simulation) -> Decision:
            nonlocal memory
            decision = policy.decide(observe(simulation, memory))
            memory = decision.memory
            return decision

        yield from recorded(world.problem, seeds[first : first + AT_ONCE], decide)


def check_program(world: World, episode: Episode, seed: int) -> None:
    """Check that with everything fixed the programme has the episode's score; `ArithmeticError` where it has not."""
    draft = whole_episode(world, seed)
    fix_everything(draft, episode)
    found = solved(draft, world).value
    score = float(episode.money[world.problem.clock.warm_up :].sum() / world.scenario.horizon.periods)
    if abs(found - score) > MISSED * max(1.0, abs(score)):
        raise ArithmeticError(f"the programme of {world.name} counts {found}, its dynamics {score}")


def _value(world: World, episode: Episode, seed: int, fixed: Flags) -> float:
    """Return the best score with some lanes' orders as they were, from the policy's opening stock on."""
    draft = measured_part(world, episode, seed)
    fix_orders(draft, episode.executed[world.problem.clock.warm_up :], fixed)
    return solved(draft, world).value


def measured_part(world: World, episode: Episode, seed: int) -> Draft:
    """Return the programme of the measured periods, from the stock that a policy opened with; its value is the score."""
    problem, periods = world.problem, world.scenario.horizon.periods
    path = sample_path(problem, seed).since(problem.clock.warm_up)
    draft = draft_of(problem, path, episode.opening, np.full(periods, 1.0 / periods), problem.clock.warm_up)
    draft.program.constant += episode.begun / periods
    if not problem.clock.season:
        keep_at_least(draft, episode.closing(problem))
    return draft
