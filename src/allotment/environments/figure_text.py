"""Text in figures: names of worlds and policies may hold any characters, and none of them is mathematics.

Characters that Matplotlib's own font lacks are drawn in installed fonts that have them. What no installed font has is a box in
the figure, and is told in one line.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

LAST_RESORT = "Last Resort"  # a font that has a box for every character


@contextmanager
def plain_text(texts: Iterable[str]) -> Iterator[None]:
    """Draw, lay out and save figures with these texts as they are; warns of characters that no installed font has."""
    import matplotlib

    families, lacking = fonts_for("".join(texts))
    if lacking:
        warnings.warn(f"figures show boxes for {lacking}: no installed font has these characters", stacklevel=3)
    with matplotlib.rc_context(_settings(families)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        yield


def settings_for(texts: Iterable[str]) -> dict[str, Any]:
    """Return the Matplotlib settings under which texts are made that are drawn as they are, whoever draws them later."""
    return _settings(fonts_for("".join(texts))[0])


def _settings(families: list[str]) -> dict[str, Any]:
    return {"text.parse_math": False, "font.family": families}


def fonts_for(text: str) -> tuple[list[str], str]:
    """Return the fonts to draw a text with, the usual one first, and the characters that no installed font has."""
    from matplotlib import font_manager, rcParams

    families = list(rcParams["font.family"])
    usual = font_manager.findfont(font_manager.FontProperties(family=families))
    lacking = {character for character in text if not character.isspace() and character.isprintable()} - _characters(usual)
    fonts = (
        {entry.name: entry.fname for entry in font_manager.fontManager.ttflist if entry.style == "normal"} if lacking else {}
    )
    while lacking and fonts:
        best = max(sorted(fonts), key=lambda name: len(lacking & _characters(fonts[name])))
        found = lacking & _characters(fonts.pop(best))
        if not found:
            break
        if not best.startswith(LAST_RESORT):
            families.append(best)
            lacking -= found
    return families, "".join(sorted(lacking))


@cache
def _characters(file: str) -> frozenset[str]:
    """Return the characters that a font has."""
    from matplotlib.ft2font import FT2Font

    return frozenset(map(chr, FT2Font(file).get_charmap()))
