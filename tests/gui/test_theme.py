"""The look: colours can be told apart and read, icons exist, and a change of theme reaches everything at once."""

import dataclasses
import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from zen_gui import ASSETS, theme
from zen_gui.theme import DARK, LIGHT, Line, Theme

both_themes = pytest.mark.parametrize("look", [DARK, LIGHT], ids=lambda look: look.name)

# ── Colour arithmetic ────────────────────────────────────────────────────────────────────────────────────────────────

# Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1.0, on linear RGB.
EYES = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# Linear sRGB to CIE XYZ under D65, from IEC 61966-2-1.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear_rgb(color: str) -> np.ndarray:
    coded = np.array(QColor(color).getRgbF()[:3])
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1, 1 to 21."""
    darker, lighter = sorted(TO_XYZ[1] @ linear_rgb(color) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def lab(color: str, eye: str) -> np.ndarray:
    """CIE Lab of the colour as this eye sees it."""
    seen = np.clip(EYES[eye] @ linear_rgb(color), 0.0, 1.0)
    relative = (TO_XYZ @ seen) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, other: str, eye: str) -> float:
    return float(np.linalg.norm(lab(one, eye) - lab(other, eye)))


def least_distance(one: str, other: str) -> float:
    return min(distance(one, other, eye) for eye in EYES)


@pytest.mark.parametrize(
    ("look", "one", "other", "documented"),
    [
        (DARK, "truth", "fed_itself", (68, 59, 62)),
        (LIGHT, "truth", "fed_itself", (89, 64, 78)),
        (DARK, "train", "validation", (90, 53, 41)),
        (LIGHT, "fed_truth", "fed_itself", (126, 110, 126)),
    ],
)
def test_the_arithmetic_gives_the_distances_of_the_design(
    look: Theme, one: str, other: str, documented: tuple[int, int, int]
) -> None:
    lines = look.lines()
    distances = [distance(lines[one].color, lines[other].color, eye) for eye in EYES]
    assert distances == pytest.approx(documented, abs=1.0)


# ── Legibility ───────────────────────────────────────────────────────────────────────────────────────────────────────

PLOT_GROUNDS = ("panel", "zone_validation", "zone_test", "zone_beyond")
SURFACES = (*PLOT_GROUNDS, "field", "menu")
BANNERS = ("warn_ground", "error_ground")
# Faint on purpose: nothing is read from the raw loss alone, and a change mark is named by its label.
FAINT_LINES = {"train_raw", "change_mark"}


@both_themes
@pytest.mark.parametrize("token", ["text", "text2", "text3", "accent", "link", "warn", "error"])
def test_text_is_legible_on_every_surface(look: Theme, token: str) -> None:
    for ground in SURFACES:
        assert contrast(getattr(look, token), getattr(look, ground)) >= 4.5, ground


@both_themes
@pytest.mark.parametrize(
    ("token", "grounds"),
    [
        # text3 is not used on banners.
        ("text", (*BANNERS, "hover", "pressed", "selected")),
        ("text2", (*BANNERS, "hover")),
        ("warn", ("warn_ground",)),
        ("error", ("error_ground",)),
        ("on_accent", ("accent",)),
    ],
)
def test_text_is_legible_on_coloured_grounds(look: Theme, token: str, grounds: tuple[str, ...]) -> None:
    for ground in grounds:
        assert contrast(getattr(look, token), getattr(look, ground)) >= 4.5, ground


@both_themes
def test_outlines_that_carry_meaning_alone_are_visible(look: Theme) -> None:
    for ground in ("panel", "field"):
        assert contrast(look.edge, getattr(look, ground)) >= 3.0


@both_themes
def test_lines_and_their_labels_are_legible_in_every_zone(look: Theme) -> None:
    for name, line in look.lines().items():
        for ground in PLOT_GROUNDS:
            assert contrast(line.text, getattr(look, ground)) >= 4.5, name
            if name not in FAINT_LINES:
                assert contrast(line.color, getattr(look, ground)) >= 3.0, name


# ── Telling lines apart ──────────────────────────────────────────────────────────────────────────────────────────────

BASELINES = ("baseline", "baseline_seasonal", "baseline_mean", "baseline_ar")
# The hand-over is upright, straight and has a grip, so it is told from the truth by shape; the star of the best loss,
# the raw loss behind the smoothed one and the change marks are told by shape, too.
PLOTS = {
    "curve": ("truth", "truth_beyond", "fed_truth", "fed_itself", *BASELINES),
    "error strip": ("fed_truth", "fed_itself", "hand_over"),
    "loss": ("train", "validation", *BASELINES),
    "horizon": ("fed_itself", *BASELINES),
}


@both_themes
@pytest.mark.parametrize("plot", PLOTS)
def test_lines_of_one_plot_differ_in_colour_to_every_eye_or_in_dash(look: Theme, plot: str) -> None:
    lines = look.lines()
    for one, other in itertools.combinations(PLOTS[plot], 2):
        differ = least_distance(lines[one].color, lines[other].color) >= 20 or lines[one].dash != lines[other].dash
        assert differ, (one, other)


@both_themes
def test_the_hues_of_a_race_differ_to_every_eye(look: Theme) -> None:
    assert len(look.race) == 6
    for one, other in itertools.combinations(look.race, 2):
        assert least_distance(one, other) >= 20


@both_themes
def test_weak_pairs_are_the_documented_ones(look: Theme) -> None:
    # Red and amber come near teal and orange to some eyes: hence always an icon and a sentence with them.
    assert least_distance(look.accent, look.warn) >= 20
    assert distance(look.accent, look.error, "normal") >= 20


# ── The tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


@both_themes
def test_every_colour_is_written_in_full(look: Theme) -> None:
    texts = [value for f in dataclasses.fields(look) if isinstance(value := getattr(look, f.name), str)]
    for color in [*texts[1:], *look.race, *(line.color for line in look.lines().values())]:
        assert re.fullmatch("#[0-9A-F]{6}", color)


def test_both_themes_draw_a_line_with_the_same_dash_and_width() -> None:
    dark, light = DARK.lines(), LIGHT.lines()
    assert {name: (line.dash, line.width) for name, line in dark.items()} == {
        name: (line.dash, line.width) for name, line in light.items()
    }


def test_a_pen_counts_its_dash_in_pixels_and_grows_with_the_screen() -> None:
    line = Line("#9099A3", "#9099A3", (2, 3), 1.5)
    assert line.pen().widthF() == 1.5
    assert line.pen(2.0).widthF() == 3.0
    # Qt counts dashes in widths of the pen, so twice the width draws them twice as long.
    assert [length * line.pen(2.0).widthF() for length in line.pen(2.0).dashPattern()] == pytest.approx([4, 6])
    assert line.pen().isCosmetic()


def test_a_pen_for_a_plot_is_solid_because_its_dashes_are_gaps_in_the_data() -> None:
    assert DARK.fed_truth.pen(dashed=False).style() == Qt.PenStyle.SolidLine
    assert DARK.truth.pen().style() == Qt.PenStyle.SolidLine


def test_mix_is_opaque_and_keeps_its_ends() -> None:
    assert theme.mix("#FFFFFF", "#000000", 0.0) == "#000000"
    assert theme.mix("#FFFFFF", "#000000", 1.0) == "#FFFFFF"
    assert theme.mix("#FF0000", "#0000FF", 0.2) == "#3300CC"


# ── Applying ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_themes
def test_the_theme_that_was_applied_is_current(qapp: QApplication, look: Theme) -> None:
    theme.apply(qapp, look)
    assert theme.current() is look
    assert qapp.styleSheet()


def test_the_system_theme_is_dark_where_the_desktop_does_not_tell(qapp: QApplication) -> None:
    assert qapp.styleHints().colorScheme() == Qt.ColorScheme.Unknown
    assert theme.system() is DARK


@both_themes
def test_the_style_sheet_reaches_widgets_that_exist_already(qtbot, qapp: QApplication, look: Theme) -> None:
    button = QPushButton("Run")
    button.setProperty("role", "primary")
    qtbot.addWidget(button)
    button.resize(120, 28)
    theme.apply(qapp, look)
    assert button.grab().toImage().pixelColor(20, 5).name().upper() == look.accent


def test_focus_moves_nothing(qtbot, qapp: QApplication) -> None:
    theme.apply(qapp, DARK)
    for widget in (QPushButton("Run"), QLineEdit("25")):
        qtbot.addWidget(widget)
        widget.show()
        widget.clearFocus()
        before = widget.sizeHint()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(widget.hasFocus)
        assert widget.sizeHint() == before


def test_digits_are_tabular(qapp: QApplication) -> None:
    theme.apply(qapp, DARK)
    assert qapp.font().featureValue(QFont.Tag("tnum")) == 1
    widths = {QFontMetrics(theme.font("body")).horizontalAdvance(digit) for digit in "0123456789"}
    assert len(widths) == 1


def test_font_sizes_follow_the_base(qapp: QApplication) -> None:
    theme.apply(qapp, DARK)
    base = qapp.font().pointSizeF()
    assert 9 <= base <= 11
    assert theme.font("secondary").pointSizeF() == pytest.approx(base - 0.75)
    assert theme.font("score").pointSizeF() == pytest.approx(base + 2.25)
    assert theme.font("least").pointSizeF() >= 7
    assert theme.font("title").weight() == QFont.Weight.DemiBold
    assert theme.scaled(26) == 26


def test_one_scale_moves_every_size(qapp: QApplication) -> None:
    theme.apply(qapp, DARK)
    plain = {role: theme.font(role).pointSizeF() for role in ("body", "caption", "heading", "expression")}
    theme.apply(qapp, DARK, scale=1.6)
    try:
        for role, points in plain.items():
            assert theme.font(role).pointSizeF() == pytest.approx(1.6 * points)
        assert theme.scaled(26) == 42
    finally:
        theme.apply(qapp, DARK)


def test_nothing_moves_where_nobody_looks(qapp: QApplication) -> None:
    assert qapp.platformName() == "offscreen"
    assert theme.duration(120) == 0


# ── Icons ────────────────────────────────────────────────────────────────────────────────────────────────────────────

# fmt: off
ICONS = [
    "run", "pause", "step", "epoch", "rewind", "dice", "undo", "redo",
    "plus", "trash", "copy", "up", "down", "grip", "more", "chevron-down",
    "chevron-right", "restart", "warning", "error", "check", "close", "fit", "link",
    "info", "sun", "moon", "camera", "search", "settings", "star", "app",
]
# fmt: on


def opaque_colors(picture: QPixmap) -> set[str]:
    image = picture.toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {pixel.name().upper() for pixel in pixels if pixel.alpha() == 255}


def test_the_folder_holds_exactly_the_icons_of_the_program() -> None:
    assert sorted(file.stem for file in (ASSETS / "icons").glob("*.svg")) == sorted(ICONS)


@pytest.mark.parametrize("name", ICONS)
def test_an_icon_renders(qapp: QApplication, name: str) -> None:
    picture = theme.pixmap(name, "#FF0000")
    assert picture.devicePixelRatio() == 2
    assert picture.deviceIndependentSize().toTuple() == (16, 16)
    assert opaque_colors(picture)


@pytest.mark.parametrize("name", [name for name in ICONS if name != "app"])
def test_an_icon_takes_every_colour_from_the_theme(name: str) -> None:
    drawing = (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(drawing)
    assert root.get("viewBox") == "0 0 16 16"
    colors = {element.get(key) for element in root.iter() for key in ("fill", "stroke")}
    assert colors <= {None, "none", "currentColor"}


def test_a_misspelt_icon_shows_at_once(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        theme.icon("no-such-icon")


def test_an_icon_follows_the_theme(qapp: QApplication) -> None:
    run = theme.icon("run")
    for look in (DARK, LIGHT):
        theme.apply(qapp, look)
        assert look.text2 in opaque_colors(run.pixmap(32, 32))
        assert look.text in opaque_colors(run.pixmap(32, 32, QIcon.Mode.Active))
        assert look.edge in opaque_colors(run.pixmap(32, 32, QIcon.Mode.Disabled))
        assert look.on_accent in opaque_colors(theme.icon("run", "on_accent").pixmap(32, 32))


def test_an_icon_keeps_a_fixed_colour(qapp: QApplication) -> None:
    assert "#123456" in opaque_colors(theme.icon("run", "#123456").pixmap(32, 32))


def test_an_icon_fills_its_button(qtbot, qapp: QApplication) -> None:
    theme.apply(qapp, DARK)
    button = QPushButton()
    button.setIcon(theme.icon("run", "#FF0000"))
    qtbot.addWidget(button)
    assert "#FF0000" in opaque_colors(button.grab())
