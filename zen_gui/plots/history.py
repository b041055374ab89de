"""A history: a curve over the steps of a run, which grows while it is looked at."""

from zen_gui.plots.curve import Curve, Ink
from zen_gui.plots.mapping import FloatArray, Mapping
from zen_gui.plots.pyramid import Pyramid


class History(Curve):
    """Entry i covers the steps i·every … (i + 1)·every − 1 and stands in their middle.

    A frame costs what is new in it, however long the history is; only when it has been thinned, it is read anew.
    """

    def __init__(self, ink: Ink, *, tell_wild: bool = False) -> None:
        super().__init__(ink, tell_wild=tell_wild)
        self._pyramid = Pyramid()
        self.every = 1

    @property
    def steps(self) -> int:
        """How many steps the entries cover."""
        return self.every * len(self._pyramid.low)

    def extend(self, low: FloatArray, high: FloatArray | None = None, *, every: int = 1) -> None:
        """Show the record as it is now: what it was, and more, or all of it with larger entries.

        Without `high`, an entry is one value.
        """
        if every != self.every:
            self._pyramid = Pyramid()
            self.every = every
        self._pyramid.extend(low, low if high is None else high)
        self._notice_data()

    def points(self) -> tuple[FloatArray, FloatArray]:
        return self._outline(0, len(self._pyramid.low), len(self._pyramid.low))

    def clear(self) -> None:
        self._pyramid = Pyramid()
        self._notice_data()

    def _in_view(self, mapping: Mapping) -> tuple[FloatArray, FloatArray]:
        # Two more blocks a pixel than will be drawn: the curve thins them exactly.
        first, last = (int(max(0.0, self._entry(edge))) for edge in (mapping.left, mapping.right))
        return self._outline(first, last + 2, 2 * int(mapping.width))

    def _outline(self, first: int, last: int, blocks: int) -> tuple[FloatArray, FloatArray]:
        entries, values = self._pyramid.outline(first, last, blocks)
        return self.every * entries + (self.every - 1) / 2, values

    def _entry(self, step: float) -> float:
        return (step - (self.every - 1) / 2) / self.every
