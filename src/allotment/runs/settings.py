"""Nested settings laid flat, as columns of TensorBoard and in the names of policies have them."""

from __future__ import annotations

from collections.abc import Mapping

Setting = int | float | str


def flatten(settings: Mapping[str, object], prefix: str = "") -> dict[str, Setting]:
    """Return nested settings with dotted names: numbers as they are, the rest as text, without those that are None."""
    flat: dict[str, Setting] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[f"{prefix}{name}"] = _scalar(value)
    return flat


def _scalar(value: object) -> Setting:
    """Return a number as it is, a truth value as `true` or `false`, and anything else as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float) else str(value)
