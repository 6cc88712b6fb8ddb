"""The command line: what it prints, what it leaves behind, and how it says that something is wrong."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import allotment
from allotment.cli import main
from allotment.exchange.movements import read_movements
from allotment.resources import shipped_names
from allotment.runs.run_folder import RunFolder
from allotment.runs.tensorboard import logged

HEAVY = {"matplotlib", "numba", "pandas", "pydantic", "scipy", "stable_baselines3", "torch"}
SHORT = ["--set-env", "horizon.warm_up=10", "--set-env", "horizon.periods=40"]
QUICK = ["steps=4_000", "environments=16", "settings.batch_size=256", "validation.every=2_000", "validation.episodes=8"]
ENDLESS = [*QUICK, "steps=1_000_000_000"]
PATIENCE = 120  # seconds that a subprocess may take on a busy machine


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Work in an empty folder, as someone without a checkout would."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs a command and returns its exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["allotment", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err

    return run


def started(*arguments):
    """Start a command in a process, and a process group, of its own, which listens to interrupts whatever the tests do."""
    call = [sys.executable, "-W", "ignore", "-m", "allotment.cli", *map(str, arguments)]
    listens = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore them, and so would it
    try:
        return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, listens)


def settings(values):
    return [part for value in values for part in ("--set", value)]


def test_help_answers_at_once_and_loads_nothing_heavy():
    code = "import sys; from allotment.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
    assert not HEAVY & set(done.stderr.split())
    for name in ("envs", "train", "tune", "evaluate", "run", "compare", "export", "serve"):
        assert name in done.stdout


@pytest.mark.parametrize("name", ["envs", "train", "tune", "evaluate", "run", "compare", "export", "serve"])
def test_every_command_explains_itself(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0
    assert "Usage" in out


def test_envs_lists_every_world_with_what_is_known_of_it(command):
    code, out, _ = command("envs")
    assert code == 0
    for name in shipped_names("envs"):
        assert f"{name}: " in out
    assert "base_stock (level 25): 5.1978 per period (exact)" in out


def test_envs_says_why_a_world_is_not_available(command, monkeypatch):
    monkeypatch.setenv("ALLOTMENT_DATA", "nowhere")
    code, out, _ = command("envs")
    assert code == 0
    assert "iowa_liquor: not available here\n" in out
    assert "data.iowa.gov" in out


def test_evaluate_prints_the_measures_and_writes_them_as_json(command):
    options = ["--set", "parameters.level=25", "--episodes", 20, "--seed", 3, "--json", "measures.json", *SHORT]
    code, out, _ = command("evaluate", "base_stock", "--env", "lost_sales", *options)
    written = json.loads(Path("measures.json").read_text())
    measures = written.pop("measures")
    assert code == 0
    assert written == {"policy": "base_stock", "env": "lost_sales", "episodes": 20, "seed": 3, "informed": False}
    assert "base_stock is uninformed: it sees nothing of coming demand but its past" in out
    assert measures["score"] == pytest.approx(-measures["money/holding"] - measures["money/lost_sale"])
    assert "20 test worlds" in out
    for measure, unit in {"score": "money/period", "discounted_return": "money/episode", "on_hand": "units"}.items():
        assert re.search(rf"{measure} +│ {unit} +│ +{measures[measure]:,.4f} ", out)
    for words in ("By channel, per period", "By site, per period", "By SKU, per period", "units short", "lost margin"):
        assert words in out


def test_evaluate_writes_what_moved_in_each_episode_into_a_new_folder(command):
    options = ["--set", "parameters.level=25", "--episodes", 2, "--movements", "logs", *SHORT]
    code, _, _ = command("evaluate", "base_stock", "--env", "lost_sales", *options)
    assert code == 0
    assert sorted(file.name for file in Path("logs").iterdir()) == ["episode-0.parquet", "episode-1.parquet"]
    log = read_movements(Path("logs/episode-1.parquet"))
    assert {"opening", "dispatch", "receipt", "sale"} == set(log["kind"])
    code, _, err = command("evaluate", "base_stock", "--env", "lost_sales", *options)
    assert (code, err) == (2, "error: logs: is not empty; name a new folder for the logs of movements\n")
    code, _, err = command("evaluate", "ppo", "--env", "Pendulum-v1", "--movements", "others")
    assert code == 2 and not Path("others").exists()


def test_a_rule_is_tuned_into_a_run_folder_that_can_be_evaluated(command):
    small = settings(["tuning.worlds=8", "tuning.rounds=3"])
    code, out, _ = command("tune", "lost_sales", "base_stock", "--name", "levels", *small, *SHORT)
    assert code == 0
    found = yaml.safe_load(out)  # all but the parameters is a comment
    assert set(found) == {"parameters"} and set(found["parameters"]) == {"level"}
    about = json.loads(Path("runs/levels/metadata.json").read_text())
    reached, search = about["validation"], about["search"]
    there = f"score {search['score']:,.4f} ± {search['standard_error']:,.4f} in its own 8 worlds (pattern, best of"
    assert there in out
    assert f"{abs(search['score'] - reached['score']):,.4f} ± " in out
    assert f"score {reached['score']:,.4f} ± {reached['standard_error']:,.4f} in 64 validation worlds" in out
    Path("mine.yaml").write_text("policy: base_stock\n" + out)
    scores = []
    for policy in ("runs/levels", "mine.yaml"):
        code, out, _ = command("evaluate", policy, "--env", "lost_sales", "--episodes", 4, "--json", "found.json", *SHORT)
        assert code == 0
        assert "in lost_sales: 4 test worlds" in out
        scores.append(json.loads(Path("found.json").read_text())["measures"])
    assert scores[0] == scores[1]


def test_train_leaves_a_run_folder_and_a_second_training_leaves_the_first_alone(command):
    for folder in ("runs/small", "runs/small-1"):
        code, out, _ = command("train", "lost_sales", "ppo", "--seed", 5, "--name", "small", *settings(QUICK), *SHORT)
        assert code == 0
        assert f"run folder: {folder}\n" in out
        for name in ("config.yaml", "scenario.yaml", "metadata.json", "curve.parquet", "tb", "best", "final"):
            assert (Path(folder) / name).exists()
    assert yaml.safe_load(Path("runs/small/config.yaml").read_text())["steps"] == 4_000
    code, _, _ = command("evaluate", "runs/small", "--episodes", 4)
    assert code == 0
    assert Path("runs/small/breakdown.parquet").is_file()


BASE_STOCK = ["evaluate", "base_stock", "--env", "lost_sales"]
WRONG = {
    "a missing file": (["evaluate", "base_stock", "--env", "worlds/mine.yaml"], "worlds/mine.yaml: no such file in envs"),
    "a misspelt world": (["evaluate", "base_stock", "--env", "lost_salse"], "did you mean 'lost_sales'?"),
    "a misspelt config": (["evaluate", "base_stok", "--env", "lost_sales"], "did you mean 'base_stock'?"),
    "an unknown key of a rule": ([*BASE_STOCK, "--set", "parameters.levle=25"], "did you mean 'level'?"),
    "an unknown key of a training": (["train", "lost_sales", "ppo", "--set", "stepz=9"], "did you mean 'steps'?"),
    "an unknown key of a world": ([*BASE_STOCK, "--set-env", "horizon.period=9"], "did you mean 'periods'?"),
    "an override that is none": ([*BASE_STOCK, "--set", "level"], "key=value"),
    "a lead time below zero": (
        [*BASE_STOCK, "--set-env", "supply_lanes[0].lead_time=-2"],
        "supply_lanes[0].lead_time must be >= 0, not -2",
    ),
    "a policy that must be trained first": (["evaluate", "ppo", "--env", "lost_sales"], "train it first"),
    "a policy with nothing to tune": (["tune", "lost_sales", "ppo"], "nothing to tune"),
    "a config without a world": (["evaluate", "base_stock"], "--env"),
    "a study that is not there": (["run", "nowhere"], "nowhere: no study here"),
    "nothing to compare": (["compare", "nowhere"], "nowhere: no such folder; expected run folders, or one study"),
    "a training without a policy": (["train", "lost_sales"], "train takes ENV and CONFIG, or --resume RUN, or --repeat RUN"),
    "two things to train": (
        ["train", "lost_sales", "ppo", "--resume", "runs/x"],
        "train takes ENV and CONFIG, or --resume RUN",
    ),
    "a run that is none": (["train", "--resume", "runs/x"], "runs/x: not a run folder; expected metadata.json"),
    "a served folder that is no run": (["serve", "runs/x"], "runs/x: holds no policy; expected a run folder with best/"),
    "a setting out of range": (
        ["train", "lost_sales", "ppo", "--set", "settings.clip_range=-0.2"],
        "ppo: settings.clip_range must be a number > 0, not -0.2",
    ),
    "a name of another folder": (["train", "lost_sales", "ppo", "--name", "../x"], "the first no point, not '../x'"),
    "values of a policy that is made": (["evaluate", "runs/x", "--env", "nowhere"], "nowhere"),
    "a misspelt Gymnasium id": (["train", "CartPol-v1", "ppo"], "did you mean 'CartPole-v1'?"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_in_one_line(command, fault):
    arguments, words = WRONG[fault]
    code, _, err = command(*arguments)
    assert code == 2
    assert words in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not list(Path().glob("runs/*"))


def test_a_fault_shows_no_traceback_in_a_process_of_its_own():
    process = started("evaluate", "base_stock", "--env", "lost_salse")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert out == ""
    assert err == "error: lost_salse: no such file in envs; did you mean 'lost_sales'?\n"


def interrupted(process, ready):
    """Interrupt a command as Ctrl-C does once `ready()` holds; returns its exit code and standard error."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # what was to be interrupted would go on for ever
        raise
    return process.returncode, err


