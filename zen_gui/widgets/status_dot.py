"""The coloured dot before the status line; the word beside it says the same."""

from typing import Literal

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from zen_gui import theme

Status = Literal["empty", "untrained", "running", "paused", "diverged", "finished", "failed", "stale"]

_TOKENS: dict[Status, str] = {
    "empty": "text3",
    "untrained": "text3",
    "running": "accent",
    "paused": "text2",
    "diverged": "warn",
    "finished": "link",
    "failed": "error",
    "stale": "text2",
}
_DIAMETER = 8


class StatusDot(QWidget):
    """A dot in the colour of a state."""

    def __init__(self, status: Status = "empty", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_status(status)

    @property
    def status(self) -> Status:
        """The state that is shown."""
        return self._status

    def set_status(self, status: Status) -> None:
        """Show another state."""
        self._status = status
        self.setAccessibleName(status)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_DIAMETER + 2, _DIAMETER + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(theme.current(), _TOKENS[self._status])))
        painter.drawEllipse(QPointF(self.width() / 2, self.height() / 2), _DIAMETER / 2, _DIAMETER / 2)
        painter.end()
