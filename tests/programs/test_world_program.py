"""The programme is the world: with every flow of an episode fixed, it has the episode's money; left free, no less."""

from dataclasses import replace
from math import comb

import numpy as np
import pytest
from program_episodes import measured, played, programme, random_episode

from allotment.engine.state import Decision
from allotment.programs.fixing import fix_everything
from allotment.programs.linear_program import Unsolved
from allotment.programs.opening import first_opening
from allotment.programs.path import sample_path
from allotment.programs.relaxed import relaxed
from allotment.programs.world_program import check_possible, draft_of
from allotment.scenario.errors import ScenarioError
from allotment.scenario.loader import load_scenario
from random_worlds import RandomWorld, _quantities, build, random_world

SHIPPED = [
    *("demand_classes", "dual_sourcing", "gym_invmgmt_base", "gym_invmgmt_base_goodwill", "gym_invmgmt_serial_goodwill"),
    *("lost_sales", "newsvendor", "one_warehouse_backorder", "one_warehouse_emergency", "one_warehouse_lost", "perishable"),
    *("random_lead_time", "random_lead_time_in_order", "random_lead_time_kaplan", "s_s", "serial", "three_warehouses"),
    *("transshipment", "two_centres", "two_retailers"),
]


def values(problem, episode, seed):
    """Return an episode's money, that of its programme with everything fixed, and the most that there is."""
    fixed, free = programme(problem, seed), programme(problem, seed)
    fix_everything(fixed, episode)
    return measured(problem) @ episode.money, fixed.program.solve().value, _most(free)


def _most(draft):
    """Return the value of a programme, infinite where nothing bounds it: salvage above every price."""
    try:
        return draft.program.solve().value
    except Unsolved as reason:
        assert str(reason) == "unbounded"
        return np.inf


@pytest.mark.parametrize("name", SHIPPED)
def test_with_everything_fixed_the_programme_has_the_episodes_money(name):
    short = [] if name in ("newsvendor", "two_centres") else ["horizon.periods=4"]
    warm = ["horizon.warm_up=2"] if load_scenario(name).scenario.horizon.warm_up else []
    problem = load_scenario(name, short + warm).problem
    generator = np.random.default_rng(3)
    mean = problem.sites.expected_demand[problem.lanes.to]
    offers = (1, problem.shape.fulfilment, problem.shape.skus) if problem.rules.allocates else None
    decisions = [
        Decision(np.round(generator.uniform(0.0, 1.5, (1, *mean.shape)) * mean), offers and _quantities(generator, offers))
        for _ in range(problem.clock.length)
    ]
    money, fixed, free = values(problem, played(problem, 7, decisions), 7)
    assert fixed == pytest.approx(money, rel=1e-6, abs=1e-6)
    assert free >= money - 1e-6 * max(1.0, abs(money))


def without_losses(world):
    """Return the world in which every shipment arrives; of the other there is no bound."""
    lanes = [{key: value for key, value in lane.items() if key != "lost_probability"} for lane in world.content["supply_lanes"]]
    content = world.content | {"supply_lanes": lanes}
    return RandomWorld(content, build(content))


@pytest.mark.parametrize("number", range(16))
@pytest.mark.filterwarnings("ignore:test. sequence lists receive after")
def test_so_it_does_in_random_worlds(number):
    world = without_losses(random_world(np.random.default_rng(number).bytes(2500), {}))
    money, fixed, free = values(world.problem, random_episode(world, number), number)
    assert fixed == pytest.approx(money, rel=1e-6, abs=1e-6)
    saves = (world.problem.treasury.discount > 0.0).any()  # early payment saves something, which gives no bound
    assert saves or free >= money - 1e-6 * max(1.0, abs(money))


def test_two_centres_with_perfect_information_cost_what_is_published():
    world = load_scenario("two_centres", ["horizon.periods=1"])  # what is known beforehand may as well be asked for at once
    path, cost = sample_path(world.problem, 0), 0.0
    for first in range(13):
        for second in range(13 - first):
            asked = replace(path, demand=np.array([[[first], [second]]], dtype=float))
            asked = replace(asked, least_demand=asked.demand)
            chance = comb(12, first) * comb(12 - first, second) * 0.4 ** (first + second) * 0.2 ** (12 - first - second)
            cost -= chance * draft_of(world.problem, asked, first_opening(world.problem), np.ones(1)).program.solve().value
    assert cost == pytest.approx(18.12732, abs=1e-5)


def test_a_newsvendor_who_knows_demand_pays_nothing():
    assert programme(load_scenario("newsvendor").problem, 1).program.solve().value == pytest.approx(0.0, abs=1e-9)


def test_what_is_relaxed_is_named():
    assert relaxed(load_scenario("newsvendor")) == []
    named = " ".join(relaxed(load_scenario("three_warehouses")))
    assert all(word in named for word in ("whole units", "serving order", "fixed order costs"))
    assert "accept" not in named and "accept" in " ".join(relaxed(load_scenario("one_warehouse_emergency")))


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("shared_storage", [], r"about 3,120,000 variables \(65 periods, 2000 SKUs"),
        (
            "lost_sales",
            [
                "treasury={cash: 100, period_days: 1}",
                "objective=profit",
                "skus.item.price=1",
                "suppliers.supplier.terms={net: 30, discount: 0.1, within: 10}",
            ],
            "does not count what early payment saves",
        ),
        ("gym_invmgmt_base_goodwill", ["demand.0.process.noise_scale=2"], "noise_scale above 1 gives no bound"),
    ],
)
def test_a_world_that_cannot_be_bounded_is_refused_by_name(name, overrides, message):
    with pytest.raises(ScenarioError, match=message):
        check_possible(load_scenario(name, overrides).problem)
