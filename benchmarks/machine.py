"""What the numbers were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("numba", "numpy", "stable-baselines3", "torch")


def describe() -> list[tuple[str, str]]:
    """Return the machine, how busy it is, and the versions that matter for speed."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("load average", " ".join(f"{load:.1f}" for load in os.getloadavg()) + " over 1, 5 and 15 minutes"),
        ("threads", f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}"),
        ("software", f"Python {platform.python_version()}, {versions}"),
    ]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
