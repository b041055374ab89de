"""A field for one number: typed, stepped with the arrow keys, and mended in place when it is refused."""

import math
import re
from decimal import Decimal

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QStyle, QStyleOptionFrame, QToolTip, QWidget

from zen_gui import theme

Number = int | float

_WIDTH = 58
# Wide fonts need more than that for three digits after two zeros.
_WIDEST_COMMON = "0.00123"
# Beyond it, 0.000123 is 1.23e-4.
_LONGEST_PLAIN = len(_WIDEST_COMMON)
_LOG_STEP = Decimal("1.1")
# QLineEdit keeps two pixels free on either side of the text.
_QT_MARGIN = 2
# Three digits of exponent: more would only fill the memory.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+", re.ASCII)


def format_number(value: Number, decimals: int = 0) -> str:
    """The number as a person writes it: `25`, `0.003`, `1e-5`, `−2`; `decimals` pads it with zeros: `1.00`."""
    if isinstance(value, int):
        return str(value).replace("-", "−")
    value += 0.0  # −0 is 0.
    plain = f"{value:.6g}"
    mantissa, _, exponent = f"{value:.5e}".partition("e")
    short = f"{mantissa.rstrip('0').rstrip('.').replace('-', '−')}e{int(exponent)}"
    if "e" in plain or len(short) < len(plain) > _LONGEST_PLAIN:
        return short
    if len(plain.partition(".")[2]) < decimals:
        plain = f"{value:.{decimals}f}"
    return plain.replace("-", "−")


