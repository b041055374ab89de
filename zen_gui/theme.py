"""The look of the program, dark and light: the only place with a colour, a font size, a pen or an icon.

A widget that paints itself asks `current()` whenever it paints, so it follows the theme without being told.
"""

import atexit
import shutil
import tempfile
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from string import Template
from typing import Literal

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QIconEngine,
    QImage,
    QPainter,
    QPalette,
    QPen,
    QPixmap,
    QPixmapCache,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyle, QWidget

from zen_gui import ASSETS

Role = Literal[
    "body", "button", "title", "secondary", "caption", "axis", "least", "expression", "score", "heading"
]  # fmt: skip


def mix(over: str, under: str, share: float) -> str:
    """The opaque colour that `over` gives when it covers `under` with this share (0 to 1)."""
    top, ground = QColor(over), QColor(under)
    red = share * top.redF() + (1 - share) * ground.redF()
    green = share * top.greenF() + (1 - share) * ground.greenF()
    blue = share * top.blueF() + (1 - share) * ground.blueF()
    return QColor.fromRgbF(red, green, blue).name().upper()


@dataclass(frozen=True)
class Line:
    """How one kind of curve is drawn: its colour, its colour as text, its dash (pixels on, off, …) and its width."""

    color: str
    text: str
    dash: tuple[float, ...] = ()
    width: float = 2.0

    def pen(self, ratio: float = 1.0, *, dashed: bool = True) -> QPen:
        """A cosmetic pen; `ratio` is the device pixel ratio, because cosmetic pens count device pixels.

        Plots ask for `dashed=False`: their dashes are gaps in the data, which segmented lines need.
        """
        pen = QPen(QColor(self.color), self.width * ratio)
        pen.setCosmetic(True)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if dashed and self.dash:
            pen.setDashPattern([length / self.width for length in self.dash])
        return pen


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Every colour of the program as `#RRGGBB`, and every kind of line."""

    name: str
    # Surfaces
    window: str
    panel: str
    field: str
    hover: str
    pressed: str
    menu: str
    # Outlines
    line: str
    border: str
    edge: str
    grid: str
    # Text
    text: str
    text2: str
    text3: str
    # Meanings
    accent: str
    on_accent: str
    selected: str
    link: str
    warn: str
    warn_ground: str
    error: str
    error_ground: str
    # Parts of the data, behind the curve
    zone_validation: str
    zone_test: str
    zone_beyond: str
    # Curves and marks in plots
    truth: Line
    truth_beyond: Line
    fed_truth: Line
    fed_itself: Line
    train: Line
    train_raw: Line
    validation: Line
    baseline: Line
    baseline_seasonal: Line
    baseline_mean: Line
    baseline_ar: Line
    best: Line
    hand_over: Line
    change_mark: Line
    # One hue for each run of a race
    race: tuple[str, ...]

    def lines(self) -> dict[str, Line]:
        """Every kind of line by its name here."""
        return {f.name: line for f in fields(self) if isinstance(line := getattr(self, f.name), Line)}


DARK = Theme(
    name="dark",
    window="#101214",
    panel="#171A1D",
    field="#202428",
    hover="#282D32",
    pressed="#373C41",
    menu="#1E2124",
    line="#2A2F34",
    border="#383B3E",
    edge="#6B747E",
    grid="#272A2C",
    text="#E7E9EB",
    text2="#A9B0B8",
    text3="#9098A1",
    accent="#3FC7AE",
    on_accent="#06201B",
    selected="#20403D",
    link="#5BA8FF",
    warn="#EBC452",
    warn_ground="#333024",
    error="#FF7A76",
    error_ground="#352629",
    zone_validation="#212129",
    zone_test="#21201F",
    zone_beyond="#121416",
    truth=Line("#DDE1E6", "#DDE1E6"),
    truth_beyond=Line("#6A6E71", "#9098A1"),
    fed_truth=Line("#5BA8FF", "#5BA8FF", (6, 6)),
    fed_itself=Line("#FF9D4D", "#FF9D4D"),
    train=Line("#3FC7AE", "#3FC7AE"),
    train_raw=Line("#28635A", "#3FC7AE", width=1),
    validation=Line("#C79BFF", "#C79BFF", (6, 5)),
    baseline=Line("#9099A3", "#9099A3", (2, 3), 1.5),
    baseline_seasonal=Line("#9099A3", "#9099A3", (6, 3, 2, 3), 1.5),
    baseline_mean=Line("#9099A3", "#9099A3", (1, 4), 1.5),
    baseline_ar=Line("#9099A3", "#9099A3", (10, 4), 1.5),
    best=Line("#F2D265", "#F2D265"),
    hand_over=Line("#FFFFFF", "#FFFFFF", width=1.5),
    change_mark=Line(mix("#E7E9EB", "#171A1D", 0.4), "#A9B0B8", (3, 3), 1),
    race=("#5BA8FF", "#FF9D4D", "#85DDB0", "#3E7C8A", "#A16544", "#97E4FF"),
)

LIGHT = Theme(
    name="light",
    window="#E9ECEE",
    panel="#FBFCFC",
    field="#FFFFFF",
    hover="#F0F2F4",
    pressed="#DFE1E3",
    menu="#FFFFFF",
    line="#DADFE3",
    border="#CED0D0",
    edge="#848E98",
    grid="#EAEBEC",
    text="#1A1E22",
    text2="#4B545D",
    text3="#626B75",
    accent="#097466",
    on_accent="#FFFFFF",
    selected="#D9E9E7",
    link="#1560BE",
    warn="#866000",
    warn_ground="#ECE8DB",
    error="#C0272D",
    error_ground="#F3E0E1",
    zone_validation="#F5F3F9",
    zone_test="#F9F4EF",
    zone_beyond="#F2F4F5",
    truth=Line("#23282E", "#23282E"),
    truth_beyond=Line("#84878B", "#626B75"),
    fed_truth=Line("#1E74DC", "#1560BE", (6, 6)),
    fed_itself=Line("#D25A00", "#AE4500"),
    train=Line("#097466", "#097466"),
    train_raw=Line("#A9CEC9", "#097466", width=1),
    validation=Line("#8240C8", "#8240C8", (6, 5)),
    baseline=Line("#6A737D", "#626B75", (2, 3), 1.5),
    baseline_seasonal=Line("#6A737D", "#626B75", (6, 3, 2, 3), 1.5),
    baseline_mean=Line("#6A737D", "#626B75", (1, 4), 1.5),
    baseline_ar=Line("#6A737D", "#626B75", (10, 4), 1.5),
    best=Line("#8F6A00", "#866000"),
    hand_over=Line("#000000", "#000000", width=1.5),
    change_mark=Line(mix("#1A1E22", "#FBFCFC", 0.4), "#4B545D", (3, 3), 1),
    race=("#1E74DC", "#D25A00", "#1A1A54", "#3F9088", "#610C0E", "#0904EA"),
)


# ── Which theme ──────────────────────────────────────────────────────────────────────────────────────────────────────


def current() -> Theme:
    """The theme that is on, read from the application's palette."""
    ground = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if ground.lightness() < 128 else LIGHT


