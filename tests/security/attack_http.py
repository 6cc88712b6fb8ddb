"""Bad requests for plans: nonsense in any place of a snapshot, repeated, nested, huge or missing parts, and broken bytes."""

from __future__ import annotations

import copy
import gzip
import json
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from asking import JSON, asked, check_plan, check_refusal
from attacking import Attack

from allotment.scenario.loader import World, load_scenario
from allotment.serve.example import example_snapshot
from allotment.serve.service import build_service
from small_policies import rule
from small_worlds import two_shops

SCALARS = [
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 1e-320, 1e9, 1e9 + 1, 1e15, 1e308, 2**31, 2**53, 2**63, 10**400, 366, 367),
    *("", "1", "x" * 300, "a\nb", "\0", "\x1b[31m", "\ud800", "=cmd|x", "<script>", "nan", "∞", "apple", "north"),
]
SHAPES = [[], {}, [[]], [None], {"": 0}, [1, "x"], {"a\nb\ud800": 1}, {"mean": 1, "deviation": 1}, [1] * 400]
RAW = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, "0x1", "01", "1.", "tru", '"\\ud800"', '"\\x"', "'a'"]
RAW += [mark * depth + "0" + end * depth for depth in (300, 3000, 100_000) for mark, end in ("[]", ('{"a":', "}"))]
LONGEST = 5_000_000  # characters that are repeated: more than any request may have
MARK = "\ue000"  # stands in text for a piece of JSON that no program would write


class Request(NamedTuple):
    """One request, in parts of its body, and the world it is about."""

    world: int
    parts: list[bytes]
    headers: dict[str, str]


def _worlds() -> list[World]:
    stores = [
        {"name": "north", "kind": "store", "initial_stock": 10},
        {"name": "south", "kind": "store", "initial_stock": 20},
    ]
    return [two_shops(), two_shops(units="continuous", sites=stores), load_scenario("perishable"), load_scenario("serial")]


@cache
def services() -> list[tuple[World, dict[str, Any], Any]]:
    """Return worlds, each with an example of a snapshot and the application that answers it."""
    policies = [rule(world, {"policy": "newsvendor", "parameters": {"safety_factor": 1}}) for world in _worlds()]
    return [(policy.world, _full(policy), build_service(policy)) for policy in policies]


def _full(policy: Any) -> dict[str, Any]:
    """Return an example that has something of everything."""
    content, names = example_snapshot(policy), policy.world.names
    about = {"channel": names.channels[0], "sku": names.skus[0]}
    more = {
        "open_demand": [{**about, "units": 3}, {**about, "units": 2, "due": 0}],
        "demand_history": [{**about, "units": [1, 2, 3]}],
        "forecast": [{**about, "periods": [{"mean": 1.5, "deviation": 1}] * 3}],
    }
    return {**content, **more}


