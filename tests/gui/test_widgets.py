"""The small widgets, worked as a person does: with keys, the mouse and the wheel."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QImage, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QToolTip, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from zen_gui import theme
from zen_gui.theme import DARK, LIGHT
from zen_gui.widgets.elided_label import ElidedLabel
from zen_gui.widgets.expression_field import ExpressionField
from zen_gui.widgets.legend import LegendEntry, LineSample
from zen_gui.widgets.mark import Mark
from zen_gui.widgets.notice import Notice
from zen_gui.widgets.number_field import Number, NumberField, format_number
from zen_gui.widgets.section import Section
from zen_gui.widgets.slider import Slider
from zen_gui.widgets.status_dot import StatusDot

# The offscreen platform says so at each tooltip.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support raise")

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier


# pytest-qt refers to windows weakly; a test that looks only at a widget inside needs its window too.
open_windows: list[QWidget] = []


@pytest.fixture(autouse=True)
def dark(qapp: QApplication) -> Iterator[None]:
    theme.apply(qapp, DARK)
    yield
    QToolTip.hideText()
    open_windows.clear()


class Record(QObject):
    """Keeps what a signal carried, in order."""

    def __init__(self, signal: object) -> None:
        super().__init__()
        self.values: list[object] = []
        signal.connect(self.keep)  # type: ignore[attr-defined]

    def keep(self, *values: object) -> None:
        self.values.extend(values or [None])


def shown(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    """A window with these widgets and one more field for the focus to go to."""
    window = QWidget()
    column = QVBoxLayout(window)
    for widget in widgets:
        column.addWidget(widget)
    elsewhere = QLineEdit(objectName="elsewhere")
    column.addWidget(elsewhere)
    qtbot.addWidget(window)
    open_windows.append(window)
    window.show()
    window.activateWindow()
    focus(qtbot, elsewhere)
    return window


def focus(qtbot: QtBot, widget: QWidget) -> None:
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(widget.hasFocus)


def leave(qtbot: QtBot, widget: QWidget) -> None:
    focus(qtbot, widget.window().findChild(QLineEdit, "elsewhere"))


def wheel(widget: QWidget, notches: int) -> bool:
    """Turn the wheel over the widget; whether the widget took it."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(widget.rect().center())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def point_at(widget: QWidget) -> None:
    """Ask for the tooltip."""
    middle = widget.rect().center()
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, middle, widget.mapToGlobal(middle)))


def colors(widget: QWidget) -> set[str]:
    image = widget.grab().toImage()
    return {image.pixelColor(x, y).name().upper() for x in range(image.width()) for y in range(image.height())}


def pixels_like(image: QImage, color: str) -> list[tuple[int, int]]:
    """Where the image has nearly this colour."""
    wanted = QColor(color)

    def near(x: int, y: int) -> bool:
        pixel = image.pixelColor(x, y)
        return (
            abs(pixel.red() - wanted.red()) + abs(pixel.green() - wanted.green()) + abs(pixel.blue() - wanted.blue())
            < 60
        )

    return [(x, y) for x in range(image.width()) for y in range(image.height()) if near(x, y)]


# ── Numbers as text ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25, "25"),
        (-3, "−3"),
        (1234567, "1234567"),
        (0.003, "0.003"),
        (0.0003, "0.0003"),
        (0.000123, "1.23e-4"),
        (1e-05, "1e-5"),
        (-2.5e-7, "−2.5e-7"),
        (1e20, "1e20"),
        (1.0, "1"),
        (0.0, "0"),
        (-0.0, "0"),
        (-0.5, "−0.5"),
        (0.1 + 0.2, "0.3"),
        (100000.0, "100000"),
    ],
)
def test_a_number_is_written_as_a_person_writes_it(value: Number, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(("value", "decimals", "text"), [(1.0, 2, "1.00"), (0.25, 1, "0.25"), (1e-7, 3, "1e-7")])
def test_zeros_can_be_kept(value: float, decimals: int, text: str) -> None:
    assert format_number(value, decimals) == text


# ── NumberField ──────────────────────────────────────────────────────────────────────────────────────────────────────


def window_field(qtbot: QtBot, value: Number = 25) -> NumberField:
    """A whole number from 1 to 499, called "Window"."""
    field = NumberField(integer=True, low=1, high=499, name="Window")
    field.set_value(value)
    shown(qtbot, field)
    return field


def float_field(qtbot: QtBot, value: float, *, low: float | None = None, high: float | None = None) -> NumberField:
    field = NumberField(integer=False, low=low, high=high, name="Noise")
    field.set_value(value)
    shown(qtbot, field)
    focus(qtbot, field)
    return field


def type_over(qtbot: QtBot, field: QLineEdit, text: str) -> None:
    focus(qtbot, field)
    field.selectAll()
    for character in text:
        # QTest aborts on characters that no key of an English keyboard has, such as the true minus.
        press = QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, character)
        QApplication.sendEvent(field, press)


