"""Services for tests: in a thread of this process, or by the command in a process of its own; always on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import httpx
import uvicorn

from allotment.serve.connections import PatientConnection
from allotment.serve.limits import Limits
from allotment.serve.service import build_service

PATIENCE = 60  # seconds that a start may take on a busy machine


@contextlib.contextmanager
def served(policy, limits=None, access=None, buffer=None):
    """Serve a policy on a free port of this machine; yields its address, once it is ready."""
    limits = limits or Limits()
    sock = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sends small answers at once where it knows that it is TCP
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)  # of the connections too
    sock.bind(("127.0.0.1", 0))
    http = partial(PatientConnection, limits)
    server = uvicorn.Server(uvicorn.Config(build_service(policy, limits, access), http=http, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    wait_until_ready(url)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()


def wait_until_ready(url, alive=lambda: True):
    """Return when a service says that it is ready."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert alive() and time.monotonic() < deadline, "the service did not get ready"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        time.sleep(0.05)


def processes_of(session):
    """Return the processes of a session, apart from those that have ended and wait to be noticed."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, of = file.read_text().rpartition(")")[2].split()[:4]
            found += [int(file.parent.name)] if int(of) == session and state != "Z" else []
    return found


class Command:
    """`allotment serve` in a process of its own, on a free port; what it logged is there once it has ended."""

    def __init__(self, folder, *arguments, port=0):
        self.errors = (folder / "stderr").open("w+")
        call = [sys.executable, "-m", "allotment.cli", "serve", *map(str, arguments), "--port", str(port)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            call, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=self.errors, text=True, start_new_session=True
        )
        self.said = self.process.stdout.readline()
        assert "http://" in self.said, self.log()
        self.url = "http://127.0.0.1:" + self.said.rpartition(":")[2].partition("/")[0]

    def __enter__(self):
        wait_until_ready(self.url, lambda: self.process.poll() is None)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def end(self):
        """Tell the service to end; returns its exit code and how long it took, in seconds."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE), time.monotonic() - begin

    def log(self):
        """Return what the service has written to standard error."""
        self.errors.seek(0)
        return self.errors.read()
