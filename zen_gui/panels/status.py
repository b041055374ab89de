"""The status line: what is going on, in a sentence or two."""

from __future__ import annotations

from typing import get_args

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from zen_core.component import SpecError
from zen_core.session import Moment, State
from zen_core.trainer import Frame
from zen_gui import theme
from zen_gui.widgets.elided_label import ElidedLabel
from zen_gui.widgets.status_dot import Status, StatusDot

_DOTS: dict[State, Status] = {
    State.READY: "untrained",
    State.RUNNING: "running",
    State.PAUSED: "paused",
    State.DIVERGED: "diverged",
    State.FINISHED: "finished",
    State.FAILED: "failed",
}
assert set(_DOTS.values()) <= set(get_args(Status))


def sentences(moment: Moment) -> tuple[str, str]:
    """The state in a word or two, and what the pictures show in a sentence."""
    frame = moment.frame
    match moment.state:
        case State.READY:
            return "Untrained.", "Press Run or Space."
        case State.RUNNING:
            return "Running.", _drift(frame)
        case State.PAUSED:
            return f"Paused at step {frame.step:,}.", _drift(frame)
        case State.FINISHED:
            return "Finished.", f"{_best(frame)}{_drift(frame)}"
        case State.DIVERGED:
            return f"{moment.message.partition('. ')[0]}.", ""
        case State.FAILED:
            return "Failed.", f"{moment.message}. Press Run to go on from step {frame.step:,}."


def _drift(frame: Frame) -> str:
    forecast = frame.forecast
    if forecast is None or not len(forecast.errors):
        return ""
    if forecast.valid_to_end:
        return f"Fed itself, it follows the curve for all {forecast.valid_steps:,} steps shown."
    if forecast.valid_steps == 0:
        return "Fed itself, it is off the curve from the first step."
    steps = "1 step" if forecast.valid_steps == 1 else f"{forecast.valid_steps:,} steps"
    return f"Fed itself, it follows the curve for {steps}, then drifts."


def _best(frame: Frame) -> str:
    if not len(frame.validation_losses):
        return ""
    best = int(frame.validation_steps[int(frame.validation_losses.argmin())])
    return f"Best validation at step {best:,}. "


class StatusPanel(QWidget):
    """A dot, the state, a sentence; at the right what computes, and the seed."""

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setFixedHeight(theme.scaled(28))
        self._dot = StatusDot()
        self._state = QLabel()
        self._state.setFont(theme.font("title"))
        self._sentence = ElidedLabel("")
        self._about = QLabel()
        self._about.setProperty("role", "caption")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(self._dot)
        layout.addWidget(self._state)
        layout.addWidget(self._sentence, 1)
        layout.addWidget(self._about)

    def show_moment(self, moment: Moment) -> None:
        """Say what is going on."""
        state, sentence = sentences(moment)
        self._say(_DOTS[moment.state], state, sentence)
        experiment = moment.frame.experiment
        self._about.setText(f"numpy · {experiment.dtype} · seed {experiment.seed}")

    def show_problem(self, problem: SpecError) -> None:
        """Say why the settings cannot be trained."""
        self._say("failed", "Cannot train.", str(problem))

    def _say(self, dot: Status, state: str, sentence: str) -> None:
        self._dot.set_status(dot)
        self._state.setText(state)
        self._sentence.setText(sentence)
