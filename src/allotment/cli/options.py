"""Options that several commands have, and what is checked of them before a command does its work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(help="Seed; training, tuning and test worlds are derived from it and never meet.", min=0)]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a value of the config.")]
EnvOverrides = Annotated[list[str] | None, typer.Option("--set-env", metavar="A.B=C", help="Replace a value of the world.")]
WorldOverrides = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a value of the world.")]


def _import_named(files: list[str] | None) -> list[str] | None:
    """Import what the user names, before a command looks anything up."""
    from allotment.extensions import import_named

    for name in files or []:
        import_named(name)
    return files


Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="FILE.PY|PACKAGE",
        callback=_import_named,
        help="A file of your own policies, metrics and rules, or a package of environments.",
    ),
]
Metrics = Annotated[list[str] | None, typer.Option("--metric", metavar="FILE.PY:NAME", help="A metric of your own.")]


def writable_folder(path: Path | None) -> Path | None:
    """Check that there may be a folder, before a command does its work."""
    from allotment.whole_file import check_folder

    if path is not None:
        check_folder(path)
    return path


def new_folder(path: Path | None) -> Path | None:
    """Check that a folder may be made, and holds nothing yet, before a command does its work."""
    if path is not None:
        from allotment.finance.movement_folder import check_empty

        check_empty(path)
    return writable_folder(path)


def writable_file(path: Path | None) -> Path | None:
    """Check that a file may be written, before a command does its work."""
    from allotment.whole_file import check_file

    if path is not None:
        check_file(path)
    return path


Out = Annotated[Path, typer.Option(help="Folder for run folders.", callback=writable_folder)]
Name = Annotated[str | None, typer.Option(help="Name of the run and its policy; by default what made it.")]
Tail = Annotated[
    float | None,
    typer.Option(min=1e-15, max=0.01, help="Neglect so much of each tail of demand; 1e-10 by default."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors alone.")]
