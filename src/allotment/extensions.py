"""Doors for users' own work: classes by name, from an installed package or from a file that the user named.

A name is a shipped one, that of an entry point (group `allotment.policies`, say) of an installed package, or `file.py:Name`.
Files and packages are imported only when the user names them: by `--import my_rules.py`, `--import my_package`, or
`import_file`. What configs, studies, run folders and bundles name is looked up among these, and never imported.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from allotment.scenario.errors import ScenarioError, nearest

DOORS = {  # what may be named: its entry-point group
    "policy": "allotment.policies",
    "allocation rule": "allotment.allocation_rules",
    "network": "allotment.networks",
    "algorithm": "allotment.algorithms",
    "metric": "allotment.metrics",
    "callback": "allotment.callbacks",
    "logger": "allotment.loggers",
    "dataset": "allotment.datasets",
}
_named: dict[str, ModuleType] = {}  # files that the user named, by their file's name
_code: dict[str, str] = {}  # and their text
_packages: set[str] = set()  # packages that the user named


def import_named(name: str) -> ModuleType:
    """Import what the user names: a file `my_rules.py`, or an installed package `my_package`.

    Raises `ScenarioError` where there is none, or where it cannot be imported.
    """
    if not re.fullmatch(r"(?!.*\.py$)[^\W\d]\w*(\.[^\W\d]\w*)*", name):
        return import_file(name)
    try:
        package = import_module(name)
    except Exception as error:
        raise ScenarioError(f"--import {name}: cannot be imported: {type(error).__name__}: {error}") from error
    _packages.add(name)
    return package


def is_named(package: str) -> bool:
    """Tell whether the user named a package, so that it may be used because a config names it."""
    return package in _packages


def import_file(path: str | Path) -> ModuleType:
    """Import a file that the user names; its classes go by `file.py:Name` then. What has changed in it is imported anew.

    Raises `ScenarioError` where there is none, where it cannot be imported, or where another file of its name has been.
    """
    file = Path(path)
    if file.suffix != ".py" or not file.is_file():
        raise ScenarioError(f"--import {path}: no such file; expected one whose name ends in .py, or a package")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"--import {path}: cannot be read: {error}") from None
    return _run(file.name, text, str(file.resolve()))


def _run(name: str, text: str, origin: str) -> ModuleType:
    """Run a file's text as a module, once for each text."""
    if _code.get(name) == text:
        return _named[name]
    other = _named[name].__file__ if name in _named else origin
    if other != origin:
        raise ScenarioError(f"{origin}: another file of this name is in use, {other}; give one of them another name")
    module = ModuleType(f"allotment_user.{Path(name).stem}")
    module.__file__ = origin
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # where dataclasses and pickle look for a class's module
    sys.path.insert(0, str(Path(origin).parent))  # for what it imports from files beside it
    try:
        exec(compile(text, origin, "exec"), module.__dict__)
    except Exception as error:
        if before is None:
            del sys.modules[module.__name__]
        else:
            sys.modules[module.__name__] = before
        raise ScenarioError(f"{origin}: cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(Path(origin).parent))
    _named[name], _code[name] = module, text
    return module


def named_code() -> dict[str, str]:
    """Return the files that the user named, by name, with their text, and the packages, with none: what a worker needs."""
    return {**dict.fromkeys(sorted(_packages), ""), **_code}


def restore(code: Mapping[str, str]) -> None:
    """Import in another process what the user named."""
    for name, text in code.items():
        if name.endswith(".py"):
            _run(name, text, name)
        else:
            import_named(name)


def digests(content: Any) -> dict[str, str]:
    """Return a digest of each file of the user's that some content, such as a config, names, where it is imported."""
    files = {Path(name.rpartition(":")[0]).name for name in texts_in(content) if is_own(name)}
    return {file: hashlib.sha256(_code[file].encode()).hexdigest() for file in sorted(files) if file in _code}


def is_own(name: Any) -> bool:
    """Tell whether a name stands for something in a file, `file.py:Name`."""
    return isinstance(name, str) and ".py:" in name


def texts_in(content: Any) -> Iterator[str]:
    """Yield every text among the values of a content of mappings and lists."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping | list | tuple):
        for each in content.values() if isinstance(content, Mapping) else content:
            yield from texts_in(each)


def find(door: str, name: str, shipped: Mapping[str, Any], where: str) -> Any:
    """Return what a name stands for: shipped, an entry point, or of a file that the user named.

    Raises `ScenarioError`, which names near ones, or says how to let a file in.
    """
    if name in shipped:
        return shipped[name]
    if is_own(name):
        return _in_file(name, where)
    installed = {each.name: each for each in entry_points(group=DOORS[door]) if not _lies_here(each)}
    if name in installed:
        return installed[name].load()
    known = [*shipped, *installed]
    allowed = nearest(name, known) if known else "none is shipped or installed; name your own as file.py:Name"
    raise ScenarioError(f"{where}: unknown {door} {name!r}; {allowed}")


def _lies_here(entry: EntryPoint) -> bool:
    """Tell whether an entry point is none of an installed package, but lies in the working folder, which may be anybody's."""
    distribution = getattr(entry, "dist", None)
    return distribution is not None and Path(str(distribution.locate_file(""))).resolve() == Path.cwd()


def _in_file(name: str, where: str) -> Any:
    path, _, attribute = name.rpartition(":")
    file = Path(path).name
    if file not in _named:
        raise ScenarioError(
            f"{where}: {name} stands in a file that is not imported: nothing is imported because another file names it; "
            f"name it yourself (--import {path}), or install it as an entry point"
        )
    defined = {key: value for key, value in vars(_named[file]).items() if _is_defined_in(_named[file], key, value)}
    if attribute not in defined:
        raise ScenarioError(f"{where}: {file} defines no {attribute!r}; {nearest(attribute, defined)}")
    return defined[attribute]


def _is_defined_in(module: ModuleType, key: str, value: Any) -> bool:
    """Tell a user's own class, function or object from what the file imports, which no folder's name may reach."""
    if key.startswith("_") or isinstance(value, ModuleType):
        return False
    if isinstance(value, type) or callable(value):
        return getattr(value, "__module__", None) == module.__name__ or type(value).__module__ == module.__name__
    return True


def made(door: str, given: str | Mapping[str, Any], shipped: Mapping[str, Any], where: str) -> Any:
    """Return an object of what a config names, `name` alone or `{use: name, setting: value}`; settings are its arguments.

    Only classes are called: no function of a file that the user named runs because a config names it.
    """
    settings = {} if isinstance(given, str) else {key: value for key, value in given.items() if key != "use"}
    name = _name_in(door, given, where)
    found = find(door, name, shipped, where)
    if not isinstance(found, type):
        if settings:
            raise ScenarioError(f"{where}: {name} is no class, so that it takes no settings, not {', '.join(settings)}")
        return found
    try:
        return found(**settings)
    except TypeError as error:
        raise ScenarioError(f"{where}: {name}: {error}") from None


def check(door: str, given: str | Mapping[str, Any], shipped: Mapping[str, Any], where: str, base: type) -> None:
    """Raise `ScenarioError` where a config does not name a subclass of `base`."""
    found = find(door, _name_in(door, given, where), shipped, where)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ScenarioError(f"{where}: {given} must be a subclass of {base.__name__}")


def _name_in(door: str, given: str | Mapping[str, Any], where: str) -> str:
    if not isinstance(given, str) and "use" not in given:
        raise ScenarioError(f"{where}: must name a {door}: {{use: file.py:Name, …}}, not {dict(given)}")
    return given if isinstance(given, str) else str(given["use"])


def metric(given: str | Mapping[str, Any]) -> Any:
    """Return a metric that a study or a command names."""
    found = made("metric", given, {}, "metrics")
    missing = [each for each in ("name", "count", "value") if not hasattr(found, each)]
    if missing:
        raise ScenarioError(f"metrics: {given} is no metric; it lacks {' and '.join(missing)}")
    return found
