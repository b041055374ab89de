"""Markers: a ring or a star at one point of a plot."""

import math

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots.curve import Ink
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import Label, Spot, row


class Marker(Drawing):
    """Base of what stands at one point; without a point it is not there."""

    def __init__(self, ink: Ink) -> None:
        super().__init__()
        self._ink = ink
        self._text = ""
        self.point: tuple[float, float] | None = None

    def set_point(self, point: tuple[float, float] | None, text: str = "") -> None:
        """Stand at (x, y) of the data, with a text near by."""
        if (point, text) != (self.point, self._text):
            self.point, self._text = point, text
            self.changed.emit()

    def set_ink(self, ink: Ink) -> None:
        """Draw as another line of the theme."""
        self._ink = ink
        self.changed.emit()

    def labels(self) -> tuple[Label, ...]:
        place = self._place()
        if not self._text or place is None:
            return ()
        x, y, step = place.x(), place.y(), row(0)
        near = (
            Spot(x + step, y + step, "right"),
            Spot(x - step, y, "right"),
            Spot(x + step, y),
            Spot(x - step, y + step),
        )
        above = (
            spot
            for lift in (step, 2 * step, 3 * step)
            for spot in (Spot(x + step, y - lift, "right"), Spot(x - step, y - lift))
        )
        return (Label(self._text, self._ink(theme.current()).text, (*near, *above), strong=True),)

    def covers(self, rect: QRectF) -> bool:
        place = self._place()
        return place is not None and rect.contains(place)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if (place := self._place()) is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw(painter, place, self._ink(theme.current()))

    def _draw(self, painter: QPainter, place: QPointF, line: theme.Line) -> None:
        raise NotImplementedError

    def _place(self) -> QPointF | None:
        if self.mapping is None or self.point is None:
            return None
        x, y = self.mapping.x(self.point[0]), self.mapping.y(self.point[1])
        inside = 0 <= x <= self.mapping.width and 0 <= y <= self.mapping.height
        return QPointF(x, y) if inside else None


class Ring(Marker):
    """An open circle, so that the point in it stays visible."""

    def _draw(self, painter: QPainter, place: QPointF, line: theme.Line) -> None:
        painter.setPen(line.pen(painter.device().devicePixelRatioF(), dashed=False))
        painter.setBrush(QColor(theme.current().panel))
        painter.drawEllipse(place, 4.5, 4.5)


class Star(Marker):
    """A filled star with five points."""

    def _draw(self, painter: QPainter, place: QPointF, line: theme.Line) -> None:
        corners = [
            place + QPointF(radius * math.sin(angle), -radius * math.cos(angle))
            for angle, radius in ((n * math.pi / 5, 5.5 if n % 2 == 0 else 2.4) for n in range(10))
        ]
        painter.setPen(line.pen(painter.device().devicePixelRatioF() / 2, dashed=False))
        painter.setBrush(QColor(line.color))
        painter.drawPolygon(QPolygonF(corners))
