"""The public functions: environments, training, evaluation and policies put together from the packages below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allotment.env.encoding import Encoding
from allotment.env.single import AllotmentEnv
from allotment.env.vector import AllotmentVectorEnv
from allotment.policies.bundle import is_bundle, load_bundle
from allotment.policies.config_file import checked, read_config, rule_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.rule_config import build_rule
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario

if TYPE_CHECKING:
    import pandas as pd

    from allotment.env.stable import StableVecEnv

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
    from allotment.env.stable import StableVecEnv

    world = _world(world)
    return StableVecEnv(world, _encoding(encoding, world), num_envs, stagger)


def train(
    world: World | str | Path,
    config: str | Path,
    seed: int = 0,
    out: str | Path = "runs",
    overrides: Sequence[str] = (),
    progress: Any = None,
) -> Path:
    """Train or tune the policy of a config file in a world; returns the new run folder below `out`.

    `progress(what, done, of, score)` is called as it goes. Raises `ScenarioError` for a config that does not fit.
    """
    from allotment.evaluation.testing import evaluate as play
    from allotment.evaluation.testing import mean_measures
    from allotment.report.hyperparameters import write_hyperparameters
    from allotment.training.making import make_policy
    from allotment.training.run_folder import new_run_folder

    world = _world(world)
    name, content = read_config(config, overrides)
    folder = new_run_folder(Path(out), world, name, seed)
    try:
        policy = make_policy(world, name, content, seed, folder, progress=progress)
    except ScenarioError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    measures = mean_measures(play(policy, world, VALIDATION_EPISODES, seed, purpose="validate").episodes)
    settings = {**content, "seed": seed, "env": world.scenario.name}
    write_hyperparameters(folder / "tb", settings, {"score": measures["score"], "fill_rate": measures["fill_rate"]})
    return folder


tune = train  # a rule is tuned where a learning policy is trained


def evaluate(policy: Any, world: World | str | Path, episodes: int = 1000, seed: int = 0, progress: Any = None) -> pd.DataFrame:
    """Return per-episode measures of a policy on the common test worlds, one row an episode; see `evaluation.testing`."""
    from allotment.evaluation.testing import evaluate as play_test_worlds

    return play_test_worlds(policy, _world(world).for_test(), episodes, seed, progress=progress).episodes


def load_policy(path: str | Path, world: World | None = None) -> Any:
    """Return the policy of a run folder (its best one) or of a bundle, in its own world or in another that fits."""
    folder = Path(path)
    if is_bundle(folder):
        return load_bundle(folder, world)
    if is_bundle(folder / "best"):
        return load_bundle(folder / "best", world)
    raise ScenarioError(f"{path}: holds no policy; expected a run folder with best/, or a bundle with bundle.json")


def _world(world: World | str | Path) -> World:
    return world if isinstance(world, World) else load_scenario(world)


def _encoding(choice: EncodingChoice, world: World) -> Encoding:
    if not isinstance(choice, str | dict):
        return choice
    config = checked(EncodingConfig, {"name": choice} if isinstance(choice, str) else choice, "encoding")
    rule = None
    if config.rule is not None:
        name, content = read_config(config.rule) if isinstance(config.rule, str) else ("rule", config.rule)
        rule, open_parameters = build_rule(rule_config(content, name), world, name, name)
        if open_parameters:
            from allotment.policies.tuning import tune as tune_rule

            rule = tune_rule(rule, open_parameters, seed=0).policy
    return build_encoding(config, world, rule)
