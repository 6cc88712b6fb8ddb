"""Every bad input gets one line that names the file, the key, what was seen and what is allowed."""

from __future__ import annotations

import pytest
from small_scenario import small, without

from allotment.scenario.errors import ScenarioError, nearest, place
from allotment.scenario.loader import world_from
from allotment.scenario.schema import PHASES


def message_of(content):
    with pytest.raises(ScenarioError) as error:
        world_from(content, "envs/x.yaml")
    return str(error.value)


def demanding(**process):
    return small(("demand.0.process", process))


def lead_time(**process):
    return small(("supply_lanes.1.lead_time", process))


PROCESSES = (
    "binomial, deterministic, empirical, gamma, geometric, intermittent, negative_binomial, normal, one_of, poisson, trace, "
    "uniform_integer"
)
LEAD_TIMES = "categorical, empirical, geometric, shifted_poisson"

UNKNOWN_KEYS = [
    (small(("observation", {"open_orders": "total"})), "unknown key 'observation.open_orders'; it is called 'open_demand' now"),
    (
        small(("observation", {"outstanding": "by_lane"})),
        "unknown key 'observation.outstanding'; it is called 'in_transit' now",
    ),
    (small(("horizonn", {})), "unknown key 'horizonn'; did you mean 'horizon'?"),
    (small(("supply_lanes.1.led_time", 2)), "unknown key 'supply_lanes[1].led_time'; did you mean 'lead_time'?"),
    (small(("supply_lanes.1.form", "mill")), "unknown key 'supply_lanes[1].form'; did you mean 'from'?"),
    (
        small(("sites.0.colour", "red")),
        "unknown key 'sites[0].colour'; allowed: count_every, handling, holding_cost, initial_stock, kind, max_position, name, "
        "overflow, overflow_cost, production_capacity, production_cost, region, salvage, shrinkage, storage, yield",
    ),
    (demanding(distribution="poisson", men=3), "unknown key 'demand[0].process.men'; did you mean 'mean'?"),
    (
        demanding(distribution="poisson", mean=3, season={"perod": 4}),
        "unknown key 'demand[0].process.season.perod'; did you mean 'period'?",
    ),
    (
        small(("supply_lanes.0.freight", {"base": 1, "per_kn": 2})),
        "unknown key 'supply_lanes[0].freight.per_kn'; did you mean 'per_km'?",
    ),
    (small(("horizon", {"perods": 10})), "unknown key 'horizon.perods'; did you mean 'periods'?"),
    (
        small(("data", {"reader": "iowa_liquor", "folder": "x", "option": {}})),
        "unknown key 'data.option'; did you mean 'options'?",
    ),
    (small(("defaults", {"site": {}})), "unknown key 'defaults.site'; did you mean 'sites'?"),
    (small(("defaults", {"sites": {"handlin": 3}})), "unknown key 'defaults.sites.handlin'; did you mean 'handling'?"),
    (small(("test", {"demnd": []})), "unknown key 'test.demnd'; did you mean 'demand'?"),
]

MISSING = [
    (without("skus"), "skus is missing"),
    (without("skus.0.name"), "skus[0].name is missing"),
    (without("supply_lanes.0.from"), "supply_lanes[0].from is missing"),
    (demanding(distribution="poisson"), "demand[0].process.mean is missing"),
    (demanding(mean=3), f"demand[0].process.distribution is missing; allowed: {PROCESSES}"),
    (lead_time(values=[1]), f"supply_lanes[1].lead_time.distribution is missing; allowed: {LEAD_TIMES}"),
    (lead_time(distribution="shifted_poisson", mean=1), "supply_lanes[1].lead_time.maximum is missing"),
    (small(skus=[]), "skus must list at least 1, not an empty list"),
]

