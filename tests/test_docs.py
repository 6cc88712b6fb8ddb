"""The documents are true: the site builds without a dead link, what they show runs as shown, and no table is out of date."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from allotment.cli import app
from allotment.environments.registration import environment_id
from allotment.resources import shipped_names
from allotment.scenario.yaml_file import read_yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CAMPAIGN = ROOT / "experiments" / "promotion_campaign"  # the tables of the page on planning
BANKS = ("--payments", "--statement")  # options that need the extra `treasury`
NOT_RUN = "allotment run experiments/quickstart"  # what `make demo` runs
CHEAPER = {  # how a command of the documents begins -> what is added here to what takes long
    "allotment tune lost_sales base_stock": ["--set", "tuning.worlds=16", "--set", "tuning.rounds=2"],
    "allotment train lost_sales ppo": ["--set", "steps=10_000", "--set", "validation.episodes=8"],
    "allotment train --resume runs/ppo --set": ["--set", "steps=20_000"],
    "allotment train Pendulum-v1 sac": ["--set", "validation.episodes=2", "--set", "settings.learning_starts=500"],
    "allotment bound three_warehouses": ["--episodes", "2", *("--set", "horizon.periods=8", "--set", "horizon.warm_up=4")],
    "allotment run ": ["--workers", "1"],
    "allotment evaluate runs/ppo": ["--episodes", "50"],
    "allotment evaluate newsvendor": ["--set", "tuning.worlds=16", "--set", "tuning.rounds=2"],
    "allotment evaluate capital_newsvendor": ["--set", "tuning.worlds=4", "--set", "tuning.rounds=1", "--episodes", "10"],
}
FENCED = re.DOTALL | re.MULTILINE
IN_THE_OPEN = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "envs/README.md", "configs/README.md", "benchmarks/README.md"]


def pages():
    """Return the documents written by hand, in the order in which they are read."""
    nav = re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2])
    return [ROOT / "README.md", *(DOCS / page for page in nav if (DOCS / page).is_file())]


def blocks(page, language):
    """Return the blocks of a language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands_of(block):
    """Return the commands of a console block, without comments."""
    assert all(line.startswith("$ ") for line in block.splitlines())
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in block.splitlines()]


def commands():
    """Return the commands of the console blocks of all pages but the first, in order."""
    return [command for page in pages()[1:] for block in blocks(page, "console") for command in commands_of(block)]


def play(command):
    """Run a command as it is run here: cheaper where the table says so, and in this process."""
    added = [extra for start, extra in CHEAPER.items() if " ".join(command).startswith(start)]
    assert command[0] == "allotment"
    app([*command[1:], *(added[0] if added else [])], standalone_mode=False)


def put_down_files(folder):
    """Write the files that the pages write out, and the tables of the campaign, into a folder."""
    for page in pages():
        for block in blocks(page, "yaml"):
            name = re.match(r"# (\S+\.yaml)\n", block)
            if name:
                (folder / name[1]).write_text(block, encoding="utf-8")
        for block in blocks(page, "python"):
            name = re.match(r"# (\S+\.py)\n", block)
            if name:
                (folder / name[1]).write_text(block, encoding="utf-8")
        for name, table in re.findall(r"^`(\S+\.(?:csv|xml))`:\n\n```\w+\n(.*?)^```", page.read_text(encoding="utf-8"), FENCED):
            (folder / name).write_text(table, encoding="utf-8")
    for table in CAMPAIGN.glob("*.csv"):
        shutil.copy(table, folder)


