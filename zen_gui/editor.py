"""Forms: any component becomes rows of labels and controls, built from the lines that declare its settings."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from zen_core.component import Component, Numbers, Setting, SpecError
from zen_gui import theme
from zen_gui.widgets.expression_field import ExpressionField
from zen_gui.widgets.mark import Mark
from zen_gui.widgets.notice import Notice
from zen_gui.widgets.number_field import NumberField, format_number
from zen_gui.widgets.section import Section
from zen_gui.widgets.slider import Slider

LABEL_WIDTH = 84
WIDEST_LINEAR_TRACK = 10_000
# Whole numbers from 0 on have a logarithmic track where it is so long: nobody could reach the small ones on another.
LEAST_LOG_TRACK, LONGEST_LOG_TRACK = 1_000, 1_000_000

Entry = tuple[str, Setting, Any]
Group = tuple[str, Sequence[Entry]]


def tooltip(setting: Setting) -> str:
    """What a person should know of a setting: what it is, its usual range, and what too little or too much does."""
    unit = f", in {html.escape(setting.unit)}" if setting.unit else ""
    lines = [f"<b>{html.escape(setting.label)}</b>{unit}", setting.help]
    if setting.usual:
        lines.append(f"Usual: {setting.usual}.")
    if setting.many:
        lines.append(f"Too much: {setting.many}")
    if setting.few:
        lines.append(f"Too little: {setting.few}")
    lines.append("Acts at once." if setting.live else "Needs a restart.")
    return lines[0] + "".join(f"<p style='margin:3px 0 0 0'>{html.escape(line)}</p>" for line in lines[1:] if line)


class NumberControl(QWidget):
    """A number: typed, and slid where its range makes a useful track."""

    edited = Signal(object)
    refused = Signal(str)
    accepted = Signal()

    def __init__(self, setting: Setting, *, track: bool) -> None:
        super().__init__()
        integer = setting.type is int
        self._default = setting.default
        self._slider: Slider | None = None
        self._field = NumberField(
            integer=integer, low=setting.low, high=setting.high, log=setting.log, name=setting.label
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        low, high = setting.low, setting.high
        log = setting.log or (integer and low == 0 and LEAST_LOG_TRACK <= (high or 0) <= LONGEST_LOG_TRACK)
        if track and low is not None and high is not None and (log or high - low <= WIDEST_LINEAR_TRACK):
            self._slider = Slider(low=low, high=high, integer=integer, log=log)
            self._slider.setAccessibleName(setting.label)
            # Tab goes to the field beside it, where the arrow keys do the same.
            self._slider.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            self._slider.moved.connect(self.edited)
            self._slider.reset_requested.connect(self._reset)
            layout.addWidget(self._slider, 1)
        elif track:
            layout.addStretch(1)
        layout.addWidget(self._field)
        self._field.edited.connect(self.edited)
        self._field.refused.connect(self.refused)
        self._field.accepted.connect(self.accepted)
        self.setFocusProxy(self._field)

    def show_value(self, value: Any, in_force: Any) -> None:
        if value == in_force:
            self._field.set_value(value)
        else:
            self._field.set_waiting(in_force, value)
        if self._slider is not None:
            self._slider.set_value(value)
            theme.set_state(self._slider, "" if value == in_force else "waiting")

    def _reset(self) -> None:
        self.edited.emit(self._default)


class ChoiceControl(QComboBox):
    """One of a few words, or one kind of a family of components."""

    edited = Signal(object)

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        family = setting.family
        if family is None:
            for choice in setting.choices:
                self.addItem(choice, choice)
        else:
            for name, kind in family.kinds.items():
                if kind.for_forecasts:
                    self.addItem(kind.title(), name)
                    self.setItemData(self.count() - 1, kind.summary(), Qt.ItemDataRole.ToolTipRole)
        self.setAccessibleName(setting.label)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.activated.connect(self._chosen)

    def wheelEvent(self, event: Any) -> None:
        # Scrolling the column must not change what the pointer happens to pass.
        event.ignore()

    def show_value(self, value: Any, in_force: Any) -> None:
        self.setCurrentIndex(self.findData(_word(value)))
        theme.set_state(self, "" if _word(value) == _word(in_force) else "waiting")

    def _chosen(self, index: int) -> None:
        self.edited.emit(self.itemData(index))


def _word(value: Any) -> Any:
    return type(value).__name__ if isinstance(value, Component) else value


class SwitchControl(QCheckBox):
    """Yes or no."""

    edited = Signal(object)

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setAccessibleName(setting.label)
        self.clicked.connect(self._clicked)

    def show_value(self, value: Any, in_force: Any) -> None:
        self.setChecked(value)
        theme.set_state(self, "" if value == in_force else "waiting")

    def _clicked(self, checked: bool) -> None:
        self.edited.emit(checked)


class FormulaControl(ExpressionField):
    """A formula; what is being typed stays, even while it is wrong."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setAccessibleName(setting.label)
        self._shown: str | None = None

    def show_value(self, value: Any, in_force: Any) -> None:
        if value != self._shown:
            self._shown = value
            if value != self.text().strip():
                self.setText(value)
            self.clear_error()
        if self.property("state") != "error":
            theme.set_state(self, "" if value == in_force else "waiting")


Control = NumberControl | ChoiceControl | SwitchControl | FormulaControl


def control_for(setting: Setting, *, track: bool = True) -> Control:
    """The control that suits the type of a setting; numbers have no slider without `track`."""
    if setting.family is not None or setting.choices:
        return ChoiceControl(setting)
    if setting.type is bool:
        return SwitchControl(setting)
    return FormulaControl(setting) if setting.type is str else NumberControl(setting, track=track)


class Complaint(QWidget):
    """A place for the sentence of an error, with its remedy as a button; it takes no room while there is none."""

    #: The remedy's button was pressed: an edit that mends what is wrong.
    mended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._notice: Notice | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.hide()

    def show_error(self, error: SpecError | None) -> None:
        """Say what is wrong, or nothing."""
        layout = self.layout()
        assert layout is not None
        if self._notice is not None:
            layout.removeWidget(self._notice)
            self._notice.hide()
            self._notice.deleteLater()
            self._notice = None
        if error is not None:
            self._notice = Notice("error", str(error), compact=True)
            remedy = error.remedy
            if remedy is not None:
                self._notice.add_button(remedy.label).clicked.connect(lambda: self.mended.emit(remedy))
            layout.addWidget(self._notice)
        self.setVisible(error is not None)


class Row(QWidget):
    """A setting: its label, its control, the mark that tells when a change acts, and below them what is wrong."""

    #: The setting's path and the value that the person gave it.
    edited = Signal(str, object)

    def __init__(self, path: str, setting: Setting) -> None:
        super().__init__()
        self.path = path
        self._setting = setting
        self._control = control_for(setting)
        self._mark = Mark("live" if setting.live else "restart")
        self._complaint = Complaint()
        self._refusing = False
        self._value: Any = None
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(2)
        line = QHBoxLayout()
        line.setSpacing(6)
        if not isinstance(self._control, FormulaControl):
            label = QLabel(setting.label)
            label.setProperty("role", "secondary")
            label.setMinimumWidth(theme.scaled(LABEL_WIDTH))
            label.setBuddy(self._control)
            line.addWidget(label)
        line.addWidget(self._control, 1)
        if not isinstance(self._control, FormulaControl):
            line.addWidget(self._mark)
        outer.addLayout(line)
        outer.addWidget(self._complaint)
        self.mended = self._complaint.mended
        self.setToolTip(tooltip(setting))
        self._control.edited.connect(self._edited)
        if isinstance(self._control, NumberControl):
            self._control.refused.connect(self._refused)
            self._control.accepted.connect(self.accept)

    def show_value(self, value: Any, in_force: Any) -> None:
        """Show a value, and the one in force where it waits for a restart."""
        if self._refusing and value != self._value:
            # Undo or a preset put something else in the place of what was typed.
            self.accept()
        self._value = value
        self._control.show_value(value, in_force)
        if not self._setting.live:
            self._mark.set_kind("restart" if value == in_force else "waiting")

    def refuse(self, error: SpecError) -> None:
        """Say why what was typed is not taken; it stays until it is mended or replaced."""
        self._refusing = True
        if isinstance(self._control, FormulaControl) and error.start is not None and error.end is not None:
            self._control.mark_error(error.start, error.end)
        self._complaint.show_error(error)

    def accept(self) -> None:
        """What was typed is good again."""
        if not self._refusing:
            return
        self._refusing = False
        if isinstance(self._control, FormulaControl):
            self._control.clear_error()
        self._complaint.show_error(None)

    def revert(self) -> None:
        """Forget what was typed, and show the value."""
        self.accept()
        if isinstance(self._control, FormulaControl):
            self._control.setText(self._value)

    def show_problem(self, error: SpecError | None) -> None:
        """Say what is wrong with the value; what is wrong with a text being typed comes first."""
        if not self._refusing:
            self._complaint.show_error(error)

    def _edited(self, value: Any) -> None:
        self.edited.emit(self.path, value)

    def _refused(self, sentence: str) -> None:
        self.refuse(SpecError(sentence))