def assert_nobody_is_left(process):
    """Fail where a process of the command's group outlives it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("worker processes outlived the command")


def test_an_interrupted_training_keeps_its_best_policy_its_curve_and_a_checkpoint():
    process = started("train", "lost_sales", "ppo", "--name", "cut", "--quiet", *settings(ENDLESS), *SHORT)
    run = Path("runs/cut")
    code, err = interrupted(process, lambda: (run / "best").is_dir() and RunFolder(run).can_go_on)
    assert code == 130
    again = "allotment train --resume runs/cut"
    assert err == f"interrupted; runs/cut holds the best policy so far; go on with: {again}\n"
    assert_nobody_is_left(process)
    assert json.loads((run / "metadata.json").read_text())["finished"] is False
    assert (run / "curve.parquet").is_file()
    assert RunFolder(run).can_go_on
    policy = allotment.load_policy(run)
    assert len(allotment.evaluate(policy, policy.world, episodes=2)) == 2


def test_an_interrupted_training_is_resumed_and_repeated_from_its_folder(command):
    small = settings([*QUICK, "steps=30_000", "checkpoint.every=2_000"])
    process = started("train", "lost_sales", "ppo", "--name", "cut", *small, *SHORT)
    run = Path("runs/cut")
    code, _ = interrupted(process, lambda: RunFolder(run).can_go_on)
    assert code == 130
    code, out, _ = command("train", "--resume", run)
    assert code == 0
    assert f"run folder: {run}\n" in out
    metadata = json.loads((run / "metadata.json").read_text())
    assert (metadata["finished"], metadata["environment_steps"] >= 30_000) == (True, True)
    metadata["packages"]["torch"] = "1.0"
    (run / "metadata.json").write_text(json.dumps(metadata))
    code, out, err = command("train", "--repeat", run)
    assert code == 0
    assert "run folder: runs/cut-1\n" in out
    assert err.startswith(f"other versions than in {run}, so the result may differ: torch 1.0 → ")
    for kept in ("best", "final"):
        assert (run / kept / "bundle.json").read_text() == (Path("runs/cut-1") / kept / "bundle.json").read_text()


def test_a_finished_run_says_so_and_goes_on_with_more_steps(command):
    steady = ["settings.learning_rate=0.001", *QUICK]
    command("train", "lost_sales", "ppo", "--name", "ppo", *settings(steady), *SHORT)
    code, out, err = command("train", "--resume", "runs/ppo")
    again = "allotment train --resume runs/ppo --set steps="
    assert (code, out.split(again)[0], err) == (0, "runs/ppo is finished after 4,096 steps; go on with ", "")
    code, out, err = command("train", "--resume", "runs/ppo", "--set", "steps=6_000")
    assert code == 0
    assert json.loads(Path("runs/ppo/metadata.json").read_text())["environment_steps"] == 6_144
    assert "warning" not in err
    code, _, err = command("train", "--resume", "runs/ppo", "--set", "steps=5_000")
    assert (code, err) == (2, "error: runs/ppo: steps must be > 6144, which are done already, not 5000\n")


def test_piped_progress_is_plain_lines_and_quiet_leaves_results_alone(command):
    code, out, err = command("train", "lost_sales", "ppo", "--name", "told", *settings(QUICK), *SHORT)
    assert code == 0
    lines = err.splitlines()
    assert 2 <= len(lines) <= 12  # the first, the last, and one now and then
    assert all(line.startswith("training told: ") and ", score -" in line for line in lines)
    assert lines[-1].startswith("training told: 4,096 of 4,000")
    best = json.loads(Path("runs/told/metadata.json").read_text())["validation"]
    reached = f"score {best['score']:,.4f} ± {best['standard_error']:,.4f} in 8 validation worlds after {best['steps']:,} steps"
    assert f"best:       {reached}\n" in out
    code, quiet, err = command("train", "lost_sales", "ppo", "--name", "quiet", "--quiet", *settings(QUICK), *SHORT)
    assert (code, quiet, err) == (0, f"best:       {reached}\nrun folder: runs/quiet\n", "")


def test_a_residual_is_told_beside_the_rule_that_it_corrects(command):
    rule = "encoding={name: residual, rule: {policy: base_stock, parameters: {level: 25}}}"
    code, out, _ = command("train", "lost_sales", "ppo", "-q", *settings([*QUICK, rule]), *SHORT)
    assert code == 0
    assert "corrects:   rule, score -" in out


def test_an_interrupt_before_there_is_a_policy_keeps_nothing():
    process = started("tune", "three_warehouses", "dual_newsvendor", "--set", "tuning.rounds=100000")
    code, err = interrupted(process, lambda: any(Path("runs").glob("*/metadata.json")))
    assert code == 130, err
    assert err.endswith("interrupted before there was a policy; nothing is kept\n")
    assert not list(Path("runs").iterdir())


def test_the_version_and_a_short_help(command):
    assert command("--version") == (0, f"allotment {allotment.__version__}\n", "")
    for arguments in (["-h"], ["train", "-h"]):
        code, out, _ = command(*arguments)
        assert code == 0 and "Usage" in out
    assert "--install-completion" in command("-h")[1]


def test_a_run_folder_is_served_and_exported(command):
    command("train", "lost_sales", "ppo", "--name", "ppo", *settings(QUICK), *SHORT)
    code, out, _ = command("export", "runs/ppo", "policy.onnx")
    assert (code, out) == (0, "written: policy.onnx\n")
    assert Path("policy.onnx").stat().st_size > 1000
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = started("serve", "runs/ppo", "--port", port, "--max-snapshots", 7)
    try:
        told = answered(process, f"http://127.0.0.1:{port}/v1/metadata")
    finally:
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert told["policy"]["name"] == "ppo"
    assert told["limits"]["snapshots"] == 7
    assert out == f"ppo in lost_sales: http://127.0.0.1:{port}/docs\n"
    assert process.returncode == 0
    assert [json.loads(line)["path"] for line in err.splitlines() if '"path"' in line][-1] == "/v1/metadata"


def answered(process, url):
    """Return the JSON at an address, once the process answers there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        try:
            return httpx.get(url).json()
        except httpx.TransportError:
            time.sleep(0.1)


