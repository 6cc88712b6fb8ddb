"""The interface of a service as an OpenAPI document: what its own world knows, with an example to try."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from allotment.exchange.plan import Plan
from allotment.exchange.recommend import uses_forecast
from allotment.serve.access import OPEN, Access
from allotment.serve.limits import Limits
from allotment.serve.request_schema import request_schemas

Content = dict[str, Any]
PREFIX = "/v1"
REFUSALS = {
    "400": "the body is not JSON, or has a key twice in one object",
    "408": "the request arrived too slowly",
    "413": "the request is too large, or holds too many values",
    "415": "the body is not declared as JSON, or it is packed",
    "422": "a snapshot cannot be used, and the message names the field; or there are too many",
    "503": "too many requests are being answered",
}


def metadata(policy: Any, limits: Limits) -> Content:
    """Return what a service says of itself: policy, world, names and limits."""
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
        "uses_forecast": uses_forecast(policy),
        "limits": {"bytes": limits.bytes, "snapshots": limits.snapshots_of(world.problem), "values": limits.values},
    }


def described(document: Content, policy: Any, limits: Limits, access: Access, example: Content) -> Content:
    """Return a bare OpenAPI document with what this policy's world knows."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_schemas(policy))
    most = limits.snapshots_of(policy.world.problem)
    document["paths"][f"{PREFIX}/recommend"]["post"] |= _recommend(limits, most, example)
    document["paths"]["/ready"]["get"]["responses"]["503"] = _refusal("the policy has not answered yet, or the service ends")
    if access.token is not None:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path in document["paths"].keys() - set(OPEN):
            for operation in document["paths"][path].values():
                operation["security"] = [{"token": []}]
                operation["responses"]["401"] = _refusal("the token is missing or another one")
    return document


def _schemas(policy: Any) -> Content:
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    plan = Plan.model_json_schema(mode="serialization", by_alias=True, ref_template="#/components/schemas/{model}")
    parts = plan.pop("$defs", {})
    return {"Error": error, "Plan": plan, **parts, **request_schemas(policy.world, policy.memory_size, uses_forecast(policy))}


def _recommend(limits: Limits, most: int, example: Content) -> Content:
    snapshot, plan = ({"$ref": f"#/components/schemas/{name}"} for name in ("Snapshot", "Plan"))
    several = {"type": "array", "items": snapshot, "maxItems": most}
    examples = {"one": {"summary": "one snapshot", "value": example}, "two": {"value": [example, example]}}
    about = f"at most {limits.bytes} bytes, and {limits.values} values (numbers, text, objects and lists)"
    body = _json({"anyOf": [snapshot, several], "description": about})
    body["application/json"]["examples"] = examples
    plans = {
        "description": "a plan for the snapshot, or a list of plans in the order of the snapshots",
        "content": _json({"anyOf": [plan, {"type": "array", "items": plan}]}),
    }
    refusals = {status: _refusal(description) for status, description in REFUSALS.items()}
    return {"requestBody": {"required": True, "content": body}, "responses": {"200": plans, **refusals}}


def _refusal(description: str) -> Content:
    return {"description": description, "content": _json({"$ref": "#/components/schemas/Error"})}


def _json(schema: Content) -> Content:
    return {"application/json": {"schema": schema}}
