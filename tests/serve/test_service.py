"""The service answers as the policy does, tells every fault as JSON, and keeps to its own description."""

import asyncio
import contextlib
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import served

from allotment.decisions.encodings import Quantity
from allotment.policies.networks import NetworkShape
from allotment.serve.access import Access
from allotment.serve.example import example_snapshot
from allotment.serve.limits import Limits
from allotment.serve.logs import JsonLines
from allotment.serve.service import build_service
from small_policies import network, rule
from small_worlds import two_shops

POLICY = network(two_shops(), NetworkShape("lstm", [8], "relu", memory=3), Quantity(two_shops()))
LIMITS = Limits(bytes=200_000, snapshots=4)
JSON = {"content-type": "application/json"}


class Slow:
    """A policy that takes its time, or fails, once it is told to."""

    def __init__(self, policy):
        self.policy, self.seconds, self.failure = policy, 0.0, None

    def __getattr__(self, name):
        return getattr(self.policy, name)

    def recommend(self, content):
        time.sleep(self.seconds)
        if self.failure:
            raise self.failure
        return self.policy.recommend(content)


@pytest.fixture(scope="module")
def address():
    with served(POLICY, LIMITS) as url:
        yield url


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client


def test_a_snapshot_gets_the_policys_plan(client):
    snapshot = example_snapshot(POLICY)
    response = client.post("/v1/recommend", json=snapshot)
    assert response.status_code == 200
    plan = POLICY.recommend(snapshot)
    assert response.json() == plan.model_dump(by_alias=True, mode="json")
    assert response.json()["orders"]
    assert len(response.json()["memory"]) == 6


def test_a_list_of_snapshots_gets_a_list_of_plans(client):
    snapshots = [example_snapshot(POLICY), {**example_snapshot(POLICY), "period": 7}]
    answers = client.post("/v1/recommend", json=snapshots).json()
    assert [plan["period"] for plan in answers] == [3, 7]
    assert client.post("/v1/recommend", json=[]).json() == []


def test_the_service_says_what_it_is(client):
    assert client.get("/health").json() == {"status": "ok"}
    told = client.get("/v1/metadata").json()
    assert told["policy"] == {"name": "taught", "kind": "learned", "version": ""}
    assert told["skus"] == ["apple", "pear"]
    assert told["memory"] == 6
    assert told["limits"] == {"bytes": 200_000, "snapshots": 4, "values": 500_000}


def test_the_example_of_the_interface_works(client):
    document = client.get("/openapi.json").json()
    examples = document["paths"]["/v1/recommend"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert client.post("/v1/recommend", json=example["value"]).status_code == 200
    page = client.get("/docs").text
    assert "SwaggerUIBundle" in page
    assert "https://" not in page  # everything the page needs comes from the service itself


def faulty(**changes):
    return {**example_snapshot(POLICY), **changes}


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (faulty(stock={"north": {"apple": 1, "pear": 1}}), 422, "snapshot.stock has no entry for the site 'south'"),
        (faulty(memory=[0.0]), 422, "snapshot.memory must hold 6 numbers for taught, not 1"),
        ([faulty(), faulty(period=-1)], 422, "snapshots[1]: period must be >= 0, not -1"),
        ([faulty()] * 5, 422, "5 snapshots in one request; at most 4 are answered"),
        (3, 422, "snapshot: must be a mapping, not 3"),
    ],
)
def test_a_snapshot_that_cannot_be_used_is_told_as_json(client, content, status, message):
    response = client.post("/v1/recommend", json=content)
    assert (response.status_code, response.json()) == (status, {"error": message})


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"{", "application/json", 400, "the request is not JSON"),
        (b"{}", "text/plain", 415, "content-type must be application/json, not text/plain"),
        (b" " * 200_001, "application/json", 413, "the request has more than 200000 bytes"),
        (b"\xff\xfe", "application/json", 400, "the request is not JSON"),
        (b"[" * 190_000, "application/json", 400, "the request is not JSON"),
    ],
)
def test_a_request_that_is_none_is_told_as_json(client, body, kind, status, message):
    response = client.post("/v1/recommend", content=body, headers={"content-type": kind})
    assert response.status_code == status
    assert message in response.json()["error"]


def test_other_paths_and_methods_are_told_as_json(client):
    assert client.get("/recomend").json() == {"error": "Not Found"}
    assert client.get("/v1/recommend").json() == {"error": "Method Not Allowed"}


SEASON = two_shops(horizon={"kind": "season", "periods": 9}, units="continuous")


@pytest.mark.parametrize("policy", [POLICY, rule(SEASON)], ids=["network", "rule-in-a-season"])
def test_the_service_keeps_to_its_description(policy, tmp_path):
    with served(policy, Limits(snapshots=4)) as url:
        run = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--max-examples", "20", "--seed", "1"]
        done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, timeout=200)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "5 selected / 5 total" in done.stdout


