"""The mark at the end of a form row: does this setting act at once, need a restart, or wait for one."""

from typing import Literal

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from zen_gui import theme

Kind = Literal["live", "restart", "waiting"]

_MEANINGS: dict[Kind, str] = {
    "live": "Acts at once",
    "restart": "Needs a restart",
    "waiting": "Waits for you: restart to apply",
}
_WIDTH = 20
_DOT = 6
_ARROW = 14


class Mark(QWidget):
    """A filled teal dot, a grey round arrow or an amber one; its room is kept when it is hidden."""

    def __init__(self, kind: Kind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.set_kind(kind)

    @property
    def kind(self) -> Kind:
        """What the mark says."""
        return self._kind

    def set_kind(self, kind: Kind) -> None:
        """Say something else."""
        self._kind = kind
        self.setToolTip(_MEANINGS[kind])
        self.setAccessibleName(_MEANINGS[kind])
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, _WIDTH)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._kind == "live":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.current().accent))
            painter.drawEllipse(QPointF(self.width() / 2, self.height() / 2), _DOT / 2, _DOT / 2)
        else:
            arrow = theme.pixmap("restart", "warn" if self._kind == "waiting" else "text3", _ARROW)
            painter.drawPixmap((self.width() - _ARROW) // 2, (self.height() - _ARROW) // 2, arrow)
        painter.end()
