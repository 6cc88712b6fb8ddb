"""The comparison's cells dressed as a table: for the terminal, for Markdown and for HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from allotment.report.cells import Cells

if TYPE_CHECKING:
    from rich.table import Table

WORDS = ("policy", "kind")  # columns of words stand left, columns of numbers right


def to_terminal(cells: Cells) -> Table:
    """Return the cells as a rich table; where the terminal is narrow, the names of policies wrap and numbers do not.

    Differences surely better than the reference are green, surely worse ones red.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=cells.caption, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, name in enumerate(cells.header):
        width = None if name == "policy" else _width(cells, position)
        table.add_column(Text(name), justify="left" if name in WORDS else "right", width=width, overflow="fold")
    for row, better in zip(cells.rows, cells.better, strict=True):
        shade = {True: "green", False: "red", None: ""}[better]
        styles = [shade if name.startswith("vs ") else "" for name in cells.header]
        table.add_row(*(Text(text, style=style) for text, style in zip(row, styles, strict=True)))
    return table


def to_markdown(cells: Cells) -> str:
    """Return the cells as a Markdown table."""
    rule = [":--" if name in WORDS else "--:" for name in cells.header]
    lines = [cells.header, rule, *cells.rows]
    return "\n".join("| " + " | ".join(text.replace("|", r"\|") for text in line) + " |" for line in lines)


def to_html(cells: Cells) -> str:
    """Return the cells as an HTML table, whose rows carry the class `better` or `worse` where that is sure."""
    head = _html_cells("th", cells.header, cells.header)
    body = [
        f"<tr{_html_class(better)}>{_html_cells('td', row, cells.header)}</tr>"
        for row, better in zip(cells.rows, cells.better, strict=True)
    ]
    caption = f"<caption>{html.escape(cells.caption)}</caption>"
    return "\n".join(["<table>", caption, f"<thead><tr>{head}</tr></thead>", "<tbody>", *body, "</tbody>", "</table>"])


def _html_cells(element: str, texts: list[str], header: list[str]) -> str:
    """Return the cells of one row, those of words with the class `word`."""
    classes = [' class="word"' if name in WORDS else "" for name in header]
    return "".join(f"<{element}{name}>{html.escape(text)}</{element}>" for text, name in zip(texts, classes, strict=True))


def _html_class(better: bool | None) -> str:
    """Return the class of a row."""
    return {True: ' class="better"', False: ' class="worse"', None: ""}[better]


def _width(cells: Cells, position: int) -> int:
    """Return the characters that a column needs, with its header wrapped between words."""
    return max(len(text) for text in [*(row[position] for row in cells.rows), *cells.header[position].split()])
