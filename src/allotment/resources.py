"""Where the shipped worlds and policies lie: beside the package in a wheel, at the top of a checkout otherwise."""

from __future__ import annotations

import difflib
from pathlib import Path


def shipped_folder(kind: str) -> Path:
    """Return the folder of shipped files of a kind: `envs` or `configs`."""
    package = Path(__file__).parent
    inside = package / kind
    return inside if inside.is_dir() else package.parents[1] / kind


def shipped_names(kind: str) -> list[str]:
    """Return the stems of the shipped files of a kind, sorted."""
    return sorted(file.stem for file in shipped_folder(kind).glob("*.yaml"))


def lies_at(path: Path) -> bool:
    """Tell whether a file lies at a path, which may be none that a file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def shipped(kind: str, path: str | Path) -> Path:
    """Return the file that a path or the stem of a shipped file stands for; `FileNotFoundError` names near ones."""
    given = Path(path)
    if lies_at(given):
        return given
    inside = shipped_folder(kind) / f"{given.stem}.yaml"
    if lies_at(inside) and given.parts in ((given.name,), (kind, given.name)):
        return inside
    names = shipped_names(kind)
    close = difflib.get_close_matches(given.stem, names, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else f"shipped: {', '.join(names)}"
    raise FileNotFoundError(f"{str(path)[:200]}: no such file in {kind}; {hint}")
