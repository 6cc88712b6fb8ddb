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


def settings_for(texts: Iterable[str]) -> Any:
    """Return the Matplotlib settings under which texts are made that are drawn as they are, whoever draws them later."""
    return _settings(fonts_for("".join(texts))[0])


def _settings(families: list[str]) -> Any:
    return {"text.parse_math": False, "font.family": families}


def fonts_for(text: str) -> tuple[list[str], str]:
    """Return the fonts to draw a text with, the usual one first, and the characters that no installed font has."""
    from matplotlib import font_manager, rcParams

    families = list(rcParams["font.family"])
    usual = font_manager.findfont(font_manager.FontProperties(family=families))
    lacking = {character for character in text if not character.isspace() and character.isprintable()} - _characters(usual)
    while lacking and (best := _most_useful(lacking)):
        families.append(best[0])
        lacking -= _characters(best[1])
    return families, "".join(sorted(lacking))


def _most_useful(lacking: set[str]) -> tuple[str, str] | None:
    """Return name and file of the upright font that has most of the characters; none where none has any."""
    from matplotlib import font_manager

    installed = [entry for entry in font_manager.fontManager.ttflist if entry.style == "normal"]
    fonts = sorted({entry.name: entry.fname for entry in installed if not entry.name.startswith(LAST_RESORT)}.items())
    best = max(fonts, key=lambda font: len(lacking & _characters(font[1])), default=None)
    return best if best and lacking & _characters(best[1]) else None


@cache
def _characters(file: str) -> frozenset[str]:
    """Return the characters that a font has."""
    from matplotlib.ft2font import FT2Font

    return frozenset(map(chr, FT2Font(file).get_charmap()))
