"""What it takes to add a feature: each is added to a copy of the sources, in the files that docs/develop/adding.md names.

An edit replaces text that stands once in its file. The copy is compiled anew, and `additions.py` checks there that every
addition does what it should, and that the kernel and the array dynamics agree on it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "develop" / "adding.md"

Edits = dict[str, list[tuple[str, str]]]

MONEY_TERM: Edits = {
    "scenario/schema.py": [
        (
            "    in_transit_cost: PerSkuCalendar",
            "    inspection_cost: PerSkuCalendar = 0.0  # money/unit on what arrives\n    in_transit_cost: PerSkuCalendar",
        ),
    ],
    "scenario/problem.py": [
        (
            '    backorder: Annotated[Floats, "T C K"',
            '    inspection: Annotated[Floats, "T L K", "money/unit", "supply_lanes.inspection_cost"]\n'
            '    backorder: Annotated[Floats, "T C K"',
        ),
        ('    "overflow",\n', '    "inspection",\n    "overflow",\n'),
        ('    Linear("waste"', '    Linear("inspection", "received", "inspection"),\n    Linear("waste"'),
    ],
    "report/palette.py": [('    "overflow":', '    "inspection": "#4B9C2E",\n    "overflow":')],
}

DISTRIBUTION: Edits = {
    "scenario/processes.py": [
        (
            "class Intermittent(Drawn):",
            '''class Exponential(Shaped):
    """Exponential, rounded to whole units."""

    distribution: Literal["exponential"]
    rounded: bool = True  # whether draws are rounded to whole units


class Intermittent(Drawn):''',
        ),
        ("    | Intermittent\n", "    | Exponential\n    | Intermittent\n"),
    ],
    "scenario/distributions.py": [
        ("\nONE_VALUE", "EXPONENTIAL = 10\n\nONE_VALUE"),
        (
            "    processes.Binomial: Distribution(",
            """    processes.Exponential: Distribution(
        lambda process, mean, _: tabulated(lambda values: 1.0 - np.exp(-(values + 0.5) / mean), mean, mean**2),
        EXPONENTIAL,
        lambda mean, _: (mean, mean),
        continuous=True,
    ),
    processes.Binomial: Distribution(""",
        ),
    ],
    "engine/inversion.py": [
        ("import GAMMA,", "import EXPONENTIAL, GAMMA,"),
        (
            "    if kind == GAMMA:",
            "    if kind == EXPONENTIAL:\n        return -mean * math.log(1.0 - chance)\n    if kind == GAMMA:",
        ),
    ],
}

RATIONING_RULE: Edits = {
    "scenario/schema.py": [('"balanced", "min_shortage"]', '"balanced", "min_shortage", "in_turn"]')],
    "scenario/problem.py": [
        ("BALANCED, MIN_SHORTAGE = range(4)", "BALANCED, MIN_SHORTAGE, IN_TURN = range(5)"),
        ('"min_shortage": MIN_SHORTAGE}', '"min_shortage": MIN_SHORTAGE, "in_turn": IN_TURN}'),
        ("BY_RECEIVER = (BALANCED, MIN_SHORTAGE)", "BY_RECEIVER = (BALANCED, MIN_SHORTAGE, IN_TURN)"),
    ],
    "engine/dynamics/rationing.py": [
        ("MIN_SHORTAGE, PRIORITY", "IN_TURN, MIN_SHORTAGE, PRIORITY"),
        (
            "    if rules.rationing == BALANCED:",
            "    if rules.rationing == IN_TURN:\n        return _in_turn(amounts, limit)\n    if rules.rationing == BALANCED:",
        ),
        (
            "def _in_proportion(",
            '''def _in_turn(amounts: Array, limit: Array) -> Array:
    """Fill the requests in their order."""
    xp = namespace(amounts)
    left = limit[..., None] - (xp.cumulative_sum(amounts, axis=-1) - amounts)
    return xp.minimum(xp.clip(left, min=0.0), amounts)


def _in_proportion(''',
        ),
    ],
    "engine/kernel/rationing.py": [
        ("MIN_SHORTAGE, PRIORITY\n", "IN_TURN, MIN_SHORTAGE, PRIORITY\n"),
        (
            "    elif rule == BALANCED:",
            "    elif rule == IN_TURN:\n        in_turn(table, count, limit)\n    elif rule == BALANCED:",
        ),
        (
            "@linked\ndef total(",
            '''@linked
def in_turn(table: int, count: int, limit: float) -> None:
    """Fill the requests in their order."""
    amounts = floats1(table, f.AMOUNTS)
    for place in range(count):
        amounts[place] = min(amounts[place], limit)
        limit -= amounts[place]


@linked
def total(''',
        ),
    ],
}

OBSERVATION_GROUP: Edits = {
    "scenario/schema.py": [
        (
            "    owed: bool = True  #",
            "    pipeline: bool = False  # units in transit by SKU, over all lanes\n    owed: bool = True  #",
        ),
    ],
    "decisions/groups.py": [
        (
            '    Kind(\n        "goodwill"',
            """    Kind(
        "pipeline",
        "pipeline",
        ("sku",),
        "units in transit, over all lanes",
        lambda problem, chosen: chosen.pipeline,
        lambda seen, chosen: seen.in_transit.sum(axis=1),
    ),
    Kind(
        "goodwill\"""",
        ),
    ],
    "engine/kernel/observation.py": [
        ('"goodwill", "calendar"),', '"goodwill", "calendar", "pipeline"),'),
        ("GOODWILL, CALENDAR = range", "GOODWILL, CALENDAR, PIPELINE = range"),
        (
            "        elif group == GOODWILL:",
            "        elif group == PIPELINE:\n            observe_pipeline(table, start, first, count)\n"
            "        elif group == GOODWILL:",
        ),
        (
            "@linked\ndef observe_goodwill(",
            '''@linked
def observe_pipeline(table: int, start: int, first: World, count: int) -> None:
    """What is in transit over all lanes."""
    in_transit, row = floats3(table, f.IN_TRANSIT), floats1(table, f.OBSERVED)
    for sku in range(in_transit.shape[1]):
        for j in range(count):
            row[first + np.uint64(j)] = 0.0
        for lane in range(in_transit.shape[0]):
            for j in range(count):
                world = first + np.uint64(j)
                row[world] += in_transit[lane, sku, world]
        write(table, row, start + sku, first, count)


@linked
def observe_goodwill(''',
        ),
    ],
}

