"""Distributions as tables: equal ones are kept once, packed end to end, with a guide that starts every search near its end."""

from __future__ import annotations

import numpy as np
import pytest

from allotment.scenario import processes
from allotment.scenario.distributions import demand_table
from allotment.scenario.tables import TAIL, Table, TableSet, lead_time_table

POISSON = processes.Poisson(distribution="poisson", mean=5)


def test_values_probabilities_and_moments_of_a_fair_coin_between_2_and_3():
    table = Table(2.0, np.array([0.5, 1.0]))
    assert (table.values.tolist(), table.probabilities.tolist()) == ([2, 3], [0.5, 0.5])
    assert (table.mean, table.variance) == (2.5, 0.25)


def test_a_constant_has_one_value():
    assert lead_time_table(4).values.tolist() == [4]
    assert demand_table(processes.Deterministic(distribution="deterministic", mean=1), 7.5).values.tolist() == [7.5]


@pytest.mark.parametrize(
    "process",
    [
        POISSON,
        processes.Geometric(distribution="geometric", mean=5),
        processes.NegativeBinomial(distribution="negative_binomial", mean=5, dispersion=2),
    ],
)
def test_a_mean_of_0_gives_no_demand(process):
    assert demand_table(process, 0.0).values.tolist() == [0]


def test_equal_tables_are_kept_once():
    packing = TableSet()
    assert [packing.row(demand_table(POISSON, mean)) for mean in (5.0, 6.0, 5.0)] == [0, 1, 0]
    assert len(packing.tables) == 2


def test_tables_that_differ_only_in_their_first_value_are_two():
    packing = TableSet()
    assert [packing.row(lead_time_table(periods)) for periods in (1, 2, 1)] == [0, 1, 0]


def test_packed_tables_lie_end_to_end():
    packing = TableSet()
    packing.row(lead_time_table(3))
    packing.row(Table(1.0, np.array([0.25, 0.5, 1.0])))
    packed = packing.packed()
    assert packed.first.tolist() == [3, 1]
    assert packed.start.tolist() == [0, 1, 4]
    assert packed.cumulative.tolist() == [1.0, 0.25, 0.5, 1.0]


def test_the_guide_holds_the_first_value_that_a_slice_of_chances_may_give():
    packing = TableSet()
    packing.row(Table(0.0, np.array([0.1, 0.3, 0.6, 1.0])))
    assert packing.packed().guide.tolist() == [0, 1, 2, 3]  # chances from 0, 0.25, 0.5 and 0.75


@pytest.mark.parametrize(("mean", "dispersion"), [(0.01, 1.01), (0.3, 50.0), (4.0, 1.5), (900.0, 3.0)])
def test_a_tail_is_cut_only_where_it_is_negligible(mean, dispersion):
    process = processes.NegativeBinomial(distribution="negative_binomial", mean=mean, dispersion=dispersion)
    table = demand_table(process, mean)
    assert table.cumulative[-1] == 1.0
    assert table.probabilities[-1] < 1e-9
    assert table.cumulative[-2] < 1.0 - TAIL
    assert table.mean == pytest.approx(mean, rel=1e-8)
    assert table.variance == pytest.approx(mean * dispersion, rel=1e-8)
