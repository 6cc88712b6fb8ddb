"""The states that a world can reach, and what leads from one to the next: explored from its first states on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from allotment.engine.state import Decision, State
from allotment.exact.iteration import Link
from allotment.exact.numbering import Numbering
from allotment.exact.stages import Stages
from allotment.scenario.problem import RECEIVE, Floats, Integers

CHUNK = 50_000  # rows that are played together, at most
OUTCOMES = 1_000_000  # of rows that are played together, about
LARGEST_STATE_SPACE = 5_000_000  # pairs of any kind


class Level:
    """The states of one kind: between two stages, what is in the sites and what is on its way, and the pairs that occur."""

    def __init__(self, rest: int, carried: int, limit: int) -> None:
        self.rest = Numbering(rest, limit, "states")
        self.carried = Numbering(carried, limit, "states")
        self.pairs = Numbering(2, limit, "states")

    def number(self, rest: Integers, carried: Integers) -> Integers:
        """Return the numbers of pairs of rows."""
        return self.pairs.number(np.stack([self.rest.number(rest), self.carried.number(carried)], axis=1))


@dataclass
class Moves:
    """What leads from numbers to numbers: `to[i]` from `start[i]` with a probability; money by the number it starts from."""

    start: list[Integers] = field(default_factory=list)
    to: list[Integers] = field(default_factory=list)
    probability: list[Floats] = field(default_factory=list)
    money: list[Floats] = field(default_factory=list)

    def add(self, start: Integers, to: Integers, probability: Floats, money: Floats) -> None:
        """Add moves from further numbers, in their order."""
        self.start.append(start.astype(np.int32))
        self.to.append(to.astype(np.int32))
        self.probability.append(probability)
        self.money.append(money)

    def matrix(self, rows: int, columns: int) -> sparse.csr_matrix:
        """Return the probabilities, (rows, columns)."""
        if not self.start:
            return sparse.csr_matrix((rows, columns))
        values, places = np.concatenate(self.probability), (np.concatenate(self.start), np.concatenate(self.to))
        return sparse.csr_matrix((values, places), shape=(rows, columns))

    def rewards(self) -> Floats:
        """Return the money by the number that it starts from."""
        return np.concatenate(self.money) if self.money else np.zeros(0)


class Stage:
    """One stage after the decision, as far as it has been explored, between two levels."""

    def __init__(self, stages: Stages, phases: tuple[int, ...], before: Level, after: Level) -> None:
        self.stages, self.phases, self.before, self.after = stages, phases, before, after
        self.moves = Moves()  # of pairs
        self.in_sites = Moves()  # of what is in the sites, where that is played for itself
        self.carried_to, self.carried_money = np.zeros(0, dtype=np.int64), np.zeros(0)
        self.played, self.pace = 0, Pace()  # pairs
        self.extend = self._extend_joint if phases == (RECEIVE,) else self._extend_in_sites

    def transition(self) -> sparse.csr_matrix:
        """Return the probabilities from pairs before to pairs after."""
        return self.moves.matrix(self.before.pairs.count, self.after.pairs.count)

    def _extend_joint(self) -> None:
        """Play what has not been played yet, pair by pair."""
        before = self.before
        for numbers in self.pace.chunks(self.played, before.pairs.count):
            rest, carried = before.pairs.rows[numbers].T
            found, money = self.stages.receive(before.rest.rows[rest], before.carried.rows[carried])
            self.pace.saw(numbers, found.row)
            self.moves.add(numbers[found.row], self.after.number(*found.result), found.probability, money)
        self.played = before.pairs.count

    def _extend_in_sites(self) -> None:
        """Play what has not been played yet in the sites, let what is on its way be, and put both together."""
        before, after, known = self.before, self.after, sum(map(len, self.in_sites.money))
        for numbers in self.pace.chunks(known, before.rest.count):
            became = self.stages.run(before.rest.rows[numbers], self.phases)
            self.pace.saw(numbers, became.row)
            self.in_sites.add(numbers[became.row], after.rest.number(became.rows), became.probability, became.money)
        if before.carried.count > len(self.carried_to):
            rows, money = self.stages.carry(before.carried.rows[len(self.carried_to) :], self.phases)
            self.carried_to = np.concatenate([self.carried_to, after.carried.number(rows)])
            self.carried_money = np.concatenate([self.carried_money, money])
        self._put_together()

    def _put_together(self) -> None:
        transition = self.in_sites.matrix(self.before.rest.count, max(self.after.rest.count, 1))
        lengths, money = np.diff(transition.indptr), self.in_sites.rewards()
        for numbers in Pace().chunks(self.played, self.before.pairs.count):
            rest, carried = self.before.pairs.rows[numbers].T
            counts = lengths[rest]
            place = np.repeat(transition.indptr[rest], counts) + _counted(counts)
            pairs = np.stack([transition.indices[place], np.repeat(self.carried_to[carried], counts)], axis=1)
            to = self.after.pairs.number(pairs)
            self.moves.add(np.repeat(numbers, counts), to, transition.data[place], money[rest] + self.carried_money[carried])
        self.played = self.before.pairs.count


class Pace:
    """How many rows are played together: as many as have a good number of outcomes."""

    def __init__(self) -> None:
        self.outcomes_of_a_row = OUTCOMES / 16

    def chunks(self, begin: int, end: int) -> Iterator[Integers]:
        """Return the numbers from `begin` to `end`, some at a time."""
        while begin < end:
            size = int(np.clip(OUTCOMES / self.outcomes_of_a_row, 1, CHUNK))
            yield np.arange(begin, min(begin + size, end))
            begin += size

    def saw(self, rows: Integers, outcomes: Integers) -> None:
        """Take note of how many outcomes some rows had."""
        self.outcomes_of_a_row = max(1.0, len(outcomes) / max(len(rows), 1))


def _counted(counts: Integers) -> Integers:
    """Return 0, 1, … up to each count, end to end."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


class Space:
    """The states of a world at its decisions, and the stages between two decisions."""

    def __init__(self, stages: Stages, limit: int = LARGEST_STATE_SPACE) -> None:
        coding, start = stages.coding, stages.coding.empty
        widths = coding.rest(start).shape[1], coding.carried(start).shape[1]
        phases = stages.after_decide
        self.stages, self.coding = stages, coding
        self.decisions = Level(*widths, limit)
        levels = [Level(*widths, limit) for _ in phases] + [self.decisions]
        self.decided = levels[0]
        self.after = [Stage(stages, *each) for each in zip(phases, levels[:-1], levels[1:], strict=True)]

    def states(self, numbers: Integers) -> State:
        """Return the states of some decisions."""
        rest, carried = self.decisions.pairs.rows[numbers].T
        return self.coding.state(self.decisions.rest.rows[rest], self.decisions.carried.rows[carried])

    def decide(self, numbers: Integers, decision: Decision) -> tuple[Integers, Integers, Floats, Floats]:
        """Play decisions in the states of some numbers, one each.

        Returns which of them led to which pairs after the decision, with what probability, and the money of each decision.
        """
        found, money = self.stages.decide(self.states(numbers), decision)
        return found.row, self.decided.number(*found.result), found.probability, money

    def extend(self) -> None:
        """Play all stages for what decisions have led to so far; new states of decisions may come of it."""
        for stage in self.after:
            stage.extend()

    def following(self) -> list[Link]:
        """Return each stage after a decision: probabilities from pairs to the next stage's, and money by pair."""
        return [Link(stage.transition(), stage.moves.rewards()) for stage in self.after]
