"""A history: a curve with one value for each step, which grows while it is looked at."""

import numpy as np

from zen_gui.plots.curve import Curve, Ink
from zen_gui.plots.mapping import FloatArray, Mapping
from zen_gui.plots.pyramid import Pyramid


class History(Curve):
    """Value i stands at x = i. A frame costs what is new in it, however long the history is."""

    def __init__(self, ink: Ink, *, tell_wild: bool = False) -> None:
        super().__init__(ink, tell_wild=tell_wild)
        self._pyramid = Pyramid()

    @property
    def steps(self) -> int:
        """How many values there are."""
        return len(self._pyramid.values)

    def extend(self, values: FloatArray) -> None:
        """Show the record as it is now: what it was, and more."""
        self._pyramid.extend(values)
        self._notice_data()

    def points(self) -> tuple[FloatArray, FloatArray]:
        values = self._pyramid.values
        return np.arange(len(values), dtype=np.float64), values

    def clear(self) -> None:
        self._pyramid = Pyramid()
        self._notice_data()

    def _in_view(self, mapping: Mapping) -> tuple[FloatArray, FloatArray]:
        # Two more blocks a pixel than will be drawn: the curve thins them exactly.
        first, last = int(max(0.0, mapping.left)), int(max(0.0, mapping.right)) + 2
        return self._pyramid.outline(first, last, 2 * int(mapping.width))
