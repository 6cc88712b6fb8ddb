"""Small made-up files in the layouts of published data sets, every line of them visible here."""

from pathlib import Path

import pandas as pd

WEEKS = 8  # of M5's days here, which begin on a Saturday, as the real ones do
DAYS = pd.date_range("2011-01-29", periods=7 * WEEKS, freq="D")
M5_ROWS = {  # item, department, category and store: units of day number n, from 0
    ("FOODS_1_001", "FOODS_1", "FOODS", "CA_1"): lambda n: n % 3,
    ("FOODS_1_002", "FOODS_1", "FOODS", "CA_1"): lambda n: 5,
    ("FOODS_1_001", "FOODS_1", "FOODS", "TX_1"): lambda n: 2 if n >= 14 else 0,
    ("HOBBIES_1_001", "HOBBIES_1", "HOBBIES", "CA_1"): lambda n: n // 7,
}
FAVORITA_LINES = """id,date,store_nbr,item_nbr,unit_sales,onpromotion
0,2016-01-01,1,103665,7.0,
1,2016-01-01,2,103665,1.5,False
2,2016-01-02,1,103665,-3.0,False
3,2016-01-02,1,99197,4.0,True
4,2016-01-04,2,103665,2.25,False
5,2016-01-05,1,103665,6.0,False
"""
ROSSMANN_LINES = """"Store","DayOfWeek","Date","Sales","Customers","Open","Promo","StateHoliday","SchoolHoliday"
1,3,2014-12-31,2605,327,1,0,"0","1"
2,3,2014-12-31,2269,252,1,0,"0","1"
1,4,2015-01-01,0,0,0,0,"a","1"
1,5,2015-01-02,5263,555,1,1,"0","1"
2,5,2015-01-02,6064,625,1,1,"0","1"
"""
RETAIL_LINES = """Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085,United Kingdom
489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085,United Kingdom
489435,85048,LIGHTS,24,2009-12-01 09:00:00,6.00,13085,United Kingdom
C489449,85048,LIGHTS,-12,2009-12-02 10:33:00,6.95,16321,United Kingdom
489450,79323p,PINK,3,2009-12-03 10:00:00,2.10,,France
489451,79323P,PINK,2,2009-12-03 11:00:00,2.10,,France
489452,POST,POSTAGE,1,2009-12-03 11:00:00,18.00,,France
489453,85048,lost,-7,2009-12-03 11:30:00,0.0,,United Kingdom
489454,85048,gift,1,2009-12-03 12:00:00,0.0,,United Kingdom
"""
PARTS = """month,21029627,21029628,21029646,900
1998-01,0,2,,1
1998-02,1,0,0,0
1998-03,0,0,3,4
1998-04,0,1,0,0
"""


def write_m5(folder: Path, **changes: str) -> Path:
    """Return a folder as M5's; `changes` replace the texts of sales, calendar or prices."""
    folder.mkdir(exist_ok=True)
    for name, text in {"sales": m5_sales(), "calendar": m5_calendar(), "prices": m5_prices(), **changes}.items():
        file = {"sales": "sales_train_evaluation", "calendar": "calendar", "prices": "sell_prices"}[name]
        (folder / f"{file}.csv").write_text(text)
    return folder


def m5_sales() -> str:
    """Return the sales, a row an item and store."""
    header = ["id", "item_id", "dept_id", "cat_id", "store_id", "state_id", *(f"d_{n + 1}" for n in range(len(DAYS)))]
    rows = [
        [f"{item}_{store}_evaluation", item, group, kind, store, store[:2], *(str(units(n)) for n in range(len(DAYS)))]
        for (item, group, kind, store), units in M5_ROWS.items()
    ]
    return "".join(",".join(row) + "\n" for row in [header, *rows])


def m5_calendar() -> str:
    """Return four weeks more than there are sales of, as the real one has."""
    days = pd.date_range(DAYS[0], periods=len(DAYS) + 28, freq="D")
    lines = [f"{day:%Y-%m-%d},{11101 + n // 7},{day.day_name()},d_{n + 1}" for n, day in enumerate(days)]
    return "\n".join(["date,wm_yr_wk,weekday,d", *lines]) + "\n"


def m5_prices() -> str:
    """Return prices by week: one rises in the fifth, another is not known in the first two."""
    rows = ["store_id,item_id,wm_yr_wk,sell_price"]
    for week in range(WEEKS):
        rows.append(f"CA_1,FOODS_1_001,{11101 + week},{2.0 if week < 4 else 2.5}")
        rows.append(f"CA_1,FOODS_1_002,{11101 + week},1.25")
        rows.append(f"CA_1,HOBBIES_1_001,{11101 + week},8.0")
        if week >= 2:
            rows.append(f"TX_1,FOODS_1_001,{11101 + week},3.0")
    return "\n".join(rows) + "\n"


def write_favorita(folder: Path, lines: str = FAVORITA_LINES) -> Path:
    """Return a folder as Favorita's."""
    folder.mkdir(exist_ok=True)
    (folder / "train.csv").write_text(lines)
    (folder / "items.csv").write_text(
        "item_nbr,family,class,perishable\n103665,BREAD/BAKERY,2712,1\n99197,GROCERY I,1067,0\n7,GROCERY I,1,0\n"
    )
    (folder / "stores.csv").write_text("store_nbr,city,state,type,cluster\n1,Quito,Pichincha,D,13\n2,Quito,Pichincha,D,13\n")
    return folder


def write_rossmann(folder: Path, lines: str = ROSSMANN_LINES) -> Path:
    """Return a folder as Rossmann's."""
    folder.mkdir(exist_ok=True)
    (folder / "train.csv").write_text(lines)
    (folder / "store.csv").write_text('"Store","StoreType","Assortment"\n1,"c","a"\n2,"a","a"\n3,"a","a"\n')
    return folder


def write_file(folder: Path, name: str, text: str) -> Path:
    """Return a folder with one file in it."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder
