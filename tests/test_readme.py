"""What the documents show works as shown: commands and Python blocks run, and no table is out of date."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from allotment.environments.registration import environment_id
from allotment.resources import shipped_names
from allotment.scenario.yaml_file import read_yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = "allotment run experiments/quickstart"  # what `make demo` runs
CHEAPER = {  # command of the README -> what is added here to what takes long
    "allotment tune lost_sales base_stock": ["--set", "tuning.worlds=16", "--set", "tuning.rounds=3"],
    "allotment train lost_sales ppo": ["--set", "steps=20_000", "--set", "validation.episodes=8"],
    "allotment train Pendulum-v1 sac": ["--set", "validation.episodes=2", "--set", "settings.learning_starts=500"],
}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands():
    """Return the commands of the console blocks, in order, without comments."""
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]


def written_out(command):
    """Return a command as it is run here: by this Python, and cheaper where the table says so."""
    added = [extra for start, extra in CHEAPER.items() if " ".join(command).startswith(start)]
    assert command[0] == "allotment"
    return [sys.executable, "-m", "allotment.cli", *command[1:], *(added[0] if added else [])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the files that the README writes out."""
    place = tmp_path_factory.mktemp("readme")
    for block in blocks("yaml"):
        name = re.match(r"# (\S+\.yaml)\n", block)
        (place / name[1]).write_text(block, encoding="utf-8")
    return place


def test_every_command_of_the_readme_runs(folder):
    shown = commands()
    assert len(shown) >= 6
    for command in shown:
        if " ".join(command) != NOT_RUN:
            done = subprocess.run(written_out(command), cwd=folder, capture_output=True, text=True, timeout=200)
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    assert (folder / "measures.json").is_file()
    assert (folder / "runs" / "corner" / "report" / "report.html").is_file()


def test_commands_left_out_or_made_cheaper_here_are_still_in_the_readme():
    shown = [" ".join(command) for command in commands()]
    assert NOT_RUN in shown
    assert NOT_RUN in (ROOT / "Makefile").read_text(encoding="utf-8")
    for start in CHEAPER:
        assert any(command.startswith(start) for command in shown)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.strip().splitlines()[0])
def test_the_python_of_the_readme_runs(block, tmp_path):
    lines = "\n".join(["import gymnasium as gym, allotment", block])
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", shipped_names("envs"))
def test_both_tables_of_worlds_have_every_world_with_its_id_and_known_values(name):
    known = read_yaml(ROOT / "envs" / f"{name}.yaml").get("known", [])
    short, long = (row(text, f"`{environment_id(name)}`") for text in (README, document("envs/README.md")))
    assert f"`{name}`" in short
    assert f"[{name}]({name}.yaml)" in long
    for value in known:
        assert f"{value['value']:g}" in long
    if known:
        assert f"{known[0]['value']:g}" in short


@pytest.mark.parametrize("name", shipped_names("configs"))
def test_both_tables_of_policies_have_every_policy(name):
    assert row(README, f"`{name}`")
    assert row(document("configs/README.md"), f"[{name}]({name}.yaml)")


@pytest.mark.parametrize("file", ["README.md", "envs/README.md", "configs/README.md", "benchmarks/README.md"])
def test_links_lead_to_files(file):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", document(file))
    assert links or file.startswith("benchmarks")
    for link in links:
        assert (ROOT / file).parent.joinpath(link).exists(), link


def document(file):
    return (ROOT / file).read_text(encoding="utf-8")


def row(text, words):
    """Return the row of a table that holds the words."""
    return next(line for line in text.splitlines() if line.startswith("|") and words in line)
