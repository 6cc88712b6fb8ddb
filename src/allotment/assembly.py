"""The public functions: environments, training, evaluation and policies put together from the packages below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allotment.decisions.encodings import Encoding
from allotment.environments.external import OutsideEnvironment, is_outside, outside_environment
from allotment.environments.registration import environment_id
from allotment.environments.single import AllotmentEnv
from allotment.environments.vector import AllotmentVectorEnv
from allotment.policies.bundle import load_bundle
from allotment.policies.config_file import checked, read_config, rule_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.rule_config import build_rule
from allotment.policies.sealed_folder import is_bundle
from allotment.resources import shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario
from allotment.scenario.overrides import apply_overrides

if TYPE_CHECKING:
    import pandas as pd

    from allotment.environments.sb3 import StableVecEnv

VALIDATION_EPISODES = 64  # behind the measures on TensorBoard's page of hyperparameters
EncodingChoice = str | dict[str, Any] | Encoding


def make(world: World | str | Path, encoding: EncodingChoice = "order_up_to", render_mode: str | None = None) -> AllotmentEnv:
    """Return the Gymnasium environment of one world.

    `world` is a loaded scenario, a file or a shipped name. `encoding` is a name (`quantity`, `order_up_to`, `discrete`), a
    mapping as in a policy's config (`{"name": "residual", "rule": "newsvendor"}`), or an encoding object.
    """
    world = _world(world)
    return AllotmentEnv(world, _encoding(encoding, world), render_mode)


def make_vec(world: World | str | Path, num_envs: int = 1, encoding: EncodingChoice = "order_up_to") -> AllotmentVectorEnv:
    """Return the native Gymnasium batch of `num_envs` worlds; arguments as for `make`."""
    world = _world(world)
    return AllotmentVectorEnv(world, _encoding(encoding, world), num_envs)


def make_sb3(
    world: World | str | Path, num_envs: int = 1, encoding: EncodingChoice = "order_up_to", stagger: bool = False
) -> StableVecEnv:
    """Return the native Stable-Baselines3 VecEnv of `num_envs` worlds; arguments as for `make`."""
    from allotment.environments.sb3 import StableVecEnv

    world = _world(world)
    return StableVecEnv(world, _encoding(encoding, world), num_envs, stagger)


def train(
    world: World | OutsideEnvironment | str | Path,
    config: str | Path,
    seed: int = 0,
    out: str | Path = "runs",
    overrides: Sequence[str] = (),
    progress: Any = None,
) -> Path:
    """Train or tune the policy of a config file in a world; returns the new run folder below `out`.

    `world` is as for `make`, or the Gymnasium id of another package's environment for a policy that learns.
    `progress(what, done, of, score)` is called as it goes. Raises `ScenarioError` for a config that does not fit.
    """
    from allotment.runs.run_folder import new_run_folder

    world = load_place(world)
    name, content = read_config(config, overrides)
    folder = new_run_folder(Path(out), world.name, name, seed)
    try:
        return _made(world, name, content, seed, folder, progress)
    except ScenarioError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise


tune = train  # a rule is tuned where a learning policy is trained


def resume(run: str | Path, progress: Any = None) -> Path:
    """Go on with an interrupted training in its run folder, to the same end as without the interruption; returns the folder.

    A run that has been finished stays as it is.
    """
    from allotment.runs.run_folder import metadata, read_run

    folder = Path(run)
    world, name, content, seed = read_run(folder)
    return folder if metadata(folder).get("finished") else _made(world, name, content, seed, folder, progress)


def repeat(run: str | Path, out: str | Path = "runs", progress: Any = None) -> Path:
    """Make again what a run folder holds, from its world, config and seed; returns the new run folder below `out`.

    With the same versions on the same machine the weights are the same, bit for bit.
    """
    from allotment.runs.run_folder import new_run_folder, read_run

    world, name, content, seed = read_run(Path(run))
    return _made(world, name, content, seed, new_run_folder(Path(out), world.name, name, seed), progress)


def _made(
    world: World | OutsideEnvironment, name: str, content: dict[str, Any], seed: int, folder: Path, progress: Any
) -> Path:
    """Fill a run folder, and put the run on TensorBoard's page of hyperparameters."""
    from allotment.evaluation.testing import mean_measures
    from allotment.fitting.fit import make_policy
    from allotment.report.hyperparameters import write_hyperparameters

    policy = make_policy(world, name, content, seed, folder, progress=progress)
    measures = mean_measures(_play(policy, world, VALIDATION_EPISODES, seed, "validate", None))
    shown = {name: value for name, value in measures.items() if name in ("score", "fill_rate")}
    write_hyperparameters(folder / "tb", {**content, "seed": seed, "env": world.name}, shown)
    return folder


