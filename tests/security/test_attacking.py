"""The attacks' own limits: a judge that fails, one that takes too much memory or time, and one that ends its process."""

import mmap
import os
import time

import numpy as np
import pytest
from attacking import MIB, Attack, limited_here, tried

pytestmark = [
    pytest.mark.security,
    pytest.mark.skipif(not limited_here(), reason="this system does not tell a process's peak of memory"),
]


def _judge(number: int) -> str:
    if number == 2:
        raise ValueError("two is not expected")
    if number == 3:
        return str(np.ones(2**29).sum())  # 4 GiB
    if number == 4:
        time.sleep(60)
    if number == 5:
        os._exit(7)
    with mmap.mmap(-1, 64 * MIB) as pages:  # of the system, not of what this process has freed and not given back
        pages.write(b"x" * (64 * MIB))
    return "accepted"


def test_inputs_that_fail_take_too_much_or_end_the_process_are_counted_and_the_others_go_on():
    numbers = iter([0, 1, 2, 3, 4, 5, 6])
    order = {tuple(np.random.default_rng([0, n]).integers(2**32, size=2)): n for n in numbers}
    attack = Attack("numbers", lambda draws: order[tuple(draws.integers(2**32, size=2))], _judge, seconds=4.0)
    result = tried(attack, 7)
    assert result.ends == {"accepted": 3}
    told = [failure.splitlines()[0] for failure in result.failures]
    assert [line.split(":")[0] for line in told] == [f"numbers, seed 0, input {number}" for number in (2, 3, 4, 5)]
    assert "two is not expected" in result.failures[0] and "MemoryError" in result.failures[1]
    assert told[2].endswith("took longer than 4 s") and told[3].endswith("ended the process (exit code 7)")
    assert 60 < result.worst_memory[0] < 512
