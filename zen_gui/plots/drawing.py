"""A drawing: one thing in a plot that paints itself in pixels and may have labels."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtWidgets import QGraphicsObject

from zen_gui.plots.label import Label
from zen_gui.plots.mapping import Mapping


class Drawing(QGraphicsObject):
    """Base of what a plot shows. The plot calls `settle` with the view before it paints; `mapping` keeps it.

    Everything is drawn in logical pixels, so that twice the scale needs no thought but for cosmetic pens.
    """

    #: It looks different now; the plot paints again.
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mapping: Mapping | None = None
        #: It comes and goes with the pointer: its labels give way to the others, which never give way to it.
        self.passing = False
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_shown(self, shown: bool) -> None:
        """Show or hide; hidden it costs nothing."""
        if shown != self.isVisible():
            self.setVisible(shown)
            self.changed.emit()

    def settle(self, mapping: Mapping) -> None:
        """Take over the view."""
        if self.mapping is None or (mapping.width, mapping.height) != (self.mapping.width, self.mapping.height):
            self.prepareGeometryChange()
        self.mapping = mapping

    def labels(self) -> tuple[Label, ...]:
        """The labels of this drawing in the settled view, the most important first."""
        return ()

    def covers(self, rect: QRectF) -> bool:
        """Whether ink of this drawing lies in these pixels, so that no label may."""
        return False

    def boundingRect(self) -> QRectF:
        if self.mapping is None:
            return QRectF()
        return QRectF(0, 0, self.mapping.width, self.mapping.height)
