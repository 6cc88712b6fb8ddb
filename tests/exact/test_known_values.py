"""Every exact value that a shipped world states comes out again; those that take longer than seconds in `make exact` alone."""

from __future__ import annotations

import shutil

import known_values
import pytest

from allotment.resources import shipped, shipped_names
from allotment.studies.valuing import computed

LONG = {"transshipment", "random_lead_time", "random_lead_time_kaplan"}  # up to a minute each
STATED = [
    pytest.param(known, entry, id=f"{env}: {known.policy}")
    for env in shipped_names("envs")
    for known, entry in known_values.entries(env)
    if known.episodes is None and env not in LONG
]


@pytest.mark.parametrize(("known", "entry"), STATED)
def test_what_a_world_states_comes_out(known, entry):
    assert known_values.agrees(known, computed(entry))


def test_every_value_that_is_stated_as_exact_can_be_computed_again_unless_it_is_a_bound():
    for env in shipped_names("envs"):
        stated = known_values.read_yaml(shipped("envs", env)).get("known", [])
        exact = {each["policy"] for each in stated if each["source"].startswith("exact") and "bound" not in each["source"]}
        assert exact <= {known.policy for known, _ in known_values.entries(env)}


def test_a_value_that_differs_is_written_into_the_file(tmp_path):
    file = tmp_path / "two_centres.yaml"
    shutil.copy(shipped("envs", "two_centres"), file)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("1.52953", "1.61234"), encoding="utf-8")
    known, entry = known_values.entries("two_centres")[0]
    wrong, found = known.model_copy(update={"value": 1.61234}), computed(entry)
    assert not known_values.agrees(wrong, found)
    known_values.fill(file, wrong, found)
    assert file.read_text(encoding="utf-8") == text
