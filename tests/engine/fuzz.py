"""Plays ten thousand random networks, each through a property of the tests of the engine and its logs: `make fuzz`.

World n and its property are the same on every run. A failure prints n, and `make fuzz WORLDS="1 n"` plays it again.
"""

from __future__ import annotations

import random
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import Any

import test_compiled_decisions
import test_episode_movements
import test_gradients
import test_invariants
import test_policy_allocations
import test_tracing
import test_treasury
import test_two_implementations
from hypothesis.errors import UnsatisfiedAssumption
from rich.progress import track

from random_worlds import ENOUGH_BYTES, random_world

Property = Callable[..., None]


def properties() -> list[Property]:
    """Return what must hold in any world."""
    modules = (
        *(test_compiled_decisions, test_gradients, test_invariants, test_policy_allocations, test_tracing),
        *(test_two_implementations, test_episode_movements, test_treasury),
    )
    tests = [test for module in modules for test in vars(module).values()]
    inner: Iterator[Any] = (getattr(test, "hypothesis", None) for test in tests)
    return [each.inner_test for each in inner if each is not None and hasattr(each.inner_test, "fixed")]


PROPERTIES = properties()


def failure(number: int) -> str | None:
    """Return what went wrong in world `number`, if anything did; nothing where the property does not speak of such a world."""
    warnings.simplefilter("ignore")  # about unusual sequences
    draws = random.Random(number)
    holds = PROPERTIES[number % len(PROPERTIES)]
    told = draws.choice([60, 120, 300, ENOUGH_BYTES])  # bytes that say something; what follows chooses the simplest
    try:
        holds(random_world(draws.randbytes(told) + bytes(ENOUGH_BYTES - told), holds.fixed), number)  # type: ignore[attr-defined]
    except UnsatisfiedAssumption:
        return None
    except Exception:
        return f"world {number}, {holds.__name__}\n{traceback.format_exc()}"
    return None


def main(count: int = 10_000, first: int = 0) -> int:
    """Play worlds and print every failure; returns how many there were."""
    numbers, failures = range(first, first + count), 0
    with get_context("fork").Pool(min(2, count)) as pool:
        for told in track(pool.imap_unordered(failure, numbers, chunksize=1), "networks", total=count):
            if told is not None:
                failures += 1
                print(told)
    print(f"{count:,} networks from seed {first} on, {len(PROPERTIES)} properties in turn: {failures} failures")
    return failures


if __name__ == "__main__":
    sys.exit(min(main(*map(int, sys.argv[1:])), 1))
