"""From a file to a world: what files, defaults, patterns, overrides and test sections come to, and how files fail."""

from __future__ import annotations

import time

import numpy as np
import pytest
import yaml
from small_scenario import SCENARIO, small

from allotment.resources import shipped_names
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario, world_from
from allotment.scenario.overrides import apply_overrides


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that is also the working directory, so that messages show short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, name, content):
    file = folder / name
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def message_of(path, overrides=()):
    with pytest.raises(ScenarioError) as error:
        load_scenario(path, overrides)
    return str(error.value)


# ---- files


def test_a_world_holds_what_its_file_says(folder):
    world = load_scenario(write(folder, "mine.yaml", SCENARIO))
    assert (world.scenario.name, world.origin) == ("small", "mine.yaml")
    assert world.names.supply_lanes == ["mill → depot", "depot → store"]
    assert world.names.fulfilment_lanes == ["store → shop", "depot → web"]
    assert (world.problem.clock.length, world.problem.clock.season) == (10, False)
    assert world.problem.sites.initial_stock.tolist() == [[20, 20], [0, 0]]


@pytest.mark.parametrize("name", sorted(set(shipped_names("envs")) - {"iowa_liquor"}))
def test_every_shipped_world_loads_by_its_name(name):
    assert load_scenario(name).scenario.name == name


def test_an_absent_file_names_the_nearest_shipped_world(folder):
    assert message_of("lost_sale") == "lost_sale: no such file in envs; did you mean 'lost_sales'?"
    assert message_of("mine/own.yaml").startswith(
        "mine/own.yaml: no such file in envs; shipped: budgeted_newsvendor, campaign_cash, "
    )


def test_a_file_that_is_not_yaml_names_the_line(folder):
    write(folder, "bad.yaml", "name: bad\nhorizon: {periods: 3\nskus: []\n")
    assert message_of("bad.yaml").startswith("bad.yaml, line 3: not valid YAML: ")


def test_a_key_that_stands_twice_is_refused(folder):
    write(folder, "twice.yaml", "name: twice\nhorizon:\n  periods: 3\n  kind: season\n  periods: 4\n")
    assert message_of("twice.yaml") == "twice.yaml, line 5: not valid YAML: the key 'periods' stands twice"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("day: 2020-13-45", "2020-13-45 would be read as a date; write it in quotes"),
        ("deep: " + "[" * 5000, "nested deeper than 50 levels"),
    ],
)
def test_what_yaml_cannot_read_names_the_file_and_the_line(folder, line, message):
    write(folder, "bad.yaml", f"name: bad\n{line}\n")
    assert message_of("bad.yaml") == f"bad.yaml, line 2: not valid YAML: {message}"


def test_a_file_of_many_unknown_keys_is_told_soon(folder):
    write(folder, "many.yaml", yaml.safe_dump(SCENARIO) + "".join(f"key{place}: 1\n" for place in range(20_000)))
    start = time.perf_counter()
    lines = message_of("many.yaml").splitlines()
    assert time.perf_counter() - start < 8  # a minute where keys are compared with each other
    assert len(lines) == 11
    assert lines[-1] == "many.yaml: 19990 more faults"


def test_a_file_without_keys_is_refused(folder):
    write(folder, "empty.yaml", "")
    assert message_of("empty.yaml") == "empty.yaml: must hold a mapping of keys to values, not nothing"
    write(folder, "list.yaml", "- name: small")
    assert message_of("list.yaml") == "list.yaml: must hold a mapping of keys to values, not a list"


def test_a_fault_is_told_with_the_file_it_stands_in(folder):
    (folder / "envs").mkdir()
    write(folder / "envs", "x.yaml", small(("supply_lanes.1.lead_time", -2)))
    assert message_of("envs/x.yaml") == "envs/x.yaml: supply_lanes[1].lead_time must be >= 0, not -2"


# ---- extends


