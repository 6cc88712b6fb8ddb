"""Notebooks as pages: text as it is, code with what it printed, pictures as files."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from builders.links import within_the_site

STYLE = re.compile(r"<style scoped>.*?</style>| border=\"1\"", re.DOTALL)  # of tables: the site has its own


@dataclass(frozen=True)
class Page:
    """A page and the pictures that belong beside it, by file name."""

    text: str
    pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return the page's first heading."""
        return next(line for line in self.text.splitlines() if line.startswith("# ")).removeprefix("# ")


def page(notebook: Path) -> Page:
    """Return a notebook as Markdown."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    pictures: dict[str, bytes] = {}
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(within_the_site(source, depth=1))
        elif cell["cell_type"] == "code":
            parts += [f"```python\n{source}\n```", *_outputs(cell, notebook.stem, pictures)]
    return Page("\n\n".join(parts) + "\n", pictures)


def _outputs(cell: dict, stem: str, pictures: dict[str, bytes]) -> list[str]:
    """Return what a cell printed, as Markdown; its pictures are put into `pictures`."""
    shown = []
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            name = f"{stem}_{len(pictures) + 1}.png"
            pictures[name] = base64.b64decode("".join(data["image/png"]))
            shown.append(f"![what the cell above drew]({name})")
        elif "text/html" in data:
            shown.append(STYLE.sub("", "".join(data["text/html"])).strip())
        else:
            text = "".join(output.get("text", data.get("text/plain", "")))
            shown.append(f"```text\n{text.rstrip()}\n```")
    return shown
