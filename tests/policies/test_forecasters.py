"""Rules that forecast from what they have seen: in their memory as from the history, and nothing of the true process."""

import numpy as np
import pytest

import allotment
from allotment.decisions.observation import observe
from allotment.evaluation.testing import evaluate
from allotment.forecasting.methods import ExponentialSmoothing
from allotment.forecasting.tracking import Tracked
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.rule_config import build_rule
from allotment.report.cells import tables_of
from allotment.report.money import Money
from allotment.scenario.errors import ScenarioError
from allotment.simulation.simulation import Simulation
from small_worlds import one_shop, two_shops

FROM_HISTORY = [
    {"method": "exponential_smoothing"},
    {"method": "croston"},
    {"method": "tsb"},
    {"method": "seasonal_naive", "season": 3},
]
LONG = {"kind": "window", "periods": 12}


def forecasting(world, forecast, **config):
    content = {"policy": "newsvendor", "parameters": {"safety_factor": 1}, "forecast": forecast, **config}
    policy, open_parameters = build_rule(rule_config(content, "rule.yaml"), world, "rule.yaml")
    assert not open_parameters
    return policy


def remembering(kept, **sections):
    return two_shops(observation={"demand_history": kept}, horizon=LONG, **sections)


def played(policy, world, remembers=True, worlds=3):
    """Return every decision of an episode, and the demand near each site, (periods, worlds, S, K)."""
    simulation = Simulation(world.problem, worlds)
    simulation.reset(np.arange(worlds), np.arange(worlds), np.zeros(worlds, dtype=int))
    decisions, demand, memory = [], [], None
    for _ in range(world.problem.clock.length):
        decision = policy.decide(observe(simulation, memory))
        memory = decision.memory if remembers else None
        decisions.append(decision)
        demand.append(simulation.step(decision).demand.copy())
    return decisions, np.array(demand)


@pytest.mark.parametrize("forecast", FROM_HISTORY)
def test_a_memory_says_what_the_whole_history_does(forecast):
    short, whole = remembering(1), remembering(12)
    by_memory, _ = played(forecasting(short, forecast), short)
    by_history, _ = played(forecasting(whole, forecast), whole, remembers=False)
    assert all(np.array_equal(one.orders, other.orders) for one, other in zip(by_memory, by_history, strict=True))
    assert by_memory[-1].orders.any()


def test_a_forecast_is_the_recursion_over_what_was_demanded():
    world = remembering(1)
    policy = forecasting(world, {"method": "exponential_smoothing", "smoothing": 0.3})
    decisions, demand = played(policy, world, worlds=1)
    tracked = Tracked.of(ExponentialSmoothing(0.3), demand[:-1, 0])
    level = decisions[-1].memory[0, 2:].reshape(2, 2, 2)  # level and squares, by site and SKU: channels are near one site each
    assert level[0] == pytest.approx(tracked.state[0]) and level[1] == pytest.approx(tracked.squares)
    assert decisions[-1].memory[0, :2].tolist() == [11, 10]


@pytest.mark.parametrize("forecast", FROM_HISTORY)
def test_what_is_not_informed_reads_nothing_of_the_true_process(forecast):
    world = remembering(4)
    policy = forecasting(world, forecast)
    unknown = world.problem.demand._replace(
        mean=world.problem.demand.mean * np.nan, deviation=world.problem.demand.deviation * np.nan
    )
    observation = observe(_begun(world))
    blind = observation.__class__(**{**vars(observation), "problem": world.problem._replace(demand=unknown)})
    decision = policy.decide(blind)
    assert np.array_equal(decision.orders, policy.decide(observation).orders) and np.isfinite(decision.orders).all()
    assert not policy.informed


def _begun(world):
    simulation = Simulation(world.problem, 2)
    simulation.reset(np.arange(2), np.arange(2), np.zeros(2, dtype=int))
    for _ in range(5):
        simulation.step(np.zeros((2, *world.problem.lanes.allowed.shape)))
    return simulation


def test_before_anything_has_been_seen_nothing_is_expected():
    world = remembering(1, supply_lanes=[{"from": "farm", "to": "*", "lead_time": 1}])
    decisions, _ = played(forecasting(world, {"method": "exponential_smoothing"}), world)
    assert not decisions[0].orders.any() and decisions[6].orders.any()


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 1.0), (1.0, 2.0), (0.5, 2**0.5)])
def test_an_adaptive_forecast_follows_the_ratio_of_late_demand_to_its_mean(power, ratio):
    process = {"distribution": "deterministic", "mean": 6}
    world = one_shop(demand=[{"process": process}], observation={"demand_history": 2})
    policy = forecasting(world, {"method": "adaptive", "power": power, "prior": 0.0})
    simulation = _begun(world)
    simulation.state.demand_history[...] = 12.0  # twice its mean
    mean, _ = policy.forecaster.forecast(observe(simulation), 3)
    assert mean == pytest.approx(np.full(mean.shape, 6.0 * ratio))
    assert policy.informed