WRONG_TYPES = [
    (small(("skus.0.name", 904)), "skus[0].name must be text, not 904"),
    (small(("horizon", 10)), "horizon must be a mapping, not 10"),
    (small(("horizon.periods", 10.5)), "horizon.periods must be a whole number, not 10.5"),
    (small(("skus", {"tin": 1})), "skus must be a list, not {'tin': 1}"),
    (small(("skus.1", "jar")), "skus[1] must be a mapping, not 'jar'"),
    (small(("sites.0.initial_stock", "lots")), "sites[0].initial_stock must be a number or a mapping, not 'lots'"),
    (small(("supply_lanes.0.lead_time", None)), "supply_lanes[0].lead_time must be a whole number or a mapping, not null"),
    (small(("supply_lanes.0.lead_time", True)), "supply_lanes[0].lead_time must be a whole number, not true"),
    (small(("supply_lanes.0.lead_time", 1.5)), "supply_lanes[0].lead_time must be a whole number, not 1.5"),
    (small(("supply_lanes.0.skus", "tin")), "supply_lanes[0].skus must be a list, not 'tin'"),
    (small(("observation", {"calendar": "yes"})), "observation.calendar must be true or false, not 'yes'"),
    (small(("demand.0.process", 3)), "demand[0].process must be a mapping, not 3"),
    (small(("defaults", [1])), "defaults must be a mapping of list names, not [1]"),
    (small(("defaults", {"sites": [1]})), "defaults.sites must be a mapping, not [1]"),
    (small(("test", 3)), "test must be a mapping, not 3"),
    (small(("sites.0.initial_stock", {904: 3})), "sites[0].initial_stock[904] must be text, not 904"),
]

OUT_OF_RANGE = [
    (small(("supply_lanes.1.lead_time", -2)), "supply_lanes[1].lead_time must be >= 0, not -2"),
    (small(("sites.0.holding_cost", -1)), "sites[0].holding_cost must be >= 0 or a list, not -1"),
    (small(("sites.0.holding_cost", {"rate": -1})), "sites[0].holding_cost.rate must be >= 0, not -1"),
    (small(("sites.0.holding_cost", {"tin": -1, "jar": 0})), "sites[0].holding_cost.tin must be >= 0 or a list, not -1"),
    (demanding(distribution="poisson", mean={"tin": 1, "jar": -2}), "demand[0].process.mean.jar must be >= 0, not -2"),
    (demanding(distribution="binomial", trials=3, probability=1.5), "demand[0].process.probability must be <= 1, not 1.5"),
    (
        demanding(distribution="negative_binomial", mean=3, dispersion=1),
        "demand[0].process.dispersion must be >= 1.0001, not 1",
    ),
    (small(("horizon.periods", 0)), "horizon.periods must be >= 1, not 0"),
    (small(("horizon.stock_value", "price")), "horizon.stock_value must be 'cost' or 'none', not 'price'"),
    (
        small(("horizon", {"periods": 3, "kind": "season", "stock_value": "cost"})),
        "horizon: stock_value cost belongs to a window; in a season, sites.salvage values what is left",
    ),
    (small(("suppliers.0.capacity", float("inf"))), "suppliers[0].capacity must be finite or a list, not inf"),
    (small(("units", "boxes")), "units must be 'integer' or 'continuous', not 'boxes'"),
    (small(("channels.0.unmet", None)), "channels[0].unmet must be 'lost' or 'backorder', not null"),
    (
        small(("data", {"reader": "iowa_liqour", "folder": "x"})),
        "data.reader: unknown dataset 'iowa_liqour'; did you mean 'iowa_liquor'?",
    ),
    (small(("distances", {"mill": {"depot": -1}})), "distances.mill.depot must be >= 0, not -1"),
    (
        lead_time(distribution="categorical", values=[-1, 2], probabilities=[0.5, 0.5]),
        "supply_lanes[1].lead_time.values[0] must be >= 0, not -1",
    ),
]