def write_study(name, policies):
    content = {
        "name": name,
        "question": "Does a network trained for a moment beat a rule?",
        "env": "lost_sales",
        "overrides": ["horizon.warm_up=10", "horizon.periods=40"],
        "policies": policies,
        "evaluation": {"episodes": 16},
    }
    Path(f"{name}.yaml").write_text(yaml.safe_dump(content))


def test_an_interrupted_study_keeps_what_its_workers_had_found():
    write_study("endless", [{"config": "ppo", "name": name, "overrides": ENDLESS} for name in ("one", "two")])
    process = started("run", "endless.yaml", "--workers", 2, "--quiet")
    bests = [Path(f"runs/endless/{name}-seed0/best/weights.safetensors") for name in ("one", "two")]
    code, err = interrupted(process, lambda: all(best.is_file() for best in bests))
    assert code == 130
    assert err == "interrupted; what was finished is kept\n"
    assert_nobody_is_left(process)
    for best in bests:
        assert allotment.load_policy(best.parent).kind == "learned"


def tags(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag for tag in events.Tags()["scalars"] if tag.startswith("evaluation/")}


def modified(folder):
    return {file: file.stat().st_mtime_ns for file in folder.glob("*/best/*")}


@pytest.fixture(scope="module")
def finished_study(tmp_path_factory):
    """Run a study of one network and one rule in two processes; returns where, and what was printed."""
    place = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        write_study(
            "tiny", [{"config": "ppo", "overrides": QUICK}, {"config": "base_stock", "overrides": ["parameters.level=25"]}]
        )
        process = started("run", "tiny.yaml", "--workers", 2, "--quiet")
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    return place, out


