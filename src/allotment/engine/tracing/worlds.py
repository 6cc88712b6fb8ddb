"""A batch of worlds whose periods are programs: state as rows, a period's draws, and a step that Torch differentiates.

Rows (n, B) hold the arrays of a state one after the other, each number in all worlds; `array` gives one of them its axes back.
All worlds of a batch are in the same period. Values and gradients are those of the array dynamics on Torch, at a small part of
the time, on the processor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import numpy as np

from allotment.engine import randomness
from allotment.engine.drawn import Drawn
from allotment.engine.dynamics.period import multipliers, reset, with_next_regimes
from allotment.engine.state import DECISION, State
from allotment.engine.tracing.playing import torch_function
from allotment.engine.tracing.program import Draw, Program, traced_period
from allotment.engine.tracing.rows import rows_of, state_layout
from allotment.quantities import Floats, Integers
from allotment.scenario.problem import Problem


class TracedWorlds:
    """Episodes of a relaxed problem, one for each seed (B,), or drawn ahead; `records` names what is wanted of a record.

    Raises `Untraceable` at a step whose dynamics look at values: demand that is drawn after goodwill has changed.
    """

    def __init__(self, problem: Problem, seeds: Integers | Drawn, records: tuple[str, ...] = ("reward",)) -> None:
        if not problem.rules.relaxed:
            raise ValueError("programs are of a world's continuous relaxation: make it with relaxation.relaxed")
        self.problem, self.records = problem, records
        self.restart(seeds)
        self._programs: dict[tuple[Any, ...], Program] = {}
        self._played, self.cycle = torch_function(), _cycle(problem)
        self.layout = state_layout(problem)

    def restart(self, seeds: Integers | Drawn) -> None:
        """Begin the first episode of each seed (B,), or of worlds that were drawn ahead; programs are kept."""
        self._drawn = seeds if isinstance(seeds, Drawn) else None
        numbers = np.asarray(seeds.seeds if isinstance(seeds, Drawn) else seeds)
        with randomness.drawing(self._drawn):
            self._state = reset(self.problem, numbers, np.zeros(len(numbers), dtype=np.int64))

    @property
    def period(self) -> int:
        """Return the period of the coming decision."""
        return int(self._state.period[0])

    def start(self, dtype: Any = None) -> Any:
        """Return the rows of the state before an episode's first decision, by default in Torch's usual precision."""
        import torch

        return torch.as_tensor(self.rows_of(self._state), dtype=dtype or torch.get_default_dtype())

    def rows_of(self, state: State) -> Floats:
        """Return the arrays of a state of NumPy as rows, (n, B); raises `ValueError` where what has no row is not nothing."""
        return rows_of(self.problem, self.layout, state)

    def array(self, rows: Any, name: str) -> Any:
        """Return one array of a state's rows, (B, …)."""
        return self.layout.array(rows, name)

    def step(self, rows: Any, decision: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Play a period; returns the next state's rows, and the wanted records, (B, …) each.

        Quantities of a decision go by name, each (B, …) as in `Decision`; those left out are the scenario's.
        """
        import torch

        program = self._program(frozenset(decision))
        if self.problem.shape.groups:
            goodwill = self.array(rows, "goodwill").detach().numpy().astype(np.float64)
            self._state = self._state._replace(goodwill=goodwill)
        given = [rows, *(decision[name].to(rows.dtype).reshape(rows.shape[1], -1).T for name in DECISION if name in decision)]
        with randomness.drawing(self._drawn):
            given += [torch.as_tensor(np.require(each, requirements="W"), dtype=rows.dtype) for each in self._draws(program)]
        lengths = [self.layout.rows, *(int(program.made.there[name].sum()) for name in self.records)]
        after, *made = self._played(program, lengths, *given)
        records = {name: self._record(program, array, name) for name, array in zip(self.records, made, strict=True)}
        self._state = self._state._replace(period=self._state.period + 1)
        return after, records

    def _record(self, program: Program, rows: Any, name: str) -> Any:
        """Return a record of the period, (B, …); rewards are discounted."""
        record = rows.T.reshape(-1, *program.made.there[name].shape)
        clock = self.problem.clock
        return record * clock.discount ** max(self.period - clock.warm_up, 0) if name == "reward" else record

    def _program(self, decided: frozenset[str]) -> Program:
        """Return the program of the coming period: an earlier one's that was alike, or a new one."""
        last, first = self.period == self.problem.clock.length - 1, self.period == 0
        key = (decided, last, first, self.period if last or first else self.period % self.cycle)
        if key not in self._programs:
            self._programs[key] = traced_period(self.problem, self.period, decided, self.records)
        return self._programs[key]

    def _draws(self, program: Program) -> Iterator[Floats]:
        """Yield what a period draws, in the order in which its program is given it; regimes move on."""
        for draw in program.draws.values():
            yield self._draw(draw).reshape(len(self._state.period), -1).T

    def _draw(self, draw: Draw) -> Any:
        state = self._state._replace(period=self._state.period + draw.later)
        where = state.seed, state.episode, state.period
        if draw.what == "uniforms":
            assert draw.streams is not None
            return randomness.uniforms(draw.streams, *where)
        if draw.what == "lead_times":
            return randomness.lead_times(self.problem, *where)
        state = with_next_regimes(self.problem, state)
        self._state = self._state._replace(regime=state.regime)
        return randomness.demands(self.problem, multipliers(self.problem, state), *where)


def _cycle(problem: Problem) -> int:
    """Return after how many periods calendars and counts of stock are alike again."""
    lengths = {1, *problem.sites.count_every[problem.sites.count_every > 0].tolist()}
    for part in problem:
        for name, hint in get_type_hints(type(part), include_extras=True).items() if hasattr(part, "_fields") else ():
            if getattr(hint, "__metadata__", ("",))[0].split(" ")[0] == "T":
                lengths.add(len(getattr(part, name)))
    treasury = problem.treasury
    lengths.add(treasury.per * math.lcm(len(treasury.amounts), len(treasury.total)))
    return math.lcm(*lengths)
