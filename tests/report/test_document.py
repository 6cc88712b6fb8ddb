import re

import pytest
from matplotlib.figure import Figure

from allotment.report.document import write_report


def figure():
    drawing = Figure(figsize=(2, 2))
    drawing.subplots().plot([0, 1])
    return drawing


@pytest.fixture
def page(tmp_path, comparison):
    return write_report(
        tmp_path / "report",
        title="Lost sales <L=4>",
        question="Does learning pay?",
        comparison=comparison,
        objective="cost",
        figures={"costs": ("Where the money goes", figure()), "service": ("Service & stock", figure())},
        details={"command": "allotment run a && b"},
    )


def test_the_page_needs_no_other_file(page):
    text = page.read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{22})', text)
    assert sources == ["data:image/png;base64,"] * 2


def test_the_page_says_the_question_the_finding_and_how_it_was_made(page):
    text = page.read_text(encoding="utf-8")
    assert "<h1>Lost sales &lt;L=4&gt;</h1>" in text
    assert "Does learning pay?" in text
    assert "ppo has the lowest cost, 1,187.7 per period" in text
    assert "<dd>allotment run a &amp;&amp; b</dd>" in text
    assert text.count("<table>") == 2


def test_markdown_stands_beside_it_with_links_to_images_that_exist(page):
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Lost sales <L=4>\n\nDoes learning pay?\n\n**ppo has the lowest cost")
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert links == ["costs.png", "service.png"]
    assert all((page.parent / link).read_bytes().startswith(b"\x89PNG") for link in links)


def test_a_comparison_without_terms_of_money_has_one_table(tmp_path, comparison):
    scores = comparison.drop(columns=["money/revenue", "money/holding", "money/lost_sale"])
    page = write_report(tmp_path, "t", "q", scores, "profit", {}, {})
    assert page.read_text(encoding="utf-8").count("<table>") == 1
