"""How a scenario file writes an amount: one number, one for each SKU, one for each period of a calendar, or drawn at random.

`12` holds always and for every SKU; `{milk: 12, "*": 5}` by SKU, where the most specific name pattern wins; `[12, 12, 30]`
period by period, starting again after the last; `{uniform: [1, 10]}` once for each SKU, drawn from the scenario's own seed.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

LARGEST = 1e12  # units, money, km, or whatever a number counts: sums of products of two stay far from overflow
SMALLEST = 1e-9  # of what divides others
MOST_PERIODS = 1_000_000_000  # of an episode
LONGEST = 10_000  # periods of which a world keeps each
LONGEST_NAME = 200  # characters
NonNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=SMALLEST, le=LARGEST, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MOST_PERIODS)]
AtLeastOne = Annotated[int, Field(ge=1, le=MOST_PERIODS)]
Units = Annotated[int, Field(ge=0, le=int(LARGEST))]


def _one_line(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"must be a text of 1 to {LONGEST_NAME} characters on one line, not {name[:60]!r}")
    return name


Name = Annotated[str, AfterValidator(_one_line)]


def _bounded(periods: int) -> int:
    if periods > LONGEST:
        size = f"{periods * 8 / 2**20:,.1f} MiB" if periods < 2**27 else f"{periods * 8 / 2**30:,.1f} GiB"
        raise ValueError(f"must be at most {LONGEST:,} periods, not {periods:,}, which would take {size} a SKU in every world")
    return periods


Kept = Annotated[int, Field(ge=0), AfterValidator(_bounded)]  # periods that a world keeps apart, each with its units


class Part(BaseModel):
    """A frozen piece of a scenario that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def holds_keys_of(part: type[Part], otherwise: str) -> Discriminator:
    """Tell a part that is written as a mapping from amounts by SKU: it says at least one key of the part."""

    def name_of_branch(value: object) -> str:
        of_part = isinstance(value, part) or (isinstance(value, dict) and not value.keys().isdisjoint(part.model_fields))
        return part.__name__ if of_part else otherwise

    return Discriminator(name_of_branch)


class Uniform(Part):
    """A number for each SKU, drawn evenly between two."""

    uniform: tuple[Finite, Finite]  # the lowest and the highest number
    digits: Annotated[int, Field(ge=0, le=12)] = 2  # decimal places that are kept

    @model_validator(mode="before")
    @classmethod
    def _a_pair(cls, value: Any) -> Any:
        pair = value.get("uniform") if isinstance(value, dict) else None
        if isinstance(pair, list):
            return {**value, "uniform": tuple(pair)}
        return value

    @model_validator(mode="after")
    def _low_is_not_above_high(self) -> Uniform:
        low, high = self.uniform
        if low > high:
            raise ValueError(f"uniform must name the lower bound first, not {low:g} > {high:g}")
        return self


def _drawn_or(kind: Any) -> Any:
    return Annotated[Annotated[Uniform, Tag("Uniform")] | Annotated[kind, Tag("PerSku")], holds_keys_of(Uniform, "PerSku")]


Calendar = NonNegative | Annotated[list[NonNegative], Field(min_length=1)]  # one number, or one for each period
Own = _drawn_or(NonNegative)  # of a part that has one SKU
OwnCalendar = _drawn_or(Calendar)
PerSku = _drawn_or(NonNegative | dict[str, NonNegative])
PerSkuCalendar = _drawn_or(Calendar | dict[str, Calendar])
PositivePerSku = Positive | dict[str, Positive]
AnyPerSku = Finite | dict[str, Finite]
