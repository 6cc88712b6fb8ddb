"""Worlds whose periods are programs: their state as rows, the draws of a period, and a step that Torch differentiates."""

from __future__ import annotations

from typing import Any

import numpy as np

from allotment.engine import randomness
from allotment.engine.dynamics.period import _multipliers, _with_next_regimes, reset
from allotment.engine.state import DECISION, State
from allotment.engine.tracing.program import BY_SLOT, Draw, Program, _ages, _names, traced_period
from allotment.engine.tracing.playing import function
from allotment.scenario.problem import Problem


class TracedWorlds:
    """A batch of worlds in one period, of a relaxed problem."""

    def __init__(self, problem: Problem, seeds: np.ndarray, records: tuple[str, ...] = ("reward",)) -> None:
        self.problem, self.records = problem, records
        self.state = reset(problem, seeds, np.zeros_like(seeds))  # periods, seeds and regimes; arrays of the first decision
        self.programs: dict[Any, Program] = {}
        self.apply = function()

    @property
    def period(self) -> int:
        return int(self.state.period[0])

    def program(self, decided: frozenset[str]) -> Program:
        """Return the program of the coming period."""
        key = (self.period, decided)
        if key not in self.programs:
            self.programs[key] = traced_period(self.problem, self.period, decided, self.records)
        return self.programs[key]

    def rows_of(self, state: State) -> np.ndarray:
        """Return the arrays of a state as rows, (rows, B)."""
        parts = []
        for name, _ in _names(self.problem):
            array = getattr(state, name)
            if name in BY_SLOT:
                array = array[:, _ages(self.problem, name, int(state.period[0]))]
            if name == "arrival":
                array = array - state.period[:, None, None, None]
            parts.append(np.asarray(array, dtype=np.float64).reshape(len(array), -1).T)
        return np.concatenate(parts)

    def drawn(self, program: Program) -> list[np.ndarray]:
        """Return what a period draws, in the order in which its program is given it; regimes move on."""
        return [self._draw(draw).reshape(len(self.state.period), -1).T for draw in program.draws.values()]

    def _draw(self, draw: Draw) -> np.ndarray:
        problem, state = self.problem, self.state._replace(period=self.state.period + draw.later)
        where = state.seed, state.episode, state.period
        if draw.what == "uniforms":
            return randomness.uniforms(draw.streams, *where)
        if draw.what == "lead_times":
            return randomness.lead_times(problem, *where)
        state = _with_next_regimes(problem, state)
        self.state = self.state._replace(regime=state.regime)
        return randomness.demands(problem, _multipliers(problem, state), *where)

    def step(self, rows: Any, decision: dict[str, Any]) -> Any:
        """Return what a period makes of rows (state, B) and decisions by name, (n, B): the next state's rows, then records'."""
        import torch

        program = self.program(frozenset(decision))
        if self.problem.shape.groups:
            goodwill = rows[program.given.slice("goodwill")].detach().numpy().T
            self.state = self.state._replace(goodwill=goodwill.astype(np.float64))
        drawn = [torch.as_tensor(np.ascontiguousarray(each), dtype=rows.dtype) for each in self.drawn(program)]
        parts = [decision[name] for name in DECISION if name in decision]
        given = torch.cat([rows, *parts, *drawn])
        assert len(given) == program.given.rows
        made = self._discounted(program, self.apply(given, program))
        self.state = self.state._replace(period=self.state.period + 1)
        return made

    def _discounted(self, program: Program, made: Any) -> Any:
        """Return what is made with the reward discounted, as a record's is."""
        clock = self.problem.clock
        if clock.discount == 1.0 or "reward" not in program.made.shapes:
            return made
        scale = np.ones((len(made), 1))
        scale[program.made.slice("reward")] = clock.discount ** max(self.period - clock.warm_up, 0)
        return made * made.new_tensor(scale)
