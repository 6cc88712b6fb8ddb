"""What a training by gradients plays and follows: slopes of whole units, windows and chains, and scaled observations."""

import json
from copy import deepcopy
from dataclasses import replace

import pandas as pd
import pytest
import torch
from small_trainings import small
from torch import nn

import allotment
from allotment.engine.relaxation import relaxed
from allotment.fitting.pathwise.rollout import Rollout
from allotment.fitting.pathwise.scaling import InputScaling
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.networks import NetworkShape, vector_network
from allotment.scenario.errors import ScenarioError
from small_worlds import one_shop, shipped_world, two_shops

SHOP = {
    "horizon": {"kind": "window", "warm_up": 0, "periods": 4},
    "sites": [{"name": "shop", "kind": "store", "holding_cost": 1}],
    "channels": [{"name": "walkers", "unmet": "lost", "shortage_cost": 9}],
    "supply_lanes": [{"from": "farm", "to": "shop", "lead_time": 0}],
    "objective": "cost",
}


class Constant(nn.Module):
    """Answers the same to everything."""

    def __init__(self, answer):
        super().__init__()
        self.answer = nn.Parameter(torch.tensor(answer))

    def forward(self, vectors):
        return self.answer.expand(len(vectors), 1)


def rollout_of(world, batch=400, periods=2.0):
    world = replace(world, problem=relaxed(world.problem, {}))
    return Rollout(world, build_encoding(EncodingConfig(name="quantity", periods=periods), world), 1, batch, whole=True)


def slope(demand, orders, lookahead=0, periods=1):
    """Return the slope of the mean reward in orders, where the shop begins with nothing and knows its demand."""
    rollout = rollout_of(one_shop(**SHOP, demand=[{"process": {"distribution": "deterministic", "mean": demand}}]))
    actor = Constant(orders / demand - 1.0)
    rollout.begin(actor)
    (found,) = torch.autograd.grad(rollout.play(actor, periods, lookahead), actor.answer)
    return found.item() / demand


@pytest.mark.parametrize(("orders", "true"), [(4.5, 9.0), (5.5, -1.0)])
def test_where_stock_meets_demand_the_slope_is_what_a_unit_more_changes(orders, true):
    assert slope(demand=5.0, orders=orders) == pytest.approx(true, abs=1e-3)


def test_what_is_looked_ahead_at_counts_for_earlier_decisions_alone():
    assert slope(demand=5.0, orders=4.5, periods=2) == pytest.approx(9.0, abs=1e-3)
    assert slope(demand=5.0, orders=4.5, periods=2, lookahead=1) == pytest.approx(4.5, abs=1e-3)


def test_chance_rounds_within_its_band_alone():
    rollout = rollout_of(one_shop(**SHOP, demand=[{"process": {"distribution": "poisson", "mean": 5}}]))
    rollout.band, units = 0.2, torch.tensor([4.3, 4.55, 4.7], requires_grad=True)
    rounded = rollout._rounded(units.expand(4000, 3))
    assert rounded.mean(0).tolist() == pytest.approx([4.0, 4.75, 5.0], abs=0.03)
    (found,) = torch.autograd.grad(rounded.mean(0).sum(), units)
    assert found.tolist() == pytest.approx([0.0, 5.0, 0.0])


def test_an_average_is_played_on_and_a_season_ends():
    chain, season = (rollout_of(world, batch=2) for world in (shipped_world("lost_sales"), shipped_world("newsvendor")))
    windows = chain.windows(16)
    assert {next(windows) for _ in range(200)} == {16}
    assert sum(season.windows(None)) == 1
    actor = Constant(0.0)
    assert chain.begin(actor) == 0
    for _ in range(3):
        chain.play(actor, 16)
    assert chain.worlds.period == 48
    chain.end()
    assert chain.begin(actor) == 2 * chain.world.problem.clock.warm_up > 0


