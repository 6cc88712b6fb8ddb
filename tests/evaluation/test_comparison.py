import numpy as np
import pandas as pd
import pytest

from allotment.evaluation.comparison import compare

WORLDS = np.array([0.0, 100.0, 200.0, 300.0])
LEAD = np.array([4.0, 5.0, 5.0, 6.0])


def episodes_of(policy, kind, scores, fill_rate=0.9, holding=2.0):
    return pd.DataFrame(
        {
            "policy": policy,
            "kind": kind,
            "episode": range(len(scores)),
            "score": scores,
            "fill_rate": fill_rate,
            "cycle_service_level": 0.8,
            "stock_turns": 12.0,
            "on_hand": 30.0,
            "money/holding": holding,
        }
    )


@pytest.fixture
def episodes():
    return pd.concat(
        [
            episodes_of("base_stock", "rule-based", WORLDS, fill_rate=[0.8, 0.9, 0.9, 1.0]),
            episodes_of("ppo", "learned", WORLDS + LEAD, holding=[1.0, 2.0, 3.0, 4.0]),
            episodes_of("constant_order", "rule-based", WORLDS - 20.0),
        ],
        ignore_index=True,
    )


def compared(episodes, reference=None):
    return compare(episodes, reference, np.random.default_rng(0)).set_index("policy")


def test_policies_stand_from_the_best_score_to_the_worst(episodes):
    table = compare(episodes, None, np.random.default_rng(0))
    assert list(table["policy"]) == ["ppo", "base_stock", "constant_order"]
    assert list(table["score"]) == [155.0, 150.0, 130.0]


def test_the_best_rule_is_the_reference_unless_one_is_named(episodes):
    assert compared(episodes)["reference"].to_dict() == {"ppo": False, "base_stock": True, "constant_order": False}
    assert compared(episodes, "ppo").loc["ppo", "reference"]
    assert list(compared(episodes, "ppo")["difference"]) == [0.0, -5.0, -25.0]


def test_differences_are_paired_by_episode(episodes):
    table = compared(episodes)
    assert table.loc["ppo", "difference"] == 5.0
    assert 3.5 < table.loc["ppo", "difference_low"] < 5.0 < table.loc["ppo", "difference_high"] < 6.5
    assert list(table.loc["constant_order", ["difference_low", "difference_high"]]) == [-20.0, -20.0]
    assert list(table.loc["base_stock", ["difference", "difference_low", "difference_high"]]) == [0.0, 0.0, 0.0]
    assert table.loc["ppo", "score_standard_error"] > 30  # the worlds differ far more than the policies


def test_rows_may_come_in_any_order(episodes):
    shuffled = episodes.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(compared(shuffled), compared(episodes))


def test_measures_and_money_are_means_over_episodes(episodes):
    table = compared(episodes)
    assert table.loc["base_stock", "fill_rate"] == pytest.approx(0.9)
    assert table.loc["ppo", "money/holding"] == 2.5
    assert list(table.columns[-5:]) == ["fill_rate", "cycle_service_level", "stock_turns", "on_hand", "money/holding"]


def test_policies_that_played_other_episodes_are_refused(episodes):
    with pytest.raises(ValueError, match=r"of 4 in all, there are: 'base_stock' 4, 'constant_order' 4, 'ppo' 3"):
        compared(episodes.drop(index=5))
    elsewhere = episodes.assign(episode=episodes["episode"] + 100 * (episodes["policy"] == "ppo"))
    with pytest.raises(ValueError, match=r"of 8 in all, there are: .*'ppo' 4"):
        compared(elsewhere)


def test_an_episode_played_twice_is_refused(episodes):
    with pytest.raises(ValueError, match="'ppo' has several rows for episode 2"):
        compared(pd.concat([episodes, episodes.iloc[[6]]]))


def test_a_missing_score_is_refused(episodes):
    episodes.loc[9, "score"] = np.nan
    with pytest.raises(ValueError, match="that of 'constant_order' in episode 1 is not"):
        compared(episodes)


def test_a_policy_of_two_kinds_is_refused(episodes):
    episodes.loc[0, "kind"] = "learned"
    with pytest.raises(ValueError, match=r"one kind, not several: \[\('base_stock', 'learned'\), \('base_stock'"):
        compared(episodes)


def test_a_reference_must_be_there(episodes):
    with pytest.raises(ValueError, match=r"the reference 'pppo' is not among the policies; did you mean 'ppo'\?"):
        compared(episodes, "pppo")
    with pytest.raises(ValueError, match="there are no episodes"):
        compared(episodes.iloc[:0])


def test_without_a_rule_the_best_policy_is_the_reference(episodes):
    learned = pd.concat([episodes[episodes["policy"] == "ppo"], episodes_of("sac", "learned", WORLDS)])
    assert compared(learned)["reference"].to_dict() == {"ppo": True, "sac": False}


def test_the_table_says_what_is_sure_after_correction(episodes):
    table = compared(episodes)
    assert table["verdict"].to_dict() == {"ppo": "better", "base_stock": "reference", "constant_order": "worse"}
    # The worlds agree on the constant order to the cent; the learned policy's p-value is the smallest but one.
    assert table.loc["constant_order", "adjusted_p_value"] == 0.0
    assert table.loc["ppo", "adjusted_p_value"] == table.loc["ppo", "p_value"] < 0.01
    assert np.isnan(table.loc["base_stock", "p_value"])


def test_what_one_comparison_would_show_may_be_open_among_many():
    lead = np.array([1.0, -0.5, 1.5, 0.2, 0.9, 1.6, -0.2, 0.8])  # 2.45 standard errors from zero: p = 0.044
    few = pd.concat([episodes_of("rule", "rule-based", np.zeros(8)), episodes_of("ppo", "learned", lead)])
    assert compared(few).loc["ppo", "verdict"] == "better"
    many = pd.concat([few, episodes_of("a2c", "learned", np.tile([1.0, -1.0], 4))])
    assert compared(many).loc["ppo", "verdict"] == "open"
    assert compared(many).loc["ppo", "difference_low"] > 0


