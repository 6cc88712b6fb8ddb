"""What stock loses by itself, in a block of worlds: the functions of `dynamics.expiry`, in the same order, fused by Numba."""

from __future__ import annotations

import numpy as np

from allotment.engine import layout as f
from allotment.engine.compiled import World, floats1, floats3, floats4, integers1, keys2, linked
from allotment.engine.kernel.shipping import issue
from allotment.engine.randomness import fill_binomials


@linked
def expire(table: int, now: int, first: World, count: int) -> None:
    """Discard what has no life left and let the rest age; then let units disappear, and count where it is time."""
    settings, shelf_life = integers1(table, f.SETTINGS), integers1(table, f.GOODS_SHELF_LIFE)
    if settings[f.PERISHES]:
        for site in range(floats4(table, f.ON_HAND).shape[0]):
            for sku in range(shelf_life.shape[0]):
                if shelf_life[sku] > 0:
                    age(table, site, sku, first, count)
    if settings[f.SHRINKS]:
        shrink(table, now, first, count)


@linked
def age(table: int, site: int, sku: int, first: World, count: int) -> None:
    """Discard what has no life left of a SKU in a site, and take a period from the life of the rest."""
    on_hand, expired = floats4(table, f.ON_HAND), floats3(table, f.EXPIRED)
    for j in range(count):
        world = first + np.uint64(j)
        expired[site, sku, world] += on_hand[site, sku, 0, world]
    for life in range(on_hand.shape[2] - 1):
        for j in range(count):
            world = first + np.uint64(j)
            on_hand[site, sku, life, world] = on_hand[site, sku, life + 1, world]
    for j in range(count):
        on_hand[site, sku, on_hand.shape[2] - 1, first + np.uint64(j)] = 0.0


@linked
def shrink(table: int, now: int, first: World, count: int) -> None:
    """Let units disappear, each by its site's chance; they stay in the records until they are counted."""
    chances, streams = floats1(table, f.SITES_SHRINKAGE), keys2(table, f.SITES_SHRINKAGE_STREAM)
    every, lost = integers1(table, f.SITES_COUNT_EVERY), floats3(table, f.TAKEN)
    unrecorded_loss, shrunk, gone = floats3(table, f.UNRECORDED_LOSS), floats3(table, f.SHRUNK), floats1(table, f.DISAPPEARING)
    on_hand, whole = floats4(table, f.ON_HAND), integers1(table, f.SETTINGS)[f.RULES_WHOLE]
    for site in range(unrecorded_loss.shape[0]):
        counted = every[site] > 0 and (now + 1) % every[site] == 0
        for sku in range(unrecorded_loss.shape[1]):
            for j in range(count):
                gone[first + np.uint64(j)] = 0.0
            for life in range(on_hand.shape[2]):
                for j in range(count):
                    world = first + np.uint64(j)
                    gone[world] += on_hand[site, sku, life, world]
            if whole:
                fill_binomials(table, f.DISAPPEARING, streams[site, sku], chances[site], now, first, count)
            part = 1.0 if whole else chances[site]
            for j in range(count):
                world = first + np.uint64(j)
                units = gone[world] * part
                lost[site, sku, world] = units
                shrunk[site, sku, world] += units
                unrecorded_loss[site, sku, world] = 0.0 if counted else unrecorded_loss[site, sku, world] + units
        issue(table, site, first, count)
