"""A curve: values over ascending x as one line, thinned to the screen and dashed along its length."""

import math
from collections.abc import Callable

import numpy as np

# Not exported by pyqtgraph, but the only way to hand many lines to QPainter without a Python object for each.
from pyqtgraph.graphicsItems.PlotCurveItem import arrayToLineSegments
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots import numbers
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import BESIDE, Label, Spot, row
from zen_gui.plots.mapping import FloatArray, Mapping
from zen_gui.plots.strokes import clipped, dashed, overlapping, pieces, thinned

Ink = Callable[[theme.Theme], theme.Line]

_NOTHING = np.empty(0)
_NO_PIECES = np.empty((0, 4))
# Ink this far outside of the plot still shows half a pen.
_MARGIN = 4.0


class Curve(Drawing):
    """A line of the theme through (x, y). NaN and infinities are gaps.

    With `tell_wild`, a value beyond the range without zoom is told at the edge: `↑ 14.2`.
    """

    def __init__(self, ink: Ink, *, name: str = "", tell_wild: bool = False) -> None:
        super().__init__()
        self._ink = ink
        self._name = name
        self._tell_wild = tell_wild
        self._x = self._y = _NOTHING
        self._stale = True
        self._line: theme.Line | None = None
        self._solid = _NO_PIECES
        self._strokes = arrayToLineSegments(_NOTHING, _NOTHING, connect="pairs", finiteCheck=False)
        self._wild: tuple[Label, ...] = ()

    def set_data(self, x: FloatArray, y: FloatArray) -> None:
        """Show these points, `x` ascending and finite. The arrays are kept, not copied."""
        if len(x) != len(y):
            raise ValueError(f"{len(x)} places for {len(y)} values")
        self._x, self._y = x, y
        self._notice_data()

    def points(self) -> tuple[FloatArray, FloatArray]:
        """The points shown."""
        return self._x, self._y

    def clear(self) -> None:
        """Show nothing."""
        self.set_data(_NOTHING, _NOTHING)

    def set_ink(self, ink: Ink) -> None:
        """Draw as another line of the theme."""
        self._ink = ink
        self.changed.emit()

    def settle(self, mapping: Mapping) -> None:
        line = self._ink(theme.current())
        if self._stale or mapping != self.mapping or line != self._line:
            self._line = line
            self._stale = False
            self._make_strokes(mapping, line)
        super().settle(mapping)

    def labels(self) -> tuple[Label, ...]:
        if not self._name or self._line is None:
            return self._wild
        return (*self._wild, Label(self._name, self._line.text, self._spots_along(), strong=True))

    def covers(self, rect: QRectF) -> bool:
        left = int(np.searchsorted(self._solid[:, 2], rect.left()))
        right = int(np.searchsorted(self._solid[:, 0], rect.right()))
        heights = self._solid[left:right, 1::2]
        return bool(np.any((heights.min(axis=1) < rect.bottom()) & (heights.max(axis=1) > rect.top())))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._line is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._line.pen(painter.device().devicePixelRatioF(), dashed=False))
        painter.drawLines(*self._strokes.drawargs())

    def _notice_data(self) -> None:
        self._stale = True
        if self.isVisible():
            self.changed.emit()

    def _in_view(self, mapping: Mapping) -> tuple[FloatArray, FloatArray]:
        """The points in view, and one more on either side for the pieces that cross the edges."""
        first = max(0, int(np.searchsorted(self._x, mapping.left)) - 1)
        last = int(np.searchsorted(self._x, mapping.right, side="right")) + 1
        return self._x[first:last], self._y[first:last]

    def _make_strokes(self, mapping: Mapping, line: theme.Line) -> None:
        x, y = self._in_view(mapping)
        x_pixels, y_pixels = thinned(mapping.xs(x), mapping.ys(y))
        solid = pieces(x_pixels, y_pixels)
        if self._tell_wild:
            # A line that leaps from above the plot to below it and back would fill it: that is told in words instead.
            scale = mapping.height / (mapping.high - mapping.low)
            top = min(0.0, (mapping.high - mapping.home_high) * scale)
            bottom = max(mapping.height, (mapping.high - mapping.home_low) * scale)
            outside = (solid[:, 1::2] < top) | (solid[:, 1::2] > bottom)
            solid = solid[~outside.all(axis=1)]
        self._solid = clipped(solid, -_MARGIN, mapping.height + _MARGIN)
        strokes = dashed(self._solid, line.dash) if line.dash else overlapping(self._solid)
        ends = strokes.reshape(-1, 2)
        self._strokes = arrayToLineSegments(ends[:, 0], ends[:, 1], connect="pairs", finiteCheck=False)
        self._wild = self._wild_labels(mapping, line, x, y) if self._tell_wild else ()

    def _wild_labels(self, mapping: Mapping, line: theme.Line, x: FloatArray, y: FloatArray) -> tuple[Label, ...]:
        """The most extreme value above and below, told where the line first leaves the plot."""
        pixels = mapping.ys(y)
        above, below = pixels < 0, pixels > mapping.height
        low, high = min(mapping.low, mapping.home_low), max(mapping.high, mapping.home_high)
        labels = []
        for arrow, wild, most, height in (
            ("↑", above, np.max, row(1)),
            ("↓", below, np.min, mapping.height - row(0)),
        ):
            if not wild.any():
                continue
            value = float(most(y[wild]))
            if not low <= (math.log10(value) if mapping.log_y else value) <= high:
                spots = _near(mapping.x(float(x[wild][0])), height)
                labels.append(Label(f"{arrow} {numbers.brief(value)}", line.text, spots, strong=True))
        return tuple(labels)

    def _spots_along(self) -> tuple[Spot, ...]:
        """Above and below the line, at its end, its peak and its trough, then further back; last along the top."""
        if not len(self._solid):
            return ()
        x, y = self._solid[:, 0], self._solid[:, 1]
        back = [round(share * (len(x) - 1)) for share in (0.85, 0.7, 0.5, 0.3, 0.15)]
        places = (len(x) - 1, int(y.argmin()), int(y.argmax()), *back)
        beside = [(index, float(y[index]) + lift) for index in places for lift in (-row(0), row(0))]
        return tuple(
            Spot(float(x[index]), height, "centre") for index, height in (*beside, *((i, row(1)) for i in back))
        )


def _near(x: float, y: float) -> tuple[Spot, ...]:
    """Near the place where a line leaves the plot, at most a few words away from it."""
    near, far, farthest = BESIDE, 5 * BESIDE, 12 * BESIDE
    return tuple(spot for away in (near, far, farthest) for spot in (Spot(x + away, y), Spot(x - away, y, "right")))