@pytest.fixture
def study(finished_study):
    """Copy the finished study into the test's folder; returns its folder of runs and what was printed."""
    place, out = finished_study
    shutil.copytree(place, ".", dirs_exist_ok=True)
    return Path("runs/tiny"), out


UNWRITABLE = {
    "a folder for measures": (
        ["evaluate", "base_stock", "--env", "lost_sales", "--json", "there"],
        "there: is a folder; name a f",
    ),
    "no folder for measures": (
        ["evaluate", "base_stock", "--env", "lost_sales", "--json", "a/b.json"],
        "a/b.json: there is no fo",
    ),
    "a file for run folders": (["train", "lost_sales", "ppo", "--out", "file"], "file: is a file; name a folder"),
    "a file above run folders": (["tune", "lost_sales", "base_stock", "--out", "file/runs"], "file is a file; name a folder"),
    "a file for a report": (["compare", "runs/a", "runs/b", "--out", "file"], "file: is a file; name a folder"),
    "a folder for a graph": (["export", "runs/a", "there"], "there: is a folder; name a file in it"),
    "a file for a study": (["run", "tiny.yaml", "--out", "file"], "file: is a file; name a folder"),
}


@pytest.mark.parametrize("fault", UNWRITABLE)
def test_where_results_go_is_checked_before_the_work(command, fault):
    Path("there").mkdir()
    Path("file").write_text("mine")
    arguments, words = UNWRITABLE[fault]
    code, out, err = command(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert sorted(path.name for path in Path().iterdir()) == ["file", "there"]


def test_a_study_runs_from_end_to_end_and_reuses_what_it_finished(command, study):
    folder, out = study
    assert "Does a network trained for a moment beat a rule?" in out
    assert "base_stock has the lowest cost" in out

    report = folder / "report"
    images = {image.name for image in report.glob("*.png")}
    assert {"learning.png", "differences.png", "terms.png", "service.png"} < images
    assert (report / "report.html").read_text().count("<img") == len(images)
    assert all(name in (report / "report.md").read_text() for name in images)

    with logged(folder / "ppo-seed0" / "tb") as one, logged(folder / "base_stock-seed0" / "tb") as other:
        learned, rule = tags(one), tags(other)
    seen = [file.parent.name for file in folder.parent.rglob("*tfevents*")]  # what TensorBoard shows of all runs
    assert sorted(set(seen)) == ["base_stock", "comparison", "ppo"]
    assert learned == rule
    assert {"evaluation/score", "evaluation/service/fill_rate"} < learned

    made = modified(folder)
    code, again, _ = command("run", "tiny.yaml", "--workers", 1)
    assert code == 0
    assert "base_stock has the lowest cost" in again
    assert modified(folder) == made


def test_a_study_tests_again_what_was_evaluated_otherwise_in_between(command, study):
    folder, _ = study
    made = modified(folder)
    command("evaluate", folder / "base_stock-seed0", "--episodes", 3)
    code, out, _ = command("run", "tiny.yaml", "--workers", 1)
    assert code == 0
    assert "base_stock has the lowest cost" in out
    assert modified(folder) == made


def test_comparing_a_study_prints_what_running_it_printed(command, study):
    _, ran = study
    code, compared, err = command("compare", "runs/tiny", "--quiet")
    assert (code, err) == (0, "")
    tables = [text[text.index("Cost per period") : text.index("report:")] for text in (ran, compared)]
    assert [line.rstrip() for line in tables[0].splitlines()] == [line.rstrip() for line in tables[1].splitlines()]
    for words in (
        "vs best rule",
        "verdict",
        "interquartile mean",
        "Holm's correction",
        "16 test worlds, the same for every policy",
    ):
        assert words in compared
    assert "tensorboard --logdir runs/tiny/report/tensorboard" in compared


def test_runs_are_compared_on_other_worlds_with_a_chosen_reference_in_a_chosen_folder(command, study):
    folder, _ = study
    options = ["--reference", "ppo", "--episodes", 6, "--seed", 9, "--out", "mine", "--rope", 250]
    code, out, _ = command("compare", folder / "ppo-seed0", folder / "base_stock-seed0", *options)
    assert code == 0
    assert "vs ppo" in out
    assert "6 test worlds" in out
    assert "±250 % of the reference's score" in out
    assert "By channel, per period" in out
    assert {"report.html", "report.md", "comparison.csv", "breakdown.csv", "tensorboard"} < {
        entry.name for entry in Path("mine").iterdir()
    }


def test_a_comparison_says_what_is_missing_and_what_is_misspelt(command, study):
    folder, _ = study
    code, _, err = command("compare", "runs/tiny", "--reference", "base_stok")
    assert code == 2
    assert err == "error: the reference 'base_stok' is not among the policies; did you mean 'base_stock'?\n"
    shutil.rmtree(folder / "ppo-seed0")
    code, out, _ = command("compare", "tiny.yaml")
    assert code == 0
    assert "ppo is left out: runs/tiny/ppo-seed0 is not there." in out


def test_runs_of_two_worlds_are_not_compared(command, study):
    folder, _ = study
    shutil.copytree(folder / "base_stock-seed0", "other")
    scenario = Path("other/scenario.yaml")
    scenario.write_text(scenario.read_text().replace("periods: 40", "periods: 41"))
    code, _, err = command("compare", folder / "ppo-seed0", "other")
    assert code == 2
    assert "other: made in another world than runs/tiny/ppo-seed0: horizon.periods is 41, not 40" in err


def test_only_an_evaluation_in_its_own_world_is_kept_in_a_run_folder(command, study):
    run = study[0] / "base_stock-seed0"
    command("evaluate", run, "--episodes", 3)
    kept = (run / "evaluation.parquet").read_bytes()
    assert json.loads((run / "metadata.json").read_text())["evaluation"] == {"place": "lost_sales", "seed": 0, "episodes": 3}
    command("evaluate", run, "--env", "lost_sales", "--set-env", "horizon.periods=5", "--episodes", 4)
    assert (run / "evaluation.parquet").read_bytes() == kept
