"""One policy with one seed, as a job: it carries its place and its config, and returns the files of its run folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allotment import extensions
from allotment.evaluation.place import WorldPlace, place_from
from allotment.execution.executor import Progress
from allotment.fitting.fit import fit, fitter_of
from allotment.plain_warnings import plain_warnings
from allotment.runs.run_folder import RunFolder
from allotment.scenario.loader import World
from allotment.studies.common_episodes import CommonEpisodes
from allotment.studies.study import EvaluationEntry, PolicyEntry, Section, Study
from allotment.whole_file import file_name, named


class Job(Section):
    """What a worker makes and evaluates. Picklable, and free of shared state."""

    name: str  # in tables: the policy, with its seed where a study has several
    policy: str
    config: dict[str, Any]
    origin: str  # the world's file, for messages
    world: dict[str, Any]  # the world, as resolved
    seed: int
    folder: str  # of the run, where the study lies
    evaluation: EvaluationEntry
    here: bool = True  # whether the worker may work in that folder, and so go on with what was interrupted there
    code: dict[str, str] = {}  # files of users' own code that the user named: name and text

    @property
    def run_folder(self) -> RunFolder:
        """Return the run's folder, where the study lies."""
        return RunFolder(Path(self.folder))

    def place(self) -> WorldPlace:
        """Return the world."""
        place = place_from("scenario.yaml", self.world, self.origin)
        assert isinstance(place, WorldPlace)
        return place

    def run(self, progress: Progress) -> dict[str, bytes]:
        """Fill the run folder, evaluation included, and return its files; what is finished is left as it is."""
        with plain_warnings(), named(Path(self.folder)):
            return self._made(progress)

    def _made(self, progress: Progress) -> dict[str, bytes]:
        extensions.restore(self.code)
        place = self.place()

        def show(what: str, done: int, of: int, score: float | None = None) -> None:
            progress(self.name, what, done, of, score)

        with self._workplace() as folder, RunFolder(folder).held():
            run = RunFolder(folder)
            if not self.is_made(run, place):
                if not run.is_of(place, self.config, self.seed):
                    fitter_of(self.config, self.policy).check(place, self.config, self.policy)  # before anything is lost
                    run.clear()
                fit(place, self.policy, self.config, self.seed, run, show)
            self.episodes(place.world).episodes_of(run, lambda done, of: show("testing", done, of), keep=True)
            return run.packed()

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        """Hand out the folder to work in: the run's own, or one that is gone afterwards."""
        if self.here:
            yield Path(self.folder)
        else:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder) / "run"

    def is_made(self, run: RunFolder, place: WorldPlace) -> bool:
        """Tell whether a run is this very policy, finished."""
        return run.is_of(place, self.config, self.seed) and run.finished

    def is_done(self, place: WorldPlace) -> bool:
        """Tell whether the run is finished and holds this very evaluation."""
        run = self.run_folder
        if not self.is_made(run, place):
            return False
        held = self.episodes(place.world).held(run)
        return held is not None and len(held.episodes) == self.evaluation.episodes

    def episodes(self, world: World) -> CommonEpisodes:
        """Return the test episodes of the study."""
        return episodes_of(self.evaluation, world)


def episodes_of(entry: EvaluationEntry, world: World) -> CommonEpisodes:
    """Return the episodes in which a study, or a comparison, tests its policies."""
    metrics = tuple(extensions.metric(name) for name in entry.metrics)
    code = extensions.digests(entry.metrics)
    return CommonEpisodes(world.for_test(), entry.episodes, entry.seed, entry.interval == "items", metrics, code)


def jobs_of(study: Study, folder: Path) -> list[Job]:
    """Return a study's jobs; rules take one seed, policies that learn one job a seed. Learning jobs come first."""
    world, jobs = study.world(), []
    for entry, stem, config in study.configs():
        name = entry.name or stem
        for seed in _seeds(study, entry, config):
            shown = name if len(_seeds(study, entry, config)) == 1 else f"{name} seed {seed}"
            jobs.append(
                Job(
                    name=shown,
                    policy=name,
                    config=config,
                    origin=world.origin,
                    world=world.content,
                    seed=seed,
                    folder=str(folder / file_name(f"{name}-seed{seed}")),
                    evaluation=study.evaluation,
                    code=extensions.named_code(),
                )
            )
    return sorted(jobs, key=lambda job: "policy" in job.config)


def _seeds(study: Study, entry: PolicyEntry, config: dict[str, Any]) -> list[int]:
    return (entry.seeds or study.seeds)[: 1 if "policy" in config else None]