def test_enter_takes_what_was_typed_once(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited = Record(field.edited)
    type_over(qtbot, field, "50")
    assert edited.values == []
    qtbot.keyClick(field, Key.Key_Return)
    leave(qtbot, field)
    assert edited.values == [50]
    assert isinstance(edited.values[0], int)
    assert (field.number, field.text()) == (50, "50")


def test_leaving_the_field_takes_what_was_typed(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited = Record(field.edited)
    type_over(qtbot, field, "50")
    leave(qtbot, field)
    assert edited.values == [50]


def test_another_window_does_not_end_the_typing(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited = Record(field.edited)
    type_over(qtbot, field, "5")
    QApplication.sendEvent(field, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.ActiveWindowFocusReason))
    assert edited.values == []
    assert field.text() == "5"


def test_the_same_number_is_no_edit_and_loses_its_zeros(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited = Record(field.edited)
    type_over(qtbot, field, "025")
    qtbot.keyClick(field, Key.Key_Return)
    assert edited.values == []
    assert field.text() == "25"


def test_looking_at_a_long_number_does_not_round_it(qtbot: QtBot) -> None:
    field = float_field(qtbot, 0.123456789)
    edited = Record(field.edited)
    qtbot.keyClick(field, Key.Key_Return)
    leave(qtbot, field)
    assert edited.values == []
    assert field.number == 0.123456789


def test_setting_a_value_is_no_edit(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited = Record(field.edited)
    field.set_value(30)
    assert edited.values == []
    assert field.text() == "30"


def test_setting_the_same_value_leaves_what_is_being_typed(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    type_over(qtbot, field, "4")
    field.set_value(25)
    assert field.text() == "4"
    field.set_value(26)
    assert field.text() == "26"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0,5", 0.5), ("−2", -2.0), ("-2", -2.0), ("1e-3", 0.001), (" 3 ", 3.0), (".5", 0.5), ("2.", 2.0), ("+4", 4.0)],
)
def test_numbers_are_read_as_people_write_them(qtbot: QtBot, text: str, value: float) -> None:
    field = float_field(qtbot, 1.25)
    edited = Record(field.edited)
    type_over(qtbot, field, text)
    qtbot.keyClick(field, Key.Key_Enter)
    assert edited.values == [value]
    assert isinstance(edited.values[0], float)


@pytest.mark.parametrize(("text", "value"), [("1,240", 1240), ("1e3", 1000), ("12.0", 12)])
def test_whole_numbers_may_have_thousands_and_exponents(qtbot: QtBot, text: str, value: int) -> None:
    field = NumberField(integer=True)
    shown(qtbot, field)
    edited = Record(field.edited)
    type_over(qtbot, field, text)
    qtbot.keyClick(field, Key.Key_Return)
    assert edited.values == [value]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("900", "Window 900 is above 499. Use 1 to 499."),
        ("0", "Window 0 is below 1. Use 1 to 499."),
        ("abc", "Window 'abc' is not a number. Use 1 to 499."),
        ("1_0", "Window '1_0' is not a number. Use 1 to 499."),
        ("nan", "Window 'nan' is not a number. Use 1 to 499."),
        ("2.5", "Window 2.5 is not a whole number. Use 1 to 499."),
        ("1e999", "Window 1e999 is above 499. Use 1 to 499."),
        (" ", "Window is empty. Use 1 to 499."),
    ],
)
def test_a_refusal_says_what_why_and_the_remedy(qtbot: QtBot, text: str, sentence: str) -> None:
    field = window_field(qtbot)
    edited, refused = Record(field.edited), Record(field.refused)
    type_over(qtbot, field, text)
    qtbot.keyClick(field, Key.Key_Return)
    assert refused.values == [sentence]
    assert edited.values == []
    assert (field.text(), field.number, field.property("state")) == (text, 25, "error")


@pytest.mark.parametrize(
    ("low", "high", "text", "sentence"),
    [
        (0.0, None, "-1", "Noise -1 is below 0. Use at least 0."),
        (None, 1.0, "2", "Noise 2 is above 1. Use at most 1."),
        (None, None, "x", "Noise 'x' is not a number."),
        (None, None, "1e999", "Noise 1e999 is too large."),
    ],
)
def test_the_remedy_names_the_bounds_there_are(
    qtbot: QtBot, low: float | None, high: float | None, text: str, sentence: str
) -> None:
    field = float_field(qtbot, 0.5, low=low, high=high)
    refused = Record(field.refused)
    type_over(qtbot, field, text)
    qtbot.keyClick(field, Key.Key_Return)
    assert refused.values == [sentence]


def test_a_refused_text_waits_for_mending_and_the_error_ends_with_it(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited, accepted = Record(field.edited), Record(field.accepted)
    type_over(qtbot, field, "900")
    leave(qtbot, field)
    assert field.text() == "900"
    focus(qtbot, field)
    assert (field.text(), field.property("state")) == ("900", "error")
    field.end(False)
    qtbot.keyClick(field, Key.Key_Backspace)
    assert accepted.values == [None]
    assert field.property("state") == ""
    assert edited.values == []
    qtbot.keyClick(field, Key.Key_Return)
    assert edited.values == [90]
    assert accepted.values == [None]


def test_escape_restores_and_ends_the_error(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited, accepted = Record(field.edited), Record(field.accepted)
    type_over(qtbot, field, "900")
    qtbot.keyClick(field, Key.Key_Return)
    qtbot.keyClick(field, Key.Key_Escape)
    leave(qtbot, field)
    assert (field.text(), field.property("state")) == ("25", "")
    assert (edited.values, accepted.values) == ([], [None])


def test_escape_with_nothing_to_restore_is_left_to_the_window(qtbot: QtBot) -> None:
    class Window(QWidget):
        escaped = False

        def keyPressEvent(self, event: object) -> None:
            self.escaped = True

    window = Window()
    field = NumberField(integer=True, parent=window)
    qtbot.addWidget(window)
    window.show()
    focus(qtbot, field)
    qtbot.keyClicks(field, "3")
    qtbot.keyClick(field, Key.Key_Escape)
    assert not window.escaped
    qtbot.keyClick(field, Key.Key_Escape)
    assert window.escaped


def test_a_new_value_from_outside_ends_the_error(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    accepted = Record(field.accepted)
    type_over(qtbot, field, "900")
    qtbot.keyClick(field, Key.Key_Return)
    field.set_value(25)
    assert field.text() == "900"
    field.set_value(26)
    assert (field.text(), field.property("state"), accepted.values) == ("26", "", [None])


def test_arrows_step_a_whole_number_inside_its_bounds(qtbot: QtBot) -> None:
    field = window_field(qtbot, 495)
    edited = Record(field.edited)
    focus(qtbot, field)
    qtbot.keyClick(field, Key.Key_Up)
    qtbot.keyClick(field, Key.Key_Down)
    qtbot.keyClick(field, Key.Key_Down, SHIFT)
    qtbot.keyClick(field, Key.Key_Up, SHIFT)
    qtbot.keyClick(field, Key.Key_Up, SHIFT)
    qtbot.keyClick(field, Key.Key_Up)
    assert edited.values == [496, 495, 485, 495, 499]


@pytest.mark.parametrize(
    ("value", "keys", "texts"),
    [
        (0.9, ["up", "up", "down"], ["1.0", "1.1", "1.0"]),
        (0.25, ["up", "far up"], ["0.26", "0.36"]),
        (10.0, ["down"], ["9"]),
        (1e-5, ["up"], ["2e-5"]),
        (0.05, ["far down", "down"], ["−0.05", "−0.06"]),
    ],
)
def test_arrows_step_the_last_shown_digit(qtbot: QtBot, value: float, keys: list[str], texts: list[str]) -> None:
    field = float_field(qtbot, value)
    for key, text in zip(keys, texts, strict=True):
        qtbot.keyClick(
            field,
            Key.Key_Up if key.endswith("up") else Key.Key_Down,
            SHIFT if key.startswith("far") else Qt.KeyboardModifier.NoModifier,
        )
        assert field.text() == text
        assert field.number == pytest.approx(float(text.replace("−", "-")), abs=0)


def test_a_step_is_small_against_the_range(qtbot: QtBot) -> None:
    field = float_field(qtbot, 0.0, low=0.0, high=0.5)
    qtbot.keyClick(field, Key.Key_Up)
    assert field.number == 0.01


def test_arrows_multiply_on_a_logarithmic_setting(qtbot: QtBot) -> None:
    rate = NumberField(integer=False, low=1e-6, high=1.0, log=True)
    rate.set_value(0.003)
    size = NumberField(integer=True, low=1, high=1024, log=True)
    size.set_value(2)
    shown(qtbot, rate, size)
    rates, sizes = Record(rate.edited), Record(size.edited)
    for modifier in (Qt.KeyboardModifier.NoModifier, SHIFT):
        qtbot.keyClick(rate, Key.Key_Up, modifier)
        qtbot.keyClick(size, Key.Key_Up, modifier)
    qtbot.keyClick(rate, Key.Key_Down)
    qtbot.keyClick(size, Key.Key_Down)
    assert rates.values == [0.0033, 0.033, 0.03]
    assert sizes.values == [3, 30, 27]


def test_arrows_start_from_what_was_typed_and_mend_a_refused_text(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    edited, accepted = Record(field.edited), Record(field.accepted)
    type_over(qtbot, field, "40")
    qtbot.keyClick(field, Key.Key_Up)
    type_over(qtbot, field, "x")
    qtbot.keyClick(field, Key.Key_Return)
    qtbot.keyClick(field, Key.Key_Up)
    assert edited.values == [41, 42]
    assert accepted.values == [None]


def test_the_wheel_never_changes_a_number(qtbot: QtBot) -> None:
    field = window_field(qtbot)
    assert not wheel(field, 1)
    focus(qtbot, field)
    assert not wheel(field, 1)
    assert field.number == 25


def test_a_waiting_change_shows_both_and_is_edited_as_the_new_one(qtbot: QtBot) -> None:
    field = NumberField(integer=True, name="Seed")
    field.set_value(7)
    shown(qtbot, field)
    edited = Record(field.edited)
    field.set_waiting(7, 8)
    assert (field.text(), field.property("state")) == ("7 → 8", "waiting")
    focus(qtbot, field)
    assert (field.text(), field.selectedText()) == ("8", "8")
    leave(qtbot, field)
    assert (field.text(), edited.values) == ("7 → 8", [])
    field.set_value(8)
    assert (field.text(), field.property("state")) == ("8", "")


def test_a_waiting_change_that_is_too_long_shows_the_new_value_and_tells_the_rest(qtbot: QtBot) -> None:
    field = NumberField(integer=True, name="Samples")
    shown(qtbot, field)
    field.set_waiting(3000, 4000)
    assert field.text() == "→ 4000"
    point_at(field)
    assert QToolTip.text() == "3000 → 4000"


def test_a_number_that_is_too_long_is_never_cut_silently(qtbot: QtBot) -> None:
    field = NumberField(integer=True, name="Seed")
    shown(qtbot, field)
    field.set_value(12345678901)
    assert field.text().endswith("…")
    point_at(field)
    assert QToolTip.text() == "12345678901"
    focus(qtbot, field)
    assert field.text() == "12345678901"


def test_the_name_is_for_sentences_and_screen_readers(qtbot: QtBot) -> None:
    field = NumberField(integer=True, name="Window")
    qtbot.addWidget(field)
    assert field.accessibleName() == "Window"
    field.name = "Samples"
    assert (field.name, field.accessibleName()) == ("Samples", "Samples")


def test_the_field_has_room_for_three_digits_in_any_font_and_grows_with_it(qtbot: QtBot, qapp: QApplication) -> None:
    field = NumberField(integer=False)
    shown(qtbot, field)
    field.set_value(0.00123)
    assert field.text() == "0.00123"
    assert field.width() >= 58
    before = field.sizeHint()
    theme.apply(qapp, DARK, scale=1.6)
    assert field.sizeHint().width() > 1.4 * before.width()
    assert field.sizeHint().height() > 1.4 * before.height()


# ── Slider ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_move_a_whole_number_by_one(qtbot: QtBot) -> None:
    slider = Slider(low=1, high=499, integer=True)
    slider.set_value(25)
    shown(qtbot, slider)
    moved = Record(slider.moved)
    qtbot.keyClick(slider, Key.Key_Right)
    qtbot.keyClick(slider, Key.Key_Left)
    qtbot.keyClick(slider, Key.Key_End)
    qtbot.keyClick(slider, Key.Key_Home)
    assert moved.values == [26, 25, 499, 1]
    assert all(type(value) is int for value in moved.values)


def test_setting_a_slider_is_no_move_and_keeps_the_number_exact(qtbot: QtBot) -> None:
    slider = Slider(low=1e-6, high=1.0, integer=False, log=True)
    qtbot.addWidget(slider)
    moved = Record(slider.moved)
    slider.set_value(0.00314159)
    assert moved.values == []
    assert slider.number == 0.00314159


@pytest.mark.parametrize("number", [-5, 5000])
def test_a_number_outside_stands_at_the_end_and_stays(qtbot: QtBot, number: int) -> None:
    slider = Slider(low=0, high=100, integer=True)
    qtbot.addWidget(slider)
    slider.set_value(number)
    assert slider.number == number
    assert slider.value() in (slider.minimum(), slider.maximum())


def test_a_logarithmic_slider_has_decades_of_one_length_and_three_digits(qtbot: QtBot) -> None:
    slider = Slider(low=1e-6, high=1.0, integer=False, log=True)
    shown(qtbot, slider)
    positions = []
    for exponent in range(-6, 1):
        slider.set_value(10.0**exponent)
        positions.append(slider.value())
    steps = {later - earlier for earlier, later in itertools.pairwise(positions)}
    assert max(steps) - min(steps) <= 1
    slider.set_value(0.003)
    moved = Record(slider.moved)
    for _ in range(5):
        qtbot.keyClick(slider, Key.Key_Right)
    assert len(moved.values) == 5
    assert all(value == float(f"{value:.3g}") for value in moved.values)


def test_a_linear_slider_gives_short_numbers_and_exact_ends(qtbot: QtBot) -> None:
    slider = Slider(low=0.0, high=0.5, integer=False)
    shown(qtbot, slider)
    moved = Record(slider.moved)
    qtbot.keyClick(slider, Key.Key_PageUp)
    qtbot.keyClick(slider, Key.Key_Right)
    qtbot.keyClick(slider, Key.Key_End)
    assert moved.values == [0.05, 0.055, 0.5]


def test_a_logarithmic_slider_of_whole_numbers_says_each_once(qtbot: QtBot) -> None:
    slider = Slider(low=1, high=256, integer=True, log=True)
    shown(qtbot, slider)
    moved = Record(slider.moved)
    for _ in range(100):
        qtbot.keyClick(slider, Key.Key_Right)
    assert moved.values == sorted(set(moved.values))
    assert (moved.values[0], moved.values[-1]) == (2, 256)
    assert all(type(value) is int for value in moved.values)


def test_a_logarithmic_slider_of_whole_numbers_may_begin_at_nothing(qtbot: QtBot) -> None:
    slider = Slider(low=0, high=5000, integer=True, log=True)
    shown(qtbot, slider)
    positions = []
    for number in (0, 1, 2, 50, 5000):
        slider.set_value(number)
        positions.append(slider.value())
    assert positions == sorted(set(positions))
    assert positions[2] - positions[1] > 50, "small numbers have room"
    moved = Record(slider.moved)
    qtbot.keyClick(slider, Key.Key_Home)
    qtbot.keyClick(slider, Key.Key_Right)
    qtbot.keyClick(slider, Key.Key_Left)
    qtbot.keyClick(slider, Key.Key_End)
    assert moved.values == [0, 1, 0, 5000]
    assert all(type(value) is int for value in moved.values)


@pytest.mark.parametrize(("low", "high", "log"), [(0.0, 10.0, False), (1, 100_000, True), (0, 100_000, True)])
def test_only_the_least_number_stands_at_the_left_end(qtbot: QtBot, low: float, high: float, log: bool) -> None:
    slider = Slider(low=low, high=high, integer=isinstance(low, int), log=log)
    qtbot.addWidget(slider)
    slider.set_value(low)
    assert slider.value() == slider.minimum()
    slider.set_value(0.001 if low == 0.0 and not log else low + 1)
    assert slider.value() > slider.minimum()


def test_dragging_the_handle_moves(qtbot: QtBot) -> None:
    slider = Slider(low=0, high=100, integer=True)
    shown(qtbot, slider)
    slider.resize(212, 24)
    moved = Record(slider.moved)
    middle = slider.height() // 2
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(5, middle))
    qtbot.mouseMove(slider, QPoint(106, middle))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(106, middle))
    assert 40 <= slider.number <= 60
    assert moved.values[-1] == slider.number


def test_the_wheel_passes_a_slider_without_the_focus(qtbot: QtBot) -> None:
    slider = Slider(low=0, high=100, integer=True)
    shown(qtbot, slider)
    slider.set_value(50)
    assert not wheel(slider, 1)
    assert slider.number == 50
    focus(qtbot, slider)
    assert wheel(slider, 1)
    assert slider.number > 50


def test_a_double_click_asks_for_the_default(qtbot: QtBot) -> None:
    slider = Slider(low=0, high=100, integer=True)
    shown(qtbot, slider)
    with qtbot.waitSignal(slider.reset_requested):
        qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton)


# ── ExpressionField ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_keystroke_is_an_edit_and_setting_is_none(qtbot: QtBot) -> None:
    field = ExpressionField()
    shown(qtbot, field)
    edited = Record(field.edited)
    field.setText("sin")
    qtbot.keyClicks(field, "(x")
    assert edited.values == ["sin(", "sin(x"]


def test_the_field_is_36_high_also_with_the_focus(qtbot: QtBot) -> None:
    field = ExpressionField("sin(x)")
    shown(qtbot, field)
    assert field.height() == 36
    focus(qtbot, field)
    assert field.sizeHint().height() == 36


def inside(field: ExpressionField) -> QImage:
    """The field without its border, one pixel of the image to one of the widget at any scale of the screen."""
    return field.grab().toImage().scaled(field.size()).copy(3, 3, field.width() - 6, field.height() - 6)


def wave_extent(field: ExpressionField) -> tuple[int, int]:
    """The first and last column of error colour between the borders."""
    columns = [x + 3 for x, _ in pixels_like(inside(field), DARK.error)]
    return min(columns), max(columns)


def cursor_column(field: ExpressionField, position: int) -> int:
    field.setCursorPosition(position)
    return field.cursorRect().center().x()


def test_the_wave_runs_under_the_characters_that_are_wrong(qtbot: QtBot) -> None:
    field = ExpressionField("a*sine(x)*cos(b*x)")
    shown(qtbot, field)
    field.mark_error(2, 6)
    first, last = wave_extent(field)
    assert first == pytest.approx(cursor_column(field, 2), abs=3)
    assert last == pytest.approx(cursor_column(field, 6), abs=3)
    assert field.property("state") == "error"


def test_an_error_at_the_end_of_the_text_is_one_character_wide(qtbot: QtBot) -> None:
    field = ExpressionField("a*sin(")
    shown(qtbot, field)
    field.mark_error(6, 6)
    first, last = wave_extent(field)
    assert first == pytest.approx(cursor_column(field, 6), abs=3)
    assert last - first == pytest.approx(field.fontMetrics().horizontalAdvance("x"), abs=3)


def test_the_wave_follows_the_text_when_it_scrolls(qtbot: QtBot) -> None:
    field = ExpressionField("sin(x)+" * 20 + "sine(x)")
    shown(qtbot, field)
    field.setFixedWidth(200)
    field.mark_error(140, 144)
    field.end(False)
    first, last = wave_extent(field)
    end = field.cursorRect().center().x()
    character = field.fontMetrics().horizontalAdvance("x")
    assert end - last == pytest.approx(3 * character, abs=4)
    assert last - first == pytest.approx(4 * character, abs=4)
    field.home(False)
    assert not pixels_like(inside(field), DARK.error)


def test_the_wave_can_be_taken_away(qtbot: QtBot) -> None:
    field = ExpressionField("sine(x)")
    shown(qtbot, field)
    field.mark_error(0, 4)
    field.clear_error()
    assert field.property("state") == ""
    assert not pixels_like(field.grab().toImage(), DARK.error)


# ── Section ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def network_section(qtbot: QtBot) -> tuple[Section, QLabel, QWidget]:
    """A section, its content and its header."""
    section = Section("Network")
    content = QLabel("layers")
    content.setMinimumHeight(80)
    section.set_content(content)
    section.set_sum("1,153 parameters")
    shown(qtbot, section)
    header = next(w for w in section.findChildren(QWidget) if w.accessibleName() == "Network")
    return section, content, header


def test_a_click_folds_and_opens(qtbot: QtBot) -> None:
    section, content, header = network_section(qtbot)
    folds = Record(section.folded_changed)
    assert content.isVisible()
    open_height = section.sizeHint().height()
    qtbot.mouseClick(header, Qt.MouseButton.LeftButton)
    assert section.folded
    assert not content.isVisible()
    assert section.sizeHint().height() == open_height - 80
    qtbot.mouseClick(header, Qt.MouseButton.LeftButton)
    assert content.isVisible()
    assert content.height() == 80
    assert folds.values == [True, False]


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_Return, Key.Key_Enter])
def test_the_header_is_worked_with_the_keyboard(qtbot: QtBot, key: Qt.Key) -> None:
    section, _, header = network_section(qtbot)
    focus(qtbot, header)
    assert DARK.accent in colors(header)
    qtbot.keyClick(header, key)
    assert section.folded


def test_folding_takes_its_time_where_somebody_looks(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "duration", lambda milliseconds: milliseconds)
    section, content, header = network_section(qtbot)
    qtbot.mouseClick(header, Qt.MouseButton.LeftButton)
    assert content.isVisible()
    qtbot.waitUntil(lambda: not content.isVisible())
    section.set_folded(False)
    qtbot.waitUntil(lambda: section.sizeHint().height() >= 80 + header.height())
    # The content was uncovered, never squeezed.
    assert content.height() == 80


def test_a_section_grows_with_its_content(qtbot: QtBot) -> None:
    section, content, header = network_section(qtbot)
    content.setMinimumHeight(120)
    qtbot.waitUntil(lambda: section.height() == header.height() + 120)
    content.setMinimumHeight(0)
    content.setWordWrap(True)
    content.setText("a sentence that needs several lines " * 8)
    section.window().resize(300, 500)
    qtbot.waitUntil(lambda: content.height() == content.heightForWidth(content.width()) > 40)


def test_a_section_tells_its_name_and_its_sum(qtbot: QtBot) -> None:
    section, _, header = network_section(qtbot)
    assert section.accessibleName() == "Network"
    assert header.accessibleDescription() == "1,153 parameters"
    section.window().resize(400, 200)
    qtbot.waitUntil(lambda: header.width() > 300)
    point_at(header)
    assert header.toolTip() == ""
    section.window().resize(220, 200)
    qtbot.waitUntil(lambda: header.width() < 220)
    section.set_sum("a sum that is much too long to stand in a narrow column")
    point_at(header)
    assert header.toolTip() == "a sum that is much too long to stand in a narrow column"


def test_a_section_without_content_folds_too(qtbot: QtBot) -> None:
    section = Section("Empty")
    qtbot.addWidget(section)
    section.set_folded(True)
    assert section.folded


def test_a_part_of_a_section_has_a_name_of_its_own_for_a_screen_reader(qtbot: QtBot) -> None:
    section = Section("More", name="More of data", quiet=True)
    section.set_content(QLabel("test"))
    shown(qtbot, section)
    (header,) = [w for w in section.findChildren(QWidget) if w.accessibleName() == "More of data"]
    assert section.accessibleName() == "More of data"
    assert DARK.text not in colors(header), "it is quieter than a section"
    assert DARK.text2 in colors(header)


def test_a_button_in_the_header_does_not_fold(qtbot: QtBot) -> None:
    section, _, _ = network_section(qtbot)
    button = QPushButton("+")
    section.add_button(button)
    with qtbot.waitSignal(button.clicked):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not section.folded


# ── Marks, dots and lines ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "color", "meaning"),
    [
        ("live", "accent", "Acts at once"),
        ("restart", "text3", "Needs a restart"),
        ("waiting", "warn", "Waits for you: restart to apply"),
    ],
)
def test_a_mark_says_it_in_colour_shape_and_words(qtbot: QtBot, kind: str, color: str, meaning: str) -> None:
    mark = Mark("restart" if kind == "live" else "live")
    qtbot.addWidget(mark)
    mark.set_kind(kind)
    mark.resize(mark.sizeHint())
    assert mark.kind == kind
    assert mark.width() == 20
    assert pixels_like(mark.grab().toImage(), getattr(DARK, color))
    assert mark.toolTip() == mark.accessibleName() == meaning


