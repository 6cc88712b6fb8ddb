"""Worker processes that end when they are told to, within the time they have, and never outlive the process that began them."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import threading
import time
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

from allotment.serve.readiness import ENDING


class ToldToEnd(BaseException):
    """A signal ends the service, whatever its first process is waiting for."""


class Workers(Multiprocess):
    """Uvicorn's workers, which have `grace` seconds for requests in work and `patience` for the rest of their end."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], patience: float) -> None:
        super().__init__(config, sockets)
        self._seconds = (config.timeout_graceful_shutdown or 0) + patience
        for number in ENDING:
            signal.signal(number, self._told)

    def run(self) -> None:
        """Run workers until a signal ends them."""
        try:
            super().run()
        except ToldToEnd:
            self.should_exit.set()
            self.terminate_all()
            self.join_all()

    def _told(self, number: int, frame: FrameType | None) -> None:
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)
        raise ToldToEnd

    def join_all(self) -> None:
        """Wait for the workers to end, and end those that do not."""
        deadline = time.monotonic() + self._seconds
        for worker in self.processes:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
            worker.join()


def end_with_the_first_process(folder: str | None, seconds: float) -> None:
    """Let this worker end, and its folder with it, when the process that began it is gone; at the latest after `seconds`."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        os._exit(1)

    threading.Thread(target=follow, name="following", daemon=True).start()