def test_a_file_that_extends_another_changes_single_values_of_mappings_and_replaces_lists(folder):
    write(folder, "base.yaml", SCENARIO)
    changes = {
        "extends": "base.yaml",
        "name": "longer",
        "horizon": {"warm_up": 4},
        "suppliers": [{"name": "mill", "capacity": 7}],
    }
    world = load_scenario(write(folder, "longer.yaml", changes))
    assert (world.scenario.name, world.problem.clock.length) == ("longer", 4 + 10)
    assert world.problem.suppliers.capacity.tolist() == [[7]]
    assert "extends" not in world.content


def test_only_one_level_may_be_extended(folder):
    write(folder, "base.yaml", SCENARIO)
    write(folder, "middle.yaml", {"extends": "base.yaml"})
    write(folder, "top.yaml", {"extends": "middle.yaml"})
    assert message_of("top.yaml") == "top.yaml: extends 'middle.yaml', which extends another file; one level is allowed"


def test_the_extended_file_must_lie_beside_the_file(folder):
    write(folder, "top.yaml", {"extends": "bse.yaml"})
    assert message_of("top.yaml") == "top.yaml: extends 'bse.yaml', which does not lie beside it"


# ---- defaults


def test_defaults_fill_what_an_entry_does_not_say():
    content = small(("sites.0.holding_cost", 3), defaults={"sites": {"holding_cost": 1, "handling": 40}})
    problem = world_from(content, "x").problem
    assert problem.prices.holding.tolist() == [[[3, 3], [1, 1]]]
    assert problem.sites.handling.tolist() == [[40, 40]]


def test_what_is_left_out_is_free_and_unlimited():
    problem = world_from(SCENARIO, "x").problem
    assert np.isinf(problem.suppliers.capacity).all()
    assert np.isinf(problem.lanes.capacity).all()
    assert np.isinf(problem.fulfilment.capacity).all()
    assert problem.lanes.minimum.sum() == problem.prices.holding.sum() == problem.prices.shortage.sum() == 0
    assert not problem.channels.stays.any()


def test_a_lane_from_a_supplier_costs_what_the_sku_does_and_one_between_sites_nothing():
    prices = world_from(SCENARIO, "x").problem.prices
    assert prices.purchase.tolist() == [[[2, 4], [0, 0]]]


def test_a_channel_pays_its_own_price_or_the_skus():
    prices = world_from(small(("channels.1.price", {"tin": 6, "*": 10})), "x").problem.prices
    assert prices.price.tolist() == [[[5, 9], [6, 10]]]


def test_holding_cost_may_be_a_rate_on_unit_cost():
    prices = world_from(small(("sites.0.holding_cost", {"rate": 0.25})), "x").problem.prices
    assert prices.holding.tolist() == [[[0.5, 1.0], [0, 0]]]


def test_capacities_are_rounded_down_where_units_are_whole():
    content = small(("suppliers.0.capacity", 7.9), ("sites.0.handling", 3.2), ("supply_lanes.0.capacity", 0.5))
    problem = world_from(content, "x").problem
    assert (problem.suppliers.capacity[0, 0], problem.sites.handling[0, 0], problem.lanes.capacity[0, 0]) == (7, 3, 0)
    assert world_from(content | {"units": "continuous"}, "x").problem.suppliers.capacity[0, 0] == 7.9


# ---- patterns


def test_a_pattern_stands_for_every_lane_except_from_a_place_to_itself():
    content = small(supply_lanes=[{"from": "mill", "to": "*"}, {"from": "[ds]*", "to": "*", "lead_time": 1}])
    assert world_from(content, "x").names.supply_lanes == ["mill → depot", "mill → store", "depot → store", "store → depot"]


def test_a_lane_carries_the_skus_of_its_patterns_and_needs_no_numbers_for_others():
    content = small(("supply_lanes.0.skus", ["t*"]), ("supply_lanes.0.unit_cost", {"tin": 3}))
    problem = world_from(content, "x").problem
    assert problem.lanes.allowed.tolist() == [[True, False], [True, True]]
    assert problem.prices.purchase[0, 0, 0] == 3


