"""Forms: every kind of every family becomes controls that show, take and refuse, without a line of its own."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest
from acting import NO_SCREEN, SMALL, changed
from conftest import SitDown
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QSlider, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from zen_core import nn, optim
from zen_core.autodiff import Array, Tensor
from zen_core.component import Component, Numbers, Setting, SpecError, from_plain, hyper
from zen_core.curve import Formula
from zen_core.experiment import Experiment
from zen_core.loss import Loss
from zen_core.nn import Layer
from zen_core.optim import Optimizer
from zen_core.session import State
from zen_gui import theme
from zen_gui.editor import Form, Row, entries_of
from zen_gui.widgets.expression_field import ExpressionField
from zen_gui.widgets.mark import Mark
from zen_gui.widgets.notice import Notice
from zen_gui.widgets.number_field import NumberField, format_number
from zen_gui.widgets.section import Section
from zen_gui.widgets.slider import Slider

pytestmark = pytest.mark.qt_log_ignore(*NO_SCREEN)

Control = NumberField | QComboBox | QCheckBox | ExpressionField

KINDS = [kind for family in Component.families for kind in family.kinds.values() if family is not Experiment]
# A million epochs do not stand in a field as a whole.
SHORT = changed(epochs=900)
DEFAULTS: list[Component] = [*(kind() for kind in KINDS), SHORT, changed(SHORT, curve__expression="a*sin(b*x)")]
LAYERS_SHOWN: list[Component] = [
    from_plain(Layer, {"kind": name, "return_sequences": True})
    for name, kind in Layer.kinds.items()
    if "return_sequences" in kind.settings
]
SHOWN = [component for component in DEFAULTS + LAYERS_SHOWN if component.settings]


class Heard(QObject):
    """What a form asked for."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.edits: list[tuple[str, Any]] = []
        form.edited.connect(self.keep)

    def keep(self, path: str, value: object) -> None:
        self.edits.append((path, value))


@pytest.fixture(autouse=True)
def dark(qapp: QApplication) -> None:
    theme.apply(qapp, theme.DARK)


@pytest.fixture
def build(qtbot: QtBot) -> Any:
    """Builds the form of a component and shows it."""
    forms = []

    def build(component: Component) -> Form:
        form = Form()
        forms.append(form)
        qtbot.addWidget(form)
        form.show_entries(list(entries_of(component)), {})
        form.show()
        form.activateWindow()
        if form.findChildren(Row):
            qtbot.waitUntil(form.isActiveWindow)
        return form

    return build


def control_of(row: QWidget) -> Control:
    """The control that a person would use to set the row's value exactly."""
    found = [
        child
        for kind in (NumberField, QComboBox, QCheckBox, ExpressionField)
        for child in row.findChildren(kind)
        if not isinstance(child.parent(), QComboBox)
    ]
    assert len(found) == 1, f"{found} in a row"
    return found[0]


def row_of(form: Form, path: str) -> Row:
    row = form.row(path)
    assert row is not None
    return row


def says(control: Control) -> Any:
    """What a control shows, as a person reads it."""
    if isinstance(control, QComboBox):
        return control.currentText()
    return control.isChecked() if isinstance(control, QCheckBox) else control.text()


def expected(setting: Setting, value: Any) -> Any:
    if isinstance(value, Component):
        return type(value).title()
    if isinstance(value, (bool, str)):
        return value
    return format_number(value)


def told(form: Form) -> list[str]:
    QApplication.processEvents()
    return [notice.text() for notice in form.findChildren(Notice) if notice.isVisible()]


def choose(combo: QComboBox, index: int) -> None:
    """Choose an entry with the keys, step by step as the list has no other way without its popup."""
    combo.setFocus()
    combo.setCurrentIndex(index - 1 if index else 1)
    QTest.keyClick(combo, Qt.Key.Key_Down if index else Qt.Key.Key_Up)


def type_into(qtbot: QtBot, control: QLineEdit, text: str) -> None:
    control.setFocus()
    qtbot.waitUntil(control.hasFocus)
    control.selectAll()
    QTest.keyClicks(control, text.replace("−", "-"))


def enter(qtbot: QtBot, control: QLineEdit, text: str) -> None:
    type_into(qtbot, control, text)
    QTest.keyClick(control, Qt.Key.Key_Return)


