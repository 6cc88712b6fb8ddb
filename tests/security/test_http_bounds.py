"""What one request can make a service hold and compute is bounded, whatever it says; and nonsense is refused by name."""

import datetime
import decimal
import gzip
import json
import time

import numpy as np
import pytest
from asking import asked, check_refusal
from attacking import _forget_peak, _status, limited_here

from allotment.exchange import recommend
from allotment.exchange.snapshot import SnapshotError
from allotment.serve.limits import Limits
from allotment.serve.service import build_service
from small_policies import rule
from small_worlds import two_shops

pytestmark = pytest.mark.security

GOES_BY_FORECASTS = {"policy": "newsvendor", "parameters": {"safety_factor": 1}}
POLICY = rule(two_shops(), GOES_BY_FORECASTS)
APPLES = {"apple": 4, "pear": 2}
EMPTY = {"period": 3, "stock": {"north": APPLES, "south": APPLES}}
WALKERS = {"channel": "walkers", "sku": "apple"}
FULL = {
    **EMPTY,
    "in_transit": [{"from": "farm", "to": "north", "sku": "apple", "units": 3, "age": 1}],
    "open_demand": [{**WALKERS, "units": 3}],
    "demand_history": [{**WALKERS, "units": [3]}],
    "forecast": [{**WALKERS, "periods": [{"mean": 1, "deviation": 1}]}],
}
LARGEST = Limits().bytes


@pytest.fixture(scope="module")
def app():
    return build_service(POLICY)


def written(content):
    return json.dumps(content, separators=(",", ":")).encode()


def filled(field, item):
    """Return the largest request of a snapshot with one field full of some item."""
    begin = written(EMPTY)[:-1] + f',"{field}":['.encode()
    return begin + b",".join([item] * ((LARGEST - len(begin) - 2) // (len(item) + 1))) + b"]}"


FORECAST = written({**WALKERS, "periods": [{"mean": 1, "deviation": 1}]})
FILLED = {
    "nothing under way": (filled("in_transit", b"{}"), 413, "more than 500000 values"),
    "lists in lists": (filled("in_transit", b"[]"), 413, "more than 500000 values"),
    "numbers": (filled("memory", b"1"), 413, "more than 500000 values"),
    "wrong numbers": (filled("memory", b'"123456789"'), 422, "snapshot: memory[0] must be a number"),
    "wrong entries": (filled("in_transit", b'"123456789"'), 422, "snapshot: in_transit[0] must be a mapping"),
    "forecasts": (filled("forecast", FORECAST), 422, "snapshot.forecast[1]: walkers and apple stand in an entry before it"),
    "keys": (written({f"k{number:07}": 0 for number in range(250_000)}), 422, "snapshot: must have at most 100 keys, not"),
    "sites": (
        written({**EMPTY, "stock": {f"k{number:07}": 0 for number in range(250_000)}}),
        422,
        "snapshot.stock must have at most 2 sites",
    ),
}


@pytest.mark.skipif(not limited_here(), reason="this system does not tell a process's peak of memory")
@pytest.mark.parametrize(("body", "status", "message"), FILLED.values(), ids=FILLED)
def test_the_largest_requests_take_bounded_memory_and_time(app, body, status, message):
    _forget_peak()
    before, start = _status("VmRSS"), time.process_time()
    told, content = asked(app, [body])
    assert told == status
    check_refusal(told, content)
    assert message in content["error"]
    assert _status("VmHWM") - before < 256
    assert time.process_time() - start < 5


def test_a_long_forecast_beside_many_snapshots_is_refused_and_one_that_may_be_costs_what_it_holds(app):
    def beside(periods):
        forecast = [{**WALKERS, "periods": [{"mean": 1, "deviation": 0}] * periods}]
        return asked(app, [written([EMPTY] * 255 + [{**EMPTY, "forecast": forecast}])])

    assert beside(366)[0] == 200
    assert beside(367)[1]["error"].startswith("snapshots[255]: forecast[0].periods must list at most 366")


def test_snapshots_are_computed_in_groups_that_fit_and_get_the_same_plans(monkeypatch):
    given = [{**FULL, "period": period, "memory": None} for period in range(7)]
    together = POLICY.recommend(given)
    monkeypatch.setattr(recommend, "BYTES_AT_ONCE", 3 * recommend.bytes_of_a_world(POLICY.world.problem))
    recommender = recommend.Recommender(POLICY)
    assert recommender.most_at_once == 3
    assert recommender.plans(given) == together
    with pytest.raises(SnapshotError, match=r"snapshots\[5\].forecast\[0\].channel: nothing is called 'nobody'"):
        recommender.plans([*given[:5], {**given[5], "forecast": [{**given[5]["forecast"][0], "channel": "nobody"}]}])


def test_fewer_snapshots_are_answered_where_plans_can_be_long(app):
    world = two_shops(
        skus=[{"name": "item-{0001..3000}", "price": 0}],
        demand=[{"channel": channel, "process": {"distribution": "poisson", "mean": 1}} for channel in ("walkers", "callers")],
    )
    most = Limits().snapshots_of(world.problem)
    assert most == 250_000 // recommend.most_entries(world.problem)
    assert 1 < most < 256 == Limits().snapshots_of(POLICY.world.problem)
    assert asked(app, [b"[" + b"{}," * 256 + b"{}]"]) == (
        422,
        {"error": "257 snapshots in one request; at most 256 are answered"},
    )


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (gzip.compress(b" " * 10**8), {"content-encoding": "gzip"}, 415, "content-encoding must be left out"),
        (b'{"period": 1, "period": 2}', {}, 400, "the key 'period' stands twice in one object"),
        (b'{"period":' * 50_000 + b"1" + b"}" * 50_000, {}, 400, "nested too deep"),
        (b"[" * 5000 + b"]" * 5000, {}, 400, "nested too deep"),
        (b'{"period": %s}' % (b"1" * 5000), {}, 400, "the request is not JSON: Exceeds the limit"),
        (written(EMPTY).decode().encode("utf-16"), {}, 400, "the request is not JSON"),
        (b"{}" + b" " * LARGEST, {"content-length": "2"}, 413, f"more than {LARGEST} bytes"),
        (b"{}", {"content-length": str(10**30)}, 413, f"more than {LARGEST} bytes"),
        (b'{"period": NaN, "stock": {}}', {}, 422, "snapshot: period must be a whole number, not nan"),
    ],
)
def test_bodies_that_are_packed_endless_nested_or_ambiguous_are_refused(app, body, headers, status, message):
    told, content = asked(app, [body[:7], body[7:]], {"content-type": "application/json", **headers})
    assert told == status
    check_refusal(told, content)
    assert message in content["error"]