def test_a_request_of_many_faults_is_answered_soon_and_shortly(client):
    body = json.dumps(faulty(**{f"key{place:05d}": 1 for place in range(8000)}))
    assert len(body) > 90_000
    start = time.perf_counter()
    response = client.post("/v1/recommend", content=body, headers=JSON)
    assert time.perf_counter() - start < 0.5
    assert response.status_code == 422
    assert response.json()["error"] == f"snapshot: must have at most 100 keys, not {8000 + len(faulty())}"


@contextlib.contextmanager
def in_work(url, path="/v1/recommend"):
    """Send a request that takes a while; yields what will be its answer."""
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(httpx.post, f"{url}{path}", json=example_snapshot(POLICY), timeout=20)
        time.sleep(0.2)
        yield answer


def test_the_service_hears_others_while_it_computes():
    slow = Slow(POLICY)
    with served(slow, LIMITS) as url:
        slow.seconds = 1.0
        with in_work(url) as answer:
            for path in ("/health", "/ready", "/v1/metadata"):
                start = time.perf_counter()
                assert httpx.get(f"{url}{path}").status_code == 200
                assert time.perf_counter() - start < 0.2
            assert in_flight(url) == 2  # with the question itself
            assert not answer.done()
            assert answer.result().status_code == 200
        assert in_flight(url) == 1


def test_a_request_that_does_not_get_its_turn_is_told_to_come_again():
    slow = Slow(POLICY)
    with served(slow, Limits(seconds=0.3, at_once=1)) as url:
        slow.seconds = 1.0
        with in_work(url) as answer:
            refused = httpx.post(f"{url}/v1/recommend", json=example_snapshot(POLICY))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json() == {"error": "too many requests are being answered; try again later"}
            assert answer.result().status_code == 200


def test_requests_at_once_get_the_plans_that_they_get_alone(client):
    snapshots = [{**example_snapshot(POLICY), "period": period} for period in range(40)]
    alone = [POLICY.recommend(snapshot).model_dump(by_alias=True, mode="json") for snapshot in snapshots]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda snapshot: client.post("/v1/recommend", json=snapshot).json(), snapshots))
    assert together == alone


def test_a_body_that_does_not_arrive_is_not_waited_for():
    with served(POLICY, Limits(seconds=0.3)) as url, socket.create_connection(("127.0.0.1", httpx.URL(url).port)) as line:
        line.sendall(b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        answer = b"".join(iter(lambda: line.recv(4096), b""))  # until the service closes the connection
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b'{"error":"the request did not arrive within 0.3 s"}')


@pytest.mark.parametrize("path", ["/v1/metadata", "/health", "/ready", "/metrics", "/docs", "/openapi.json"])
def test_head_is_answered_as_get_without_the_body(client, path):
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert int(head.headers["content-length"]) > 0


def test_there_is_no_other_way_than_the_versioned_one(client):
    assert client.post("/recommend", json={}).status_code == 404
    assert client.get("/metadata").status_code == 404


@pytest.mark.parametrize(
    ("given", "taken"), [("order-7/a", True), ("x" * 129, False), ("with space", False), ("täg".encode(), False), ("", False)]
)
def test_a_sane_request_id_is_taken_over_and_others_are_made(client, given, taken):
    answered = client.get("/health", headers={"x-request-id": given}).headers["x-request-id"]
    assert answered == given if taken else re.fullmatch("[0-9a-f]{32}", answered)


def logged(caplog, **fields):
    """Return the log's record of a request with these fields, once it is there: it is written after the answer is sent."""
    end = time.monotonic() + 10.0
    while time.monotonic() < end:
        for record in list(caplog.records):
            if fields.items() <= getattr(record, "fields", {}).items():
                return record
        time.sleep(0.01)
    raise AssertionError(f"no record of {fields} in {[record.getMessage() for record in caplog.records]}")


def test_each_request_is_a_line_of_the_log(client, caplog):
    caplog.set_level(logging.INFO, "allotment.serve")
    client.post("/v1/recommend", content=b"{", headers={**JSON, "x-request-id": "seven"})
    fields = dict(logged(caplog, request_id="seven").fields)
    assert fields.pop("duration_ms") > 0
    assert fields.pop("bytes") > 10
    assert fields == {
        "method": "POST",
        "path": "/v1/recommend",
        "status": 400,
        "request_id": "seven",
        "client": "127.0.0.1",
    }


def test_a_failure_is_told_as_json_and_logged_with_its_traceback(caplog):
    slow = Slow(POLICY)
    with served(slow) as url:
        slow.failure = RuntimeError("the shelf broke")
        answer = httpx.post(f"{url}/v1/recommend", json={}, headers={"x-request-id": "eight"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "eight")
    assert answer.json() == {"error": "the service failed at this request; its log says more of eight"}
    record = logged(caplog, request_id="eight")
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["status"], line["request_id"]) == ("error", 500, "eight")
    assert line["traceback"].endswith("RuntimeError: the shelf broke")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert not [record for record in caplog.records if record.name == "uvicorn.error" and record.exc_info]