def another_number(setting: Setting, value: float) -> float:
    """A number in range that is not the value and that a field can show in full."""
    low = setting.low if setting.low is not None else -1000
    high = setting.high if setting.high is not None else 1000
    for candidate in (3, 2, 0.5, 0.25, low, high):
        if low <= candidate <= high and candidate != value and (setting.type is not int or candidate == int(candidate)):
            return setting.type(candidate)
    raise AssertionError(f"{setting.name} has no other number")


def named(component: Component) -> str:
    return repr(component)[:60]


@pytest.mark.parametrize("component", SHOWN, ids=named)
class TestEachKind:
    def test_has_a_control_for_each_setting_and_shows_its_value(self, build: Any, component: Component) -> None:
        form = build(component)
        settings = [
            name
            for name, setting in component.settings.items()
            if setting.element is None
            and setting.type is not Numbers
            and (not setting.when or getattr(component, setting.when))
            and not (setting.family and len(setting.family.kinds) == 1)
        ]
        shown = {path: (setting, value) for path, setting, value in entries_of(component)}
        assert set(settings) <= set(shown)
        assert len(form.findChildren(Row)) == len(shown)
        for path, (setting, value) in shown.items():
            assert says(control_of(row_of(form, path))) == expected(setting, value), path

    def test_takes_another_value_with_its_path(self, build: Any, qtbot: QtBot, component: Component) -> None:
        form = build(component)
        heard = Heard(form)
        for path, setting, value in entries_of(component):
            heard.edits.clear()
            control = control_of(row_of(form, path))
            if isinstance(control, NumberField):
                number = another_number(setting, value)
                enter(qtbot, control, format_number(number))
                assert heard.edits == [(path, number)]
                assert type(heard.edits[0][1]) is setting.type
            elif isinstance(control, ExpressionField):
                type_into(qtbot, control, "2x")
                assert heard.edits == [(path, "2"), (path, "2x")]
            elif isinstance(control, QCheckBox):
                qtbot.mouseClick(control, Qt.MouseButton.LeftButton, pos=QPoint(8, control.height() // 2))
                assert heard.edits == [(path, not value)]
            else:
                for index in range(control.count()):
                    heard.edits.clear()
                    choose(control, index)
                    assert heard.edits == [(path, control.itemData(index))]
                    setting.accept(control.itemData(index))

    def test_says_why_it_refuses_a_number_and_keeps_what_was_typed(
        self, build: Any, qtbot: QtBot, component: Component
    ) -> None:
        form = build(component)
        heard = Heard(form)
        for path, setting, value in entries_of(component):
            control = control_of(row_of(form, path))
            if not isinstance(control, NumberField):
                continue
            wild = ["", "soon", "1e999"] if setting.high is not None else ["", "soon"]
            wild += [format_number(setting.high * 2)] if setting.high else []
            wild += [format_number(setting.low - abs(setting.low) - 1)] if setting.low is not None else []
            wild += ["1.5"] if setting.type is int else []
            for text in (text.replace("−", "-") for text in wild):
                type_into(qtbot, control, text or "1")
                if not text:
                    control.selectAll()
                    QTest.keyClick(control, Qt.Key.Key_Delete)
                QTest.keyClick(control, Qt.Key.Key_Return)
                assert control.text() == text, path
                (sentence,) = told(form)
                assert sentence.startswith(setting.label)
                assert sentence.endswith(".")
                assert control.property("state") == "error"
            QTest.keyClick(control, Qt.Key.Key_Escape)
            assert told(form) == []
            assert control.text() == format_number(value)
            assert control.property("state") != "error"
        assert heard.edits == []

    def test_marks_each_row_as_declared(self, build: Any, component: Component) -> None:
        form = build(component)
        for path, setting, _ in entries_of(component):
            if setting.type is str and not setting.choices:
                continue
            (mark,) = row_of(form, path).findChildren(Mark)
            assert mark.isVisible()
            assert mark.kind == ("live" if setting.live else "restart"), path

    def test_marks_what_waits_and_names_the_value_in_force(self, build: Any, component: Component) -> None:
        form = build(component)
        entries = list(entries_of(component))
        in_force = {}
        for path, setting, value in entries:
            if setting.live:
                continue
            if setting.family is not None:
                others = [kind for kind in setting.family.kinds.values() if kind is not type(value)]
                in_force[path] = others[0]()
            elif setting.choices:
                in_force[path] = next(choice for choice in setting.choices if choice != value)
            elif setting.type is bool:
                in_force[path] = not value
            else:
                in_force[path] = "x" if setting.type is str else another_number(setting, value)
        form.show_entries(entries, in_force)
        for path, setting, value in entries:
            row = row_of(form, path)
            control = control_of(row)
            if path not in in_force:
                assert control.property("state") in (None, ""), path
                continue
            if not isinstance(control, (ExpressionField, QCheckBox)):
                assert control.property("state") == "waiting", path
            for mark in row.findChildren(Mark):
                assert mark.kind == "waiting"
            if isinstance(control, NumberField):
                old, new = format_number(in_force[path]), format_number(value)
                assert says(control) in (f"{old} → {new}", f"→ {new}", new)
            else:
                assert says(control) == expected(setting, value)

    def test_tells_in_a_tooltip_what_each_setting_is(self, build: Any, component: Component) -> None:
        form = build(component)
        for path, setting, _ in entries_of(component):
            plain = row_of(form, path).toolTip()
            assert setting.help, f"{path} has no help"
            for words in (setting.help, setting.usual, setting.few, setting.many):
                assert words.replace("'", "&#x27;").replace('"', "&quot;") in plain.replace("&lt;", "<")
            assert ("Acts at once." if setting.live else "Needs a restart.") in plain

    def test_names_every_control_for_a_screen_reader(self, build: Any, component: Component) -> None:
        form = build(component)
        for path, setting, _ in entries_of(component):
            row = row_of(form, path)
            kinds = (QLineEdit, QComboBox, QCheckBox, QSlider)
            controls = [child for kind in kinds for child in row.findChildren(kind)]
            assert controls
            assert {control.accessibleName() for control in controls} == {setting.label}
            for label in row.findChildren(QLabel):
                if label.text():
                    assert label.text() == setting.label
                    assert label.buddy() is not None

    def test_slides_where_the_range_makes_a_track(self, build: Any, component: Component) -> None:
        form = build(component)
        heard = Heard(form)
        for path, setting, _ in entries_of(component):
            for slider in row_of(form, path).findChildren(Slider):
                heard.edits.clear()
                slider.setFocus()
                for key, end in ((Qt.Key.Key_End, setting.high), (Qt.Key.Key_Home, setting.low)):
                    QTest.keyClick(slider, key)
                    if heard.edits:
                        assert heard.edits[-1] == (path, end)
                        assert setting.accept(heard.edits[-1][1]) == end
                assert heard.edits, path
                heard.edits.clear()
                QTest.mouseDClick(slider, Qt.MouseButton.LeftButton)
                assert (path, setting.default) in heard.edits


def test_a_tooltip_tells_the_unit(build: Any) -> None:
    form = build(SHORT)
    assert row_of(form, "seconds").toolTip().startswith("<b>Longest time</b>, in s")
    assert row_of(form, "patience").toolTip().startswith("<b>Patience</b>, in epochs")
    assert row_of(form, "clip").toolTip().startswith("<b>Clip</b><p")


@pytest.mark.parametrize("path", ["highway", "beyond", "patience"])
def test_whole_numbers_from_0_to_many_can_be_slid_one_by_one(build: Any, path: str) -> None:
    (slider,) = row_of(build(SHORT), path).findChildren(Slider)
    slider.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right):
        QTest.keyClick(slider, key)
    assert slider.number == 1


def test_settings_under_more_are_folded_at_first_and_keep_their_rows(build: Any, qtbot: QtBot) -> None:
    form = build(SMALL)
    entries = list(entries_of(changed(optimizer="SGD"), "Training"))
    form.show_entries(entries[:2], {}, [("", entries[2:4]), ("Rest", entries[4:])])
    QApplication.processEvents()
    rows = {path: row_of(form, path) for path, _, _ in entries}
    assert [path for path, row in rows.items() if row.isVisible()] == [path for path, _, _ in entries[:2]]
    (more,) = form.findChildren(Section)
    more.set_folded(False)
    assert all(row.isVisible() for row in rows.values())
    field = control_of(rows["clip"])
    assert isinstance(field, NumberField)
    type_into(qtbot, field, "77")
    form.show_entries(entries[:2], {}, [("", entries[2:3]), ("Others", entries[3:])])
    assert {path: form.row(path) for path in rows} == rows
    assert field.text() == "77"
    assert field.hasFocus()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    told = [label.text() for label in form.findChildren(QLabel) if label.property("role") == "caption"]
    assert told == ["Others"]


def test_a_form_without_more_has_no_header_for_it(build: Any) -> None:
    (more,) = build(SMALL).findChildren(Section)
    assert not more.isVisible()


def test_a_kind_without_settings_has_an_empty_form(build: Any) -> None:
    for component in DEFAULTS:
        if not component.settings:
            assert build(component).findChildren(QLabel) == []


def test_every_kind_says_in_a_line_what_it_is() -> None:
    for kind in KINDS:
        assert kind.summary(), kind


def test_a_stack_has_cards_and_no_row(build: Any) -> None:
    assert build(SMALL).row("layers") is None


def test_the_settings_of_a_chosen_kind_follow_the_row_that_chooses_it() -> None:
    paths = [path for path, _, _ in entries_of(changed(optimizer="Momentum"))]
    at = paths.index("optimizer")
    assert paths[at : at + 3] == ["optimizer", "optimizer.lr", "optimizer.momentum"]


def test_a_setting_without_effect_is_not_shown() -> None:
    assert "units" not in [path for path, _, _ in entries_of(nn.RNN())]
    assert "units" in [path for path, _, _ in entries_of(nn.RNN(return_sequences=True))]


def test_a_kind_that_cannot_forecast_is_not_offered(build: Any) -> None:
    combo = control_of(row_of(build(SMALL), "loss"))
    assert isinstance(combo, QComboBox)
    offered = [combo.itemData(index) for index in range(combo.count())]
    assert offered == [name for name, kind in Loss.kinds.items() if kind.for_forecasts]
    assert "CategoricalCrossentropy" not in offered


def test_the_wheel_over_a_list_or_a_slider_scrolls_the_column_and_changes_nothing(build: Any, qapp: Any) -> None:
    form = build(SMALL)
    heard = Heard(form)
    for child in [*form.findChildren(QComboBox), *form.findChildren(QSlider)]:
        child.clearFocus()
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(child.mapToGlobal(QPoint(5, 5))),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        qapp.sendEvent(child, event)
    assert heard.edits == []


def test_a_letter_of_the_formula_has_a_row_of_its_own(build: Any, qtbot: QtBot) -> None:
    form = build(changed(curve__expression="a*sin(b*x)"))
    heard = Heard(form)
    field = control_of(row_of(form, "curve.letters.b"))
    assert isinstance(field, NumberField)
    assert field.accessibleName() == "b"
    enter(qtbot, field, "-2.5")
    assert heard.edits == [("curve.letters.b", -2.5)]


def test_rows_of_settings_that_stay_are_kept_with_what_is_being_typed(build: Any, qtbot: QtBot) -> None:
    form = build(changed(optimizer="SGD"))
    field = control_of(row_of(form, "optimizer.lr"))
    assert isinstance(field, NumberField)
    row = row_of(form, "samples")
    samples = control_of(row)
    assert isinstance(samples, NumberField)
    type_into(qtbot, samples, "77")
    form.show_entries(list(entries_of(changed(optimizer="Adam"))), {})
    assert row_of(form, "samples") is row
    assert samples.text() == "77"
    assert samples.hasFocus()


def test_a_refusal_goes_when_something_else_takes_the_place_of_what_was_typed(build: Any, qtbot: QtBot) -> None:
    form = build(SMALL)
    field = control_of(row_of(form, "samples"))
    assert isinstance(field, NumberField)
    enter(qtbot, field, "3")
    assert told(form)
    form.show_entries(list(entries_of(SMALL)), {})
    assert told(form), "the sentence stays while the text stays"
    form.show_entries(list(entries_of(changed(samples=333))), {})
    assert told(form) == []
    assert says(field) == "333"


def test_an_error_of_the_formula_is_marked_and_told_at_its_field(build: Any, qtbot: QtBot) -> None:
    form = build(SMALL)
    row = row_of(form, "curve.expression")
    field = control_of(row)
    with pytest.raises(SpecError) as refusal:
        Formula(expression="sine(x)")
    row.refuse(refusal.value)
    assert field.property("state") == "error"
    assert told(form) == [str(refusal.value)]
    row.accept()
    assert field.property("state") == ""
    assert told(form) == []


def test_a_remedy_is_a_button_that_asks_for_the_mending_edit(build: Any, qtbot: QtBot) -> None:
    form = build(SMALL)
    with pytest.raises(SpecError) as refusal:
        changed(window=100).series()
    assert form.show_problem(refusal.value, "window")
    (button,) = [b for b in row_of(form, "window").findChildren(QWidget) if b.property("text") == "Use 71"]
    with qtbot.waitSignal(form.mended) as mended:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert mended.args == [refusal.value.remedy]


# ── A new kind, by being defined ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def new_kinds(monkeypatch: pytest.MonkeyPatch) -> tuple[type[Layer], type[Optimizer]]:
    """A layer and an optimizer that only this test knows."""

    class Echo(Layer):
        """Each number, so many times as loud."""

        loudness: float = hyper(1.0, 0.0, 8.0, help="What each number is multiplied by.")

        def forward(self, p: nn.Weights, x: Tensor) -> Tensor:
            return x * self.loudness

    class SignDescent(Optimizer):
        """Steps of one length: w ← w − η sign g."""

        lr: float = hyper(1e-3, 1e-6, 1.0, log=True, live=True, label="Step length", help="How far each weight goes.")
        patience: int = hyper(3, 1, 9, live=True, help="Nothing but a number.")
        memories: ClassVar[int] = 0

        def update(self, w: Array, g: Array, lr: float, t: int, memory: optim.Memory) -> tuple[Array, optim.Memory]:
            return w - lr * (g / (abs(g) + 1e-12)).astype(w.dtype), memory

    made = Echo, SignDescent
    # Registered by being defined; the end of the test takes them out again.
    for family, kind in ((Layer, Echo), (Optimizer, SignDescent)):
        assert family.kinds.pop(kind.__name__) is kind
        monkeypatch.setitem(family.kinds, kind.__name__, kind)
    return made


def test_a_new_layer_stands_in_the_add_menu_by_itself(new_kinds: Any, sit_down: SitDown) -> None:
    person = sit_down()
    (add,) = person.all(QToolButton, "Add a layer")
    assert {action.text(): action.toolTip() for action in person.menu_entries(add)}["Echo"] == (
        "Each number, so many times as loud."
    )
    person.choose_from_menu(add, "Echo")
    assert [type(layer).__name__ for layer in person.window.document.experiment.layers] == ["RNN", "Echo", "Linear"]
    card = person.cards()[1]
    person.enter(person.field("Loudness", card), "2.5")
    assert person.window.document.experiment.layers[1].loudness == 2.5
    person.train(3)
    assert person.errors() == []


def test_a_new_optimizer_stands_in_the_list_with_only_its_own_settings(new_kinds: Any, sit_down: SitDown) -> None:
    person = sit_down()
    person.choose("Optimizer", "SignDescent")
    assert type(person.window.document.experiment.optimizer).__name__ == "SignDescent"
    assert person.field("Step length").number == 1e-3
    person.open("More of training")
    assert person.field("Patience", person.section("More of training")).number == 3
    assert person.all(NumberField, "Beta 1") == []
    person.train(3)
    person.enter("Step length", "0.01")
    person.until(lambda: person.window.session.latest.frame.changes)
    assert person.window.session.latest.frame.changes[0].path == "optimizer.lr"
    assert person.state is State.PAUSED


def test_kinds_of_a_test_are_gone_after_it() -> None:
    assert "Echo" not in Layer.kinds
    assert "SignDescent" not in Optimizer.kinds


def test_numbers_of_the_catalogue_can_be_typed_as_they_are_shown() -> None:
    """What a field shows of a default is exactly that default again."""
    for kind in [*KINDS, Experiment]:
        for setting in kind.settings.values():
            if setting.type in (int, float):
                shown = format_number(setting.default).replace("−", "-")
                assert math.isclose(float(shown), setting.default, rel_tol=0, abs_tol=0), setting.name
