"""How much of the gap to perfect foresight policies close."""

import numpy as np
import pytest
from typer.testing import CliRunner

from allotment.bounds.gap import gap_closed
from allotment.cli import app

BOUND, REFERENCE = np.array([14.0, 16.0, 18.0]), np.array([10.0, 11.0, 12.0])


def test_the_share_is_that_of_the_means_with_the_error_of_their_ratio():
    half = gap_closed((BOUND + REFERENCE) / 2, REFERENCE, BOUND)
    assert half == pytest.approx((0.5, 0.0))
    share = gap_closed(np.array([12.0, 11.0, 13.0]), REFERENCE, BOUND)
    assert share.estimate == pytest.approx(3.0 / 15.0)
    residuals = np.array([2.0, 0.0, 1.0]) - 0.2 * np.array([4.0, 5.0, 6.0])
    assert share.standard_error == pytest.approx(residuals.std(ddof=1) / 3**0.5 / 5.0)


def test_without_a_gap_there_is_no_share():
    assert np.isnan(gap_closed(REFERENCE, REFERENCE, REFERENCE).estimate)


def test_evaluate_tells_the_share_of_one_policy():
    world = ["--env", "lost_sales", "--set-env", "horizon.periods=4", "--set-env", "horizon.warm_up=2"]
    command = ["evaluate", "constant_order", "--set", "parameters.quantity=4", *world, "--episodes", "3", "--bound", "2", "-q"]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    assert "gap closed: " in shown.output and "with perfect foresight, in 2 test worlds" in shown.output