def test_a_hidden_mark_keeps_its_room(qtbot: QtBot) -> None:
    mark = Mark("live")
    qtbot.addWidget(mark)
    assert mark.sizePolicy().retainSizeWhenHidden()


@pytest.mark.parametrize(
    ("status", "color"),
    [
        ("empty", "text3"),
        ("untrained", "text3"),
        ("running", "accent"),
        ("paused", "text2"),
        ("diverged", "warn"),
        ("finished", "link"),
        ("failed", "error"),
        ("stale", "text2"),
    ],
)
def test_a_dot_has_the_colour_of_its_state_in_the_theme_that_is_on(
    qtbot: QtBot, qapp: QApplication, status: str, color: str
) -> None:
    dot = StatusDot()
    qtbot.addWidget(dot)
    dot.set_status(status)
    dot.resize(dot.sizeHint())
    assert dot.status == dot.accessibleName() == status
    for look in (DARK, LIGHT):
        theme.apply(qapp, look)
        assert getattr(look, color) in colors(dot)


@pytest.mark.parametrize("name", DARK.lines())
def test_a_sample_shows_its_line_in_the_theme_that_is_on(qtbot: QtBot, qapp: QApplication, name: str) -> None:
    sample = LineSample(name)
    qtbot.addWidget(sample)
    sample.resize(sample.sizeHint())
    for look in (DARK, LIGHT):
        theme.apply(qapp, look)
        assert look.lines()[name].color in colors(sample)


