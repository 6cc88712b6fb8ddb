"""A policy over HTTP: snapshots in, plans out, as JSON; whatever is wrong is told as JSON too.

`/recommend` answers one snapshot or a list, `/health` says that the service is up, `/metadata` what it serves, `/docs` shows
the interface with an example to try.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import TypeAdapter
from pydantic_core import from_json
from starlette.exceptions import HTTPException

from allotment.exchange.plan import Plan
from allotment.exchange.snapshot import SnapshotError
from allotment.serve.example import example_snapshot
from allotment.serve.request_schema import request_schemas

PLANS = TypeAdapter(list[Plan])


@dataclass(frozen=True)
class Limits:
    """How much one request may ask for."""

    bytes: int = 4 * 2**20
    snapshots: int = 256


class Refused(Exception):
    """A request that is not answered: an HTTP status and what is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def build_service(policy: Any, limits: Limits | None = None) -> FastAPI:
    """Return the ASGI application that serves a policy as `load_policy` returns it."""
    limits = limits or Limits()
    app = FastAPIOffline(
        title=f"Allotment: {policy.name} in {policy.world.name}",
        description=f"Answers snapshots of `{policy.world.name}` with plans. {policy.world.scenario.purpose}",
        version=policy.version or "unsaved",
        redoc_url=None,
    )
    _answer_errors(app)
    about = _metadata(policy, limits)

    @app.post("/recommend", openapi_extra=_described(policy, limits), summary="Plans for one snapshot or a list of them")
    async def recommend(request: Request) -> Response:
        content = _json(await _body(request, limits.bytes))
        if isinstance(content, list) and len(content) > limits.snapshots:
            raise Refused(422, f"{len(content)} snapshots in one request; at most {limits.snapshots} are answered")
        return Response(_text(policy.recommend(content)), media_type="application/json")

    @app.get("/health", summary="Whether the service is up")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metadata", summary="Which policy is served, and the names in its world")
    async def metadata() -> dict[str, Any]:
        return about

    _with_own_schemas(app, policy)
    return app


def _text(answer: Plan | list[Plan]) -> bytes:
    if isinstance(answer, list):
        return PLANS.dump_json(answer, by_alias=True)
    return answer.model_dump_json(by_alias=True).encode()


async def _body(request: Request, limit: int) -> bytes:
    """Return a request's body; refuse one that is not JSON by its own account, or that is too large, before it is read."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"content-type must be application/json, not {kind or 'missing'}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, f"the request has more than {limit} bytes")
    return bytes(body)


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError as error:
        raise Refused(400, f"the request is not JSON: {error}") from None


def _metadata(policy: Any, limits: Limits) -> dict[str, Any]:
    world, names = policy.world, policy.world.names
    return {
        "policy": {"name": policy.name, "kind": policy.kind, "version": policy.version},
        "allotment": importlib.metadata.version("allotment"),
        "world": world.name,
        "purpose": world.scenario.purpose,
        "units": world.scenario.units,
        "sites": names.sites,
        "skus": names.skus,
        "channels": names.channels,
        "suppliers": names.suppliers,
        "supply_lanes": names.supply_lanes,
        "fulfilment_lanes": names.fulfilment_lanes,
        "memory": policy.memory_size,
        "limits": {"bytes": limits.bytes, "snapshots": limits.snapshots},
    }


def _described(policy: Any, limits: Limits) -> dict[str, Any]:
    """Return what the OpenAPI document says of /recommend."""
    snapshot, plan = ({"$ref": f"#/components/schemas/{name}"} for name in ("Snapshot", "Plan"))
    example = example_snapshot(policy)
    error = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    several = {"type": "array", "items": snapshot, "maxItems": limits.snapshots}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [snapshot, several]},
                    "examples": {"one": {"summary": "one snapshot", "value": example}, "two": {"value": [example, example]}},
                }
            },
        },
        "responses": {
            "200": {
                "description": "a plan for the snapshot, or a list of plans in the order of the snapshots",
                "content": {"application/json": {"schema": {"anyOf": [plan, {"type": "array", "items": plan}]}}},
            },
            "400": {**error, "description": "the body is not JSON"},
            "413": {**error, "description": "the request is too large"},
            "415": {**error, "description": "the body is not declared as JSON"},
            "422": {
                **error,
                "description": "a snapshot cannot be used, and the message names the field; or there are too many",
            },
        },
    }


def _with_own_schemas(app: FastAPI, policy: Any) -> None:
    """Let the OpenAPI document name what this world knows."""
    generate = app.openapi
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            plan = Plan.model_json_schema(mode="serialization", by_alias=True, ref_template="#/components/schemas/{model}")
            parts = plan.pop("$defs", {})
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update({"Error": error, "Plan": plan, **parts, **request_schemas(policy.world, policy.memory_size)})
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _answer_errors(app: FastAPI) -> None:
    """Tell whatever is wrong in one form: `{"error": …}`."""

    def telling(status: int | None = None) -> Callable[[Request, Any], Awaitable[JSONResponse]]:
        async def tell(_: Request, error: Any) -> JSONResponse:
            message = getattr(error, "message", None) or getattr(error, "detail", None) or str(error)
            code = status or getattr(error, "status", None) or error.status_code
            return JSONResponse({"error": message}, status_code=code, headers=getattr(error, "headers", None))

        return tell

    app.add_exception_handler(Refused, telling())
    app.add_exception_handler(SnapshotError, telling(422))
    app.add_exception_handler(HTTPException, telling())
