import pytest

from allotment.report.numbers import decimals, number, p_value, percentage


@pytest.mark.parametrize(
    ("value", "places", "signed", "text"),
    [
        (1234567.0, 0, False, "1,234,567"),
        (-1234.56, 1, False, "-1,234.6"),
        (12.34, 1, True, "+12.3"),
        (-0.001, 1, True, "+0.0"),
        (-0.001, 1, False, "0.0"),
        (float("nan"), 2, False, "-"),
    ],
)
def test_numbers_have_separators_and_no_negative_zero(value, places, signed, text):
    assert number(value, places, signed) == text


@pytest.mark.parametrize(
    ("value", "digits", "places"),
    [(12345.0, 3, 0), (123.4, 4, 1), (-1.234, 3, 2), (0.01234, 2, 3), (1e-9, 3, 4), (0.0, 3, 0), (float("nan"), 3, 0)],
)
def test_decimals_show_the_digits_asked_for(value, digits, places):
    assert decimals(value, digits) == places


def test_shares_are_percentages():
    assert percentage(0.97125) == "97.1%"
    assert percentage(float("nan")) == "-"


def test_p_values_have_three_places_and_never_claim_to_be_zero():
    assert [p_value(value) for value in (0.0, 0.0004, 0.0005, 0.04321, 1.0, float("nan"))] == [
        "< 0.001",
        "< 0.001",
        "0.001",
        "0.043",
        "1.000",
        "-",
    ]
