"""The status line: what is going on, in a sentence or two."""

from __future__ import annotations

from typing import NamedTuple, get_args

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from zen_core.backend import NUMPY
from zen_core.component import SpecError
from zen_core.experiment import Experiment
from zen_core.program import program
from zen_core.session import Moment, State
from zen_core.trainer import End, Frame
from zen_core.weights import Layout, Shape
from zen_gui import theme
from zen_gui.plots.numbers import brief
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

READY = "Compiled kernels are ready: they serve the next run."


class Kernels(NamedTuple):
    """Where the compiled kernels of a precision stand: still being compiled, ready for a run that begins, or why there
    are none."""

    compiling: bool = False
    ready: bool = False
    trouble: str = ""


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
            return "Finished.", f"{_end(frame)}{_drift(frame)}"
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


def _end(frame: Frame) -> str:
    """Why the run ended; after its last epoch, when it was best."""
    told = frame.experiment
    match frame.end:
        case End.TARGET:
            return f"Reached the target loss {brief(told.target_loss)} at step {frame.step:,}. "
        case End.SECONDS:
            return f"Time is up: {brief(told.seconds)} s. "
        case End.PATIENCE if frame.best is not None:
            epochs = "1 epoch" if told.patience == 1 else f"{told.patience:,} epochs"
            return f"No better for {epochs}: the best weights, of step {frame.best.step:,}, are back. "
    if frame.best is None or not len(frame.validation_losses):
        return ""
    return f"Best validation at step {frame.best.step:,}. "


def reason(frame: Frame, kernels: Kernels) -> str:
    """Why the run is computed by what computes it."""
    if frame.backend != NUMPY:
        return "Compiled kernels compute this run."
    lacking = _without_kernel(frame.experiment)
    if lacking:
        return f"{lacking} has no compiled kernel: numpy computes this run."
    if kernels.compiling:
        return "Kernels are being compiled; the next run uses them."
    if kernels.ready:
        return READY
    return kernels.trouble or "numpy computes this run."


def _without_kernel(experiment: Experiment) -> str:
    """The name of the first layer that compiled code cannot run; empty where it can run all."""
    shape: Shape = (experiment.window, 1)
    for layer in experiment.layers:
        layout = Layout((layer,), shape)
        if program((layer,), layout) is None:
            return layer.title()
        shape = layout.shapes[-1]
    return ""


def _clipped(frame: Frame) -> str:
    """The share of steps whose gradient was clipped, where a clip is set."""
    if not frame.experiment.clip or not frame.step:
        return ""
    share = 100 * frame.clipped / frame.step
    return f"{'under 1' if 0 < share < 1 else f'{share:.0f}'} % of steps clipped"


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
        self._known: tuple[object, ...] = ()
        self._news = ""
        self._about = QLabel()
        self._about.setProperty("role", "caption")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(self._dot)
        layout.addWidget(self._state)
        layout.addWidget(self._sentence, 1)
        layout.addWidget(self._about)

    def show_moment(self, moment: Moment, kernels: Kernels) -> None:
        """Say what is going on."""
        state, sentence = sentences(moment)
        self._say(_DOTS[moment.state], state, sentence)
        frame, experiment = moment.frame, moment.frame.experiment
        known = frame.backend, experiment.layers, kernels, frame.step > 0
        if known != self._known:
            self._known = known
            why = reason(frame, kernels)
            self._about.setToolTip(why)
            self._about.setAccessibleDescription(why)
            # A run that has begun keeps what computes it.
            self._news = f"{READY[0].lower()}{READY[1:-1]}" if why == READY and frame.step else ""
        told = (self._news, _clipped(frame), frame.backend, experiment.dtype, f"seed {experiment.seed}")
        self._about.setText(" · ".join(filter(None, told)))

    def show_problem(self, problem: SpecError) -> None:
        """Say why the settings cannot be trained."""
        self._say("failed", "Cannot train.", str(problem))

    def _say(self, dot: Status, state: str, sentence: str) -> None:
        self._dot.set_status(dot)
        self._state.setText(state)
        self._sentence.setText(sentence)
