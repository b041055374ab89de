"""A person before the window: finds things by what stands on them, clicks, types, and reads what is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from zen_core.curve import Formula
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.nn import RNN, Linear
from zen_core.session import State
from zen_gui.editor import Row
from zen_gui.stack import Card
from zen_gui.widgets.elided_label import ElidedLabel
from zen_gui.widgets.expression_field import ExpressionField
from zen_gui.widgets.mark import Mark
from zen_gui.widgets.notice import Notice
from zen_gui.widgets.number_field import NumberField
from zen_gui.widgets.section import Section
from zen_gui.window import Window

Key = Qt.Key
W = TypeVar("W", bound=QWidget)

GENEROUS = 15_000
"""Milliseconds after which a condition is given up."""

NO_SCREEN = ("This plugin does not support",)
"""What Qt's platform without a screen says of menus and tooltips."""

WORKER = "zen-training"

#: Trains without an end: 4 steps an epoch, each a fraction of a millisecond.
SMALL = Experiment(
    curve=Formula(expression="sin(x)", step=0.25),
    samples=120,
    window=10,
    beyond=20,
    layers=(RNN(hidden_dim=8), Linear(1)),
    highway=0,
    input_noise=0.0,
    batch_size=16,
    epochs=1_000_000,
)


def changed(experiment: Experiment = SMALL, **values: Any) -> Experiment:
    """The experiment with other values at paths, `__` for each dot: `optimizer__lr=0.1`."""
    for path, value in values.items():
        experiment = edited(experiment, path.replace("__", "."), value)
    return experiment


def workers() -> list[threading.Thread]:
    """The threads that train now, or could."""
    return [thread for thread in threading.enumerate() if thread.name == WORKER]


def tear_down(window: Window) -> None:
    """Close a window and take it away whole, so that no later test pays for its widgets; waits for every worker."""
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    for worker in workers():
        worker.join(GENEROUS / 1000)
    assert not workers(), "a worker outlived its window"


