"""A world over some periods as a linear programme: the phases of each period in their order, as the dynamics play them.

Cash is left out: orders are never cut for want of it, nor does credit cost interest, so that a bound is one all the more.
"""

from __future__ import annotations

from allotment.programs import service, stocks, supply
from allotment.programs.draft import Draft
from allotment.programs.linear_program import LinearProgram
from allotment.programs.opening import Opening
from allotment.programs.path import SamplePath
from allotment.programs.worth import check_known
from allotment.scenario.errors import ScenarioError
from allotment.scenario.problem import CHARGE, DECIDE, DEMAND, EXPIRE, FULFIL, RECEIVE, Floats, Problem

LARGEST = 1_000_000  # variables of a programme


def check_possible(problem: Problem) -> None:
    """Refuse a world that a linear programme does not bound; `ScenarioError` names what is in the way, or its size."""
    check_known(problem)
    check_size(problem, problem.clock.length, "shorten horizon.periods or skus")
    follows = (problem.modulation.goodwill_group >= 0)[:, None]
    if (follows & (problem.demand.noise > 1.0)).any():
        raise ScenarioError("goodwill with noise_scale above 1 gives no bound: less demand may then follow from better service")


def check_size(problem: Problem, periods: int, remedy: str) -> None:
    """Refuse a programme of so many periods that has too many variables; `ScenarioError` says how many."""
    n = problem.shape
    cells = n.lanes * n.lives + (n.fulfilment + n.channels) * n.slots + 4 * n.sites * n.lives
    variables = periods * n.skus * cells
    if variables > LARGEST:
        axes = f"{periods} periods, {n.skus} SKUs, {n.lanes} supply lanes, {n.fulfilment} fulfilment lanes"
        raise ScenarioError(
            f"a linear programme of this world has about {variables:,} variables ({axes}), more than {LARGEST:,}; {remedy}"
        )


def draft_of(
    problem: Problem,
    path: SamplePath,
    opening: Opening,
    weights: Floats,
    first: int = 0,
    ends: bool = True,
    program: LinearProgram | None = None,
) -> Draft:
    """Return the programme of a path's periods, the first of which is period `first` of the episode.

    `weights` (T,) are what money of each period's record counts; `ends` says that a season ends after them, with salvage;
    `program` is the one that the periods become a part of, by default one of their own.
    """
    draft = Draft(problem, path, opening, weights, first, program or LinearProgram())
    is_open = [(draft.open_demand, draft.kept)]
    for period in range(path.periods):
        begun = opening.decides and period == 0
        phases = problem.clock.sequence[problem.clock.decide_at if begun else 0 :]
        service.open_period(draft, period)
        is_open = is_open if begun else service.aged(draft)
        for phase in phases.tolist():
            if phase == RECEIVE:
                supply.receive(draft, period)
            elif phase == DECIDE:
                supply.order(draft, period)
            elif phase == DEMAND:
                is_open = service.demand(draft, period, is_open)
            elif phase == FULFIL:
                service.fulfil(draft, period, is_open)
            elif phase == EXPIRE:
                stocks.expire(draft, period)
            elif phase == CHARGE:
                stocks.charge(draft, period)
    if problem.clock.season and ends:
        stocks.pay_at_the_end(draft)
    return draft
