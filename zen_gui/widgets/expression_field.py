"""The field for a formula, with a red wave under the characters that are wrong."""

import math

from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QLineEdit, QStyle, QStyleOptionFrame, QWidget

from zen_gui import theme

_WAVE_HEIGHT = 1.5
_WAVE_LENGTH = 4.5
# QLineEdit.cursorRect begins this far before the cursor (QWidgetLineControl::rectForPos).
_CURSOR_PADDING = 5


class ExpressionField(QLineEdit):
    """A formula in the system's fixed font."""

    #: The text, at each keystroke of the person; not when it is set.
    edited = Signal(str)

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._marked: tuple[int, int] | None = None
        self.setProperty("role", "expression")
        self.setAccessibleName("Expression")
        self.textEdited.connect(self.edited)

    def mark_error(self, start: int, end: int) -> None:
        """Draw the wave under the characters from `start` up to, not with, `end`."""
        self._marked = start, end
        theme.set_state(self, "error")
        self.update()

    def clear_error(self) -> None:
        """Take the wave away."""
        self._marked = None
        theme.set_state(self, "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._marked is None:
            return
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self))
        painter.setPen(QPen(QColor(theme.current().error), 1.35))
        painter.drawPolyline(_wave(self._error_rect(*self._marked)))
        painter.end()

    def _error_rect(self, start: int, end: int) -> QRectF:
        """Where the wave runs. It is never narrower than a character, so an error at the end of the text shows."""
        metrics = QFontMetricsF(self.font())
        text = self.text()
        scrolled = self.cursorRect().left() + _CURSOR_PADDING - metrics.horizontalAdvance(text[: self.cursorPosition()])
        left = scrolled + metrics.horizontalAdvance(text[:start])
        right = scrolled + metrics.horizontalAdvance(text[:end])
        baseline = (self.height() - metrics.height()) / 2 + metrics.ascent()
        width = max(right - left, metrics.horizontalAdvance("x"))
        return QRectF(left, baseline + 2, width, 2 * _WAVE_HEIGHT)


def _wave(inside: QRectF) -> QPolygonF:
    middle = inside.center().y()
    steps = math.ceil(2 * inside.width())
    across = (inside.left() + 0.5 * step for step in range(steps + 1))
    return QPolygonF(
        [QPointF(x, middle + _WAVE_HEIGHT * math.sin(math.tau * (x - inside.left()) / _WAVE_LENGTH)) for x in across]
    )