def test_a_scaled_network_is_kept_as_one_that_is_shown_what_it_is():
    torch.manual_seed(0)
    actor = vector_network(NetworkShape(hidden=[8]), 3, 2)
    plain, scaling = deepcopy(actor), InputScaling(actor)
    seen = torch.randn(500, 3) * torch.tensor([1.0, 5.0, 0.5]) + torch.tensor([10.0, 0.0, -2.0])
    actor(seen)
    scaling.renew(1.0)
    torch.testing.assert_close(scaling.mean, seen.mean(0))
    torch.testing.assert_close(actor(seen), plain((seen - seen.mean(0)) / seen.std(0, unbiased=False)))
    torch.testing.assert_close(scaling.taken_in()(seen), actor(seen), atol=1e-5, rtol=1e-5)


PRECISE = {"normalise_observation": True, "settings.rounding": 0.3, "settings.window": 3, "settings.lookahead": 1}
PRECISE |= {"encoding": {"name": "quantity"}, "network.kind": "mlp"}


def test_a_precise_training_goes_on_to_the_same_end_where_it_was_cut_off(tmp_path):
    class CutOff(Exception):
        pass

    def fall(what, done, of, score):
        if what.startswith("training") and done >= 100:
            raise CutOff

    given = small("pathwise", steps=200, **PRECISE)
    whole = allotment.train(one_shop(), "pathwise", out=tmp_path / "whole", overrides=given)
    with pytest.raises(CutOff):
        allotment.train(one_shop(), "pathwise", out=tmp_path / "cut", overrides=given, progress=fall)
    (folder,) = (tmp_path / "cut").iterdir()
    resumed = allotment.resume(folder)
    for kept in ("best", "final"):
        one, other = ((run / kept / "weights.safetensors").read_bytes() for run in (whole, resumed))
        assert one == other


@pytest.mark.parametrize("algorithm", ["pathwise", "a2c"])
def test_training_ends_where_validation_gets_no_better(algorithm, tmp_path):
    own = {"encoding": {"name": "quantity"}} if algorithm == "pathwise" else {}
    given = small(algorithm, steps=4000, **own, **{"validation.patience": 2, "settings.learning_rate": 0.0001})
    given = [each.replace("0.0001", "1.0e-12") for each in given]
    given += ["settings.levels_learning_rate=1.0e-12"] * (algorithm == "pathwise")
    folder = allotment.train(two_shops(), algorithm, out=tmp_path, overrides=given)
    told = json.loads((folder / "metadata.json").read_text())
    assert told["finished"]
    assert told["environment_steps"] < 1000
    assert len(pd.read_parquet(folder / "curve.parquet")) == 3


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"settings.window": 4, "settings.lookahead": 4}, "settings.lookahead: 4 must be below settings.window; it is 4"),
        ({"settings.rounding": 0.0}, "settings.rounding"),
        ({"normalise_observation": True, "network.kind": "levels"}, "normalise_observation: the network has no linear layer"),
        ({"normalise_observation": True, "from": "somewhere"}, "normalise_observation: a network that begins with weights"),
        ({"validation.patience": 0}, "validation.patience"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(entries, told, tmp_path):
    with pytest.raises(ScenarioError, match=told):
        allotment.train(two_shops(), "pathwise", out=tmp_path, overrides=small("pathwise", **entries))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"settings.rounding": 0.5}, "settings.rounding: units of newsvendor are continuous; nothing is rounded there"),
        (
            {"settings.window": 2, "settings.lookahead": 1},
            "settings.lookahead: for long-run averages; episodes of newsvendor end",
        ),
    ],
)
def test_settings_that_do_nothing_in_a_world_are_refused(entries, told, tmp_path):
    given = small("pathwise", encoding={"name": "quantity"}, **entries)
    with pytest.raises(ScenarioError, match=told):
        allotment.train(shipped_world("newsvendor"), "pathwise", out=tmp_path, overrides=given)
    assert not list(tmp_path.iterdir())


def test_a_gradient_does_not_end_within_a_season_whose_stock_would_count_for_nothing(tmp_path):
    world = allotment.load_scenario("newsvendor", overrides=["horizon.periods=4"])
    given = small("pathwise", encoding={"name": "quantity"}, **{"settings.window": 3})
    with pytest.raises(ScenarioError, match=r"settings.window: a gradient would end after 3 of 4 periods; what is in stock"):
        allotment.train(world, "pathwise", out=tmp_path, overrides=given)
