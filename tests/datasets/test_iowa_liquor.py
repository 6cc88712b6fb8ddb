"""Iowa's liquor orders: weekly sums, prices and the shipped world, on a folder of a few lines and on the real files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allotment.datasets.iowa_liquor import read
from allotment.datasets.iowa_orders import SALES
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from allotment.scenario.source_data import SourceData

LINES = """Date,Invoice/Item Number,Store Number,Item Number,Bottles Sold,Sale (Dollars)
2018-01-02,A1,11,x904,12,36.0
2018-01-05,A2,12,x904,6,18.0
2018-01-05,A3,12,1799,4,100.0
2018-01-08,A4,11,x904,24,84.0
2018-01-09,A5,11,1799,1,0.0
2018-12-30,A6,13,1799,6,162.0
2018-12-31,A7,13,1799,7,999.0
2019-12-29,A8,14,x904,5,999.0
2019-12-30,A9,14,x904,9,999.0
2018-06-04,A10,14,x904,52,156.0
2018-06-04,A11,15,1799,26,676.0
2018-06-04,A12,16,1799,26,676.0
"""

STORES = """Store,Name,City,latitude,longitude
11,ONE,DES MOINES,41.0,-93.0
12,TWO,DES MOINES,43.0,-93.0
13,THREE,DAVENPORT,41.0,-93.0
14,FOUR,CEDAR RAPIDS,42.5,-93.0
15,FIVE,SIOUX CITY,,
16,SIX,SIOUX CITY,40.0,-93.0
"""

PRODUCTS = """Item Number,Item Description,Vendor Name,Pack
x904,VODKA,LUXCO INC,12
1799,RUM,"DIAGEO  AMERICAS, INC.",6
2000,GIN,NOBODY,6
"""

CITIES = ["cedar-rapids", "davenport", "des-moines", "sioux-city"]


def write_folder(parent: Path, lines: str = LINES, stores: str = STORES) -> Path:
    """Return a folder laid out as the real one, every line of it visible above."""
    folder = parent / "iowa_liquor"
    folder.mkdir()
    with gzip.open(folder / SALES, "wt") as file:
        file.write(lines)
    (folder / "stores.csv").write_text(stores)
    (folder / "products.csv").write_text(PRODUCTS)
    return folder


def demand(source: SourceData, year: str, city: str, item: str) -> np.ndarray:
    history = source.histories[year]
    return history.units[:, history.channels.index(f"orders-{city}"), history.skus.index(item)]


def named(source: SourceData, section: str, name: str) -> dict:
    return next(entry for entry in source.sections[section] if entry["name"] == name)


def test_stores_of_a_city_add_up_to_its_weekly_demand(tmp_path):
    source = read(write_folder(tmp_path), {})
    vodka = demand(source, "2018", "des-moines", "x904")
    assert vodka[:3].tolist() == [12 + 6, 24, 0]
    assert vodka.sum() == 42


def test_a_year_is_52_iso_weeks_and_the_days_beyond_are_left_out(tmp_path):
    source = read(write_folder(tmp_path), {})
    assert source.histories["2018"].units.shape == source.histories["2019"].units.shape == (52, 4, 2)
    assert demand(source, "2018", "davenport", "1799")[51] == 6  # Sunday 2018-12-30
    assert demand(source, "2019", "davenport", "1799")[0] == 7  # Monday 2018-12-31
    assert demand(source, "2019", "cedar-rapids", "x904")[51] == 5  # Sunday 2019-12-29
    assert source.histories["2019"].units.sum() == 7 + 5  # not the 9 of Monday 2019-12-30


def test_a_week_without_orders_is_a_week_of_no_demand(tmp_path):
    units = read(write_folder(tmp_path), {}).histories["2018"].units
    assert (units == 0).sum() == 52 * 4 * 2 - 7  # four in Des Moines, one in each other city
    assert units.dtype == np.float64


def test_price_is_2018_dollars_per_bottle_of_lines_that_have_dollars(tmp_path):
    source = read(write_folder(tmp_path), {})
    vodka, rum = named(source, "skus", "x904"), named(source, "skus", "1799")
    assert vodka["price"] == round((36 + 18 + 84 + 156) / (12 + 6 + 24 + 52), 4)
    assert rum["price"] == round((100 + 162 + 1352) / (4 + 6 + 52), 4)  # the free bottle has no price
    assert vodka["unit_cost"] == pytest.approx(vodka["price"] / 1.5, abs=1e-4)
    assert (vodka["case_pack"], rum["case_pack"]) == (12.0, 6.0)


def test_a_vendor_supplies_its_own_items_to_every_city(tmp_path):
    source = read(write_folder(tmp_path), {})
    assert [supplier["name"] for supplier in source.sections["suppliers"]] == ["diageo-americas-inc", "luxco-inc"]
    lanes = source.sections["supply_lanes"]
    assert len(lanes) == 2 * 4
    assert lanes[0] == {"from": "diageo-americas-inc", "to": "warehouse-cedar-rapids", "skus": ["1799"]}


def test_distances_lie_between_the_centres_of_the_stores_with_a_known_place(tmp_path):
    distances = read(write_folder(tmp_path), {}).sections["distances"]
    degree = 111.2  # km of latitude
    assert distances["warehouse-des-moines"]["warehouse-davenport"] == pytest.approx(degree, abs=0.05)
    assert distances["warehouse-davenport"]["warehouse-cedar-rapids"] == pytest.approx(1.5 * degree, abs=0.05)
    assert "warehouse-davenport" not in distances["warehouse-davenport"]


def test_a_city_without_a_store_whose_place_is_known_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match=r"stores\.csv has no latitude and longitude of any store in sioux-city"):
        read(write_folder(tmp_path, stores=STORES.replace("40.0,-93.0", ",")), {})


def test_assumptions_scale_with_the_mean_week_of_2018(tmp_path):
    options = {"opening_weeks": 2, "vendor_capacity": 1.5, "handling": 3, "closing_value": 0.5}
    source = read(write_folder(tmp_path), options)
    site = named(source, "sites", "warehouse-sioux-city")
    assert site["initial_stock"] == {"1799": 2.0, "x904": 0.0}  # one bottle a week
    assert site["handling"] == 3.0
    assert site["salvage"]["x904"] == pytest.approx(0.5 * named(source, "skus", "x904")["unit_cost"], abs=1e-4)
    assert named(source, "suppliers", "luxco-inc")["capacity"] == np.ceil(1.5 * 94 / 52)


def test_a_world_may_have_one_item_in_so_many(tmp_path):
    folder = write_folder(tmp_path)
    one, other = (read(folder, {"items_every": 2, "items_first": first}).sections["skus"] for first in (0, 1))
    assert len(one) == len(other) == 1 and one[0]["name"] != other[0]["name"]
    assert [supplier["name"] for supplier in read(folder, {"items_every": 2}).sections["suppliers"]] != []
    with pytest.raises(ScenarioError, match="items_first must be below items_every, not 2 of 2"):
        read(folder, {"items_every": 2, "items_first": 2})


def test_without_options_nothing_is_assumed(tmp_path):
    source = read(write_folder(tmp_path), {})
    assert "capacity" not in source.sections["suppliers"][0]
    assert "handling" not in source.sections["sites"][0]
    assert set(source.sections["sites"][0]["initial_stock"].values()) == {0.0}


def test_a_misspelt_option_names_the_nearest(tmp_path):
    with pytest.raises(ScenarioError, match="'opening_week'; did you mean 'opening_weeks'"):
        read(write_folder(tmp_path), {"opening_week": 6})
    with pytest.raises(ScenarioError, match="options: handling must be >= 0, not -1"):
        read(tmp_path / "iowa_liquor", {"handling": -1})


def test_an_absent_folder_names_the_path_the_data_set_the_selection_and_the_remedy(tmp_path):
    with pytest.raises(ScenarioError) as error:
        read(tmp_path / "nowhere", {})
    message = str(error.value)
    assert str(tmp_path / "nowhere") in message
    for part in ("m3tr-qhgy", "top 25 stores", "SIOUX CITY", "top 100 items", "ALLOTMENT_DATA"):
        assert part in message


def test_an_absent_file_is_named(tmp_path):
    folder = write_folder(tmp_path)
    (folder / "products.csv").unlink()
    with pytest.raises(ScenarioError, match=r"products\.csv does not exist"):
        read(folder, {})


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    with pytest.raises(ScenarioError, match=r"stores\.csv has no entry for store 15"):
        read(write_folder(tmp_path, stores=STORES.replace("15,FIVE,SIOUX CITY,,\n", "")), {})


def test_a_file_without_its_columns_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="must have the columns Date, Store Number"):
        read(write_folder(tmp_path, lines=LINES.replace("Bottles Sold", "Bottles")), {})


def test_a_return_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="Bottles Sold must be >= 0, not -6"):
        read(write_folder(tmp_path, lines=LINES.replace("x904,6,18.0", "x904,-6,-18.0")), {})


def test_an_item_not_sold_in_2018_has_no_price(tmp_path):
    with pytest.raises(ScenarioError, match="item 2000 has no priced order line in 2018"):
        read(write_folder(tmp_path, lines=LINES + "2019-05-05,B1,11,2000,1,9.0\n"), {})


def test_the_shipped_world_trains_on_2018_and_is_tested_on_2019(tmp_path, monkeypatch):
    write_folder(tmp_path)
    monkeypatch.setenv("ALLOTMENT_DATA", str(tmp_path))
    world = load_scenario("iowa_liquor")
    train, test = world.problem, world.for_test().problem
    assert (train.demand.recorded.sum(), train.demand.replayed) == (42 + 4 + 1 + 6 + 52 + 52, False)
    assert (test.demand.recorded.sum(), test.demand.replayed) == (7 + 5, True)
    assert train.clock.length == test.clock.length == 52
    np.testing.assert_array_equal(train.demand.mean, test.demand.mean)  # what is known comes from 2018 in both


def test_the_shipped_world_has_vendors_lanes_and_transfers(tmp_path, monkeypatch):
    write_folder(tmp_path)
    monkeypatch.setenv("ALLOTMENT_DATA", str(tmp_path))
    world = load_scenario("iowa_liquor")
    problem = world.problem
    transfers = problem.lanes.site >= 0
    assert (~transfers).sum() == 2 * 4
    assert transfers.sum() == 4 * 3
    assert (problem.prices.line[0, ~transfers] == 8).all()
    rum = world.names.skus.index("1799")
    assert (problem.prices.holding[0, :, rum] == 0.0075 * world.scenario.skus[rum].unit_cost).all()
    lane = world.names.supply_lanes.index("warehouse-des-moines → warehouse-davenport")
    assert problem.prices.inbound_freight[0, lane, rum] == pytest.approx(0.05 + 0.0005 * 111.2)


def test_the_shipped_world_without_its_data_says_so(monkeypatch):
    monkeypatch.delenv("ALLOTMENT_DATA", raising=False)
    with pytest.raises(ScenarioError, match=r"\$ALLOTMENT_DATA/iowa_liquor/.* does not exist"):
        load_scenario("iowa_liquor")


REAL = Path(os.environ.get("ALLOTMENT_DATA", "")) / "iowa_liquor"
needs_data = pytest.mark.skipif(
    "ALLOTMENT_DATA" not in os.environ or not (REAL / SALES).exists(),
    reason="the order lines are not in $ALLOTMENT_DATA/iowa_liquor",
)


@pytest.fixture(scope="module")
def real() -> SourceData:
    return read(REAL, {})


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return pd.read_csv(REAL / SALES, dtype={"Item Number": str}, parse_dates=["Date"])


@needs_data
def test_the_real_files_hold_100_items_of_19_vendors_in_4_cities(real):
    counts = {section: len(entries) for section, entries in real.sections.items()}
    assert counts == {
        "skus": 100,
        "suppliers": 19,
        "sites": 4,
        "channels": 4,
        "supply_lanes": 76,
        "fulfilment_lanes": 4,
        "distances": 4,
    }
    assert [channel["name"] for channel in real.sections["channels"]] == [f"orders-{city}" for city in CITIES]
    supplied = [item for lane in real.sections["supply_lanes"][::4] for item in lane["skus"]]
    assert sorted(supplied) == sorted(sku["name"] for sku in real.sections["skus"])


@needs_data
@pytest.mark.parametrize(
    ("year", "first", "last", "bottles"),
    [("2018", "2018-01-01", "2018-12-30", 2_997_952), ("2019", "2018-12-31", "2019-12-29", 3_080_001)],
)
def test_a_real_year_adds_up_to_the_lines_between_its_dates(real, lines, year, first, last, bottles):
    between = lines[lines["Date"].between(first, last)]
    assert real.histories[year].units.sum() == between["Bottles Sold"].sum() == bottles
    by_item = between.groupby("Item Number")["Bottles Sold"].sum()
    assert real.histories[year].units.sum(axis=(0, 1)).tolist() == by_item[real.histories[year].skus].tolist()


@needs_data
def test_one_real_city_week_equals_the_lines_counted_by_hand(real, lines):
    stores = pd.read_csv(REAL / "stores.csv").set_index("Store")["City"]
    week = lines[lines["Date"].between("2018-03-05", "2018-03-11") & (lines["Item Number"] == "64870")]
    bottles = week.loc[week["Store Number"].map(stores) == "DES MOINES", "Bottles Sold"].sum()
    assert demand(real, "2018", "des-moines", "64870")[9] == bottles > 0


@needs_data
def test_real_prices_and_packs_are_plausible(real):
    prices = np.array([sku["price"] for sku in real.sections["skus"]])
    assert (prices.min(), prices.max()) == (1.34, 46.02)
    assert {sku["case_pack"] for sku in real.sections["skus"]} == {1.0, 6.0, 12.0, 24.0, 48.0}


@needs_data
def test_real_cities_lie_103_to_491_km_apart(real):
    distances = [km for row in real.sections["distances"].values() for km in row.values()]
    assert (min(distances), max(distances)) == pytest.approx((103, 490.6), abs=0.5)


@needs_data
def test_the_shipped_world_loads_the_real_files():
    world = load_scenario("iowa_liquor")
    assert world.problem.demand.recorded.shape == (52, 4, 100)
    assert len(world.names.supply_lanes) == 19 * 4 + 4 * 3
    assert world.for_test().problem.demand.recorded.sum() == 3_080_001
