"""Fonts: the sizes and weights of the texts, all relative to the system's font."""

from typing import Literal

from PySide6.QtGui import QFont, QFontDatabase, QFontInfo
from PySide6.QtWidgets import QApplication

Role = Literal[
    "body", "button", "title", "secondary", "caption", "axis", "least", "expression", "score", "heading"
]  # fmt: skip

# Points more or less than the base, and the weight.
ROLES: dict[Role, tuple[float, QFont.Weight]] = {
    "body": (0.0, QFont.Weight.Normal),
    "button": (0.0, QFont.Weight.Medium),
    "title": (0.0, QFont.Weight.DemiBold),
    "secondary": (-0.75, QFont.Weight.Normal),
    "caption": (-1.5, QFont.Weight.Normal),
    "axis": (-1.75, QFont.Weight.Normal),
    "least": (-2.0, QFont.Weight.Normal),
    "expression": (1.5, QFont.Weight.Normal),
    "score": (2.25, QFont.Weight.DemiBold),
    "heading": (4.0, QFont.Weight.DemiBold),
}
_LEAST_POINTS = 7.0


def font(role: Role) -> QFont:
    """The font for a kind of text; its size follows the application's font."""
    points, weight = ROLES[role]
    chosen = QFont(QApplication.font())
    if role == "expression":
        chosen.setFamilies([QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()])
    chosen.setPointSizeF(max(_LEAST_POINTS, _base_points() + points) * _scale())
    chosen.setWeight(weight)
    return chosen


def scaled(pixels: float) -> int:
    """Pixels of the design, grown as the fonts have grown: for whatever holds text."""
    return round(pixels * _scale())


def _base_points() -> float:
    general = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    return min(max(QFontInfo(general).pointSizeF(), 9.0), 11.0)


def _scale() -> float:
    return QApplication.font().pointSizeF() / _base_points()


def base_font(scale: float) -> QFont:
    """The font of the application: the system's, `scale` times as large."""
    base = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    base.setPointSizeF(_base_points() * scale)
    # Digits of one width, so that a number that changes does not shake.
    base.setFeature(QFont.Tag("tnum"), 1)
    # Full hinting spaces small letters unevenly.
    base.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return base
