"""Smoothing of a record that grows: an exponential mean, each number read once."""

import math

import numpy as np

from zen_gui.plots.mapping import FloatArray


class Smoothing:
    """Each new number moves the mean by `weight` of the distance; numbers that are not finite leave it and a gap."""

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._mean = math.nan
        self._means = np.empty(1024)
        self._count = 0

    def extend(self, values: FloatArray) -> FloatArray:
        """The means of the whole record, of which only what is new is read."""
        if len(values) > len(self._means):
            self._means = np.concatenate((self._means, np.empty(len(values))))
        mean = self._mean
        for index, value in enumerate(values[self._count :].tolist(), self._count):
            if not math.isfinite(value):
                self._means[index] = math.nan
                continue
            mean = value if math.isnan(mean) else mean + self._weight * (value - mean)
            self._means[index] = mean
        self._mean, self._count = mean, len(values)
        return self._means[: self._count]