def system() -> Theme:
    """The theme that the desktop asks for; dark where it does not tell."""
    asked = QGuiApplication.styleHints().colorScheme()
    return LIGHT if asked == Qt.ColorScheme.Light else DARK


NAMES = ("system", "dark", "light")


def named(name: str) -> Theme:
    """The theme that a person chose by one of `NAMES`."""
    return {"dark": DARK, "light": LIGHT}.get(name) or system()


def apply(app: QApplication, theme: Theme, scale: float = 1.0) -> None:
    """Dress the whole application, also while it runs; `scale` multiplies every font and what must grow with it."""
    if not app.styleSheet():
        app.setStyle("Fusion")
    app.setPalette(_palette(theme))
    app.setFont(_base_font(scale))
    app.setStyleSheet(_style_sheet(theme))


def _palette(theme: Theme) -> QPalette:
    roles = QPalette.ColorRole
    colors = {
        roles.Window: theme.panel,
        roles.WindowText: theme.text,
        roles.Base: theme.field,
        roles.AlternateBase: theme.hover,
        roles.Text: theme.text,
        roles.PlaceholderText: theme.text3,
        roles.Button: theme.field,
        roles.ButtonText: theme.text,
        roles.BrightText: theme.error,
        roles.ToolTipBase: theme.menu,
        roles.ToolTipText: theme.text,
        roles.Highlight: mix(theme.accent, theme.field, 0.4),
        roles.HighlightedText: theme.text,
        roles.Accent: theme.accent,
        roles.Link: theme.link,
        roles.LinkVisited: theme.link,
        roles.Light: theme.hover,
        roles.Midlight: theme.line,
        roles.Mid: theme.border,
        roles.Dark: theme.border,
        roles.Shadow: theme.window,
    }
    palette = QPalette()
    for role, color in colors.items():
        palette.setColor(role, QColor(color))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.edge))
    return palette


