"""Bad inputs by the thousand, each with a limit of memory and time: what draws them, judges them, and counts.

An attack draws inputs and judges what became of each. Input n of a seed is the same on every run. Inputs are judged in a
process of their own, whose address space is limited and which is ended where an input takes too long; another one goes on
with the next input.
"""

from __future__ import annotations

import os
import resource
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

MIB = 2**20


@dataclass(frozen=True)
class Attack:
    """What is attacked, how inputs are drawn, and what must hold of each."""

    name: str
    draw: Callable[[np.random.Generator], Any]  # an input, shown with repr() where it fails
    judge: Callable[[Any], str]  # what became of it ("refused", "accepted"); raises for anything that must not happen
    prepare: Callable[[], object] = lambda: None  # what is loaded and compiled before memory and time are measured
    memory: int = 512  # MiB that one input may take
    seconds: float = 10.0  # that one input may take


@dataclass
class Tried:
    """What came of an attack."""

    name: str
    ends: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    worst_memory: tuple[float, int] = (0.0, -1)  # MiB more than was held before, and the number of the input
    worst_seconds: tuple[float, int] = (0.0, -1)

    @property
    def count(self) -> int:
        """Return how many inputs were tried."""
        return sum(self.ends.values()) + len(self.failures)

    def __str__(self) -> str:
        ends = ", ".join(f"{count:,} {end}" for end, count in sorted(self.ends.items()))
        memory, seconds = self.worst_memory, self.worst_seconds
        worst = f"worst {memory[0]:.0f} MiB (input {memory[1]}), {seconds[0]:.2f} s (input {seconds[1]})"
        return f"{self.name}: {self.count:,} inputs: {ends}; {len(self.failures)} failures; {worst}"


def drawn(attack: Attack, seed: int, number: int) -> Any:
    """Return input `number` of a seed."""
    return attack.draw(np.random.default_rng([seed, number]))


def tried(attack: Attack, count: int, seed: int = 0, first: int = 0) -> Tried:
    """Try inputs `first` to `first + count` of a seed."""
    result, number = Tried(attack.name), first
    while number < first + count:
        number = _until_one_ends_the_process(attack, range(number, first + count), seed, result)
    return result


def _until_one_ends_the_process(attack: Attack, numbers: range, seed: int, result: Tried) -> int:
    """Judge inputs in a process of their own, until all are done or one has ended it; returns the next one's number."""
    ours, theirs = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_judge_all, args=(attack, numbers, seed, theirs))
    process.start()
    theirs.close()
    try:
        for number in (None, *numbers):  # first comes that everything is prepared
            limit = 600.0 if number is None else attack.seconds
            try:
                told = ours.recv() if ours.poll(limit) else f"took longer than {limit:g} s"
            except EOFError:
                process.join()
                told = f"ended the process (exit code {process.exitcode})"
            if number is None:
                if told is not True:
                    raise RuntimeError(f"{attack.name}: not prepared: {told}")
            elif isinstance(told, str):
                result.failures.append(_failure(attack, seed, number, told))
                return number + 1
            else:
                _count(result, number, *told)
    finally:
        process.kill()
        process.join()
    return numbers.stop


def _count(result: Tried, number: int, end: str | None, failure: str, memory: float, seconds: float) -> None:
    if end is None:
        result.failures.append(failure)
    else:
        result.ends[end] = result.ends.get(end, 0) + 1
    result.worst_memory = max(result.worst_memory, (memory, number))
    result.worst_seconds = max(result.worst_seconds, (seconds, number))


def _judge_all(attack: Attack, numbers: range, seed: int, tell: Connection) -> None:
    warnings.simplefilter("ignore")
    attack.prepare()
    mapped = _status("VmSize") * MIB
    resource.setrlimit(resource.RLIMIT_AS, (int(mapped) + attack.memory * MIB, resource.RLIM_INFINITY))
    tell.send(True)
    for number in numbers:
        tell.send(_judged(attack, seed, number))


def _judged(attack: Attack, seed: int, number: int) -> tuple[str | None, str, float, float]:
    """Return what became of an input, or how it failed, and the memory (MiB) and time (s) that it took."""
    _forget_peak()
    before, start, end, failure = _status("VmRSS"), time.perf_counter(), None, ""
    try:
        end = attack.judge(drawn(attack, seed, number))
    except BaseException as error:  # whatever it is: a judge lets nothing through but what it expects
        short = "".join(traceback.format_exception(error, limit=-6))
        failure = _failure(attack, seed, number, short)
    return end, failure, max(0.0, _status("VmHWM") - before), time.perf_counter() - start


def _failure(attack: Attack, seed: int, number: int, told: str) -> str:
    try:
        content = repr(drawn(attack, seed, number))
    except MemoryError:
        content = "an input too large to be drawn again"
    content = content if len(content) < 2000 else f"{content[:2000]}… ({len(content):,} characters)"
    return f"{attack.name}, seed {seed}, input {number}: {told}\n{content}"


def _status(key: str) -> float:
    """Return a figure of this process's memory in MiB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


def _forget_peak() -> None:
    """Let the peak of memory be that from now on."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def limited_here() -> bool:
    """Tell whether this system measures memory as the attacks need it (Linux does)."""
    return os.access("/proc/self/clear_refs", os.W_OK)
