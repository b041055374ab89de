"""The column of controls: curve, data, network, training and stopping, and what waits for a restart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from zen_core.component import Numbers, SpecError
from zen_core.curve import Formula
from zen_core.edits import differences, setting_at
from zen_core.experiment import Experiment
from zen_core.nn import Layer
from zen_core.weights import Layout
from zen_gui import theme
from zen_gui.editor import Complaint, Entry, Form, Group, entries_of, main_setting
from zen_gui.stack import StackEditor
from zen_gui.widgets.elided_label import ElidedLabel
from zen_gui.widgets.mark import Mark
from zen_gui.widgets.number_field import format_number
from zen_gui.widgets.section import Section

INSET = 12

HEADINGS = ("Curve", "Data", "Network", "Training", "Stopping")

FOLDED_WHERE_LOW = ("Data", "Stopping")

IN_THE_OPEN = {
    "Data": ("window", "samples", "noise", "beyond"),
    "Training": ("optimizer", "schedule", "batch_size", "epochs", "rollout", "input_noise", "seed"),
}
"""What most people set; all else under these headings stands in a part that is folded at first."""


class Controls(QWidget):
    """Everything a person sets. It shows an experiment and asks for edits; it changes nothing by itself."""

    #: A setting's path and the value that the person gave it.
    edited = Signal(str, object)
    #: A remedy was chosen: an edit that mends what is wrong.
    mended = Signal(object)
    #: The name of a preset was chosen.
    preset_chosen = Signal(str)
    apply_asked = Signal()
    discard_asked = Signal()

    def __init__(self, presets: Mapping[str, Experiment]) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self._forms = {heading: Form(heading.lower()) for heading in HEADINGS}
        self._stack = StackEditor()
        self._complaint = Complaint()
        self._sections = {heading: Section(heading) for heading in HEADINGS}
        self._apply_bar = ApplyBar()

        column = QWidget()
        inside = QVBoxLayout(column)
        inside.setContentsMargins(INSET, 6, INSET, 8)
        inside.setSpacing(4)
        for heading, section in self._sections.items():
            if heading != "Curve":
                inside.addWidget(_hairline())
            section.set_content(self._network() if heading == "Network" else self._forms[heading])
            inside.addWidget(section)
        inside.addWidget(self._complaint)
        inside.addStretch(1)
        self._sections["Curve"].add_button(self._presets_button(presets))
        self._sections["Network"].add_button(self._add_button())

        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(column)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        whole.addWidget(_hairline())
        whole.addWidget(_key())
        whole.addWidget(self._apply_bar)

        for form in self._forms.values():
            form.edited.connect(self.edited)
            form.mended.connect(self.mended)
        self._complaint.mended.connect(self.mended)
        self._stack.edited.connect(self.edited)
        self._stack.mended.connect(self.mended)
        self._apply_bar.apply_asked.connect(self.apply_asked)
        self._apply_bar.discard_asked.connect(self.discard_asked)

    def show_experiment(self, experiment: Experiment, in_force: Experiment, problem: SpecError | None) -> None:
        """Show what is set; what differs from `in_force` waits. `problem` says why it cannot be trained."""
        waiting = {path: old for path, old, _ in differences(in_force, experiment)}
        for heading, form in self._forms.items():
            entries, more = _parted(experiment, heading)
            form.show_entries(entries, waiting, more)
        self._stack.show_stack(experiment.layers, experiment.window, _highway(experiment), waiting, problem)
        self._place_problem(problem)
        self._show_sums(experiment, problem)
        self._apply_bar.show_waiting(
            # Letters come and go with the expression that has them: that is one change.
            [_name(experiment, path) for path, old in waiting.items() if not isinstance(old, Numbers)],
            can_apply=problem is None,
        )

        self._order_tabs()

    def _order_tabs(self) -> None:
        """Tab goes down the column as it is read; Qt would go in the order in which the widgets were made."""
        stops = list(_stops(self))
        for one, other in itertools.pairwise(stops):
            QWidget.setTabOrder(one, other)

    def refuse(self, path: str, error: SpecError) -> None:
        """Say, at the control, why what was typed there is not taken."""
        for form in self._forms.values():
            row = form.row(path)
            if row is not None:
                row.refuse(error)
                return
        self._complaint.show_error(error)

    def accept(self, path: str) -> None:
        """What was typed at a control has been taken."""
        for form in self._forms.values():
            row = form.row(path)
            if row is not None:
                row.accept()

    def revert(self, path: str) -> None:
        """Forget what was typed at a control, and show the value."""
        for form in self._forms.values():
            row = form.row(path)
            if row is not None:
                row.revert()

    def fold_for_height(self, height: int) -> None:
        """Fold what may, where the window is low."""
        for heading in FOLDED_WHERE_LOW:
            self._sections[heading].set_folded(height < theme.scaled(800))

    def _place_problem(self, problem: SpecError | None) -> None:
        path = problem.path if problem is not None else ""
        told = [heading for heading, form in self._forms.items() if form.show_problem(problem, path)]
        told += ["Network"] if path.partition(".")[0] == "layers" else []
        for heading in told:
            # What is wrong must not hide in a folded section.
            self._sections[heading].set_folded(False)
        self._complaint.show_error(None if told else problem)

    def _show_sums(self, experiment: Experiment, problem: SpecError | None) -> None:
        self._sections["Data"].set_sum(f"{experiment.samples:,} samples · window {experiment.window:,}")
        rule, schedule = experiment.optimizer.title(), experiment.schedule.title().lower()
        self._sections["Training"].set_sum(f"{rule}, {schedule}")
        self._sections["Stopping"].set_sum(_stopping(experiment))
        try:
            size = Layout(experiment.layers, (experiment.window, 1), _highway(experiment)).size
            self._sections["Network"].set_sum(f"{size:,} parameters")
        except SpecError:
            self._sections["Network"].set_sum("does not fit")

    def _network(self) -> QWidget:
        """The stack, and the settings of the whole network below it."""
        network = QWidget()
        column = QVBoxLayout(network)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._stack)
        column.addWidget(self._forms["Network"])
        return network

    def _presets_button(self, presets: Mapping[str, Experiment]) -> QPushButton:
        button = QPushButton("Presets")
        button.setProperty("role", "link")
        button.setToolTip("Curves to begin with")
        menu = QMenu(button)
        for name, preset in presets.items():
            action = QAction(name, menu)
            if isinstance(preset.curve, Formula):
                action.setToolTip(preset.curve.expression)
            action.triggered.connect(lambda _=False, name=name: self.preset_chosen.emit(name))
            menu.addAction(action)
        menu.setToolTipsVisible(True)
        button.clicked.connect(lambda: menu.exec(button.mapToGlobal(button.rect().bottomLeft())))
        return button

    def _add_button(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(theme.icon("plus"))
        button.setToolTip("Add a layer")
        button.setAccessibleName("Add a layer")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for name, kind in Layer.kinds.items():
            action = QAction(kind.title(), menu)
            action.setToolTip(kind.summary())
            action.triggered.connect(lambda _=False, name=name: self._stack.add(name))
            menu.addAction(action)
        button.setMenu(menu)
        return button


class ApplyBar(QFrame):
    """What waits for a restart, and the choice to apply or discard it; hidden while nothing waits."""

    apply_asked = Signal()
    discard_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "apply")
        self._text = ElidedLabel("")
        self._text.setProperty("role", "warn")
        self._apply = QPushButton("Apply and restart")
        self._apply.setProperty("role", "primary")
        self._apply.clicked.connect(self.apply_asked)
        discard = QPushButton("Discard")
        discard.setProperty("role", "link")
        discard.clicked.connect(self.discard_asked)
        discard.setToolTip("Go back to the settings that are being trained")
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(Mark("waiting"))
        head.addWidget(self._text, 1)
        head.addWidget(discard)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(INSET, 6, INSET, 8)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._apply)
        self.hide()

    def show_waiting(self, names: list[str], *, can_apply: bool) -> None:
        """Name the settings that wait."""
        changes = f"{len(names)} change{'s' if len(names) > 1 else ''}"
        self._text.setText(f"{changes} wait{'' if len(names) > 1 else 's'}: {', '.join(names)}")
        self._apply.setEnabled(can_apply)
        self._apply.setToolTip(
            "Start again with these settings; the trained weights are replaced"
            if can_apply
            else "These settings cannot be trained; see what is marked in red"
        )
        self.setVisible(bool(names))


def _stops(widget: QWidget) -> Iterator[QWidget]:
    """Everything that Tab reaches in a widget, in the order of its layouts."""
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
        yield widget
    layout = widget.layout()
    if layout is not None:
        yield from _stops_of(layout)
    elif widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
        for child in widget.children():
            if isinstance(child, QWidget) and not child.isWindow():
                yield from _stops(child)


def _stops_of(layout: QLayout) -> Iterator[QWidget]:
    for index in range(layout.count()):
        item = layout.itemAt(index)
        assert item is not None
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            yield from _stops(widget)
        elif inner is not None:
            yield from _stops_of(inner)


def _parted(experiment: Experiment, heading: str) -> tuple[list[Entry], list[Group]]:
    """The settings under a heading: those in the open, and the groups of the others.

    Of a kind that is chosen in the open, its main setting stands with it; the others are a group with its name.
    """
    entries = list(entries_of(experiment, heading))
    if heading not in IN_THE_OPEN:
        return entries, []
    open_entries: list[Entry] = []
    rest: list[Entry] = []
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        name, _, inner = entry[0].partition(".")
        chosen = getattr(experiment, name)
        if name not in IN_THE_OPEN[heading]:
            rest.append(entry)
        elif not inner or inner == main_setting(chosen):
            open_entries.append(entry)
        else:
            groups.setdefault(chosen.title(), []).append(entry)
    return open_entries, [("", rest), *groups.items()]


def _highway(experiment: Experiment) -> int:
    """How many samples the highway has: it can be no longer than the window."""
    return min(experiment.highway, experiment.window)


def _stopping(experiment: Experiment) -> str:
    """When a run ends, in a few words."""
    told = [f"{experiment.epochs:,} epoch{'' if experiment.epochs == 1 else 's'}"]
    if experiment.target_loss:
        told.append(f"loss {format_number(experiment.target_loss)}")
    if experiment.seconds:
        told.append(f"{format_number(experiment.seconds)} s")
    if experiment.patience:
        told.append(f"patience {experiment.patience:,}")
    return ", ".join(told)


def _name(experiment: Experiment, path: str) -> str:
    """How the Apply bar names a setting: "seed", "hidden of layer 1"."""
    steps = path.split(".")
    name = setting_at(experiment, path).label.lower()
    if steps[0] != "layers" or len(steps) == 1:
        return name
    layer = f"layer {int(steps[1]) + 1}"
    return f"{name} of {layer}" if len(steps) > 2 else layer


def _key() -> QWidget:
    """What the marks at the rows mean."""
    key = QWidget()
    key.setAutoFillBackground(True)
    layout = QHBoxLayout(key)
    layout.setContentsMargins(INSET, 2, INSET, 2)
    layout.setSpacing(2)
    for kind, words in (("live", "acts at once"), ("restart", "needs a restart")):
        mark = Mark("live" if kind == "live" else "restart")
        label = QLabel(words)
        label.setProperty("role", "caption")
        layout.addWidget(mark)
        layout.addWidget(label)
        layout.addSpacing(8)
    layout.addStretch(1)
    key.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return key


def _hairline() -> QFrame:
    line = QFrame()
    line.setProperty("role", "hairline")
    line.setFixedHeight(1)
    return line
