"""Whether a service can be sent requests: its policy is compiled and has answered once, and nobody has told it to end."""

from __future__ import annotations

import signal
import threading
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)


class Readiness:
    """What a service is doing: starting, ready, failed (its policy does not answer its own example), or ending."""

    def __init__(self) -> None:
        self.state = "starting"

    @property
    def ready(self) -> bool:
        """Return whether requests are welcome."""
        return self.state == "ready"

    def started(self, well: bool) -> None:
        """Note that the policy has answered once, or could not; a service that is ending stays so."""
        if self.state == "starting":
            self.state = "ready" if well else "failed"

    def listen_for_the_end(self) -> None:
        """Note the signals that end the process, before the server that handles them does; only a main thread gets them."""
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                self._note(number)

    def _note(self, number: signal.Signals) -> None:
        handled = signal.getsignal(number)

        def note(number: int, frame: FrameType | None) -> None:
            self.state = "ending"
            if callable(handled):
                handled(number, frame)

        signal.signal(number, note)
