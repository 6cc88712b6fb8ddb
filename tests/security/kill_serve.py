"""Kills a service at random moments, with requests in work and clients that hang: `kill_serve.py --count 20 --seed 0`.

After each kill the service goes on, or has left neither process nor folder and starts again at the same port; whatever it
answered is what the policy answers here, to the byte.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "serve"))

from serving import Command, processes_of, wait_until_ready

from allotment.assembly import load_policy
from allotment.policies.bundle import save_bundle
from allotment.serve.example import example_snapshot
from small_policies import rule
from small_worlds import two_shops

GRACE = 2  # seconds
SOON = GRACE + 8  # seconds by which all is over, or there again, on a busy machine
SLOW = (
    b"",
    b"POST /v1/recommend HT",
    b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
)


class Load:
    """Clients that ask for plans until they are told to stop, and others that ask slowly."""

    def __init__(self, url: str, asked: list[tuple[bytes, bytes]], clients: int = 4) -> None:
        self.url, self.asked, self.wrong, self.right = url, asked, [], 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        place = httpx.URL(url)
        self.slow = [socket.create_connection((place.host, place.port)) for _ in SLOW]
        for line, begun in zip(self.slow, SLOW, strict=True):
            line.sendall(begun)
        for thread in self.threads:
            thread.start()

    def _ask(self, number: int) -> None:
        headers = {"content-type": "application/json"}
        while not self.stop.is_set():
            number = (number + 1) % len(self.asked)
            body, wanted = self.asked[number]
            with contextlib.suppress(httpx.TransportError):  # of a process that was killed
                answer = httpx.post(f"{self.url}/v1/recommend", content=body, headers=headers, timeout=20)
                if answer.status_code == 200 and answer.content == wanted:
                    self.right += 1
                elif answer.status_code != 503:
                    self.wrong.append((answer.status_code, answer.text[:200]))

    def end(self) -> None:
        """Stop asking; `AssertionError` where an answer was not what it should be."""
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for line in self.slow:
            line.close()
        assert not self.wrong, self.wrong[:3]
        assert self.right, "nothing was answered"


def soon(holds: Any, what: str) -> None:
    """Return when something holds; `AssertionError` where it does not soon."""
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def workers_of(service: Command) -> list[int]:
    """Return the processes that answer, where they are not the first one."""
    command = {each: Path(f"/proc/{each}/cmdline").read_bytes() for each in processes_of(service.process.pid)}
    return [each for each, call in command.items() if b"spawn_main" in call]


def round_of(draw: random.Random, folder: Path, port: int, asked: list[tuple[bytes, bytes]]) -> str:
    """Start a service, kill something of it at a random moment, and see what is left."""
    workers, what = draw.choice([1, 2]), draw.choice(["worker", "first", "end", "beginning"])
    if what == "worker":
        workers = 2
    arguments = [folder / "bundle", "--workers", workers, "--grace", GRACE, "--request-timeout", 60]
    service = Command(folder, *arguments, port=port)
    session = service.process.pid
    try:
        if what == "beginning":
            time.sleep(draw.uniform(0, 4))
            _end(service, draw.choice([signal.SIGTERM, signal.SIGKILL]))
        else:
            wait_until_ready(service.url, lambda: service.process.poll() is None)
            load = Load(service.url, asked)
            time.sleep(draw.uniform(0.3, 2))
            if what == "worker":
                _kill_a_worker(service, draw)
            _end(service, signal.SIGKILL if what == "first" else signal.SIGTERM)
            load.end()
        soon(lambda: not processes_of(session), f"processes are left: {processes_of(session)}")
        left = list(Path(tempfile.gettempdir()).glob(f"allotment-metrics-{session}-*"))
        assert not left, f"a folder is left: {left}"
    finally:
        for each in processes_of(session):
            os.kill(each, signal.SIGKILL)
        service.__exit__()
    return f"{what}, {workers} workers"


def _kill_a_worker(service: Command, draw: random.Random) -> None:
    victim = draw.choice(workers_of(service))
    os.kill(victim, signal.SIGKILL)
    soon(lambda: victim not in processes_of(service.process.pid) and len(workers_of(service)) == 2, "no worker in its place")
    wait_until_ready(service.url, lambda: service.process.poll() is None)


def _end(service: Command, number: int) -> None:
    """End a service; `AssertionError` where it takes longer than it may, or says that it failed."""
    begin = time.monotonic()
    os.kill(service.process.pid, number)
    code = service.process.wait(timeout=60)
    assert time.monotonic() - begin < SOON, f"the end took {time.monotonic() - begin:.1f} s"
    assert code in (0, -number), f"exit code {code}: {service.log()[-2000:]}"


def main() -> int:
    """Kill services and print what came of it; returns how many rounds failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as made, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(made), free.getsockname()[1]
        free.close()
        save_bundle(rule(two_shops()), folder / "bundle")
        asked = _questions(load_policy(folder / "bundle"))
        for number in range(given.count):
            try:
                told = round_of(random.Random(f"{given.seed} {number}"), folder, port, asked)
            except AssertionError as error:
                failures, told = failures + 1, f"FAILED: {error}"
            print(f"kill_serve, seed {given.seed}, round {number}: {told}", flush=True)
    print(f"kill_serve: {given.count} rounds, {failures} failures")
    return failures


def _questions(policy: Any) -> list[tuple[bytes, bytes]]:
    """Return bodies of requests and of their answers."""
    contents = [{**example_snapshot(policy), "period": period} for period in range(20)]
    return [(json.dumps(each).encode(), policy.recommend(each).model_dump_json(by_alias=True).encode()) for each in contents]


if __name__ == "__main__":
    sys.exit(min(main(), 1))