def paths_of(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to everything in some JSON, in what is long to the first of it."""
    steps = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else []
    return [path, *(each for key, value in islice(steps, 20) for each in paths_of(value, (*path, key)))]


def _drawn(draws: np.random.Generator) -> Request:
    world = int(draws.integers(len(services())))
    content: Any = copy.deepcopy(services()[world][1])
    if draws.random() < 0.2:
        content = [copy.deepcopy(content) for _ in range(int(draws.choice([1, 2, 3, 256, 257])))]
    for _ in range(int(draws.choice([0, 1, 1, 1, 2, 5]))):
        content = _mutated(content, draws)
    body = _written(content, draws)
    headers = dict(JSON)
    if draws.random() < 0.1:
        headers, body = _in_other_clothes(headers, body, draws)
    for _ in range(int(draws.choice([0, 0, 0, 0, 0, 0, 1, 3]))):
        body = _broken(body, draws)
    cuts = sorted(int(each) for each in draws.integers(0, len(body) + 1, size=int(draws.integers(3))))
    return Request(world, [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)], headers)


def _mutated(content: Any, draws: np.random.Generator) -> Any:
    """Return content with something else in one place."""
    paths = paths_of(content)
    path = paths[int(draws.integers(len(paths)))]
    if not path:
        return _nonsense(content, draws) if draws.random() < 0.3 else content
    holder = content
    for step in path[:-1]:
        holder = holder[step]
    what, key = draws.integers(5), path[-1]
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        times, length = int(draws.choice([1, 1, 20, 400, 3000])), len(json.dumps(holder[key]))
        holder += [copy.deepcopy(holder[key]) for _ in range(min(times, LONGEST // length))]
    elif what == 1:
        holder[str(draws.choice(["x", "", key, f"{key} ", "\0", MARK]))] = copy.deepcopy(holder[key])
    else:
        holder[key] = _nonsense(holder[key], draws)
    return content


def _nonsense(value: Any, draws: np.random.Generator) -> Any:
    """Return something that hardly belongs in the place of a value."""
    what = draws.integers(6)
    if what == 0:
        for _ in range(int(draws.choice([1, 2, 20]))):
            value = [value] if draws.random() < 0.5 else {"a": value}
        return value
    if what == 1:
        return copy.deepcopy(SHAPES[int(draws.integers(len(SHAPES)))])
    if what == 2:
        many = int(draws.choice([100, 101, 10_000, 100_001]))
        return [0] * many if draws.random() < 0.5 else {f"k{number}": 0 for number in range(many)}
    if what == 3:
        return f"{MARK}{draws.integers(len(RAW))}"
    if what == 4 and isinstance(value, int | float):
        return value + draws.choice([-1, 1, 10, 1000, 0.25])
    return SCALARS[int(draws.integers(len(SCALARS)))]


def _written(content: Any, draws: np.random.Generator) -> bytes:
    """Return JSON, with pieces in it that no program would write, and now and then a key twice."""
    text = json.dumps(content)
    for number, raw in enumerate(RAW):
        text = text.replace(json.dumps(f"{MARK}{number}"), raw, 3)
    if draws.random() < 0.05:
        text = text.replace("{", '{"period": 1, "period": 1, ', 1)
    return text.encode("utf-8", "surrogatepass")


def _in_other_clothes(headers: dict[str, str], body: bytes, draws: np.random.Generator) -> tuple[dict[str, str], bytes]:
    """Return a request that is packed, in another encoding, or not said to be JSON."""
    text = body.decode("utf-8", "replace")
    others = [
        ({**headers, "content-encoding": "gzip"}, gzip.compress(body)),
        (headers, gzip.compress(b" " * 10**7)),
        (headers, text.encode("utf-16")),
        (headers, b"\xef\xbb\xbf" + body),
        ({}, body),
        ({"content-type": "text/plain"}, body),
        ({**headers, "content-length": "99999999999999999999"}, body),
        ({**headers, "content-length": "-1"}, body),
        (headers, b" " * 5_000_000),
        (headers, b"[" + b"0," * 1_500_000 + b"0]"),
        (headers, b"[" + b"[]," * 1_000_000 + b"0]"),
        (headers, b""),
    ]
    return others[int(draws.integers(len(others)))]


def _broken(body: bytes, draws: np.random.Generator) -> bytes:
    """Return a body with some bytes changed, cut or repeated."""
    a, b = sorted(int(each) for each in draws.integers(0, len(body) + 1, size=2))
    what = draws.integers(4)
    if what == 0:
        return body[:a]
    if what == 1:
        return body[:a] + draws.bytes(int(draws.integers(1, 9))) + body[a:]
    if what == 2:
        return body[:b] + body[a : a + min(b - a, 10_000)] + body[b:]
    return body[:a] + bytes([int(draws.integers(256))]) + body[a + 1 :]


def _judged(request: Request) -> str:
    world, _, app = services()[request.world]
    status, content = asked(app, request.parts, request.headers)
    if status != 200:
        check_refusal(status, content)
        return f"refused with {status}"
    given = json.loads(b"".join(request.parts))
    plans = content if isinstance(given, list) else [content]
    given = given if isinstance(given, list) else [given]
    assert len(plans) == len(given), (len(plans), len(given))
    for plan, snapshot in zip(plans, given, strict=True):
        check_plan(plan, snapshot, world)
    return "answered"


def _prepared() -> None:
    for _, content, app in services():
        assert asked(app, [json.dumps(content).encode()])[0] == 200


ATTACKS = [Attack("http", _drawn, _judged, _prepared, memory=512, seconds=10.0)]
