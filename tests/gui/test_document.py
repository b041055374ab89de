"""The document: each edit can be undone, a burst of them at once, and a refused one leaves no trace."""

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_gui.document import BURST, Document

BEGUN = Experiment()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(qapp: QApplication) -> Clock:
    return Clock()


@pytest.fixture
def document(clock: Clock) -> Document:
    return Document(BEGUN, clock=clock)


def test_an_edit_changes_one_setting_and_tells_once(document: Document, qtbot: QtBot) -> None:
    with qtbot.waitSignal(document.changed, timeout=0):
        document.edit("window", 40)
    assert document.experiment == edited(BEGUN, "window", 40)
    assert document.undo_stack.count() == 1


def test_undo_and_redo_walk_through_the_edits(document: Document, clock: Clock) -> None:
    seen = [document.experiment]
    for path, value in (("window", 40), ("optimizer", "SGD"), ("optimizer.lr", 0.5), ("layers.0.hidden_dim", 3)):
        clock.now += 10
        document.edit(path, value)
        seen.append(document.experiment)
    for experiment in reversed(seen[:-1]):
        document.undo_stack.undo()
        assert document.experiment == experiment
    assert not document.undo_stack.canUndo()
    for experiment in seen[1:]:
        document.undo_stack.redo()
        assert document.experiment == experiment
    assert not document.undo_stack.canRedo()


def test_undo_and_redo_tell(document: Document, qtbot: QtBot) -> None:
    document.edit("window", 40)
    with qtbot.waitSignal(document.changed, timeout=0):
        document.undo_stack.undo()
    with qtbot.waitSignal(document.changed, timeout=0):
        document.undo_stack.redo()


def test_a_new_edit_after_undo_forgets_what_could_be_redone(document: Document) -> None:
    document.edit("window", 40)
    document.undo_stack.undo()
    document.edit("samples", 300)
    assert not document.undo_stack.canRedo()
    assert document.experiment.window == BEGUN.window


def test_a_dragged_slider_is_one_entry(document: Document, clock: Clock) -> None:
    for window in range(26, 126):
        clock.now += 0.9 * BURST
        document.edit("window", window)
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.experiment == BEGUN
    document.undo_stack.redo()
    assert document.experiment.window == 125


def test_edits_further_apart_than_a_burst_are_undone_one_by_one(document: Document, clock: Clock) -> None:
    document.edit("window", 30)
    clock.now += 1.01 * BURST
    document.edit("window", 40)
    document.undo_stack.undo()
    assert document.experiment.window == 30


def test_edits_of_two_settings_never_merge(document: Document) -> None:
    document.edit("window", 30)
    document.edit("samples", 400)
    document.edit("window", 31)
    assert document.undo_stack.count() == 3


def test_edits_that_carry_no_burst_never_merge(document: Document) -> None:
    document.apply(edited(BEGUN, "window", 30), "Take a preset")
    document.apply(edited(BEGUN, "window", 31), "Take a preset")
    assert document.undo_stack.count() == 2


def test_dragged_back_to_the_beginning_nothing_is_left_to_undo(document: Document) -> None:
    for window in (30, 40, 30, BEGUN.window):
        document.edit("window", window)
    assert document.experiment == BEGUN
    assert document.undo_stack.count() == 0
    assert not document.undo_stack.canUndo()


def test_dragged_back_and_on_again_is_still_one_entry_from_the_same_beginning(document: Document) -> None:
    for window in (30, BEGUN.window, 35):
        document.edit("window", window)
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.experiment == BEGUN


def test_an_edit_right_after_undo_is_an_entry_of_its_own(document: Document, clock: Clock) -> None:
    document.edit("window", 30)
    clock.now += 10
    document.edit("window", 40)
    document.undo_stack.undo()
    document.edit("window", 50)
    document.undo_stack.undo()
    assert document.experiment.window == 30


def test_the_same_value_again_is_no_edit(document: Document, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(document.changed):
        document.edit("window", BEGUN.window)
    assert document.undo_stack.count() == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("window", 0),
        ("window", "twelve"),
        ("window", float("nan")),
        ("optimizer", "Nobody"),
        ("optimizer.momentum", 0.5),
        ("curve.expression", "sin("),
        ("layers.7.units", 1),
        ("nowhere", 1),
        ("", 1),
    ],
)
def test_a_refused_edit_changes_nothing(document: Document, qtbot: QtBot, path: str, value: object) -> None:
    document.edit("samples", 400)
    before = document.experiment
    with qtbot.assertNotEmitted(document.changed), pytest.raises(SpecError):
        document.edit(path, value)
    assert document.experiment is before
    assert document.undo_stack.count() == 1


def test_a_refused_edit_keeps_what_can_be_redone(document: Document) -> None:
    document.edit("samples", 400)
    document.undo_stack.undo()
    with pytest.raises(SpecError):
        document.edit("window", 0)
    assert document.undo_stack.canRedo()


def test_the_entry_is_called_after_the_setting(document: Document) -> None:
    document.edit("optimizer.lr", 0.5)
    assert document.undo_stack.undoText() == "Change learning rate"
    document.edit("layers.0.hidden_dim", 5)
    assert document.undo_stack.undoText() == "Change hidden"