def test_in_a_mapping_by_sku_the_most_specific_pattern_wins():
    skus = [{"name": name, "price": 5} for name in ("tin-small", "tin-large", "jar")]
    content = small(("sites.0.initial_stock", {"tin-large": 9, "*": 1, "tin-*": 5, "tin-large*": 3}), skus=skus)
    assert world_from(content, "x").problem.sites.initial_stock[0].tolist() == [5, 9, 1]


def test_a_name_may_hold_characters_that_mean_something_in_a_pattern():
    content = small(("skus.0.name", "tin [330 ml]"), ("sites.0.initial_stock", {"tin [330 ml]": 3, "*": 1}))
    assert world_from(content, "x").problem.sites.initial_stock[0].tolist() == [3, 1]


def test_demand_of_an_entry_covers_the_channels_and_skus_that_match():
    process = {"distribution": "deterministic", "mean": {"tin": 2, "jar": 4}, "scale": {"web": 3}}
    demand = [
        {"channel": "web", "process": process},
        {"channel": "shop", "sku": "jar", "process": {"distribution": "deterministic", "mean": 7}},
    ]
    known = world_from(small(demand=demand), "x").problem.demand
    assert known.mean[0].tolist() == [[6, 12], [0, 7]]  # web, shop × tin, jar


def test_demand_of_one_sku_needs_no_mean_of_another():
    demand = [
        {"sku": "tin", "process": {"distribution": "deterministic", "mean": {"tin": 2}}},
        {"sku": "jar", "process": {"distribution": "deterministic", "mean": 3}},
    ]
    assert world_from(small(demand=demand), "x").problem.demand.mean[0].tolist() == [[2, 3], [2, 3]]


def test_seasons_of_different_lengths_repeat_together():
    demand = [
        {"sku": "tin", "process": {"distribution": "deterministic", "mean": 1, "season": {"period": 2, "profile": [1, 2]}}},
        {"sku": "jar", "process": {"distribution": "deterministic", "mean": 1, "season": {"period": 3, "profile": [3, 4, 5]}}},
    ]
    known = world_from(small(demand=demand), "x").problem.demand
    assert known.mean[:, 0].tolist() == [[1, 3], [2, 4], [1, 5], [2, 3], [1, 4], [2, 5]]


# ---- freight by distance


def test_freight_is_a_base_and_a_rate_on_the_distance_either_way():
    content = small(
        ("supply_lanes.0.freight", {"base": {"tin": 1, "jar": 2}, "per_km": 0.1}),
        ("supply_lanes.1.freight", {"per_km": 0.5}),
        distances={"depot": {"mill": 30}, "store": {"depot": 8}},
    )
    assert world_from(content, "x").problem.prices.inbound_freight.tolist() == [[[4, 5], [4, 4]]]


def test_customers_are_where_their_region_is_or_else_at_their_channels_own_place():
    content = small(
        ("channels.0.region", "north"),
        ("fulfilment_lanes.0.freight", {"per_km": 1}),
        ("fulfilment_lanes.1.freight", {"base": 1, "per_km": 1}),
        distances={"store": {"shop": 2}, "depot": {"north": 40}},
    )
    assert world_from(content, "x").problem.prices.outbound_freight.tolist() == [[[2, 2], [41, 41]]]


# ---- overrides


def test_an_override_replaces_one_value(folder):
    file = write(folder, "mine.yaml", SCENARIO)
    overrides = [
        "horizon.periods=104",
        "supply_lanes[0].lead_time=5",
        "sites.store.initial_stock={tin: 2, jar: 3}",
        "units=continuous",
    ]
    world = load_scenario(file, overrides)
    assert world.problem.clock.length == 104
    assert world.problem.lanes.slots == 6
    assert world.problem.sites.initial_stock[1].tolist() == [2, 3]
    assert not world.problem.rules.whole


