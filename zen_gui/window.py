"""The window: it puts document, session and panels together, and looks thirty times a second at what is new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QActionGroup, QCloseEvent, QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QMenu, QVBoxLayout, QWidget

from zen_core.backend import compilers
from zen_core.component import Remedy, SpecError
from zen_core.curve import Series
from zen_core.edits import differences, edited, setting_at, value_at
from zen_core.experiment import Experiment
from zen_core.session import Moment, Session, State
from zen_core.trainer import Trainer
from zen_gui import theme
from zen_gui.actions import COMMANDS, KeysForControls, actions, tooltip
from zen_gui.controls import Controls
from zen_gui.document import Document
from zen_gui.panels.banner import CUT, BannerPanel
from zen_gui.panels.curve import CurvePanel
from zen_gui.panels.loss import LossPanel
from zen_gui.panels.status import Kernels, StatusPanel
from zen_gui.panels.transport import NARROW, TransportPanel

TICK = 33
"""Milliseconds between two looks at the session."""

PATIENCE = 0.4
"""Seconds that closing waits for the worker; it is a daemon thread, so the process can end without it."""

NEXT_SEED = 2**32


class Window(QMainWindow):
    """The main window. `in_force` is the experiment that is being trained; the document's may be ahead of it."""

    #: Something went wrong in our own code, in any thread: a sentence and the traceback.
    fault = Signal(str, str)

    def __init__(self, experiment: Experiment, presets: Mapping[str, Experiment], settings: QSettings) -> None:
        super().__init__()
        self.setWindowTitle("Zen Playground")
        self.setMinimumSize(1100, 640)
        self.document: Document = Document(experiment, self)
        self.in_force = experiment
        self._presets = presets
        self._settings = settings
        self._problem: SpecError | None = None
        self._shown: Moment | None = None
        self._turn = False
        # After a rewind nothing would be lost, but what waited before it was not asked for.
        self._held = False
        self._series: Series | None = None
        # What each run's end is put off by: the epochs that the person asked for.
        self._stint = experiment.epochs
        self._kernels = Kernels()
        self._compiled_here: set[str] = set()

        self.actions_by_name = actions(self)
        self.controls = Controls(presets)
        self.transport = TransportPanel(self.actions_by_name)
        self.curve: CurvePanel = CurvePanel()
        self.loss: LossPanel = LossPanel()
        self.banner = BannerPanel()
        self.status = StatusPanel()
        self._arrange()
        self._fill_menus()

        KeysForControls(_app(), self)
        self.document.changed.connect(self._follow_document)
        self.document.undo_stack.canUndoChanged.connect(self._name_undo)
        self.document.undo_stack.indexChanged.connect(self._name_undo)
        self.controls.edited.connect(self.edit)
        self.controls.mended.connect(self._mend)
        self.controls.preset_chosen.connect(self.choose_preset)
        self.controls.apply_asked.connect(self.apply_waiting)
        self.controls.discard_asked.connect(self._discard)
        self.banner.cut_asked.connect(self._cut_rate)
        self.fault.connect(self.banner.show_fault)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._name_undo()
        # Last: its worker begins at once to load the kernels, which would hold up the building of the window.
        self.session = Session(Trainer(experiment))
        self._show_experiment()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK)

    # What a person can ask for.

    def edit(self, path: str, value: Any) -> None:
        """Give a setting another value; where it does not fit, the control says why."""
        try:
            self.document.edit(path, value)
        except SpecError as error:
            self.controls.refuse(path, error)
        else:
            self.controls.accept(path)

    def run_or_pause(self) -> None:
        """Train, or pause; after the last epoch, as many epochs more as the person asked for at first."""
        self.banner.expect()
        if self.session.active:
            self.session.pause()
        elif self.actions_by_name["run"].isEnabled():
            moment, stint = self.session.latest, self._stint
            if moment.state is State.FINISHED and self.in_force.epochs <= moment.frame.epoch:
                self.edit("epochs", moment.frame.epoch + stint)
                self._stint = stint
            self.session.run()

    def one_step(self) -> None:
        """Train on one batch."""
        if self.actions_by_name["step"].isEnabled():
            self.banner.expect()
            self.session.step()

    def rewind(self) -> None:
        """Back to step 0 with the same first weights; what waits goes on waiting."""
        self._held = self.document.experiment != self.in_force
        self._restart(self.in_force)

    def new_weights(self) -> None:
        """Back to step 0 with the weights of the next seed; what else waits goes on waiting."""
        self._held = self.document.experiment != self.in_force
        seed = (self.in_force.seed + 1) % NEXT_SEED
        self._restart(edited(self.in_force, "seed", seed))
        self.document.apply(edited(self.document.experiment, "seed", seed), "New weights")

    def apply_waiting(self) -> None:
        """Train what the controls show, from step 0."""
        if self._problem is None:
            self._restart(self.document.experiment)
            self.session.run()

    def choose_preset(self, name: str) -> None:
        """Take the curve and the data of a preset; network and training stay."""
        preset = self._presets[name]
        experiment = self.document.experiment
        for path in ("curve", "samples", "window", "validation", "test", "scaling", "noise"):
            experiment = edited(experiment, path, value_at(preset, path))
        self.document.apply(experiment, f"Take preset {name}")
        self.controls.revert("curve.expression")

    def choose_theme(self, name: str) -> None:
        """Dress the program in `"dark"`, `"light"`, or as the `"system"` says, and remember it."""
        self._settings.setValue("theme", name)
        theme.apply(_app(), theme.named(name))

    # From the document to the session.

    def _follow_document(self) -> None:
        """Live settings act at once. Others do where no training would be lost; else they wait."""
        experiment = self.document.experiment
        self._problem = _problem(experiment)
        if experiment.epochs != self.in_force.epochs:
            self._stint = experiment.epochs
        for path, _, value in differences(self.in_force, experiment):
            if setting_at(experiment, path).live:
                try:
                    self.session.retune(path, value)
                except SpecError as error:
                    self._problem = self._problem or error
                else:
                    self.in_force = edited(self.in_force, path, value)
        self._held = self._held and experiment != self.in_force
        if self._problem is None and self._nothing_to_lose() and not self._held and experiment != self.in_force:
            self._restart(experiment)
        else:
            self._show_experiment()

    def _nothing_to_lose(self) -> bool:
        return self.session.latest.frame.step == 0 and not self.session.active

    def _restart(self, experiment: Experiment) -> None:
        """Train `experiment` from step 0, in a new session. The old one's worker ends by itself."""
        trained = self.session.latest.frame.step > 0
        self.banner.expect()
        # The new one first: where it cannot be made, the old one goes on.
        session = Session(Trainer(experiment))
        self.session.stop()
        self.session, self.in_force = session, experiment
        if trained:
            self.loss.start_series()
        self._show_experiment()

    def _mend(self, remedy: Remedy) -> None:
        self.edit(remedy.path, remedy.value)

    def _discard(self) -> None:
        self.document.apply(self.in_force, "Discard waiting changes")

    def _cut_rate(self) -> None:
        rate = max(self.in_force.optimizer.lr / CUT, setting_at(self.in_force, "optimizer.lr").low or 0.0)
        slower = edited(self.in_force, "optimizer.lr", rate)
        self._held = self.document.experiment != self.in_force
        self._restart(slower)
        self.session.run()
        if type(self.document.experiment.optimizer) is type(slower.optimizer):
            self.edit("optimizer.lr", rate)

    # From document and session to the panels.

    def _show_waiting(self) -> None:
        """Draw the curve that waits for a restart over the one in force, where it is another."""
        waiting = None
        if self._problem is None:
            values = self.document.experiment.series().values
            waiting = None if np.array_equal(values, self.session.trainer.series.values) else values
        self.curve.show_waiting(waiting)

    def _show_experiment(self) -> None:
        self.controls.show_experiment(self.document.experiment, self.in_force, self._problem)
        waits = self.document.experiment != self.in_force
        self.actions_by_name["apply"].setEnabled(waits and self._problem is None)
        stuck = self._problem is not None and self._nothing_to_lose()
        for command in COMMANDS:
            if command.name in ("run", "step"):
                action = self.actions_by_name[command.name]
                action.setEnabled(not stuck)
                action.setToolTip(str(self._problem) if stuck else tooltip(command))
        self._show_waiting()
        self._shown = None
        self._tick()

    def _tick(self) -> None:
        moment, kernels = self.session.latest, self._look_for_kernels()
        if moment is self._shown and kernels == self._kernels:
            return
        self._shown, self._kernels = moment, kernels
        with self.session.courtesy():
            self._show(moment)
            # Paint now, while the worker holds still.
            QCoreApplication.sendPostedEvents(self, QEvent.Type.UpdateRequest)

    def _show(self, moment: Moment) -> None:
        if moment.frame.series is not self._series:
            self._series = moment.frame.series
            self.curve.show_series(self._series)
        # One plot a look: two repaints in a row would be felt at the mouse.
        self._turn = not self._turn
        if self._turn or moment.state is not State.RUNNING:
            self.curve.show_frame(moment.frame)
        if not self._turn or moment.state is not State.RUNNING:
            self.loss.show_frame(moment.frame)
        self.transport.show_moment(moment)
        self.banner.show_moment(moment)
        if self._problem is not None and self._nothing_to_lose():
            self.status.show_problem(self._problem)
        else:
            self.status.show_moment(moment, self._kernels)

    def _look_for_kernels(self) -> Kernels:
        """Where the kernels stand that could compute what is in force; it only looks, and never waits."""
        dtype = self.in_force.dtype
        compiler = compilers[dtype]
        if compiler.compiling:
            self._compiled_here.add(dtype)
            return Kernels(compiling=True)
        compiled = dtype in self._compiled_here and not compiler.trouble
        return Kernels(ready=compiled or compiler.loaded is not None, trouble=compiler.trouble)

    # The window itself.

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = event.size()
        self.transport.set_narrow(size.width() < NARROW)
        self.controls.setFixedWidth(theme.scaled(312 if size.width() >= NARROW else 288))
        self.loss.setFixedHeight(theme.scaled(240 if size.height() >= 800 else 208))
        self.transport.setFixedHeight(theme.scaled(58 if size.height() >= 800 else 54))
        if (event.oldSize().height() < 800) != (size.height() < 800) or not event.oldSize().isValid():
            self.controls.fold_for_height(size.height())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # No field has the keyboard at first, so that Space runs.
        self.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._timer.stop()
        self.session.stop()
        self.session.join(PATIENCE)
        super().closeEvent(event)

    def _arrange(self) -> None:
        right = QVBoxLayout()
        right.setSpacing(1)
        right.addWidget(self.banner)
        right.addWidget(self.curve, 1)
        right.addWidget(self.loss)
        body = QHBoxLayout()
        body.setSpacing(1)
        body.addWidget(self.controls)
        body.addLayout(right, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 1, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.transport)
        column.addLayout(body, 1)
        column.addWidget(self.status)
        self.setCentralWidget(whole)

    def _fill_menus(self) -> None:
        bar = self.menuBar()
        menus: dict[str, QMenu] = {}
        for command in COMMANDS:
            if command.menu not in menus:
                menus[command.menu] = bar.addMenu(command.menu)
            if command.separated:
                menus[command.menu].addSeparator()
            menus[command.menu].addAction(self.actions_by_name[command.name])
        themes = menus["View"].addMenu("Theme")
        group = QActionGroup(self)
        for name in theme.NAMES:
            action = group.addAction(name.capitalize())
            action.setCheckable(True)
            action.setChecked(name == self._settings.value("theme", "system"))
            action.triggered.connect(lambda _=False, name=name: self.choose_theme(name))
            themes.addAction(action)

    def _name_undo(self, *_: object) -> None:
        stack = self.document.undo_stack
        for name, can, text in (
            ("undo", stack.canUndo(), stack.undoText()),
            ("redo", stack.canRedo(), stack.redoText()),
        ):
            action = self.actions_by_name[name]
            action.setEnabled(can)
            action.setText(f"{name.capitalize()} {text[:1].lower()}{text[1:]}".strip())

    def _follow_system(self, _: Qt.ColorScheme) -> None:
        if self._settings.value("theme", "system") == "system":
            self.choose_theme("system")


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app


def _problem(experiment: Experiment) -> SpecError | None:
    """Why an experiment cannot be trained."""
    try:
        experiment.series()
        experiment.layout()
    except SpecError as error:
        return error
    return None
