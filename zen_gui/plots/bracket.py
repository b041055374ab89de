"""A bracket at the foot of a plot: this stretch of the x axis belongs together."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import BESIDE, Label, Spot, row


class Bracket(Drawing):
    """A flat ⎵ in the accent colour from one x to another, with a text to its left."""

    def __init__(self) -> None:
        super().__init__()
        self.stretch: tuple[float, float] | None = None
        self._text = ""

    def set_stretch(self, start: float, end: float, text: str) -> None:
        """Hold `start … end` of the x axis together."""
        self.stretch = start, end
        self._text = text
        self.changed.emit()

    def labels(self) -> tuple[Label, ...]:
        if self.mapping is None or (corners := self._corners()) is None:
            return ()
        left, right = corners[1].x(), corners[2].x()
        foot = self.mapping.height - row(0)
        spots = (
            Spot(left - BESIDE, foot, "right"),
            Spot((left + right) / 2, foot - theme.scaled(8), "centre"),
            Spot(right + BESIDE, foot),
        )
        return (Label(self._text, theme.current().accent, spots, strong=True),)

    def covers(self, rect: QRectF) -> bool:
        corners = self._corners()
        return corners is not None and QRectF(corners[0], corners[2]).intersects(rect)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if (corners := self._corners()) is not None:
            pen = QPen(QColor(theme.current().accent), 2 * painter.device().devicePixelRatioF())
            pen.setCosmetic(True)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF(corners))

    def _corners(self) -> list[QPointF] | None:
        if self.mapping is None or self.stretch is None:
            return None
        left, right = (self.mapping.x(edge) for edge in self.stretch)
        # The right end stops short of the line that it leads to.
        right -= 2
        base = self.mapping.height - theme.scaled(8)
        top = base - theme.scaled(9)
        return [QPointF(left, top), QPointF(left, base), QPointF(right, base), QPointF(right, top)]
