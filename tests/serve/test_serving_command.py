"""`allotment serve` as others run it: in processes of its own, over sockets, until a signal ends it."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from serving import Command, processes_of

from allotment.cli import main
from allotment.extensions import import_file
from allotment.policies.bundle import save_bundle
from allotment.scenario.loader import load_scenario
from allotment.serve import listening
from allotment.serve.access import Access, check_reach
from allotment.serve.limits import Limits
from allotment.serve.server import Serving
from small_policies import rule

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
THOUGHTFUL = """
import time
from dataclasses import dataclass

from allotment.authoring import Decision, Network, Observation, parameter


@dataclass(frozen=True)
class Thoughtful:
    network: Network
    level: float = parameter(20, 1)

    def decide(self, observation: Observation) -> Decision:
        time.sleep({100: 1, 101: 90}.get(int(observation.period[0]), 0))
        transfers, position = self.network.transferred(observation)
        return self.network.order(self.level - position, transfers)
"""


@pytest.fixture(scope="module")
def thoughtful(tmp_path_factory):
    """A rule of a user's own, which takes a second in period 100 and ages in period 101: arguments that serve it."""
    folder = tmp_path_factory.mktemp("thoughtful")
    (folder / "thoughtful.py").write_text(THOUGHTFUL, encoding="utf-8")
    import_file(folder / "thoughtful.py")
    save_bundle(rule(load_scenario("lost_sales"), {"policy": "thoughtful.py:Thoughtful"}), folder / "bundle")
    return [folder / "bundle", "--import", folder / "thoughtful.py"]


def asked(service, period):
    return httpx.post(f"{service.url}/v1/recommend", json={"period": period, "stock": {"store": {"item": 9}}}, timeout=20)


