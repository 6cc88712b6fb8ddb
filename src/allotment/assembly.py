"""The public functions: environments, training, evaluation and policies put together from the packages below."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from allotment.decisions.encodings import Encoding
from allotment.environments.external import external_environment, is_external, with_arguments
from allotment.environments.registration import environment_id
from allotment.environments.single import AllotmentEnv
from allotment.environments.vector import AllotmentVectorEnv, AutoresetChoice
from allotment.names import checked_name
from allotment.policies.bundle import bundle_of, load_bundle
from allotment.policies.config_file import checked, is_rule, read_config
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.quantities import is_whole
from allotment.resources import shipped_names
from allotment.scenario.errors import ScenarioError, shown
from allotment.scenario.external import ExternalEnvironment
from allotment.scenario.loader import World, load_scenario, world_from
from allotment.scenario.overrides import apply_overrides

if TYPE_CHECKING:
    import pandas as pd

    from allotment.environments.sb3 import Sb3VecEnv
    from allotment.evaluation.place import Place
    from allotment.runs.run_folder import RunFolder

EncodingChoice = str | dict[str, Any] | Encoding
Somewhere: TypeAlias = "World | ExternalEnvironment | Place | str | Path | Mapping[str, Any]"  # what stands for a world


def make(
    world: World | str | Path | Mapping[str, Any],
    encoding: EncodingChoice = "order_up_to",
    render_mode: str | None = None,
) -> AllotmentEnv:
    """Return the Gymnasium environment of one world.

    `world` is a loaded scenario, a file, a shipped name, or what a file would say. `encoding` is a name (`quantity`,
    `order_up_to`, `discrete`), a mapping as in a policy's config (`{"name": "residual", "rule": "newsvendor"}`), or an
    encoding object.
    """
    world = _world(world)
    return AllotmentEnv(world, _encoding(encoding, world), render_mode)


def make_vec(
    world: World | str | Path | Mapping[str, Any],
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
    world: World | str | Path | Mapping[str, Any],
    num_envs: int = 1,
    encoding: EncodingChoice = "order_up_to",
    stagger: bool = False,
) -> Sb3VecEnv:
    """Return the native Stable-Baselines3 VecEnv of `num_envs` worlds; arguments as for `make`."""
    from allotment.environments.sb3 import Sb3VecEnv

    world = _world(world)
    return Sb3VecEnv(world, _encoding(encoding, world), num_envs, stagger)


def train(
    world: Somewhere,
    config: str | Path | Mapping[str, Any],
    seed: int = 0,
    out: str | Path = "runs",
    overrides: Sequence[str] = (),
    env_overrides: Sequence[str] = (),
    name: str | None = None,
    progress: Any = None,
) -> Path:
    """Train or tune the policy of a config in a world; returns the new run folder below `out`.

    `world` is a loaded scenario, a file, a shipped name or what a scenario's file would say, or for a policy that learns the
    Gymnasium id of another package's environment; `config` is a file, a shipped name or what a config would say. Texts
    `a.b=c` replace values of the config (`overrides`) and of the world (`env_overrides`). `name` is that of the run and its
    policy; by default a run goes by world, policy, replaced values and seed. `progress(what, done, of, score)` is called as
    it goes. Raises `ScenarioError` for what does not fit; a folder without a policy is never left.
    """
    from allotment.runs.naming import run_name
    from allotment.runs.run_folder import RunFolder

    called = None if name is None else checked_name(name, "the name of a run")
    place = load_place(world, env_overrides)
    policy, content = read_config(config, overrides)
    folder = called or run_name(place.name, policy, seed, [*overrides, *env_overrides])
    with RunFolder.new(Path(out), folder) as run:
        return _fitted(place, called or policy, content, seed, run, progress)


def resume(run: str | Path, overrides: Sequence[str] = (), progress: Any = None) -> Path:
    """Go on with a training in its run folder, to the same end as without the interruption; returns the folder.

    `overrides` may say `steps=…` alone: a training that is finished goes on to so many environment steps, as one that was
    begun with as many, but for what follows a schedule over the whole length. A finished one stays as it is without them.
    """
    from allotment.runs.run_folder import RunFolder

    with RunFolder.existing(Path(run)).held():
        return _resumed(RunFolder.existing(Path(run)), overrides, progress)


def _resumed(begun: RunFolder, overrides: Sequence[str], progress: Any) -> Path:
    content = apply_overrides(begun.config, overrides, str(begun.path))
    before, going = begun.metadata, _lengthened(begun, content) if content != begun.config else begun
    if going.metadata.get("finished"):
        return going.path
    try:
        return _fitted(going.place, going.policy_name, going.config, going.seed, going, progress)
    except ScenarioError:
        if going is not begun and going.metadata == {**before, "finished": False}:  # refused before anything was done
            begun.lengthened(begun.config["steps"]).update(finished=bool(before.get("finished")))
        raise


def _lengthened(run: RunFolder, content: dict[str, Any]) -> RunFolder:
    """Return a run whose training is to be longer, as a config says; `ScenarioError` where nothing can go on from it."""
    from allotment.fitting.fit import fitter_of

    if "steps" not in run.config:
        raise ScenarioError(f"{run.path}: holds a rule, which does not learn; tune it anew")
    changed = [key for key in content if key != "steps" and content[key] != run.config.get(key)]
    if changed:
        raise ScenarioError(f"{run.path}: only steps of a training can be changed when it goes on, not {', '.join(changed)}")
    reached = int(run.metadata.get("environment_steps", 0))
    fitter = fitter_of(content, run.policy_name)
    if isinstance(content["steps"], int) and content["steps"] <= reached:
        raise ScenarioError(f"{run.path}: steps must be > {reached}, which are done already, not {content['steps']}")
    fitter.check(run.place, {key: value for key, value in content.items() if key != "from"}, run.policy_name)
    if run.metadata.get("finished") and not run.can_go_on:
        raise ScenarioError(f"{run.path}: holds no checkpoint to go on from; make it again with more steps")
    bound = fitter.bound_to_length(content)
    if bound:
        warnings.warn(
            f"{run.path}: {', '.join(bound)} depends on the length of a training: the weights will not be those of one that "
            f"was begun with {content['steps']} steps",
            stacklevel=3,
        )
    return run.lengthened(content["steps"])


def repeat(run: str | Path, out: str | Path = "runs", progress: Any = None) -> Path:
    """Make again what a run folder holds, from its world, config and seed; returns the new run folder below `out`.

    With the same versions on the same machine the weights are the same, bit for bit.
    """
    from allotment.runs.run_folder import RunFolder

    made = RunFolder.existing(Path(run))
    with RunFolder.new(Path(out), made.path.resolve().name) as again:
        return _fitted(made.place, made.policy_name, made.config, made.seed, again, progress, made.start)


def _fitted(
    place: Place, name: str, content: dict[str, Any], seed: int, run: RunFolder, progress: Any, start: Path | None = None
) -> Path:
    from allotment.fitting.fit import fit, note_settings

    fit(place, name, content, seed, run, progress, start)
    note_settings(run, place)
    return run.path


def evaluate(
    policy: Any,
    world: Somewhere | None = None,
    episodes: int = 1000,
    seed: int = 0,
    progress: Any = None,
    metrics: Sequence[Any] = (),
    overrides: Sequence[str] = (),
    env_overrides: Sequence[str] = (),
) -> pd.DataFrame:
    """Return per-episode measures of a policy on the common test worlds, one row an episode.

    `policy` is what `load_policy` returns, a run folder or a bundle, the name, file or content of a rule's config, a function
    or an object that decides (`decide(observation) -> Decision`), or a Stable-Baselines3 model trained on an environment of
    this project. `world` is as for `train`, by default the policy's own. Texts `a.b=c` replace values of a rule's config
    (`overrides`) and of the world (`env_overrides`). `metrics` are measured beside the shipped ones, each an object or named
    as in a study. See `evaluation.testing` for the columns, `evaluation.external` for those in another package's environment.
    """
    chosen, place = policy_and_place(policy, world, overrides, env_overrides, seed)
    return place.evaluate(chosen, episodes, seed, "test", progress, metrics=_metrics(metrics)).episodes


def movements(
    policy: Any,
    world: Somewhere | None = None,
    seed: int = 0,
    episode: int = 0,
    overrides: Sequence[str] = (),
    env_overrides: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the log of movements of one of the test worlds: every unit that moved in it, from where to where, and when.

    The arguments are those of `evaluate`; `episode` is its row of that number. See `exchange.movement_schema` for the columns.
    `finance.replay.replay` makes the episode's stock of it again.
    """
    from allotment.finance.movement_folder import movements_of_test

    for name, value in (("seed", seed), ("episode", episode)):
        if not is_whole(value) or value < 0:
            raise ValueError(f"{name} must be a whole number >= 0, not {shown(value)}")
    chosen, place = policy_and_place(policy, world, overrides, env_overrides, seed)
    return movements_of_test(place.world, chosen, seed, episode)


