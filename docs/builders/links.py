"""Links of documents that lie elsewhere in the repository, turned to where the site shows the same."""

from __future__ import annotations

import re

LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
PLACES = (  # what a link ends in -> the page that shows it
    (re.compile(r"(?:^|/)envs/(\w+)\.yaml$"), r"worlds/gallery.md#\1"),
    (re.compile(r"(?:^|/)envs(?:/README\.md)?/?$"), "worlds/gallery.md"),
    (re.compile(r"(?:^|/)configs(?:/README\.md|/\w+\.yaml)?/?$"), "policies.md"),
    (re.compile(r"(?:^|/)experiments/(\w+)(?:/README\.md)?/?$"), r"experiments/\1.md"),
    (re.compile(r"(?:^|/)benchmarks(?:/README\.md)?/?$"), "benchmarks.md"),
    (re.compile(r"(?:^|/)docs/([\w/]+\.md(?:#[\w-]+)?)$"), r"\1"),
    (re.compile(r"(?:^|/)notebooks/(\w+)\.ipynb$"), r"tutorial/\1.md"),
)


def within_the_site(text: str, depth: int) -> str:
    """Return Markdown whose links lead to pages of the site, seen from `depth` folders below its top; others become words."""

    def turned(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if target.startswith(("http:", "https:", "#")):
            return found[0]
        for pattern, page in PLACES:
            if pattern.search(target):
                return f"[{words}]({'../' * depth}{pattern.sub(page, pattern.search(target)[0])})"  # type: ignore[index]
        return words

    return LINK.sub(turned, text)
