"""What is declared once is used as it is declared: in the kernel's sources, and in every world."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from allotment.engine import layout as f
from allotment.engine.compiled import COMPILED
from allotment.engine.declaration import LENGTHS, declared
from allotment.engine.memory import Memory
from allotment.scenario.loader import load_scenario
from allotment.scenario.problem import LINEAR, SIGNS, TERMS, Prices, Problem
from small_worlds import one_shop

KINDS = {"floats": np.float64, "integers": np.int64, "keys": np.uint64, "singles": np.float32}


def calls(file: Path):
    """Yield the calls by which a source takes arrays out of the table: the taker's name and the field's."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) >= 2:
            field = node.args[1]
            if isinstance(field, ast.Attribute) and isinstance(field.value, ast.Name) and field.value.id == "f":
                yield node.func.id, field.attr


TAKEN = [(file.name, *call) for file in COMPILED for call in calls(file) if call[0].rstrip("12345") in KINDS]


def test_the_sources_take_many_arrays():
    assert len(TAKEN) > 300


@pytest.mark.parametrize("taker", sorted({taker for _, taker, _ in TAKEN}))
def test_arrays_are_taken_with_the_axes_and_the_type_that_they_were_declared_with(taker):
    kind, dimensions = KINDS[taker.rstrip("12345")], int(taker[-1])
    for source, _, name in (call for call in TAKEN if call[1] == taker):
        place = f.PLACES[name]
        assert isinstance(place, f.Place), f"{source}: {name} is a setting"
        field = f.FIELDS[place]
        assert (field.dimensions, np.dtype(field.declared.dtype)) == (dimensions, np.dtype(kind)), f"{source}: {taker} {name}"


def test_settings_are_read_from_the_settings_alone():
    for file in COMPILED:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and "settings" in ast.unparse(node.value).lower():
                for each in ast.walk(node.slice):
                    if isinstance(each, ast.Attribute):
                        assert isinstance(f.PLACES[each.attr], f.Setting), f"{file.name}: {each.attr} is an array"


def test_a_name_that_nobody_declared_is_answered_by_the_nearest():
    with pytest.raises(AttributeError, match="no array or setting of the kernel is called LANES_MINMUM; did you mean"):
        f.LANES_MINMUM  # noqa: B018


@pytest.mark.parametrize("name", ["lost_sales", "three_warehouses", "perishable", "two_centres", "gym_invmgmt_base"])
def test_arrays_of_a_world_have_the_axes_that_they_were_declared_with(name):
    problem = load_scenario(name).problem
    lengths: dict[str, int] = {}
    for part in Problem._fields[:-1]:
        arrays = getattr(problem, part)
        for field in declared(type(arrays)).values():
            array = getattr(arrays, field.name)
            assert array.ndim == len(field.axes), f"{part}.{field.name}"
            for axis, length in zip(field.axes, array.shape, strict=True):
                if axis in LENGTHS:
                    assert length == LENGTHS[axis](problem), f"{part}.{field.name}: axis {axis}"
                elif axis not in ("T", "ages", "4"):
                    assert lengths.setdefault(axis, length) == length, f"{part}.{field.name}: axis {axis}"


def test_the_memory_refuses_an_array_that_is_not_as_declared():
    memory = Memory(one_shop().problem, 2)
    with pytest.raises(TypeError, match="ON_HAND is a contiguous array of float64 with 4 axes, not of float64 with 3"):
        memory.put(f.ON_HAND, np.zeros((1, 1, 2)))


def test_money_terms_are_declared_whole():
    assert {addend.term for addend in LINEAR} | {"fixed_ordering", "overflow", "interest", "discount_taken"} == set(TERMS)
    assert {addend.price for addend in LINEAR} <= set(Prices._fields)
    assert len(SIGNS) == len(TERMS)
