"""Allotment: inventory allocation worlds, policies that learn or follow rules, and comparisons on common worlds.

Importing the package registers every shipped world with Gymnasium. The names below load what they need when they are first
used, so that the import costs little more than Gymnasium's own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from allotment.environments.registration import register

if TYPE_CHECKING:
    from allotment.assembly import (
        compare,
        evaluate,
        export_onnx,
        load_policy,
        make,
        make_sb3,
        make_vec,
        movements,
        repeat,
        resume,
        train,
    )
    from allotment.datasets.histories import histories
    from allotment.engine.state import Decision
    from allotment.extensions import import_file
    from allotment.planning.one_day import plan
    from allotment.scenario.loader import load_scenario

__version__ = "0.1.0"

_HOMES = {
    "load_scenario": "allotment.scenario.loader",
    "make": "allotment.assembly",
    "make_vec": "allotment.assembly",
    "make_sb3": "allotment.assembly",
    "train": "allotment.assembly",
    "resume": "allotment.assembly",
    "repeat": "allotment.assembly",
    "compare": "allotment.assembly",
    "evaluate": "allotment.assembly",
    "movements": "allotment.assembly",
    "load_policy": "allotment.assembly",
    "export_onnx": "allotment.assembly",
    "histories": "allotment.datasets.histories",
    "plan": "allotment.planning.one_day",
    "import_file": "allotment.extensions",
    "Decision": "allotment.engine.state",
}

__all__ = [
    "Decision",
    "__version__",
    "compare",
    "evaluate",
    "export_onnx",
    "histories",
    "import_file",
    "load_policy",
    "load_scenario",
    "make",
    "make_sb3",
    "make_vec",
    "movements",
    "plan",
    "repeat",
    "resume",
    "train",
]

register()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'allotment' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
