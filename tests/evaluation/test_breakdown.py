"""Who is served and who is not: by channel, site and SKU, on worlds small enough to work out by hand."""

import numpy as np
import pandas as pd
import pytest

from allotment.evaluation.breakdown import AMOUNTS, NOTHING, Breakdown, average, from_table, joined
from allotment.evaluation.testing import evaluate
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.scenario.loader import world_from
from small_worlds import shipped_world

# Two stores, each nearest to one counter; the east store has 5 tins and nothing comes. Demand is 3 tins and 2 pots a period at
# each counter; the west store has enough of both.
STORES = {
    "name": "stores",
    "horizon": {"kind": "season", "periods": 2},
    "skus": [{"name": "tin", "unit_cost": 2, "price": 10}, {"name": "pot", "unit_cost": 5, "price": [9, 11]}],
    "suppliers": [{"name": "mill"}],
    "sites": [
        {"name": "west", "initial_stock": 20},
        {"name": "east", "initial_stock": {"tin": 5, "pot": 0}},
    ],
    "channels": [{"name": "west counter"}, {"name": "east counter"}],
    "supply_lanes": [{"from": "mill", "to": "*", "lead_time": 1}],
    "fulfilment_lanes": [{"from": "west", "to": "west counter"}, {"from": "east", "to": "east counter"}],
    "demand": [
        {"sku": "tin", "process": {"distribution": "deterministic", "mean": 3}},
        {"sku": "pot", "process": {"distribution": "deterministic", "mean": 2}},
    ],
}


def played(world, policy="constant_order", episodes=1, **parameters):
    rule = build_rule(rule_config({"policy": policy, "parameters": parameters or {"quantity": 0}}, "rule"), world, "rule")[0]
    return evaluate(rule, world, episodes, seed=0)


def amounts(axis, name, **sections):
    """Return the amounts of a place or SKU in the only episode, per period."""
    table = played(world_from({**STORES, **sections}, "stores")).breakdown.table().set_index(["axis", "name"])
    return table.loc[(axis, name)]


def test_a_channel_is_short_of_what_its_site_lacks():
    east = amounts("channel", "east counter")
    # 5 of 6 tins and none of 4 pots are served in two periods.
    assert east[["demand", "on_time", "short", "lost", "shipped"]].tolist() == [5, 2.5, 2.5, 2.5, 2.5]
    assert amounts("channel", "west counter")[["demand", "on_time", "short"]].tolist() == [5, 5, 0]


def test_lost_margin_is_price_less_unit_cost_in_the_prices_of_the_period():
    # One tin is lost in the second period, two pots in each: 1 × 8 + 2 × 4 + 2 × 6.
    assert amounts("channel", "east counter")["lost_margin"] == (8 + 8 + 12) / 2
    assert amounts("sku", "pot")["lost_margin"] == (8 + 12) / 2


def test_without_a_price_lost_margin_is_the_cost_of_a_lost_sale():
    skus = [{"name": "tin", "unit_cost": 2, "price": 0}, {"name": "pot", "unit_cost": 5, "price": 9}]
    channels = [{"name": "west counter"}, {"name": "east counter", "shortage_cost": 3}]
    assert amounts("sku", "tin", skus=skus, channels=channels)["lost_margin"] == 3 / 2
    assert amounts("sku", "pot", skus=skus, channels=channels)["lost_margin"] == 4 * 4 / 2
    assert amounts("sku", "pot", skus=skus, channels=channels, objective="cost")["lost_margin"] == 4 * 3 / 2


def test_a_site_stands_for_the_channels_nearest_to_it_whoever_serves_them():
    lanes = [
        {"from": "west", "to": "*", "freight": 1},
        {"from": "east", "to": "east counter"},
    ]
    east, west = (amounts("site", name, fulfilment_lanes=lanes) for name in ("east", "west"))
    assert east[["demand", "on_time", "short"]].tolist() == [5, 5, 0]  # the west store helps out
    assert [east["shipped"], west["shipped"]] == [2.5, 7.5]
    assert [east["on_hand"], west["on_hand"]] == [(2 + 0) / 2, (40 - 7 + 40 - 15) / 2]


def test_a_site_without_channels_of_its_own_has_stock_and_no_service():
    sites = [*STORES["sites"], {"name": "reserve", "initial_stock": 4}]
    result = played(world_from({**STORES, "sites": sites}, "stores"))
    means = result.breakdown.means().set_index(["axis", "name", "measure"])["mean"]
    assert means["site", "reserve", "on_hand"] == 8
    assert ("site", "reserve", "fill_rate") not in means.index


def test_what_waits_is_late_and_short_once_even_if_it_is_cancelled():
    waiting = [{"name": "west counter"}, {"name": "east counter", "unmet": "backorder"}]
    assert amounts("channel", "east counter", channels=waiting)[["short", "lost"]].tolist() == [2.5, 0]
    cancelled = [{"name": "west counter"}, {"name": "east counter", "unmet": "backorder", "max_lateness": 1}]
    east = amounts("channel", "east counter", channels=cancelled)
    assert east[["short", "lost"]].tolist() == [2.5, 1]  # the pots of the first period are cancelled in the second


def test_channels_and_skus_add_up_to_the_whole():
    result = played(shipped_world("three_warehouses"), "base_stock", episodes=5, level=60)
    table, rows = result.breakdown.table(), result.episodes
    for axis in ("channel", "sku", "site"):
        sums = table[table["axis"] == axis].groupby("episode")[list(AMOUNTS)].sum()
        for measure in ("demand", "lost"):
            assert sums[measure].tolist() == pytest.approx(rows[measure].tolist())
        assert (sums["on_time"] / sums["demand"]).tolist() == pytest.approx(rows["fill_rate"].tolist())
    assert sums["shipped"].tolist() == pytest.approx(rows["shipped"].tolist())
    assert sums["on_hand"].tolist() == pytest.approx(rows["on_hand"].tolist())
    assert result.breakdown.belongs_to(rows)
    assert not result.breakdown.belongs_to(rows.iloc[::-1])


def test_the_warm_up_is_left_out():
    horizon = {"kind": "season", "periods": 1, "warm_up": 1}
    assert amounts("channel", "east counter", horizon=horizon)[["demand", "short"]].tolist() == [5, 3]


def small():
    """Return two episodes of one channel that asks for 4, of which 3 are there, and then for nothing."""
    return Breakdown([("channel", "=shop")], np.array([[[4.0, 3, 1, 1, 6, 3, np.nan]], [[0.0, 0, 0, 0, 0, 0, np.nan]]]))


def test_means_have_standard_errors_and_leave_out_shares_of_nothing():
    means = small().means().set_index("measure")
    assert means.loc["fill_rate", ["mean", "episodes"]].tolist() == [0.75, 1]
    assert means.loc["demand", ["mean", "standard_error", "episodes"]].tolist() == [2, 2, 2]
    assert "on_hand" not in means.index


def test_a_table_brings_back_what_it_was_made_from():
    several = Breakdown([("channel", "a"), ("sku", "a")], np.arange(28.0).reshape(2, 2, 7))
    again = from_table(several.table())
    assert again.labels == several.labels
    assert np.array_equal(again.amounts, several.amounts)
    assert from_table(NOTHING.table()).labels == []


def test_episodes_are_joined_and_seeds_are_averaged():
    assert joined([small(), small().first(1)]).amounts.shape == (3, 1, 7)
    double = Breakdown(small().labels, 3 * small().amounts)
    assert average([small(), double]).amounts[0, 0, 0] == 8
    assert isinstance(small().table(), pd.DataFrame)
