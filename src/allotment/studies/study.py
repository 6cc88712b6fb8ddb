"""A study: a question, a world, the policies that answer it, and how their answers are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from allotment.policies.config_file import checked, read_config
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario, read_yaml


class Section(BaseModel):
    """A part of a study file that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PolicyEntry(Section):
    """One policy of a study."""

    config: str  # a file, or the name of a shipped config
    name: str | None = None  # in tables and figures; none = the config's
    overrides: list[str] = []  # texts `a.b=c` that replace values of the config
    seeds: list[Annotated[int, Field(ge=0)]] | None = None  # none = the study's; rules take the first


class EvaluationEntry(Section):
    """How policies are tested."""

    episodes: Annotated[int, Field(ge=2)] = 1000  # test worlds, the same for every policy
    seed: Annotated[int, Field(ge=0)] = 0  # of the test worlds
    interval: Literal["episodes", "items"] = "episodes"  # what the bootstrap resamples


class Study(Section):
    """A study file."""

    name: str  # of the folder below `runs/`
    question: str  # what it is to find out
    env: str  # the world, a file or a shipped name
    overrides: list[str] = []  # texts `a.b=c` that replace values of the world
    policies: Annotated[list[str | PolicyEntry], Field(min_length=1)]  # what is compared: names, files or entries
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0]  # of the trainings, one training each
    evaluation: EvaluationEntry = EvaluationEntry()  # how policies are tested

    def world(self) -> World:
        """Return the study's world."""
        return load_scenario(self.env, self.overrides)

    def entries(self) -> list[PolicyEntry]:
        """Return the policies, each as an entry."""
        return [PolicyEntry(config=entry) if isinstance(entry, str) else entry for entry in self.policies]


class Job(Section):
    """One policy with one seed: what a worker process makes and evaluates. Picklable, and free of shared state."""

    name: str  # in tables: the policy, with its seed where a study has several
    policy: str
    content: dict[str, Any]
    env: str
    overrides: list[str]
    seed: int
    folder: str
    evaluation: EvaluationEntry


def load_study(path: str | Path) -> Study:
    """Load a study from its folder or its file; `ScenarioError` names file, key and what is allowed."""
    given = Path(path)
    file = given / "study.yaml" if given.is_dir() else given
    if not file.is_file():
        raise ScenarioError(f"{path}: no study here; expected a folder with study.yaml, or such a file")
    study = checked(Study, read_yaml(file), str(file))
    names = [job.name for job in jobs_of(study, Path("."))]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{file}: policies: the name {name!r} occurs twice; give one of them another `name`")
    return study


def jobs_of(study: Study, out: Path) -> list[Job]:
    """Return a study's jobs; rules take one seed, policies that learn one job a seed. Learning jobs come first."""
    jobs = []
    for entry in study.entries():
        stem, content = read_config(entry.config, entry.overrides)
        name = entry.name or stem
        seeds = (entry.seeds or study.seeds)[: 1 if "policy" in content else None]
        for seed in seeds:
            shown = name if len(seeds) == 1 else f"{name} seed {seed}"
            jobs.append(
                Job(
                    name=shown,
                    policy=name,
                    content=content,
                    env=study.env,
                    overrides=study.overrides,
                    seed=seed,
                    folder=str(out / f"{name}-seed{seed}"),
                    evaluation=study.evaluation,
                )
            )
    return sorted(jobs, key=lambda job: "policy" in job.content)
