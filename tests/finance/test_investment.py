"""Investment cases: the worked numbers, what is measured in common worlds, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from allotment.cli import app
from allotment.finance.investment import Case, annuity, appraisal, read_case, stated
from allotment.scenario.errors import ScenarioError


def test_the_worked_case_is_worth_what_it_is_and_paid_back_in_month_twenty():
    made = stated(Case(cost=500_000, gain=25_000, life=36, rate=0.10, period="month"))
    assert made.net_present_value == pytest.approx(274_780.89, abs=0.005)
    assert made.paid_back == 20
    assert made.internal_rate is not None
    assert -500_000 + 25_000 * annuity(made.internal_rate / 12, 36) == pytest.approx(0.0, abs=1e-3)


def test_a_delay_puts_off_every_gain_and_a_life_that_is_too_short_pays_nothing_back():
    late = stated(Case(cost=100, gain=60, life=2, rate=0.10, delay=1, period="year"))
    assert late.net_present_value == pytest.approx(-100 + 60 / 1.1**2 + 60 / 1.1**3)
    assert late.paid_back == 3
    short = stated(Case(cost=100, gain=30, life=3, rate=0.0, period="year"))
    assert (short.net_present_value, short.paid_back, short.internal_rate) == (-10.0, None, None)


def test_a_measured_gain_is_paired_world_by_world():
    case = Case(cost=10, life=1, rate=0.0, world="w", policy="p", change=["a=1"])
    made = appraisal(case, np.array([100.0, 300.0, 200.0]), np.array([101.0, 303.0, 202.0]), "week")
    assert made.gain.mean == 2.0
    assert made.gain.error == pytest.approx(1.0 / np.sqrt(3.0))
    assert made.gain.low == pytest.approx(2.0 - 4.3026527 / np.sqrt(3.0))


def test_the_command_measures_a_change_in_common_worlds(tmp_path):
    (tmp_path / "case.yaml").write_text(
        "world: lost_sales\npolicy: {policy: base_stock, parameters: {level: 25}}\n"
        "change: [channels.customers.shortage_cost=5]\ncost: 100\nlife: 10\nrate: 0.1\nperiod: week\nepisodes: 8\n"
    )
    told = CliRunner().invoke(app, ["invest", str(tmp_path / "case.yaml")])
    assert told.exit_code == 0, told.output
    assert "gain per week" in told.output
    assert "-" in told.output.split("gain per week")[1].split("\n")[0]  # dearer losses earn less
    assert "not within its 10 periods" in told.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "cost: 1\nlife: 1\nrate: 0.1\n",
            "must state a gain, or world, policy and change by which it is measured; world is",
        ),
        ("cost: 1\nlife: 1\nrate: 0.1\ngain: 3\nworld: lost_sales\n", "gain is stated; leave world out"),
        ("cost: 1\nlife: 1\nrate: 0.1\ngain: 3\nperiod: shift\n", "period must be day, week, month"),
        ("cost: 1\nlive: 1\nrate: 0.1\ngain: 3\nperiod: day\n", "unknown key 'live'"),
    ],
)
def test_a_case_that_cannot_be_names_the_key(tmp_path, content, message):
    (tmp_path / "case.yaml").write_text(content)
    with pytest.raises(ScenarioError, match=message):
        read_case(tmp_path / "case.yaml")
