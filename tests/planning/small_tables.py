"""Tables that several tests share: one warehouse with ten units, and a function that plans with some of them replaced."""

from __future__ import annotations

import pandas as pd

import allotment

STOCK = {"warehouse": ["W"], "on_hand": [10]}


def table(**columns):
    """Return a table of the columns; a single value stands for the only row."""
    return pd.DataFrame({name: values if isinstance(values, list) else [values] for name, values in columns.items()})


def planned(demand, stock=None, **given):
    """Return the plan of order lines or demand on ten units in one warehouse, or on another stock."""
    tables = {name: table(**value) if isinstance(value, dict) and name != "need_by" else value for name, value in given.items()}
    return allotment.plan(table(**(stock or STOCK)), table(**demand), **{"today": 0, **tables})


def units(plan):
    """Return the units that each order, or channel, gets."""
    names = plan.book.demand.names
    column = next(column for column in ("order", "channel", "region", "sku") if column in names)
    return dict(zip(names[column], plan.served.tolist(), strict=True))


def reasons(plan):
    """Return why each order, or channel, lacks units."""
    return {row.get("order", row.get("channel")): row["reason"] for row in plan.unmet_rows()}
