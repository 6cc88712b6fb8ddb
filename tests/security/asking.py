"""Asking a service in this process, without a socket; and what must hold of every answer."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from allotment.exchange.snapshot import Snapshot
from allotment.scenario.loader import World

JSON = {"content-type": "application/json"}
LOOP = asyncio.new_event_loop()


def asked(app: Any, parts: Sequence[bytes], headers: dict[str, str] = JSON, path: str = "/v1/recommend") -> tuple[int, Any]:
    """Return status and content of the answer to a request whose body comes in some parts."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }

    async def receive() -> dict[str, Any]:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    LOOP.run_until_complete(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)


def check_refusal(status: int, content: Any) -> None:
    """Raise `AssertionError` where a refusal is none, or does not say in short lines what is wrong, and of 422 where."""
    assert status in (400, 404, 413, 415, 422), (status, content)
    assert content.keys() == {"error"}, content
    lines = content["error"].splitlines()
    assert 1 <= len(lines) <= 11, content
    for line in lines:
        assert line.isprintable() and len(line) <= 1000, line
        assert status != 422 or line.startswith("snapshot") or "snapshots in one request" in line, line


def check_plan(plan: Any, content: Any, world: World) -> None:
    """Raise `AssertionError` where a plan, as JSON, cannot be executed against its snapshot."""
    snapshot, problem, names = Snapshot.model_validate(content), world.problem, world.names
    assert all(math.isfinite(number) and (number >= 0 or path[-1] == "memory") for path, number in numbers_in(plan)), plan
    stock = {(site, sku): np.sum(units) for site, row in snapshot.stock.items() for sku, units in row.items()}
    coming = dict.fromkeys(stock, 0.0)
    for each in snapshot.in_transit:
        coming[each.to, each.sku] += each.units
    leaving = dict.fromkeys(stock, 0.0)
    for order in plan["orders"]:
        assert order["units"] <= order["requested"] * (1 + 1e-12) + 1e-9 or order["reason"], order
        assert not problem.rules.whole or order["units"] == int(order["units"]), order
        coming[order["to"], order["sku"]] += order["units"]
        if order["from"] in names.sites:
            leaving[order["from"], order["sku"]] += order["units"]
    for each, units in leaving.items():
        assert units <= stock[each] * (1 + 1e-9) + 1e-8, (each, units, stock[each])
    for shipment in plan["shipments"]:
        leaving[shipment["from"], shipment["sku"]] += shipment["units"]
    for each, units in leaving.items():
        assert units <= (stock[each] + coming[each]) * (1 + 1e-9) + 1e-8, (each, units)
    for channel in names.channels:
        for sku in names.skus:
            wanted = sum(each.units for each in snapshot.open_demand if (each.channel, each.sku) == (channel, sku))
            shipped = sum(each["units"] for each in plan["shipments"] if (each["to"], each["sku"]) == (channel, sku))
            unmet = sum(each["units"] for each in plan["unmet"] if (each["channel"], each["sku"]) == (channel, sku))
            assert math.isclose(shipped + unmet, wanted, rel_tol=1e-9, abs_tol=1e-8), (channel, sku, shipped, unmet, wanted)


def numbers_in(content: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], float]]:
    """Return all numbers of some JSON, each with the keys that lead to it."""
    if isinstance(content, dict):
        return [each for key, value in content.items() for each in numbers_in(value, (*path, key))]
    if isinstance(content, list):
        return [each for value in content for each in numbers_in(value, path)]
    return [(path, content)] if isinstance(content, int | float) else []
