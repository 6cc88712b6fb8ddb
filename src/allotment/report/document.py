"""The report of a study: question, finding, comparison and figures, as Markdown and as one HTML file."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from allotment.evaluation.comparison import money_columns
from allotment.report.cells import Cells, Objective, comparison_cells, headline, term_cells
from allotment.report.tables import to_html, to_markdown

DOTS_PER_INCH = 144

STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.2rem; } .finding { font-size: 1.1rem; font-weight: 600; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #666; padding-bottom: .4rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
thead th { border-bottom: 2px solid #888; white-space: normal; vertical-align: bottom; }
.word { text-align: left; }
tr.better td:nth-child(4) { color: #00684a; } tr.worse td:nth-child(4) { color: #a33c00; }
figure { margin: 1.8rem 0; } img { max-width: 100%; } figcaption { color: #555; font-size: .9rem; }
dt { font-weight: 600; } dd { margin: 0 0 .6rem; overflow-wrap: anywhere; white-space: pre-wrap; }
"""


@dataclass(frozen=True)
class Document:
    """What a report says, before it is dressed."""

    title: str
    question: str
    finding: str
    tables: list[Cells]
    images: list[tuple[str, str, bytes]]  # file name, caption, PNG
    details: Mapping[str, str]


def write_report(
    folder: Path,
    title: str,
    question: str,
    comparison: pd.DataFrame,
    objective: Objective,
    figures: Mapping[str, tuple[str, Figure]],
    details: Mapping[str, str],
) -> Path:
    """Write `report.md`, a PNG for each figure and a `report.html` that needs no other file; return the latter's path.

    `comparison` is as `compare` returns it; `figures` maps a file's name to its caption and figure; `details` says how
    the report was made (world, command, versions).
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = [(f"{name}.png", caption, _png(folder / f"{name}.png", figure)) for name, (caption, figure) in figures.items()]
    tables = [comparison_cells(comparison, objective)]
    if money_columns(comparison):
        tables.append(term_cells(comparison))
    document = Document(title, question, headline(comparison, objective), tables, images, details)
    (folder / "report.md").write_text(as_markdown(document), encoding="utf-8")
    page = folder / "report.html"
    page.write_text(as_html(document), encoding="utf-8")
    return page


def as_markdown(document: Document) -> str:
    """Return the report as Markdown, with links to the images beside it."""
    parts = [f"# {document.title}", document.question, f"**{document.finding}**"]
    parts += [f"{cells.caption}:\n\n{to_markdown(cells)}" for cells in document.tables]
    parts += [f"![{caption}]({file})\n\n*{caption}*" for file, caption, _ in document.images]
    parts += ["## Details", "\n".join(f"- **{name}**: {text}" for name, text in document.details.items())]
    return "\n\n".join(parts) + "\n"


def as_html(document: Document) -> str:
    """Return the report as one HTML page, images included."""
    tables = "\n".join(f'<div class="wide">{to_html(cells)}</div>' for cells in document.tables)
    images = "\n".join(_figure(caption, png) for _, caption, png in document.images)
    details = "\n".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in document.details.items())
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
{tables}
{images}
<h2>Details</h2>
<dl>
{details}
</dl>
</body>
</html>
"""


def _figure(caption: str, png: bytes) -> str:
    """Return an image with its caption, the image's bytes inside the page."""
    text, content = html.escape(caption), base64.b64encode(png).decode("ascii")
    return f'<figure><img alt="{text}" src="data:image/png;base64,{content}"><figcaption>{text}</figcaption></figure>'


def _png(path: Path, figure: Figure) -> bytes:
    """Write the figure, trimmed to what is drawn, and return the file's bytes."""
    figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
    return path.read_bytes()
