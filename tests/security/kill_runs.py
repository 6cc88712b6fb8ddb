"""Kills tunings, studies, exports and comparisons at random moments: `python tests/security/kill_runs.py COUNT SEED [KIND...]`.

A command is ended with SIGKILL at any moment from its start to its end, and given again until it comes to its end. After each
kill, nothing that is there may be half-written: bundles open, kept tables are read, an exported file is the whole one. What
the command makes in the end must be what it makes unbroken, to the bit. Commands run in processes that are forked from this
one, in which everything is loaded, so that kills meet their work and not the loading.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from allotment import cli
from allotment.policies.sealed_folder import opened
from allotment.runs.run_folder import RunFolder, is_run

SHORT = ["--set-env", "horizon.warm_up=4", "--set-env", "horizon.periods=20"]
TUNING = ["--set", "tuning.worlds=64", "--set", "tuning.rounds=6", "--name", "run", "--quiet", *SHORT]
STUDY = """
name: small
question: Which rule is best?
env: lost_sales
overrides: [horizon.warm_up=4, horizon.periods=20]
policies:
  - {config: base_stock, overrides: [tuning.worlds=16, tuning.rounds=3]}
  - {config: constant_order, overrides: [tuning.worlds=16, tuning.rounds=3]}
  - config: ppo
    overrides:
      [steps=600, environments=4, settings.n_steps=64, settings.batch_size=64, validation.every=300, validation.episodes=4]
evaluation: {episodes: 50}
"""
KINDS = ["tune", "run", "export", "compare", "workers"]
KILLS_OF_A_TRIAL = 3


def command(kind: str, given: Path, out: Path) -> list[str]:
    """Return the command that is killed, and given again."""
    if kind == "tune":
        return ["tune", "lost_sales", "base_stock", *TUNING, "--out", str(out)]
    if kind in ("run", "workers"):
        workers = "1" if kind == "run" else "2"
        return ["run", str(given / "study.yaml"), "--workers", workers, "--quiet", "--out", str(out)]
    if kind == "compare":
        return ["compare", *_copied(given / "made" / "small", out), "--quiet", "--out", str(out / "report")]
    return ["export", str(given / "made" / "small" / "ppo-seed0"), str(out / "policy.onnx")]


def _copied(study: Path, out: Path) -> list[str]:
    """Return run folders without their episodes, which a comparison plays then and keeps."""
    runs = out / "runs"
    if not runs.is_dir():
        shutil.copytree(
            study, runs, ignore=shutil.ignore_patterns("evaluation.parquet", "breakdown.parquet", "*.npy", "report")
        )
    return sorted(str(folder) for folder in runs.iterdir() if is_run(folder))


def work(called: list[str], told: Path) -> int:
    """Run a command; returns its exit code."""
    with told.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.argv = ["allotment", *called]
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def ended(called: list[str], told: Path, seconds: float = 600.0) -> bool:
    """Run a command and kill it after so long; tell whether it came to its end. Any other end is an error."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            code = work(called, told)
        finally:
            os._exit(code)
    until = time.monotonic() + seconds
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > until:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"{called}: exit code {code}: {told.read_text()}")
    return code == 0


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
    return found | {file.name: file.read_bytes() for file in out.rglob("comparison.csv")}


def trial(kind: str, given: Path, out: Path, seconds: float, moments: random.Random) -> tuple[int, dict[str, object]]:
    """Give a command with kills in between; returns how many there were, and what was made."""
    called, told, kills = command(kind, given, out), given / "told", 0
    while kills < KILLS_OF_A_TRIAL and not ended(called, told, moments.uniform(0.0, seconds)):
        kills += 1
        made(out)
    if kills == KILLS_OF_A_TRIAL:
        ended(called, told)
    return kills, made(out)


def unbroken(kind: str, given: Path) -> tuple[float, dict[str, object]]:
    """Return how long a command takes, and what it makes."""
    out = given / kind
    out.mkdir()
    called = command(kind, given, out)
    began = time.monotonic()
    assert ended(called, given / "told")
    return time.monotonic() - began, made(out)


def prepare(given: Path) -> None:
    """Load and compile all that commands need, and make what they start from."""
    (given / "study.yaml").write_text(STUDY)
    for called in (command("run", given, given / "made"), command("export", given, given)):
        sys.argv = ["allotment", *called]
        with redirect_stdout(StringIO()), pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code, called


def main(count: int, seed: int, kinds: list[str]) -> int:
    """Kill so many times, of each kind in turn; returns how many commands made something else than the unbroken one."""
    moments, wrong, kills, number = random.Random(seed), 0, Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder)
        prepare(given)
        whole = {kind: unbroken(kind, given) for kind in kinds}
        while kills.total() < count:
            kind, out = kinds[number % len(kinds)], given / f"trial-{number}"
            out.mkdir()
            again, found = trial(kind, given, out, whole[kind][0], moments)
            kills[kind] += again
            expected = whole[kind][1]
            different = [name for name in expected | found if expected.get(name) != found.get(name)]
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
    sys.exit(min(main(*(numbers + [60, 0][len(numbers) :]), sys.argv[3:] or KINDS), 1))
