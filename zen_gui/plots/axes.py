"""The ground of a plot: quiet grid lines behind everything, and numbers outside of it."""

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots import ticks
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import font, text_size
from zen_gui.plots.mapping import Mapping
from zen_gui.plots.ticks import Tick

# The room of an axis holds numbers as wide as this; from the numbers to the plot it is a gap.
_WIDEST = "−0.0e−00"
_GAP = 7


def margin_left() -> int:
    """The room for the numbers of a y axis; the same for every plot, so that plots under one another line up."""
    return round(text_size(_WIDEST, "axis").width()) + _GAP


def margin_below() -> int:
    """The room for the numbers of an x axis."""
    return theme.scaled(24)


def margin_right() -> int:
    """The room for the right half of the last number of an x axis."""
    return theme.scaled(12)


class Grid(Drawing):
    """Lines at the ticks of both axes; it works out where they are."""

    def __init__(self, *, whole_x: bool) -> None:
        super().__init__()
        self._whole_x = whole_x
        self.x_ticks: list[Tick] = []
        self.y_ticks: list[Tick] = []
        self.setZValue(-1)

    def settle(self, mapping: Mapping) -> None:
        super().settle(mapping)
        number = text_size(f"{mapping.right:,.0f}" if self._whole_x else _WIDEST, "axis")
        across = _as_many_as_fit(mapping.width, number.width() + theme.scaled(12))
        down = _as_many_as_fit(mapping.height, theme.scaled(20))
        self.x_ticks = ticks.linear(mapping.left, mapping.right, across, whole=self._whole_x)
        scale = ticks.logarithmic if mapping.log_y else ticks.linear
        self.y_ticks = scale(mapping.low, mapping.high, down)

    def x_pixel(self, tick: Tick) -> float:
        """Where a tick of the x axis stands, in the middle of a pixel."""
        assert self.mapping is not None
        return round(self.mapping.x(tick.place)) + 0.5

    def y_pixel(self, tick: Tick) -> float:
        """Where a tick of the y axis stands, in the middle of a pixel."""
        assert self.mapping is not None
        share = (self.mapping.high - tick.place) / (self.mapping.high - self.mapping.low)
        return round(share * self.mapping.height) + 0.5

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.mapping is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(QColor(theme.current().grid), 1))
        for tick in self.x_ticks:
            painter.drawLine(QLineF(self.x_pixel(tick), 0, self.x_pixel(tick), self.mapping.height))
        for tick in self.y_ticks:
            painter.drawLine(QLineF(0, self.y_pixel(tick), self.mapping.width, self.y_pixel(tick)))


class AxisNumbers(Drawing):
    """The numbers at a grid's lines and, in the corner, the unit of the x axis."""

    def __init__(self, grid: Grid, unit: str) -> None:
        super().__init__()
        self._grid = grid
        self._unit = unit

    def boundingRect(self) -> QRectF:
        return super().boundingRect().adjusted(-margin_left(), 0, margin_right(), margin_below())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.mapping is None:
            return
        painter.setFont(font("axis"))
        painter.setPen(QColor(theme.current().text3))
        width, height = self.mapping.width, self.mapping.height
        for tick in self._grid.y_ticks:
            size = text_size(tick.text, "axis")
            y = self._grid.y_pixel(tick)
            if size.height() / 2 - 2 <= y <= height - size.height() / 2 + 4:
                _write(painter, tick.text, size, QPointF(-_GAP - size.width() / 2, y))
        below = height + margin_below() / 2
        outermost = width + margin_right() - 2
        first = width
        for tick in self._grid.x_ticks:
            size = text_size(tick.text, "axis")
            x = min(self._grid.x_pixel(tick), outermost - size.width() / 2)
            _write(painter, tick.text, size, QPointF(x, below))
            first = min(first, x - size.width() / 2)
        size = text_size(self._unit, "axis")
        unit_right = min(first, 0.0) - _GAP
        _write(
            painter,
            self._unit,
            size,
            QPointF(max(unit_right - size.width() / 2, size.width() / 2 - margin_left()), below),
        )


def _as_many_as_fit(room: float, each: float) -> int:
    """The outermost numbers hang half over the edges, so one more than would stand side by side."""
    return max(2, min(ticks.MOST, int(room / each) + 1))


def _write(painter: QPainter, text: str, size: QSizeF, centre: QPointF) -> None:
    rect = QRectF(QPointF(centre.x() - size.width() / 2, centre.y() - size.height() / 2), size)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, text)
