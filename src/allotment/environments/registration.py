"""Gymnasium ids: every shipped world under its name in CamelCase, `allotment/LostSales-v0`."""

from __future__ import annotations

import gymnasium as gym

from allotment.resources import shipped_names

ENTRY_POINT = "allotment.assembly:make"
VECTOR_ENTRY_POINT = "allotment.assembly:make_vec"


def environment_id(name: str) -> str:
    """Return the Gymnasium id of a shipped world."""
    return f"allotment/{''.join(part.capitalize() for part in name.split('_'))}-v0"


def register() -> None:
    """Register every shipped world; the scenario's horizon rules, so no time limit is set."""
    for name in shipped_names("envs"):
        if environment_id(name) not in gym.registry:
            gym.register(
                environment_id(name),
                entry_point=ENTRY_POINT,
                vector_entry_point=VECTOR_ENTRY_POINT,
                kwargs={"world": name},
                order_enforce=False,
                disable_env_checker=True,
            )