def test_a_misspelt_line_shows_at_once() -> None:
    with pytest.raises(KeyError):
        LineSample("no_such_line")


def test_a_click_switches_a_line_off_in_grey_and_in_words(qtbot: QtBot) -> None:
    entry = LegendEntry("fed_itself", "fed itself", number_like="−0.000")
    shown(qtbot, entry)
    toggles = Record(entry.toggled)
    width = entry.sizeHint().width()
    entry.set_number("−0.142")
    assert DARK.fed_itself.color in colors(entry)
    qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert entry.is_off
    assert DARK.edge in colors(entry)
    assert DARK.fed_itself.color not in colors(entry)
    assert entry.accessibleDescription() == "off"
    qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert toggles.values == [False, True]
    assert entry.sizeHint().width() == width


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_Return])
def test_a_legend_entry_is_worked_with_the_keyboard(qtbot: QtBot, key: Qt.Key) -> None:
    entry = LegendEntry("train", "train")
    shown(qtbot, entry)
    focus(qtbot, entry)
    qtbot.keyClick(entry, key)
    assert entry.is_off


def test_a_legend_entry_may_only_explain(qtbot: QtBot) -> None:
    entry = LegendEntry("train", "train", checkable=False)
    shown(qtbot, entry)
    assert entry.focusPolicy() == Qt.FocusPolicy.NoFocus
    qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert not entry.is_off
    assert DARK.train.color in colors(entry)