def test_a_policy_that_forecasts_is_kept_tuned_and_asked_with_its_memory(tmp_path):
    world = one_shop(observation={"demand_history": 1}, horizon=LONG)
    policy = forecasting(world, {"method": "exponential_smoothing", "smoothing": 0.4})
    save_bundle(policy, tmp_path)
    again = load_bundle(tmp_path)
    assert again.values["forecast.smoothing"].item() == 0.4 and not again.informed
    assert evaluate(again, world, 5, 0).episodes["score"].equals(evaluate(policy, world, 5, 0).episodes["score"])
    first = again.recommend({"period": 0, "stock": {"shop": {"apple": 3}}})
    assert len(first.memory) == again.memory_size == 4
    history = [{"channel": "walkers", "sku": "apple", "units": [9]}]
    second = again.recommend({"period": 1, "stock": {"shop": {"apple": 3}}, "demand_history": history, "memory": first.memory})
    assert second.memory == [1, 0, 9, 0] and second.orders[0].units == pytest.approx(9 * 2 + np.sqrt(18) - 3, abs=1)


def test_fitted_smoothing_is_found_in_an_episode_that_no_test_uses():
    pytest.importorskip("statsmodels")
    world = one_shop(observation={"demand_history": 1}, horizon={"kind": "window", "periods": 150})
    policy = forecasting(world, {"method": "exponential_smoothing", "smoothing": "fitted"})
    assert 0.0 <= policy.values["forecast.smoothing"].item() < 0.3  # demand that does not move


def test_a_forecasts_parameters_are_tuned_beside_the_rules():
    world = one_shop(observation={"demand_history": 1})
    content = {"policy": "newsvendor", "forecast": {"method": "tsb", "smoothing": "tuned"}}
    policy, open_parameters = build_rule(rule_config(content, "rule"), world, "rule")
    assert open_parameters == ["safety_factor", "forecast.smoothing"]
    assert policy.as_config()["forecast"] == {"method": "tsb", "smoothing": 0.1, "probability_smoothing": 0.1}


@pytest.mark.parametrize(
    ("config", "informed"),
    [
        ({"policy": "base_stock", "parameters": {"level": 9}}, False),
        ({"policy": "base_stock", "parameters": {"level": "newsvendor"}}, True),
        ({"policy": "newsvendor", "parameters": {"safety_factor": "from_costs"}}, True),
        ({"policy": "newsvendor", "forecast": {"method": "croston"}, "parameters": {"safety_factor": "from_costs"}}, False),
        ({"policy": "myopic"}, True),
    ],
)
def test_a_policy_says_whether_it_was_informed(config, informed, tmp_path):
    policy, _ = build_rule(rule_config(config, "rule"), one_shop(observation={"demand_history": 1}), "rule")
    save_bundle(policy, tmp_path)
    assert policy.informed is informed and load_bundle(tmp_path).informed is informed


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"forecast": {"method": "crostons"}}, r"forecast: unknown method 'crostons'; did you mean 'croston'\?"),
        ({"forecast": {"method": "croston", "smothing": 1}}, r"forecast: unknown key 'smothing'; did you mean 'smoothing'\?"),
        ({"forecast": {"method": "croston", "smoothing": 1.5}}, "forecast.smoothing must be >= 0 and <= 1, not 1.5"),
        (
            {"forecast": {"method": "croston"}, "policy": "s_S"},
            "forecast: the rule uses no forecast; allowed for dual_newsvendor, ",
        ),
    ],
)
def test_a_forecast_that_does_not_fit_says_why(config, reason):
    content = {"policy": "newsvendor", **config}
    with pytest.raises(ScenarioError, match=reason):
        build_rule(rule_config(content, "rule.yaml"), remembering(1), "rule.yaml")


def test_a_world_that_keeps_no_history_leaves_nothing_to_forecast_from():
    with pytest.raises(ScenarioError, match="forecast: two_shops keeps no past demand; it must"):
        forecasting(two_shops(), {"method": "croston"})


def test_results_and_comparisons_say_which_policies_were_informed():
    world = one_shop(observation={"demand_history": 1})
    table = allotment.compare(
        {
            "knows": {"policy": "newsvendor", "parameters": {"safety_factor": 1}},
            "level": {"policy": "base_stock", "parameters": {"level": 9}},
        },
        world,
        episodes=3,
    )
    assert dict(zip(table["policy"], table["informed"], strict=True)) == {"knows": True, "level": False}
    first = tables_of(table, Money("cost"))[0]
    assert dict(zip([row[0] for row in first.rows], first.groups, strict=True)) == {"knows": "informed", "level": "uninformed"}