def test_the_example_runs_and_requests_in_work_outlast_the_end_by_the_grace_period(thoughtful, tmp_path):
    shown = re.search(r"^```bash\n(curl .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    assert "http://127.0.0.1:8000/" in shown
    with Command(tmp_path, *thoughtful, "--grace", 2) as service, ThreadPoolExecutor() as threads:
        assert service.said == f"thoughtful.py:Thoughtful in lost_sales: {service.url}/docs\n"
        example = ["bash", "-c", shown.replace("http://127.0.0.1:8000", service.url)]
        done = subprocess.run(example, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["orders"][0]["to"] == "store"

        soon, never = threads.submit(asked, service, 100), threads.submit(asked, service, 101)
        time.sleep(0.3)
        code, seconds = service.end()
        assert code == 0
        assert 2 <= seconds < 10
        assert soon.result().status_code == 200
        assert never.exception() or never.result().status_code >= 500
        lines = [json.loads(line) for line in service.log().splitlines()]
    answered = next(line for line in lines if line.get("duration_ms", 0) > 900)
    assert (answered["path"], answered["status"], answered["client"]) == ("/v1/recommend", 200, "127.0.0.1")
    assert {"time", "level", "method", "request_id", "bytes"} < answered.keys()


def test_workers_share_a_port_and_count_together(thoughtful, tmp_path):
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    arguments = ["--workers", 2, "--token-file", tmp_path / "token", "--grace", 1]
    with Command(tmp_path, *thoughtful, *arguments) as service:
        right = {"authorization": "Bearer s3cret"}
        assert httpx.get(f"{service.url}/v1/metadata").status_code == 401
        for _ in range(12):
            assert httpx.get(f"{service.url}/v1/metadata", headers=right).status_code == 200
        told = httpx.get(f"{service.url}/metrics", headers=right).text
        assert 'allotment_http_requests_total{method="GET",path="/v1/metadata",status="200"} 12.0' in told
        assert "allotment_http_requests_in_flight 1.0" in told
        with hanging(service, b"authorization: Bearer s3cret\r\n"):
            code, seconds = service.end()
        assert code == 0
        assert 1 <= seconds < 8
        assert service.log().count("Started server process") == 2
    assert not list(Path(tempfile.gettempdir()).glob(f"allotment-metrics-{service.process.pid}-*"))


@contextlib.contextmanager
def hanging(service, headers=b""):
    """Hold connections whose clients send nothing, half a head and half a body."""
    head = b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n" + headers
    with contextlib.ExitStack() as stack:
        for sent in (b"", head, head + b"\r\n{"):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", httpx.URL(service.url).port)))
            line.sendall(sent)
        time.sleep(0.3)
        yield


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not list processes so")
def test_no_worker_outlives_the_first_process(thoughtful, tmp_path):
    with Command(tmp_path, *thoughtful, "--workers", 2) as service, hanging(service):
        session = service.process.pid
        assert len(processes_of(session)) >= 3
        service.process.kill()
        deadline = time.monotonic() + 15
        while processes_of(session) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert processes_of(session) == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.url}/health")
    assert not list(Path(tempfile.gettempdir()).glob(f"allotment-metrics-{session}-*"))


@pytest.fixture
def refusal(monkeypatch, capsys, tmp_path):
    """Return a function that serves with arguments that it should not, and returns what is said; the exit code is 2."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["allotment", "serve", str(tmp_path), *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert (end.value.code, printed.out) == (2, "")
        assert printed.err.count("\n") == 1
        return printed.err

    return run


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "192.0.2.1", "::ffff:127.0.0.1"])
def test_other_machines_need_a_token_unless_it_is_said_that_they_do_not(refusal, host):
    assert refusal("--host", host).startswith(
        f"error: --host {host}: other machines could ask anything here; name a --token-file"
    )
    check_reach(host, anybody=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_needs_no_token(host):
    check_reach(host, anybody=False)


def test_a_name_that_stands_for_this_machine_and_others_is_no_loopback(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "192.0.2.1")]
    monkeypatch.setattr(listening.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ValueError, match="other machines could ask"):
        check_reach("both.example", anybody=False)


def test_a_port_that_is_taken_or_a_host_that_is_none_is_told_in_a_line(refusal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal("--port", port) == f"error: cannot listen at 127.0.0.1, port {port}: address already in use\n"
    assert refusal("--host", "a..b").startswith("error: --host a..b: no address is known by this name (")
    assert refusal("--no-token", "--host", "192.0.2.1") == (
        "error: cannot listen at 192.0.2.1, port 8000: cannot assign requested address\n"
    )


def test_all_addresses_of_a_name_are_listened_at_on_one_port():
    sockets = listening.listening("localhost", 0)
    assert len({each.getsockname()[1] for each in sockets}) == 1
    assert "127.0.0.1" in {each.getsockname()[0] for each in sockets}
    listening.start_listening(sockets)
    socket.create_connection(("127.0.0.1", sockets[0].getsockname()[1])).close()
    for each in sockets:
        each.close()


@pytest.mark.parametrize("content", ["", "\n", "two words", "tökén", "a\nb"])
def test_a_file_without_a_token_is_refused(refusal, tmp_path, content):
    (tmp_path / "token").write_text(content, encoding="utf-8")
    assert "token: must hold one token, of printable ASCII characters" in refusal("--token-file", tmp_path / "token")


def test_options_that_make_no_sense_are_refused(refusal, tmp_path):
    (tmp_path / "token").write_text("s3cret", encoding="utf-8")
    assert "exclude each other" in refusal("--token-file", tmp_path / "token", "--no-token")
    assert "cannot be read" in refusal("--token-file", tmp_path / "none")
    for origin in ("plan.example", "https://plan.example/", "https://plan.example/page", "file://x"):
        assert refusal("--allow-origin", origin).startswith(f"error: --allow-origin {origin}: must be * or scheme://host")


def test_a_policy_that_answers_no_snapshots_is_refused():
    external = SimpleNamespace(name="sac")
    with pytest.raises(ValueError, match="sac: acts in an environment of another package"):
        Serving(lambda: external, Limits(), Access()).policy()
