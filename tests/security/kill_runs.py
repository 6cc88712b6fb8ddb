"""Kills tunings, studies and exports at random moments: `python tests/security/kill_runs.py COUNT SEED [KIND...]`.

A command is ended with SIGKILL at any moment from its start to its end, and given again until it comes to its end. After each
kill, nothing that is there may be half-written: bundles open, kept tables are read, an exported file is the whole one. What
the command makes in the end must be what it makes unbroken, to the bit.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd

from allotment.policies.sealed_folder import opened
from allotment.runs.run_folder import RunFolder, is_run

SHORT = ["--set-env", "horizon.warm_up=4", "--set-env", "horizon.periods=20"]
TUNING = ["--set", "tuning.worlds=64", "--set", "tuning.rounds=6", "--name", "run", "--quiet", *SHORT]
LEARNING = ["steps=600", "environments=4", "settings.n_steps=64", "validation.every=300", "validation.episodes=4"]
STUDY = """
name: small
question: Which rule is best?
env: lost_sales
overrides: [horizon.warm_up=4, horizon.periods=20]
policies:
  - {config: base_stock, overrides: [tuning.worlds=16, tuning.rounds=3]}
  - {config: constant_order, overrides: [tuning.worlds=16, tuning.rounds=3]}
evaluation: {episodes: 50}
"""
KILLS_OF_A_TRIAL = 3


def allotted(*arguments: object) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "allotment.cli", *map(str, arguments)]


def command(kind: str, given: Path, out: Path) -> list[str]:
    """Return the command that is killed, and given again."""
    if kind == "tune":
        return allotted("tune", "lost_sales", "base_stock", *TUNING, "--out", out)
    if kind == "run":
        return allotted("run", given / "study.yaml", "--workers", 2, "--quiet", "--out", out)
    return allotted("export", given / "learned" / "run", out / "policy.onnx")


def prepare(given: Path) -> None:
    """Make what the commands start from: a study's file, and a policy that learned."""
    (given / "study.yaml").write_text(STUDY)
    options = [part for value in LEARNING for part in ("--set", value)]
    called = allotted("train", "lost_sales", "ppo", *options, *SHORT, "--name", "run", "--quiet", "--out", given / "learned")
    subprocess.run(called, check=True, stdout=subprocess.DEVNULL)


def ended(called: list[str], seconds: float | None) -> bool:
    """Run a command and kill it after so long; tell whether it came to its end. Any other end is an error."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(called, stdout=told, stderr=told)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        told.seek(0)
        if process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"exit code {process.returncode}: {told.read().decode()}")
    return process.returncode == 0


def made(out: Path) -> dict[str, object]:
    """Return what is there and must not depend on kills; raises where something is there by half.

    Runs are known by their policy, as a tuning that is given again makes another folder.
    """
    found: dict[str, object] = {file.name: file.read_bytes() for file in out.glob("*.onnx")}
    for about in sorted(out.rglob("bundle.json")):
        if not any(part.startswith(".") for part in about.relative_to(out).parts):
            opened(about.parent)
    for folder in sorted(path.parent for path in out.rglob("metadata.json")):
        if is_run(folder) and RunFolder(folder).finished:
            run = RunFolder(folder)
            table = folder / "evaluation.parquet"
            found[run.policy_name] = (run.bundle["version"], run.metadata["validation"]["score"])
            if table.is_file():
                found[f"{run.policy_name}/episodes"] = pd.read_parquet(table).to_csv()
    found |= {file.name: file.read_bytes() for file in out.rglob("comparison.csv")}
    return found


def trial(kind: str, given: Path, out: Path, seconds: float, moments: random.Random) -> tuple[int, dict[str, object]]:
    """Give a command with kills in between; returns how many there were, and what was made."""
    kills = 0
    while not ended(command(kind, given, out), moments.uniform(0.0, seconds) if kills < KILLS_OF_A_TRIAL else None):
        kills += 1
        made(out)
    return kills, made(out)


def main(count: int, seed: int, kinds: list[str]) -> int:
    """Kill so many times, of each kind in turn; returns how many commands made something else than the unbroken one."""
    moments, wrong, kills, number = random.Random(seed), 0, Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder)
        prepare(given)
        whole, seconds = {}, {}
        for kind in kinds:
            out = given / kind
            out.mkdir()
            began = time.monotonic()
            ended(command(kind, given, out), None)
            seconds[kind], whole[kind] = time.monotonic() - began, made(out)
            assert whole[kind], f"{kind} made nothing"
        while kills.total() < count:
            kind, out = kinds[number % len(kinds)], given / f"trial-{number}"
            out.mkdir()
            again, found = trial(kind, given, out, seconds[kind], moments)
            kills[kind] += again
            different = [name for name in whole[kind] | found if whole[kind].get(name) != found.get(name)]
            wrong += bool(different)
            left = [file.name for file in out.rglob("*.part")]
            print(f"{kind}: {again} kills, {', '.join(different) or 'the same'}, {len(left)} parts left", flush=True)
            shutil.rmtree(out)
            number += 1
    print(f"{kills.total()} kills ({dict(kills)}) in {number} trials, {wrong} not the same to the bit")
    return wrong


if __name__ == "__main__":
    os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")})
    numbers = [int(each) for each in sys.argv[1:3]]
    sys.exit(min(main(*(numbers + [30, 0][len(numbers) :]), sys.argv[3:] or ["tune", "run", "export"]), 1))
