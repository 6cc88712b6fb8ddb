"""Torch differentiates through the simulation: gradients are the slopes of rewards; worlds without useful ones are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, settings
from rollouts import begun

from allotment.engine import dynamics
from allotment.engine.relaxation import FEATURES, IGNORED, SMOOTH, STRAIGHT_THROUGH, on_torch, relaxed
from allotment.engine.state import Decision, State, decision_shapes
from allotment.engine.tracing.worlds import TracedWorlds
from allotment.resources import shipped_names
from allotment.scenario.loader import load_scenario
from allotment.scenario.problem import TERMS, Problem
from random_worlds import RandomWorld, holds_in_random_worlds, random_decisions
from small_worlds import SMALLER, one_shop, two_shops

ALL_IGNORED = {feature.name: IGNORED for feature in FEATURES}
STEP = 1e-6  # units; what a decision is moved by to measure a slope

SHOP = {"horizon": {"kind": "season", "periods": 2}, "objective": "profit"}


def total_rewards(problem: Problem, state: State, decisions: list[Decision]) -> torch.Tensor:
    """Return the rewards (B,) of an episode in each world of a batch."""
    total = torch.zeros(len(state.on_hand), dtype=state.on_hand.dtype)
    for decided in decisions:
        state, flows = dynamics.step(problem, state, decided)
        total = total + flows.reward
    return total


def as_leaves(decisions: list[Decision], generator: np.random.Generator) -> list[Decision]:
    """Return decisions as tensors that gradients are taken of, moved off the round numbers where slopes jump."""
    return [
        Decision(*(torch.tensor(part + generator.uniform(0.0, 0.1, part.shape), requires_grad=True) for part in decided[:3]))
        for decided in decisions
    ]


def with_moved(decisions: list[Decision], along: list[Decision]) -> list[Decision]:
    """Return decisions for three times the worlds: the same, and a step further and back, through which no gradients pass."""
    return [
        Decision(
            *(
                torch.cat([part, part.detach() + STEP * step, part.detach() - STEP * step])
                for part, step in zip(decided[:3], steps[:3], strict=True)
            )
        )
        for decided, steps in zip(decisions, along, strict=True)
    ]


@settings(max_examples=25)
@holds_in_random_worlds()
def test_gradients_are_the_slopes_of_the_rewards(world: RandomWorld, seed):
    problem, generator = relaxed(world.problem, ALL_IGNORED), np.random.default_rng(seed)
    start = on_torch(begun(problem, 3 * [seed, seed + 1]), torch.float64)
    decisions = as_leaves(random_decisions(world, 2, seed), generator)
    along = [Decision(*(torch.tensor(generator.normal(size=part.shape)) for part in decided[:3])) for decided in decisions]

    total, further, back = total_rewards(problem, start, with_moved(decisions, along)).reshape(3, 2).sum(1)
    leaves = [part for decided in decisions for part in decided[:3]]
    gradients = torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
    steps = [part for decided in along for part in decided[:3]]
    slope = float(sum((gradient * step).sum() for gradient, step in zip(gradients, steps, strict=True)))

    here = float(total.detach())
    up, down = (float(further.detach()) - here) / STEP, (here - float(back.detach())) / STEP
    close = 1e-4 * (1.0 + abs(up) + abs(down)) + 1e-9 * abs(here) / STEP
    assume(abs(up - down) <= close)  # not at a corner, where there are two slopes
    assert slope == pytest.approx((up + down) / 2.0, abs=close)


@settings(max_examples=10)  # Torch is slow at pretending
@holds_in_random_worlds()
def test_everything_happens_on_the_device_of_the_state(world: RandomWorld, seed):
    problem = relaxed(world.problem, ALL_IGNORED)
    state = on_torch(begun(problem, [seed]), torch.float32, "meta")  # whose tensors refuse those of another device
    for decided in random_decisions(world, 1, seed)[:2]:
        state, flows = dynamics.step(problem, state, decided)
    assert flows.reward.device.type == state.on_hand.device.type == "meta"
    assert flows.reward.dtype == flows.executed.dtype == state.open_demand.dtype == torch.float32


@pytest.mark.parametrize("name", sorted(set(shipped_names("envs")) - {"iowa_liquor"}))
def test_rewards_of_the_shipped_worlds_have_gradients(name):
    problem = relaxed(load_scenario(name, SMALLER.get(name, [])).problem, ALL_IGNORED)
    state = on_torch(begun(problem, [1, 2, 3]), torch.float64)
    periods = min(problem.clock.length, problem.lanes.slots + 1)  # what is ordered first arrives
    shapes = decision_shapes(problem).values()
    decisions = [
        Decision(*(torch.full((3, *shape), 0.5, dtype=torch.float64, requires_grad=True) for shape in shapes))
        for _ in range(periods)
    ]
    total_rewards(problem, state, decisions).sum().backward()
    gradients = [part.grad for decided in decisions for part in decided[:3] if part.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any((gradient != 0.0).any() for gradient in gradients)


def test_the_slope_of_the_cost_vanishes_at_the_newsvendors_optimum():
    problem, worlds = relaxed(load_scenario("newsvendor").problem, {}), 20_000
    start = on_torch(begun(problem, range(worlds)), torch.float64)

    def slopes(order: float) -> np.ndarray:
        orders = torch.full((worlds, 1, 1), order, dtype=torch.float64, requires_grad=True)
        _, flows = dynamics.step(problem, start, orders)
        flows.reward.sum().backward()
        return -orders.grad.numpy().ravel()

    optimal = slopes(56.604)  # Snyder and Shen, Fundamentals of Supply Chain Theory, Example 4.3
    assert set(optimal.round(12)) == {0.18, -0.70}  # a unit too many is held, a unit too few is short
    assert abs(optimal.mean()) < 3.0 * optimal.std() / np.sqrt(worlds)
    assert slopes(54.0).mean() < -0.05 < 0.05 < slopes(60.0).mean()


def shop_orders(first: float, initial_stock: float, **sections) -> tuple[float, float, float]:
    """Return what is left, the reward and its slope in the first order of a shop that sells 4 a period for 5 each."""
    content = SHOP | {
        "units": "continuous",
        "skus": [{"name": "apple", "price": 5, "unit_cost": 2}],
        "sites": [{"name": "shop", "holding_cost": 1, "initial_stock": initial_stock}],
        "channels": [{"name": "walkers", "unmet": "lost"}],
        "supply_lanes": [{"from": "farm", "to": "shop", "lead_time": 0}],
        "demand": [{"process": {"distribution": "deterministic", "mean": 4}}],
    }
    problem = relaxed(one_shop(**(content | sections)).problem, {})
    order = torch.tensor([[[first]]], dtype=torch.float64, requires_grad=True)
    state, flows = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float64), order)
    flows.reward.sum().backward()
    return state.on_hand.sum().item(), flows.reward.item(), order.grad.item()


def test_a_unit_more_earns_its_margin_while_customers_want_it():
    assert shop_orders(1.0, initial_stock=2.0) == (0.0, 5 * 3 - 2 * 1, 5 - 2)


def test_a_unit_more_costs_and_is_kept_once_nobody_wants_it():
    assert shop_orders(5.0, initial_stock=2.0) == (3.0, 5 * 4 - 2 * 5 - 3, -2 - 1)


def test_what_comes_through_by_chance_does_so_by_expectation():
    channels = [{"name": "walkers", "unmet": {"backorder_probability": 0.25}, "shortage_cost": 8, "backorder_cost": 4}]
    left, reward, slope = shop_orders(1.0, initial_stock=0.0, channels=channels)
    assert left == 0.0
    assert reward == 5 * 1 - 2 * 1 - 8 * 0.75 * 3 - 4 * 0.25 * 3
    assert slope == 5 - 2 + 8 * 0.75 + 4 * 0.25


def test_goods_that_move_on_carry_the_gradient_of_what_they_earn():
    problem = relaxed(two_shops().problem, {"whole_shares": IGNORED})
    state = on_torch(begun(problem, [0]), torch.float64)
    orders = torch.zeros((4, 1, 4, 2), dtype=torch.float64)
    orders[0, 0, 3, 0] = 0.5  # from the southern shop to the northern one
    orders.requires_grad_()
    arrived = torch.zeros((), dtype=torch.float64)
    for order in orders:
        state, flows = dynamics.step(problem, state, order)
        arrived = arrived + flows.received[0, 3, 0]
    arrived.backward()
    assert orders.grad[0, 0, 3, 0].item() == 1.0
    assert orders.grad[:, 0, 0].abs().sum().item() == 0.0


FEATURES_OF_A_SHOP = {
    "multiples": {"supply_lanes": [{"from": "farm", "to": "shop", "lead_time": 0, "multiple": 3}]},
    "minimums": {"supply_lanes": [{"from": "farm", "to": "shop", "lead_time": 0, "minimum": 3}]},
    "fixed_costs": {"supply_lanes": [{"from": "farm", "to": "shop", "lead_time": 0, "fixed_cost": 3}]},
    "goodwill": {"goodwill": {"decay": 0.5}},
}
SHARED_LANES = [{"from": "north", "to": "walkers"}, {"from": "north", "to": "callers"}]


@pytest.mark.parametrize("name", FEATURES_OF_A_SHOP)
def test_a_feature_without_a_useful_gradient_is_refused_until_a_treatment_is_named(name):
    problem = one_shop(**FEATURES_OF_A_SHOP[name]).problem
    with pytest.raises(ValueError, match=rf"features of this world .* {name} \(.*\): ignored or straight_through"):
        relaxed(problem, {other: IGNORED for other in FEATURES_OF_A_SHOP if other != name})
    for treatment in (IGNORED, STRAIGHT_THROUGH):
        assert not relaxed(problem, {name: treatment}).rules.whole


@pytest.mark.parametrize("rationing", ["proportional", "priority", "balanced", "min_shortage"])
def test_whole_units_that_are_shared_need_a_treatment(rationing):
    with pytest.raises(ValueError, match="whole_shares"):
        relaxed(two_shops(fulfilment_lanes=SHARED_LANES, rationing=rationing).problem, {})
    relaxed(two_shops(fulfilment_lanes=SHARED_LANES, rationing=rationing, units="continuous").problem, {})
    relaxed(one_shop(rationing=rationing).problem, {})  # a shop with one supplier and one channel shares nothing


def test_unknown_features_and_treatments_are_named():
    problem = one_shop().problem
    with pytest.raises(ValueError, match="no feature of a world is called 'multiple'; did you mean 'multiples'"):
        relaxed(problem, {"multiple": IGNORED})
    with pytest.raises(ValueError, match="whole_shares cannot be 'straight_through'; allowed: ignored"):
        relaxed(problem, {"whole_shares": STRAIGHT_THROUGH})


@pytest.mark.parametrize(
    ("name", "treatment", "executed", "paid"),
    [
        ("multiples", STRAIGHT_THROUGH, 3.0, 0.0),
        ("multiples", IGNORED, 5.0, 0.0),
        ("minimums", STRAIGHT_THROUGH, 5.0, 0.0),
        ("minimums", IGNORED, 5.0, 0.0),
        ("fixed_costs", STRAIGHT_THROUGH, 5.0, 3.0),
        ("fixed_costs", IGNORED, 5.0, 0.0),
    ],
)
def test_treatments_keep_a_feature_or_leave_it_out_with_the_same_gradient(name, treatment, executed, paid):
    problem = relaxed(one_shop(**FEATURES_OF_A_SHOP[name]).problem, {name: treatment})
    order = torch.tensor([[[5.0]]], dtype=torch.float64, requires_grad=True)
    _, flows = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float64), order)
    assert flows.executed.sum().item() == executed
    assert flows.terms[0, TERMS.index("fixed_ordering")].item() == paid
    flows.executed.sum().backward()
    assert order.grad.item() == 1.0


def test_an_order_below_the_minimum_has_a_gradient_though_it_is_not_shipped():
    problem = relaxed(one_shop(**FEATURES_OF_A_SHOP["minimums"]).problem, {"minimums": STRAIGHT_THROUGH})
    order = torch.tensor([[[2.0]]], dtype=torch.float64, requires_grad=True)
    _, flows = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float64), order)
    flows.executed.sum().backward()
    assert (flows.executed.sum().item(), order.grad.item()) == (0.0, 1.0)


@pytest.mark.parametrize(("treatment", "demand"), [(STRAIGHT_THROUGH, 2.0), (IGNORED, 4.0), (SMOOTH, 2.0)])
def test_goodwill_follows_service_or_stays(treatment, demand):
    world = one_shop(
        demand=[{"process": {"distribution": "deterministic", "mean": 4}}], goodwill={"decay": 0.5}, units="continuous"
    )
    problem = relaxed(world.problem, {"goodwill": treatment})
    state = on_torch(begun(problem, [0]), torch.float64)
    for _ in range(2):  # the first period's four customers find three apples
        state, flows = dynamics.step(problem, state, torch.zeros((1, 1, 1), dtype=torch.float64))
    assert flows.demand.sum().item() == demand


@pytest.mark.parametrize(("units", "least"), [("integer", 1.0), ("continuous", 0.1)])
def test_a_smooth_fixed_cost_of_a_slow_mover_comes_with_its_first_unit(units, least):
    lane = {"from": "farm", "to": "shop", "lead_time": 1, "fixed_cost": 7.0}
    world = one_shop(demand=[{"process": {"distribution": "poisson", "mean": 0.5}}], supply_lanes=[lane], units=units)
    problem = relaxed(world.problem, {feature.name: feature.treatments[-1] for feature in FEATURES})
    order = torch.zeros((1, 1, 1), dtype=torch.float64, requires_grad=True)
    _, flows = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float64), order)
    cost = flows.terms[0, TERMS.index("fixed_ordering")]
    cost.backward()
    assert (cost.item(), order.grad.item()) == (0.0, pytest.approx(7.0 / least))


def test_smooth_goodwill_says_what_a_unit_more_does_for_coming_demand():
    world = one_shop(
        sites=[{"name": "shop", "initial_stock": 3.5}],
        supply_lanes=[{"from": "farm", "to": "shop", "lead_time": 0}],
        demand=[{"process": {"distribution": "deterministic", "mean": 4}}],
        goodwill={"decay": 0.5, "growth": 1.25},
        units="continuous",
    )
    problem = relaxed(world.problem, {"goodwill": SMOOTH})
    order = torch.zeros((1, 1, 1), dtype=torch.float64, requires_grad=True)
    state, _ = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float64), order)
    _, flows = dynamics.step(problem, state, torch.zeros_like(order))
    flows.demand.sum().backward()
    gained = (1.25 - 0.5) * np.exp(-0.5 / 0.4) / 0.4  # goodwill for a unit, of half a unit unmet; 0.4 is a tenth of demand
    assert (flows.demand.item(), order.grad.item()) == (2.0, pytest.approx(4 * gained))


def test_the_slope_through_goodwill_is_near_the_measured_slope_of_mean_profit():
    world = load_scenario("gym_invmgmt_serial_goodwill")

    def profit(quantity: torch.Tensor, treatment: str = SMOOTH) -> torch.Tensor:
        problem = relaxed(world.problem, {"goodwill": treatment})
        worlds, total = TracedWorlds(problem, np.arange(1024)), 0.0
        orders = torch.stack([quantity, torch.tensor(33.0), torch.tensor(36.0)]).expand(1024, 3)[..., None]
        rows = worlds.start()
        for _ in range(world.problem.clock.length):
            rows, records = worlds.step(rows, {"orders": orders})
            total = total + records["reward"].mean()
        return total

    measured = float(profit(torch.tensor(26.0)) - profit(torch.tensor(24.0))) / 2.0
    quantity = torch.tensor(25.0, requires_grad=True)
    slopes = {each: torch.autograd.grad(profit(quantity, each), quantity)[0].item() for each in (SMOOTH, STRAIGHT_THROUGH)}
    assert slopes[SMOOTH] == pytest.approx(measured, rel=0.15)
    assert abs(slopes[STRAIGHT_THROUGH]) < 0.2 * measured  # what coming demand is worth is missing


@pytest.mark.parametrize("rationing", ["proportional", "priority", "balanced", "min_shortage"])
@pytest.mark.parametrize("units", [0.0, 5e-42, 1e-20, 1.0])
def test_an_order_that_nothing_limits_has_its_full_gradient_however_small(rationing, units):
    lane = {"from": "farm", "to": "shop", "lead_time": 0, "capacity": 10}
    problem = relaxed(one_shop(supply_lanes=[lane], rationing=rationing).problem, {})
    order = torch.full((1, 1, 1), units, requires_grad=True)  # in single precision
    _, flows = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float32), order)
    flows.executed.sum().backward()
    assert order.grad.item() == 1.0


def test_a_network_in_another_precision_is_taken_over_with_its_gradient():
    problem = relaxed(two_shops().problem, {"whole_shares": IGNORED})
    orders = torch.ones((1, 4, 2), requires_grad=True)
    _, flows = dynamics.step(problem, on_torch(begun(problem, [0]), torch.float64), orders)
    flows.executed.sum().backward()
    assert flows.executed.dtype == torch.float64
    assert (orders.grad == 1.0).all()


def test_a_world_that_is_not_relaxed_is_not_differentiated():
    problem = two_shops().problem
    with pytest.raises(ValueError, match="is differentiated in its continuous relaxation"):
        dynamics.step(problem, on_torch(begun(problem, [0])), torch.ones((1, 4, 2), requires_grad=True))
    dynamics.step(problem, on_torch(begun(problem, [0])), torch.ones((1, 4, 2)))  # but simulated


@pytest.mark.parametrize(("attribute", "shipped"), [({"minimum": 6}, 6.0), ({"multiple": 3}, 6.0), ({"multiple": 0.1}, 6.0)])
def test_rounding_errors_of_single_precision_cost_no_shipment(attribute, shipped):
    lane = {"from": "farm", "to": "shop", "lead_time": 0, "capacity": 6, **attribute}
    world = one_shop(supply_lanes=[lane], units="continuous")
    problem = relaxed(world.problem, {"minimums": STRAIGHT_THROUGH, "multiples": STRAIGHT_THROUGH})
    orders = torch.linspace(6.0, 30.0, 500).reshape(-1, 1, 1)
    _, flows = dynamics.step(problem, on_torch(begun(problem, range(500)), torch.float32), orders)
    np.testing.assert_allclose(flows.executed.numpy(), shipped, rtol=1e-6)


def test_single_precision_says_the_same_to_six_digits():
    problem = relaxed(load_scenario("gym_invmgmt_base").problem, {})
    orders = np.random.default_rng(0).uniform(0.0, 40.0, (problem.clock.length, 64, problem.shape.lanes, 1))
    totals = []
    for dtype in (torch.float32, torch.float64):
        state, total = on_torch(begun(problem, range(64)), dtype), 0.0
        for order in orders:
            state, flows = dynamics.step(problem, state, order)
            total = total + flows.reward
        totals.append(total.double().numpy())
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-5, atol=1e-2)
