"""The commands of the window: one table of what they are called, their keys, their icons and what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QComboBox, QWidget

from zen_gui import theme
from zen_gui.widgets.number_field import NumberField

if TYPE_CHECKING:
    from zen_gui.window import Window


@dataclass(frozen=True)
class Command:
    """Something a person can ask of the window. `menu` is the heading under which it stands; a command that `repeats`
    does so while its keys are held down."""

    name: str
    menu: str
    title: str
    act: Callable[[Window], object]
    keys: str = ""
    icon: str = ""
    help: str = ""
    separated: bool = False
    repeats: bool = False


COMMANDS = (
    Command("quit", "File", "Quit", lambda w: w.close(), "Ctrl+Q"),
    Command("undo", "Edit", "Undo", lambda w: w.document.undo_stack.undo(), "Ctrl+Z", "undo", repeats=True),
    Command("redo", "Edit", "Redo", lambda w: w.document.undo_stack.redo(), "Ctrl+Shift+Z", "redo", repeats=True),
    Command("fit", "View", "Fit the curve", lambda w: w.curve.fit(), "F", "fit", "Show the whole curve."),
    Command(
        "log",
        "View",
        "Logarithmic loss",
        lambda w: w.loss.toggle_log(),
        "L",
        "",
        "Switch the loss axis: log or linear.",
    ),
    Command("run", "Run", "Run", lambda w: w.run_or_pause(), "Space", "run", "Train, or pause."),
    Command(
        "step", "Run", "Step", lambda w: w.one_step(), "Right", "step", "Train on one batch, then pause.", repeats=True
    ),
    Command(
        "rewind",
        "Run",
        "Rewind",
        lambda w: w.rewind(),
        "R",
        "rewind",
        "Back to step 0 with the same first weights.",
        separated=True,
    ),
    Command(
        "new_weights",
        "Run",
        "New weights",
        lambda w: w.new_weights(),
        "N",
        "dice",
        "Back to step 0 with other first weights: the next seed. The noise stays.",
    ),
    Command("apply", "Run", "Apply and restart", lambda w: w.apply_waiting(), "Ctrl+Return", "restart", separated=True),
)


def actions(window: Window) -> dict[str, QAction]:
    """Make an action of every command, under its name."""
    made = {}
    for command in COMMANDS:
        action = QAction(command.title, window)
        if command.keys:
            action.setShortcut(QKeySequence(command.keys))
        if command.icon:
            action.setIcon(theme.icon(command.icon))
        action.setAutoRepeat(command.repeats)
        action.setToolTip(tooltip(command))
        action.triggered.connect(_acting(command, window))
        window.addAction(action)
        made[command.name] = action
    return made


def tooltip(command: Command) -> str:
    """What the command does, and its keys."""
    keys = QKeySequence(command.keys).toString(QKeySequence.SequenceFormat.NativeText)
    return f"{command.help or command.title} ({keys})" if keys else command.help or command.title


def _acting(command: Command, window: Window) -> Callable[[], None]:
    def act() -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, NumberField):
            # A button that is clicked takes no focus: what is being typed would come too late.
            focused.commit()
        command.act(window)

    return act


class KeysForControls(QObject):
    """Decides who gets a key that is both a command of the window and of use to the control that has the keyboard.

    It looks at the events of that control only: a look at those of all would cost thousands of calls for each paint.
    """

    def __init__(self, app: QApplication, parent: QObject) -> None:
        super().__init__(parent)
        app.focusChanged.connect(self._follow)
        self._follow(None, app.focusWidget())

    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None and shiboken6.isValid(old):
            old.removeEventFilter(self)
        if new is not None:
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if isinstance(watched, NumberField) and not watched.isModified() and _is_undo_or_redo(event):
            # Nothing typed to take back: it is the window's.
            event.ignore()
            return True
        if event.modifiers() not in _PLAIN:
            return False
        space = event.key() == Qt.Key.Key_Space
        arrow = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if isinstance(watched, NumberField) and space:
            # No number has a space in it: it is the command.
            event.ignore()
            return True
        wanted = (
            (isinstance(watched, QAbstractButton) and space)
            or (isinstance(watched, QAbstractSlider) and arrow)
            # In a list, letters find an entry.
            or (
                isinstance(watched, (QComboBox, QAbstractItemView))
                and bool(event.text())
                and event.text().isprintable()
            )
        )
        if wanted:
            event.accept()
        return wanted


def _is_undo_or_redo(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)


_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
