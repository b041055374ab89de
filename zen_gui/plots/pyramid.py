"""A pyramid of least and greatest values: a long record that grows can be drawn without looking at all of it."""

import numpy as np

from zen_gui.plots.mapping import FloatArray

# Blocks of one level that make a block of the next.
_FAN = 8


class Pyramid:
    """Blocks of 8, 64, 512, … entries with their least and greatest. What is not finite counts only alone."""

    def __init__(self) -> None:
        #: The least and the greatest of each entry; where an entry is one number, both are the same array.
        self.low: FloatArray = np.empty(0)
        self.high: FloatArray = self.low
        self._levels: list[tuple[FloatArray, FloatArray]] = []

    def extend(self, low: FloatArray, high: FloatArray) -> None:
        """Take the record as it is now: what it was, and more. Only the new part is read; nothing is copied."""
        self.low, self.high = low, high
        least, greatest = low, high
        for number in range(len(low).bit_length()):
            if len(least) < _FAN:
                break
            if number == len(self._levels):
                self._levels.append((np.empty(0), np.empty(0)))
            known = len(self._levels[number][0])
            fresh = slice(known * _FAN, len(least) // _FAN * _FAN)
            self._levels[number] = (
                np.concatenate((self._levels[number][0], np.fmin.reduce(_blocks(least[fresh]), axis=1))),
                np.concatenate((self._levels[number][1], np.fmax.reduce(_blocks(greatest[fresh]), axis=1))),
            )
            least, greatest = self._levels[number]

    def outline(self, first: int, last: int, blocks: int) -> tuple[FloatArray, FloatArray]:
        """Positions and values that show the entries `first … last − 1` in at least so many blocks, or one by one."""
        first, last = max(0, first), min(last, len(self.low))
        level = 0
        while level < len(self._levels) and (last - first) // _FAN ** (level + 1) >= blocks:
            level += 1
        if level == 0:
            return self._entries(first, last)
        size = _FAN**level
        least, greatest = self._levels[level - 1]
        begin, end = first // size, min(last // size, len(least))
        places, values = _zigzag(np.arange(begin, end) * size + (size - 1) / 2, least[begin:end], greatest[begin:end])
        tail_places, tail = self._entries(end * size, last)
        return np.concatenate((places, tail_places)), np.concatenate((values, tail))

    def _entries(self, first: int, last: int) -> tuple[FloatArray, FloatArray]:
        places = np.arange(first, last, dtype=np.float64)
        if self.low is self.high:
            return places, self.low[first:last]
        return _zigzag(places, self.low[first:last], self.high[first:last])


def _blocks(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan).reshape(-1, _FAN)


def _zigzag(places: FloatArray, least: FloatArray, greatest: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both values at each place, every other pair upside down: the line does not cross over between two places."""
    pairs = np.stack((least, greatest), axis=1)
    pairs[1::2] = pairs[1::2, ::-1]
    return np.repeat(places, 2), pairs.ravel()
