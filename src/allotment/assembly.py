"""The public functions: environments, training, evaluation and policies put together from the packages below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allotment.decisions.encodings import Encoding
from allotment.environments.external import external_environment, is_external
from allotment.environments.registration import environment_id
from allotment.environments.single import AllotmentEnv
from allotment.environments.vector import AllotmentVectorEnv, AutoresetChoice
from allotment.policies.bundle import load_bundle
from allotment.policies.config_file import checked, is_rule, read_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.sealed_folder import is_bundle
from allotment.resources import shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.scenario.external import ExternalEnvironment
from allotment.scenario.loader import World, load_scenario
from allotment.scenario.overrides import apply_overrides

if TYPE_CHECKING:
    import pandas as pd

    from allotment.environments.sb3 import Sb3VecEnv
    from allotment.evaluation.place import Place
    from allotment.runs.run_folder import RunFolder

EncodingChoice = str | dict[str, Any] | Encoding


def make(world: World | str | Path, encoding: EncodingChoice = "order_up_to", render_mode: str | None = None) -> AllotmentEnv:
    """Return the Gymnasium environment of one world.

    `world` is a loaded scenario, a file or a shipped name. `encoding` is a name (`quantity`, `order_up_to`, `discrete`), a
    mapping as in a policy's config (`{"name": "residual", "rule": "newsvendor"}`), or an encoding object.
    """
    world = _world(world)
    return AllotmentEnv(world, _encoding(encoding, world), render_mode)


def make_vec(
    world: World | str | Path,
    num_envs: int = 1,
    encoding: EncodingChoice = "order_up_to",
    autoreset_mode: AutoresetChoice = "SameStep",
) -> AllotmentVectorEnv:
    """Return the native Gymnasium batch of `num_envs` worlds; arguments as for `make`.

    `autoreset_mode` says what follows an ended episode: `SameStep`, `NextStep` or `Disabled`; see `AllotmentVectorEnv`.
    """
    world = _world(world)
    return AllotmentVectorEnv(world, _encoding(encoding, world), num_envs, autoreset_mode)


def make_sb3(
    world: World | str | Path, num_envs: int = 1, encoding: EncodingChoice = "order_up_to", stagger: bool = False
) -> Sb3VecEnv:
    """Return the native Stable-Baselines3 VecEnv of `num_envs` worlds; arguments as for `make`."""
    from allotment.environments.sb3 import Sb3VecEnv

    world = _world(world)
    return Sb3VecEnv(world, _encoding(encoding, world), num_envs, stagger)


def train(
    world: World | ExternalEnvironment | Place | str | Path,
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
    from allotment.runs.run_folder import RunFolder

    place = load_place(world)
    name, content = read_config(config, overrides)
    run = RunFolder.new(Path(out), place.name, name, seed)
    try:
        return _fitted(place, name, content, seed, run, progress)
    except ScenarioError:
        if not any(run.path.iterdir()):
            run.path.rmdir()
        raise


def resume(run: str | Path, progress: Any = None) -> Path:
    """Go on with an interrupted training in its run folder, to the same end as without the interruption; returns the folder.

    A run that has been finished stays as it is.
    """
    from allotment.runs.run_folder import RunFolder

    begun = RunFolder.existing(Path(run))
    if begun.metadata.get("finished"):
        return begun.path
    return _fitted(begun.place, begun.policy_name, begun.config, begun.seed, begun, progress)


def repeat(run: str | Path, out: str | Path = "runs", progress: Any = None) -> Path:
    """Make again what a run folder holds, from its world, config and seed; returns the new run folder below `out`.

    With the same versions on the same machine the weights are the same, bit for bit.
    """
    from allotment.runs.run_folder import RunFolder

    made = RunFolder.existing(Path(run))
    again = RunFolder.new(Path(out), made.place.name, made.policy_name, made.seed)
    return _fitted(made.place, made.policy_name, made.config, made.seed, again, progress)


def _fitted(place: Place, name: str, content: dict[str, Any], seed: int, run: RunFolder, progress: Any) -> Path:
    from allotment.fitting.fit import fit, note_settings

    note_settings(run, place, fit(place, name, content, seed, run, progress))
    return run.path


def evaluate(
    policy: Any,
    world: World | ExternalEnvironment | str | Path,
    episodes: int = 1000,
    seed: int = 0,
    progress: Any = None,
    metrics: Sequence[Any] = (),
) -> pd.DataFrame:
    """Return per-episode measures of a policy on the common test worlds, one row an episode.

    `policy` is what `load_policy` returns, a run folder, the name or file of a rule's config, a function or an object that
    decides (`decide(observation) -> Decision`), or a Stable-Baselines3 model trained on an environment of this project.
    `metrics` are measured beside the shipped ones. See `evaluation.testing` for the columns, `evaluation.external` for those
    in another package's environment.
    """
    place = load_place(world).for_test()
    return place.evaluate(as_policy(policy, place), episodes, seed, "test", progress, metrics=tuple(metrics)).episodes


def compare(
    policies: Mapping[str, Any] | Sequence[Any],
    world: World | str | Path,
    episodes: int = 1000,
    seed: int = 0,
    reference: str | None = None,
    metrics: Sequence[Any] = (),
) -> pd.DataFrame:
    """Return the comparison of policies on the same test worlds, one row a policy, the best first.

    `policies` are by name, or in a list under their own names; each is what `evaluate` takes. `reference` is the one that the
    others are compared with, by default the best rule. See `evaluation.comparison.compare` for the columns.
    """
    import numpy as np
    import pandas as pd

    from allotment.evaluation.comparison import compare as compared

    place = load_place(world).for_test()
    if place.kind != "world":
        raise ScenarioError(f"{place.name}: policies are compared in worlds of this project only; evaluate them one by one")
    if not policies:
        raise ValueError("there must be at least one policy to compare")
    named = dict(policies) if isinstance(policies, Mapping) else {name_of(policy): policy for policy in policies}
    if len(named) < len(policies):
        raise ValueError("policies of a list need names of their own; hand them over by name, as a mapping")
    rows = []
    for name, policy in named.items():
        result = place.evaluate(as_policy(policy, place), episodes, seed, "test", metrics=tuple(metrics))
        rows.append(result.episodes.assign(policy=name))
    return compared(pd.concat(rows, ignore_index=True), reference, np.random.default_rng(seed))


def as_policy(policy: Any, place: Place) -> Any:
    """Return the policy that something is in a place; see `evaluate`."""
    if isinstance(policy, str | Path):
        if Path(policy).is_dir():
            return load_policy(policy, place)
        from allotment.fitting.tuning import tuned_rule

        name, content = read_config(policy)
        if not is_rule(content, str(policy)):
            raise ScenarioError(f"{policy} learns; train it first, and hand over its run folder")
        return tuned_rule(content, name, place.world, seed=0)
    from allotment.policies.own import own_policy

    if place.kind == "world":
        return own_policy(policy, place.world)
    if not hasattr(policy, "act"):
        raise ScenarioError(f"{place.name}: only a policy that was trained for another package's environment acts in it")
    return policy


def name_of(policy: Any) -> str:
    """Return the name under which a policy goes where none is given."""
    if isinstance(policy, str | Path):
        return Path(policy).stem
    return str(getattr(policy, "name", None) or getattr(policy, "__name__", None) or type(policy).__name__)


def load_policy(path: str | Path, world: World | ExternalEnvironment | Place | None = None) -> Any:
    """Return the policy of a run folder (its best one) or of a bundle, in its own world or in another that fits."""
    folder = Path(path)
    bundle = folder if is_bundle(folder) else folder / "best"
    if not is_bundle(bundle):
        raise ScenarioError(f"{path}: holds no policy; expected a run folder with best/, or a bundle with bundle.json")
    if world is None:
        return load_bundle(bundle)
    from allotment.evaluation.place import place_of

    return place_of(world).load(bundle)


def export_onnx(policy: Any, file: str | Path) -> Path:
    """Write a learned policy, or that of a run folder, as an ONNX graph; see `policies.onnx_export`. Returns the file."""
    from allotment.policies import onnx_export

    loaded = load_policy(policy) if isinstance(policy, str | Path) else policy
    onnx_export.export_onnx(loaded, Path(file))
    return Path(file)


def load_place(world: World | ExternalEnvironment | Place | str | Path, overrides: Sequence[str] = ()) -> Place:
    """Return a world, or another package's environment where the name is its Gymnasium id; `overrides` are texts `a.b=c`."""
    from allotment.evaluation.place import place_of

    if not isinstance(world, str | Path):
        return place_of(world)
    name = str(world)
    if is_external(name):
        return place_of(external_environment(name, apply_overrides({}, overrides, name)))
    return place_of(load_scenario(_stem(name), overrides))


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
        from allotment.fitting.tuning import tuned_rule

        name, content = read_config(config.rule) if isinstance(config.rule, str) else ("rule", config.rule)
        rule = tuned_rule(content, name, world, seed=0)
    return build_encoding(config, world, rule)
