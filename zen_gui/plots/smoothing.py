"""Smoothing of a record that grows: an exponential mean, each number read once."""

import math

import numpy as np

from zen_gui.plots.mapping import FloatArray


class Smoothing:
    """Each new number moves the mean by `weight` of the distance; numbers that are not finite leave it and a gap.

    An entry that is the mean of `every` numbers moves it as far as so many equal numbers would.
    """

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._mean = math.nan
        self._means = np.empty(1024)
        self._count = 0
        self._every = 1

    def extend(self, values: FloatArray, *, every: int = 1) -> FloatArray:
        """The means after each entry of the record as it is now, of which only what is new is read."""
        if every != self._every:
            self._thin(every)
        if len(values) > len(self._means):
            self._means = np.concatenate((self._means, np.empty(len(values))))
        mean, weight = self._mean, 1 - (1 - self._weight) ** every
        for index, value in enumerate(values[self._count :].tolist(), self._count):
            if not math.isfinite(value):
                self._means[index] = math.nan
                continue
            mean = value if math.isnan(mean) else mean + weight * (value - mean)
            self._means[index] = mean
        self._mean, self._count = mean, len(values)
        return self._means[: self._count]

    def _thin(self, every: int) -> None:
        """Keep the means after those steps that end a larger entry: they were made of every single number."""
        merged = every // self._every
        self._means = self._means[: self._count][merged - 1 :: merged].copy()
        self._every, self._count = every, len(self._means)
        self._mean = float(self._means[-1]) if self._count else math.nan
