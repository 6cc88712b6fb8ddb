import numpy as np
import pytest

from allotment.evaluation.correction import holm


def test_the_smallest_p_value_counts_once_for_each_claim_and_no_later_one_falls_below_it():
    # 3 × 0.01, 2 × 0.03 and 1 × 0.04, which may not be less than the one before.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_a_single_p_value_stays_as_it_is():
    assert holm([0.04]).tolist() == [0.04]
    assert holm([]).tolist() == []


def test_adjusted_p_values_end_at_one():
    assert holm([0.6, 0.5, 0.9]).tolist() == [1.0, 1.0, 1.0]


def test_of_ten_true_nulls_one_is_rejected_as_rarely_as_promised():
    rng = np.random.default_rng(5)
    false_alarms = [(holm(rng.random(10)) < 0.05).any() for _ in range(2000)]
    assert 0.035 < np.mean(false_alarms) < 0.065
    uncorrected = [(rng.random(10) < 0.05).any() for _ in range(2000)]
    assert np.mean(uncorrected) > 0.3


@pytest.mark.parametrize("wrong", [[0.5, 1.2], [-0.1], [0.2, np.nan], [[0.1]]])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(ValueError, match="p-values must be a row of numbers from 0 to 1"):
        holm(wrong)