def test_the_chance_to_beat_the_reference_counts_worlds(episodes):
    table = compared(episodes)
    assert table["improvement"].to_dict() == {"ppo": 1.0, "base_stock": 0.5, "constant_order": 0.0}


def several_seeds(policy, scores):
    """Return the episodes of a learned policy with one row of scores for each training seed."""
    return pd.concat([episodes_of(policy, "learned", row).assign(training_seed=seed) for seed, row in enumerate(scores)])


def test_a_policy_of_several_seeds_is_one_row_over_all_of_them():
    rule = episodes_of("rule", "rule-based", WORLDS).assign(training_seed=0)
    table = compared(pd.concat([rule, several_seeds("ppo", [WORLDS + 4.0, WORLDS + 5.0, WORLDS + 9.0])]))
    found = table.loc["ppo", ["seeds", "worlds", "items", "score", "difference"]].tolist()
    assert found == pytest.approx([3, 4, 0, 156.0, 6.0], rel=1e-12)  # a mean's last bit depends on where its numbers lie
    assert table.loc["ppo", "difference_low"] < 0 < table.loc["ppo", "difference_high"]  # three trainings tell little
    steady = compared(pd.concat([rule, several_seeds("ppo", [WORLDS + 5.9, WORLDS + 6.0, WORLDS + 6.1])]))
    assert steady.loc["ppo", "difference_low"] > 5.5


def test_every_seed_plays_all_episodes():
    rows = pd.concat([several_seeds("ppo", [WORLDS, WORLDS]), several_seeds("sac", [WORLDS])]).iloc[:-1]
    with pytest.raises(ValueError, match="of 4 in all, there are: 'ppo' seed 0 4, 'ppo' seed 1 4, 'sac' 3"):
        compared(rows)


def test_by_item_a_difference_must_hold_for_other_items(episodes):
    # One item earns all of the learned policy's lead.
    by_item = {policy: np.zeros((1, 4, 5)) for policy in ("ppo", "base_stock", "constant_order")}
    by_item["ppo"][..., 0] = LEAD
    table = compare(episodes, None, np.random.default_rng(0), by_item).set_index("policy")
    assert table.loc["ppo", "difference"] == 5.0
    assert table.loc["ppo", "verdict"] == "open"
    assert table.loc["ppo", "items"] == 5
    assert table.loc["ppo", "improvement"] == pytest.approx((1 + 4 * 0.5) / 5)


def close(lead, level=1000.0, **options):
    """Return the row of a policy that leads the only rule by so much in four worlds about a level."""
    rows = [episodes_of("rule", "rule-based", WORLDS / 100 + level), episodes_of("ppo", "learned", WORLDS / 100 + level + lead)]
    return compare(pd.concat(rows), None, np.random.default_rng(0), **options).set_index("policy").loc["ppo"]


def test_differences_are_in_percent_of_the_references_score():
    row = close(np.array([10.0, 10.0, 10.0, 10.0]))
    assert row["percent"] == pytest.approx(100 * 10 / 1001.5)
    assert row["percent_of"] == "score"
    assert close(np.full(4, 10.0), level=-1000.0)["percent"] > 0  # better, though the score is negative


def test_a_sure_difference_within_the_rope_is_equal_in_practice():
    row = close(np.array([1.0, 1.1, 1.1, 1.2]))
    assert row["adjusted_p_value"] < 0.01
    assert row["verdict"] == "equal in practice"
    assert close(np.array([1.0, 1.1, 1.1, 1.2]), rope=0.1)["verdict"] == "better"  # 1.1 of 1,000 is beyond ±0.1 %


def test_a_difference_whose_interval_leaves_the_rope_is_open_or_sure():
    assert close(np.array([-20.0, 20.0, -20.0, 21.0]))["verdict"] == "open"
    assert close(np.array([6.0, 6.1, 6.1, 6.2]))["verdict"] == "better"
    assert close(np.array([4.5, 4.9, 5.1, 5.5]))["verdict"] == "better"  # sure, and the interval holds more than 0.5 %


def test_the_same_score_throughout_is_equal_in_practice_whatever_the_rope():
    assert close(np.zeros(4), rope=0.0)["verdict"] == "equal in practice"


def test_costs_are_counted_net_of_what_stock_gains():
    scores = {"rule": WORLDS / 100 - 1.5, "ppo": WORLDS / 100 - 1.4}
    rows = [episodes_of(name, "learned", score).assign(**{"money/stock_change": 0.5}) for name, score in scores.items()]
    row = compare(pd.concat(rows), "rule", np.random.default_rng(0)).set_index("policy").loc["ppo"]
    assert (row["percent_of"], row["percent"]) == ("costs", pytest.approx(100 * 0.1 / (2.0 - 0.5)))


def test_where_the_references_score_is_about_zero_percent_are_of_its_costs():
    row = close(np.array([0.01, 0.011, 0.011, 0.012]), level=-1.5)
    assert (row["percent_of"], row["percent"]) == ("costs", pytest.approx(100 * 0.011 / 2.0))
    rows = [episodes_of("rule", "rule-based", WORLDS - 150.0, holding=0.0), episodes_of("ppo", "learned", WORLDS - 149.0)]
    nothing = compare(pd.concat(rows), None, np.random.default_rng(0)).set_index("policy").loc["ppo"]
    assert nothing["percent_of"] == "nothing"
    assert np.isnan(nothing["percent"])
    assert nothing["verdict"] == "better"
