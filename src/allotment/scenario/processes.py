"""The random processes a scenario file may name: demand per channel and SKU, lead time per supply lane.

Each process is chosen by its `distribution`; parameters are in units per period or in periods.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from allotment.quantities import Flags, Integers
from allotment.scenario.amounts import AtLeastOne, Count, Finite, Kept, NonNegative, PerSku, Positive, Probability, Units


class Process(BaseModel):
    """A frozen process that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Season(Process):
    """A repeating multiplier on the mean: a cosine, or a written profile."""

    period: Annotated[int, Field(ge=1, le=1000)] = 52  # periods in one cycle
    amplitude: Annotated[float, Field(ge=0, le=1)] = 0.0  # 1 + amplitude × cos(2π (t − peak) ÷ period)
    peak: Finite = 0.0  # period of the highest mean
    profile: list[NonNegative] | None = None  # multipliers instead of the cosine, one per period of the cycle

    @model_validator(mode="after")
    def _profile_covers_the_cycle(self) -> Season:
        if self.profile is not None and len(self.profile) != self.period:
            raise ValueError(f"profile has {len(self.profile)} values, the cycle has {self.period} periods")
        return self


class Shock(Process):
    """A multiplier on the mean that stays, from a period of the episode on."""

    period: Count  # period of the episode from which on it holds, 0 is the first
    multiplier: NonNegative  # of the mean


class Promotion(Process):
    """A multiplier on the mean from one period of the episode to another, both included."""

    start: Count  # period, the first
    end: Count  # period, the last
    multiplier: NonNegative  # of the mean
    sku: str = "*"  # the SKUs that are promoted, a name or a pattern
    every: Annotated[int, Field(ge=2)] | None = None  # periods after which it comes again; none = it comes once

    @model_validator(mode="after")
    def _it_does_not_end_before_it_starts(self) -> Promotion:
        if self.end < self.start:
            raise ValueError(f"end must be >= start, not {self.end} < {self.start}")
        if self.every is not None and self.end >= self.every:
            raise ValueError(f"end must be below every, not {self.end} of {self.every}")
        return self

    def holds(self, periods: Integers) -> Flags:
        """Tell in which of some periods of the episode it holds."""
        since = periods if self.every is None else periods % self.every
        return (since >= self.start) & (since <= self.end)


class Drawn(Process):
    """What may be done to any draw of a demand."""

    maximum: NonNegative | None = None  # units; the probability of more sits there
    noise_scale: Annotated[NonNegative, Field(le=1000)] = 1.0  # max(0, mean + noise_scale × (draw − mean))


class Shaped(Drawn):
    """A process with a mean, which a scale per channel and shapes over the periods of an episode multiply."""

    mean: PerSku  # units/period, before anything multiplies it
    scale: NonNegative | dict[str, NonNegative] = 1.0  # multiplier of the mean, one or by channel name pattern
    season: Season | None = None  # a multiplier that repeats
    trend: Finite = 0.0  # 1/period; the mean is multiplied by 1 + trend × t
    shocks: list[Shock] = []  # multipliers that stay
    promotions: list[Promotion] = []  # multipliers that pass
    mean_floor: NonNegative = 0.0  # units/period; the shaped mean is never below

    @property
    def moves(self) -> bool:
        """Tell whether the mean depends on the period of the episode, not only on the season."""
        return bool(self.trend or self.shocks or any(promotion.every is None for promotion in self.promotions))

    @property
    def cycles(self) -> set[int]:
        """Return after how many periods each of the shapes that repeat begins again."""
        seasons = set() if self.season is None else {self.season.period}
        return seasons | {promotion.every for promotion in self.promotions if promotion.every is not None}


class Poisson(Shaped):
    """Counts whose variance is their mean."""

    distribution: Literal["poisson"]


class NegativeBinomial(Shaped):
    """Over-dispersed counts: variance = dispersion × mean."""

    distribution: Literal["negative_binomial"]
    dispersion: Annotated[float, Field(ge=1.0001, le=1e6)]  # variance ÷ mean


class Geometric(Shaped):
    """P(d) = (1 − q) q^d with mean q ÷ (1 − q)."""

    distribution: Literal["geometric"]


class Binomial(Drawn):
    """How many of a number of possible units are asked for."""

    distribution: Literal["binomial"]
    trials: AtLeastOne  # units that may be asked for
    probability: Probability  # chance of each to be asked for


class UniformInteger(Drawn):
    """Whole units between two bounds, all equally likely."""

    distribution: Literal["uniform_integer"]
    low: Units  # units, the fewest
    high: Units  # units, the most

    @model_validator(mode="after")
    def _low_is_not_above_high(self) -> UniformInteger:
        if self.low > self.high:
            raise ValueError(f"low must be <= high, not {self.low} > {self.high}")
        return self


class Deterministic(Shaped):
    """The mean itself."""

    distribution: Literal["deterministic"]


