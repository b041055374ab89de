"""The look of the program, dark and light: the only place with a colour, a font size, a pen or an icon.

A widget that paints itself asks `current()` whenever it paints, so it follows the theme without being told.
"""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPen
from PySide6.QtWidgets import QApplication, QStyle, QWidget

from zen_gui.theme.fonts import Role, base_font, font, scaled
from zen_gui.theme.icons import icon, pixmap
from zen_gui.theme.sheet import palette, style_sheet
from zen_gui.theme.tokens import DARK, LIGHT, NAMES, Line, Theme, current, mix, named, system

__all__ = [
    "DARK",
    "LIGHT",
    "NAMES",
    "Line",
    "Role",
    "Theme",
    "apply",
    "current",
    "draw_focus",
    "duration",
    "font",
    "icon",
    "mix",
    "named",
    "pixmap",
    "scaled",
    "set_state",
    "system",
]


def apply(app: QApplication, theme: Theme, scale: float = 1.0) -> None:
    """Dress the whole application, also while it runs; `scale` multiplies every font and what must grow with it."""
    if not app.styleSheet():
        app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setFont(base_font(scale))
    app.setStyleSheet(style_sheet(theme))


def set_state(widget: QWidget, state: str) -> None:
    """Give a field the look of a state of the sheet: `"error"`, `"waiting"` or `""`."""
    if widget.property("state") == state:
        return
    widget.setProperty("state", state)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def duration(milliseconds: int) -> int:
    """How long a movement may take here: nothing where the platform asks for stillness or nobody looks."""
    still = QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
    return 0 if still or QGuiApplication.platformName() == "offscreen" else milliseconds


def draw_focus(painter: QPainter, rect: QRect, radius: float = 5.0) -> None:
    """The outline of whatever has the keyboard, for widgets that paint themselves; it lies inside `rect`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(current().accent), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), radius, radius)
    painter.restore()
