"""A zone: a stretch of the x axis, tinted over the whole height and named on top."""

from collections.abc import Callable
from itertools import islice

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import BESIDE, Label, Spot, row, text_size

Tint = Callable[[theme.Theme], str]


class Zone(Drawing):
    """A stretch of the x axis over the whole height, tinted or not, with its name on top where it fits.

    `foot` is a text beside it, in the accent colour.
    """

    def __init__(self, tint: Tint | None = None, *, foot: str = "") -> None:
        super().__init__()
        self._tint = tint
        self._foot = foot
        self.stretch = (0.0, 0.0)
        self._names: tuple[str, ...] = ()
        self.setZValue(-2)

    def set_stretch(self, start: float, end: float, *names: str) -> None:
        """Cover `start … end`; of the names the first that fits is shown."""
        self.stretch = start, end
        self._names = names
        self.changed.emit()

    def labels(self) -> tuple[Label, ...]:
        left, right = self._edges()
        if self.mapping is None or left == right:
            return ()
        now = theme.current()
        fitting = (name for name in self._names if _width(name) <= right - left)
        middle = Spot((left + right) / 2, row(0), "centre")
        labels = tuple(Label(name, now.text3, (middle,), strong=True, needed=True) for name in islice(fitting, 1))
        if self._foot:
            heights = (self.mapping.height - row(0), self.mapping.height - row(1))
            beside = tuple(spot for y in heights for spot in (Spot(left - BESIDE, y, "right"), Spot(right + BESIDE, y)))
            labels += (Label(self._foot, now.accent, beside, strong=True),)
        return labels

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        left, right = self._edges()
        if self._tint is None or self.mapping is None or left == right:
            return
        now = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(left, 0, right - left, self.mapping.height), QColor(self._tint(now)))
        if self._names and left > 0:
            painter.fillRect(QRectF(left, 0, 1, self.mapping.height), QColor(now.border))

    def _edges(self) -> tuple[float, float]:
        """The visible part, in whole pixels."""
        if self.mapping is None:
            return 0.0, 0.0
        left, right = (min(max(self.mapping.x(edge), 0.0), self.mapping.width) for edge in self.stretch)
        return float(round(left)), float(round(right))


def _width(name: str) -> float:
    return text_size(name, "caption", strong=True).width() + 2 * BESIDE
