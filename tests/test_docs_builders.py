"""What makes the documentation from the source: it says all there is, and fails where the source says nothing."""

import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))

import allotment  # noqa: E402
import hooks  # noqa: E402
from allotment.scenario import amounts, processes, schema, treasury_parts  # noqa: E402
from builders import import_graph, links, network_drawing, notebooks, record_table, schema_reference, source, type_words  # noqa: E402

MODULES = [schema, processes, amounts, treasury_parts]


class Silent(BaseModel):
    """A part that leaves a key without a word."""

    model_config = ConfigDict(extra="forbid")

    told: float = 0.0  # units, in all
    silent: float = 0.0


class Unillustrated(BaseModel):
    """A part without an example."""

    told: float = 0.0  # units


def test_a_key_without_a_comment_stops_the_build():
    with pytest.raises(schema_reference.Undescribed, match="Silent: no comment beside silent"):
        schema_reference.rows(Silent, [sys.modules[__name__]], {})


def test_a_part_without_an_example_stops_the_build():
    with pytest.raises(schema_reference.Undescribed, match="Unillustrated has no example"):
        schema_reference.example(Unillustrated, schema.Scenario)


def test_the_reference_of_worlds_has_every_key_of_every_part():
    made = schema_reference.reference(schema.Scenario, MODULES)
    for model in schema_reference.parts_of(schema.Scenario, MODULES):
        for name, info in model.model_fields.items():
            assert name == "distribution" or f"| `{info.alias or name}` |" in made


@pytest.mark.parametrize(
    ("comment", "unit", "meaning"),
    [
        ("money/unit, what customers pay", "money/unit", "what customers pay"),
        ("m³; none = unlimited", "m³", "none = unlimited"),
        ("money/unit that expires", "money/unit", "money/unit that expires"),
        ("1 is served first", "", "1 is served first"),
        ("1/period, of the unit cost", "1/period", "of the unit cost"),
    ],
)
def test_a_comment_opens_with_its_unit(comment, unit, meaning):
    assert schema_reference.unit_and_meaning(comment) == (unit, meaning)


def test_a_comment_may_stand_beside_a_field_or_above_it():
    text = "class Part:\n    first: int = 1  # beside\n    # above\n    second: int = 2\n    third: int = 3\n"
    assert [field.comment for field in source.parse(text).classes["Part"].values()] == ["beside", "above", ""]


def test_types_are_told_in_words_and_unknown_ones_stop_the_build():
    parsed = source.parse("class Part:\n    a: list[Positive] | None\n    b: Literal['x', 'y']\n    c: Strange\n").classes[
        "Part"
    ]
    assert type_words.in_words(parsed["a"].annotation, {}, {}) == "list of number > 0"
    assert type_words.in_words(parsed["b"].annotation, {}, {}) == "`x` or `y`"
    with pytest.raises(type_words.Unworded, match="Strange"):
        type_words.in_words(parsed["c"].annotation, {}, {})


def test_an_unknown_table_stops_the_build():
    with pytest.raises(LookupError, match="nothing is made under the name 'worlds of tomorrow'"):
        hooks.filled("<!-- made: worlds of tomorrow -->")


def test_links_lead_to_pages_of_the_site_or_become_words():
    text = "[a](../envs/serial.yaml) [b](../experiments/brunel/README.md) [c](https://example.org) [d](../src/x.py)"
    turned = links.within_the_site(text, depth=1)
    assert turned == "[a](../worlds/gallery.md#serial) [b](../experiments/brunel.md) [c](https://example.org) d"


def test_notebooks_have_a_place_only_where_there_are_any(monkeypatch):
    nav = [{"Home": "index.md"}, {"Tutorial": []}]
    monkeypatch.setattr(hooks, "notebook_files", lambda: [])
    assert hooks.navigation(nav) == [{"Home": "index.md"}]
    monkeypatch.setattr(hooks, "notebook_files", lambda: [Path("01_first.ipynb")])
    assert hooks.navigation(nav)[1] == {"Tutorial": ["tutorial/01_first.md"]}


def test_a_network_is_drawn_from_suppliers_to_channels():
    network = network_drawing.network_of(allotment.load_scenario("two_retailers"))
    column = network_drawing.columns(network)
    assert all(column[place.name] == 0 for place in network.places if place.kind == "supplier")
    assert max(column.values()) == column[network.places[-1].name]
    picture = network_drawing.as_svg(network_drawing.draw(network))
    assert picture == network_drawing.as_svg(network_drawing.draw(network))
    assert b"warehouse" in picture


def test_packages_are_drawn_above_what_they_import():
    graph = {("b", "a"): 1, ("c", "b"): 2, ("c", "a"): 1, ("d", "e"): 1, ("e", "d"): 1, ("d", "a"): 1}
    assert import_graph.levels(graph) == {"a": 0, "b": 1, "c": 2, "d": 1, "e": 1}
    assert ("c", "a") not in import_graph.direct(graph)
    assert {("d", "e"), ("e", "d")} <= set(import_graph.direct(graph))


def test_the_page_on_architecture_describes_every_package():
    described = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for package in import_graph.levels(import_graph.imports()):
        assert f"| `{package}` |" in described


def test_a_notebook_becomes_a_page_with_its_pictures():
    page = notebooks.page(hooks.notebook_files()[0])
    assert page.title == "A first policy"
    assert all(f"]({name})" in page.text and picture.startswith(b"\x89PNG") for name, picture in page.pictures.items())
    assert "```python" in page.text


def test_fields_of_records_say_their_axes_and_what_they_hold():
    made = record_table.table("allotment.engine.state.Decision")
    assert "| `orders` | B L K | units requested on each supply lane |" in made
    assert "| `memory` | B n |" in made
