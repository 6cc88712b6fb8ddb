"""Whatever is wrong with a request is told in one form: `{"error": …}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from allotment.exchange.snapshot import SnapshotError


class Refused(Exception):
    """A request that is not answered: an HTTP status, what is wrong, and headers of the answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


def told(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer that says what is wrong."""
    return JSONResponse({"error": message}, status_code=status, headers=headers)


def answer_errors(app: FastAPI) -> None:
    """Let an application tell what it refuses."""

    def telling(status: int | None = None) -> Callable[[Request, Any], Awaitable[JSONResponse]]:
        async def tell(_: Request, error: Any) -> JSONResponse:
            message = getattr(error, "message", None) or getattr(error, "detail", None) or str(error)
            code = status or getattr(error, "status", None) or error.status_code
            return told(code, message, getattr(error, "headers", None))

        return tell

    app.add_exception_handler(Refused, telling())
    app.add_exception_handler(SnapshotError, telling(422))
    app.add_exception_handler(HTTPException, telling())
