"""The document: the experiment that is being edited, and the way back through its edits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from zlib import crc32

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from zen_core.edits import edited, setting_at
from zen_core.experiment import Experiment

BURST = 1.0
"""Edits of one setting that follow each other within this many seconds are undone together."""


class Document(QObject):
    """Holds the one experiment that is edited; every change passes through `apply` and can be undone."""

    #: The experiment is another one now.
    changed = Signal()

    def __init__(
        self, experiment: Experiment, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self.experiment = experiment
        self.undo_stack = QUndoStack(self)
        self._clock = clock

    def edit(self, path: str, value: Any) -> None:
        """Give the setting at `path` another value; raises SpecError, and changes nothing, where it does not fit."""
        label = setting_at(self.experiment, path).label
        self.apply(edited(self.experiment, path, value), f"Change {label.lower()}", burst=path)

    def apply(self, experiment: Experiment, title: str, burst: str = "") -> None:
        """Make `experiment` the current one. `title` names the step in the Edit menu; steps of one `burst` merge."""
        if experiment != self.experiment:
            self.undo_stack.push(_Edit(self, experiment, title, burst, self._clock()))

    def show(self, experiment: Experiment) -> None:
        """Replace the experiment and tell; for the undo stack."""
        self.experiment = experiment
        self.changed.emit()


class _Edit(QUndoCommand):
    """From one experiment to another."""

    def __init__(self, document: Document, new: Experiment, title: str, burst: str, moment: float) -> None:
        super().__init__(title)
        self._document = document
        self._old = document.experiment
        self._new = new
        self._burst = burst
        self._moment = moment

    def id(self) -> int:
        return crc32(self._burst.encode()) & 0x7FFFFFFF if self._burst else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Edit) or other._burst != self._burst or other._moment - self._moment > BURST:
            return False
        self._new = other._new
        self._moment = other._moment
        # Dragged back to where it began: nothing is left to undo.
        self.setObsolete(self._new == self._old)
        return True

    def redo(self) -> None:
        self._document.show(self._new)

    def undo(self) -> None:
        self._document.show(self._old)
