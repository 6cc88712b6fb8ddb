"""The `tuning` section of a rule's config: how values are found for the parameters that it leaves open."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PATTERN = "pattern"
TRIALS = 200


class Range(BaseModel):
    """What a tuned parameter may be, in its own units: numbers from `low` to `high`, or a list of values."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    low: Any = None  # a number, or a mapping by site or SKU
    high: Any = None  # likewise
    step: Any = None  # likewise; none = a unit where only whole units count, else any number, which samplers alone can search
    values: Annotated[list[float], Field(min_length=1)] | None = None  # the same ones in all sites and for all SKUs

    @model_validator(mode="after")
    def _says_one_of_both(self) -> Range:
        bounds = [self.low is not None, self.high is not None, self.step is not None]
        if (self.values is None and not all(bounds[:2])) or (self.values is not None and any(bounds)):
            raise ValueError("must say low and high (and step), or values")
        return self


class Tuning(BaseModel):
    """How parameters are searched for. Every candidate is played in the same worlds, which no validation and no test uses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    worlds: Annotated[int, Field(ge=2)] = 128  # common worlds that the best candidates are played in
    search: Literal["pattern", "exhaustive", "narrowing"] | None = None  # none = pattern, where no sampler is named
    sampler: Literal["tpe", "cmaes"] | None = None  # Optuna's, in place of a search
    rounds: Annotated[int, Field(ge=1)] = 12  # pattern: passes over the parameters
    trials: Annotated[int, Field(ge=2)] | None = None  # samplers: candidates; none = 200
    ranges: dict[str, Range] = {}  # all but pattern: what each tuned parameter may be

    @model_validator(mode="after")
    def _agrees(self) -> Tuning:
        if self.search is not None and self.sampler is not None:
            raise ValueError(f"search: {self.search} and sampler: {self.sampler} exclude each other")
        if self.method == PATTERN and self.ranges:
            raise ValueError("ranges belong to search: exhaustive or narrowing, or to a sampler; pattern needs none")
        if self.sampler is None and self.trials is not None:
            raise ValueError("trials belong to a sampler (tpe or cmaes)")
        return self

    @property
    def method(self) -> str:
        """Return the name of the search, or of the sampler in its place."""
        return self.sampler or self.search or PATTERN