def test_an_override_may_state_what_the_file_leaves_out(folder):
    world = load_scenario(write(folder, "mine.yaml", SCENARIO), ["observation.demand_history=3", "suppliers.mill.capacity=9"])
    assert world.problem.demand.history_slots == 3
    assert world.problem.suppliers.capacity.tolist() == [[9]]


def test_an_override_leaves_the_content_it_changes_alone():
    changed = apply_overrides(SCENARIO, ["horizon.periods=1", "name=a=b"], "x")
    assert (changed["horizon"]["periods"], changed["name"]) == (1, "a=b")
    assert SCENARIO["horizon"]["periods"] == 10


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("horizon.periods", "mine.yaml: the override 'horizon.periods' must read key=value, such as horizon.periods=104"),
        ("=3", "mine.yaml: the override '=3' must read key=value, such as horizon.periods=104"),
        (
            "name=[1",
            "mine.yaml: the override 'name=[1' has a value that is not YAML: expected ',' or ']', but got '<stream end>'",
        ),
        (
            "supply_lanes[7].lead_time=1",
            "mine.yaml: the override 'supply_lanes[7].lead_time=1' names no entry '7'; allowed: 0, 1",
        ),
        (
            "sites.stroe.handling=1",
            "mine.yaml: the override 'sites.stroe.handling=1' names no entry 'stroe'; did you mean 'store'?",
        ),
        ("name.first=1", "mine.yaml: the override 'name.first=1' leads nowhere: 'small' has no part 'first'"),
        ("horizon.perods=3", "mine.yaml: unknown key 'horizon.perods'; did you mean 'periods'?"),
        ("horizon.periods=many", "mine.yaml: horizon.periods must be a whole number, not 'many'"),
    ],
)
def test_an_override_that_fits_nowhere_says_why(folder, override, message):
    write(folder, "mine.yaml", SCENARIO)
    assert message_of("mine.yaml", [override]) == message


def test_an_override_of_a_list_that_comes_from_elsewhere_says_so(folder):
    content = small()
    del content["suppliers"]
    write(folder, "mine.yaml", content)
    line = "mine.yaml: the override 'suppliers[0].capacity=3' changes an entry of suppliers, of which the file lists none"
    assert message_of("mine.yaml", ["suppliers[0].capacity=3"]) == line


# ---- test sections


def test_a_test_section_replaces_the_files_own_in_test_worlds_only():
    replaced = [{"process": {"distribution": "deterministic", "mean": 9}}]
    world = world_from(small(test={"demand": replaced}, defaults={"sites": {"handling": 4}}), "x.yaml")
    test = world.for_test()
    assert world.problem.demand.mean.max() == pytest.approx(3)
    assert test.problem.demand.mean.tolist() == [[[9, 9], [9, 9]]]
    assert test.problem.sites.handling.tolist() == [[4, 4]]  # all else stays
    assert test.origin == "x.yaml (test)"
    assert test.for_test() is test


def test_without_a_test_section_policies_are_tested_in_the_world_itself():
    world = world_from(SCENARIO, "x.yaml")
    assert world.for_test() is world


def test_a_fault_in_a_test_section_says_that_it_is_there():
    world = world_from(small(test={"horizon": {"periods": 0}}), "x.yaml")
    with pytest.raises(ScenarioError, match=r"^x\.yaml \(test\): horizon\.periods must be >= 1, not 0$"):
        world.for_test()


def test_a_receipt_listed_after_fulfil_brings_a_warning():
    with pytest.warns(UserWarning, match="x.yaml: sequence lists receive after fulfil"):
        world_from(small(sequence=["decide", "demand", "fulfil", "receive", "charge"]), "x.yaml")


# ---- tables of entries


