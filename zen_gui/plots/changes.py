"""Marks where a setting was changed during a run, with what became of it where there is room."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from zen_gui import theme
from zen_gui.plots.drawing import Drawing
from zen_gui.plots.label import BESIDE, Label, Spot, row

# Changes of one setting nearer than this are one movement of a slider, in pixels.
_ONE_MOVEMENT = 6.0
_MOST_LABELS = 8


class SettingChange(NamedTuple):
    """At `step`, the setting called `name` went from `old` (empty where that is not known) to `new`.

    Where `new` is empty, too, it is no setting: `name` tells what happened.
    """

    step: int
    name: str
    old: str
    new: str


class ChangeMarks(Drawing):
    """A thin dashed line for each change; the latest are labelled first."""

    def __init__(self) -> None:
        super().__init__()
        self._changes: tuple[SettingChange, ...] = ()

    def set_changes(self, changes: Sequence[SettingChange]) -> None:
        """Mark these changes, in the order of their steps."""
        self._changes = tuple(changes)
        self.changed.emit()

    def labels(self) -> tuple[Label, ...]:
        color = theme.current().change_mark.text
        latest = list(reversed(self._movements()))[:_MOST_LABELS]
        return tuple(
            Label(_text(change), color, (Spot(x + BESIDE, row(0)), Spot(x - BESIDE, row(0), "right")), strong=True)
            for x, change in latest
        )

    def covers(self, rect: QRectF) -> bool:
        return any(rect.left() < x < rect.right() for x, _ in self._movements())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.mapping is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(theme.current().change_mark.pen(painter.device().devicePixelRatioF()))
        for x, _ in self._movements():
            painter.drawLine(QLineF(x, 0, x, self.mapping.height))

    def _movements(self) -> list[tuple[float, SettingChange]]:
        """The changes in view with their pixels, neighbouring ones of one setting made one."""
        if self.mapping is None:
            return []
        found: list[tuple[float, SettingChange]] = []
        for change in self._changes:
            x = round(self.mapping.x(change.step)) + 0.5
            if not 0 <= x <= self.mapping.width:
                continue
            if found and found[-1][1].name == change.name and x - found[-1][0] < _ONE_MOVEMENT:
                found[-1] = (x, change._replace(old=found[-1][1].old))
            else:
                found.append((x, change))
        return found


def _text(change: SettingChange) -> str:
    return f"{change.name} {change.old} → {change.new}" if change.old else f"{change.name} {change.new}".rstrip()
