"""Who may ask: whoever has the token, and browsers' pages from origins that are named."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from allotment.serve.listening import is_loopback
from allotment.serve.refusals import told

OPEN = ("/health", "/ready")  # for whoever starts and stops the service: they tell nothing of what is served
TOKEN = re.compile(r"[!-~]+")
ORIGIN = re.compile(r"\*|https?://[^/\s?#@]+")


@dataclass(frozen=True)
class Access:
    """Who may ask."""

    token: str | None = field(default=None, repr=False)  # none = anybody
    origins: Sequence[str] = ()  # of pages whose scripts may ask; none = only the service's own


def read_token(file: Path) -> str:
    """Return the token that a file holds; `ValueError` where it holds none."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--token-file {file}: cannot be read: {error}") from None
    if not TOKEN.fullmatch(token):
        raise ValueError(f"--token-file {file}: must hold one token, of printable ASCII characters without spaces")
    return token


def check_reach(host: str, anybody: bool) -> None:
    """Raise `ValueError` where other machines could ask, unless `anybody` may."""
    if not anybody and not is_loopback(host):
        raise ValueError(
            f"--host {host}: other machines could ask anything here; name a --token-file, or say --no-token where something "
            "in front of the service authenticates"
        )


def check_origins(origins: Sequence[str]) -> None:
    """Raise `ValueError` where an origin is none."""
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ValueError(f"--allow-origin {origin}: must be * or scheme://host[:port], without a path")


class Guarded:
    """An ASGI application that answers only those who have the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in OPEN or self._admits(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        message = "this needs the service's token: Authorization: Bearer …"
        await told(401, message, {"www-authenticate": 'Bearer realm="allotment"'})(scope, receive, send)

    def _admits(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return hmac.compare_digest(given.strip().encode(), self._token) and scheme.lower() == "bearer"
