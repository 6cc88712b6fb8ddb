"""Kills trainings at random moments: `python tests/security/kill_train.py COUNT SEED` (`make attack`).

`allotment train` is ended with SIGKILL at any moment from its start to its end, then `allotment train --resume` again and
again, until one comes to its end. What it leaves must be what an unbroken training leaves, to the bit: weights, best policy,
learning curve, and the scores of the best policy in its test worlds. Where a kill leaves no run folder that can go on, the
training is begun anew.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from small_trainings import small

import allotment
from allotment.cli import main
from allotment.runs.run_folder import RunFolder, is_run

STEPS = {"ppo": 12_000, "sac": 2_400, "recurrent_ppo": 3_000, "external": 6_000}
KILLS_OF_A_RUN = 4


def commands(kind: str, out: Path) -> tuple[list[str], list[str]]:
    """Return the arguments of `allotment` that begin a training and that go on with it."""
    algorithm, place = ("ppo", "CartPole-v1") if kind == "external" else (kind, "lost_sales")
    more = {"steps": STEPS[kind], "validation.every": STEPS[kind] // 6, "checkpoint.every": STEPS[kind] // 15}
    given = [part for override in small(algorithm, **more) for part in ("--set", override)]
    begin = ["train", place, algorithm, "--seed", "5", "--name", "run", "--out", str(out), "--quiet", *given]
    return begin, ["train", "--resume", str(out / "run"), "--quiet"]


def killed(command: list[str], seconds: float | None) -> bool:
    """Run a command in a process of its own and kill it after so long; tell whether it was killed.

    Anything but a kill or a good end is an error.
    """
    process = get_context("fork").Process(target=_run, args=(command,))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise AssertionError(f"exit code {process.exitcode}: allotment {' '.join(command)}")
    return process.exitcode != 0


def _run(command: list[str]) -> None:
    sys.argv = ["allotment", *command]
    warnings.simplefilter("ignore")
    main()


def end_of(run: Path) -> dict[str, np.ndarray]:
    """Return what a finished run holds and reaches, all that must not depend on kills."""
    folder, found = RunFolder(run), {}
    assert folder.finished
    for bundle in ("best", "final"):
        found |= {f"{bundle}/{name}": each.numpy() for name, each in load_file(run / bundle / "weights.safetensors").items()}
    tables = {"curve": folder.curve(), "evaluation": allotment.evaluate(run, episodes=16)}
    for name, table in tables.items():
        assert isinstance(table, pd.DataFrame)
        found |= {f"{name}/{column}": table[column].to_numpy() for column in table}
    reached = {**folder.metadata["validation"], "environment_steps": folder.metadata["environment_steps"]}
    return found | {f"reached/{name}": np.asarray(value) for name, value in reached.items()}


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """Return what is not the same to the bit."""
    return [
        name
        for name in sorted(one.keys() | other.keys())
        if name not in one or name not in other or _bits(one[name]) != _bits(other[name])
    ]


def _bits(array: np.ndarray) -> bytes | str:
    return repr(array.tolist()) if array.dtype == object else array.tobytes()


def trial(kind: str, out: Path, seconds: float, moments: random.Random) -> tuple[int, int, Path]:
    """Train with kills in between; returns how many there were, how many of them left nothing to go on from, and the run."""
    kills, nothing = 0, 0
    begin, resume = commands(kind, out)
    while True:
        run = out / "run"
        begun = is_run(run)
        if not begun and run.exists():
            shutil.rmtree(run)  # a folder in which nothing was begun takes no part
        limit = moments.uniform(0.0, 0.8 * seconds) if kills < KILLS_OF_A_RUN else None
        if not killed(resume if begun else begin, limit):
            return kills, nothing, run
        kills += 1
        nothing += not is_run(run)


def attack(count: int, seed: int, kinds: list[str]) -> int:
    """Kill so many times, of each kind in turn; returns how many runs ended otherwise than the unbroken one."""
    torch.set_num_threads(1)
    moments, wrong, kills = random.Random(seed), 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        whole, seconds = {}, {}
        for kind in kinds:
            killed(commands(kind, Path(folder) / f"{kind}-warm")[0], None)
            began = time.monotonic()
            killed(commands(kind, Path(folder) / kind)[0], None)
            seconds[kind], whole[kind] = time.monotonic() - began, end_of(Path(folder) / kind / "run")
        number = 0
        while kills.total() < count:
            kind, out = kinds[number % len(kinds)], Path(folder) / f"trial-{number}"
            made, nothing, run = trial(kind, out, seconds[kind], moments)
            kills[kind] += made
            different = differing(whole[kind], end_of(run))
            wrong += bool(different)
            print(
                f"{kind}: {made} kills, {nothing} before anything was begun, {', '.join(different) or 'the same'}", flush=True
            )
            shutil.rmtree(out)
            number += 1
    print(f"train: {kills.total()} kills ({dict(kills)}) in {number} runs, {wrong} not the same to the bit")
    return wrong


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    sys.exit(min(attack(*(given + [60, 0][len(given) :]), sys.argv[3:] or list(STEPS)), 1))
