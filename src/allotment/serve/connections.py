"""Connections that are not kept for a client that is slow: to send what it asks, or to take what it is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from allotment.serve.limits import Limits

ARRIVING = (h11.IDLE, h11.SEND_BODY)  # states of a client whose request is not there yet


class PatientConnection(H11Protocol):
    """One connection of Uvicorn's server, with limits of time for each request and answer, and one of a kind for all."""

    def __init__(self, limits: Limits, **settings: Any) -> None:
        super().__init__(**settings)
        self._limits = limits
        self._alarms: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse(503, "too many connections; try again later", ("retry-after", "1"))
        else:
            self._wait_for_the_request()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; it must be complete in time, however many parts it has."""
        super().data_received(data)
        self._wait_for_the_request()

    def on_response_complete(self) -> None:
        """End with a request; what is left of it is waited for as long as for any other."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait_for_the_request()

    def pause_writing(self) -> None:
        """Wait for the client to take what it is sent."""
        super().pause_writing()
        self._set("taking", self.transport.abort)

    def resume_writing(self) -> None:
        """Go on, as the client has taken what it was sent."""
        super().resume_writing()
        self._unset("taking")

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that asks for nothing more."""
        super().timeout_keep_alive_handler()
        self._set("taking", self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        super().connection_lost(exc)
        for name in list(self._alarms):
            self._unset(name)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(400, msg)

    def _wait_for_the_request(self) -> None:
        if self.transport.is_closing() or self.conn.their_state not in ARRIVING:
            self._unset("asking")
        elif "asking" not in self._alarms:
            self._set("asking", self._late)

    def _late(self) -> None:
        """End a connection whose request did not arrive in time; a body that is read still is waited for by who reads it."""
        self._unset("asking")
        if self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE:
            self._refuse(408, f"the request did not arrive within {self._limits.seconds:g} s")
        elif self.cycle is None or self.cycle.response_complete:
            self._close()

    def _refuse(self, status: int, message: str, *headers: tuple[str, str]) -> None:
        """Answer in place of the application, and close the connection."""
        body = json.dumps({"error": message}, separators=(",", ":")).encode()
        told = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close"), *headers]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = h11.Response(status_code=status, headers=told, reason=STATUS_PHRASES[status])
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._set("taking", self.transport.abort)

    def _set(self, name: str, what: Callable[[], object]) -> None:
        if name not in self._alarms:
            self._alarms[name] = self.loop.call_later(self._limits.seconds, what)

    def _unset(self, name: str) -> None:
        if name in self._alarms:
            self._alarms.pop(name).cancel()
