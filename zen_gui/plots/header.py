"""The row above a plot: its title, what its lines mean, and room for a few controls."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from zen_gui import theme
from zen_gui.widgets.legend import LegendEntry

_HEIGHT = 30
_INSET = 12


class Header(QWidget):
    """A title, legend entries on its left and widgets at its right end."""

    def __init__(self, title: str, *entries: LegendEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name = QLabel(title)
        name.setProperty("role", "title")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(_INSET, 0, _INSET, 0)
        self._row.setSpacing(4)
        self._row.addWidget(name)
        self._row.addSpacing(8)
        for entry in entries:
            self._row.addWidget(entry)
        self._row.addStretch(1)
        self.setFixedHeight(theme.scaled(_HEIGHT))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.setFixedHeight(theme.scaled(_HEIGHT))

    def add_widget(self, widget: QWidget) -> None:
        """Put one more widget at the right end."""
        self._row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
