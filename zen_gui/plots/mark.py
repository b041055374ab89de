"""Marks: straight lines across a plot at one x or at two heights, each with a few words beside it."""

import math
from typing import Literal, NamedTuple

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots.curve import Ink
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import BESIDE, Label, Spot, row


class Words(NamedTuple):
    """A text beside a vertical mark: its row counts from the top, −1 is the one at the foot."""

    text: str
    ink: Ink
    row: int = 0
    side: Literal["left", "right", "either"] = "either"


class VerticalMark(Drawing):
    """A line at one x over the height of the plot; without a place it is not there.

    It begins at the row `from_row` of labels, which leaves those above free.
    """

    def __init__(self, ink: Ink, *, from_row: int = 0, role: theme.Role = "caption") -> None:
        super().__init__()
        self._ink = ink
        self._from_row = from_row
        self._role = role
        self._words: tuple[Words, ...] = ()
        self.place: float | None = None

    def set_place(self, place: float | None, *words: Words) -> None:
        """Stand at `place` of the x axis, with these texts."""
        if (place, words) != (self.place, self._words):
            self.place, self._words = place, words
            self.changed.emit()

    def labels(self) -> tuple[Label, ...]:
        if self.mapping is None or (x := self._pixel()) is None:
            return ()
        now = theme.current()
        return tuple(
            Label(words.text, words.ink(now).text, _beside(x, words, self.mapping.height), self._role, strong=True)
            for words in self._words
        )

    def covers(self, rect: QRectF) -> bool:
        x = self._pixel()
        return x is not None and rect.left() < x < rect.right() and rect.bottom() > self._top()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.mapping is not None and (x := self._pixel()) is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(self._ink(theme.current()).pen(painter.device().devicePixelRatioF()))
            painter.drawLine(QLineF(x, self._top(), x, self.mapping.height))

    def _top(self) -> float:
        return row(self._from_row) - row(0) if self._from_row else 0.0

    def _pixel(self) -> float | None:
        """The x in pixels: the middle of one, so that a line one pixel wide is sharp."""
        if self.mapping is None or self.place is None:
            return None
        x = math.floor(self.mapping.x(self.place)) + 0.5
        return x if 0 <= x <= self.mapping.width else None


class HorizontalMarks(Drawing):
    """Two lines at two heights, named once: above the upper one, or under the lower one."""

    def __init__(self, ink: Ink, text: str) -> None:
        super().__init__()
        self._ink = ink
        self._text = text
        self.heights: tuple[float, float] | None = None

    def set_heights(self, low: float, high: float) -> None:
        """Stand at these values of the y axis."""
        self.heights = low, high
        self.changed.emit()

    def labels(self) -> tuple[Label, ...]:
        if self.mapping is None or self.heights is None:
            return ()
        low, high = (self.mapping.y(height) for height in self.heights)
        lift = theme.scaled(9)
        spots = tuple(
            Spot(BESIDE + share * self.mapping.width, height)
            for share in (0.0, 0.25, 0.5, 0.75)
            for height in (high - lift, low + lift)
        )
        return (Label(self._text, theme.current().text3, spots, "axis"),)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.mapping is None or self.heights is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._ink(theme.current()).pen(painter.device().devicePixelRatioF()))
        for height in self.heights:
            y = self.mapping.y(height)
            painter.drawLine(QLineF(0, y, self.mapping.width, y))


def _beside(x: float, words: Words, height: float) -> tuple[Spot, ...]:
    """To the right or left in the wanted row; where either side will do, also one row inwards and further away."""
    if words.side != "either":
        return (_spot(x, words.side, words.row, height),)
    inwards = words.row + (1 if words.row >= 0 else -1)
    places = ((words.row, BESIDE), (inwards, BESIDE), (words.row, 7 * BESIDE), (words.row, 12 * BESIDE))
    return tuple(_spot(x, side, number, height, away) for number, away in places for side in ("right", "left"))


def _spot(x: float, side: str, number: int, height: float, away: float = BESIDE) -> Spot:
    y = row(number) if number >= 0 else height - row(-1 - number)
    return Spot(x + away, y) if side == "right" else Spot(x - away, y, "right")
