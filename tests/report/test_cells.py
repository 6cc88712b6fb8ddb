from allotment.report.cells import comparison_cells, difference_texts, headline, term_cells


def test_a_cost_world_shows_costs_and_differences_in_cost(comparison):
    cells = comparison_cells(comparison, "cost")
    assert cells.header[2:4] == ["cost/period", "vs best rule"]
    assert cells.rows[0] == [
        "ppo",
        "learned",
        "1,187.7 ± 1.5",
        "-12.3 [-14.6, -10.1]",
        "95.0%",
        "90.0%",
        "12.3",
    ]


def test_a_profit_world_shows_profits_and_differences_in_profit(comparison):
    cells = comparison_cells(comparison, "profit")
    assert cells.header[2] == "profit/period"
    assert cells.rows[0][2:4] == ["-1,187.7 ± 1.5", "+12.3 [+10.1, +14.6]"]


def test_the_reference_says_so_and_is_named_unless_it_is_the_best_rule(comparison):
    assert comparison_cells(comparison, "cost").rows[1][3] == "reference"
    other = comparison.assign(reference=comparison["policy"] == "constant_order")
    cells = comparison_cells(other, "cost")
    assert cells.header[3] == "vs constant_order"
    assert cells.rows[3][3] == "reference"


def test_what_is_sure_to_be_better_is_better_whatever_the_objective(comparison):
    assert comparison_cells(comparison, "cost").better == [True, None, None, False]
    assert comparison_cells(comparison, "profit").better == [True, None, None, False]


def test_differences_show_the_digits_that_their_intervals_support(comparison):
    tight = comparison.assign(score_standard_error=0.0, score=[9.0, 8.0, 7.0, 6.0])
    tight = tight.assign(difference_low=tight["difference"] - 0.005, difference_high=tight["difference"] + 0.005)
    assert difference_texts(tight, "profit")[0] == "+12.3000 [+12.2950, +12.3050]"


def test_terms_that_nothing_moves_are_left_out(comparison):
    cells = term_cells(comparison)
    assert cells.header == ["policy", "holding", "lost sale"]
    assert cells.rows[3] == ["constant_order", "140", "60.0"]


def test_the_finding_names_the_best_policy_and_its_lead(comparison):
    assert headline(comparison, "cost") == (
        "ppo has the lowest cost, 1,187.7 per period: -12.3 [-14.6, -10.1] against base_stock."
    )
    assert headline(comparison.iloc[1:], "profit").endswith("per period; it is the reference.")
    unsure = comparison.assign(difference_low=-1.0)
    assert headline(unsure, "cost").endswith("against base_stock, which may be chance.")
