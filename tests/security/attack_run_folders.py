"""Run folders as somebody else might hand them over: what they say of themselves replaced, their tables' bytes damaged.

What reads them must refuse them by name, or say what they hold.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from attack_bundles import RAW, VALUES, Change, _damaged, _places, _put, _read
from attacking import Attack

import allotment
from allotment.cli.training import reached, tell_finished
from allotment.fitting.fit import fitter_of
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError
from allotment.studies.compared_policies import compared_policies, read_run
from small_worlds import RESIDUAL, one_shop

_folder = tempfile.TemporaryDirectory(prefix="allotment-attack-")
MADE = Path(_folder.name) / "made"
TEXTS, TABLES = (
    ("metadata.json", "config.yaml"),
    ("evaluation.parquet", "breakdown.parquet", "score_by_sku.npy", "curve.parquet"),
)
REACHED = {"episodes": 8, "score": -1.0, "standard_error": 0.1, "fill_rate": 0.9, "steps": 64}
LEARNED = {
    "algorithm": "ppo",
    "steps": 128,
    "environments": 2,
    "encoding": RESIDUAL,
    "network": {"kind": "mlp", "hidden": [4], "activation": "tanh"},
    "settings": {"n_steps": 8, "batch_size": 8, "learning_rate": {"schedule": "linear", "initial": 0.1, "final": 0.01}},
    "validation": {"every": 64, "episodes": 4},
    "checkpoint": {"every": 64},
}


def prepare() -> None:
    """Make the folders of a rule and of a training that is not finished, and read each once."""
    _made()
    for kind in ("rule", "learned"):
        _read_all(MADE / kind)


def _made() -> Path:
    if MADE.is_dir():
        return MADE
    config = {"policy": "constant_order", "parameters": {"quantity": 1}}
    made = allotment.train(one_shop(), config, out=MADE, name="rule")
    run = RunFolder(made)
    run.keep_evaluation(run.place.evaluate(allotment.load_policy(made), 4, 0), run.place.name, 0)
    learned = RunFolder(Path(shutil.copytree(made, MADE / "learned")))
    (learned.path / "config.yaml").write_text(yaml.safe_dump(LEARNED), encoding="utf-8")
    corrected = {"name": "newsvendor", **REACHED}
    learned.update(finished=False, environment_steps=64, validation=REACHED, corrected_rule=corrected)
    pd.DataFrame({"steps": [0.0, 64.0], "score": [-2.0, -1.0]}).to_parquet(learned.path / "curve.parquet")
    return MADE


def draw(draws: np.random.Generator) -> Change:
    """Return a value of a file replaced, or damage to the bytes of a table."""
    kind = str(draws.choice(["rule", "learned"]))
    if draws.random() < 0.3:
        file = str(draws.choice([name for name in TABLES if (_made() / kind / name).is_file()]))
        how = str(draws.choice(["flip", "cut", "insert", "remove", "overwrite"]))
        place = int(draws.integers((MADE / kind / file).stat().st_size))
        return Change(kind, file, how, (place, int(draws.integers(1, 256)), int(draws.integers(1, 20))))
    file = str(draws.choice(TEXTS))
    places = [path for path in _places(_read(_made() / kind / file)) if path and path[0] != "packages"]
    path = places[int(draws.integers(len(places)))]
    how = str(draws.choice(["replace", "replace", "replace", "raw", "remove", "add", "rename"]))
    return Change(kind, file, how, (path, int(draws.integers(len(VALUES))), int(draws.integers(len(RAW)))))


def judge(change: Change) -> str:
    """Read a folder with what is changed in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(MADE / change.kind, Path(name) / "run"))
        file = folder / change.file
        if change.file in TABLES:
            file.write_bytes(_damaged(file.read_bytes(), change.how, change.what))
        else:
            _put(file, change)
        try:
            _read_all(folder)
        except ScenarioError as error:
            lines = str(error).splitlines()
            assert lines and all(line.isprintable() for line in lines) and len(lines) <= 11, str(error)
            return "refused"
        return "accepted"


def _read_all(folder: Path) -> None:
    """Read a run folder as the commands do."""
    run = RunFolder.existing(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        tell_finished(folder, None)
    told: list[Any] = [*reached(folder), run.shortfall, run.finished, run.differing_packages(), run.curve()]
    told += compared_policies([read_run(folder)])
    found = run.evaluation(run.place.name)
    assert found is None or np.isfinite(found.score_by_sku).all()
    fitter_of(run.config, run.policy_name).check(run.place, run.config, run.policy_name)


ATTACKS = [Attack("run-folders", draw, judge, prepare, memory=1024)]
