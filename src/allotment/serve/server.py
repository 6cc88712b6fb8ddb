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

from allotment.extensions import import_named
from allotment.serve.access import Access
from allotment.serve.connections import PatientConnection
from allotment.serve.limits import Limits
from allotment.serve.listening import listening, start_listening
from allotment.serve.logs import CONFIG, LOGGER
from allotment.serve.metrics import FOLDER
from allotment.serve.readiness import ENDING
from allotment.serve.service import build_service
from allotment.serve.workers import Workers, end_with_the_first_process

TURN = 0.001  # seconds that a thread computes while others wait: plans do not keep the rest from being answered
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
    sys.setswitchinterval(TURN)
    sockets = listening(host, port)
    logging.config.dictConfig(CONFIG)
    logging.captureWarnings(True)
    policy = serving.policy()
    start_listening(sockets)
    shown = f"[{host}]" if ":" in host else host
    tell(f"{policy.name} in {policy.world.name}: http://{shown}:{sockets[0].getsockname()[1]}/docs")
    if workers == 1:
        _serve_here(serving, build_service(policy, serving.limits, serving.access), sockets, grace)
    else:
        _serve_by_workers(serving, sockets, workers, grace)


def _serve_here(serving: Serving, app: FastAPI, sockets: list[socket.socket], grace: int) -> None:
    """Serve in this process. The server raises the signal that ended it once more, when all is done."""
    for number in ENDING:
        signal.signal(number, _leave)
    uvicorn.Server(_config(app, serving.limits, grace)).run(sockets)


def _leave(number: int, frame: Any) -> None:
    """End the process at once: plans that are still computed after the grace period would hold it up."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(0)


def _serve_by_workers(serving: Serving, sockets: list[socket.socket], workers: int, grace: int) -> None:
    try:
        counts = tempfile.TemporaryDirectory(prefix=f"allotment-metrics-{os.getpid()}-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ValueError(f"--workers {workers}: their counts need a temporary folder: {error}") from None
    with counts as folder:
        os.environ[FOLDER] = folder
        begin = partial(_worker, serving, folder, grace)
        supervisor = Workers(_config(begin, serving.limits, grace, workers=workers, factory=True), sockets, PATIENCE)
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ValueError("a worker could not start; its log says why")


def _worker(serving: Serving, folder: str, grace: int) -> FastAPI:
    """Return the application of a worker process."""
    sys.setswitchinterval(TURN)
    end_with_the_first_process(folder, grace + PATIENCE)
    logging.captureWarnings(True)
    try:
        for file in serving.imports:
            import_named(file)
        return build_service(serving.policy(), serving.limits, serving.access)
    except Exception:
        LOGGER.exception("the worker cannot load the policy")
        sys.exit(STARTUP_FAILURE)


def _config(app: Any, limits: Limits, grace: int, **settings: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=partial(PatientConnection, limits),  # type: ignore[arg-type]
        log_config=CONFIG,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=grace,
        timeout_worker_healthcheck=PATIENCE,
        **settings,
    )
