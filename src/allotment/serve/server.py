"""Running a service: a policy loaded in each worker, behind sockets that they share, until a signal ends it."""

from __future__ import annotations

import logging
import logging.config
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from allotment.extensions import import_named
from allotment.serve.access import Access
from allotment.serve.limits import Limits
from allotment.serve.listening import listening, start_listening
from allotment.serve.logs import CONFIG, LOGGER
from allotment.serve.metrics import FOLDER
from allotment.serve.readiness import ENDING
from allotment.serve.service import build_service

PATIENCE = 15  # seconds for a worker to begin, or to show that it lives


@dataclass(frozen=True)
class Serving:
    """What each worker needs to serve a policy. It imports what the user named, and nothing that the policy's bundle names."""

    load: Callable[[], Any]  # returns the policy
    limits: Limits
    access: Access
    imports: Sequence[str] = ()

    def policy(self) -> Any:
        """Return the policy; `ValueError` where it is of a kind that answers no snapshots."""
        policy = self.load()
        if not hasattr(policy, "recommend"):
            raise ValueError(
                f"{policy.name}: acts in an environment of another package; only a world's policies answer snapshots"
            )
        return policy


def serve(serving: Serving, host: str, port: int, workers: int, grace: int, tell: Callable[[str], None]) -> None:
    """Serve until a signal ends it, which requests in work may outlast by `grace` seconds; `tell` gets the address.

    Raises `ValueError` where the host has no address here, the port is taken, or the policy cannot be served.
    """
    sockets = listening(host, port)
    logging.config.dictConfig(CONFIG)
    logging.captureWarnings(True)
    policy = serving.policy()
    start_listening(sockets)
    shown = f"[{host}]" if ":" in host else host
    tell(f"{policy.name} in {policy.world.name}: http://{shown}:{sockets[0].getsockname()[1]}/docs")
    if workers == 1:
        _serve_here(build_service(policy, serving.limits, serving.access), sockets, grace)
    else:
        _serve_by_workers(serving, sockets, workers, grace)


def _serve_here(app: FastAPI, sockets: list[socket.socket], grace: int) -> None:
    """Serve in this process. The server raises the signal that ended it once more, when all is done."""
    for number in ENDING:
        signal.signal(number, _leave)
    uvicorn.Server(_config(app, grace)).run(sockets)


def _leave(number: int, frame: Any) -> None:
    """End the process at once: plans that are still computed after the grace period would hold it up."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(0)


def _serve_by_workers(serving: Serving, sockets: list[socket.socket], workers: int, grace: int) -> None:
    with tempfile.TemporaryDirectory(prefix=f"allotment-metrics-{os.getpid()}-") as folder:
        os.environ[FOLDER] = folder
        supervisor = Multiprocess(_config(partial(_worker, serving), grace, workers=workers, factory=True), sockets)
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ValueError("a worker could not start; its log says why")


def _worker(serving: Serving) -> FastAPI:
    """Return the application of a worker process."""
    logging.captureWarnings(True)
    try:
        for file in serving.imports:
            import_named(file)
        return build_service(serving.policy(), serving.limits, serving.access)
    except Exception:
        LOGGER.exception("the worker cannot load the policy")
        sys.exit(STARTUP_FAILURE)


def _config(app: Any, grace: int, **settings: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=CONFIG,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=grace,
        timeout_worker_healthcheck=PATIENCE,
        **settings,
    )
