"""The transport: the buttons that run a training, how far it is, and its scores."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QElapsedTimer, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from zen_core.forecast import Baseline
from zen_core.session import Moment, State
from zen_gui import theme
from zen_gui.plots.numbers import brief, scientific
from zen_gui.widgets.legend import LineSample

INTERVAL = 200
"""Milliseconds that a number stays, so that it can be read."""

NARROW = 1360
"""Below this width the buttons lose their words."""


class TransportPanel(QWidget):
    """Run, step and rewind; step, epoch and speed; and how good the forecasts are."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self._age = QElapsedTimer()
        self._state: State | None = None
        self._baselines: tuple[Baseline, ...] = ()
        self._run_action = actions["run"]

        self._run = QPushButton("Run")
        self._run.setProperty("role", "primary")
        self._run.setFixedSize(theme.scaled(92), theme.scaled(34))
        self._run.setIconSize(QSize(16, 16))
        self._run.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._run.clicked.connect(self._run_action.trigger)
        self._run.setToolTip(self._run_action.toolTip())
        self._run_action.changed.connect(self._follow_run)
        self._buttons = [_button(actions[name]) for name in ("step", "rewind", "new_weights")]

        self._step = QLabel("Step 0")
        self._step.setFont(theme.font("title"))
        self._total = QLabel()
        self._total.setProperty("role", "secondary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName("Progress")
        self._epoch = QLabel()
        self._epoch.setProperty("role", "secondary")
        self._speed = QLabel()
        self._speed.setProperty("role", "secondary")

        self._fed_truth = _Score("fed the truth", "fed_truth")
        self._fed_itself = _Score("fed itself", "fed_itself")
        self._valid = _Score("valid for", None)
        self._fed_truth.setToolTip("One-step forecast: mean squared error over the test part")
        self._valid.setToolTip("Steps before the free run's first error above 20 % of the curve's amplitude")

        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(4)
        layout.addWidget(self._run)
        layout.addSpacing(6)
        for button in self._buttons:
            layout.addWidget(button)
        layout.addSpacing(8)
        layout.addWidget(_upright())
        layout.addSpacing(12)
        layout.addWidget(self._progress())
        layout.addStretch(1)
        layout.addWidget(self._fed_truth)
        layout.addSpacing(16)
        layout.addWidget(self._fed_itself)
        layout.addSpacing(12)
        layout.addWidget(_upright())
        layout.addSpacing(12)
        layout.addWidget(self._valid)

    def show_moment(self, moment: Moment) -> None:
        """Show how far the training is; while it runs, numbers change at most five times a second."""
        if moment.state is not self._state:
            self._show_state(moment.state)
        elif moment.state is State.RUNNING and self._age.isValid() and self._age.elapsed() < INTERVAL:
            return
        self._age.start()
        frame = moment.frame
        self._step.setText(f"Step {frame.step:,}")
        self._total.setText(f"of {frame.total_steps:,}")
        self._bar.setValue(round(1000 * frame.step / max(1, frame.total_steps)))
        self._epoch.setText(f"Epoch {frame.epoch:,}")
        running = moment.state is State.RUNNING
        self._speed.setText(f"{moment.steps_per_second:,.0f} steps/s" if running else "")
        if frame.baselines is not self._baselines:
            self._baselines = frame.baselines
            rules = "".join(f"<br>{rule.name}: {_mse(rule.mse)}" for rule in frame.baselines)
            self._fed_itself.setToolTip(f"Free run: mean squared error over the test part. For comparison:{rules}")
        forecast = frame.forecast
        if forecast is None:
            for score in (self._fed_truth, self._fed_itself, self._valid):
                score.show_number("–")
            return
        self._fed_truth.show_number(_mse(forecast.one_step_mse))
        self._fed_itself.show_number(_mse(forecast.free_run_mse))
        more = "+" if forecast.valid_to_end else ""
        self._valid.show_number(
            f"{forecast.valid_steps:,}{more} step{'' if forecast.valid_steps == 1 and not more else 's'}"
        )

    def set_narrow(self, narrow: bool) -> None:
        """Take the words from the buttons, or give them back; tooltips stay."""
        style = Qt.ToolButtonStyle.ToolButtonIconOnly if narrow else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for button in self._buttons:
            button.setToolButtonStyle(style)

    def _show_state(self, state: State) -> None:
        self._state = state
        running = state is State.RUNNING
        title = "Pause" if running else "Train on" if state is State.FINISHED else "Run"
        self._run.setText(title)
        self._run.setIcon(theme.icon("pause" if running else "run", "on_accent"))
        self._run_action.setText(title)
        self._run_action.setIcon(theme.icon("pause" if running else "run"))

    def _follow_run(self) -> None:
        self._run.setEnabled(self._run_action.isEnabled())
        self._run.setToolTip(self._run_action.toolTip())

    def _progress(self) -> QWidget:
        """Step and epoch around a thin bar, in a room that does not change with the numbers."""
        box = QWidget()
        box.setFixedWidth(theme.scaled(200))
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for left, right in ((self._step, self._total), (self._epoch, self._speed)):
            row = QHBoxLayout()
            row.addWidget(left)
            row.addStretch(1)
            row.addWidget(right)
            column.addLayout(row)
        column.insertWidget(1, self._bar)
        return box


class _Score(QWidget):
    """A number under its name, in a room that does not change with it."""

    def __init__(self, name: str, line: str | None) -> None:
        super().__init__()
        self.setMinimumWidth(theme.scaled(86))
        label = QLabel(name)
        label.setProperty("role", "secondary")
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addStretch(1)
        if line is not None:
            head.addWidget(LineSample(line))
        head.addWidget(label)
        self._number = QLabel("–")
        self._number.setProperty("role", "score")
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._name = name
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._number)

    def show_number(self, text: str) -> None:
        self._number.setText(text)
        self._number.setAccessibleName(f"{self._name} {text}")


def _mse(value: float | None) -> str:
    if value is None:
        return "–"
    return brief(value) if 0.1 <= value < 1e4 else scientific(value, 2)


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFixedHeight(theme.scaled(32))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text())
    return button


def _upright() -> QFrame:
    line = QFrame()
    line.setProperty("role", "upright")
    line.setFixedWidth(1)
    return line
