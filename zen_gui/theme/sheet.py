"""The style sheet and the palette: how Qt's own widgets look in a theme."""

from dataclasses import fields
from string import Template

from PySide6.QtGui import QColor, QPalette

from zen_gui.theme.fonts import ROLES, font, scaled
from zen_gui.theme.icons import glyph
from zen_gui.theme.tokens import DARK, Theme, mix


def palette(theme: Theme) -> QPalette:
    """The colours that Qt uses where the style sheet says nothing."""
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
    made = QPalette()
    for role, color in colors.items():
        made.setColor(role, QColor(color))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.edge))
    return made


def style_sheet(theme: Theme) -> str:
    """The style sheet of the whole application in a theme, for the fonts of the moment."""
    values: dict[str, object] = {f.name: getattr(theme, f.name) for f in fields(theme)}
    values |= {f"{role}_size": f"{font(role).pointSizeF():g}pt" for role in ROLES}
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
        "arrow_down": glyph("chevron-down", theme.text2),
        "arrow_down_disabled": glyph("chevron-down", theme.edge),
        "arrow_right": glyph("chevron-right", theme.text2),
        "tick": glyph("check", theme.on_accent),
        "tick_disabled": glyph("check", theme.edge),
        "tick_menu": glyph("check", theme.accent),
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
