"""A pyramid of least and greatest values: a long record that grows can be drawn without looking at all of it."""

import numpy as np

from zen_gui.plots.mapping import FloatArray

# Blocks of one level that make a block of the next.
_FAN = 8


class Pyramid:
    """Blocks of 8, 64, 512, … numbers with their least and greatest. What is not finite counts only alone."""

    def __init__(self) -> None:
        self.values: FloatArray = np.empty(0)
        self._levels: list[tuple[FloatArray, FloatArray]] = []

    def extend(self, values: FloatArray) -> None:
        """Take the record as it is now: what it was, and more. Only the new part is read; nothing is copied."""
        self.values = values
        least = greatest = values
        for number in range(len(values).bit_length()):
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
        """Positions and values that show `first … last − 1` in at least so many blocks, or one by one."""
        first, last = max(0, first), min(last, len(self.values))
        level = 0
        while level < len(self._levels) and (last - first) // _FAN ** (level + 1) >= blocks:
            level += 1
        if level == 0:
            return np.arange(first, last, dtype=np.float64), self.values[first:last]
        size = _FAN**level
        least, greatest = self._levels[level - 1]
        begin, end = first // size, min(last // size, len(least))
        tail = np.arange(end * size, last)
        # Every other block upside down, so that the line does not cross from top to bottom between two blocks.
        pairs = np.stack((least[begin:end], greatest[begin:end]), axis=1)
        pairs[1::2] = pairs[1::2, ::-1]
        places = np.repeat(np.arange(begin, end) * size + (size - 1) / 2, 2)
        return np.concatenate((places, tail)), np.concatenate((pairs.ravel(), self.values[end * size : last]))


def _blocks(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan).reshape(-1, _FAN)
