"""The studies' own accounts as pages."""

from __future__ import annotations

import re
from pathlib import Path

from builders.links import within_the_site


def page(readme: Path) -> str:
    """Return a study's README as a page of the site."""
    return within_the_site(readme.read_text(encoding="utf-8"), depth=1)


def overview(readmes: list[Path]) -> str:
    """Return a list of the studies: each one's title with a link, and its question."""
    lines = []
    for readme in readmes:
        text = readme.read_text(encoding="utf-8")
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        question = re.search(r"\*\*Question\.\*\* (.+?)\n\n", text, re.DOTALL)
        if title is None or question is None:
            raise LookupError(f"{readme} needs a title and a paragraph that begins with **Question.**")
        lines.append(f"- [{title[1]}]({readme.parent.name}.md): {' '.join(question[1].split())}")
    return "\n".join(lines)
