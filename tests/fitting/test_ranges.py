"""Every setting of every algorithm has a range, and a value outside of it is refused before anything is made."""

import inspect

import pytest

import allotment
from allotment.fitting.sb3.algorithms import ALGORITHMS
from allotment.fitting.sb3.config import LearnedConfig, check_learned, settings_of
from allotment.fitting.sb3.schedules import SCHEDULED
from allotment.policies.config_file import checked
from allotment.scenario.errors import ScenarioError
from small_worlds import two_shops

OUT_OF_RANGE = {
    "learning_rate": [-0.1, 0, True, "fast", float("inf"), float("nan"), None],
    "gamma": [2, -0.1],
    "n_steps": [0, 2.5],
    "batch_size": [0, 1.5],
    "stats_window_size": [0],
    "n_epochs": [0, -1],
    "gae_lambda": [1.1],
    "clip_range": [0, -0.2],
    "clip_range_vf": [0, "none"],
    "normalize_advantage": [1, "yes"],
    "ent_coef": [-0.1, "automatic"],
    "vf_coef": [-1],
    "max_grad_norm": [0],
    "target_kl": [0, -0.1],
    "use_rms_prop": [0],
    "rms_prop_eps": [0],
    "cg_max_steps": [0],
    "cg_damping": [-0.1],
    "line_search_shrinking_factor": [1, 0],
    "line_search_max_iter": [0],
    "n_critic_updates": [0],
    "sub_sampling_factor": [0],
    "buffer_size": [0, 1e5],
    "learning_starts": [-1],
    "tau": [0, 1.5],
    "train_freq": [0, [0, "step"], [1, "week"], [1]],
    "gradient_steps": [0, -2],
    "target_update_interval": [0],
    "target_entropy": ["much"],
    "policy_delay": [0],
    "target_policy_noise": [-0.1],
    "target_noise_clip": [-0.1],
    "top_quantiles_to_drop_per_net": [-1, 25],
    "exploration_fraction": [0, 1.1],
    "exploration_initial_eps": [1.1],
    "exploration_final_eps": [-0.1],
}
CASES = [
    (algorithm, name, value)
    for algorithm, known in ALGORITHMS.items()
    for name in settings_of(known)
    for value in OUT_OF_RANGE[name]
]


def read(algorithm, **entries):
    kind = {"network": {"kind": "lstm"}} if algorithm == "recurrent_ppo" else {}
    content = {"algorithm": algorithm, "steps": 10, **kind, **entries}
    return check_learned(checked(LearnedConfig, content, "mine"), "mine")


@pytest.mark.parametrize(("algorithm", "name", "value"), CASES)
def test_a_value_out_of_range_names_file_key_value_and_range(algorithm, name, value):
    with pytest.raises(ScenarioError) as told:
        read(algorithm, settings={name: value})
    message = str(told.value)
    shown = {None: "null", True: "true"}.get(value if isinstance(value, bool | None) else 0, repr(value))
    assert message.startswith(f"mine: settings.{name} must be {ALGORITHMS[algorithm].ranges[name]}, not {shown}")
    assert "\n" not in message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_default_is_in_range(algorithm):
    known = settings_of(ALGORITHMS[algorithm])
    assert inspect.Parameter.empty not in known.values()
    assert read(algorithm, settings=known).settings == known


@pytest.mark.parametrize("end", ["initial", "final"])
@pytest.mark.parametrize("name", SCHEDULED)
def test_schedules_begin_and_end_in_range(name, end):
    section = {"schedule": "linear", "initial": 0.1, "final": 0.01, end: -0.1}
    with pytest.raises(ScenarioError, match=rf"mine: settings.{name}.{end} must be a number > 0.*, not -0.1"):
        read("ppo", settings={name: section})


@pytest.mark.parametrize("value", ["auto", "auto_0.1", 0, 0.2])
def test_entropy_may_be_learned_where_the_algorithm_can(value):
    assert read("sac", settings={"ent_coef": value}).settings["ent_coef"] == value


@pytest.mark.parametrize(
    ("algorithm", "entries", "message"),
    [
        ("ppo", {"settings": {"batch_size": 1}}, "settings.batch_size must be > 1 with normalize_advantage, not 1"),
        ("a2c", {"environments": 1, "settings": {"n_steps": 1, "normalize_advantage": True}}, "n_steps times environments"),
        ("trpo", {"environments": 1, "settings": {"n_steps": 8, "sub_sampling_factor": 8}}, "must be > 8 with normalize"),
        ("sac", {"environments": 2, "settings": {"train_freq": [1, "episode"]}}, "episodes only with environments: 1, not 2"),
    ],
)
def test_settings_that_cannot_be_had_together_are_refused(algorithm, entries, message):
    with pytest.raises(ScenarioError, match=message):
        read(algorithm, **entries)
    alone = {"settings": {"batch_size": 1, "normalize_advantage": False}}
    assert read("ppo", **alone).settings["batch_size"] == 1


def test_a_wrong_setting_is_found_before_the_rule_is_tuned_and_leaves_nothing(tmp_path):
    told = []
    with pytest.raises(ScenarioError, match=r"ppo_residual: settings.gamma must be a number >= 0 and <= 1, not 2"):
        allotment.train(
            "three_warehouses",
            "ppo_residual",
            out=tmp_path,
            overrides=["settings.gamma=2"],
            progress=lambda *news: told.append(news),
        )
    assert told == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_whatever_fails_before_the_first_policy_leaves_no_folder(tmp_path, monkeypatch, failure):
    def fail(*_):
        raise failure

    monkeypatch.setattr("allotment.fitting.sb3.validation.Validation.measure", fail)
    with pytest.raises(failure):
        allotment.train(two_shops(), "ppo", out=tmp_path, overrides=["steps=10", "environments=2"])
    assert list(tmp_path.iterdir()) == []
