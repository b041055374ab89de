"""Icons: drawings in the colours of the theme, for widgets and for the style sheet."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QImage, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from zen_gui import ASSETS
from zen_gui.theme.tokens import current


def icon(name: str, color: str | None = None) -> QIcon:
    """An icon that follows the theme: `color` names a token (`"on_accent"`) or is a fixed `#RRGGBB`.

    Without a colour it is `text2` at rest and `text` under the pointer.
    """
    return QIcon(_TintedIcon(name, color))


def pixmap(name: str, color: str | None = None, size: int = 16) -> QPixmap:
    """An icon in today's theme, `size` pixels square and sharp at twice the scale."""
    picture = _tinted(name, _resolve(color or "text2"), 2 * size)
    picture.setDevicePixelRatio(2.0)
    return picture


class _TintedIcon(QIconEngine):
    """Looks up its colour at each painting, so a change of theme needs no new icons."""

    def __init__(self, name: str, color: str | None) -> None:
        super().__init__()
        _drawing(name)  # A misspelt name shows here, not at the first painting.
        self._name = name
        self._color = color

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        if mode == QIcon.Mode.Disabled:
            color = "edge"
        else:
            color = self._color or ("text2" if mode == QIcon.Mode.Normal else "text")
        # Qt also asks for icons that have no room.
        return _tinted(self._name, _resolve(color), max(1, round(scale * min(size.width(), size.height()))))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(rect, self.scaledPixmap(rect.size(), mode, state, ratio))

    def clone(self) -> QIconEngine:
        return _TintedIcon(self._name, self._color)


def _resolve(color: str) -> str:
    return color if color.startswith("#") else str(getattr(current(), color))


@cache
def _drawing(name: str) -> str:
    return (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8")


def _tinted(name: str, color: str, pixels: int) -> QPixmap:
    key = f"zen icon {name} {color} {pixels}"
    cached = QPixmap()
    if QPixmapCache.find(key, cached):
        return QPixmap(cached)
    # Drawn half as large again and scaled down: thin strokes come out evener than at the final size.
    large = QImage(3 * pixels // 2, 3 * pixels // 2, QImage.Format.Format_ARGB32_Premultiplied)
    large.fill(Qt.GlobalColor.transparent)
    painter = QPainter(large)
    QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", color).encode())).render(painter)
    painter.end()
    picture = QPixmap.fromImage(
        large.scaled(pixels, pixels, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    )
    QPixmapCache.insert(key, picture)
    return picture


@cache
def _glyph_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="zen-playground-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def glyph(name: str, color: str) -> str:
    """A tinted copy of an icon as the `url()` of a style sheet, which reads files only."""
    file = _glyph_folder() / f"{name}-{color[1:]}.svg"
    if not file.exists():
        file.write_text(_drawing(name).replace("currentColor", color), encoding="utf-8")
    return f'url("{file.as_posix()}")'
