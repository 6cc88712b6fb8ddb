"""Days as tables of texts, and what may be planned of them: read here from what the tables mean, apart from the planner.

A day is a mapping from a table's kind to its columns, each a list of texts. Days are numbers, today is 0.
"""

from __future__ import annotations

from collections import defaultdict

REFUSED = object()  # what is no number of units
BAD = (
    *(
        "1000000000001",
        "9223372036854775807",
        "1e308",
        "1e400",
        "0x10",
        "１２",
        "1_000",
        "--5",
        "5-",
        "-5",
        "(5)",
        "nan",
        "inf",
    ),
    *("-inf", "TRUE", "1 2 3", "NULL", "٣", "1e", "e5", "½", "9" * 5000, "=1+1", "\u202e12", "12 kg", "1e1e1", ".", "-"),
)
GOOD = (
    "0",
    "-0",
    "3",
    "5",
    "7.0",
    "12",
    "+4",
    " 6 ",
    "1e3",
    "1e12",
    "1000000000000",
    "999999999999",
    "99999999999.5",
    "1e-6",
    "0.1",
)
MEANS = {**{text: float(text) for text in GOOD}, **dict.fromkeys(BAD, REFUSED)}  # texts of units: what they are
UNITS = {"on_hand", "demand", "committed", "minimum", "outbound_capacity", "units", "reserved", "safety_stock", "capacity"}


def units_of(text):
    """Return the units that a text says, 0 for none, REFUSED for what is no number of units."""
    return MEANS[text] if text in MEANS else float(text or 0.0)


def is_refused(day):
    """Tell whether a day has a cell that must be refused, or asks for nothing that is required."""
    for kind, columns in day.items():
        for column, cells in columns.items():
            if column in UNITS and any(units_of(cell) is REFUSED for cell in cells):
                return True
            if (kind, column) in (("stock", "on_hand"), ("demand", "demand")) and not all(cell.strip() for cell in cells):
                return True
    return False


def rows_of(columns):
    """Return a table's rows, each a mapping."""
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def is_more(units, bound):
    """Tell whether units exceed a bound by more than a billionth."""
    return units > bound + 3e-9 * max(1.0, abs(bound))


def faults(day, plan):
    """Return what a plan, as its JSON has it, breaks of a day, in words."""
    found, given, sent = [], defaultdict(float), defaultdict(list)
    demand = {(row["order"], row["sku"]): row for row in rows_of(day["demand"])}
    lanes = {(row["warehouse"], row["region"]): row for row in rows_of(day["lanes"])} if "lanes" in day else None
    whole = all(
        units_of(cell) == int(units_of(cell)) for table in day.values() for name in UNITS & set(table) for cell in table[name]
    )
    for row in plan["allocation"]:
        line, units = demand[row["order"], row["sku"]], row["units"]
        given[row["order"], row["sku"]] += units
        ships = row.get("ships") or 0
        sent[row["warehouse"], row["sku"]].append((ships, units, row))
        if whole != isinstance(units, int) or units <= 0:
            found.append(f"{units} units are no shipment")
        if units_of(line.get("minimum", "")) > units * (1 + 1e-9):
            found.append(f"{row} is below the smallest shipment")
        transit = 0.0
        if lanes is not None:
            if (row["warehouse"], row["region"]) not in lanes:
                found.append(f"{row} has no lane")
                continue
            transit = float(lanes[row["warehouse"], row["region"]].get("transit") or 0)
        late = max(0.0, ships + transit - float(line["due"])) if line.get("due") else 0.0
        if late > float(line.get("max_lateness") or "inf"):
            found.append(f"{row} comes {late} days late")
    found += _of_claims(demand, given, plan, whole)
    found += _of_stock(day, sent)
    found += _of_carriers(day, plan)
    found += _of_purchases(day, plan)
    return found


