"""What a line in a plot means: a sample of the line, its name, and a click to turn it off."""

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from zen_gui import theme

_SAMPLE_WIDTH = 20
_GAP = 6
_PADDING = 4
_HEIGHT = 24
_OFF = "off"


def _line(name: str) -> theme.Line:
    return theme.current().lines()[name]


def _draw_sample(painter: QPainter, line: theme.Line, color: str, rect: QRect) -> None:
    pen = line.pen(painter.device().devicePixelRatioF())
    pen.setColor(QColor(color))
    painter.setPen(pen)
    painter.drawLine(QPoint(rect.left(), rect.center().y()), QPoint(rect.right() + 1, rect.center().y()))


class LineSample(QWidget):
    """A short piece of a line, named as in the theme: `"fed_itself"`."""

    def __init__(self, line: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _line(line)  # A misspelt name shows here, not at the first painting.
        self._name = line
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(_SAMPLE_WIDTH, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        line = _line(self._name)
        _draw_sample(painter, line, line.color, self.rect())
        painter.end()


class LegendEntry(QAbstractButton):
    """Line sample, label and, where `number_like` is given, a number in a room as wide as that sample of it.

    Checked means that the line is drawn. Switched off, the entry is grey and says "off".
    """

    def __init__(
        self,
        line: str,
        label: str,
        *,
        number_like: str = "",
        checkable: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        _line(line)  # A misspelt name shows here, not at the first painting.
        self._name = line
        self._number_like = number_like
        self._number = ""
        self.setText(label)
        self.setCheckable(checkable)
        self.setChecked(checkable)
        self.toggled.connect(self._tell_state)
        # A click with the mouse needs no outline.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if checkable else Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_number(self, number: str) -> None:
        """Show a number after the label, or nothing for an empty text."""
        if number != self._number:
            self._number = number
            self.update()

    @property
    def is_off(self) -> bool:
        """Whether the person switched the line off."""
        return self.isCheckable() and not self.isChecked()

    def sizeHint(self) -> QSize:
        label = QFontMetrics(theme.font("secondary")).horizontalAdvance(self.text())
        return QSize(
            2 * _PADDING + _SAMPLE_WIDTH + _GAP + label + self._tail_width(),
            theme.scaled(_HEIGHT),
        )

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        line = _line(self._name)
        painter = QPainter(self)
        inside = self.rect().adjusted(_PADDING, 0, -_PADDING, 0)
        _draw_sample(
            painter,
            line,
            look.edge if self.is_off else line.color,
            QRect(inside.left(), inside.top(), _SAMPLE_WIDTH, inside.height()),
        )
        inside.setLeft(inside.left() + _SAMPLE_WIDTH + _GAP)
        painter.setFont(theme.font("secondary"))
        painter.setPen(QColor(look.text3 if self.is_off else look.text if self._hot() else look.text2))
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.setFont(theme.font("button"))
        painter.drawText(
            inside,
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            _OFF if self.is_off else self._number,
        )
        if self.hasFocus():
            theme.draw_focus(painter, self.rect())
        painter.end()

    def _tell_state(self, is_on: bool) -> None:
        self.setAccessibleDescription("" if is_on else _OFF)

    def _hot(self) -> bool:
        return self.isCheckable() and self.underMouse()

    def _tail_width(self) -> int:
        """Room for the number or for the word "off", always kept so that nothing moves."""
        metrics = QFontMetrics(theme.font("button"))
        texts = [self._number_like, _OFF if self.isCheckable() else ""]
        width = max(metrics.horizontalAdvance(text) for text in texts)
        return _GAP + width if width else 0
