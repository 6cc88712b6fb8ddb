"""Worlds that would not fit, and numbers that would overflow, are refused by name with the size before they take memory."""

import resource

import numpy as np
import pytest

import allotment
from allotment.scenario import sizes
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario, world_from
from allotment.scenario.short_lists import with_names_written_out
from small_worlds import one_shop, two_shops

pytestmark = pytest.mark.security

EXPIRE = ["receive", "decide", "demand", "fulfil", "expire", "charge"]
MOVES = {"distribution": "poisson", "mean": 3, "trend": 0.1}
MANY = [{"name": "s-{00001..99999}", "price": 1}]
SQUARE = {"supply_lanes": [{"from": "*", "to": "*"}], "fulfilment_lanes": [{"from": "*", "to": "*"}]}


def process(**values):
    return {"demand": [{"process": values}]}


def counts(name, mean, **values):
    return process(distribution=name, mean=mean, **values)


TOO_LARGE = [
    (counts("poisson", 1e12), "demand[0].process: needs a table of 2e+07 values (0.298 GiB), more than 4,194,304"),
    (counts("geometric", 1e9), "demand[0].process: needs a table of 3.9e+10 values (581 GiB), more than 4,194,304"),
    (counts("negative_binomial", 5, dispersion=1e6), "demand[0].process: needs a table of 3e+07 values (0.447 GiB)"),
    (process(distribution="binomial", trials=10**9, probability=0.5), "needs a table of 1e+09 values (14.9 GiB)"),
    (process(distribution="uniform_integer", low=0, high=10**9), "needs a table of 1e+09 values (14.9 GiB)"),
    (
        counts("negative_binomial", 1e9, dispersion=1e6) | {"goodwill": {}},
        "demand[0].process: needs a table of 3.88e+08 values (5.78 GiB), more than 4,194,304",
    ),
    (
        {"horizon": {"periods": 10**9}} | process(**MOVES),
        "demand: 1,000,000,064 periods × 1 channels × 1 SKUs × 4 numbers of each take 29.8 GiB, more than 1 GiB",
    ),
    ({"skus": MANY * 2}, "skus: 199,998 entries, more than 100,000"),
    (
        {"sites": [{"name": "t-{00001..12000}"}], **SQUARE},
        "sites: 12,000 sites × 12,000 sites or SKUs take 1.07 GiB, more than 1 GiB",
    ),
    ({"sites": [{"name": "t-{0001..9999}"}], **SQUARE}, "supply_lanes[0]: 99,990,000 entries, more than 100,000"),
    (
        {"skus": [{"name": "a", "unit_cost": [1.0] * 9973, "price": 1}, {"name": "b", "unit_cost": [1.0] * 9967, "price": 1}]},
        "prices by period: 99,400,891 periods × 2 numbers take 1.48 GiB, more than 1 GiB",
    ),
    (
        {
            "skus": [{"name": "a-{1..20}", "shelf_life": 9_000, "price": 1}],
            "supply_lanes": [{"from": "*", "to": "shop", "lead_time": 9_000}],
            "sequence": EXPIRE,
        },
        "lead times: 9,001 periods × 1 lanes × 20 SKUs × 9,000 remaining lives take 12.1 GiB, more than 1 GiB",
    ),
    (
        {"skus": [{"name": "s-{00001..14000}", "price": 1}], "observation": {"demand_history": 10_000}},
        "observation.demand_history: 10,000 periods × 1 channels × 14,000 SKUs take 1.04 GiB, more than 1 GiB",
    ),
    (
        process(**MOVES | {"trend": 0.0, "shocks": [{"period": 0, "multiplier": 1e12}] * 30}),
        "demand[0].process: a mean of up to inf units a period, more than 1,000,000,000,000",
    ),
    (
        counts("poisson", 1e9) | {"goodwill": {"cap": 1e6}},
        "demand[0].process: a mean of up to 1e+15 units a period, more than 1,000,000,000,000",
    ),
]
OUT_OF_BOUNDS = [
    ("sites[0].initial_stock=1.0e+308", "sites[0].initial_stock must be <= 1e+12, not 1e+308"),
    ("skus[0].unit_cost=1.0e+308", "skus[0].unit_cost must be <= 1e+12 or a list, not 1e+308"),
    ("sites[0].salvage=-1.0e+308", "sites[0].salvage must be >= -1e+12, not -1e+308"),
    ("demand[0].process.mean=1.0e+300", "demand[0].process.mean must be <= 1e+12, not 1e+300"),
    ("demand[0].process.trend=.nan", "demand[0].process.trend must be finite, not nan"),
    ("supply_lanes[0].lead_time=1000000000", "supply_lanes[0].lead_time: must be at most 10,000 periods, not 1,000,000,000"),
    ("horizon.periods=1" + "0" * 90, "horizon.periods must be <= 1e+09, not 1000"),
    ("channels[0].priority=100000000000000000000", "channels[0].priority must be <= 1e+09, not 100000000000000000000"),
    ("seed=1180591620717411303424", "seed must be < 9.22337e+18, not 1180591620717411303424"),
    ("seed=-1", "seed must be >= 0, not -1"),
    ("seed=true", "seed must be a whole number, not true"),
    ("seed=1.5", "seed must be a whole number, not 1.5"),
    ('skus[0].name=""', "skus[0].name: must be a text of 1 to 200 characters on one line, not ''"),
    ('skus[0].name="a\\nb"', "skus[0].name: must be a text of 1 to 200 characters on one line, not 'a\\nb'"),
]


