"""What a service accepts, as JSON Schema for its own world: the names that may stand in a snapshot, and nothing else.

A snapshot that fits the schema is answered; the schema says by name what `exchange.snapshot` and `exchange.register` check.
"""

from __future__ import annotations

from typing import Any

from allotment.decisions.observation import visible_ages
from allotment.exchange.register import Register
from allotment.exchange.snapshot import LARGEST_MEMORY, LONGEST_FORECAST, MOST_ENTRIES, MOST_PERIODS, MOST_UNITS
from allotment.scenario.loader import World

Schema = dict[str, Any]


def request_schemas(world: World, memory_size: int, forecasts: bool) -> dict[str, Schema]:
    """Return the schemas of a snapshot and its parts, by name; `forecasts` says whether the policy goes by given ones."""
    register = Register(world)
    return {
        "Units": _units(world),
        "StockOfSite": _object({sku: _ref("Units") for sku in register.skus}, required=list(register.skus)),
        "InTransit": {"anyOf": _in_transit(register)},
        "OpenDemand": _object({**_of_channel(register), "units": _ref("Units")}),
        "PastDemand": _object({**_of_channel(register), "units": _past(register)}),
        "Forecast": _object({**_of_channel(register), "periods": _forecast_periods()}),
        "Snapshot": _snapshot(world, register, memory_size, forecasts),
    }


def _snapshot(world: World, register: Register, memory_size: int, forecasts: bool) -> Schema:
    forecast = _array("Forecast", "instead of the world's own, for the channels and SKUs named", possible=forecasts)
    clock = world.problem.clock
    properties = {
        "period": {
            "type": "integer",
            "minimum": 0,
            "maximum": clock.length - 1 if clock.season else MOST_PERIODS,
            "description": "periods since the world's calendar (its season of demand) began",
        },
        "stock": {
            **_object({site: _ref("StockOfSite") for site in register.sites}),
            "description": "units on hand by site and SKU",
        },
        "in_transit": _array("InTransit", "ordered and not received yet", possible=visible_ages(world.problem) > 0),
        "open_demand": _array("OpenDemand", "ordered by customers and not shipped yet"),
        "demand_history": _once(register, _array("PastDemand", "needed where the policy observes it; 0 where left out")),
        "forecast": _once(register, forecast) if forecasts else forecast,
        "memory": _memory(memory_size),
    }
    return {**_object(properties, required=["period", "stock"]), "description": "what is known when a decision is due"}


def _units(world: World) -> Schema:
    kind = "integer" if world.problem.rules.whole else "number"
    return {"type": kind, "minimum": 0, "maximum": int(MOST_UNITS)}


def _in_transit(register: Register) -> list[Schema]:
    """Return one schema a lane and way to date it: by age or by promise, the other one left out or null."""
    periods = {"type": "integer", "minimum": 0, "maximum": MOST_PERIODS}
    dates: list[tuple[dict[str, Schema], str]] = [
        ({"age": {**periods, "minimum": 1}, "promised": {"type": "null"}}, "age"),
        ({"promised": periods, "age": {"type": "null"}}, "promised"),
    ]
    schemas = []
    for lane, (source, to) in enumerate(register.ends):
        carried = [sku for sku, place in register.skus.items() if register.world.problem.lanes.allowed[lane, place]]
        ends = {"from": {"enum": [source]}, "to": {"enum": [to]}, "sku": {"enum": carried}, "units": _ref("Units")}
        schemas += [_object({**ends, **date}, required=[*ends, needed]) for date, needed in dates if carried]
    return schemas


def _of_channel(register: Register) -> dict[str, Schema]:
    return {"channel": {"enum": list(register.channels)}, "sku": {"enum": list(register.skus)}}


def _once(register: Register, entries: Schema) -> Schema:
    """Return the schema of a list that holds at most one entry for each channel and SKU."""
    pairs = [(channel, sku) for channel in register.channels for sku in register.skus]
    of = [{"properties": {"channel": {"const": channel}, "sku": {"const": sku}}} for channel, sku in pairs]
    once = [{"contains": pair, "minContains": 0, "maxContains": 1} for pair in of]
    return {**entries, "maxItems": len(pairs), "allOf": once}


def _past(register: Register) -> Schema:
    return {"type": "array", "items": _ref("Units"), "maxItems": register.longest_history}


def _forecast_periods() -> Schema:
    number = {"type": "number", "minimum": 0, "maximum": int(MOST_UNITS)}
    periods = _object({"mean": number, "deviation": number})
    return {"type": "array", "minItems": 1, "maxItems": LONGEST_FORECAST, "items": periods}


def _memory(size: int) -> Schema:
    number = {"type": "number", "minimum": -int(LARGEST_MEMORY), "maximum": int(LARGEST_MEMORY)}
    numbers = {"type": "array", "items": number, "minItems": size, "maxItems": size}
    return {"anyOf": [numbers, {"type": "null"}], "description": "the last plan's memory; none for a first decision"}


def _array(name: str, description: str, possible: bool = True) -> Schema:
    most = MOST_ENTRIES if possible else 0
    return {"type": "array", "items": _ref(name), "description": description, "maxItems": most}


def _object(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    wanted = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": wanted, "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