PROCESSES_THAT_ARE_NONE = [
    (demanding(distribution="poison", mean=3), "demand[0].process: unknown distribution 'poison'; did you mean 'poisson'?"),
    (demanding(distribution="zipf"), f"demand[0].process: unknown distribution 'zipf'; allowed: {PROCESSES}"),
    (
        lead_time(distribution="poison"),
        f"supply_lanes[1].lead_time: unknown distribution 'poison'; allowed: {LEAD_TIMES}",
    ),
    (
        lead_time(distribution="categorical", values=[1, 2], probabilities=[0.5, 0.4]),
        "supply_lanes[1].lead_time: probabilities must sum to 1, not 0.9",
    ),
    (
        lead_time(distribution="categorical", values=[1, 2], probabilities=[1.0]),
        "supply_lanes[1].lead_time: 2 values but 1 probabilities",
    ),
    (
        lead_time(distribution="shifted_poisson", shift=3, mean=1, maximum=2),
        "supply_lanes[1].lead_time: maximum must be >= shift, not 2 < 3",
    ),
    (demanding(distribution="uniform_integer", low=5, high=2), "demand[0].process: low must be <= high, not 5 > 2"),
    (
        demanding(distribution="poisson", mean=3, season={"period": 3, "profile": [1, 2]}),
        "demand[0].process.season: profile has 2 values, the cycle has 3 periods",
    ),
    (
        demanding(distribution="empirical", history="2018"),
        "demand[0].process: no history is called '2018'; the scenario has none, of its own or from a data reader",
    ),
    (
        small(
            demand=[
                {"sku": sku, "process": {"distribution": "poisson", "mean": 1, "season": {"period": period}}}
                for sku, period in (("tin", 52), ("jar", 365))
            ]
        ),
        "demand: seasons of 52 and 365 periods must repeat together within 2000, not 18980",
    ),
]

FRACTIONS = [
    (small(("sites.0.initial_stock", 2.5)), "sites[0].initial_stock must be whole units where units are integer, not 2.5"),
    (
        small(("sites.1.initial_stock", {"tin": 1, "jar": 0.5})),
        "sites[1].initial_stock must be whole units where units are integer, not 0.5",
    ),
    (small(("supply_lanes.0.multiple", 2.5)), "supply_lanes[0].multiple must be whole units where units are integer, not 2.5"),
    (small(("skus.1.case_pack", 1.5)), "skus[1].case_pack must be whole units where units are integer, not 1.5"),
    (
        demanding(distribution="deterministic", mean=2.5),
        "demand[0].process: deterministic demand must be whole units where units are integer, not 2.5",
    ),
    (
        demanding(distribution="normal", mean=5, standard_deviation=2),
        "demand[0].process: distribution normal needs units: continuous, or rounded: true",
    ),
]

NAMES = [
    (small(("supply_lanes.1.to", "stroe")), "supply_lanes[1].to: nothing is called 'stroe'; did you mean 'store'?"),
    (small(("supply_lanes.0.from", "zzz")), "supply_lanes[0].from: nothing is called 'zzz'; allowed: depot, mill, store"),
    (small(("supply_lanes.0.skus", ["tinn"])), "supply_lanes[0].skus: nothing is called 'tinn'; did you mean 'tin'?"),
    (small(("fulfilment_lanes.0.to", "shp")), "fulfilment_lanes[0].to: nothing is called 'shp'; did you mean 'shop'?"),
    (small(("demand.0.channel", "wb")), "demand[0].channel: nothing is called 'wb'; did you mean 'web'?"),
    (small(("demand.0.sku", "t?n?")), "demand[0].sku: nothing is called 't?n?'; allowed: jar, tin"),
    (
        small(("sites.0.initial_stock", {"tn": 3, "jar": 2})),
        "sites[0].initial_stock: nothing is called 'tn'; did you mean 'tin'?",
    ),
    (small(("sites.0.initial_stock", {"tin": 3})), "sites[0].initial_stock has no entry for 'jar'"),
    (small(distances={"deopt": {"store": 3}}), "distances: nothing is called 'deopt'; did you mean 'depot'?"),
    (small(distances={"depot": {"stor": 3}}), "distances.depot: nothing is called 'stor'; did you mean 'store'?"),
    (
        small(("fulfilment_lanes.0.freight", {"per_km": 1})),
        "fulfilment_lanes[0].freight.per_km: distances has no entry between 'store' and 'shop'",
    ),
    (small(("skus.1.name", "tin")), "skus[1]: the name 'tin' is taken already"),
    (small(("channels.1.name", "web")), "channels[1]: the name 'web' is taken already"),
    (
        small(("suppliers.0.name", "depot")),
        "sites[0]: 'depot' is the name of suppliers[0] too; lanes could not tell them apart",
    ),
]