# ── Notice ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_banner_offers_its_remedies(qtbot: QtBot) -> None:
    notice = Notice("warn", "The weights are still good.", title="The loss became infinite at step 871, in RNN.")
    roll_back = notice.add_button("Roll back, rate ÷ 3", primary=True)
    stay = notice.add_button("Stay paused")
    shown(qtbot, notice)
    assert roll_back.x() < stay.x()
    assert roll_back.property("role") == "primary"
    with qtbot.waitSignal(stay.clicked):
        qtbot.mouseClick(stay, Qt.MouseButton.LeftButton)
    assert DARK.warn_ground in colors(notice)
    assert notice.accessibleName().startswith("The loss became infinite at step 871, in RNN. The weights")


def test_a_toast_is_neutral_and_can_be_closed(qtbot: QtBot) -> None:
    notice = Notice("error", "Row 14 is not a number.", closable=True)
    link = notice.add_link("Skip rows like it")
    shown(qtbot, notice)
    assert DARK.menu in colors(notice)
    assert DARK.error_ground not in colors(notice)
    with qtbot.waitSignal(link.clicked):
        qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    close = next(w for w in notice.findChildren(QWidget) if w.accessibleName() == "Close")
    with qtbot.waitSignal(notice.closed):
        qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert not notice.isVisible()


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=lambda look: look.name)
def test_an_error_under_a_field_has_an_icon_and_its_colour_but_no_frame(
    qtbot: QtBot, qapp: QApplication, look: theme.Theme
) -> None:
    notice = Notice("error", "Unknown name 'sine'.", compact=True)
    shown(qtbot, notice)
    theme.apply(qapp, look)
    assert not {look.error_ground, look.menu, look.border} & colors(notice)
    icon_and_text = pixels_like(notice.grab().toImage(), look.error)
    assert min(x for x, _ in icon_and_text) < 18
    assert max(x for x, _ in icon_and_text) > 40
    notice.set_message("warn", "The window covers 0.5 of a period.")
    assert notice.text() == "The window covers 0.5 of a period."
    assert pixels_like(notice.grab().toImage(), look.warn)