METRIC: Edits = {
    "evaluation/metrics.py": [
        (
            '    PerPeriod("on_hand",',
            '    PerPeriod("executed", "units that leave sources", _units("executed"), unit="units/period"),\n'
            '    PerPeriod("on_hand",',
        ),
    ],
}

RULE: Edits = {
    "policies/rules.py": [
        (
            '@rule("echelon_base_stock")',
            '''@rule("fixed_interval")
@dataclass(frozen=True)
class FixedInterval:
    """Order up to a level in every second period."""

    network: Network
    level: Floats = parameter(cover(CHEAPEST), spread_over(CHEAPEST, 1.0), whole=True)  # (S, K) units

    def decide(self, observation: Observation) -> Decision:
        """Raise each position to its level where the period is even."""
        transfers, position = self.network.transferred(observation)
        even = (observation.period % 2 == 0)[:, None, None]
        return self.network.order(np.where(even, self.level - position, 0.0), transfers)


@rule("echelon_base_stock")''',
        ),
    ],
}

ADDITIONS = {
    "A linear money term": (MONEY_TERM, 3),
    "A demand distribution": (DISTRIBUTION, 5),
    "A rationing rule": (RATIONING_RULE, 5),
    "An observation group": (OBSERVATION_GROUP, 3),
    "A metric": (METRIC, 1),
    "A rule-based policy": (RULE, 1),
}


@pytest.mark.parametrize("title", ADDITIONS)
def test_the_page_names_the_files_that_an_addition_touches(title):
    edits, most = ADDITIONS[title]
    section = PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    named = re.findall(r"^\d+\. `src/allotment/([\w/]+\.py)`", section, re.MULTILINE)
    assert named == list(edits)
    assert len(named) <= most


def test_every_addition_works_in_the_files_that_the_page_names(tmp_path):
    package = shutil.copytree(ROOT / "src" / "allotment", tmp_path / "allotment", ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("envs", "configs"):
        shutil.copytree(ROOT / kind, package / kind)
    for edits, _ in ADDITIONS.values():
        for name, replacements in edits.items():
            text = (package / name).read_text(encoding="utf-8")
            for old, new in replacements:
                assert text.count(old) == 1, (name, old, text.count(old))
                text = text.replace(old, new)
            (package / name).write_text(text, encoding="utf-8")
    told = subprocess.run(
        [sys.executable, ROOT / "tests" / "additions.py"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "tests"), str(ROOT / "tests" / "engine")]),
            "NUMBA_CACHE_DIR": str(tmp_path / "compiled"),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-6000:]
    assert told.stdout.split("\n")[0] == str(package)
