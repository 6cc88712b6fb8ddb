"""A study: a question, a world, the policies that answer it, and how their answers are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from allotment.evaluation.comparison import ROPE
from allotment.names import FolderName, ShownName, fault_of_name
from allotment.policies.config_file import checked, read_config
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import World, load_scenario
from allotment.scenario.yaml_file import read_yaml
from allotment.whole_file import file_name


class Section(BaseModel):
    """A part of a study file that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PolicyEntry(Section):
    """One policy of a study."""

    config: str  # a file, or the name of a shipped config
    name: ShownName | None = None  # in tables and figures; none = the config's
    overrides: list[str] = []  # texts `a.b=c` that replace values of the config
    seeds: list[Annotated[int, Field(ge=0)]] | None = None  # none = the study's; rules take the first


class EvaluationEntry(Section):
    """How policies are tested."""

    episodes: Annotated[int, Field(ge=2)] = 1000  # test worlds, the same for every policy
    seed: Annotated[int, Field(ge=0)] = 0  # of the test worlds
    interval: Literal["episodes", "items"] = "episodes"  # what the bootstrap resamples
    # percent of the reference's score; differences that surely lie within are equal in practice
    rope: Annotated[float, Field(ge=0, allow_inf_nan=False)] = ROPE
    # test worlds, the first ones, in which perfect foresight is computed too; 0 = in none
    bound: Annotated[int, Field(ge=0)] = 0
    metrics: list[str | dict[str, Any]] = []  # of one's own, beside the shipped ones: file.py:Name, or an entry point


class Study(Section):
    """A study file."""

    name: FolderName  # of the folder below `runs/`
    question: str  # what it is to find out
    env: str  # the world, a file or a shipped name
    overrides: list[str] = []  # texts `a.b=c` that replace values of the world
    policies: Annotated[list[str | PolicyEntry], Field(min_length=1)]  # what is compared: names, files or entries
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0]  # of the trainings, one training each
    evaluation: EvaluationEntry = EvaluationEntry()  # how policies are tested

    def world(self) -> World:
        """Return the study's world."""
        return load_scenario(self.env, self.overrides)

    def configs(self) -> list[tuple[PolicyEntry, str, dict[str, Any]]]:
        """Return each policy with its config's short name and content."""
        return [(entry, *read_config(entry.config, entry.overrides)) for entry in self.entries()]

    def entries(self) -> list[PolicyEntry]:
        """Return the policies, each as an entry."""
        return [PolicyEntry(config=entry) if isinstance(entry, str) else entry for entry in self.policies]


def load_study(path: str | Path) -> Study:
    """Load a study from its folder or its file; `ScenarioError` names file, key and what is allowed."""
    file = study_file(path)
    content = read_yaml(file)
    if "tables" in content and "policies" not in content:
        raise ScenarioError(f"{file}: a study of published values; `allotment run` computes them, and compares no policies")
    study = _beside(checked(Study, content, str(file)), file.parent)
    names = [entry.name or stem for entry, stem, _ in study.configs()]
    for name in names:
        if fault := fault_of_name(name):
            raise ScenarioError(f"{file}: policies: a name {fault}; give the policy another `name`")
    folders = [file_name(name) for name in names]
    for name in names:
        if folders.count(file_name(name)) > 1:
            raise ScenarioError(f"{file}: policies: the name {name!r} occurs twice; give one of them another `name`")
    return study


def study_file(path: str | Path) -> Path:
    """Return the file of a study, from its folder or its file; `ScenarioError` where there is none."""
    given = Path(path)
    file = given / "study.yaml" if given.is_dir() else given
    if not file.is_file():
        raise ScenarioError(f"{path}: no study here; expected a folder with study.yaml, or such a file")
    return file


def found_beside(folder: Path, name: str) -> str:
    """Return the path of what lies in a folder by that name, else the name."""
    return str(folder / name) if "\0" not in name and (folder / name).is_file() else name


def _beside(study: Study, folder: Path) -> Study:
    """Return a study in which the world and the configs that lie beside its file are named by where they lie."""

    entries = [
        found_beside(folder, entry)
        if isinstance(entry, str)
        else entry.model_copy(update={"config": found_beside(folder, entry.config)})
        for entry in study.policies
    ]
    return study.model_copy(update={"env": found_beside(folder, study.env), "policies": entries})
