"""A slider for one number, whole or not, on a linear or a logarithmic track."""

import math

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

Number = int | float

# Finer than a pixel of the track, and a multiple of 100 so that one key press is one hundredth.
_POSITIONS = 1000
_LOG_DIGITS = 3


class Slider(QSlider):
    """Slides between `low` and `high`; a number outside stands at the end of the track and stays exact.

    On a logarithmic track of whole numbers, `low` may be 0: it stands at the left end, and 1 beside it.
    """

    #: The new number, rounded to sensible digits, when the person moved the slider.
    moved = Signal(object)
    #: The person double-clicked: back to the default.
    reset_requested = Signal()

    def __init__(
        self, *, low: Number, high: Number, integer: bool, log: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        assert low < high
        assert low > 0 or not log or (low == 0 and integer), "a logarithmic track has no zero"
        self._low = low
        self._high = high
        self._integer = integer
        self._log = log
        self._number: Number = low
        self.setRange(0, _POSITIONS)
        self.setSingleStep(_POSITIONS // 100)
        self.setPageStep(_POSITIONS // 10)
        if integer and not log:
            span = int(high) - int(low)
            self.setRange(0, span)
            self.setSingleStep(1)
            self.setPageStep(max(1, span // 10))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.valueChanged.connect(self._follow)

    @property
    def number(self) -> Number:
        """The number as it was set or slid to."""
        return self._number

    def set_value(self, number: Number) -> None:
        """Show a number without `moved`."""
        self._number = number
        with QSignalBlocker(self):
            self.setValue(self._position(number))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            # Scrolling the column must not change what the pointer happens to pass.
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_requested.emit()
            event.accept()
        else:
            super().mouseDoubleClickEvent(event)

    def _follow(self, position: int) -> None:
        number = self._at(position)
        if number != self._number:
            self._number = number
            self.moved.emit(number)

    def _position(self, number: Number) -> int:
        number = min(max(number, self._low), self._high)
        if number == self._low:
            return self.minimum()
        if self._log:
            least = self._low or 1
            share = math.log(number / least) / math.log(self._high / least)
        else:
            share = (number - self._low) / (self._high - self._low)
        # The left end is for the least number alone.
        return max(1, round(share * self.maximum()))

    def _at(self, position: int) -> Number:
        if position == self.minimum():
            return self._low
        if position == self.maximum():
            return self._high
        share = position / self.maximum()
        if self._log:
            least = self._low or 1
            number = float(f"{least * (self._high / least) ** share:.{_LOG_DIGITS}g}")
        else:
            span = self._high - self._low
            # A hundredth of the track, down to a power of ten.
            number = round(self._low + share * span, -math.floor(math.log10(span / 100)))
        return round(number) if self._integer else float(number)