# ── Type ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

# Points more or less than the base, and the weight.
_ROLES: dict[Role, tuple[float, QFont.Weight]] = {
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
    points, weight = _ROLES[role]
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


def _base_font(scale: float) -> QFont:
    base = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    base.setPointSizeF(_base_points() * scale)
    # Digits of one width, so that a number that changes does not shake.
    base.setFeature(QFont.Tag("tnum"), 1)
    # Full hinting spaces small letters unevenly.
    base.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return base


# ── Motion ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def duration(milliseconds: int) -> int:
    """How long a movement may take here: nothing where the platform asks for stillness or nobody looks."""
    still = QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
    return 0 if still or QGuiApplication.platformName() == "offscreen" else milliseconds


# ── Focus ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw_focus(painter: QPainter, rect: QRect, radius: float = 5.0) -> None:
    """The outline of whatever has the keyboard, for widgets that paint themselves; it lies inside `rect`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(current().accent), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), radius, radius)
    painter.restore()


# ── Icons ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


def _glyph(name: str, color: str) -> str:
    """A tinted copy of an icon as the `url()` of a style sheet, which reads files only."""
    file = _glyph_folder() / f"{name}-{color[1:]}.svg"
    if not file.exists():
        file.write_text(_drawing(name).replace("currentColor", color), encoding="utf-8")
    return f'url("{file.as_posix()}")'


# ── Style sheet ──────────────────────────────────────────────────────────────────────────────────────────────────────


def set_state(widget: QWidget, state: str) -> None:
    """Give a field the look of a state of the sheet: `"error"`, `"waiting"` or `""`."""
    if widget.property("state") == state:
        return
    widget.setProperty("state", state)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def _style_sheet(theme: Theme) -> str:
    values: dict[str, object] = {f.name: getattr(theme, f.name) for f in fields(theme)}
    values |= {f"{role}_size": f"{font(role).pointSizeF():g}pt" for role in _ROLES}
    values |= {f"h{height}": f"{scaled(height)}px" for height in (14, 16, 20, 22, 24, 26, 32, 34)}
    values |= {
        "fixed_family": font("expression").families()[0],
        "accent_hover": mix(theme.text, theme.accent, 0.12),
        "accent_pressed": mix(theme.panel, theme.accent, 0.18),
        "danger_border": mix(theme.error, theme.panel, 0.55),
        "warn_border": mix(theme.warn, theme.warn_ground, 0.55),
        "error_border": mix(theme.error, theme.error_ground, 0.55),
        "segments_ground": theme.field if theme is DARK else theme.window,
        "segment_chosen": theme.pressed if theme is DARK else theme.field,
        "knob": "#FFFFFF",
        "knob_border": "#FFFFFF" if theme is DARK else theme.edge,
        "arrow_down": _glyph("chevron-down", theme.text2),
        "arrow_down_disabled": _glyph("chevron-down", theme.edge),
        "arrow_right": _glyph("chevron-right", theme.text2),
        "tick": _glyph("check", theme.on_accent),
        "tick_disabled": _glyph("check", theme.edge),
        "tick_menu": _glyph("check", theme.accent),
    }
    return _SHEET.substitute(values)


# A 2-pixel outline on focus takes its second pixel from the padding and the height, so that nothing moves.
_SHEET = Template("""
QMainWindow, QMainWindow::separator { background: $window; }
QMainWindow::separator { width: 1px; height: 1px; }
QSplitter::handle { background: $window; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QFrame[role="hairline"] { background: $line; border: none; max-height: 1px; }
QFrame[role="upright"] { background: $line; border: none; max-width: 1px; }
QFrame[role="apply"] { background: $warn_ground; border: none; }
QFrame[role="card"]:focus { border: 2px solid $accent; }
QFrame[role="card"][state="error"] { border-color: $error; }
QFrame[role="card"] { background: $panel; border: 1px solid $line; border-radius: 8px; }

QLabel[role="title"] { font-weight: 600; }
QLabel[role="secondary"] { color: $text2; font-size: $secondary_size; }
QLabel[role="caption"] { color: $text3; font-size: $caption_size; }
QLabel[role="score"] { font-size: $score_size; font-weight: 600; }
QLabel[role="heading"] { font-size: $heading_size; font-weight: 600; }
QLabel[role="warn"] { color: $warn; font-size: $secondary_size; }
QLabel[role="error"] { color: $error; font-size: $secondary_size; }
QLabel:disabled { color: $edge; }

QPushButton {
    background: $field; color: $text; border: 1px solid $border; border-radius: 6px;
    padding: 0 11px; min-height: $h26; icon-size: $h16; font-weight: 500; outline: none;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $pressed; border-color: $pressed; }
QPushButton:disabled { background: $panel; color: $edge; border-color: $line; }
QPushButton:focus { border: 2px solid $accent; padding: 0 10px; min-height: $h24; }
QPushButton::menu-indicator { image: $arrow_down; width: 12px; height: 12px; right: 6px; subcontrol-position: right; }

QPushButton[role="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[role="primary"]:pressed { background: $accent_pressed; border-color: $accent_pressed; }
QPushButton[role="primary"]:disabled { background: $field; color: $edge; border-color: $line; }
QPushButton[role="primary"]:focus { border-color: $text; }

QPushButton[role="danger"] { color: $error; border-color: $danger_border; }
QPushButton[role="danger"]:hover { background: $error_ground; }
QPushButton[role="danger"]:disabled { color: $edge; border-color: $line; }
QPushButton[role="danger"]:focus { border-color: $accent; }

QPushButton[role="link"] {
    background: transparent; color: $link; border: 2px solid transparent; border-radius: 5px;
    padding: 0 2px; min-height: $h14; font-size: $secondary_size;
}
QPushButton[role="link"]:hover { text-decoration: underline; }
QPushButton[role="link"]:pressed { color: $text; }
QPushButton[role="link"]:disabled { color: $edge; }
QPushButton[role="link"]:focus { border-color: $accent; }

QFrame[role="segments"] { background: $segments_ground; border: none; border-radius: 7px; }
QPushButton[role="segment"] {
    background: transparent; color: $text2; border: 1px solid transparent; min-height: $h22; padding: 0 12px;
}
QPushButton[role="segment"]:hover { color: $text; }
QPushButton[role="segment"]:checked { background: $segment_chosen; color: $text; }
QPushButton[role="segment"]:focus { border: 2px solid $accent; min-height: $h20; padding: 0 11px; }

QToolButton {
    background: transparent; color: $text2; border: 1px solid transparent; border-radius: 6px;
    padding: 3px; font-weight: 500;
}
QToolButton:hover { background: $hover; color: $text; }
QToolButton:pressed, QToolButton:checked { background: $pressed; color: $text; }
QToolButton:disabled { background: transparent; color: $edge; }
QToolButton:focus { border: 2px solid $accent; padding: 2px; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox {
    background: $field; color: $text; border: 1px solid $border; border-radius: 5px;
    padding: 0 6px; min-height: $h22;
}
QLineEdit:hover, QComboBox:hover, QSpinBox:hover, QDoubleSpinBox:hover { background: $hover; }
QLineEdit:disabled, QComboBox:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {
    background: $panel; color: $edge; border-color: $line;
}
QLineEdit[state="waiting"], QComboBox[state="waiting"] { border-color: $warn; }
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus {
    background: $field; border: 2px solid $accent; padding: 0 5px; min-height: $h20;
}
QLineEdit[state="error"], QComboBox[state="error"] { border-color: $error; }
QLineEdit[role="number"] { padding: 0 4px; }
QLineEdit[role="number"]:focus { padding: 0 3px; }
QLineEdit[role="expression"] {
    font-family: "$fixed_family"; font-size: $expression_size; padding: 0 7px; min-height: $h34;
}
QLineEdit[role="expression"]:focus { padding: 0 6px; min-height: $h32; }

QComboBox { padding: 0 4px 0 8px; combobox-popup: 0; }
QComboBox:focus { padding: 0 3px 0 7px; }
QComboBox::drop-down { border: none; width: 18px; subcontrol-origin: padding; subcontrol-position: center right; }
QComboBox::down-arrow { image: $arrow_down; width: 14px; height: 14px; }
QComboBox::down-arrow:disabled { image: $arrow_down_disabled; }
QComboBox QAbstractItemView {
    background: $menu; color: $text; border: 1px solid $border; padding: 4px; outline: none;
    selection-background-color: $selected; selection-color: $text;
}
QComboBox QAbstractItemView::item { min-height: $h22; padding: 0 4px; border: none; border-radius: 5px; }
QComboBox QAbstractItemView::item:selected { background: $selected; color: $text; }

QCheckBox { spacing: 7px; }
QCheckBox:disabled { color: $edge; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $edge; border-radius: 4px; background: $field; }
QCheckBox::indicator:hover { background: $hover; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: $tick; }
QCheckBox[state="waiting"]::indicator { border-color: $warn; }
QCheckBox::indicator:disabled { background: $panel; border-color: $border; }
QCheckBox::indicator:checked:disabled { background: $pressed; border-color: $pressed; image: $tick_disabled; }
QCheckBox::indicator:focus { border: 2px solid $accent; width: 12px; height: 12px; }
QCheckBox::indicator:checked:focus { border-color: $text; }

QSlider:horizontal { min-height: $h22; }
QSlider::groove:horizontal { background: $border; height: 3px; border-radius: 1px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 1px; }
QSlider[state="waiting"]::sub-page:horizontal { background: $edge; }
QSlider::sub-page:horizontal:disabled { background: $edge; }
QSlider::handle:horizontal {
    background: $knob; border: 1px solid $knob_border; width: 9px; margin: -4px 0; border-radius: 5px;
}
QSlider::handle:horizontal:hover { border-color: $accent; }
QSlider::handle:horizontal:focus { border: 2px solid $accent; width: 11px; margin: -6px 0; border-radius: 7px; }
QSlider::handle:horizontal:disabled { background: $pressed; border-color: $edge; }

QProgressBar { background: $border; border: none; border-radius: 1px; min-height: 2px; max-height: 2px; }
QProgressBar::chunk { background: $accent; border-radius: 1px; }

QScrollArea { background: transparent; border: none; }
QScrollBar { background: transparent; border: none; margin: 0; }
QScrollBar:vertical { width: 8px; }
QScrollBar:horizontal { height: 8px; }
QScrollBar::handle { background: $border; border-radius: 3px; margin: 1px; }
QScrollBar::handle:hover, QScrollBar::handle:pressed { background: $edge; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenuBar { background: $panel; border: none; }
QMenuBar::item { background: transparent; color: $text; padding: 5px 10px; border-radius: 6px; }
QMenuBar::item:selected { background: $hover; }
QMenuBar::item:pressed { background: $pressed; }
QMenu { background: $menu; color: $text; border: 1px solid $border; border-radius: 8px; padding: 4px; }
QMenu::item { padding: 5px 16px 5px 8px; border-radius: 5px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $edge; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { background: $line; height: 1px; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; padding-left: 6px; }
QMenu::indicator:checked { image: $tick_menu; }
QMenu::right-arrow { image: $arrow_right; width: 12px; height: 12px; padding-right: 4px; }
QToolTip { background: $menu; color: $text; border: 1px solid $border; padding: 5px 7px; }

QTabWidget::pane { border: none; }
QTabBar { background: transparent; qproperty-drawBase: 0; qproperty-expanding: 0; }
QTabBar::tab {
    background: transparent; color: $text2; border: none; border-bottom: 2px solid transparent;
    padding: 0 12px; min-height: $h26; font-weight: 500;
}
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:selected:focus { background: $selected; }

QFrame[notice="warn"] { background: $warn_ground; border: 1px solid $warn_border; border-radius: 8px; }
QFrame[notice="error"] { background: $error_ground; border: 1px solid $error_border; border-radius: 8px; }
QFrame[notice="info"], QFrame[notice="toast"] { background: $menu; border: 1px solid $border; border-radius: 8px; }
QFrame[notice="none"] { background: transparent; border: none; }
""")