class NumberField(QLineEdit):
    """Edits an int or a float between `low` and `high`, both included; None leaves a side open."""

    #: The new value, after Enter, leaving the field or an arrow key; only when it changed.
    edited = Signal(object)
    #: Why the text is not taken, as a sentence. The text stays for mending and the value stays as it was.
    refused = Signal(str)
    #: The reason to refuse is gone.
    accepted = Signal()

    def __init__(
        self,
        *,
        integer: bool,
        low: Number | None = None,
        high: Number | None = None,
        log: bool = False,
        name: str = "The value",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._integer = integer
        self._low = low
        self._high = high
        self._log = log
        self._value: Number = 0
        self._waiting_from: Number | None = None
        self._refusing = False
        self._whole_text = ""
        self.name = name
        self.setProperty("role", "number")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.textEdited.connect(self._notice_mending)
        self._show()

    # ── From outside ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """What the number is called at the start of a sentence: "Window"."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        self.setAccessibleName(name)

    @property
    def number(self) -> Number:
        """The last accepted value."""
        return self._value

    def set_value(self, value: Number) -> None:
        """Show a value that is in force. The same value again leaves alone what is being typed."""
        if value != self._value or self._waiting_from is not None:
            self._replace(value, waiting_from=None)

    def set_waiting(self, old: Number, new: Number) -> None:
        """Show `old → new`: the person chose `new`, and `old` is in force until a restart."""
        if (old, new) != (self._waiting_from, self._value):
            self._replace(new, waiting_from=old)

    def sizeHint(self) -> QSize:
        needed = self.fontMetrics().horizontalAdvance(_WIDEST_COMMON) + self.width() - self._text_room()
        return QSize(max(theme.scaled(_WIDTH), needed), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    # ── Keys and focus ───────────────────────────────────────────────────────────────────────────────────────────

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Up | Qt.Key.Key_Down as key:
                far = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                self._step(1 if key == Qt.Key.Key_Up else -1, far)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.commit()
            case Qt.Key.Key_Escape if self.isModified():
                self._accept()
                self._show()
            case Qt.Key.Key_Escape:
                # Nothing to restore here; the window may have a use for the key.
                event.ignore()
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.isModified():
            self._show()
            self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        # The field's own menu and another program's window do not end the typing.
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self.commit()

    def event(self, event: QEvent) -> bool:
        is_shortened = not self.isModified() and not self.hasFocus() and self.text() != self._whole_text
        if is_shortened and isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._whole_text, self)
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self.isModified():
            self._show()

    # ── Taking what was typed ────────────────────────────────────────────────────────────────────────────────────

    def commit(self) -> None:
        """Take what has been typed, as Enter does."""
        if not self.isModified():
            self._show()
            return
        try:
            value = self._parse(self.text())
        except ValueError as refusal:
            self._refusing = True
            theme.set_state(self, "error")
            self.refused.emit(str(refusal))
        else:
            self._accept()
            self._change(value)

    def _change(self, value: Number, decimals: int = 0) -> None:
        changed = value != self._value
        if changed:
            self._value = value
            self._waiting_from = None
        self._show(decimals)
        if changed:
            self.edited.emit(value)

    def _replace(self, value: Number, waiting_from: Number | None) -> None:
        self._value = value
        self._waiting_from = waiting_from
        self._accept()
        self._show()

    def _notice_mending(self, text: str) -> None:
        """A refused text that has become good is no error any more, even before Enter."""
        if self._refusing:
            try:
                self._parse(text)
            except ValueError:
                return
            self._accept()

    def _accept(self) -> None:
        if self._refusing:
            self._refusing = False
            self._show_state()
            self.accepted.emit()

    def _parse(self, text: str) -> Number:
        """The number in a text. The ValueError is the sentence for the person."""
        text = text.strip()
        if not text:
            raise ValueError(self._refusal("is empty"))
        number = self._exact(text)
        if number is None:
            raise ValueError(self._refusal(f"'{text}' is not a number"))
        if self._integer and number != number.to_integral_value():
            raise ValueError(self._refusal(f"{text} is not a whole number"))
        if self._low is not None and number < Decimal(str(self._low)):
            raise ValueError(self._refusal(f"{text} is below {format_number(self._low)}"))
        if self._high is not None and number > Decimal(str(self._high)):
            raise ValueError(self._refusal(f"{text} is above {format_number(self._high)}"))
        if self._integer:
            return int(number)
        if math.isinf(float(number)):
            raise ValueError(self._refusal(f"{text} is too large"))
        return float(number)

    def _exact(self, text: str) -> Decimal | None:
        """The number digit for digit, so that its last digit can be stepped."""
        text = text.strip().replace("−", "-")
        if self._integer and _THOUSANDS.fullmatch(text):
            text = text.replace(",", "")
        text = text.replace(",", ".")
        return Decimal(text) if _NUMBER.fullmatch(text) else None

    def _refusal(self, complaint: str) -> str:
        low, high = self._low, self._high
        if low is not None and high is not None:
            remedy = f" Use {format_number(low)} to {format_number(high)}."
        elif low is not None:
            remedy = f" Use at least {format_number(low)}."
        elif high is not None:
            remedy = f" Use at most {format_number(high)}."
        else:
            remedy = ""
        return f"{self._name} {complaint}.{remedy}"

    # ── Arrow keys ───────────────────────────────────────────────────────────────────────────────────────────────

    def _step(self, direction: int, far: bool) -> None:
        try:
            self._parse(self.text())
            start = self._exact(self.text())
        except ValueError:
            start = None
        if start is None:
            start = Decimal(str(self._value))
        decimals = 0
        if self._log and start > 0:
            target = self._multiplied(start, direction, far)
        else:
            step = self._last_digit(start)
            decimals = max(0, -step.adjusted())
            target = start + direction * (10 * step if far else step)
        if self._low is not None:
            target = max(target, Decimal(str(self._low)))
        if self._high is not None:
            target = min(target, Decimal(str(self._high)))
        self._accept()
        self._change(int(target) if self._integer else float(target), decimals)

    def _multiplied(self, start: Decimal, direction: int, far: bool) -> Decimal:
        """A tenth more or less, a decade if far; a whole number changes by at least one."""
        factor = Decimal(10) if far else _LOG_STEP
        target = start * factor if direction > 0 else start / factor
        if not self._integer:
            return Decimal(f"{target:.3g}")
        target = target.to_integral_value()
        return target if target != start else start + direction

    def _last_digit(self, number: Decimal) -> Decimal:
        """One unit of the last digit shown, but no more than a tenth of the range: 0.01 for "0" in 0 to 0.5."""
        if self._integer:
            return Decimal(1)
        unit = Decimal(1).scaleb(int(number.as_tuple().exponent))
        if self._low is not None and self._high is not None:
            while 10 * unit > Decimal(str(self._high)) - Decimal(str(self._low)):
                unit /= 10
        return unit

    # ── Showing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _show(self, decimals: int = 0) -> None:
        number = format_number(self._value, decimals)
        self.setText(number if self.hasFocus() else self._fitted(number))
        self._show_state()

    def _fitted(self, number: str) -> str:
        """What the field says at rest: as much as there is room for, never a number cut in two."""
        self._whole_text = number
        if self._waiting_from is not None:
            self._whole_text = f"{format_number(self._waiting_from)} → {number}"
        metrics, room = self.fontMetrics(), self._text_room()
        for text in (self._whole_text, f"→ {number}" if self._waiting_from is not None else number, number):
            if metrics.horizontalAdvance(text) <= room:
                return text
        return metrics.elidedText(number, Qt.TextElideMode.ElideRight, room)

    def _show_state(self) -> None:
        theme.set_state(self, "waiting" if self._waiting_from is not None else "")

    def _text_room(self) -> int:
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        inside = self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self)
        return inside.width() - 2 * _QT_MARGIN