def _of_claims(demand, given, plan, whole):
    """Nobody gets more than asked for, and what is given and what is unmet make up what is asked for."""
    unmet = {(row["order"], row["sku"]): row["units"] for row in plan["unmet"]}
    broken = {(row["order"], row["sku"]): row["units"] for row in plan["broken_commitments"]}
    for key, line in demand.items():
        asked, short = units_of(line["demand"]), units_of(line.get("committed", "")) - given[key]
        if is_more(given[key], asked):
            yield f"{key} gets {given[key]} of {asked}"
        if abs(given[key] + unmet.get(key, 0) - asked) > (0 if whole else 3e-9 * max(1.0, asked)):
            yield f"{key}: {given[key]} and {unmet.get(key, 0)} are not {asked}"
        if abs(max(short, 0.0) - broken.get(key, 0)) > (0 if whole else 3e-9 * max(1.0, asked)):
            yield f"{key}: {short} short of what is committed, not {broken.get(key, 0)}"
    for name, units in (("allocated", sum(given.values())), ("unmet", sum(unmet.values()))):
        if abs(plan["totals"][name] - units) > (0 if whole else 1e-8 * max(1.0, units)):
            yield f"{name}: {plan['totals'][name]} in all, not {units}"


def _of_stock(day, sent):
    """No stock gives more than it has by then, and what is reserved goes to its order alone."""
    comes = defaultdict(list)
    for row in rows_of(day["stock"]):
        comes[row["warehouse"], row["sku"]].append((0.0, units_of(row["on_hand"])))
    for row in rows_of(day.get("receipts", {})):
        if float(row["arrives"]) >= 0:
            comes[row["warehouse"], row["sku"]].append((float(row["arrives"]), units_of(row["units"])))
    kept = {(row["warehouse"], row["sku"]): row for row in rows_of(day.get("reservations", {}))}
    for place, shipments in sent.items():
        for last, _, _ in shipments:
            there = sum(units for arrives, units in comes[place] if arrives <= last)
            if is_more(sum(units for ships, units, _ in shipments if ships <= last), there):
                yield f"{place} gives more than {there} by day {last}"
            if place in kept:
                held = units_of(kept[place]["reserved"])
                others = sum(units for ships, units, row in shipments if ships <= last and row["order"] != kept[place]["order"])
                if is_more(others, there - held):
                    yield f"{place} gives others what is reserved"


def _of_carriers(day, plan):
    """No carrier moves more a day than it can."""
    moved = defaultdict(float)
    for row in plan["allocation"]:
        moved[row["warehouse"], row["channel"], row.get("ships")] += row["units"]
    room = {(row["warehouse"], row["channel"]): units_of(row["outbound_capacity"]) for row in rows_of(day.get("transport", {}))}
    for (warehouse, channel, ships), units in moved.items():
        if is_more(units, room.get((warehouse, channel), float("inf"))):
            yield f"{warehouse} moves {units} for {channel} on {ships}"


def _of_purchases(day, plan):
    """No supplier sells more than it has, or less than its smallest order, and no more is bought for a need than it lacks."""
    offers = {row["supplier"]: row for row in rows_of(day.get("offers", {}))}
    for row in plan["purchases"]:
        least, most = (units_of(offers[row["supplier"]].get(name, "")) for name in ("minimum", "capacity"))
        if is_more(row["units"], most if offers[row["supplier"]].get("capacity") else float("inf")):
            yield f"{row} is more than there is"
        if is_more(least, row["units"]):
            yield f"{row} is less than the smallest order"
        if is_more(sum(part["units"] for part in row["for"]), row["units"]):
            yield f"{row} covers more than it buys"
    bought, lacking = defaultdict(float), defaultdict(float)
    for row in plan["purchases"]:
        for part in row["for"]:
            bought[part["sku"]] += part["units"]
    for row in plan["unmet"]:
        lacking[row["sku"]] += row["units"]
    for sku, units in bought.items():
        if is_more(units, lacking[sku] * (1 + 1e-8)):
            yield f"{units} of {sku} are bought, {lacking[sku]} are short"
