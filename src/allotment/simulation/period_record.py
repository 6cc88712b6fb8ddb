"""The `info` of a step: the closed period's record by name, put together when somebody looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from allotment.engine.memory import Record, Slabs
from allotment.scenario.problem import REASONS, TERMS

CODED = ("cut_reason", "allocation_reason")


class PeriodRecord(dict[str, Any]):
    """A dictionary that is filled at first sight: copying a record costs less than taking it apart, and most are never read.

    Arrays are as in `Flows` without the batch axis, reasons of cuts by name, `money` by term; `period` counts from 0.
    """

    def __init__(self, record: Record, period: int) -> None:
        self._unread: tuple[Record, Slabs, int] | None = (record, record.kept(), period)

    def _read(self) -> None:
        if self._unread is None:
            return
        (record, slabs, period), self._unread = self._unread, None
        flows = record.flows(slabs)
        values = {name: array[0] for name, array in flows._asdict().items() if name not in ("money", "terms", "reward")}
        values |= {name: np.array(REASONS, dtype=object)[values[name]] for name in CODED}
        values["period"] = period
        values["money"] = dict(zip(TERMS, flows.terms[0].tolist(), strict=True))
        values["reward"] = float(flows.reward[0])
        super().update(values)

    def __getitem__(self, key: str) -> Any:
        self._read()
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        self._read()
        return super().__iter__()

    def __len__(self) -> int:
        self._read()
        return super().__len__()

    def __contains__(self, key: object) -> bool:
        self._read()
        return super().__contains__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._read()
        super().__setitem__(key, value)

    def __repr__(self) -> str:
        self._read()
        return super().__repr__()

    def __eq__(self, other: object) -> bool:
        self._read()
        return super().__eq__(other)

    def __reduce__(self) -> tuple[Any, ...]:
        self._read()
        return dict, (dict(self.items()),)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default."""
        self._read()
        return super().get(key, default)

    def keys(self) -> Any:
        """Return the keys."""
        self._read()
        return super().keys()

    def values(self) -> Any:
        """Return the values."""
        self._read()
        return super().values()

    def items(self) -> Any:
        """Return keys and values."""
        self._read()
        return super().items()

    def copy(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        return dict(self.items())