NETWORKS = [
    (small(("supply_lanes.1.to", "depot")), "supply_lanes[1]: a lane must lead to another place, not 'depot' to itself"),
    (
        small(("supply_lanes.1.from", "mill"), ("supply_lanes.1.to", "*")),
        "supply_lanes[1]: supply_lanes[0] declares 'mill' → 'depot' already",
    ),
    (
        small(("fulfilment_lanes.1.from", "*"), ("fulfilment_lanes.1.to", "*")),
        "fulfilment_lanes[1]: fulfilment_lanes[0] declares 'store' → 'shop' already",
    ),
    (without("fulfilment_lanes.0"), "channels[1]: nobody serves 'shop'; a fulfilment lane must lead to it"),
    (without("supply_lanes.1"), "sites[1]: no supply lane leads to 'store'; one must"),
    (
        small(
            demand=[
                {"process": {"distribution": "geometric", "mean": 1}},
                {"sku": "jar", "process": {"distribution": "geometric", "mean": 1}},
            ]
        ),
        "demand[1]: demand[0] declares the demand of 'web' for 'jar' already",
    ),
]

TWO_STATES = {"name": "market", "multipliers": [1, 2], "transition": [[0.5, 0.5], [1, 0]]}
EVENTS = {"distribution": "one_of", "channels": {"web": 0.5}}
FEATURES = [
    (small(("skus.0.shelf_life", 2)), "skus[0].shelf_life needs the phase expire in the sequence, not " + str(list(PHASES))),
    (small(("sites.1.shrinkage", 0.1)), "sites[1].shrinkage needs the phase expire in the sequence, not " + str(list(PHASES))),
    (small(("sites.0.production_cost", 3)), "sites[0]: production_cost belongs to a site of kind plant, not warehouse"),
    (
        small(("sites.0", {"name": "depot", "kind": "plant", "yield": 0.5})),
        "sites[0].yield must be 1 where units are integer, not 0.5",
    ),
    (
        small(("channels.0.max_lateness", 2)),
        "channels[0]: max_lateness 2 needs demand that waits (unmet: backorder), not unmet: lost",
    ),
    (
        small(("channels.0.due_in", 1), ("fulfilment_lanes.1.transit_time", 2)),
        "fulfilment_lanes[1].transit_time 2: 'web' waits at most 1 periods, so that nothing could arrive",
    ),
    (
        small(("supply_lanes.0.initial_in_transit", [1, 2, 3])),
        "supply_lanes[0].initial_in_transit goes back 3 periods, the lead time only 2",
    ),
    (small(goodwill={"cap": 0.5}), "goodwill: floor and cap must hold 1, where goodwill begins, not 0.2 to 0.5"),
    (
        small(regimes=[TWO_STATES | {"transition": [[0.5, 0.4], [1, 0]]}]),
        "regimes[0]: transition: each row must sum to 1, not 0.9",
    ),
    (
        small(regimes=[TWO_STATES | {"transition": [[1]]}]),
        "regimes[0]: transition must have 2 rows of 2 probabilities, one for each multiplier",
    ),
    (small(regimes=[TWO_STATES | {"initial": 2}]), "regimes[0]: initial must name a state from 0 to 1, not 2"),
    (
        small(("demand.0.regime", "marke"), regimes=[TWO_STATES]),
        "demand[0].regime: nothing is called 'marke'; did you mean 'market'?",
    ),
    (
        demanding(distribution="one_of", channels={"web": 0.9}, suppliers={"mill": 0.2}),
        "demand[0].process: probabilities of channels and suppliers must sum to at most 1, not 1.1",
    ),
    (demanding(**EVENTS), "demand[0].process: one_of orders units of one SKU; name it with sku, not 2 of them"),
    (
        small(("demand.0", {"sku": "tin", "process": EVENTS}), goodwill={}),
        "demand[0].process: goodwill and regimes need a process with a mean, not one_of",
    ),
    (
        demanding(distribution="poisson", mean=3, noise_scale=0.5),
        "demand[0].process.noise_scale needs units: continuous",
    ),
    (
        small(
            ("demand.0.process", {"distribution": "uniform_integer", "low": 0, "high": 2, "noise_scale": 0.5}),
            units="continuous",
        ),
        "demand[0].process.noise_scale needs a process with a mean, not uniform_integer",
    ),
    (
        demanding(distribution="poisson", mean=3, promotions=[{"start": 4, "end": 2, "multiplier": 2}]),
        "demand[0].process.promotions[0]: end must be >= start, not 2 < 4",
    ),
    (
        demanding(distribution="poisson", mean=3, promotions=[{"start": 2, "end": 4, "every": 4, "multiplier": 2}]),
        "demand[0].process.promotions[0]: end must be below every, not 4 of 4",
    ),
    (
        demanding(distribution="poisson", mean=3, promotions=[{"start": 2, "end": 4, "multiplier": 2, "sku": "tim"}]),
        "demand[0].process.promotions[0].sku: nothing is called 'tim'; did you mean 'tin'?",
    ),
    (
        small(histories=[{"name": "past", "units": {"wbe": {"tin": [1, 2]}}}]),
        "histories[0].units: no channel is called 'wbe'; did you mean 'web'?",
    ),
    (
        small(histories=[{"name": "past", "units": {"web": {"tin": [1, 2], "jar": [1]}}}]),
        "histories[0]: units must have one length for all channels and SKUs, not [1, 2]",
    ),
    (
        small(("sites.0.initial_stock", {"uniform": [5, 2]})),
        "sites[0].initial_stock: uniform must name the lower bound first, not 5 > 2",
    ),
    (
        small(("sites.0.holding_cost", {"tin": [1, 2], "jar": [1, 2, 3]})),
        "sites[0].holding_cost.tin has 2 periods, another entry 3; a calendar has one length",
    ),
    (
        small(decisions=["orders", "allocation"], sequence=["receive", "demand", "fulfil", "decide", "charge"]),
        "allocation and protection need a sequence with decide before fulfil, "
        "not ['receive', 'demand', 'fulfil', 'decide', 'charge']",
    ),
]

