"""What a service counts, for Prometheus. Workers write into one folder, and each of them tells what all have counted."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the environment variable by which the library shares counts among processes
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counts of one application; paths and methods that it does not know go under one name, so that labels are few."""

    def __init__(self) -> None:
        self._own = own = CollectorRegistry()
        labels = ["path", "method"]
        self.requests = Counter("allotment_http_requests_total", "Requests answered.", [*labels, "status"], registry=own)
        self.seconds = Histogram(
            "allotment_http_request_duration_seconds",
            "From a request's first line to the end of its answer.",
            labels,
            buckets=SECONDS,
            registry=own,
        )
        self.in_flight = Gauge(
            "allotment_http_requests_in_flight", "Requests being answered.", multiprocess_mode="livesum", registry=own
        )
        self.snapshots = Counter("allotment_snapshots_answered_total", "Snapshots that got a plan.", registry=own)

    def count(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `path` is one of the application's own."""
        known = method if method in METHODS else "other"
        self.requests.labels(path, known, status).inc()
        self.seconds.labels(path, known).observe(seconds)

    def text(self) -> bytes:
        """Return all counts in Prometheus's text format, of all workers where there are several."""
        folder = os.environ.get(FOLDER)
        if folder is None:
            return generate_latest(self._own)
        _forget_the_dead(Path(folder))
        shared = CollectorRegistry()
        MultiProcessCollector(shared, path=folder)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def _forget_the_dead(folder: Path) -> None:
    """Let go of what workers that were killed had in flight; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not _is_alive(process):
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
