"""A plot: drawings over one pair of axes, whose range changes only when somebody asks."""

import math
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QGraphicsView, QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots.axes import AxisNumbers, Grid, margin_below, margin_left, margin_right
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import Placed, font, placed
from zen_gui.plots.mapping import Mapping

# How far beyond its home the y axis may be moved and how closely both may be seen, in home ranges.
_FURTHEST = 50.0
_CLOSEST = 1e-3
# Room for labels never takes more than this share of the height from the curves.
_MOST_ROOM = 0.6


@dataclass(frozen=True)
class Home:
    """The range that a plot fits. `above` and `below` are pixels kept free for labels outside of `low … high`.

    They grow with the fonts.
    """

    left: float
    right: float
    low: float
    high: float
    above: float = 0.0
    below: float = 0.0

    def __post_init__(self) -> None:
        # Found here, because a range without numbers would end the process when Qt paints.
        for start, end in ((self.left, self.right), (self.low, self.high)):
            if not (math.isfinite(end - start) and start < end):
                raise ValueError(f"{start} … {end} is no range of an axis")

    def heights(self, pixels: float) -> tuple[float, float]:
        """The range of the y axis when the plot is so many pixels high."""
        above, below = theme.scaled(self.above), theme.scaled(self.below)
        squeeze = min(1.0, _MOST_ROOM * pixels / max(1, above + below))
        each = (self.high - self.low) / max(1.0, pixels - squeeze * (above + below))
        return self.low - squeeze * below * each, self.high + squeeze * above * each