WORLD = """
name: tabworld
horizon: {kind: window, periods: 10}
skus: {table: skus.csv}
suppliers: [{name: s}]
sites: [{name: shop, initial_stock: 5}]
channels: [{name: c}]
supply_lanes: [{from: s, to: shop, lead_time: 1}]
fulfilment_lanes: [{from: shop, to: c}]
demand: [{process: {distribution: poisson, mean: 3}}]
"""


@pytest.fixture
def of_table(folder):
    """Return a function that loads the world whose SKUs stand in a table, of which it is given the text."""

    def load(text):
        write(folder, "world.yaml", WORLD)
        write(folder, "skus.csv", text)
        return load_scenario("world.yaml")

    return load


def test_cells_of_a_table_are_texts_and_numbers_as_their_key_wants_them(of_table):
    text = 'name,price,unit_cost,shelf_life\n1001,010,1.5,\n0017,8,2e0,\nNO,3,1,\nbolt #5,4,"{uniform: [1, 2]}",\n'
    skus = of_table(text).scenario.skus
    assert [sku.name for sku in skus] == ["1001", "0017", "NO", "bolt #5"]
    assert [sku.price for sku in skus] == [10, 8, 3, 4]
    assert [sku.unit_cost for sku in skus[:3]] == [1.5, 2.0, 1.0]
    assert skus[3].unit_cost.uniform == (1, 2)


TABLES = {
    "a time for a price": ("name,price\na,1:30\n", "skus[0].price must be a number"),
    "a comment": ("name,price\na,5 #x\n", "skus[0].price must be a number"),
    "a row too short": ("name,price,unit_cost\na,3,2\nb,4\n", "skus.csv: row 2 (line 3): has 2 cells, but the header has 3"),
    "a column twice": ("name,price,price\na,3,4\n", "skus.csv: has two columns 'price'"),
    "digits with underscores": ("name,price\na,1_0\n", "skus[0].price must be a number"),
    "braces that are no YAML": (
        'name,price\na,"{uniform: [1"\n',
        "skus.csv: row 1 (line 2), column price: '{uniform: [1' is not",
    ),
    "octal in braces": ('name,price\na,"[010, 3]"\n', "010 would be read as 8, to the base of 8"),
    "thousands or a fraction": (
        "name;price\na;1.500\n",
        "column price: '1.500' can be thousands or a fraction; part the cells by",
    ),
    "a key that is none": ("name,prise\na,3\n", "unknown key 'skus[0].prise'; did you mean 'price'?"),
}


@pytest.mark.parametrize("fault", TABLES)
def test_a_cell_that_its_key_does_not_want_is_refused(of_table, fault):
    text, words = TABLES[fault]
    with pytest.raises(ScenarioError) as error:
        of_table(text)
    assert words in str(error.value)


def test_a_table_may_be_a_workbook(folder):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["name", "price"], [1001, 2.5], ["0017", 3]):
        book.active.append(row)
    book.save(folder / "skus.xlsx")
    write(folder, "world.yaml", WORLD.replace("skus.csv", "skus.xlsx"))
    skus = load_scenario("world.yaml").scenario.skus
    assert [(sku.name, sku.price) for sku in skus] == [("1001", 2.5), ("0017", 3)]


@pytest.mark.parametrize(("written", "read", "base"), [("010", 8, 8), ("1:30", 90, 60), ("-017", -15, 8), ("1:30.5", 90.5, 60)])
def test_a_number_that_yaml_reads_otherwise_is_refused_with_its_line(folder, written, read, base):
    write(folder, "w.yaml", WORLD.replace("lead_time: 1", f"lead_time: {written}"))
    words = f"{written} would be read as {read:g}, to the base of {base}; write it in quotes, or as a plain number"
    assert message_of("w.yaml") == f"w.yaml, line 8: not valid YAML: {words}"
    with pytest.raises(ScenarioError, match=f"has a value that is not YAML: {written} would be read as"):
        load_scenario("lost_sales", [f"supply_lanes[0].lead_time={written}"])


# ---- what is left out and must not be


