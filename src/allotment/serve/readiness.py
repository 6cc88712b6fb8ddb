"""Whether a service can be sent requests: its policy is compiled and has answered once, and nobody has told it to end."""

from __future__ import annotations

import signal
import threading
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)


class Readiness:
    """What a service is doing: starting, ready, failing (its policy does not answer its own example), or ending."""

    def __init__(self) -> None:
        self.state = "starting"
        self.ending = False

    @property
    def reason(self) -> str | None:
        """Return why no requests should be sent, if so."""
        state = "ending" if self.ending else self.state
        return None if state == "ready" else f"the service is {state}"

    def listen_for_the_end(self) -> None:
        """Note the signals that end the process, before the server that handles them does; only a main thread gets them."""
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                self._note(number)

    def _note(self, number: signal.Signals) -> None:
        handled = signal.getsignal(number)

        def note(number: int, frame: FrameType | None) -> None:
            self.ending = True
            if callable(handled):
                handled(number, frame)

        signal.signal(number, note)
