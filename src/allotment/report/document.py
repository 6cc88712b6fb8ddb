"""The report of a comparison: question, finding, tables and figures, as Markdown, as one HTML file, and as CSV."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from allotment.evaluation.comparison import by_knowledge
from allotment.report.breakdown_cells import all_tables, breakdown_table
from allotment.report.cells import Cells, headline
from allotment.report.money import Money
from allotment.report.tables import markdown_text, to_csv, to_html, to_markdown
from allotment.whole_file import make_folder, write_whole

DOTS_PER_INCH = 144
BROAD = 12 * DOTS_PER_INCH  # pixels; a wider image reaches beyond the text

STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.2rem; } .finding { font-size: 1.1rem; font-weight: 600; }
.wide { overflow-x: auto; margin: 1rem 0 .4rem; } .note { color: #555; font-size: .85rem; margin: 0 0 1.6rem; }
.remark { border-left: 4px solid #E69F00; padding-left: .8rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; white-space: nowrap; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
thead th { border-bottom: 2px solid #888; white-space: normal; vertical-align: bottom; }
.group th { font-weight: 400; font-style: italic; color: #555; padding-top: .8rem; }
.word { text-align: left; } .better { color: #00684a; } .worse { color: #a33c00; }
figure { margin: 1.8rem 0; } img { max-width: 100%; }
figure.broad { width: min(96vw, 110rem); margin-left: 50%; transform: translateX(-50%); }
figcaption { color: #555; font-size: .9rem; }
dt { font-weight: 600; } dd { margin: 0 0 .6rem; overflow-wrap: anywhere; white-space: pre-wrap; }
"""


@dataclass(frozen=True)
class Drawn:
    """A figure of the report, as the image file holds it."""

    name: str  # of the file, without its ending
    caption: str
    png: bytes

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in pixels, as the header of every PNG tells them."""
        width, height = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return width, height


@dataclass(frozen=True)
class Document:
    """What a report says, before it is dressed."""

    title: str
    question: str
    finding: str
    notes: Sequence[str]  # what the comparison lacks, a sentence each
    tables: list[Cells]
    images: list[Drawn]
    details: Mapping[str, str]


def draw(figures: Mapping[str, tuple[str, Figure]]) -> list[Drawn]:
    """Return figures, given by name with their captions, as images trimmed to what is drawn."""
    return [Drawn(name, caption, _png(figure)) for name, (caption, figure) in figures.items()]


def write_report(
    folder: Path,
    title: str,
    question: str,
    comparison: pd.DataFrame,
    means: Mapping[str, pd.DataFrame],
    money: Money,
    images: list[Drawn],
    details: Mapping[str, str],
    notes: Sequence[str] = (),
) -> Path:
    """Write the report and return the path of its page, `report.html`, which needs no other file.

    Beside it stand `report.md` with a PNG for each image, `comparison.csv`: one row a policy with every number in full, and
    `breakdown.csv`: the same by channel, site and SKU. `comparison` is as `compare` returns it, `means` as `Breakdown.means`
    for each policy, the best first; `details` says how the report was made (worlds, policies, versions).
    """
    make_folder(folder)
    comparison = by_knowledge(comparison)
    tables, finding = all_tables(comparison, means, money), headline(comparison, money)
    document = Document(title, question, finding, notes, tables, images, details)
    for image in images:
        write_whole(folder / f"{image.name}.png", image.png)
    to_csv(comparison, folder / "comparison.csv")
    to_csv(breakdown_table(means), folder / "breakdown.csv")
    write_whole(folder / "report.md", as_markdown(document))
    page = folder / "report.html"
    write_whole(page, as_html(document))
    return page


def as_markdown(document: Document) -> str:
    """Return the report as Markdown, with links to the images beside it."""
    text = markdown_text
    parts = [f"# {text(document.title)}", text(document.question), f"**{text(document.finding)}**"]
    if document.notes:
        parts.append("\n".join(f"- {text(sentence)}" for sentence in document.notes))
    for cells in document.tables:
        parts += [f"**{text(cells.caption)}**", to_markdown(cells), *([text(cells.note)] if cells.note else [])]
    parts += [f"![{text(image.caption)}]({image.name}.png)\n\n*{text(image.caption)}*" for image in document.images]
    parts += ["## Details", "\n".join(f"- **{text(name)}**: {_indented(each)}" for name, each in document.details.items())]
    return "\n\n".join(parts) + "\n"


def as_html(document: Document) -> str:
    """Return the report as one HTML page, images included."""
    tables = "\n".join(_table(cells) for cells in document.tables)
    images = "\n".join(_figure(image) for image in document.images)
    details = "\n".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in document.details.items())
    notes = "".join(f'<p class="remark">{html.escape(sentence)}</p>\n' for sentence in document.notes)
    title = html.escape(document.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{html.escape(document.question)}</p>
<p class="finding">{html.escape(document.finding)}</p>
{notes}{tables}
{images}
<h2>Details</h2>
<dl>
{details}
</dl>
</body>
</html>
"""


def _table(cells: Cells) -> str:
    """Return a table with its note."""
    note = f'\n<p class="note">{html.escape(cells.note)}</p>' if cells.note else ""
    return f'<div class="wide">{to_html(cells)}</div>{note}'


def _figure(image: Drawn) -> str:
    """Return an image with its caption, the image's bytes inside the page."""
    text, content = html.escape(image.caption), base64.b64encode(image.png).decode("ascii")
    opening = '<figure class="broad">' if image.size[0] > BROAD else "<figure>"
    return f'{opening}<img alt="{text}" src="data:image/png;base64,{content}"><figcaption>{text}</figcaption></figure>'


def _indented(text: str) -> str:
    """Return a text that stays inside a point of a Markdown list, one of several lines as it is written."""
    if "\n" not in text.strip():
        return markdown_text(text)
    return "\n\n" + "\n".join(f"      {line}" for line in text.splitlines()) + "\n"


def _png(figure: Figure) -> bytes:
    """Return the figure as an image."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight")
    return file.getvalue()
