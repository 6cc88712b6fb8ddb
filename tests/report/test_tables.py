import pytest
from rich.console import Console
from shown_money import COST

from allotment.report.cells import comparison_cells, tables_of, term_cells
from allotment.report.tables import to_html, to_markdown, to_terminal


def printed(table, width, colour=False):
    console = Console(width=width, force_terminal=colour, color_system="standard" if colour else None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


@pytest.mark.parametrize("width", [110, 120])
def test_the_tables_fit_the_terminal_with_whole_numbers(comparison, width):
    comparison["policy"] = ["a learned policy with a rather long name", *comparison["policy"][1:]]
    text = printed(to_terminal(comparison_cells(comparison, COST)), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "-12.3 [-14.6, -10.1]" in text
    assert "1,187.7 ± 1.5" in text
    assert "lost" in printed(to_terminal(term_cells(comparison, COST)), width)


def test_the_terminal_colours_only_sure_differences(comparison):
    lines = printed(to_terminal(comparison_cells(comparison, COST)), 120, colour=True).splitlines()
    green, red = "\x1b[32m", "\x1b[31m"
    rows = [line for line in lines if " ± 1.5" in line]
    assert [green in line for line in rows] == [True, False, False, False]
    assert [red in line for line in rows] == [False, False, False, True]


def test_the_note_stands_below_the_table(comparison):
    text = printed(to_terminal(comparison_cells(comparison, COST)), 120)
    assert text.index("constant_order") < text.index("1,000 test worlds, the same for every policy")


def test_names_in_brackets_are_not_taken_for_styles(comparison):
    comparison.loc[0, "policy"] = "base_stock [red]"
    assert "base_stock [red]" in printed(to_terminal(comparison_cells(comparison, COST)), 120)


def test_every_group_of_policies_begins_with_its_title(comparison):
    cells = tables_of(comparison.assign(informed=[True, False, True, False]), COST)[0]
    names = ["informed", "ppo", "sac", "uninformed", "base_stock", "constant_order"]
    marked = [f"*{name}*" if name.endswith("informed") else name for name in names]
    terminal = printed(to_terminal(cells), 120).splitlines()
    assert [line.split()[0] for line in terminal if line.split()[:1] and line.split()[0] in names] == names
    lines = to_markdown(cells).splitlines()
    assert [line.split()[1] for line in lines[2:]] == marked
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1  # as many cells in each line
    text = to_html(cells)
    assert text.count('<tr class="group">') == 2
    informed, uninformed = (text.index(f'colspan="7">{title}<') for title in ("informed", "uninformed"))
    assert informed < text.index("sac") < uninformed < text.index("constant")


def test_markdown_has_a_line_a_policy_and_numbers_to_the_right(comparison):
    comparison.loc[0, "policy"] = "s|S"
    lines = to_markdown(comparison_cells(comparison, COST)).splitlines()
    assert lines[1] == "| :-- | :-- | --: | --: | --: | :-- | --: |"
    assert lines[2].startswith(r"| s\|S (3 seeds) | learned | 1,187.7 ± 1.5 | -12.3 [-14.6, -10.1] | -1.02% | better |")
    assert len(lines) == 2 + len(comparison)


def test_html_marks_what_is_sure_and_escapes_names(comparison):
    comparison.loc[0, "policy"] = "<b>ppo</b>"
    text = to_html(comparison_cells(comparison, COST))
    assert '<tr><td class="word">&lt;b&gt;ppo&lt;/b&gt; (3 seeds)</td>' in text
    assert (
        '<td class="better">-12.3 [-14.6, -10.1]</td><td class="better">-1.02%</td><td class="word better">better</td>' in text
    )
    assert text.count("worse") == 4  # the difference, its percent, and the verdict's class and word
    assert "<b>" not in text
