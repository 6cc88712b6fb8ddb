"""The names of the ways to allocate, for tables, configs and the command line alike."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """A way to allocate what there is."""

    OPTIMAL = "optimal"
    PRIORITY = "priority"
    PRIORITY_DUE = "priority_due"
    EARLIEST_DUE = "earliest_due"
    FIRST_COME = "first_come"
    FAIR_SHARE = "fair_share"
    NEAREST = "nearest"
    HIGHEST_STOCK = "highest_stock"
    SOURCING = "sourcing"
    QUOTA = "quota"
    QUOTA_BORROWING = "quota_borrowing"
    PROTECTION = "protection"
    REALLOCATE = "reallocate"
