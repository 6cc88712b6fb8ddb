"""Small logs and policies to value."""

from decimal import Decimal

import pandas as pd

from allotment.exchange.movement_schema import COLUMNS
from allotment.finance.policy import AccountingPolicy

NUMBERS = ("units", "unit_cost", "unit_price")


def log(*rows):
    """Return movements; each row is time, kind, from, to, units, and what else it has."""
    made = []
    for number, (time, kind, origin, target, units, *more) in enumerate(rows):
        row = dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS, float("nan")) | {"sku": "a"}
        row |= {"event": f"e{number}", "time": time, "seq": number, "kind": kind, "units": units, "from": origin, "to": target}
        made.append(row | (more[0] if more else {}))
    return pd.DataFrame(made, columns=list(COLUMNS)).astype(
        {"time": object if not rows or isinstance(rows[0][0], str) else int}
    )


def receipt(time, units, cost, site="north", **more):
    return (time, "receipt", "supplier:s", site, units, {"unit_cost": cost, **more})


def sale(time, units, site="north", **more):
    return (time, "sale", site, "customer:c", units, more)


def note(time, kind, units=float("nan"), **more):
    return (time, kind, "", "", units, more)


def policy(framework="ifrs", cost_formula="fifo", **more):
    return AccountingPolicy.model_validate({"framework": framework, "cost_formula": cost_formula, "close": 10} | more)


def money(text):
    return Decimal(str(text))