class Form(QWidget):
    """Rows for settings of a component; those of the components inside it follow the row that chooses them.

    Some may stand in a part that is folded at first, "More"; its header says what in it is not as it is by default.
    """

    edited = Signal(str, object)
    #: A remedy was chosen: an edit that mends what is wrong.
    mended = Signal(object)

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._rows: dict[str, Row] = {}
        self._captions: list[QLabel] = []
        self._keys: list[tuple[str, list[tuple[str, Setting]]]] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._more = Section("More", name=f"More of {name}", quiet=True)
        self._more.set_folded(True)
        inside = QWidget()
        self._folded = QVBoxLayout(inside)
        self._folded.setContentsMargins(0, 0, 0, 0)
        self._folded.setSpacing(2)
        self._more.set_content(inside)

    def show_entries(self, entries: Sequence[Entry], in_force: Mapping[str, Any], more: Sequence[Group] = ()) -> None:
        """Show settings with their values; `in_force` has the old value of each path that waits for a restart.

        `more` stands in the folded part, each group under its caption, where it has one.
        """
        groups = [("", entries), *more]
        keys = [(caption, [entry[:2] for entry in group]) for caption, group in groups]
        if keys != self._keys:
            self._rebuild(keys)
        for _, group in groups:
            for path, _, value in group:
                self._rows[path].show_value(value, in_force.get(path, value))
        self._more.set_sum(_sum([entry for _, group in more for entry in group]))

    def show_problem(self, error: SpecError | None, path: str = "") -> bool:
        """Show an error at the row of its path, take the others away; returns whether there is such a row."""
        shown = False
        for row in self._rows.values():
            near = error is not None and (row.path == path or row.path.startswith(path + "."))
            if near and not shown:
                row.show_problem(error)
                shown = True
                if self._more.isAncestorOf(row):
                    # What is wrong must not hide.
                    self._more.set_folded(False)
            else:
                row.show_problem(None)
        return shown

    def row(self, path: str) -> Row | None:
        """The row of a setting, where it has one."""
        return self._rows.get(path)

    def _rebuild(self, keys: list[tuple[str, list[tuple[str, Setting]]]]) -> None:
        known = [key for _, group in self._keys for key in group]
        kept = {path for _, group in keys for path, setting in group if (path, setting) in known}
        for widget in (*self._captions, *self._rows.values()):
            (self._folded if self._more.isAncestorOf(widget) else self._layout).removeWidget(widget)
        gone = [self._rows.pop(path) for path in list(self._rows) if path not in kept]
        for widget in (*self._captions, *gone):
            widget.hide()
            widget.deleteLater()
        self._captions = []
        for number, (caption, group) in enumerate(keys):
            layout = self._folded if number else self._layout
            if caption:
                self._captions.append(_caption(caption))
                layout.addWidget(self._captions[-1])
            for path, setting in group:
                layout.addWidget(self._rows.get(path) or self._made(path, setting))
        self._layout.addWidget(self._more)
        self._more.setVisible(len(keys) > 1)
        self._keys = keys

    def _made(self, path: str, setting: Setting) -> Row:
        row = self._rows[path] = Row(path, setting)
        row.edited.connect(self.edited)
        row.mended.connect(self.mended)
        return row


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setContentsMargins(0, 6, 0, 0)
    return label


def _sum(entries: list[Entry]) -> str:
    """What is not as it is by default, with its value; where all is, the names of what there is."""
    changed = [f"{setting.label.lower()} {_words(value)}" for _, setting, value in entries if value != setting.default]
    return ", ".join(changed or [setting.label.lower() for _, setting, _ in entries])


def _words(value: Any) -> str:
    if isinstance(value, Component):
        return value.title()
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else format_number(value)


def entries_of(component: Component, section: str = "", prefix: str = "") -> Iterator[Entry]:
    """The settings of a component and of those it holds, in the order of a form: path, declaration, value.

    It is the order of the constructor: what can be given by keyword only comes last. With a `section`, only the
    settings under that heading. Stacks are left out: they have cards of their own.
    """
    for name in (*_names(component, by_keyword_only=False), *_names(component, by_keyword_only=True)):
        setting, value, path = component.settings[name], getattr(component, name), prefix + name
        unused = bool(setting.when) and not getattr(component, setting.when)
        if unused or setting.element is not None or (section and setting.section != section):
            continue
        if isinstance(value, Numbers):
            for key, number in value.items():
                yield f"{path}.{key}", setting.entry(key), number
            continue
        if setting.family is None or len(setting.family.kinds) > 1:
            yield path, setting, value
        if isinstance(value, Component):
            yield from entries_of(value, "", path + ".")


def main_setting(component: Component) -> str:
    """The name of the setting that says most about a chosen kind, the first of its constructor; empty without one."""
    return next(iter(_names(component, by_keyword_only=False)), "")


def _names(component: Component, *, by_keyword_only: bool) -> list[str]:
    return [field.name for field in dataclasses.fields(cast(Any, component)) if field.kw_only == by_keyword_only]
