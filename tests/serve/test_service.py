"""The service answers as the policy does, tells every fault as JSON, and keeps to its own description."""

import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import uvicorn

from allotment.decisions.encodings import Quantity
from allotment.policies.networks import NetworkShape
from allotment.serve.example import example_snapshot
from allotment.serve.service import Limits, build_service
from small_policies import network, rule
from small_worlds import two_shops

POLICY = network(two_shops(), NetworkShape("lstm", [8], "relu", memory=3), Quantity(two_shops()))
LIMITS = Limits(bytes=20_000, snapshots=4)


def served(policy, limits):
    """Serve a policy on a free port of this machine; returns the server, its thread and its address."""
    sock = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sends small answers at once where it knows that it is TCP
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_service(policy, limits), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    return server, thread, f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture(scope="module")
def address():
    server, thread, url = served(POLICY, LIMITS)
    yield url
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client


def test_a_snapshot_gets_the_policys_plan(client):
    snapshot = example_snapshot(POLICY)
    response = client.post("/recommend", json=snapshot)
    assert response.status_code == 200
    plan = POLICY.recommend(snapshot)
    assert response.json() == plan.model_dump(by_alias=True, mode="json")
    assert response.json()["orders"]
    assert len(response.json()["memory"]) == 6


def test_a_list_of_snapshots_gets_a_list_of_plans(client):
    snapshots = [example_snapshot(POLICY), {**example_snapshot(POLICY), "period": 7}]
    answers = client.post("/recommend", json=snapshots).json()
    assert [plan["period"] for plan in answers] == [3, 7]
    assert client.post("/recommend", json=[]).json() == []


def test_the_service_says_what_it_is(client):
    assert client.get("/health").json() == {"status": "ok"}
    told = client.get("/metadata").json()
    assert told["policy"] == {"name": "taught", "kind": "learned", "version": ""}
    assert told["skus"] == ["apple", "pear"]
    assert told["memory"] == 6
    assert told["limits"] == {"bytes": 20_000, "snapshots": 4}


def test_the_example_of_the_interface_works(client):
    document = client.get("/openapi.json").json()
    examples = document["paths"]["/recommend"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert client.post("/recommend", json=example["value"]).status_code == 200
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
    response = client.post("/recommend", json=content)
    assert (response.status_code, response.json()) == (status, {"error": message})


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"{", "application/json", 400, "the request is not JSON"),
        (b"{}", "text/plain", 415, "content-type must be application/json, not text/plain"),
        (b" " * 20_001, "application/json", 413, "the request has more than 20000 bytes"),
        (b"\xff\xfe", "application/json", 400, "the request is not JSON"),
        (b"[" * 19_000, "application/json", 400, "the request is not JSON"),
    ],
)
def test_a_request_that_is_none_is_told_as_json(client, body, kind, status, message):
    response = client.post("/recommend", content=body, headers={"content-type": kind})
    assert response.status_code == status
    assert message in response.json()["error"]


def test_other_paths_and_methods_are_told_as_json(client):
    assert client.get("/recomend").json() == {"error": "Not Found"}
    assert client.get("/recommend").json() == {"error": "Method Not Allowed"}


SEASON = two_shops(horizon={"kind": "season", "periods": 9}, units="continuous")


@pytest.mark.parametrize("policy", [POLICY, rule(SEASON)], ids=["network", "rule-in-a-season"])
def test_the_service_keeps_to_its_description(policy, tmp_path):
    server, thread, url = served(policy, Limits(snapshots=4))
    run = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--max-examples", "20", "--seed", "1"]
    try:
        done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, timeout=200)
    finally:
        server.should_exit = True
        thread.join()
    assert done.returncode == 0, done.stdout[-4000:]
    assert "3 selected / 3 total" in done.stdout
