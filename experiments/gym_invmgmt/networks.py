"""Networks of gym-invmgmt as scenarios: the same nodes, edges, prices and demand effects in this project's terms.

There, a node pays its supplier node for what it orders; such internal prices cancel in total profit, so that lanes between
sites cost nothing here. Its operating cost is per good unit divided by the yield; a factory that makes v units of one consumes
1/v for each. Requests are served in the order of the edges.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import gym_invmgmt
import numpy as np

TOPOLOGIES = sorted(path.name for path in (files(gym_invmgmt) / "topologies").iterdir() if path.name.endswith(".yaml"))
EFFECTS: dict[str, dict[str, Any]] = {
    "trend": {"trend": 0.05},
    "seasonal": {"season": {"period": 30, "amplitude": 0.5, "peak": 7.5}},
    "shock": {"shocks": [{"period": 15, "multiplier": 2.0}]},
}


def peer(network: str, demand: dict[str, Any], **settings: Any) -> Any:
    """Return gym-invmgmt's own environment of a built-in network or packaged topology."""
    config = {"type": "stationary", "base_mu": 20, **demand}
    if network in TOPOLOGIES:
        path = files(gym_invmgmt) / "topologies" / network
        settings |= {"scenario": "custom", "config_path": str(path)}
    else:
        settings |= {"scenario": network}
    return gym_invmgmt.CoreEnv(demand_config=config, **settings)


def node_names(network: Any) -> dict[Any, str]:
    """Return what nodes are called here."""
    kinds = (("raw", network.rawmat), ("factory", network.factory), ("retailer", network.retail), ("market", network.market))
    names = {node: f"distributor-{node}" for node in network.distrib}
    for kind, nodes in kinds:
        names |= {node: f"{kind}-{node}" for node in nodes if not (kind == "retailer" and node in network.factory)}
    return names


def scenario_of(env: Any, process: dict[str, Any]) -> dict[str, Any]:
    """Return the scenario of an environment of gym-invmgmt; every market's demand follows `process`."""
    network, graph, names = env.network, env.network.graph, node_names(env.network)
    unmet = "backorder" if env.backlog else "lost"
    engine = env.demand_engine
    goodwill = {"growth": engine.gw_growth, "decay": engine.gw_decay, "cap": engine.gw_cap, "floor": engine.gw_floor}
    content: dict[str, Any] = {
        "name": "peer",
        "objective": "profit",
        "units": "continuous",
        "horizon": {"kind": "season", "periods": env.num_periods},
        "sequence": ["decide", "receive", "demand", "fulfil", "charge"],
        "rationing": "priority",
        "remainder": "none",
        "skus": [{"name": "item"}],
        "suppliers": [{"name": names[node]} for node in network.rawmat],
        "sites": [_site(network, node, names) for node in sorted(network.main_nodes, key=network.all_nodes.index)],
        "channels": [_channel(graph.edges[edge], names[edge[1]], unmet) for edge in network.retail_links],
        "supply_lanes": [_lane(network, edge, names, place + 1) for place, edge in enumerate(network.reorder_links)],
        "fulfilment_lanes": [{"from": names[one], "to": names[other]} for one, other in network.retail_links],
        "demand": [{"process": process}],
    }
    if engine.use_goodwill:
        content["goodwill"] = {"scope": "shared", **goodwill}
    return content


def _site(network: Any, node: Any, names: dict[Any, str]) -> dict[str, Any]:
    data = network.graph.nodes[node]
    site = {"name": names[node], "initial_stock": data.get("I0", 0), "holding_cost": data["h"]}
    if node in network.factory:
        site |= {"kind": "plant", "production_capacity": data["C"], "yield": data["v"]}
        site |= {"production_cost": data["o"] / data["v"]}
    return site


def _channel(edge: dict[str, Any], name: str, unmet: str) -> dict[str, Any]:
    penalty = "backorder_cost" if unmet == "backorder" else "shortage_cost"
    return {"name": name, "unmet": unmet, "price": edge["p"], penalty: edge["b"]}


def _lane(network: Any, edge: tuple[Any, Any], names: dict[Any, str], priority: int) -> dict[str, Any]:
    data = network.graph.edges[edge]
    bought = edge[0] in network.rawmat
    lane = {"from": names[edge[0]], "to": names[edge[1]], "lead_time": data["L"], "in_transit_cost": data["g"]}
    return lane | {"unit_cost": data["p"] if bought else 0.0, "fixed_cost": data.get("K", 0.0), "priority": priority}


def recorded(env: Any, units: np.ndarray) -> dict[str, Any]:
    """Return the sections that replay units (T, markets) as the demand of a scenario."""
    names = [node_names(env.network)[edge[1]] for edge in env.network.retail_links]
    history = {"name": "fed", "units": {name: {"item": units[:, place].tolist()} for place, name in enumerate(names)}}
    return {"histories": [history], "demand": [{"process": {"distribution": "trace", "history": "fed", "forecast": "fed"}}]}
