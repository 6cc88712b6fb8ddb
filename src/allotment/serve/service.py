"""A policy over HTTP: snapshots in, plans out, as JSON; whatever is wrong is told as JSON too.

`/v1/recommend` answers one snapshot or a list, `/v1/metadata` says what is served, `/docs` shows the interface with an example
to try. `/health` says that the service runs, `/ready` that it can be sent requests, `/metrics` what it has done.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.cors import CORSMiddleware

from allotment.serve.access import Access, Guarded
from allotment.serve.answering import Answering
from allotment.serve.example import example_snapshot
from allotment.serve.interface import PREFIX, described, metadata
from allotment.serve.limits import Limits
from allotment.serve.logs import LOGGER
from allotment.serve.metrics import Metrics
from allotment.serve.readiness import Readiness
from allotment.serve.reading import body_of
from allotment.serve.refusals import Refused, answer_errors
from allotment.serve.watching import REQUEST_ID, Headed, Watched


def build_service(policy: Any, limits: Limits | None = None, access: Access | None = None) -> FastAPI:
    """Return the ASGI application that serves a policy as `load_policy` returns it, by default to anybody."""
    limits, access = limits or Limits(), access or Access()
    answering, readiness, metrics = Answering(policy, limits), Readiness(), Metrics()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        readiness.listen_for_the_end()
        trial = asyncio.create_task(_try_out(answering, readiness, describe))
        yield
        trial.cancel()
        answering.end()

    app = FastAPIOffline(
        title=f"Allotment: {policy.name} in {policy.world.name}",
        description=f"Answers snapshots of `{policy.world.name}` with plans. {policy.world.scenario.purpose}",
        version=policy.version or "unsaved",
        redoc_url=None,
        lifespan=life,
    )
    answer_errors(app)
    describe = _with_own_description(app, policy, limits, access)
    _answer_planners(app, answering, metrics)
    _answer_operators(app, readiness, metrics)
    _surround(app, access, metrics)
    return app


async def _try_out(answering: Answering, readiness: Readiness, describe: Callable[[dict[str, Any]], None]) -> None:
    """Let the policy answer its own example, which compiles what it needs; `describe` gets the example."""

    def try_out() -> None:
        example = example_snapshot(answering.policy)
        answering.policy.recommend(example)
        describe(example)
        gc.collect()
        gc.freeze()  # what was loaded stays: looking through it for garbage would hold up all requests for half a second

    try:
        await answering.beside(try_out)
    except Exception:
        LOGGER.exception("the policy does not answer its own example")
        readiness.state = "failing"
    else:
        readiness.state = "ready"


def _with_own_description(app: FastAPI, policy: Any, limits: Limits, access: Access) -> Callable[[dict[str, Any]], None]:
    """Let the interface be described by what the policy's world knows; returns what describes it, from an example."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            raise Refused(503, "the service has no example yet", {"retry-after": "1"})
        return app.openapi_schema

    def describe(example: dict[str, Any]) -> None:
        app.openapi_schema = described(generate(), policy, limits, access, example)

    app.openapi = openapi  # type: ignore[method-assign]
    return describe


def _answer_planners(app: FastAPI, answering: Answering, metrics: Metrics) -> None:
    """Answer what a planner's software asks for."""
    about = metadata(answering.policy, answering.limits)

    @app.post(f"{PREFIX}/recommend", summary="Plans for one snapshot or a list of them")
    async def recommend(request: Request) -> Response:
        with answering.place():
            plans, count = await answering.answer(await body_of(request, answering.limits))
        metrics.snapshots.inc(count)
        return Response(plans, media_type="application/json")

    @app.get(f"{PREFIX}/metadata", summary="Which policy is served, and the names in its world")
    async def tell_metadata() -> dict[str, Any]:
        return about


def _answer_operators(app: FastAPI, readiness: Readiness, metrics: Metrics) -> None:
    """Answer what whoever runs the service asks for."""

    @app.get("/health", summary="Whether the service runs")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Whether the service can be sent requests")
    async def ready() -> dict[str, str]:
        if readiness.reason is not None:
            raise Refused(503, readiness.reason, {"retry-after": "1"})
        return {"status": "ready"}

    @app.get("/metrics", summary="Counts for Prometheus", response_class=PlainTextResponse)
    def tell_metrics() -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})


def _surround(app: FastAPI, access: Access, metrics: Metrics) -> None:
    """Put around the routes what all requests pass; what is added last is met first."""
    paths = {path for route in app.routes if (path := getattr(route, "path", None))}
    app.add_middleware(Headed)
    if access.token is not None:
        app.add_middleware(Guarded, token=access.token)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["authorization", "content-type", REQUEST_ID],
            expose_headers=[REQUEST_ID],
        )
    app.add_middleware(Watched, metrics=metrics, paths=paths)
