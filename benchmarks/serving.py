"""One serving process on loopback: how fast a plan comes, at which load, and whether 100,000 answers leave it as it was.

`python -m benchmarks.serving` prints the time of a recommendation in process, the latency over HTTP at 100 requests a second
(counted from the moment a request was due, so that waiting counts), and what a long run of requests does to memory. Every plan
is checked against its snapshot here, by names and sums alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

import allotment
from allotment.decisions.observation import observe
from allotment.exchange.register import Register
from allotment.scenario.loader import World
from allotment.simulation.simulation import Simulation
from benchmarks.machine import describe

ENV, CONFIG = "three_warehouses", "ppo_residual"
RULE = {"policy": "dual_newsvendor", "parameters": {"expedite_factor": 0.5, "safety_factor": 1.0}}
QUICK = ["steps=20_000", "validation.every=20_000", f"encoding.rule={json.dumps(RULE)}"]
SNAPSHOTS = 256
RATE, SECONDS = 100, 60
CONNECTIONS = 8
TARGETS = {"in process": 1.0, "over HTTP": 20.0}  # ms: median, and 99th percentile


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="of the long run")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="at 100 requests a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = allotment.train(ENV, CONFIG, out=folder, overrides=QUICK)
        policy = allotment.load_policy(run)
        snapshots = met(policy)
        served = Service(run)
        try:
            report(
                in_process(policy, snapshots),
                served.at_rate(snapshots, given.seconds),
                served.long_run(snapshots, given.requests),
            )
        finally:
            served.stop()


def met(policy: Any) -> list[dict[str, Any]]:
    """Return snapshots that the policy meets in its world, as they travel."""
    simulation, worlds = Simulation(policy.world.problem, SNAPSHOTS), np.arange(SNAPSHOTS)
    register = Register(policy.world)
    simulation.reset(worlds, worlds, np.zeros(SNAPSHOTS, dtype=np.int64))
    snapshots = []
    for period in range(40):
        for world in range(period % 40, SNAPSHOTS, 40):
            snapshots.append(
                json.loads(register.snapshot(simulation.state, world).model_dump_json(by_alias=True, exclude_none=True))
            )
        simulation.step(policy.decide(observe(simulation)).orders)
    return snapshots


def in_process(policy: Any, snapshots: list[dict[str, Any]], rounds: int = 8) -> list[float]:
    """Return the milliseconds that each recommendation took, from the content of a JSON object to a plan."""
    policy.recommend(snapshots[0])
    times = []
    for snapshot in snapshots * rounds:
        start = time.perf_counter()
        policy.recommend(snapshot)
        times.append(1e3 * (time.perf_counter() - start))
    return times


class Service:
    """`allotment serve` in a process of its own."""

    def __init__(self, run: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.world = allotment.load_policy(run).world
        command = [sys.executable, "-m", "allotment.cli", "serve", str(run), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._up():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the service did not start")
            time.sleep(0.1)

    def _up(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()

    @property
    def megabytes(self) -> float:
        """Return the memory the process holds."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def ask(self, connection: http.client.HTTPConnection, body: bytes) -> Any:
        """Return the plan for a snapshot."""
        connection.request("POST", "/v1/recommend", body, {"content-type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {content[:200]!r}")
        return json.loads(content)

    def at_rate(self, snapshots: list[dict[str, Any]], seconds: int) -> list[float]:
        """Return the milliseconds from the moment each of 100 requests a second was due to its answer."""
        bodies = [json.dumps(snapshot).encode() for snapshot in snapshots]
        times: list[float] = []
        begin = time.perf_counter() + 0.5

        def work(worker: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(worker, RATE * seconds, CONNECTIONS):
                due = begin + number / RATE
                time.sleep(max(0.0, due - time.perf_counter()))
                self.ask(connection, bodies[number % len(bodies)])
                times.append(1e3 * (time.perf_counter() - due))

        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(CONNECTIONS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return times

    def long_run(self, snapshots: list[dict[str, Any]], requests: int) -> dict[str, float]:
        """Ask so many times, one after the other, and check every plan; returns rates, faults and memory."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bodies = [json.dumps(snapshot).encode() for snapshot in snapshots]
        infeasible, memory, start = 0, [], time.perf_counter()
        for number in range(requests):
            plan = self.ask(connection, bodies[number % len(bodies)])
            infeasible += not feasible(plan, snapshots[number % len(bodies)], self.world)
            if number % max(1, requests // 10) == 0:
                memory.append(self.megabytes)
        return {
            "requests": requests,
            "requests a second": requests / (time.perf_counter() - start),
            "infeasible plans": infeasible,
            "MB after a tenth": memory[1] if len(memory) > 1 else memory[0],
            "MB at the end": self.megabytes,
        }


def feasible(plan: dict[str, Any], snapshot: dict[str, Any], world: World) -> bool:
    """Tell whether a plan is in whole units and within stock, handling, lane and supplier capacities."""
    content = world.scenario
    leaving: dict[tuple[str, str], float] = defaultdict(float)
    by_lane: dict[tuple[str, str], float] = defaultdict(float)
    from_supplier: dict[str, float] = defaultdict(float)
    moved: dict[str, float] = defaultdict(float)
    whole = all(entry["units"] >= 0 and entry["units"] == int(entry["units"]) for entry in plan["orders"] + plan["shipments"])
    sites = {site.name: site for site in content.sites}
    for entry in plan["orders"] + plan["shipments"]:
        if entry["from"] in sites:
            leaving[entry["from"], entry["sku"]] += entry["units"]
            moved[entry["from"]] += entry["units"]
        else:
            from_supplier[entry["from"]] += entry["units"]
    for entry in plan["orders"]:
        by_lane[entry["from"], entry["to"]] += entry["units"]
    capacity = world.problem.lanes.capacity[snapshot["period"] % len(world.problem.lanes.capacity)]
    limits = dict(zip([tuple(name.split(" → ")) for name in world.names.supply_lanes], capacity, strict=True))
    return (
        whole
        and all(units <= snapshot["stock"][site][sku] for (site, sku), units in leaving.items())
        and all(units <= limits[lane] for lane, units in by_lane.items())
        and all(sites[name].handling is None or units <= sites[name].handling for name, units in moved.items())
        and all(
            supplier.capacity is None or from_supplier[supplier.name] <= supplier.capacity for supplier in content.suppliers
        )
    )


def report(inside: list[float], outside: list[float], long: dict[str, float]) -> None:
    """Print what was measured."""
    console = Console()
    for name, value in describe():
        console.print(f"{name}: {value}", highlight=False)
    table = Table(title=f"Recommendations in {ENV}, ms", title_justify="left")
    for column in ("where", "requests", "median", "99 %", "longest", "target"):
        table.add_column(column)
    for name, times, target in (
        ("in process", inside, f"median {TARGETS['in process']:g}"),
        (f"over HTTP, {RATE} a second", outside, f"99 % {TARGETS['over HTTP']:g}"),
    ):
        median, high = np.percentile(times, [50, 99])
        table.add_row(name, f"{len(times):,}", f"{median:.2f}", f"{high:.2f}", f"{max(times):.1f}", target)
    console.print(table)
    for name, value in long.items():
        console.print(f"{name}: {value:,.4g}" if value != int(value) else f"{name}: {int(value):,}", highlight=False)


if __name__ == "__main__":
    main()
