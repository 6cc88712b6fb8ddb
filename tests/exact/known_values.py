"""Compute again what worlds state as known, one line each: `make exact`, or with `--fill` write what is exact into the files.

A value that is computed exactly agrees where it rounds to what the file states, to 1e-3 where tails are neglected or continuous
units are counted in steps; a simulated one within three of its standard errors.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from allotment.resources import shipped, shipped_names
from allotment.scenario.schema import KnownValue
from allotment.scenario.yaml_file import read_yaml
from allotment.studies.value_study import ValueEntry
from allotment.studies.valuing import ERRORS, EXACTLY, Found, computed


def entries(env: str) -> list[tuple[KnownValue, ValueEntry]]:
    """Return what a shipped world states as known and says how to compute."""
    stated = [KnownValue.model_validate(each) for each in read_yaml(shipped("envs", env)).get("known", [])]
    return [(known, ValueEntry(env=env, **known.model_dump(exclude={"source"}))) for known in stated if known.config]


def decimals(value: float) -> int:
    """Return how many decimals a value is stated with."""
    return len(f"{value!r}".partition(".")[2])


def agrees(known: KnownValue, found: Found) -> bool:
    """Tell whether a value came out as it is stated."""
    last = 0.5000001 * 10.0 ** -decimals(known.value)
    if found.standard_error is not None:
        return abs(found.value - known.value) <= ERRORS * found.standard_error + last
    coarse = known.tail is not None or known.step != 1.0
    return abs(found.value - known.value) <= (EXACTLY if coarse else last)


def fill(file: Path, known: KnownValue, found: Found) -> None:
    """Write an exact value into a world's file, with as many decimals as are there."""
    text, policy = file.read_text(encoding="utf-8"), re.escape(known.policy)
    ours = f"{found.value:.{decimals(known.value)}f}"
    filled, count = re.subn(rf'(policy: "?{policy}"?, value: )[0-9.]+', rf"\g<1>{ours}", text)
    assert count == 1, f"{file}: {known.policy}: expected once, found {count} times"
    file.write_text(filled, encoding="utf-8")


def main() -> int:
    """Compute all values, or those of the worlds that are named; returns how many do not agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("envs", nargs="*")
    parser.add_argument("--fill", action="store_true", help="write exact values that differ into the worlds' files")
    asked = parser.parse_args()
    differing = 0
    for env in asked.envs or shipped_names("envs"):
        for known, entry in entries(env):
            found = computed(entry)
            right = agrees(known, found)
            differing += not right
            between = f"± {found.standard_error:.2g}" if found.standard_error else f"[{found.lower:.9g}, {found.upper:.9g}]"
            print(f"{env}: {known.policy}: {known.value:g} stated, {found.value:.7g} {between}", end=", ")
            print(f"{found.seconds:.1f} s", "" if right else "DIFFERS", flush=True)
            if asked.fill and not right and found.standard_error is None:
                fill(shipped("envs", env), known, found)
    return differing


if __name__ == "__main__":
    sys.exit(min(main(), 1))
