"""`python -m benchmarks` (`make bench`): what it measures and how to read it stands in README.md beside this file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import batch, compilation, gradients, machine, peers, periods, rule_based, training, tuning
from benchmarks.timing import spread

Rows = Iterator[tuple[str, ...]]


def main() -> None:
    """Measure one thing after the other and print each table as it is done."""
    console = Console(width=120)
    for name, value in machine.describe():
        console.print(f"{name}: {value}", highlight=False)
    _print(console, "1,000 episodes of 52 periods in three_warehouses", ("rule", "wall s", "CPU s", "target"), _rules())
    header = ("world, batch", "site-SKU-periods, millions", "target")
    _print(console, "Bare periods simulated in a CPU second on one core", header, _periods())
    header = ("three_warehouses, batch of 1,024", "step, ms", "its simulation, ms", "ratio", "target")
    _print(console, "VectorEnv.step with observation and info, and the simulation in it", header, _around())
    header = ("base network", "here, µs a step", "gym-invmgmt, µs a step", "ratio", "target")
    _print(console, "Against gym-invmgmt 0.2.1, through Gymnasium, in turns", header, _peers())
    header = ("lost_sales, base_stock, 4,096 episodes", "here, million periods", "DynaPlex, million periods", "ratio", "target")
    _print(console, "Against DynaPlex 1.14.1 under one rule, in a CPU second, in turns", header, _rule_rates())
    header = ("lost_sales, base_stock, 1,000 periods", "wall s", "CPU s", "target")
    _print(console, f"An exhaustive search of {tuning.RUNS:,} runs", header, _tuning())
    header = ("base network, batch of 1,024, float32", "site-periods, millions", "target")
    _print(console, "Torch dynamics in a CPU second on one thread", header, _gradients())
    header = ("environment steps", "wall clock", "CPU time", "target")
    for world, steps in (("lost_sales", 500_000), ("three_warehouses", 250_000)):
        _print(console, f"PPO over 256 environments of {world}, from end to end", header, _training(world, steps))
    header = ("world", "native batch", "copies", "ratio")
    _print(console, "Environment steps a CPU second, 64 environments", header, _batches())
    header = ("three_warehouses in a new process", "loading s", "first step s")
    _print(console, "From start to first step", header, _compilation())


def _print(console: Console, title: str, header: tuple[str, ...], rows: Rows) -> None:
    table = Table(title=title, title_justify="left")
    for position, name in enumerate(header):
        table.add_column(name, justify="right" if position else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _rules() -> Rows:
    for name, durations in rule_based.durations():
        yield name, spread([each.wall for each in durations]), spread([each.cpu for each in durations]), "2"


def _periods() -> Rows:
    targets = {"lost_sales": "20", "shared_storage": "30"}
    for world, size, rates in periods.per_second():
        yield f"{world}, {size:,}", spread([rate / 1e6 for rate in rates], ",.1f"), targets[world]


def _around() -> Rows:
    whole, bare = periods.around()
    ratios = [one / other for one, other in zip(whole, bare, strict=True)]
    yield "", spread([each * 1e3 for each in whole]), spread([each * 1e3 for each in bare]), spread(ratios), "2.5"


def _peers() -> Rows:
    targets = iter((*("15",) * len(peers.ENCODINGS), "300"))
    for what, ours, theirs in peers.times():
        ratios = [other / one for one, other in zip(ours, theirs, strict=True)]
        yield what, spread(ours), spread(theirs, ",.1f"), spread(ratios, ",.1f"), next(targets)


def _rule_rates() -> Rows:
    ours, theirs = peers.rule_rates()
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    millions = [[each / 1e6 for each in rates] for rates in (ours, theirs)]
    yield "", spread(millions[0], ",.1f"), spread(millions[1], ",.1f"), spread(ratios), "30 million"


def _tuning() -> Rows:
    for candidates, worlds, times in tuning.durations():
        what = f"{candidates:,} candidates in {worlds:,} worlds"
        yield what, spread([each.wall for each in times]), spread([each.cpu for each in times]), "5"


def _gradients() -> Rows:
    forward, both = gradients.episodes()
    yield "forward", spread([each / 1e6 for each in forward]), ""
    yield "forward and backward", spread([each / 1e6 for each in both]), "1"
    for world, (scenario, size, length, target) in gradients.WORLDS.items():
        for ahead in (False, True):
            values = gradients.traced(scenario, size, length, ahead)
            how = "drawn ahead" if ahead else "drawn inside"
            yield f"{world} as programs, {size:,}, {how}", spread([each / 1e6 for each in values]), f"{target}"


def _training(world: str, steps: int) -> Rows:
    times = list(training.training_times(world, steps))
    wall, cpu = [each.steps_per_second for each in times], [each.steps_per_cpu_second for each in times]
    yield "a second", spread(wall, ",.0f"), spread(cpu, ",.0f"), "40,000" if world == "lost_sales" else ""
    walls = [each.environment.wall / each.total.wall for each in times]
    yield "share in the environment", spread(walls, ".1%"), spread([each.environment_share for each in times], ".1%"), "10%"


def _batches() -> Rows:
    for world, native, copies in batch.steps_per_second():
        yield world, spread(native, ",.0f"), spread(copies, ",.0f"), f"{np.median(native) / np.median(copies):,.0f}"


def _compilation() -> Rows:
    first, later = compilation.first_steps()
    yield "first use, compiles", f"{first.loading:.1f}", f"{first.stepping:.1f}"
    loading, stepping = [each.loading for each in later], [each.stepping for each in later]
    yield "later, from the cache", spread(loading, ".1f"), spread(stepping, ".1f")


if __name__ == "__main__":
    main()
