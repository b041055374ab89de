"""The loss panel: how wrong the network was at each step, raw and smoothed, and on samples it does not train on."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from zen_core.trainer import GO_ON
from zen_gui.plots import numbers
from zen_gui.plots.changes import ChangeMarks, SettingChange
from zen_gui.plots.curve import Curve
from zen_gui.plots.header import Header
from zen_gui.plots.history import History
from zen_gui.plots.mapping import FloatArray
from zen_gui.plots.marker import Star
from zen_gui.plots.plot import Home, Plot
from zen_gui.plots.smoothing import Smoothing
from zen_gui.widgets.legend import LegendEntry

if TYPE_CHECKING:
    from zen_core.history import Trace
    from zen_core.trainer import Change, Frame

_EMPTY = "Appears when you press Run."
# The smoothed line answers to a change within about ten steps.
_WEIGHT = 0.1
# The axis of steps ends at one of these × 10ⁿ, so that it grows in jumps.
_LENGTHS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_SHORTEST = 50.0
# A loss this many times above those of the first steps leaves the plot.
_WILD = 100.0
_FIRST_STEPS = 10
# Room for the outermost numbers of the axis, in pixels.
_ABOVE, _BELOW = 8.0, 9.0
_NO_RANGE = (math.inf, 0.0)
_SHORT_NAMES = {"lr": "rate", "learning_rate": "rate"}


class LossPanel(QWidget):
    """Shows the losses of one run, and the run before it as a grey line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self._newest: Frame | None = None
        self._shown: Frame | None = None
        self._changes: tuple[Change, ...] = ()
        self._previous_range = _NO_RANGE

        self.train_entry = LegendEntry("train", "train")
        self.validation_entry = LegendEntry("validation", "validation")
        self.log_button = QToolButton()
        self.log_button.setText("Log")
        self.log_button.setCheckable(True)
        self.log_button.setChecked(True)
        self.log_button.setToolTip("Logarithmic scale")
        header = Header("Loss", self.train_entry, self.validation_entry)
        header.add_widget(self.log_button)

        # Drawn in this order, from the back.
        self.previous = History(lambda look: replace(look.baseline, dash=()))
        self._marks = ChangeMarks()
        self.raw = History(lambda look: look.train_raw, tell_wild=True)
        self.train = History(lambda look: look.train)
        self.validation = Curve(lambda look: look.validation)
        self.best = Star(lambda look: look.best)
        self.plot = Plot("step")
        self.plot.add(self.previous, self._marks, self.raw, self.train, self.validation, self.best)
        self.plot.setAccessibleName("Loss")

        sentence = QLabel(_EMPTY, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        sentence.setProperty("role", "secondary")
        self._pages = QStackedWidget()
        self._pages.addWidget(sentence)
        self._pages.addWidget(self.plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(header)
        column.addWidget(self._pages, 1)

        self.train_entry.toggled.connect(self.raw.set_shown)
        self.train_entry.toggled.connect(self.train.set_shown)
        self.validation_entry.toggled.connect(self.validation.set_shown)
        self.log_button.toggled.connect(self._fix_range)
        self._begin()

    def show_frame(self, frame: Frame) -> None:
        """Show the losses up to this frame; a hidden panel waits until it is seen."""
        self._newest = frame
        if self.isVisible():
            self._catch_up()

    def start_series(self) -> None:
        """A new run begins: what is shown becomes a single grey line behind it."""
        self._catch_up()
        if self.train.steps > 1:
            self.previous.clear()
            self.previous.extend(self.train.points()[1], every=self.train.every)
            self._previous_range = self._range
        self._begin()
        self._newest = None
        self._fix_range()

    def toggle_log(self) -> None:
        """Switch the scale: logarithmic or linear."""
        self.log_button.toggle()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._catch_up()

    # ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """Nothing is known of this run yet."""
        self._shown = None
        self._total_steps = 0
        self._smoothing = Smoothing(_WEIGHT)
        self._least_loss = _LeastLoss()
        self._range = _NO_RANGE
        self._changes = ()
        for curve in (self.raw, self.train, self.validation):
            curve.clear()
        self._marks.set_changes(())
        self.best.set_point(None)

    def _catch_up(self) -> None:
        """Take over what the newest frame has more than the one shown."""
        frame = self._newest
        if frame is None or frame is self._shown:
            return
        losses = frame.losses
        if self._shown is not None and len(losses) < len(self._shown.losses):
            # A record that became shorter is another one.
            self._begin()
        known = 0 if self._shown is None else len(self._shown.losses) // losses.every
        self._shown = frame
        self._total_steps = frame.total_steps
        smoothed = self._smoothing.extend(losses.mean, every=losses.every)
        self.raw.extend(losses.low, losses.high, every=losses.every)
        self.train.extend(smoothed, every=losses.every)
        self.validation.set_data(frame.validation_steps, frame.validation_losses)
        best = self._best_of(frame)
        self.best.set_point(best, f"best {numbers.scientific(best[1], 2)}" if best else "")
        first = losses.high[: math.ceil(_FIRST_STEPS / losses.every)]
        for fresh in (first, smoothed[known:], frame.validation_losses, np.array(best[1:] if best else ())):
            self._range = _widened(self._range, fresh, first)
        self._show_changes(frame.changes)
        self._fix_range()

    def _best_of(self, frame: Frame) -> tuple[float, float] | None:
        """(step, loss) of the least validation loss, or of the least training loss where nothing is validated."""
        if len(frame.validation_losses):
            return _least(frame.validation_steps, frame.validation_losses)
        return self._least_loss.extend(frame.losses)

    def _show_changes(self, changes: tuple[Change, ...]) -> None:
        if changes is not self._changes:
            self._changes = changes
            self._marks.set_changes([_told(change) for change in changes])

    def _fix_range(self) -> None:
        """Grow the axes in jumps, so that they do not shake while numbers come in."""
        steps = max(self.raw.steps, self.previous.steps)
        self._pages.setCurrentIndex(1 if steps else 0)
        if not steps:
            return
        right = max(_SHORTEST, _length(steps))
        if steps <= self._total_steps:
            right = min(right, float(self._total_steps))
        least = min(self._range[0], self._previous_range[0])
        greatest = max(self._range[1], self._previous_range[1])
        if self.log_button.isChecked():
            # Half as much again, so that the least value does not lie on the edge.
            low = math.floor(math.log10(least / 1.5)) if least < math.inf else -1
            high = math.ceil(math.log10(greatest)) if greatest > 0 else 0
            home = Home(0.0, right, low, max(high, low + 1), _ABOVE, _BELOW)
        else:
            home = Home(0.0, right, 0.0, _length(greatest) if greatest > 0 else 1.0, _ABOVE, _BELOW)
        self.plot.set_home(home, log_y=self.log_button.isChecked())


class _LeastLoss:
    """The step of the least loss in a record that grows; in a thinned one, the middle of its entry."""

    def __init__(self) -> None:
        self._count = 0
        self.best: tuple[float, float] | None = None

    def extend(self, losses: Trace) -> tuple[float, float] | None:
        """(step, loss) of the least; None where no loss is finite."""
        known = self._count // losses.every
        entries = np.arange(known, len(losses.low) + 1, dtype=np.float64)
        steps = losses.every * entries + (losses.every - 1) / 2
        fresh = _least(steps, np.append(losses.low[known:], losses.rest[0]))
        self._count = len(losses)
        if fresh is not None and (self.best is None or fresh[1] < self.best[1]):
            self.best = fresh
        return self.best


def _least(steps: FloatArray, losses: FloatArray) -> tuple[float, float] | None:
    if not len(losses):
        return None
    finite = np.where(np.isfinite(losses), losses, np.inf)
    index = int(finite.argmin())
    return (float(steps[index]), float(losses[index])) if math.isfinite(finite[index]) else None


def _widened(known: tuple[float, float], losses: FloatArray, first: FloatArray) -> tuple[float, float]:
    """The least positive and the greatest loss, `known` included, leaving out what is wild beside the `first`."""
    usable = losses[np.isfinite(losses) & (losses > 0)]
    if not len(usable):
        return known
    early = first[np.isfinite(first) & (first > 0)]
    most = _WILD * float(early.max()) if len(early) else math.inf
    return min(known[0], float(usable.min())), max(known[1], min(float(usable.max()), most))


def _length(reached: float) -> float:
    """The next of a few round numbers."""
    power = 10.0 ** math.floor(math.log10(reached))
    return next(length * power for length in _LENGTHS if length * power >= reached * (1 - 1e-9))


def _told(change: Change) -> SettingChange:
    if change.path == GO_ON:
        return SettingChange(change.step, "went on", "", "")
    last = change.path.rpartition(".")[2]
    old = change.old
    name = _SHORT_NAMES.get(last, last.replace("_", " "))
    return SettingChange(change.step, name, "" if old is None else _value(old), _value(change.value))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return numbers.brief(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
