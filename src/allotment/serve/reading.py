"""Reading a request: its body, as far as it is JSON, small enough and soon enough there."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from pydantic_core import from_json

from allotment.serve.limits import Limits
from allotment.serve.refusals import Refused


async def body_of(request: Request, limits: Limits) -> bytes:
    """Return a request's body; refuse one that is not JSON by its own account, too large, or too slow, before it is read."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"content-type must be application/json, not {kind[:100] or 'missing'}")
    try:
        async with asyncio.timeout(limits.seconds):
            return await _received(request, limits.bytes)
    except TimeoutError:
        raise Refused(408, f"the request did not arrive within {limits.seconds:g} s", {"connection": "close"}) from None


async def _received(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    body = bytearray()
    if not declared.isdecimal() or int(declared) <= limit:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                break
        else:
            return bytes(body)
    raise Refused(413, f"the request has more than {limit} bytes")


def snapshots_in(body: bytes, limits: Limits) -> Any:
    """Return the content of a body: a snapshot, or a list of not too many."""
    try:
        content = from_json(body)
    except ValueError as error:
        raise Refused(400, f"the request is not JSON: {error}") from None
    if isinstance(content, list) and len(content) > limits.snapshots:
        raise Refused(422, f"{len(content)} snapshots in one request; at most {limits.snapshots} are answered")
    return content