class Normal(Shaped):
    """Normal, clipped at 0; the coefficient of variation stays where a scale or a season moves the mean."""

    distribution: Literal["normal"]
    standard_deviation: NonNegative  # units at `mean`
    rounded: bool = False  # whether draws are rounded to whole units


class Gamma(Shaped):
    """Gamma with a coefficient of variation that stays where a scale or a season moves the mean."""

    distribution: Literal["gamma"]
    coefficient_of_variation: Annotated[Positive, Field(ge=1e-4, le=100)]  # standard deviation ÷ mean
    rounded: bool = False  # whether draws are rounded to whole units


class Intermittent(Drawn):
    """Now and then an order of some size, most often nothing."""

    distribution: Literal["intermittent"]
    probability: Probability  # chance of an order in a period
    # units of an order, a distribution of their own
    size: Annotated[
        Poisson | NegativeBinomial | Geometric | Binomial | UniformInteger | Deterministic, Field(discriminator="distribution")
    ]  # units of an order


class Empirical(Drawn):
    """Whole periods of a recorded history, resampled: every channel and SKU takes the same recorded period.

    With `window` w the recorded period lies within w periods of the same place in the recorded cycle.
    """

    distribution: Literal["empirical"]
    history: str  # the recorded demand that is resampled
    window: Count | None = None  # periods either side; none = any recorded period


class Trace(Drawn):
    """A recorded history replayed in order; what policies may know of it comes from `forecast`, another history."""

    distribution: Literal["trace"]
    history: str  # the recorded demand that is replayed
    forecast: str  # the recorded demand that forecasts are made from
    window: Count | None = None  # of the forecast, as for `empirical`


class OneOf(Process):
    """At most one unit event a period: a unit ordered by a channel, a unit of a supplier's capacity, or nothing.

    So a queue in continuous time is played event by event (uniformisation): a supplier named here can ship one unit in the
    periods whose event is its own, and nothing in others.
    """

    distribution: Literal["one_of"]
    channels: dict[str, Probability]  # chance of a unit ordered by each channel
    suppliers: dict[str, Probability] = {}  # chance of a unit of capacity of each supplier

    @model_validator(mode="after")
    def _at_most_one(self) -> OneOf:
        total = sum([*self.channels.values(), *self.suppliers.values()])
        if total > 1.0 + 1e-9:
            raise ValueError(f"probabilities of channels and suppliers must sum to at most 1, not {total:g}")
        return self


DemandProcess = Annotated[
    Poisson
    | NegativeBinomial
    | Geometric
    | Binomial
    | UniformInteger
    | Deterministic
    | Normal
    | Gamma
    | Intermittent
    | Empirical
    | Trace
    | OneOf,
    Field(discriminator="distribution"),
]


class LeadTimeProcess(Process):
    """How lead times are drawn: a draw for every lane and period, whether it is used or not."""

    draw: Literal["lane", "sku"] = "lane"  # one draw for all SKUs of a lane, or one for each
    # orders may overtake; each waits for earlier ones; Kaplan (1970)
    crossing: Literal["allowed", "none", "kaplan"] = "allowed"


class Categorical(LeadTimeProcess):
    """Lead time from a list of values with probabilities."""

    distribution: Literal["categorical"]
    values: Annotated[list[Kept], Field(min_length=1)]  # periods, one of which is drawn
    probabilities: list[NonNegative]  # chance of each value; they sum to 1

    @model_validator(mode="after")
    def _probabilities_are_a_distribution(self) -> Categorical:
        if len(self.values) != len(self.probabilities):
            raise ValueError(f"{len(self.values)} values but {len(self.probabilities)} probabilities")
        if abs(sum(self.probabilities) - 1.0) > 1e-9:
            raise ValueError(f"probabilities must sum to 1, not {sum(self.probabilities)}")
        return self


class Bounded(LeadTimeProcess):
    """A lead time whose tail's mass sits at `maximum`."""

    shift: Kept = 0  # periods, the shortest lead time
    mean: NonNegative  # periods beyond the shift, before the cut
    maximum: Kept  # periods, the longest lead time

    @model_validator(mode="after")
    def _maximum_is_not_below_shift(self) -> Bounded:
        if self.maximum < self.shift:
            raise ValueError(f"maximum must be >= shift, not {self.maximum} < {self.shift}")
        return self


class ShiftedPoisson(Bounded):
    """shift + Poisson(mean)."""

    distribution: Literal["shifted_poisson"]


class ShiftedGeometric(Bounded):
    """shift + a geometric number of periods with the mean: in each, the order arrives with the same probability."""

    distribution: Literal["geometric"]


class Sampled(LeadTimeProcess):
    """Lead times as they were recorded, each as likely as it is frequent in the list."""

    distribution: Literal["empirical"]
    samples: Annotated[list[Kept], Field(min_length=1)]  # periods, one for each recorded order


LeadTime = Annotated[Categorical | ShiftedPoisson | ShiftedGeometric | Sampled, Field(discriminator="distribution")]
