"""Labels in a plot: each names the spots where it may stand and takes the first that no line and no label uses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QFont, QFontMetricsF
from PySide6.QtWidgets import QApplication

from zen_gui import theme

Key = TypeVar("Key")
Side = Literal["left", "centre", "right"]

# From a line to the text beside it, in pixels.
BESIDE = 8.0

# Clear space that a label keeps around itself, in pixels.
_AIR = 3.0


def row(number: int) -> float:
    """The middle of a row of labels: 0 and 1 from the top of the plot (as in `height − row(0)`, from its foot)."""
    return float(theme.scaled(12 + 21 * number))


def font(role: theme.Role, strong: bool = False) -> QFont:
    """The theme's font for a label, `strong` in the weight of plot labels."""
    return _font(role, strong, QApplication.font().toString())


def text_size(text: str, role: theme.Role, strong: bool = False) -> QSizeF:
    """What a text covers, in pixels."""
    return _text_size(text, role, strong, QApplication.font().toString())


@lru_cache
def _font(role: theme.Role, strong: bool, _application_font: str) -> QFont:
    chosen = theme.font(role)
    if strong:
        chosen.setWeight(QFont.Weight.Medium)
    return chosen


@lru_cache(maxsize=512)
def _text_size(text: str, role: theme.Role, strong: bool, application_font: str) -> QSizeF:
    metrics = QFontMetricsF(_font(role, strong, application_font))
    return QSizeF(metrics.horizontalAdvance(text), metrics.height())


@dataclass(frozen=True)
class Spot:
    """A place for a text: its middle height, and the x of its left end, its centre or its right end, in pixels."""

    x: float
    y: float
    side: Side = "left"

    def rect(self, size: QSizeF) -> QRectF:
        """What a text of this size covers here."""
        shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[self.side] * size.width()
        return QRectF(self.x - shift, self.y - size.height() / 2, size.width(), size.height())


@dataclass(frozen=True)
class Label:
    """A text and its spots, best first. Without a free spot it is left out, unless it is `needed`."""

    text: str
    color: str
    spots: tuple[Spot, ...]
    role: theme.Role = "caption"
    strong: bool = False
    needed: bool = False

    def size(self) -> QSizeF:
        """What the text covers, in pixels."""
        return text_size(self.text, self.role, self.strong)


@dataclass(frozen=True)
class Placed:
    """A label with the place that it got; `spot` counts in its list of spots."""

    label: Label
    rect: QRectF
    spot: int


def placed(
    labels: Sequence[tuple[Key, Label]],
    bounds: QRectF,
    on_a_line: Callable[[QRectF], bool],
    before: Mapping[Key, Placed],
) -> dict[Key, Placed]:
    """Place labels in the order given, each under its key.

    A label stays at the spot that it had `before` while that is free, so that nothing jumps while lines move.
    """
    found: dict[Key, Placed] = {}
    for key, label in labels:
        order = list(range(len(label.spots)))
        if key in before and before[key].spot in order:
            order.remove(before[key].spot)
            order.insert(0, before[key].spot)
        rects = {index: label.spots[index].rect(label.size()) for index in order}
        for index, rect in rects.items():
            roomy = rect.adjusted(-_AIR, -1, _AIR, 1)
            if (
                bounds.contains(rect)
                and not any(roomy.intersects(other.rect) for other in found.values())
                and not on_a_line(roomy)
            ):
                found[key] = Placed(label, rect, index)
                break
        else:
            if label.needed:
                found[key] = Placed(label, rects[0], 0)
    return found
