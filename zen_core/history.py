"""Histories: numbers that are recorded one by one for as long as a run lasts, in memory that stays small."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from zen_core.autodiff import Array
from zen_core.component import SpecError

CAPACITY = 1 << 16
"""How many entries a record keeps. With three numbers of 8 bytes each, it takes at most 1.6 MB."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a record held at one moment. Nothing in it changes when the record goes on.

    Entry i covers the numbers i·every … (i + 1)·every − 1, counted from 0: `low`, `high` and `mean` are their least,
    their greatest and their mean, float64, read-only. While `every` is 1, all three are one array, the numbers. The
    newest `count % every` numbers make no entry yet: `rest` has their least and their greatest. `last` is the newest
    number. `rest` and `last` are NaN where there is none. The least and the greatest leave NaN out where they can.

    `len()` counts the numbers, not the entries. As an array or a list, and by index, a trace is its `mean`.
    """

    every: int
    count: int
    low: Array
    high: Array
    mean: Array
    rest: tuple[float, float]
    last: float

    def __len__(self) -> int:
        return self.count

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        return np.array(self.mean, dtype, copy=copy)

    def __getitem__(self, index: Any) -> Any:
        return self.mean[index]

    def tolist(self) -> Any:
        return self.mean.tolist()


class Record:
    """Numbers that are only ever appended; while they are fewer than `capacity`, an even number, each is kept.

    Whenever the record is full, neighbouring entries become one with their least, greatest and mean, so that an entry
    covers twice as many numbers as before.
    """

    # Of the newest numbers, which make no entry yet.
    _low: float
    _high: float
    _mean: float

    def __init__(self, capacity: int = CAPACITY) -> None:
        assert capacity >= 2, capacity
        assert capacity % 2 == 0, capacity
        # The numbers; once thinned, the rows are low, high and mean. What is not used yet takes no memory.
        self._entries = np.empty((1, capacity))
        self._full = 0
        self._every = 1
        self._count = 0
        self._last = math.nan
        self._begin_entry()

    def append(self, number: float) -> None:
        """Record one more number."""
        self._last = number
        self._count += 1
        if self._every == 1:
            self._entries[0, self._full] = number
        else:
            # Only NaN, which is there before the first number, differs from itself.
            if number < self._low or self._low != self._low:
                self._low = number
            if number > self._high or self._high != self._high:
                self._high = number
            # Divided at once: a sum of great numbers might overflow.
            self._mean += number / self._every
            if self._count % self._every:
                return
            self._entries[0, self._full] = self._low
            self._entries[1, self._full] = self._high
            self._entries[2, self._full] = self._mean
            self._begin_entry()
        self._full += 1
        if self._full == self._entries.shape[1]:
            self._thin()

    @property
    def view(self) -> Trace:
        """Everything so far; costs the same however much that is."""
        return Trace(self._every, self._count, *self._rows(), (self._low, self._high), self._last)

    def state(self) -> dict[str, Array | int]:
        """What `from_state` needs to go on exactly. Its arrays are shared and never change."""
        return {
            "every": self._every,
            "count": self._count,
            "entries": _sealed(self._entries[:, : self._full]),
            "rest": np.array([self._low, self._high, self._mean, self._last]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], capacity: int = CAPACITY) -> Record:
        """A record that goes on as the one with this state; raises SpecError where no record can have had it."""
        every, count = int(state["every"]), int(state["count"])
        entries, rest = np.asarray(state["entries"]), np.asarray(state["rest"])
        sound = every >= 1 and every & (every - 1) == 0 and 0 <= count < every * capacity
        if not sound or entries.shape != (1 if every == 1 else 3, count // every) or rest.shape != (4,):
            raise SpecError(
                f"A history of {count:,} numbers with {every:,} in each entry cannot have entries of the shape "
                f"{entries.shape}: the file is damaged. Use another."
            )
        record = cls(capacity)
        record._entries = np.empty((len(entries), capacity))
        record._entries[:, : entries.shape[1]] = entries
        record._full = entries.shape[1]
        record._every, record._count = every, count
        record._low, record._high, record._mean, record._last = rest.tolist()
        return record

    def _rows(self) -> tuple[Array, Array, Array]:
        """The least, the greatest and the mean of each entry."""
        low, *others = _sealed(self._entries[:, : self._full])
        high, mean = others or (low, low)
        return low, high, mean

    def _begin_entry(self) -> None:
        self._low = self._high = math.nan
        self._mean = 0.0

    def _thin(self) -> None:
        """Merge neighbouring entries, into a new array: earlier views go on holding the old."""
        low, high, mean = self._rows()
        self._entries = np.empty((3, self._full))
        self._full //= 2
        self._every *= 2
        np.fmin(low[::2], low[1::2], out=self._entries[0, : self._full])
        np.fmax(high[::2], high[1::2], out=self._entries[1, : self._full])
        with np.errstate(invalid="ignore"):
            np.add(mean[::2] / 2, mean[1::2] / 2, out=self._entries[2, : self._full])


def _sealed(array: Array) -> Array:
    array.flags.writeable = False
    return array
