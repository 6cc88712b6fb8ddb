"""The parameters of a rule-based policy: arrays by site and SKU, or by SKU, given in a config or found by tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_type_hints

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from allotment.scenario.errors import ScenarioError, nearest, shown
from allotment.scenario.loader import World
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Floats
from allotment.scenario.spreading import spread

TUNED = "tuned"
LARGEST = 1e15  # of a value: more units than can be counted one by one
Values = Callable[[World], Floats]


@dataclass(frozen=True)
class Parameter:
    """What a policy's parameter means, where its tuning starts and how far a first step goes."""

    name: str
    axes: Literal["site_sku", "sku"]
    start: Values  # where tuning starts, in the parameter's shape
    step: Values  # first step of the search, in the same shape
    whole: bool = False  # rounded to whole units where the world's units are whole
    signed: bool = False  # may be negative
    default: Any = TUNED  # what a config says that leaves it out
    ways: Mapping[str, Values] = field(default_factory=dict)  # named ways to compute it from the world, beside tuning

    def shape(self, world: World) -> tuple[int, ...]:
        """Return the parameter's shape in a world."""
        sites, skus = world.problem.sites.initial_stock.shape
        return (sites, skus) if self.axes == "site_sku" else (skus,)

    def first_step(self, world: World) -> Floats:
        """Return the first step of the search, at least one unit where only whole units count."""
        step = self.step(world)
        return np.maximum(np.round(step), 1.0) if self.whole and world.problem.rules.whole else step

    def legal(self, values: Floats, world: World) -> Floats:
        """Return the nearest values that the parameter may take."""
        values = values if self.signed else np.maximum(values, 0.0)
        return np.round(values) if self.whole and world.problem.rules.whole else values


def parameter(
    start: Values | float,
    step: Values | float,
    axes: Literal["site_sku", "sku"] = "site_sku",
    whole: bool = False,
    signed: bool = False,
    default: Any = TUNED,
    ways: Mapping[str, Values] | None = None,
) -> Any:
    """Declare a parameter of a rule, as a field of its dataclass; see `Parameter`. Numbers stand for themselves everywhere.

    `ways` names functions by which a config may have the parameter computed, `{"from_costs": critical_safety_factor}` say.
    """
    given = Parameter("", axes, _values(start, axes), _values(step, axes), whole, signed, default, ways or {})
    return field(metadata={"parameter": given})


def _values(given: Values | float, axes: str) -> Values:
    if callable(given):
        return given

    def everywhere(world: World) -> Floats:
        sites, skus = world.problem.sites.initial_stock.shape
        return np.full((sites, skus) if axes == "site_sku" else (skus,), float(given))

    return everywhere


def declared_parameters(rule: type) -> tuple[Parameter, ...]:
    """Return the parameters that a rule's dataclass declares, in order."""
    found = [(each.name, each.metadata.get("parameter")) for each in fields(rule)]
    return tuple(replace(given, name=name) for name, given in found if given is not None)


def declared_settings(rule: type) -> dict[str, Any]:
    """Return what else a rule's dataclass takes, with its default: single values, which are not tuned."""
    plain = [each for each in fields(rule) if "parameter" not in each.metadata and each.name != "network"]
    return {each.name: each.default for each in plain}


def setting_value(rule: type, name: str, given: Any, where: str) -> Any:
    """Return a rule's setting as its annotation wants it; `ScenarioError` where it is of another type or out of bounds."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(get_type_hints(rule, include_extras=True)[name])
    except (NameError, PydanticUserError):  # an annotation that nothing can be checked by
        return given
    try:
        return adapter.validate_python(given, strict=True)
    except ValidationError as error:
        raise ScenarioError(f"{where}: {name}: {error.errors()[0]['msg']}, not {shown(given)}") from None


def computed_values(parameter: Parameter, way: str, world: World, where: str) -> Floats:
    """Return the array that a named way finds for a parameter; `ScenarioError` says why it does not apply to the world."""
    try:
        return parameter.ways[way](world)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {way} does not apply in {world.name}: {error}") from None


def parameter_values(parameter: Parameter, given: Any, world: World, where: str) -> Floats:
    """Return the array that a config's value stands for: a number, or a mapping by SKU, by site, or by site and SKU."""
    shape = parameter.shape(world)
    if isinstance(given, list):
        array = _from_list(given, where)
        if array.shape != shape:
            raise ScenarioError(f"{where} has shape {array.shape}, the world needs {shape}")
    elif isinstance(given, Mapping):
        array = _from_mapping(given, world, len(shape), where)
    elif isinstance(given, int | float) and not isinstance(given, bool):
        array = np.full(shape, float(given))
    else:
        words = " or ".join(repr(word) for word in (TUNED, *parameter.ways))
        raise ScenarioError(f"{where} must be a number, a mapping by site or SKU, or {words}, not {shown(given)}")
    if not (np.abs(array) <= LARGEST).all() or (not parameter.signed and (array < 0.0).any()):
        bounds = f"between {-LARGEST:g} and {LARGEST:g}" if parameter.signed else f">= 0 and <= {LARGEST:g}"
        raise ScenarioError(f"{where} must be {bounds}, not {shown(given)}")
    return array


def _from_list(given: list[Any], where: str) -> Floats:
    try:
        array = np.array(given, dtype=float)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or not all(type(number) in (int, float) for number in _flat(given)):
        raise ScenarioError(f"{where} must be rows of numbers of one length, not {shown(given)}")
    return array


def _flat(given: Any) -> Iterator[Any]:
    for each in given:
        yield from _flat(each) if isinstance(each, list) else (each,)


def _from_mapping(given: Mapping[str, Any], world: World, dimensions: int, where: str) -> Floats:
    skus, sites = world.names.skus, world.names.sites
    if dimensions == 1:
        return spread(_numbers(given, where), skus, where)
    values = np.full((len(sites), len(skus)), np.nan)
    for pattern in sorted(given, key=lambda pattern: (pattern in sites, len(str(pattern)))):  # the most specific wins
        inner, rows = given[pattern], matching(str(pattern), sites, where)
        by_sku = inner if isinstance(inner, Mapping) else {"*": inner}
        values[rows] = spread(_numbers(by_sku, f"{where}.{pattern}"), skus, f"{where}.{pattern}")
    if np.isnan(values).any():
        raise ScenarioError(f"{where}: no value for site {sites[int(np.isnan(values).any(axis=1).argmax())]!r}")
    return values


def _numbers(given: Mapping[str, Any], where: str) -> dict[str, float]:
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ScenarioError(f"{where}.{key} must be a number, not {shown(value)}")
    return {str(key): float(value) for key, value in given.items()}


def check_names(given: Mapping[str, Any], allowed: list[str], where: str) -> None:
    """Refuse a key that is not allowed, naming the nearest that is."""
    for key in given:
        if key not in allowed:
            raise ScenarioError(f"{where}: unknown key {key!r}; {nearest(str(key), allowed)}")
