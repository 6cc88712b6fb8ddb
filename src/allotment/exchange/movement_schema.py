"""What a movement is: the columns of a log, its kinds, and the places between which units move.

A movement takes units of one SKU from a place to a place. Stock is what lies in sites, in transit, in plants at work, and what
has disappeared and is still in the records; everything else is outside, so that units are conserved by construction.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from allotment.scenario.errors import nearest, shown

VERSION = 1  # of the schema, kept in Parquet files
VERSION_KEY = b"allotment.movements"


class Column(NamedTuple):
    """A column of a log."""

    holds: Literal["text", "number", "whole", "time"]
    meaning: str
    needed: bool = False  # every file has it; the others are empty where a file does not


COLUMNS = {
    "event": Column("text", "its id; the same event twice counts once", needed=True),
    "time": Column("time", "period, or ISO timestamp with its offset from UTC; one of the two throughout a log", needed=True),
    "seq": Column("whole", "order within a time, the order of the file where left out; below 0 before a period's decision"),
    "kind": Column("text", "what happened, see below", needed=True),
    "sku": Column("text", "stock-keeping unit", needed=True),
    "units": Column("number", "how many units moved, above 0", needed=True),
    "from": Column("text", "place that they left", needed=True),
    "to": Column("text", "place that they reached", needed=True),
    "lot": Column("text", "batch at the site it left or, from outside and from transit, reached; `expires:7` in episodes"),
    "unit_cost": Column("number", "money per unit that the movement brings in: where goods are paid for, and at opening"),
    "unit_price": Column("number", "money per unit that a customer pays"),
    "currency": Column("text", "of cost and price"),
    "document": Column("text", "order, invoice or count that it belongs to; the same for a shipment's start and its arrival"),
    "line": Column("text", "line of the document"),
    "reason": Column("text", "why"),
    "entity": Column("text", "whose stock it is"),
}
SITE, NOWHERE = "site", ""
PLACES = {  # by prefix; without one, a place is a site
    "in_transit": "<lane>",
    "supplier": "<name>",
    "customer": "<channel>",
    "made": "<plant>",
    "unrecorded": "<site>",
}
LOST = "lost"
STOCK = (SITE, "in_transit", "made", "unrecorded")  # places whose units are never fewer than none


class Kind(NamedTuple):
    """A kind of movement: from which places to which it goes, and whether it moves units at all."""

    start: tuple[str, ...]
    end: tuple[str, ...]
    meaning: str
    moves: bool = True


ANYWHERE = (NOWHERE, SITE, *PLACES)
KINDS = {
    "opening": Kind((NOWHERE,), (SITE, "in_transit"), "is there when the log begins"),
    "receipt": Kind(("supplier", "in_transit", "made"), (SITE,), "goods from a supplier or a plant arrive"),
    "dispatch": Kind((SITE, "supplier", "made"), ("in_transit",), "goods leave on a supply lane"),
    "transfer_receipt": Kind((SITE, "in_transit"), (SITE,), "goods from another site arrive"),
    "sale": Kind((SITE, "in_transit"), ("customer",), "goods leave to customers"),
    "customer_return": Kind(("customer",), (SITE, LOST), "customers send goods back"),
    "supplier_return": Kind((SITE, "in_transit"), ("supplier",), "goods go back to a supplier"),
    "production": Kind((SITE,), ("made",), "a plant takes what it makes goods of"),
    "expiry": Kind((SITE,), (LOST,), "the life of goods is over"),
    "scrap": Kind(
        (SITE, "in_transit", "made"), (LOST,), "goods are thrown away: no room (`storage`), lost in production (`yield`)"
    ),
    "shrinkage": Kind((SITE,), ("unrecorded",), "units disappear that the records still have; only simulations know"),
    "count": Kind((SITE, "unrecorded", LOST), (LOST, SITE), "a count finds fewer, or more"),
    "reservation": Kind((SITE,), ("customer",), "units are set aside for a channel", moves=False),
    "release": Kind((SITE,), ("customer",), "they no longer are", moves=False),
    "landed_cost": Kind(ANYWHERE, ANYWHERE, "freight or duty of goods: `unit_cost` on each of `units`", moves=False),
    "price": Kind(ANYWHERE, ANYWHERE, "what a unit can be sold for (`unit_price`)", moves=False),
}


def place_kind(place: str) -> str:
    """Return what a place is: `site`, a key of `PLACES`, `lost`, or nothing for no place at all.

    `ValueError` says what is wrong with a name that is none.
    """
    prefix, mark, name = place.partition(":")
    if not mark:
        return LOST if place == LOST else SITE if place else NOWHERE
    if prefix not in PLACES:
        raise ValueError(f"unknown place {shown(place)}: {nearest(prefix, PLACES)}; a site's name has no colon")
    if not name:
        raise ValueError(f"{shown(place)} names no {PLACES[prefix].strip('<>')}: a place is {prefix}:{PLACES[prefix]}")
    return prefix


def fault_of_ends(kind: str, start: str, end: str) -> tuple[str, str] | None:
    """Return the column and what is wrong where a kind of movement does not go between two kinds of places."""
    for column, found, allowed in (("from", start, KINDS[kind].start), ("to", end, KINDS[kind].end)):
        if found not in allowed:
            places = " or ".join(map(written_place, allowed))
            return column, f"is {written_place(found)}; a movement of kind {kind} goes {column} {places}"
    if kind == "count" and LOST not in (start, end):
        return "to", f"is {written_place(end)}; what a count finds missing goes to {LOST}, and what it finds comes from there"
    return None


def written_place(place: str) -> str:
    """Return how a kind of place is written."""
    return {SITE: "a site", NOWHERE: "empty", LOST: LOST}.get(place) or f"{place}:{PLACES[place]}"
