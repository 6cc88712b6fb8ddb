"""Is capacity worth its price? What a change of a world earns in common test worlds, against what it costs now.

    net present value = −cost + Σ_{n = delay + 1}^{delay + life} gain ÷ (1 + rate ÷ periods a year)^n

The gain is profit with the change less profit without it, per period, paired world by world: the policy is tuned in each of
the two where its config leaves something open. Its interval is that of a mean (Student's t). A gain may be stated instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy import optimize, stats

from allotment.quantities import Floats
from allotment.scenario.errors import ScenarioError, explain
from allotment.scenario.yaml_file import read_yaml

PERIODS_A_YEAR = {"day": 365.0, "week": 52.0, "month": 12.0, "quarter": 4.0, "year": 1.0}
MOST = 1e12  # money
Amount = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Periods = Annotated[int, Field(ge=0, le=100_000)]


class Case(BaseModel):
    """What a file of an investment says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cost: Amount  # money, paid now
    life: Annotated[int, Field(ge=1, le=100_000)]  # periods in which it earns
    rate: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]  # 1/year, in equal parts a period
    delay: Periods = 0  # periods until it begins to
    period: str | None = None  # what a period is called, where no world says it
    gain: Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)] | None = None  # money/period, instead of a world
    world: str | None = None  # a shipped world, or a file
    policy: str | dict[str, Any] | None = None  # a rule's config, tuned with and without the change
    change: list[str] = []  # texts `a.b=c` that replace values of the world
    episodes: Annotated[int, Field(ge=2, le=1_000_000)] = 200  # test worlds
    seed: Annotated[int, Field(ge=0)] = 0  # of the test worlds

    @model_validator(mode="after")
    def _a_gain_or_a_world(self) -> Case:
        stated = [name for name in ("world", "policy", "change") if getattr(self, name)]
        if self.gain is not None and stated:
            raise ValueError(f"gain is stated; leave {stated[0]} out, or leave the gain to be measured")
        if self.gain is None and len(stated) < 3:
            missing = next(name for name in ("world", "policy", "change") if name not in stated)
            raise ValueError(f"must state a gain, or world, policy and change by which it is measured; {missing} is missing")
        if self.gain is not None and self.period not in PERIODS_A_YEAR:
            raise ValueError(f"period must be {', '.join(PERIODS_A_YEAR)}, by which the rate is divided, not {self.period}")
        return self


@dataclass(frozen=True)
class Gain:
    """Money per period that a change brings, with its 95 % interval."""

    mean: float
    error: float = 0.0  # standard error
    low: float = float("nan")
    high: float = float("nan")

    @classmethod
    def of(cls, differences: Floats) -> Gain:
        """Return the mean of paired differences (episodes,)."""
        mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
        reach = float(stats.t.ppf(0.975, len(differences) - 1)) * error
        return cls(mean, error, mean - reach, mean + reach)


@dataclass(frozen=True)
class Appraisal:
    """What an investment is worth."""

    case: Case
    gain: Gain
    period: str

    @property
    def rate(self) -> float:
        """Return the rate of a period."""
        return self.case.rate / PERIODS_A_YEAR[self.period]

    def value(self, gain: float) -> float:
        """Return the net present value, in money, at a gain per period."""
        return -self.case.cost + gain * annuity(self.rate, self.case.life, self.case.delay)

    @property
    def net_present_value(self) -> float:
        """Return the net present value at the mean gain, in money."""
        return self.value(self.gain.mean)

    @property
    def paid_back(self) -> int | None:
        """Return the period at whose end the gains have come to the cost, undiscounted; none where that is never."""
        if self.gain.mean <= 0.0:
            return None if self.case.cost else 0
        needed = int(np.ceil(self.case.cost / self.gain.mean - 1e-9))
        return self.case.delay + needed if needed <= self.case.life else None

    @property
    def internal_rate(self) -> float | None:
        """Return the yearly rate at which the value is zero; none where there is none from 0 to 1,000 %."""
        most = 10.0 / PERIODS_A_YEAR[self.period]

        def worth(rate: float) -> float:
            return -self.case.cost + self.gain.mean * annuity(rate, self.case.life, self.case.delay)

        if self.case.cost == 0.0 or not worth(0.0) > 0.0 > worth(most):
            return None
        return float(optimize.brentq(worth, 0.0, most)) * PERIODS_A_YEAR[self.period]


def annuity(rate: float, life: int, delay: int = 0) -> float:
    """Return what 1 at the end of each of `life` periods is worth now, the first of them `delay` + 1 periods from now."""
    if rate == 0.0:
        return float(life)
    return float((1.0 - (1.0 + rate) ** -life) / rate * (1.0 + rate) ** -delay)


def read_case(file: str | Path) -> Case:
    """Return what a file says of an investment; `ScenarioError` names the file, the key, and what is allowed."""
    content = read_yaml(Path(file))
    try:
        return Case.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(explain(error, content, Case, str(file))) from None


def appraisal(case: Case, without: Floats, changed: Floats, period: str) -> Appraisal:
    """Return what a change is worth whose profits per period (episodes,) in common worlds are known."""
    if period not in PERIODS_A_YEAR:
        allowed = ", ".join(PERIODS_A_YEAR)
        raise ScenarioError(f"{case.world}: a period is called {period}; a yearly rate needs {allowed} (period: …)")
    return Appraisal(case, Gain.of(changed - without), period)


def stated(case: Case) -> Appraisal:
    """Return what an investment is worth whose gain is stated."""
    assert case.gain is not None
    assert case.period is not None
    return Appraisal(case, Gain(case.gain, 0.0, case.gain, case.gain), case.period)


def rows(made: Appraisal) -> Mapping[str, str]:
    """Return what is told of an investment, by line."""
    gain, money = made.gain, f"{made.net_present_value:,.2f}"
    measured = gain.error > 0.0
    between = f" [{made.value(gain.low):,.2f}, {made.value(gain.high):,.2f}]" if measured else ""
    never = f"not within its {made.case.life} periods"
    back, rate = made.paid_back, made.internal_rate
    return {
        "cost, paid now": f"{made.case.cost:,.2f}",
        f"gain per {made.period}": f"{gain.mean:,.2f}"
        + (f" ± {gain.error:,.2f} [{gain.low:,.2f}, {gain.high:,.2f}]" if measured else ""),
        f"net present value at {made.case.rate:.2%} a year": money + between,
        "paid back": never if back is None else f"in {made.period} {back}",
        "internal rate of return": "none" if rate is None else f"{rate:.1%} a year",
    }
