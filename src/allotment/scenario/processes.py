"""The random processes a scenario file may name: demand per channel and SKU, lead time per supply lane.

Each process is chosen by its `distribution`; parameters are in units per period or in periods.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PerSkuMean = NonNegative | dict[str, NonNegative]


class Process(BaseModel):
    """A frozen process that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Season(Process):
    """A repeating multiplier on the mean: a cosine, or a written profile."""

    period: Annotated[int, Field(ge=1, le=1000)] = 52  # periods in one cycle
    amplitude: Annotated[float, Field(ge=0, le=1)] = 0.0  # 1 + amplitude × cos(2π (t − peak) ÷ period)
    peak: float = 0.0  # period of the highest mean
    profile: list[NonNegative] | None = None  # multipliers instead of the cosine, one per period of the cycle

    @model_validator(mode="after")
    def _profile_covers_the_cycle(self) -> Season:
        if self.profile is not None and len(self.profile) != self.period:
            raise ValueError(f"profile has {len(self.profile)} values, the cycle has {self.period} periods")
        return self


class Shaped(Process):
    """A process with a mean that a season may shape and that a scale per channel multiplies."""

    mean: PerSkuMean  # units/period
    scale: NonNegative | dict[str, NonNegative] = 1.0  # by channel name pattern
    season: Season | None = None


class Poisson(Shaped):
    distribution: Literal["poisson"]


class NegativeBinomial(Shaped):
    """Over-dispersed counts: variance = dispersion × mean."""

    distribution: Literal["negative_binomial"]
    dispersion: Annotated[float, Field(gt=1)]  # variance ÷ mean


class Geometric(Shaped):
    """P(d) = (1 − q) q^d with mean q ÷ (1 − q)."""

    distribution: Literal["geometric"]


class Binomial(Process):
    distribution: Literal["binomial"]
    trials: Annotated[int, Field(ge=1)]
    probability: Annotated[float, Field(ge=0, le=1)]


class UniformInteger(Process):
    distribution: Literal["uniform_integer"]
    low: Annotated[int, Field(ge=0)]
    high: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _low_is_not_above_high(self) -> UniformInteger:
        if self.low > self.high:
            raise ValueError(f"low must be <= high, not {self.low} > {self.high}")
        return self


class Deterministic(Shaped):
    distribution: Literal["deterministic"]


class Normal(Shaped):
    """Normal, clipped at 0; the coefficient of variation stays where a scale or a season moves the mean."""

    distribution: Literal["normal"]
    standard_deviation: NonNegative  # units at `mean`


class Empirical(Process):
    """Whole periods of a recorded history, resampled: every channel and SKU takes the same recorded period.

    With `window` w the recorded period lies within w periods of the same place in the recorded cycle.
    """

    distribution: Literal["empirical"]
    history: str
    window: Annotated[int, Field(ge=0)] | None = None  # periods either side; none = any recorded period


class Trace(Process):
    """A recorded history replayed in order; what policies may know of it comes from `forecast`, another history."""

    distribution: Literal["trace"]
    history: str
    forecast: str
    window: Annotated[int, Field(ge=0)] | None = None  # of the forecast, as for `empirical`


DemandProcess = Annotated[
    Poisson | NegativeBinomial | Geometric | Binomial | UniformInteger | Deterministic | Normal | Empirical | Trace,
    Field(discriminator="distribution"),
]


class Categorical(Process):
    """Lead time from a list of values with probabilities."""

    distribution: Literal["categorical"]
    values: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    probabilities: list[NonNegative]

    @model_validator(mode="after")
    def _probabilities_are_a_distribution(self) -> Categorical:
        if len(self.values) != len(self.probabilities):
            raise ValueError(f"{len(self.values)} values but {len(self.probabilities)} probabilities")
        if abs(sum(self.probabilities) - 1.0) > 1e-9:
            raise ValueError(f"probabilities must sum to 1, not {sum(self.probabilities)}")
        return self


class ShiftedPoisson(Process):
    """shift + Poisson(mean), with the tail's mass at `maximum`."""

    distribution: Literal["shifted_poisson"]
    shift: Annotated[int, Field(ge=0)] = 0
    mean: NonNegative
    maximum: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _maximum_is_not_below_shift(self) -> ShiftedPoisson:
        if self.maximum < self.shift:
            raise ValueError(f"maximum must be >= shift, not {self.maximum} < {self.shift}")
        return self


LeadTime = Annotated[Categorical | ShiftedPoisson, Field(discriminator="distribution")]