def policy_and_place(
    policy: Any,
    world: Somewhere | None = None,
    overrides: Sequence[str] = (),
    env_overrides: Sequence[str] = (),
    seed: int = 0,
    progress: Any = None,
) -> tuple[Any, Place]:
    """Return the policy that something is, and the place in which it is tested; see `evaluate`.

    What a rule's config leaves open is tuned with the seed, in the place as it is before the test.
    """
    place = load_place(_own_world(policy) if world is None else world, env_overrides)
    return _as_policy(policy, place, overrides, seed, progress), place.for_test()


def _own_world(policy: Any) -> Somewhere:
    """Return the world that a policy was made in."""
    if _is_folder(policy):
        return load_policy(policy).world
    world = getattr(policy, "world", None)
    if world is None:
        raise ScenarioError(f"{name_of(policy)}: has no world of its own; name one (world, --env)")
    return world


def _is_folder(policy: Any) -> bool:
    return isinstance(policy, str | Path) and Path(policy).is_dir()


def _as_policy(policy: Any, place: Place, overrides: Sequence[str], seed: int, progress: Any = None) -> Any:
    if isinstance(policy, str | Path | Mapping) and not _is_folder(policy):
        return _rule(policy, place, overrides, seed, progress)
    if overrides:
        raise ScenarioError(
            f"{name_of(policy)}: is made already; only values of a rule's config are replaced, not {overrides[0]}"
        )
    if _is_folder(policy):
        return load_policy(policy, place.for_test())
    from allotment.policies.own import own_policy

    if place.kind == "world":
        return own_policy(policy, place.world)
    if not hasattr(policy, "act"):
        raise ScenarioError(f"{place.name}: only a policy that was trained for another package's environment acts in it")
    return policy