@pytest.mark.parametrize(("sections", "message"), TOO_LARGE, ids=[message[:50] for _, message in TOO_LARGE])
def test_a_world_that_would_not_fit_is_refused_with_its_size_before_it_takes_memory(sections, message):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ScenarioError) as error:
        world_from({**one_shop().content, **sections}, "x.yaml")
    assert str(error.value).startswith("x.yaml: ") and message in str(error.value) and len(str(error.value).splitlines()) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 400 * 1024  # KiB


@pytest.mark.parametrize(("override", "message"), OUT_OF_BOUNDS)
def test_a_number_or_name_out_of_bounds_is_refused_by_its_key(override, message):
    with pytest.raises(ScenarioError) as error:
        load_scenario(one_shop().content, [override])
    assert str(error.value).startswith(f"one_shop: {message}") and len(str(error.value).splitlines()) == 1


def test_the_largest_numbers_that_are_allowed_give_finite_money():
    content = one_shop().content
    content = {**content, "sites": [{**content["sites"][0], "initial_stock": 1e12, "holding_cost": 1e12}]}
    env = allotment.make(world_from(content, "x"), {"name": "quantity", "periods": 1000})
    env.reset(seed=0)
    observation, reward, *_ = env.step(np.ones(env.action_space.shape))
    assert np.isfinite(observation).all() and -1e25 < reward < -1e23


@pytest.mark.parametrize("make", [allotment.make_vec, allotment.make_sb3])
def test_a_batch_that_the_machine_cannot_hold_is_refused_before_it_takes_memory(make, monkeypatch):
    monkeypatch.setattr("allotment.engine.memory.memory_of_machine", lambda: 2**30)
    for worlds in (10**6, 10**9, 2**70):
        with pytest.raises(ScenarioError, match=rf"^a batch of {worlds:,} worlds takes .* GiB of this machine's 1 GiB; "):
            make(two_shops(), worlds)


@pytest.mark.parametrize("periods", [1e300, float("inf"), float("nan"), 0.0, -1.0, True, "3", None])
def test_an_encoding_reaches_no_further_than_quantities_can(periods):
    from allotment.decisions.encodings import OrderUpTo, Quantity

    for kind in (Quantity, OrderUpTo):
        with pytest.raises(ScenarioError, match=f"^encoding {kind(one_shop()).name}: periods must be a number > 0, not "):
            kind(one_shop(), periods)


def test_a_list_of_too_many_quantities_is_refused():
    with pytest.raises(ScenarioError, match=r"^encoding discrete: .* quantities, up to 1e\+08 periods .* more than 100,000"):
        allotment.make("lost_sales", {"name": "discrete", "periods": 1e8})


def test_ranges_in_names_are_counted_before_they_are_written_out():
    entries = [{"name": f"{letter}-{{00001..99999}}"} for letter in "abcdefghij"] * 1000
    with pytest.raises(ScenarioError, match=r"^x: skus: 999,990,000 entries, more than 100,000$"):
        with_names_written_out({"skus": entries}, "x")


def test_prices_of_many_goods_are_found_in_time_in_proportion():
    names = [f"s-{number:05}" for number in range(20_000)]
    from allotment.scenario.spreading import spread

    assert spread(dict.fromkeys(names, 2.0), names, "x").sum() == 40_000


def test_the_memory_of_the_machine_is_known():
    assert sizes.memory_of_machine() > 2**28


@pytest.mark.parametrize("rationing", ["balanced", "min_shortage"])
def test_whole_units_by_the_thousand_million_are_shared_at_once(rationing):
    demand = "demand=[{process: {distribution: deterministic, mean: 10000000000}}]"
    settings = [demand, "sites[0].initial_stock=15000000000", f"rationing={rationing}"]
    env = allotment.make(load_scenario("one_warehouse_lost", settings), "quantity")
    env.reset(seed=0)
    _, reward, *_ = env.step(np.ones(env.action_space.shape))
    executed, between = env.simulation.flows.executed, env.world.problem.lanes.site >= 0
    assert np.isfinite(reward) and executed[0, between].sum() == 15_000_000_000