def test_a_long_sentence_wraps_and_stays_whole(qtbot: QtBot) -> None:
    notice = Notice("error", "Window 900 is longer than the data (500). Use at most 499.", compact=True)
    one_line = notice.sizeHint().height()
    notice.set_message("error", "Window 900 is longer than the data (500). " * 4)
    window = shown(qtbot, notice)
    window.resize(260, 400)
    qtbot.waitUntil(lambda: notice.height() > 3 * one_line)


def test_the_link_of_a_short_sentence_follows_it(qtbot: QtBot) -> None:
    notice = Notice("warn", "Short.", compact=True)
    link = notice.add_link("Use 50")
    window = shown(qtbot, notice)
    window.resize(500, 200)
    qtbot.waitUntil(lambda: notice.width() > 400)
    assert link.geometry().right() < 200


def test_an_icon_of_its_own_choice(qtbot: QtBot) -> None:
    saved = Notice("info", "Saved two-sines.zen", icon="check")
    plain = Notice("info", "Saved two-sines.zen")
    for notice in (saved, plain):
        qtbot.addWidget(notice)
        notice.resize(240, 40)
    assert saved.grab().toImage() != plain.grab().toImage()


# ── ElidedLabel ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_without_room_is_shortened_and_its_tooltip_tells_the_rest(qtbot: QtBot) -> None:
    label = ElidedLabel("two-sines-with-a-long-name.zen")
    label.setToolTip("The file")
    shown(qtbot, label)
    label.setFixedWidth(90)
    assert label.shown_text().endswith("…")
    assert label.text() == "two-sines-with-a-long-name.zen"
    point_at(label)
    assert QToolTip.text() == "two-sines-with-a-long-name.zen"
    label.setFixedWidth(400)
    assert label.shown_text() == label.text()
    point_at(label)
    assert QToolTip.text() == "The file"


