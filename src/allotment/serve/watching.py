"""Watching requests: each gets an id, a line in the log and its place in the metrics; a failing one is answered too."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from allotment.serve.logs import LOGGER
from allotment.serve.metrics import Metrics
from allotment.serve.refusals import told

REQUEST_ID = "x-request-id"
SANE = re.compile(r"[!-~]{1,128}")  # an id that may be taken over: printable, without spaces, not long
LONGEST_PATH = 200  # characters in the log
GONE = 499  # the status in log and metrics where the client left before it was answered


class Watched:
    """An ASGI application that is watched, with the paths that it knows."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer, begin, failure = _Answer(_id_of(scope), send), time.perf_counter(), None
        try:
            with self.metrics.in_flight.track_inprogress():
                failure = await self._passed_on(scope, receive, answer)
        finally:
            self._note(scope, answer, time.perf_counter() - begin, failure)

    async def _passed_on(self, scope: Scope, receive: Receive, answer: _Answer) -> Exception | None:
        """Return what went wrong, once it was told to whoever asked."""
        try:
            await self.app(scope, receive, answer.send)
        except ClientDisconnect:
            return None
        except Exception as error:
            if not answer.begun:
                message = f"the service failed at this request; its log says more of {answer.request_id}"
                await told(500, message)(scope, receive, answer.send)
            return error
        return None

    def _note(self, scope: Scope, answer: _Answer, seconds: float, failure: Exception | None) -> None:
        path, client = scope["path"], scope.get("client")
        self.metrics.count(path if path in self.paths else "other", scope["method"], answer.status, seconds)
        fields = {
            "method": scope["method"],
            "path": path[:LONGEST_PATH],
            "status": answer.status,
            "duration_ms": round(1e3 * seconds, 3),
            "request_id": answer.request_id,
            "bytes": answer.bytes,
            "client": client[0] if client else None,
        }
        if failure is None:
            LOGGER.info("request", extra={"fields": fields})
        else:
            LOGGER.error("request failed", extra={"fields": fields}, exc_info=failure)


class _Answer:
    """What has been sent of an answer."""

    def __init__(self, request_id: str, send: Send) -> None:
        self.request_id, self._send = request_id, send
        self.begun, self.status, self.bytes = False, GONE, 0

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with the id at its head."""
        if message["type"] == "http.response.start":
            self.begun, self.status = True, message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = self.request_id
        else:
            self.bytes += len(message.get("body", b""))
        await self._send(message)


def _id_of(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if SANE.fullmatch(given) else uuid.uuid4().hex


class Headed:
    """An ASGI application that answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def head(message: Message) -> None:
            kept: dict[str, Any] = {"body": b""} if message["type"] == "http.response.body" else {}
            await send({**message, **kept})

        await self.app({**scope, "method": "GET"}, receive, head)