ALL_PHASES = "sequence must name each of receive, decide, demand, fulfil, charge once, and expire and settle at most once, not "
SEQUENCES = [
    (["receive", "decide", "demand", "fulfil"], ALL_PHASES + "['receive', 'decide', 'demand', 'fulfil']"),
    (["receive", "demand", "fulfil", "fulfil", "charge"], ALL_PHASES + "['receive', 'demand', 'fulfil', 'fulfil', 'charge']"),
    (
        ["receive", "decide", "fulfil", "demand", "charge"],
        "sequence must put fulfil after demand, not ['receive', 'decide', 'fulfil', 'demand', 'charge']",
    ),
    (
        ["receive", "demand", "fulfil", "charge", "decide"],
        "sequence must put charge after decide, not ['receive', 'demand', 'fulfil', 'charge', 'decide']",
    ),
    (
        ["receive", "decide", "demand", "charge", "fulfil"],
        "sequence must put charge after fulfil, not ['receive', 'decide', 'demand', 'charge', 'fulfil']",
    ),
    (
        ["receive", "decide", "demand", "fulfill", "charge"],
        "sequence[3] must be 'receive', 'decide', 'demand', 'fulfil', 'expire', 'charge' or 'settle', not 'fulfill'",
    ),
    ("receive, decide", "sequence must be a list, not 'receive, decide'"),
]


def check(content, line):
    assert message_of(content) == f"envs/x.yaml: {line}"


def cases(table):
    return pytest.mark.parametrize(("content", "line"), table, ids=[line[:60] for _, line in table])


@cases(UNKNOWN_KEYS)
def test_an_unknown_key_names_the_nearest_that_may_stand_there(content, line):
    check(content, line)


@cases(MISSING)
def test_what_is_missing_is_named_by_its_path(content, line):
    check(content, line)


@cases(WRONG_TYPES)
def test_a_value_of_the_wrong_type_names_the_right_one(content, line):
    check(content, line)