LOOP = []
LOOP.append(LOOP)
NONSENSE = [
    *(
        [],
        {},
        True,
        False,
        float("nan"),
        float("inf"),
        -float("inf"),
        -1,
        1e308,
        10**400,
        10**5000,
        "1",
        b"1",
        "\ud800",
        "a\nb\0",
    ),
    *(1j, datetime.date(2024, 1, 1), decimal.Decimal(1), np.True_, np.array(1.0), np.array([1.0]), (1,), {1}, object(), LOOP),
]


def placed(path, value):
    """Return the full snapshot with a value in one place."""
    content = json.loads(json.dumps(FULL))
    holder = content
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return content


PLACES = [
    ("period",),
    ("stock", "north", "apple"),
    ("in_transit", 0, "from"),
    ("in_transit", 0, "units"),
    ("in_transit", 0, "age"),
    ("open_demand", 0, "channel"),
    ("open_demand", 0, "due"),
    ("demand_history", 0, "units", 0),
    ("forecast", 0, "periods", 0, "mean"),
]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_nonsense_from_python_is_refused_by_name_in_one_line(path):
    allowed = {("in_transit", 0, "age"): (), ("open_demand", 0, "due"): (-1,)}.get(path, ())
    for value in NONSENSE:
        if type(value) is int and value in allowed:
            continue
        with pytest.raises(SnapshotError) as error:
            POLICY.recommend(placed(path, value))
        message = str(error.value)
        assert message.isprintable(), (value, message)
        assert str(path[0]) in message and len(message) < 400


@pytest.mark.parametrize("value", [3, np.int64(3), np.float32(3), np.float64(3)])
def test_whole_numbers_of_python_and_numpy_are_units(value):
    assert POLICY.recommend(placed(("stock", "north", "apple"), value)) == POLICY.recommend(
        placed(("stock", "north", "apple"), 3.0)
    )


def test_a_key_that_is_unprintable_is_told_in_one_line(app):
    for key in ("a\nb", "\ud800", "\x1b[31m", "\0"):
        for content in ({**FULL, key: 1}, {**FULL, "stock": {key: APPLES}}, {**FULL, "goodwill": {key: "x"}}):
            check_refusal(*asked(app, [written(content)]))
