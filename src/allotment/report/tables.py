"""The comparison's cells dressed as a table: for the terminal, for Markdown and for HTML."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from allotment.names import no_formula
from allotment.report.cells import Cells
from allotment.report.knowledge import begins
from allotment.whole_file import write_whole

if TYPE_CHECKING:
    from rich.table import Table

NAMES = ("policy", "channel", "site", "SKU")
WORDS = (
    *NAMES,
    "kind",
    "verdict",
    "resampled",
    "measure",
    "entity",
    "account",
    "type",
    "supplier",
    "why undefined",
)  # columns of words stand left, columns of numbers right


def to_terminal(cells: Cells) -> Table:
    """Return the cells as a rich table; where the terminal is narrow, names wrap and numbers do not.

    What is surely better than the reference is green, what is surely worse red.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.title, table.title_justify, table.title_style = Text(cells.caption), "left", "bold"
    if cells.note:
        table.caption, table.caption_justify, table.caption_style = Text(cells.note), "left", "dim"
    for position, name in enumerate(cells.header):
        width = None if name in NAMES else _width(cells, position)
        table.add_column(Text(name), justify="left" if name in WORDS else "right", width=width, overflow="fold")
    for row, verdict, group in zip(cells.rows, _verdicts(cells), _titles(cells), strict=True):
        if group:
            table.add_row(Text(group, style="italic"))
        shade = {"better": "green", "worse": "red"}.get(verdict, "")
        styles = [shade if _is_claim(name) else "" for name in cells.header]
        table.add_row(*(Text(text, style=style) for text, style in zip(row, styles, strict=True)))
    return table


def to_markdown(cells: Cells) -> str:
    """Return the cells as a Markdown table."""
    rule = [":--" if name in WORDS else "--:" for name in cells.header]
    lines = [
        [markdown_text(text) for text in cells.header],
        rule,
    ]
    for row, group in zip(cells.rows, _titles(cells), strict=True):
        lines += [[f"*{markdown_text(group)}*", *[""] * (len(row) - 1)]] if group else []
        lines.append([markdown_text(text) for text in row])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown_text(text: str) -> str:
    """Return a text on one line, in which Markdown finds no HTML, link, code, stars, fence or end of a cell."""
    line = html.escape(" ".join(text.split()), quote=False).replace("\\", "\\\\").replace("](", "]\\(")
    for sign in "|`*~":
        line = line.replace(sign, f"\\{sign}")
    return line


def to_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table as CSV, with an apostrophe before every text that a spreadsheet would take for a formula."""
    safe = table.rename(columns=no_formula)
    for name in safe.select_dtypes(exclude=["number", "bool"]):
        safe[name] = safe[name].map(no_formula)
    write_whole(file, safe.to_csv(index=False))


def to_html(cells: Cells) -> str:
    """Return the cells as an HTML table; what is sure in them has the class `better` or `worse`."""
    head = _html_row("th", cells.header, cells.header, "")
    body = [
        f"{_html_group(group, len(row))}<tr>{_html_row('td', row, cells.header, verdict)}</tr>"
        for row, verdict, group in zip(cells.rows, _verdicts(cells), _titles(cells), strict=True)
    ]
    caption = f"<caption>{html.escape(cells.caption)}</caption>"
    return "\n".join(["<table>", caption, f"<thead><tr>{head}</tr></thead>", "<tbody>", *body, "</tbody>", "</table>"])


def _html_row(element: str, texts: list[str], header: list[str], verdict: str) -> str:
    """Return the cells of one row: those of words have the class `word`, those that make a sure claim its verdict."""
    cells = []
    for text, name in zip(texts, header, strict=True):
        classes = ["word"] if name in WORDS else []
        classes += [verdict] if verdict in ("better", "worse") and _is_claim(name) else []
        mark = f' class="{" ".join(classes)}"' if classes else ""
        cells.append(f"<{element}{mark}>{html.escape(text)}</{element}>")
    return "".join(cells)


def _html_group(title: str, columns: int) -> str:
    """Return the row with a group's title, nothing where no group begins."""
    return f'<tr class="group"><th class="word" colspan="{columns}">{html.escape(title)}</th></tr>\n' if title else ""


def _titles(cells: Cells) -> list[str]:
    """Return the title of the group that each row begins, nothing where it begins none."""
    if not cells.groups:
        return [""] * len(cells.rows)
    return [group if first else "" for group, first in zip(cells.groups, begins(cells.groups), strict=True)]


def _verdicts(cells: Cells) -> list[str]:
    return cells.verdicts or [""] * len(cells.rows)


def _is_claim(column: str) -> bool:
    """Tell whether a column says how a policy stands against the reference."""
    return column in ("verdict", "percent") or column.startswith("vs ")


def _width(cells: Cells, position: int) -> int:
    """Return the characters that a column needs, with its header, and verdicts, wrapped between words."""
    texts = [row[position] for row in cells.rows]
    if cells.header[position] == "verdict":
        texts = " ".join(texts).split()
    return max(len(text) for text in [*texts, *cells.header[position].split()])