def test_profit_needs_a_price_of_each_sku(folder):
    scenario = small(("skus.0.price", None), ("channels.0.price", None))
    del scenario["skus"][0]["price"], scenario["channels"][0]["price"]
    for channel in scenario["channels"]:
        channel.pop("price", None)
    words = (
        "'tin' has no price, which profit needs; channel 'web' has none of its own; write 0 where nothing is paid, or objective"
    )
    with pytest.raises(ScenarioError, match=words):
        world_from(scenario, "w")
    scenario["skus"][0]["price"] = 0
    assert world_from(scenario, "w").problem.prices.revenue.min() == 0.0
    del scenario["skus"][0]["price"]
    assert world_from({**scenario, "objective": "cost"}, "w")


def test_a_channel_needs_demand(folder):
    scenario = small(("demand", [{"channel": "web", "process": {"distribution": "poisson", "mean": 1}}]))
    with pytest.raises(ScenarioError, match=r"w: channels\[1\]: nothing is asked for by 'shop'; no entry of demand covers it"):
        world_from(scenario, "w")
    scenario["demand"].append({"channel": "shop", "process": {"distribution": "poisson", "mean": 0}})
    assert world_from(scenario, "w").problem.demand.mean[:, 1].max() == 0.0


def test_only_demand_that_waits_can_be_open_when_an_episode_begins():
    with pytest.raises(ScenarioError, match=r"channels\[0\]: initial_open needs demand that waits"):
        world_from(small(("channels.0.initial_open", 3)), "w")
    with pytest.raises(ScenarioError, match=r"channels\[0\].initial_open must be whole units where units are integer, not 0.5"):
        world_from(small(("channels.0.unmet", "backorder"), ("channels.0.initial_open", 0.5)), "w")
    world = world_from(small(("channels.0.unmet", "backorder"), ("channels.0.initial_open", {"tin": 3, "jar": 0})), "w")
    assert world.problem.channels.initial_open.tolist() == [[3, 0], [0, 0]]


# ---- what would not fit into memory


TOO_LARGE = {
    "supply_lanes[0].lead_time=4000000": "lead_time: must be at most 10,000 periods, not 4,000,000, which would take 30.5 MiB",
    "supply_lanes[0].lead_time=1000000000000": "which would take 7,450.6 GiB a SKU in every world",
    "supply_lanes[0].lead_time={distribution: empirical, samples: [1, 999999]}": "must be at most 10,000 periods, not 999,999",
    "channels[0].max_lateness=99999": "channels[0].max_lateness: must be at most 10,000 periods",
    "skus[0].shelf_life=99999": "skus[0].shelf_life: must be at most 10,000 periods",
    "demand[0].process.mean=1000000000000": "demand[0].process: needs a table of 2e+07 values (0.298 GiB), more than 4,194,304",
    "demand[0].process={distribution: geometric, mean: 1.0e+8}": "process: needs a table of 3.9e+09 values (58.1 GiB)",
    "demand[0].process={distribution: uniform_integer, low: 0, high: 1000000000}": "needs a table of 1e+09 values",
    "demand[0].process={distribution: binomial, trials: 1000000000, probability: 0.5}": "needs a table of 1e+09 values",
}


@pytest.mark.parametrize("override", TOO_LARGE)
def test_what_would_not_fit_is_refused_with_its_size(override):
    with pytest.raises(ScenarioError) as error:
        load_scenario("lost_sales", [override])
    assert TOO_LARGE[override] in str(error.value)


def test_large_means_need_tables_of_what_is_likely_only():
    world = load_scenario("lost_sales", ["demand[0].process.mean=100000000"])
    (first,), values = world.problem.tables.first[-1:], np.diff(world.problem.tables.start)[-1]
    assert abs(world.problem.demand.mean[0, 0, 0] - 1e8) < 0.1
    assert abs(world.problem.demand.deviation[0, 0, 0] - 1e4) < 0.1
    assert first < 1e8 - 11e4
    assert values < 250_000
