from allotment.runs.settings import flatten


def test_nested_settings_get_dotted_names():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1, 2], "e": False}) == {"a.b.c": 1, "d": "[1, 2]", "e": "false"}


def test_settings_that_are_not_set_are_left_out():
    assert flatten({"a": None, "b": {"c": None}, "d": 0}) == {"d": 0}