def evaluate(
    policy: Any, world: World | OutsideEnvironment | str | Path, episodes: int = 1000, seed: int = 0, progress: Any = None
) -> pd.DataFrame:
    """Return per-episode measures of a policy on the common test worlds, one row an episode.

    See `evaluation.testing` for the columns, `evaluation.outside` for those in another package's environment.
    """
    return _play(policy, load_place(world), episodes, seed, "test", progress)


def _play(
    policy: Any, world: World | OutsideEnvironment, episodes: int, seed: int, purpose: str, progress: Any
) -> pd.DataFrame:
    if isinstance(world, OutsideEnvironment):
        from allotment.evaluation.external import evaluate_outside

        return evaluate_outside(policy, world, episodes, seed, purpose, progress)
    from allotment.evaluation.testing import evaluate as play_worlds

    return play_worlds(policy, world.for_test() if purpose == "test" else world, episodes, seed, purpose, progress).episodes


def load_policy(path: str | Path, world: World | OutsideEnvironment | None = None) -> Any:
    """Return the policy of a run folder (its best one) or of a bundle, in its own world or in another that fits."""
    folder = Path(path)
    if is_bundle(folder):
        return load_bundle(folder, world)
    if is_bundle(folder / "best"):
        return load_bundle(folder / "best", world)
    raise ScenarioError(f"{path}: holds no policy; expected a run folder with best/, or a bundle with bundle.json")


def export_onnx(policy: Any, file: str | Path) -> Path:
    """Write a learned policy, or that of a run folder, as an ONNX graph; see `policies.onnx_export`. Returns the file."""
    from allotment.policies import onnx_export

    loaded = load_policy(policy) if isinstance(policy, str | Path) else policy
    onnx_export.export_onnx(loaded, Path(file))
    return Path(file)


def load_place(world: World | OutsideEnvironment | str | Path, overrides: Sequence[str] = ()) -> World | OutsideEnvironment:
    """Return a world, or another package's environment where the name is its Gymnasium id; `overrides` are texts `a.b=c`."""
    if isinstance(world, World | OutsideEnvironment):
        return world
    name = str(world)
    if is_outside(name):
        return outside_environment(name, apply_overrides({}, overrides, name))
    return load_scenario(_stem(name), overrides)


def _stem(name: str) -> str:
    """Return the name of the shipped world that a Gymnasium id of this project stands for; other names as they are."""
    return next((stem for stem in shipped_names("envs") if environment_id(stem) == name), name)


def _world(world: World | str | Path) -> World:
    return world if isinstance(world, World) else load_scenario(_stem(str(world)))


def _encoding(choice: EncodingChoice, world: World) -> Encoding:
    if not isinstance(choice, str | dict):
        return choice
    config = checked(EncodingConfig, {"name": choice} if isinstance(choice, str) else choice, "encoding")
    rule = None
    if config.rule is not None:
        name, content = read_config(config.rule) if isinstance(config.rule, str) else ("rule", config.rule)
        rule, open_parameters = build_rule(rule_config(content, name), world, name, name)
        if open_parameters:
            from allotment.fitting.tuning import tune as tune_rule

            rule = tune_rule(rule, open_parameters, seed=0).policy
    return build_encoding(config, world, rule)