def test_a_client_that_leaves_is_no_failure(caplog):
    caplog.set_level(logging.INFO, "allotment.serve")
    with served(POLICY) as url:
        with socket.create_connection(("127.0.0.1", httpx.URL(url).port)) as line:
            line.sendall(
                b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
            )
            time.sleep(0.1)
        record = logged(caplog, status=499)
    assert record.levelname == "INFO"


def counted(url):
    """Return the samples of a service's metrics: their values by name and labels."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    return {(each.name, *sorted(each.labels.values())): each.value for family in families for each in family.samples}


def in_flight(url):
    return counted(url)["allotment_http_requests_in_flight",]


def test_the_metrics_count_what_was_asked():
    with served(POLICY, LIMITS) as url:
        httpx.post(f"{url}/v1/recommend", json=[example_snapshot(POLICY)] * 3)
        httpx.post(f"{url}/v1/recommend", json={})
        httpx.head(f"{url}/v1/metadata")
        for number in range(3):
            httpx.request("BREW", f"{url}/coffee/{number}")
        samples = counted(url)
    requests = "allotment_http_requests_total"
    assert samples[requests, "/v1/recommend", "200", "POST"] == 1
    assert samples[requests, "/v1/recommend", "422", "POST"] == 1
    assert samples[requests, "/v1/metadata", "200", "HEAD"] == 1
    assert samples[requests, "404", "other", "other"] == 3
    assert samples["allotment_http_request_duration_seconds_count", "/v1/recommend", "POST"] == 2
    assert samples["allotment_http_request_duration_seconds_bucket", "+Inf", "/v1/recommend", "POST"] == 2
    assert samples["allotment_snapshots_answered_total",] == 3


def asked(app, *paths, after=lambda: None):
    """Return the status codes of GETs within the life of an application, in the main thread; `after` runs before the last."""

    async def ask():
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            first = [(await client.get(path)).status_code for path in paths]
            for _ in range(1000):
                if (state := (await client.get("/ready")).json()) != {"error": "the service is starting"}:
                    break
                await asyncio.sleep(0.01)
            after()
            return first, state, (await client.get("/ready")).json()

    return asyncio.run(ask())


def test_a_service_is_ready_once_its_policy_has_answered_and_until_it_is_told_to_end():
    ended = []
    before = signal.signal(signal.SIGTERM, lambda *_: ended.append(True)), signal.getsignal(signal.SIGINT)
    slow = Slow(POLICY)
    slow.seconds = 0.3
    try:
        first, then, last = asked(
            build_service(slow), "/ready", "/openapi.json", "/health", after=lambda: signal.raise_signal(signal.SIGTERM)
        )
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert first == [503, 503, 200]
    assert then == {"status": "ready"}
    assert last == {"error": "the service is ending"}
    assert ended == [True]  # whoever handled the signal before still does


def test_a_policy_that_fails_at_its_example_is_never_ready(caplog):
    slow = Slow(POLICY)
    slow.failure = RuntimeError("the shelf broke")
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        _, state, _ = asked(build_service(slow))
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert state == {"error": "the service is failing"}
    assert "the policy does not answer its own example" in caplog.text


def test_a_token_is_needed_for_all_but_the_probes():
    with served(POLICY, LIMITS, Access("s3cret")) as url:
        for path in ("/v1/metadata", "/metrics", "/docs", "/openapi.json", "/static-offline-docs/swagger-ui.css", "/nothing"):
            refused = httpx.get(f"{url}{path}")
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="allotment"')
        for wrong in ("Bearer", "Bearer s3cre", "Bearer s3crets", "Basic s3cret", "s3cret", "Bearer sécret".encode()):
            assert httpx.get(f"{url}/v1/metadata", headers={"authorization": wrong}).status_code == 401
        right = {"authorization": "Bearer s3cret"}
        for path in ("/v1/metadata", "/metrics", "/docs"):
            assert httpx.get(f"{url}{path}", headers=right).status_code == 200
        assert httpx.post(f"{url}/v1/recommend", json=example_snapshot(POLICY)).status_code == 401
        assert httpx.post(f"{url}/v1/recommend", json=example_snapshot(POLICY), headers=right).status_code == 200
        assert [httpx.get(f"{url}{path}").status_code for path in ("/health", "/ready")] == [200, 200]
        document = httpx.get(f"{url}/openapi.json", headers=right).json()
    assert document["paths"]["/v1/recommend"]["post"]["security"] == [{"token": []}]
    assert "security" not in document["paths"]["/health"]["get"]


def test_pages_of_named_origins_may_ask_and_no_others(client):
    page, other = "https://plan.example", "https://other.example"
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
    with served(POLICY, LIMITS, Access("s3cret", [page])) as url:
        allowed = httpx.options(f"{url}/v1/recommend", headers={"origin": page, **preflight})
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, page)
        assert httpx.options(f"{url}/v1/recommend", headers={"origin": other, **preflight}).status_code == 400
        told = httpx.get(f"{url}/health", headers={"origin": page}).headers
        assert (told["access-control-allow-origin"], told["access-control-expose-headers"]) == (page, "x-request-id")
    assert "access-control-allow-origin" not in client.get("/health", headers={"origin": page}).headers