class Person:
    """Works one window."""

    def __init__(self, qtbot: QtBot, window: Window) -> None:
        self.qtbot = qtbot
        self.window = window

    # ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def all(self, kind: type[W], name: str | None = None, inside: QWidget | None = None) -> list[W]:
        """The visible widgets of a kind, with this accessible name or text where one is given."""
        self.settle()
        found = (inside or self.window).findChildren(kind)
        return [w for w in found if w.isVisible() and (name is None or name in (w.accessibleName(), text_of(w)))]

    def find(self, kind: type[W], name: str | None = None, inside: QWidget | None = None) -> W:
        """The one visible widget of a kind with this accessible name or text."""
        found = self.all(kind, name, inside)
        assert len(found) == 1, f"{len(found)} visible {kind.__name__} called {name!r}"
        return found[0]

    def field(self, name: str, inside: QWidget | None = None) -> NumberField:
        return self.find(NumberField, name, inside)

    def formula(self) -> ExpressionField:
        return self.find(ExpressionField)

    def button(self, name: str, inside: QWidget | None = None) -> QAbstractButton:
        return self.find(QAbstractButton, name, inside)

    def buttons(self, name: str, inside: QWidget | None = None) -> list[QAbstractButton]:
        return self.all(QAbstractButton, name, inside)

    def cards(self) -> list[Card]:
        """The layers, as they stand from above."""
        return sorted(self.all(Card), key=lambda card: card.mapTo(self.window, QPoint()).y())

    def row(self, name: str) -> Row:
        """The row of the form in which a control with this name stands."""
        rows = [row for row in self.all(Row) if row.findChildren(QWidget) and _control(row, name)]
        assert len(rows) == 1, f"{len(rows)} visible rows with a control called {name!r}"
        return rows[0]

    def mark(self, name: str) -> str:
        """What the mark at a row says."""
        return self.find(Mark, inside=self.row(name)).kind

    def section(self, heading: str) -> Section:
        return self.find(Section, heading)

    def texts(self, inside: QWidget | None = None) -> list[str]:
        """All that can be read, banners and errors included."""
        return [label.text() for label in self.all(QLabel, inside=inside) if label.text()]

    def reads(self, words: str, inside: QWidget | None = None) -> bool:
        """Whether these words stand somewhere."""
        return any(words in text for text in self.texts(inside))

    def errors(self, inside: QWidget | None = None) -> list[str]:
        """The sentences of the notices that are shown."""
        return [notice.text() for notice in self.all(Notice, inside=inside) if notice.text()]

    def status(self) -> str:
        """The status line, whole."""
        return " ".join(label.text() for label in self.all(QLabel, inside=self.window.status))

    def waiting(self) -> str:
        """What the Apply bar says; empty where it is hidden."""
        found = [label.text() for label in self.all(ElidedLabel, inside=self.window.controls) if "wait" in label.text()]
        return found[0] if found else ""

    # ── Acting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def press(self, keys: str | int) -> None:
        """Press keys, as `"Space"` or `"Ctrl+Z"`; they reach whatever has the keyboard."""
        combination = QKeySequence(keys)[0]
        QTest.keyClick(self.window.windowHandle(), combination.key(), combination.keyboardModifiers())

    def type(self, text: str) -> None:
        """Type characters into whatever has the keyboard."""
        for character in text:
            focused = QApplication.focusWidget()
            assert focused is not None, "nothing has the keyboard"
            QTest.keyClicks(focused, character)

    def click(self, target: QWidget | str) -> None:
        """Click a widget, or the button called so."""
        widget = self.button(target) if isinstance(target, str) else target
        self.reach(widget)
        assert widget.isVisible()
        assert widget.isEnabled(), f"{widget.accessibleName() or text_of(widget)} is disabled"
        # Through the window, as a mouse does: what lies over the widget would get the click.
        spot = widget.mapTo(self.window, _spot(widget))
        assert self.window.childAt(spot) in (widget, *widget.findChildren(QWidget)), "something lies over it"
        QTest.mouseClick(self.window.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)

    def open(self, heading: str) -> None:
        """Open a part of the column that is folded: `"More of training"`."""
        assert self.section(heading).folded
        self.click(heading)

    def reach(self, widget: QWidget) -> None:
        """Scroll until it is in view."""
        for scroll in self.window.findChildren(QScrollArea):
            if scroll.isAncestorOf(widget):
                scroll.ensureWidgetVisible(widget)

    def enter(self, name: str | NumberField, text: str) -> None:
        """Type a number into a field and press Enter."""
        field = self.field(name) if isinstance(name, str) else name
        self.focus(field)
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Key.Key_Return)

    def write(self, text: str) -> None:
        """Type a new formula over the old."""
        field = self.formula()
        self.click(field)
        field.selectAll()
        QTest.keyClicks(field, text)

    def focus(self, widget: QWidget) -> None:
        self.reach(widget)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        self.until(widget.hasFocus)

    def look_away(self) -> None:
        """Take the keyboard from every control, as after the start."""
        self.window.setFocus()

    def choose(self, name: str | QComboBox, words: str) -> None:
        """Choose from a list."""
        combo = self.find(QComboBox, name) if isinstance(name, str) else name
        self.reach(combo)
        combo.setFocus()
        combo.showPopup()
        view = combo.view()
        view.setCurrentIndex(combo.model().index(combo.findText(words), 0))
        assert view.currentIndex().data() == words, f"{words!r} is no choice"
        QTest.keyClick(view, Key.Key_Return)
        combo.hidePopup()
        self.come_back()

    def tick(self, box: QCheckBox) -> None:
        self.reach(box)
        self.qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))

    def choose_from_menu(self, target: QWidget | str, title: str) -> None:
        """Open the menu of a button and click an entry."""
        missing: list[str] = []

        def choose() -> None:
            menu = QApplication.activePopupWidget()
            if not isinstance(menu, QMenu):
                QTimer.singleShot(1, choose)
                return
            entries = {action.text(): action for action in menu.actions()}
            if title in entries:
                self.qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entries[title]).center())
            else:
                missing.extend(entries)
                menu.close()

        QTimer.singleShot(0, choose)
        self.click(target)
        self.come_back()
        assert not missing, f"{title!r} is not among {missing}"

    def come_back(self) -> None:
        """Without a screen nobody gives the window the keyboard again after a menu."""
        self.window.activateWindow()
        self.until(self.window.isActiveWindow)

    def menu_entries(self, button: QWidget) -> list[QAction]:
        return [action for menu in button.findChildren(QMenu) for action in menu.actions()]

    # ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=GENEROUS)

    @property
    def state(self) -> State:
        return self.window.session.latest.state

    @property
    def step(self) -> int:
        return self.window.session.latest.frame.step

    @property
    def losses(self) -> list[float]:
        """All losses of the present run, in order."""
        losses: list[float] = self.window.session.latest.frame.losses.mean.tolist()
        return losses

    def wait_for(self, state: State) -> None:
        """Until the run is in this state and the window says so."""
        words = {
            State.READY: "Untrained.",
            State.RUNNING: "Running.",
            State.PAUSED: "Paused at step",
            State.FINISHED: "Finished.",
            State.DIVERGED: "Diverged at step",
            State.FAILED: "Failed.",
        }
        self.until(lambda: self.state is state and words[state] in self.status())

    def train(self, steps: int) -> None:
        """Run at least so many steps and pause."""
        self.look_away()
        before = self.step
        self.press("Space")
        self.until(lambda: self.step >= before + steps)
        if self.state is State.RUNNING:
            self.press("Space")
            self.wait_for(State.PAUSED)

    def settle(self) -> None:
        """Let the window draw what it has been told."""
        QApplication.sendPostedEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def text_of(widget: QWidget) -> str:
    """What stands on a button or a label."""
    return widget.text().replace("&", "") if isinstance(widget, (QAbstractButton, QLabel)) else ""


def _control(row: QWidget, name: str) -> bool:
    kinds = (QLineEdit, QComboBox, QCheckBox)
    return any(child.accessibleName() == name for kind in kinds for child in row.findChildren(kind))


def _spot(widget: QWidget) -> QPoint:
    # A check box or a wide header takes a click near its left end, whatever its width.
    return QPoint(min(20, widget.width() // 2), widget.height() // 2)