def test_a_label_may_be_shortened_in_the_middle(qtbot: QtBot) -> None:
    label = ElidedLabel("two-sines-with-a-long-name.zen", Qt.TextElideMode.ElideMiddle)
    shown(qtbot, label)
    label.setFixedWidth(90)
    assert label.shown_text().endswith("zen")
    assert pixels_like(label.grab().toImage(), DARK.text)


# ── All of them ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "make",
    [
        lambda: NumberField(integer=True),
        lambda: Slider(low=0, high=10, integer=True),
        lambda: ExpressionField("sin(x)"),
        lambda: Section("Network"),
        lambda: Mark("restart"),
        lambda: Notice("warn", "A sentence."),
        lambda: LegendEntry("truth", "truth"),
        lambda: LineSample("truth"),
        lambda: StatusDot("running"),
        lambda: ElidedLabel("text"),
    ],
)
def test_a_widget_that_is_shown_follows_a_change_of_theme(
    qtbot: QtBot, qapp: QApplication, make: Callable[[], QWidget]
) -> None:
    widget = make()
    window = shown(qtbot, widget)
    theme.apply(qapp, LIGHT)
    switched = window.grab().toImage()
    again = make()
    again_window = shown(qtbot, again)
    again_window.resize(window.size())
    assert switched == again_window.grab().toImage()
    theme.apply(qapp, DARK)
    assert window.grab().toImage() != switched
