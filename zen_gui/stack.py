"""The stack editor: one card for each layer, with its settings, its output shape and its number of weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.nn import Layer, Linear, Recurrent
from zen_core.weights import Layout, Shape
from zen_gui import theme
from zen_gui.editor import Complaint, Entry, NumberControl, control_for, entries_of, tooltip
from zen_gui.widgets.mark import Mark

Layers = tuple[Layer, ...]


def inserted(layers: Layers, layer: Layer) -> Layers:
    """Put a layer where it most likely belongs: before the last Linear; a recurrent one after the last recurrent one,
    which then returns its sequence."""
    recurrent = [index for index, other in enumerate(layers) if isinstance(other, Recurrent)]
    if isinstance(layer, Recurrent):
        if not recurrent:
            return (layer, *layers)
        last = recurrent[-1]
        return (*layers[:last], edited(layers[last], "return_sequences", True), layer, *layers[last + 1 :])
    at = len(layers) - 1 if layers and isinstance(layers[-1], Linear) else len(layers)
    return (*layers[:at], layer, *layers[at:])


class Card(QFrame):
    """One layer. Alt+Up and Alt+Down move it, Ctrl+D copies it, Del deletes it while it has the focus."""

    #: A setting's path from the experiment, and its value.
    edited = Signal(str, object)
    #: What the menu does with the layer: its index and a word.
    commanded = Signal(int, str)

    def __init__(self, index: int, layer: Layer, entries: list[Entry]) -> None:
        super().__init__()
        self.index = index
        self._complaint = Complaint()
        self._problem: SpecError | None = None
        self.mended = self._complaint.mended
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Layer {index + 1}, {layer.title()}")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 5, 4, 5)
        outer.setSpacing(2)

        head = QHBoxLayout()
        head.setSpacing(6)
        title = QLabel(layer.title())
        title.setProperty("role", "title")
        title.setToolTip(layer.summary())
        head.addWidget(title)
        self._controls: dict[str, Any] = {}
        settings = self._settings(entries)
        if len(entries) == 1:
            head.addLayout(settings)
        head.addStretch(1)
        live = bool(entries) and all(setting.live for _, setting, _ in entries)
        self._kind: Literal["live", "restart"] = "live" if live else "restart"
        self._mark = Mark(self._kind)
        head.addWidget(self._mark)
        head.addWidget(self._menu_button())
        outer.addLayout(head)
        if len(entries) > 1:
            outer.addLayout(settings)

        foot = QHBoxLayout()
        self._shape = QLabel()
        self._count = QLabel()
        for label in (self._shape, self._count):
            label.setProperty("role", "caption")
        foot.addWidget(self._shape)
        foot.addStretch(1)
        foot.addWidget(self._count)
        foot.addSpacing(6)
        outer.addLayout(foot)
        outer.addWidget(self._complaint)

    def show_values(self, entries: list[Entry], in_force: Mapping[str, Any]) -> None:
        """Show the layer's settings; `in_force` has the old value of each path that waits for a restart."""
        for path, _, value in entries:
            self._controls[path].show_value(value, in_force.get(path, value))
        own = f"layers.{self.index}."
        waits = any(path == "layers" or f"{path}.".startswith(own) for path in in_force)
        self._mark.set_kind("waiting" if waits else self._kind)

    def show_shape(self, before: Shape | None, after: Shape | None, count: int | None) -> None:
        """Show what the layer makes of what it gets; None where an error before it leaves that open."""
        sizes = ["–" if shape is None else " × ".join(f"{size:,}" for size in shape) for shape in (before, after)]
        self._shape.setText(" → ".join(sizes))
        self._shape.setToolTip("Numbers in and out, as steps × features")
        self._count.setText("" if count is None else f"{count:,}")
        self._count.setToolTip("Weights that this layer learns")

    def show_problem(self, error: SpecError | None) -> None:
        """Say what is wrong with the layer."""
        self._problem = error
        self._complaint.show_error(error)
        theme.set_state(self, "error" if error is not None else "")

    def focused(self) -> str | None:
        """The path of the setting that has the keyboard; empty where the card itself has it, None where none has."""
        widget = QApplication.focusWidget()
        for path, control in self._controls.items():
            if widget is not None and (control is widget or control.isAncestorOf(widget)):
                return path
        return "" if widget is self else None

    def focus(self, path: str) -> None:
        """Give the keyboard to a setting, or to the card itself where it has no such setting."""
        self._controls.get(path, self).setFocus()

    def _refuse(self, sentence: str) -> None:
        self._complaint.show_error(SpecError(sentence))

    def _accept(self) -> None:
        self._complaint.show_error(self._problem)

    def _settings(self, entries: list[Entry]) -> QVBoxLayout:
        """The settings, two a row; not as a grid, whose columns would be as wide as the widest of each."""
        rows = QVBoxLayout()
        rows.setSpacing(2)
        for number, (path, setting, _) in enumerate(entries):
            if number % 2 == 0:
                row = QHBoxLayout()
                row.setSpacing(6)
                rows.addLayout(row)
            control = control_for(setting, track=False)
            control.setToolTip(tooltip(setting))
            control.edited.connect(self._editing(path))
            if isinstance(control, NumberControl):
                control.refused.connect(self._refuse)
                control.accepted.connect(self._accept)
            label = QLabel(setting.label.lower())
            label.setProperty("role", "secondary")
            label.setBuddy(control)
            row.addWidget(label)
            row.addWidget(control)
            row.addStretch(number % 2)
            self._controls[path] = control
        return rows

    def _editing(self, path: str) -> Any:
        return lambda value: self.edited.emit(path, value)

    def _menu_button(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(theme.icon("more"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolTip("Move, duplicate or delete this layer")
        button.setAccessibleName(f"Menu of layer {self.index + 1}")
        menu = QMenu(button)
        for word, title, icon, keys in (
            ("duplicate", "Duplicate layer", "copy", "Ctrl+D"),
            ("up", "Move up", "up", "Alt+Up"),
            ("down", "Move down", "down", "Alt+Down"),
            ("delete", "Delete layer", "trash", "Del"),
        ):
            action = QAction(theme.icon(icon), title, self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(self._commanding(word))
            self.addAction(action)
            menu.addAction(action)
        button.setMenu(menu)
        return button

    def _commanding(self, word: str) -> Any:
        return lambda: self.commanded.emit(self.index, word)


class HighwayCard(QFrame):
    """The linear path beside the layers, while there is one; its length is set below."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        title = QLabel("Highway")
        title.setProperty("role", "title")
        self._path = QLabel()
        self._count = QLabel()
        self._count.setToolTip("Weights that the highway learns")
        for label in (self._path, self._count):
            label.setProperty("role", "caption")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 10, 5)
        row.setSpacing(6)
        row.addWidget(title)
        row.addWidget(self._path)
        row.addStretch(1)
        row.addWidget(self._count)
        self.hide()

    def show_highway(self, samples: int, count: int | None) -> None:
        """Show a highway from so many last samples of the window, 0 is none, and its weights, where they are known."""
        self._path.setText(f"last {samples:,} samples → output" if samples > 1 else "last sample → output")
        self._count.setText("" if count is None else f"{count:,}")
        self.setVisible(samples > 0)


class StackEditor(QWidget):
    """The cards, from the window's samples at the top to the forecast at the bottom."""

    edited = Signal(str, object)
    mended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._layers: Layers = ()
        self._cards: list[Card] = []
        self._keys: list[Any] = []
        self._complaint = Complaint()
        self._complaint.mended.connect(self.mended)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._layout.addWidget(self._complaint)
        self._highway = HighwayCard()
        self._layout.addWidget(self._highway)

    def show_stack(
        self, layers: Layers, window: int, highway: int, in_force: Mapping[str, Any], problem: SpecError | None
    ) -> None:
        """Show the stack for windows of `window` samples, and the highway from the last `highway` of them beside it;
        `problem` is an error whose path names a layer."""
        self._layers = layers
        entries = [_entries(layer, f"layers.{index}.") for index, layer in enumerate(layers)]
        keys = [(type(layer), [key[:2] for key in keys]) for layer, keys in zip(layers, entries, strict=True)]
        if keys != self._keys:
            self._rebuild(layers, entries)
            self._keys = keys
        at_all = problem if problem is not None and problem.path == "layers" else None
        self._complaint.show_error(at_all)
        layouts = _partial_layouts(layers, (window, 1))
        shapes: list[Shape] = [(window, 1), *(layout.shapes[-1] for layout in layouts)]
        for index, card in enumerate(self._cards):
            card.show_values(entries[index], in_force)
            before = shapes[index] if index < len(shapes) else None
            if index < len(layouts):
                card.show_shape(before, shapes[index + 1], layouts[index].count(index))
            else:
                card.show_shape(before, None, None)
            at_fault = problem is not None and f"{problem.path}.".startswith(f"layers.{index}.")
            card.show_problem(problem if at_fault else None)
        self._highway.show_highway(highway, _highway_count(layers, (window, 1), highway))

    def add(self, kind: str) -> None:
        """Add a layer of a kind, where it most likely belongs."""
        self.edited.emit("layers", inserted(self._layers, Layer.kinds[kind]()))

    def _rebuild(self, layers: Sequence[Layer], entries: list[list[Entry]]) -> None:
        focused = next(((card.index, path) for card in self._cards if (path := card.focused()) is not None), None)
        for card in self._cards:
            self._layout.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [Card(index, layer, entries[index]) for index, layer in enumerate(layers)]
        for card in self._cards:
            card.edited.connect(self.edited)
            card.mended.connect(self.mended)
            card.commanded.connect(self._command)
            # In front of the highway.
            self._layout.insertWidget(self._layout.count() - 1, card)
            # Qt would show it later, and a hidden widget cannot take the keyboard.
            card.show()
        if focused is not None and self._cards:
            index, path = focused
            self._cards[min(index, len(self._cards) - 1)].focus(path)

    def _command(self, index: int, word: str) -> None:
        layers = list(self._layers)
        target = index
        if word == "duplicate":
            layers.insert(index, layers[index])
            target = index + 1
        elif word == "delete":
            del layers[index]
        else:
            target = index - 1 if word == "up" else index + 1
            if not 0 <= target < len(layers):
                return
            layers[index], layers[target] = layers[target], layers[index]
        self.edited.emit("layers", tuple(layers))
        if self._cards:
            # The key that moved a layer goes on moving the same one.
            self._cards[min(target, len(self._cards) - 1)].setFocus()


def _entries(layer: Layer, prefix: str) -> list[Entry]:
    """The layer's settings; one that only counts because of another follows it."""
    return sorted(entries_of(layer, prefix=prefix), key=lambda entry: bool(entry[1].when))


def _highway_count(layers: Layers, shape: Shape, highway: int) -> int | None:
    """How many weights the highway learns; None where the stack gives it nothing to be added to."""
    try:
        return Layout(layers, shape, highway).count(len(layers))
    except SpecError:
        return None


def _partial_layouts(layers: Layers, shape: Shape) -> list[Layout]:
    """The layouts of the first layer, the first two, …, up to the first that does not fit."""
    layouts: list[Layout] = []
    for count in range(1, len(layers) + 1):
        try:
            layouts.append(Layout(layers[:count], shape))
        except SpecError:
            break
    return layouts
