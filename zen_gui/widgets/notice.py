"""A sentence that needs attention, with its remedy: a banner, a toast, or an error under a field."""

from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from zen_gui import theme

Kind = Literal["warn", "error", "info"]

_ICONS: dict[Kind, tuple[str, str]] = {
    "warn": ("warning", "warn"),
    "error": ("error", "error"),
    "info": ("info", "link"),
}


# Above and below the sentence: a line of it is then as high as a link beside it, and so is the icon.
_LINE_PADDING = 2


class _Icon(QWidget):
    """An icon that is only looked at."""

    def __init__(self, size: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._size = size
        self._name = ""
        self._color = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_icon(self, name: str, color: str) -> None:
        self._name = name
        self._color = color
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._size, QFontMetrics(theme.font("secondary")).height() + 2 * _LINE_PADDING)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawPixmap(0, (self.height() - self._size) // 2, theme.pixmap(self._name, self._color, self._size))
        painter.end()


class _Sentence(QLabel):
    """A wrapping label that would rather stand on one line."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setContentsMargins(0, _LINE_PADDING, 0, _LINE_PADDING)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        width = self.fontMetrics().horizontalAdvance(self.text()) + 2
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(80), self.fontMetrics().height() + 2 * _LINE_PADDING)


class Notice(QFrame):
    """An icon and a sentence, then links beside it and buttons below it.

    Plain, it is a framed banner or toast, with an optional `title` over the sentence. `compact`, it has no frame and
    takes the colour of its kind: for under a field.
    """

    #: The person closed it; it is hidden already.
    closed = Signal()

    def __init__(
        self,
        kind: Kind,
        text: str = "",
        *,
        title: str = "",
        icon: str | None = None,
        compact: bool = False,
        closable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._compact = compact
        self._own_icon = icon
        self._icon = _Icon(14 if compact else 16, self)
        self._title = _Sentence(self)
        self._title.setProperty("role", "title")
        self._text = _Sentence(self)
        self._close_button = QToolButton(self)
        self._words = QHBoxLayout()
        self._links = QHBoxLayout()
        self._buttons = QHBoxLayout()
        self._row = QHBoxLayout(self)
        self._arrange(closable)
        self.set_message(kind, text, title)

    def set_message(self, kind: Kind, text: str, title: str = "") -> None:
        """Say something else; links and buttons stay."""
        name, color = _ICONS[kind]
        self._icon.set_icon(self._own_icon or name, color)
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.setAccessibleName(" ".join(filter(None, (title, text))))
        self._dress(kind, bool(title))
        self.updateGeometry()

    def text(self) -> str:
        """The sentence."""
        return self._text.text()

    def add_link(self, text: str) -> QPushButton:
        """A quiet action beside the sentence: "Use 50"."""
        link = QPushButton(text, self)
        link.setProperty("role", "link")
        link.setCursor(Qt.CursorShape.PointingHandCursor)
        self._links.addWidget(link)
        return link

    def add_button(self, text: str, *, primary: bool = False) -> QPushButton:
        """An action below the sentence; at most one is the primary one."""
        button = QPushButton(text, self)
        if primary:
            button.setProperty("role", "primary")
        # In front of the stretch that keeps the buttons at the left.
        self._buttons.insertWidget(self._buttons.count() - 1, button)
        self._buttons.setContentsMargins(0, 6, 0, 2)
        return button

    def _arrange(self, closable: bool) -> None:
        self._links.setSpacing(4)
        self._buttons.setSpacing(6)
        self._buttons.addStretch()
        words = self._words
        words.setSpacing(6)
        words.addWidget(self._text)
        words.addLayout(self._links)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addLayout(words)
        column.addLayout(self._buttons)
        row = self._row
        row.addWidget(self._icon)
        row.addLayout(column)
        if self._compact:
            # The links follow the sentence.
            words.addStretch()
            row.setContentsMargins(2, 0, 0, 0)
            row.setSpacing(6)
        else:
            words.setStretch(0, 1)
            row.setContentsMargins(12, 8, 8, 8)
            row.setSpacing(10)
        self._close_button.setVisible(closable)
        self._close_button.setIcon(theme.icon("close"))
        self._close_button.setAutoRaise(True)
        self._close_button.setToolTip("Close")
        self._close_button.setAccessibleName("Close")
        self._close_button.clicked.connect(self._close)
        row.addWidget(self._close_button)

    def _dress(self, kind: Kind, has_title: bool) -> None:
        """A title makes a banner on the ground of its kind; without one it is a toast, which is neutral."""
        is_banner = has_title and not self._compact
        self.setProperty("notice", "none" if self._compact else kind if is_banner else "toast")
        if self._compact:
            self._text.setProperty("role", "secondary" if kind == "info" else kind)
        else:
            self._text.setProperty("role", "secondary" if is_banner else "body")
        for dressed in (self, self._text):
            dressed.style().unpolish(dressed)
            dressed.style().polish(dressed)
        is_toast = not is_banner and not self._compact
        alignment = Qt.AlignmentFlag.AlignVCenter if is_toast else Qt.AlignmentFlag.AlignTop
        self._row.setAlignment(self._icon, alignment)
        self._row.setAlignment(self._close_button, alignment)
        self._words.setAlignment(self._links, alignment)

    def _close(self) -> None:
        self.hide()
        self.closed.emit()