def run(command, folder):
    """Run a command in a folder on one thread, and fail with all that it said if it does."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_command_of_the_documents_runs(tmp_path, monkeypatch):
    put_down_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = commands()
    assert len(shown) >= 12
    for command in shown:
        if " ".join(command) != NOT_RUN and not speaks_to_banks(command):
            play(command)
    for made in ("measures.json", "plan.json", "policy.onnx", "runs/corner/report/report.html", "stock/report.html"):
        assert (tmp_path / made).is_file()


def speaks_to_banks(command):
    """Tell whether a command needs the extra `treasury`."""
    return any(option in command for option in BANKS)


def test_commands_that_speak_to_banks_say_what_the_page_shows(tmp_path, monkeypatch, capsys):
    for library in ("pain001", "pycamt", "defusedxml"):
        pytest.importorskip(library, reason="the extra treasury is not installed")
    put_down_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = [command for command in commands() if speaks_to_banks(command)]
    told = [block.splitlines() for block in blocks(DOCS / "treasury.md", "text")]
    assert len(shown) == len(told) == 2
    for command, lines in zip(shown, told, strict=True):
        play(command)
        printed = capsys.readouterr().out.splitlines()
        assert [line for line in printed if line.startswith(("assumed", "payments"))] == lines


def test_commands_left_out_or_made_cheaper_here_are_still_in_the_documents():
    shown = [" ".join(command) for command in commands()]
    assert NOT_RUN in shown
    assert NOT_RUN in (ROOT / "Makefile").read_text(encoding="utf-8")
    for start in CHEAPER:
        assert any(command.startswith(start) for command in shown)


def test_the_readme_runs_from_top_to_bottom_in_one_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, names = (ROOT / "README.md").read_text(encoding="utf-8"), {"__name__": "__main__"}
    found = re.findall(r"^```(console|python)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert [language for language, _ in found] == ["console", "python"]
    for language, block in found:
        if language == "python":
            exec(compile(block, "README.md", "exec"), names)
        else:
            for command in commands_of(block):
                play(command)
    assert set(names["again"]["policy"]) == {"level", "ppo"}
    assert -names["scores"]["score"].mean() == pytest.approx(5.2, abs=0.1)


@pytest.mark.parametrize("page", [page for page in pages()[1:] if blocks(page, "python")], ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    put_down_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks(page, "python")), str(page), "exec"), {"__name__": "__main__"})


def test_the_site_has_all_loads_nothing_from_elsewhere_and_keeps_its_machinery_to_itself(tmp_path):
    run([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path], ROOT)
    check_content(tmp_path)
    check_loads(tmp_path)
    assert not [*tmp_path.rglob("*.py"), *tmp_path.rglob("*.yaml")]


def check_content(site):
    """The site has every notebook, every study and every drawn world."""
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert (site / "tutorial" / f"{notebook.stem}.html").is_file()
    for readme in (ROOT / "experiments").glob("*/README.md"):
        assert (site / "experiments" / f"{readme.parent.name}.html").is_file()
    gallery = (site / "worlds" / "gallery.html").read_text(encoding="utf-8")
    for name in shipped_names("envs"):
        assert f'id="{name}"' in gallery
        assert environment_id(name) in gallery
        assert (site / "worlds" / f"{name}.svg").is_file() or "data" in read_yaml(ROOT / "envs" / f"{name}.yaml")


def check_loads(site):
    """The site loads nothing from elsewhere."""
    loads = re.compile(r"""(?:<(?:script|img|iframe)[^>]*\ssrc|<link[^>]*\shref)=["']?(?:https?:)?//[^"'> ]+""")
    for page in site.rglob("*.html"):
        assert not loads.findall(page.read_text(encoding="utf-8")), page
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_the_site_fails_on_dead_links_and_anchors():
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    assert settings["strict"] == "true"
    assert set(settings["validation"]["links"].values()) == {"warn"}
    assert set(settings["validation"]["nav"].values()) == {"warn"}


def test_the_readme_is_short():
    assert (ROOT / "README.md").stat().st_size <= 6_000


@pytest.mark.parametrize("picture", sorted((DOCS / "assets").glob("*.png")), ids=lambda picture: picture.stem)
def test_pictures_are_small_and_used(picture):
    assert picture.stat().st_size < 120_000
    assert any(picture.name in page.read_text(encoding="utf-8") for page in pages())


@pytest.mark.parametrize("name", shipped_names("envs"))
def test_the_table_of_worlds_has_every_world_with_its_id_and_known_values(name):
    listed = row((ROOT / "envs/README.md").read_text(encoding="utf-8"), f"`{environment_id(name)}`")
    assert f"[{name}]({name}.yaml)" in listed
    for value in read_yaml(ROOT / "envs" / f"{name}.yaml").get("known", []):
        assert f"{value['value']:g}" in listed


@pytest.mark.parametrize("name", shipped_names("configs"))
def test_the_table_of_policies_has_every_policy(name):
    assert row((ROOT / "configs/README.md").read_text(encoding="utf-8"), f"[{name}]({name}.yaml)")


@pytest.mark.parametrize("file", IN_THE_OPEN)
def test_links_of_documents_outside_the_site_lead_to_files(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / file).parent.joinpath(link).exists(), link


@pytest.mark.parametrize("page", [*pages(), *(ROOT / file for file in IN_THE_OPEN)], ids=lambda page: page.stem)
def test_documents_name_no_place_on_a_machine(page):
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|Users|opt|mnt)/", page.read_text(encoding="utf-8"))


def row(text, words):
    """Return the row of a table that holds the words."""
    return next(line for line in text.splitlines() if line.startswith("|") and words in line)
