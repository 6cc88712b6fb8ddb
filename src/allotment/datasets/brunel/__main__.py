"""`python -m allotment.datasets.brunel [FILE.json]`: allocate the day of $ALLOTMENT_DATA/brunel in every way and compare."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from allotment.datasets.brunel.comparison import Outcome, compare
from allotment.datasets.brunel.orders import Orders, read_orders
from allotment.scenario.errors import ScenarioError


def main() -> None:
    """Print the comparison, and write it as JSON where a file is named; wrong input ends in one line and exit code 2."""
    try:
        if "ALLOTMENT_DATA" not in os.environ:
            raise ScenarioError("set ALLOTMENT_DATA to the folder that holds brunel/")
        orders = read_orders(Path(os.environ["ALLOTMENT_DATA"]) / "brunel")
    except ScenarioError as error:
        sys.exit(_refuse(str(error)))
    outcomes = list(compare(orders))
    _print(orders, outcomes)
    if len(sys.argv) > 1:
        rows = [{**asdict(each), "cost": each.cost} for each in outcomes]
        Path(sys.argv[1]).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def _print(orders: Orders, outcomes: list[Outcome]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    count = len(orders.units)
    without = int((~orders.possible.any(axis=1)).sum())
    pairs = int((orders.eligible & ~orders.possible).sum())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "orders", "over capacity", "units", "freight", "handling", "cost/order", "late", "days late", "seconds"):
        table.add_column(name, justify="right" if name else "left")
    for each in outcomes:
        table.add_row(
            each.name,
            f"{each.served:,}",
            f"{each.over_capacity:,}",
            f"{each.units:,.0f}",
            f"{each.freight:,.0f}",
            f"{each.handling:,.0f}",
            f"{each.cost / max(each.served, 1):,.2f}",
            f"{each.late:,}",
            f"{each.days_late:,.0f}",
            f"{each.seconds:.2f}" if each.seconds else "",
        )
    console = Console(width=max(Console().width, 140))
    console.print(table)
    rates = (
        f"without a rate: {without:,} of {count:,} orders, {pairs:,} of {orders.eligible.sum():,} pairs of order and warehouse"
    )
    console.print(rates, highlight=False)


if __name__ == "__main__":
    main()