@cases(OUT_OF_RANGE)
def test_a_value_out_of_range_names_the_bound(content, line):
    check(content, line)


@cases(PROCESSES_THAT_ARE_NONE)
def test_a_process_that_is_none_says_why(content, line):
    check(content, line)


@cases(FRACTIONS)
def test_where_units_are_whole_fractions_are_refused(content, line):
    check(content, line)


@cases(NAMES)
def test_a_name_that_stands_for_nothing_or_for_two_things_is_refused(content, line):
    check(content, line)


@cases(NETWORKS)
def test_lanes_and_demand_that_do_not_fit_together_are_refused(content, line):
    check(content, line)


@cases(FEATURES)
def test_features_that_do_not_fit_together_are_refused(content, line):
    check(content, line)


@pytest.mark.parametrize(("sequence", "line"), SEQUENCES)
def test_an_impossible_sequence_of_events_is_refused(sequence, line):
    check(small(sequence=sequence), line)


def test_continuous_units_may_be_fractions():
    process = {"distribution": "normal", "mean": 5.5, "standard_deviation": 2}
    content = small(
        ("sites.0.initial_stock", 2.5), ("skus.0.case_pack", 1.5), ("demand.0.process", process), units="continuous"
    )
    assert world_from(content, "x").problem.sites.initial_stock[0, 0] == 2.5


def test_several_faults_are_told_at_once_one_line_each():
    lines = message_of(small(("supply_lanes.1.led_time", 1), ("horizon.periods", 0))).splitlines()
    assert lines == [
        "envs/x.yaml: horizon.periods must be >= 1, not 0",
        "envs/x.yaml: unknown key 'supply_lanes[1].led_time'; did you mean 'lead_time'?",
    ]


def test_of_many_faults_the_first_are_told_and_the_others_counted():
    content = small(("sites.0.handling", 5), defaults={"sites": {"handling": -3}})
    content["sites"] += [{"name": f"kiosk{place}", "storage": -1} for place in range(30)]
    lines = message_of(content).splitlines()
    assert lines[0] == "envs/x.yaml: defaults.sites.handling must be >= 0 or a list, not -3"
    assert lines[9] == "envs/x.yaml: sites[10].storage must be >= 0 or a list, not -1"
    assert lines[10:] == ["envs/x.yaml: 21 more faults"]


def test_a_misspelt_key_is_not_missing_as_well():
    content = without("skus.0.name")
    content["skus"][0]["nane"] = "tin"
    assert message_of(content) == "envs/x.yaml: unknown key 'skus[0].nane'; did you mean 'name'?"


def test_a_default_that_is_wrong_for_every_entry_is_told_once_where_it_stands():
    content = small(("sites.0.handling", 5), defaults={"sites": {"handling": -3}})
    content["sites"].append({"name": "kiosk"})
    assert message_of(content) == "envs/x.yaml: defaults.sites.handling must be >= 0 or a list, not -3"


def test_a_long_value_is_cut():
    message = message_of(small(("skus", {f"sku-{i}": i for i in range(40)})))
    assert message.startswith("envs/x.yaml: skus must be a list, not {'sku-0': 0, ")
    assert message.endswith("...")
    assert len(message) < 120


def test_a_close_name_is_suggested_and_else_all_are_listed_in_order():
    assert nearest("stroe", ["store", "depot"]) == "did you mean 'store'?"
    assert nearest("zebra", ["store", "depot"]) == "allowed: depot, store"


def test_of_many_names_the_first_are_listed_and_a_long_one_is_compared_with_none():
    many = [f"sku-{place:04d}" for place in range(60)]
    assert nearest("zebra", many) == f"allowed: {', '.join(many[:50])} and 10 more"
    assert nearest("store" * 21, ["store" * 21 + "s"]).startswith("allowed: ")


def test_a_line_of_a_message_is_cut():
    assert str(ScenarioError(f"{'a' * 2000}\nb")) == f"{'a' * 997}...\nb"


def test_a_path_is_written_as_in_a_file():
    assert place(("supply_lanes", 3, "lead_time", "values", 0)) == "supply_lanes[3].lead_time.values[0]"
