"""A study of published values: worlds, policies and what each is said to be worth, to be computed again."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from allotment.names import FolderName
from allotment.policies.config_file import checked
from allotment.scenario.errors import ScenarioError
from allotment.scenario.yaml_file import read_yaml
from allotment.studies.study import Section, found_beside, study_file

OPTIMAL = "optimal"  # in the place of a config: the best policy there is


class ValueEntry(Section):
    """A policy in a world, and what it is said to be worth."""

    policy: str  # in words
    value: float  # as published, in the sign of the world's objective
    digits: Annotated[int, Field(ge=0)] | None = None  # behind the point, where the value is known as printed; none = to 1e-3
    config: dict[str, Any] | Literal["optimal"]  # of the rule, as in a config's file, or the optimum
    env: str | None = None  # the world; none = the table's
    overrides: list[str] = []  # texts `a.b=c` that replace values of the world, after the table's
    among: dict[str, list[Any]] = {}  # values of parameters of which the best count
    finds: str | None = None  # the parameter whose best value is what was published
    times: float = 1.0  # of ours, to be in the unit of what was published
    plus: float = 0.0  # to ours, after that: what is not in the world
    episodes: Annotated[int, Field(ge=2)] | None = None  # simulate in so many test worlds; none = compute exactly
    step: Annotated[float, Field(gt=0)] = 1.0  # units in which continuous units are counted
    tail: Annotated[float, Field(gt=0, le=0.1)] | None = None  # probability of each tail that is neglected; none = 1e-10
    note: str = ""  # what is known of it; with one, a value that differs is no failure

    def candidates(self) -> list[dict[str, Any]]:
        """Return the parameters to be set in the config, one mapping for each candidate."""
        return [dict(zip(self.among, values, strict=True)) for values in product(*self.among.values())]


class ValueTable(Section):
    """Values of one problem."""

    title: str  # above it
    env: str  # the world, a file or a shipped name
    overrides: list[str] = []  # texts `a.b=c` that replace values of the world
    values: Annotated[list[ValueEntry], Field(min_length=1)]  # its rows

    def entries(self) -> list[ValueEntry]:
        """Return the values, each with its whole world."""
        return [
            entry.model_copy(
                update={"env": entry.env or self.env, "overrides": [*([] if entry.env else self.overrides), *entry.overrides]}
            )
            for entry in self.values
        ]


class ValueStudy(Section):
    """The file of a study of published values."""

    name: FolderName  # of the folder below `runs/`
    question: str  # what it is to find out
    tables: Annotated[list[ValueTable], Field(min_length=1)]  # of values that were published


def is_value_study(path: str | Path) -> bool:
    """Tell whether a study is one of published values, which has tables in the place of policies."""
    content = read_yaml(study_file(path))
    return "tables" in content and "policies" not in content


def load_value_study(path: str | Path) -> ValueStudy:
    """Load a study of published values from its folder or its file; `ScenarioError` names file, key and what is allowed."""
    file = study_file(path)
    study = checked(ValueStudy, read_yaml(file), str(file))
    tables = [_beside(file.parent, table) for table in study.tables]
    for table in tables:
        for entry in table.values:
            if entry.finds is not None and entry.finds not in entry.among:
                raise ScenarioError(f"{file}: {table.title}: {entry.policy}: finds must be one of among, not {entry.finds!r}")
            if entry.among and entry.config == OPTIMAL:
                raise ScenarioError(f"{file}: {table.title}: {entry.policy}: among needs the config whose parameters it sets")
    return study.model_copy(update={"tables": tables})


def _beside(folder: Path, table: ValueTable) -> ValueTable:
    """Return a table in which worlds that lie in a folder are named by where they lie."""
    values = [entry.model_copy(update={"env": entry.env and found_beside(folder, entry.env)}) for entry in table.values]
    return table.model_copy(update={"env": found_beside(folder, table.env), "values": values})
