"""Reading a request: its body, as far as it is JSON, small enough and soon enough there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import Request

from allotment.scenario.errors import shown
from allotment.serve.limits import Limits
from allotment.serve.refusals import Refused


async def body_of(request: Request, limits: Limits) -> bytes:
    """Return a request's body; refuse one that is not JSON by its own account, too large, or too slow, before it is read."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"content-type must be application/json, not {kind[:100] or 'missing'}")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise Refused(415, f"content-encoding must be left out: nothing is unpacked here, not {coding[:100]} either")
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


def snapshots_in(body: bytes, limits: Limits, most: int) -> Any:
    """Return the content of a body: a snapshot, or a list of at most so many."""
    if sum(body.count(mark) for mark in b"[{,") > limits.values:  # each value stands behind one of these, or a key that does
        raise Refused(413, f"the request has more than {limits.values} values")
    try:
        content = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except RecursionError:
        raise Refused(400, "the request is not JSON that is read here: it is nested too deep") from None
    except ValueError as error:
        raise Refused(400, f"the request is not JSON: {error}") from None
    if isinstance(content, list) and len(content) > most:
        raise Refused(422, f"{len(content)} snapshots in one request; at most {most} are answered")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of some keys and values; `ValueError` where a key stands there twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys: set[str] = set()
        twice = next(key for key, _ in pairs if key in keys or keys.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {shown(twice)} stands twice in one object")
    return content
