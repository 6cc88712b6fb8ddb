"""The wheel is whole: away from any checkout it has its worlds, its policies, its types and its licence, and it plays."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from allotment.engine.code_cache import KIND
from allotment.engine.compiled import CODE
from allotment.resources import shipped_names

ROOT = Path(__file__).parents[1]
PLAYS = """
import allotment, gymnasium
assert "unpacked" in allotment.__file__, allotment.__file__
env = gymnasium.make("allotment/LostSales-v0")
env.reset(seed=1)
print(env.step(env.action_space.sample())[1] <= 0)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Return a folder with the content of the wheel, built by the backend that the environment has."""
    made, folder = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("apart") / "unpacked"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", made, ROOT]
    done = subprocess.run(build, cwd=made, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(made.glob("allotment-*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


def run(unpacked, *arguments):
    """Run Python in the empty folder beside the wheel's content, which comes before all that is installed."""
    empty = unpacked.parent / "empty"
    empty.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=empty, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_worlds_policies_types_and_licence_are_inside(unpacked):
    for kind in ("envs", "configs"):
        inside = {file.stem for file in (unpacked / "allotment" / kind).glob("*.yaml")}
        assert inside == set(shipped_names(kind))
    assert (unpacked / "allotment" / "py.typed").is_file()
    (licence,) = unpacked.glob("allotment-*.dist-info/licenses/LICENSE")
    assert "MIT License" in licence.read_text(encoding="utf-8")


def test_nothing_of_the_checkout_is_inside_by_mistake(unpacked):
    assert {path.name.partition("-")[0] for path in unpacked.iterdir()} == {"allotment"}
    assert not list(unpacked.rglob("*.pyc"))


def test_the_metadata_says_who_and_under_which_licence(unpacked):
    (metadata,) = unpacked.glob("allotment-*.dist-info/METADATA")
    text = metadata.read_text(encoding="utf-8")
    for line in ("License-Expression: MIT", "Author: The Allotment authors", "Requires-Python: >=3.11", "Provides-Extra: docs"):
        assert line in text


def test_a_world_is_made_and_played_away_from_the_checkout(unpacked):
    compiled = unpacked / "allotment" / "engine" / "__pycache__"
    compiled.mkdir(exist_ok=True)
    for code in CODE.glob(f"*{KIND}"):  # taken only if it is of the same sources; compiling them again is not what is asked
        shutil.copy(code, compiled)
    assert run(unpacked, "-c", PLAYS).strip() == "True"


def test_the_command_line_lists_every_world_away_from_the_checkout(unpacked):
    listed = run(unpacked, "-m", "allotment.cli", "envs")
    assert all(f"{name}: " in listed for name in shipped_names("envs"))
