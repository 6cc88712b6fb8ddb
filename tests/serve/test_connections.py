"""Connections are not kept for clients that send slowly, take nothing, or are too many; what is no HTTP is told so as JSON."""

import contextlib
import json
import socket
import time

import httpx
import pytest
from serving import served

from allotment.serve.example import example_snapshot
from allotment.serve.limits import Limits
from small_policies import rule
from small_worlds import two_shops

pytestmark = pytest.mark.security

POLICY = rule(two_shops())
HEAD = b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
LATE = {"error": "the request did not arrive within 0.4 s"}


@pytest.fixture(scope="module")
def address():
    with served(POLICY, Limits(seconds=0.4, connections=20, in_flight=2)) as url:
        yield "127.0.0.1", httpx.URL(url).port


@contextlib.contextmanager
def connected(address, sent):
    with socket.create_connection(address, timeout=10) as line:
        line.sendall(sent)
        yield line


def told(line):
    """Return status and content of all that is answered until the connection is closed."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := line.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /health HT",
        HEAD,
        HEAD + b"content-length: 9\r\n\r\n{",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_a_request_that_stops_is_told_so_and_its_connection_closed(address, sent):
    with connected(address, sent) as line:
        assert told(line) == (408, LATE)


def test_a_request_that_trickles_is_not_waited_for_longer(address):
    start = time.monotonic()
    with connected(address, HEAD) as line, contextlib.suppress(OSError):
        for number in range(100):
            line.sendall(b"x-%d: 1\r\n" % number)
            time.sleep(0.02)
            line.settimeout(0.001)
            with contextlib.suppress(TimeoutError):
                if line.recv(1):
                    break
    assert 0.3 < time.monotonic() - start < 1.5


def test_a_body_that_nobody_waits_for_keeps_no_connection(address):
    with connected(address, b"POST /nothing HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n") as line:
        assert line.recv(65536).startswith(b"HTTP/1.1 404 ")
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - start < 5:
                line.sendall(b"1\r\nx\r\n")
                time.sleep(0.02)
        assert time.monotonic() - start < 2


def test_a_client_that_takes_no_answer_is_let_go():
    body = json.dumps([example_snapshot(POLICY)] * 256).encode()
    with served(POLICY, Limits(seconds=0.4), buffer=4096) as url, socket.socket() as line:
        whole = httpx.post(f"{url}/v1/recommend", content=body, headers={"content-type": "application/json"}).content
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", httpx.URL(url).port))
        line.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
        time.sleep(1.5)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while part := line.recv(65536):
                taken += len(part)
    assert 0 < taken < len(whole) / 2


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",  # no host
        b"GET /health HTTP/1.1\r\nhost: x\r\nlong: " + b"x" * 200_000,
        HEAD + b"content-length: 9, 10\r\n\r\n{}",
        HEAD + b"content-length: -9\r\n\r\n{}",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}",
    ],
)
def test_what_is_no_http_is_told_so_as_json(address, sent):
    with connected(address, b"") as line:
        with contextlib.suppress(OSError):
            line.sendall(sent)
        assert told(line) == (400, {"error": "Invalid HTTP request received."})


def test_connections_beyond_the_most_are_told_to_come_again(address):
    time.sleep(0.5)  # until those of other tests are gone
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(address, b""))
        time.sleep(0.1)
        with connected(address, b"") as line:
            assert told(line) == (503, {"error": "too many connections; try again later"})
    time.sleep(0.1)
    assert httpx.get(f"http://127.0.0.1:{address[1]}/health").status_code == 200


def test_requests_in_flight_beyond_the_most_are_told_to_come_again_before_they_are_read(address):
    with connected(address, HEAD + b"content-length: 9\r\n\r\n{"), connected(address, HEAD + b"content-length: 9\r\n\r\n{"):
        time.sleep(0.1)
        url = f"http://127.0.0.1:{address[1]}"
        refused = httpx.post(f"{url}/v1/recommend", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert httpx.get(f"{url}/health").status_code == 200
    time.sleep(0.6)
    assert httpx.post(f"{url}/v1/recommend", json={}).status_code == 422
