"""A place to make a policy in and to measure it: a world of this project, or an environment of another package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from allotment.evaluation.metric_kinds import Metric
from allotment.evaluation.testing import Evaluation, evaluate
from allotment.policies.bundle import EXTERNAL, WORLD, load_bundle, read_external
from allotment.scenario.errors import ScenarioError
from allotment.scenario.external import ExternalEnvironment
from allotment.scenario.loader import World, world_from
from allotment.scenario.yaml_file import read_yaml

Counter = Callable[[int], None]  # called with how many episodes went on by a period, or ended


class Place(Protocol):
    """Where policies are made and measured."""

    @property
    def kind(self) -> str:
        """Return `world` or `external`."""
        ...

    @property
    def name(self) -> str:
        """Return its name for files and tables."""
        ...

    @property
    def file(self) -> str:
        """Return the name of the file that says what it is, in run folders."""
        ...

    @property
    def content(self) -> dict[str, Any]:
        """Return what that file says."""
        ...

    @property
    def world(self) -> World:
        """Return the world; `ScenarioError` where it is none of this project."""
        ...

    @property
    def steps_of_an_episode(self) -> int:
        """Return how often evaluation counts on for an episode: its periods, or once."""
        ...

    def for_test(self) -> Place:
        """Return the place in which policies are tested."""
        ...

    def load(self, bundle: Path) -> Any:
        """Return the policy of a bundle, in this place."""
        ...

    def evaluate(
        self,
        policy: Any,
        episodes: int,
        seed: int,
        purpose: str = "test",
        progress: Counter | None = None,
        start: int = 0,
        metrics: tuple[Metric, ...] = (),
    ) -> Evaluation:
        """Play episodes of a purpose and measure each; with `start`, leave out as many of the first."""
        ...


@dataclass(frozen=True)
class WorldPlace:
    """A world of this project."""

    world: World
    kind: str = "world"
    file: str = WORLD

    @property
    def name(self) -> str:
        """Return the scenario's name."""
        return self.world.name

    @property
    def content(self) -> dict[str, Any]:
        """Return the scenario as resolved."""
        return self.world.content

    @property
    def steps_of_an_episode(self) -> int:
        """Return the periods of an episode."""
        return self.world.problem.clock.length

    def for_test(self) -> WorldPlace:
        """Return the world with its `test` sections in place."""
        return WorldPlace(self.world.for_test())

    def load(self, bundle: Path) -> Any:
        """Return the policy of a bundle in this world."""
        return load_bundle(bundle, self.world)

    def evaluate(
        self,
        policy: Any,
        episodes: int,
        seed: int,
        purpose: str = "test",
        progress: Counter | None = None,
        start: int = 0,
        metrics: tuple[Metric, ...] = (),
    ) -> Evaluation:
        """Play worlds of a purpose and measure each."""
        return evaluate(policy, self.world, episodes, seed, purpose, progress, start, metrics)


@dataclass(frozen=True)
class ExternalPlace:
    """An environment of another package."""

    environment: ExternalEnvironment
    kind: str = "external"
    file: str = EXTERNAL
    steps_of_an_episode: int = 1

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.environment.name

    @property
    def content(self) -> dict[str, Any]:
        """Return its id, arguments and spaces."""
        return self.environment.content

    @property
    def world(self) -> World:
        """Refuse: it is no world."""
        raise ScenarioError(f"{self.environment.id}: is no world of this project, which this needs")

    def for_test(self) -> ExternalPlace:
        """Return the environment itself."""
        return self

    def load(self, bundle: Path) -> Any:
        """Return the policy of a bundle for this environment."""
        return load_bundle(bundle, self.environment)

    def evaluate(
        self,
        policy: Any,
        episodes: int,
        seed: int,
        purpose: str = "test",
        progress: Counter | None = None,
        start: int = 0,
        metrics: tuple[Metric, ...] = (),
    ) -> Evaluation:
        """Play episodes with seeds of a purpose; metrics of worlds do not apply."""
        from allotment.evaluation.external import evaluate_external

        if metrics or start:
            raise ScenarioError(f"{self.environment.id}: metrics and added episodes need a world of this project")
        return evaluate_external(policy, self.environment, episodes, seed, purpose, progress)


def place_of(where: World | ExternalEnvironment | Place) -> Place:
    """Return the place that a world or an environment is."""
    if isinstance(where, World):
        return WorldPlace(where)
    return ExternalPlace(where) if isinstance(where, ExternalEnvironment) else where


def read_place(folder: Path) -> Place:
    """Return the place that a run folder was made in."""
    if (folder / EXTERNAL).is_file():
        return ExternalPlace(read_external(folder))
    scenario = folder / WORLD
    return WorldPlace(world_from(read_yaml(scenario), str(scenario)))


def place_from(file: str, content: dict[str, Any], origin: str) -> Place:
    """Return the place that the content of such a file says."""
    return ExternalPlace(ExternalEnvironment(**content)) if file == EXTERNAL else WorldPlace(world_from(content, origin))