class Plot(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph has no types
    """Shows drawings. The wheel zooms, dragging moves, a double click fits; training never changes the range.

    Drawings stand above one another in the order in which they were added.
    """

    #: The x of the data under the pointer, or None when it has left.
    pointed = Signal(object)

    # Qt sends events to a view whose parts are not there yet.
    _built = False

    def __init__(self, unit: str, *, whole_x: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self._home = Home(0.0, 1.0, 0.0, 1.0)
        self._log_y = False
        self._at_home = True
        self._settled = False
        self._drawings: list[Drawing] = []
        self._pointer: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._box = pg.ViewBox(enableMenu=False, defaultPadding=0.0)
        self.scene().addItem(self._box)
        self._grid = Grid(whole_x=whole_x)
        self._numbers = AxisNumbers(self._grid, unit)
        self._lettering = _Lettering()
        self.add(self._grid)
        self.scene().addItem(self._numbers)
        self._lettering.setParentItem(self._box)
        self._lettering.setZValue(1)
        self._box.sigRangeChanged.connect(self._notice_range)
        self._box.sigRangeChangedManually.connect(self._notice_person)
        self.scene().sigPrepareForPaint.connect(self.settle)
        self._built = True
        self.restyle()

    def add(self, *drawings: Drawing) -> None:
        """Put drawings on top of those that are there."""
        for drawing in drawings:
            drawing.setParentItem(self._box)
            drawing.changed.connect(self.refresh)
            self._drawings.append(drawing)

    def set_home(self, home: Home, *, log_y: bool = False) -> None:
        """Set the range that fits; it is shown unless the person looks elsewhere. `low`, `high` are then exponents."""
        if (home, log_y) == (self._home, self._log_y):
            return
        if log_y != self._log_y:
            self._at_home = True
        self._home, self._log_y = home, log_y
        self._limit()
        if self._at_home:
            self.fit()
        self.refresh()

    def fit(self) -> None:
        """Show the whole home range."""
        self._at_home = True
        self.rearrange()
        heights = self._home.heights(self._box.height())
        self._box.setRange(xRange=(self._home.left, self._home.right), yRange=heights, padding=0.0)

    def rearrange(self) -> None:
        """Let each label choose its best spot anew; otherwise it stays where it is while that is free."""
        self._lettering.placed.clear()
        self.refresh()

    def mapping(self) -> Mapping:
        """How data become pixels now."""
        (left, right), (low, high) = self._box.viewRange()
        home_low, home_high = self._home.heights(self._box.height())
        return Mapping(
            left=left,
            right=right,
            low=low,
            high=high,
            width=max(1.0, self._box.width()),
            height=max(1.0, self._box.height()),
            home_low=home_low,
            home_high=home_high,
            log_y=self._log_y,
        )

    def labels(self) -> dict[str, QRectF]:
        """The labels that have found a place, and which."""
        self.settle()
        return {placed.label.text: placed.rect for placed in self._lettering.placed.values()}

    def refresh(self) -> None:
        """Paint everything anew, once, when the event loop comes to it."""
        self._settled = False
        self.viewport().update()

    def settle(self) -> None:
        """Bring every drawing and label to the present view; happens by itself before painting."""
        if self._settled:
            return
        self._settled = True
        mapping = self.mapping()
        self._numbers.settle(mapping)
        shown = [drawing for drawing in self._drawings if drawing.isVisible()]
        for drawing in shown:
            drawing.settle(mapping)
        self._lettering.settle(mapping)
        self._lettering.place(shown)

    def restyle(self) -> None:
        """Take over the theme and the size of its fonts."""
        self.setBackground(QColor(theme.current().panel))
        self._lay_out()
        self.refresh()

    def close(self) -> bool:
        # pyqtgraph's own takes the scene apart while Qt still paints it, which ends the process.
        return QGraphicsView.close(self)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self._built and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self.restyle()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._built:
            self._lay_out()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        # Not the scene's signal, which leaves out moves that follow one another closely, perhaps the last.
        super().mouseMoveEvent(event)
        inside = self._box.mapFromScene(self.mapToScene(event.position().toPoint()))
        self._point(self.mapping().value_at(inside.x()) if self._box.rect().contains(inside) else None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()
        event.accept()

    def _lay_out(self) -> None:
        left, right, below = margin_left(), margin_right(), margin_below()
        inside = QRectF(left, 0, max(1, self.width() - left - right), max(1, self.height() - below))
        self._box.setGeometry(inside)
        self._numbers.setPos(inside.topLeft())
        if self._at_home:
            self.fit()
        self.refresh()

    def _limit(self) -> None:
        """Let nobody zoom to where there is nothing: beyond the home range of x, far beyond that of y."""
        home = self._home
        across, up = home.right - home.left, home.high - home.low
        self._box.setLimits(
            xMin=home.left,
            xMax=home.right,
            yMin=home.low - _FURTHEST * up,
            yMax=home.high + _FURTHEST * up,
            minXRange=_CLOSEST * across,
            minYRange=_CLOSEST * up,
        )

    def _notice_range(self) -> None:
        self.refresh()

    def _notice_person(self) -> None:
        self._at_home = False

    def _point(self, x: float | None) -> None:
        if x != self._pointer:
            self._pointer = x
            self.pointed.emit(x)


class _Lettering(Drawing):
    """Writes the labels of all drawings over everything, each where it is free."""

    def __init__(self) -> None:
        super().__init__()
        self.placed: dict[tuple[Drawing, int], Placed] = {}

    def place(self, drawings: list[Drawing]) -> None:
        """Find the labels' places: first those that must stand somewhere, last those that pass."""
        wanted = [(drawing, number, label) for drawing in drawings for number, label in enumerate(drawing.labels())]
        wanted.sort(key=lambda item: (item[0].passing, not item[2].needed))
        staying = [drawing for drawing in drawings if not drawing.passing]
        self.placed = placed(
            [((drawing, number), label) for drawing, number, label in wanted],
            self.boundingRect(),
            lambda rect: any(drawing.covers(rect) for drawing in staying),
            {key: found for key, found in self.placed.items() if key[0] in staying},
        )

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        for found in self.placed.values():
            painter.setFont(font(found.label.role, found.label.strong))
            painter.setPen(QColor(found.label.color))
            painter.drawText(found.rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, found.label.text)
