"""Tries thousands of bad inputs: `make attack`, or `make attack ONLY="yaml tables" INPUTS=500 SEED=3 FIRST=0`.

Every module `attack_*.py` beside this file holds a list ATTACKS. A failing input is printed with its number.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from attacking import Attack, tried


def attacks() -> list[Attack]:
    """Return all attacks, by the names of their modules."""
    files = sorted(Path(__file__).parent.glob("attack_*.py"))
    return [attack for file in files for attack in import_module(file.stem).ATTACKS]


def main() -> int:
    """Try every attack and print what came of it; returns how many inputs failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    for name, default in (("--inputs", 2_000), ("--seed", 0), ("--first", 0)):
        parser.add_argument(name, type=int, default=default)
    given = parser.parse_args()
    known = {attack.name: attack for attack in attacks()}
    if unknown := set(given.only) - set(known):
        parser.error(f"no attack {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    failures = 0
    for name in given.only or known:
        result = tried(known[name], given.inputs, given.seed, given.first)
        print(*result.failures, result, sep="\n", flush=True)
        failures += len(result.failures)
    return failures


if __name__ == "__main__":
    sys.exit(min(main(), 1))
