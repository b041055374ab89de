"""A part of a column that folds under its header; folded, the header still tells the sum."""

from PySide6.QtCore import QEasingCurve, QEvent, QRect, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget, QWidgetItem

from zen_gui import theme

_HEADER_HEIGHT = 28
_CHEVRON = 14
_GAP = 4
_FOLD_MILLISECONDS = 120


class _Header(QAbstractButton):
    """Chevron, title and sum. Checked means open."""

    def __init__(self, title: str, name: str, parent: QWidget, *, quiet: bool) -> None:
        super().__init__(parent)
        self._sum = ""
        self._role: theme.Role = "secondary" if quiet else "title"
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # A click with the mouse needs no outline.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_sum(self, text: str) -> None:
        self._sum = text
        self.setAccessibleDescription(text)
        self.update()

    def shown_sum(self) -> str:
        return QFontMetrics(theme.font("secondary")).elidedText(
            self._sum, Qt.TextElideMode.ElideRight, self._sum_rect().width()
        )

    def sizeHint(self) -> QSize:
        return QSize(self._sum_left(), theme.scaled(_HEADER_HEIGHT))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self.setToolTip(self._sum if self.shown_sum() != self._sum else "")
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        chevron = theme.pixmap(
            "chevron-down" if self.isChecked() else "chevron-right",
            "text" if self.underMouse() else "text2",
            _CHEVRON,
        )
        painter.drawPixmap(0, (self.height() - _CHEVRON) // 2, chevron)
        painter.setFont(theme.font(self._role))
        painter.setPen(QColor(look.text if self._role == "title" or self.underMouse() else look.text2))
        title = self.rect().adjusted(_CHEVRON + _GAP, 0, 0, 0)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.setFont(theme.font("secondary"))
        painter.setPen(QColor(look.text3))
        painter.drawText(
            self._sum_rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.shown_sum()
        )
        if self.hasFocus():
            theme.draw_focus(painter, self.rect())
        painter.end()

    def _sum_left(self) -> int:
        return _CHEVRON + 3 * _GAP + QFontMetrics(theme.font(self._role)).horizontalAdvance(self.text())

    def _sum_rect(self) -> QRect:
        return self.rect().adjusted(self._sum_left(), 0, -_GAP, 0)


class _Shutter(QWidget):
    """Shows the upper part of its content, from nothing (`share` 0) to all of it (1), without squeezing it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        # Knows the size that a layout would give the content.
        self._item: QWidgetItem | None = None
        self._share = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_content(self, content: QWidget) -> None:
        content.setParent(self)
        content.show()
        self._item = QWidgetItem(content)
        self.updateGeometry()
        self._place()

    def set_share(self, share: float) -> None:
        self._share = share
        # What is folded away must not be reached by Tab.
        self.setVisible(share > 0)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return self._item is not None and self._item.hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        return round(self._share * self._full_height(width))

    def sizeHint(self) -> QSize:
        width = self._item.sizeHint().width() if self._item else 0
        return QSize(width, self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        width = self._item.minimumSize().width() if self._item else 0
        return QSize(width, self.heightForWidth(self.width()))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
            self._place()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _full_height(self, width: int) -> int:
        if self._item is None:
            return 0
        if self._item.hasHeightForWidth():
            return self._item.heightForWidth(width)
        return self._item.sizeHint().height()

    def _place(self) -> None:
        if self._item is not None:
            self._item.setGeometry(QRect(0, 0, self.width(), self._full_height(self.width())))


class Section(QWidget):
    """A header over a content that opens and closes by a click, Space or Enter.

    `name` is what a screen reader calls it, where the title alone does not tell; a `quiet` one is a part of another.
    """

    #: True when the person or the program folded it, False when it opened.
    folded_changed = Signal(bool)

    def __init__(self, title: str, parent: QWidget | None = None, *, name: str = "", quiet: bool = False) -> None:
        super().__init__(parent)
        self.setAccessibleName(name or title)
        self._header = _Header(title, name or title, self, quiet=quiet)
        self._shutter = _Shutter(self)
        self._motion = QVariantAnimation(self)
        self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._motion.valueChanged.connect(self._shutter.set_share)
        self._header.toggled.connect(self._move)

        self._header_row = QHBoxLayout()
        self._header_row.setSpacing(_GAP)
        self._header_row.addWidget(self._header)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._header_row)
        column.addWidget(self._shutter)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_content(self, content: QWidget) -> None:
        """Put in what folds; once."""
        self._shutter.set_content(content)

    def add_button(self, button: QWidget) -> None:
        """Put a button at the right end of the header."""
        self._header_row.addWidget(button)

    def set_sum(self, text: str) -> None:
        """What the section comes to: "1,153 parameters"."""
        self._header.set_sum(text)

    @property
    def folded(self) -> bool:
        """Whether only the header shows."""
        return not self._header.isChecked()

    def set_folded(self, folded: bool) -> None:
        """Fold or open, as a click would."""
        self._header.setChecked(not folded)

    def _move(self, is_open: bool) -> None:
        goal = 1.0 if is_open else 0.0
        milliseconds = theme.duration(_FOLD_MILLISECONDS) if self.isVisible() else 0
        self._motion.stop()
        if milliseconds:
            self._motion.setStartValue(1.0 - goal)
            self._motion.setEndValue(goal)
            self._motion.setDuration(milliseconds)
            self._motion.start()
        else:
            self._shutter.set_share(goal)
        self.folded_changed.emit(not is_open)