def _rule(config: Any, place: Place, overrides: Sequence[str], seed: int, progress: Any) -> Any:
    """Return the policy of a rule's config, tuned where it leaves something open."""
    from allotment.fitting.tuning import tuned_rule

    name, content = read_config(config, overrides)
    shown = name if isinstance(config, Mapping) else config
    if not is_rule(content, str(shown)):
        raise ScenarioError(f"{shown}: learns; train it first (allotment train ENV {shown}) and hand over its run folder")
    return tuned_rule(content, name, place.world, seed, progress)


def _metrics(given: Sequence[Any]) -> tuple[Any, ...]:
    from allotment.extensions import metric

    return tuple(metric(each) if isinstance(each, str | Mapping) else each for each in given)


def compare(
    policies: Mapping[str, Any] | Sequence[Any] | str | Path,
    world: Somewhere | None = None,
    episodes: int | None = None,
    seed: int | None = None,
    reference: str | None = None,
    metrics: Sequence[Any] = (),
    env_overrides: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the comparison of policies on the same test worlds, one row a policy, the best first.

    `policies` are by name, or in a list under their own names; each is what `evaluate` takes. Without a world they are what
    `allotment compare` takes: run folders of one world, of which several seeds are one policy, or one study. `reference` is
    the one that the others are compared with, by default the best rule. There are 1000 test worlds of seed 0 unless their
    number or seed is given, or a study says otherwise. See `evaluation.comparison.compare` for the columns.
    """
    if isinstance(policies, str | Path):
        policies = [policies]
    if not policies:
        raise ValueError("there must be at least one policy to compare")
    if world is None and not isinstance(policies, Mapping) and not metrics and not env_overrides:
        return _compared_runs(policies, episodes, seed, reference)
    return _compared(policies, world, episodes or 1000, seed or 0, reference, metrics, env_overrides)


def _compared_runs(names: Sequence[Any], episodes: int | None, seed: int | None, reference: str | None) -> pd.DataFrame:
    from allotment.studies.outcome import read_outcome
    from allotment.studies.setup import setup_of

    for name in names:
        if not isinstance(name, str | Path):
            raise ScenarioError(f"{name_of(name)}: name the world to compare it in; only run folders bring their own")
    return read_outcome(setup_of([str(name) for name in names], Path("runs")), reference, episodes, seed).comparison


def _compared(
    policies: Mapping[str, Any] | Sequence[Any],
    world: Somewhere | None,
    episodes: int,
    seed: int,
    reference: str | None,
    metrics: Sequence[Any],
    env_overrides: Sequence[str],
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from allotment.evaluation.comparison import compare as compared

    named = dict(policies) if isinstance(policies, Mapping) else {name_of(policy): policy for policy in policies}
    if len(named) < len(policies):
        raise ValueError("policies of a list need names of their own; hand them over by name, as a mapping")
    place = load_place(_own_world(next(iter(named.values()))) if world is None else world, env_overrides)
    if place.kind != "world":
        raise ScenarioError(f"{place.name}: policies are compared in worlds of this project only; evaluate them one by one")
    rows = []
    for name, policy in named.items():
        result = place.for_test().evaluate(
            _as_policy(policy, place, (), seed), episodes, seed, "test", metrics=_metrics(metrics)
        )
        rows.append(result.episodes.assign(policy=name))
    return compared(pd.concat(rows, ignore_index=True), reference, np.random.default_rng(seed))


def name_of(policy: Any) -> str:
    """Return the name under which a policy goes where none is given."""
    if isinstance(policy, str | Path):
        return Path(policy).stem
    if isinstance(policy, Mapping):
        return read_config(policy)[0]
    return str(getattr(policy, "name", None) or getattr(policy, "__name__", None) or type(policy).__name__)


def load_policy(path: str | Path, world: World | ExternalEnvironment | Place | None = None) -> Any:
    """Return the policy of a run folder (its best one) or of a bundle, in its own world or in another that fits."""
    bundle = bundle_of(Path(path))
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


def load_place(world: Somewhere, overrides: Sequence[str] = ()) -> Place:
    """Return a world, or another package's environment where the name is its Gymnasium id; `overrides` are texts `a.b=c`."""
    from allotment.evaluation.place import place_of

    if isinstance(world, Mapping):
        return place_of(load_scenario(world, overrides))
    if not isinstance(world, str | Path):
        return _overridden(place_of(world), overrides) if overrides else place_of(world)
    name = str(world)
    if is_external(name):
        return place_of(external_environment(name, apply_overrides({}, overrides, name)))
    return place_of(load_scenario(_stem(name), overrides))


def _overridden(place: Place, overrides: Sequence[str]) -> Place:
    """Return a place with other values."""
    from allotment.evaluation.place import ExternalPlace, place_of

    if isinstance(place, ExternalPlace):
        arguments = apply_overrides(dict(place.environment.arguments), overrides, place.name)
        return place_of(with_arguments(place.environment, arguments, apply_overrides({}, overrides, place.name)))
    origin = place.world.origin
    return place_of(world_from(apply_overrides(place.content, overrides, origin), origin))


def _stem(name: str) -> str:
    """Return the name of the shipped world that a Gymnasium id of this project stands for; other names as they are."""
    return next((stem for stem in shipped_names("envs") if environment_id(stem) == name), name)


def _world(world: World | str | Path | Mapping[str, Any]) -> World:
    if isinstance(world, World):
        return world
    return load_scenario(world if isinstance(world, Mapping) else _stem(str(world)))


def _encoding(choice: EncodingChoice, world: World) -> Encoding:
    if not isinstance(choice, str | dict):
        if not hasattr(choice, "allocation_actions"):
            allowed = "quantity, order_up_to, residual or discrete, a mapping as in a config, or an encoding"
            raise ScenarioError(f"encoding must be {allowed}, not {shown(choice)}")
        return choice
    config = checked(EncodingConfig, {"name": choice} if isinstance(choice, str) else choice, "encoding")
    rule = None
    if config.rule is not None:
        from allotment.fitting.tuning import tuned_rule

        name, content = read_config(config.rule) if isinstance(config.rule, str) else ("rule", config.rule)
        rule = tuned_rule(content, name, world, seed=0)
    return build_encoding(config, world, rule)
