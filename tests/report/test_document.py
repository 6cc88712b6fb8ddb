import re

import pandas as pd
import pytest
from matplotlib.figure import Figure
from shown_money import COST, PROFIT

from allotment.report.document import draw, write_report


def figure(width=2):
    drawing = Figure(figsize=(width, 2), layout="constrained")
    drawing.subplots().plot([0, 1])
    return drawing


@pytest.fixture
def page(tmp_path, comparison, means):
    return write_report(
        tmp_path / "report",
        title="Lost sales <L=4>",
        question="Does learning pay?",
        comparison=comparison,
        means=means,
        money=COST,
        images=draw({"costs": ("Where the money goes", figure()), "service": ("Service & stock", figure(width=14))}),
        details={"command": "allotment run a && b", "config": "steps: 1\nseed: 2"},
        notes=["sac seed 2 is left out: <nothing> there"],
    )


def test_the_page_needs_no_other_file(page):
    text = page.read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{22})', text)
    assert sources == ["data:image/png;base64,"] * 2


def test_the_page_says_the_question_the_finding_and_how_it_was_made(page):
    text = page.read_text(encoding="utf-8")
    assert "<h1>Lost sales &lt;L=4&gt;</h1>" in text
    assert "Does learning pay?" in text
    assert "ppo (3 seeds) has the lowest cost, 1,187.7 per period" in text
    assert '<p class="remark">sac seed 2 is left out: &lt;nothing&gt; there</p>' in text
    assert "<dd>allotment run a &amp;&amp; b</dd>" in text
    assert text.count("<table>") == 7
    assert text.count("1,000 test worlds, the same for every policy") == 1


def test_markdown_stands_beside_it_with_links_to_images_that_exist(page):
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Lost sales &lt;L=4&gt;\n\nDoes learning pay?\n\n**ppo (3 seeds) has the lowest cost")
    assert "- sac seed 2 is left out: &lt;nothing&gt; there" in text
    assert "      steps: 1\n      seed: 2\n" in text  # an indented block inside the list
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert links == ["costs.png", "service.png"]
    assert all((page.parent / link).read_bytes().startswith(b"\x89PNG") for link in links)


def test_only_a_wide_image_reaches_beyond_the_text(page):
    assert re.findall(r"<figure( class=.*?)?>", page.read_text(encoding="utf-8")) == ["", ' class="broad"']


def test_the_numbers_stand_beside_it_in_full(page, comparison):
    read = pd.read_csv(page.parent / "comparison.csv")
    pd.testing.assert_frame_equal(read, comparison)


def test_a_comparison_without_terms_of_money_has_no_table_of_them(tmp_path, comparison, means):
    scores = comparison.drop(columns=["money/revenue", "money/holding", "money/lost_sale"])
    page = write_report(tmp_path, "t", "q", scores, means, PROFIT, [], {})
    assert page.read_text(encoding="utf-8").count("<table>") == 6
