"""The whole window, worked by a person with mouse and keys, while a network trains."""

from __future__ import annotations

import json
import math
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from acting import GENEROUS, NO_SCREEN, SMALL, Person, changed, text_of, workers
from conftest import SitDown
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from zen_core import __main__ as command_line
from zen_core.component import SpecError, to_plain
from zen_core.curve import Formula
from zen_core.experiment import Experiment
from zen_core.nn import RNN, Linear
from zen_core.optim import SGD
from zen_core.session import Session, State
from zen_core.trainer import Trainer
from zen_gui import theme
from zen_gui.actions import KeysForControls
from zen_gui.editor import entries_of
from zen_gui.stack import Card
from zen_gui.widgets.elided_label import ElidedLabel
from zen_gui.widgets.number_field import NumberField
from zen_gui.widgets.section import Section

pytestmark = pytest.mark.qt_log_ignore(*NO_SCREEN)

FEW_EPOCHS = changed(epochs=3)
WILD = changed(optimizer=SGD(lr=10.0), curve=Formula(expression="x*sin(x)", step=0.25))
SIZES = [(1440, 900), (1280, 720), (1100, 640)]


def truth(person: Person) -> list[float]:
    """The white line."""
    values: list[float] = person.window.curve.truth.points()[1].tolist()
    return values


def samples(experiment: Experiment) -> list[float]:
    values: list[float] = experiment.series().values.tolist()
    return values


def edits(person: Person) -> Experiment:
    return person.window.document.experiment


# ── Typing a formula ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_curve_redraws_at_each_key_that_makes_a_formula(sit_down: SitDown) -> None:
    person = sit_down()
    person.click(person.formula())
    person.press("End")
    seen = []
    for character in "*2+x":
        person.type(character)
        person.settle()
        seen.append(truth(person))
    expressions = ["sin(x)", "sin(x)*2", "sin(x)*2", "sin(x)*2+x"]
    assert seen == [samples(changed(curve__expression=expression)) for expression in expressions]
    assert person.formula().text() == "sin(x)*2+x"


def test_a_wrong_formula_is_told_and_marked_while_the_last_good_curve_stays(sit_down: SitDown) -> None:
    person = sit_down()
    before = truth(person)
    person.write("2*sine(x)")
    # On the way there it was a formula, with a letter s.
    assert edits(person).curve.expression == "2*s"
    assert "Unknown function 'sine'. Did you mean 'sin'?" in person.errors()
    field = person.formula()
    assert field.property("state") == "error"
    assert field._marked == (2, 6), "the wave runs under 'sine'"
    assert truth(person) == [2.0] * len(before)

    person.press("Home")
    for _ in range(5):
        person.press("Right")
    person.press("Del")
    assert field.text() == "2*sin(x)"
    assert person.errors() == []
    assert field.property("state") != "error"
    assert truth(person) == samples(changed(curve__expression="2*sin(x)"))


def test_a_formula_that_is_nowhere_a_number_says_so_and_stops_nothing(sit_down: SitDown) -> None:
    person = sit_down()
    before = truth(person)
    person.window.edit("curve.expression", "log(x-5)")
    person.settle()
    assert any("not a finite number" in sentence for sentence in person.errors(person.section("Curve")))
    assert truth(person) == before
    assert not person.button("Run").isEnabled()
    person.write("log(x+5)")
    assert person.errors() == []
    assert person.button("Run").isEnabled()


def test_letters_of_the_formula_come_and_go_with_it(sit_down: SitDown) -> None:
    person = sit_down()
    person.write("a*sin(b*x)")
    person.enter("a", "2")
    person.enter("b", "0.5")
    assert truth(person) == samples(changed(curve=Formula(expression="2*sin(0.5*x)", step=0.25)))
    person.write("a*x")
    assert person.all(NumberField, "b") == []
    assert person.field("a").number == 2


def test_space_in_the_formula_is_a_space(sit_down: SitDown) -> None:
    person = sit_down()
    person.click(person.formula())
    person.press("End")
    person.press("Space")
    person.press("Right")
    person.type("+ rn")
    assert person.formula().text() == "sin(x) + rn"
    assert person.state is State.READY
    assert person.step == 0


def test_an_expression_that_waits_is_marked_at_its_field(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(3)
    person.write("cos(x)")
    assert person.formula().property("state") == "waiting"
    person.click("Discard")
    assert person.formula().text() == "sin(x)"
    assert person.formula().property("state") == ""


def test_choosing_a_preset_takes_a_wrong_formula_away_even_where_the_curve_stays_the_same(sit_down: SitDown) -> None:
    person = sit_down(presets={"Sine": SMALL})
    person.write("sin(x)+")
    assert person.errors()
    person.window.choose_preset("Sine")
    assert person.formula().text() == "sin(x)"
    assert person.errors() == []


# ── Run, pause, step, rewind ─────────────────────────────────────────────────────────────────────────────────────────


def test_at_first_it_is_untrained_and_says_what_to_press(sit_down: SitDown) -> None:
    person = sit_down()
    assert person.status().startswith("Untrained. Press Run or Space.")
    assert person.reads("Appears when you press Run.")
    assert truth(person) == samples(SMALL)
    person.until(lambda: len(person.window.curve.fed_itself.points()[1]) == 24 + 20)


def test_space_runs_and_pauses(sit_down: SitDown) -> None:
    person = sit_down()
    person.press("Space")
    person.wait_for(State.RUNNING)
    assert text_of(person.button("Pause")) == "Pause"
    person.until(lambda: len(person.window.loss.raw.points()[1]) > 20)
    person.until(lambda: person.window.session.latest.frame.forecast.step > 0)
    person.press("Space")
    person.wait_for(State.PAUSED)
    assert text_of(person.button("Run")) == "Run"
    step = person.step
    assert person.status().startswith(f"Paused at step {step:,}.")
    assert person.reads(f"Step {step:,}")
    # What is shown belongs to the step at which it stands.
    person.until(lambda: person.window.session.latest.frame.forecast.step == step)
    forecast = person.window.session.latest.frame.forecast
    person.until(lambda: np.array_equal(person.window.curve.fed_itself.points()[1], forecast.free_run))
    assert np.array_equal(person.window.curve.fed_truth.points()[1], forecast.one_step)
    person.until(lambda: person.window.loss.raw.points()[1].tolist() == person.losses)
    assert len(person.losses) == step
    assert np.mean(person.losses[-5:]) < np.mean(person.losses[:5])


def test_the_mouse_runs_and_pauses(sit_down: SitDown) -> None:
    person = sit_down()
    person.click("Run")
    person.wait_for(State.RUNNING)
    person.click("Pause")
    person.wait_for(State.PAUSED)


def test_pausing_while_a_forecast_is_made_pauses(sit_down: SitDown, monkeypatch: pytest.MonkeyPatch) -> None:
    forecasting = Trainer.forecasting
    inside, go_on = threading.Event(), threading.Event()

    def slow(self: Trainer) -> Iterator[Any]:
        yield None
        if self.step:
            inside.set()
            go_on.wait(GENEROUS / 1000)
        yield from forecasting(self)

    monkeypatch.setattr(Trainer, "forecasting", slow)
    person = sit_down()
    person.press("Space")
    person.until(inside.is_set)
    person.wait_for(State.RUNNING)
    person.press("Space")
    go_on.set()
    person.wait_for(State.PAUSED)


@pytest.fixture
def slow_to_wake(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A worker that is told to run but has no time yet to say so: (it has heard, it may go on)."""
    train, heard, go_on = Session._train, threading.Event(), threading.Event()

    def slow(self: Session) -> None:
        heard.set()
        go_on.wait(GENEROUS / 1000)
        train(self)

    monkeypatch.setattr(Session, "_train", slow)
    yield heard, go_on
    go_on.set()


def test_space_twice_in_a_row_leaves_it_at_rest(sit_down: SitDown, slow_to_wake: Any) -> None:
    heard, go_on = slow_to_wake
    person = sit_down()
    person.press("Space")
    heard.wait(GENEROUS / 1000)
    person.press("Space")
    go_on.set()
    person.qtbot.waitUntil(lambda: person.state is State.PAUSED, timeout=3000)


def test_an_edit_right_after_run_does_not_swallow_the_run(sit_down: SitDown, slow_to_wake: Any) -> None:
    heard, go_on = slow_to_wake
    person = sit_down()
    person.press("Space")
    heard.wait(GENEROUS / 1000)
    person.window.edit("window", 12)
    go_on.set()
    person.qtbot.waitUntil(lambda: person.step > 0, timeout=3000)


def test_a_run_whose_first_step_takes_long_says_at_once_that_it_runs(
    sit_down: SitDown, monkeypatch: pytest.MonkeyPatch
) -> None:
    following, go_on = Trainer.__next__, threading.Event()

    def slow(self: Trainer) -> Any:
        go_on.wait(GENEROUS / 1000)
        return following(self)

    monkeypatch.setattr(Trainer, "__next__", slow)
    person = sit_down()
    try:
        person.press("Space")
        person.qtbot.waitUntil(lambda: bool(person.buttons("Pause")), timeout=3000)
        assert person.status().startswith("Running.")
    finally:
        go_on.set()


def test_space_on_a_focused_button_presses_that_button(sit_down: SitDown) -> None:
    person = sit_down()
    for name, pressed in (("train", lambda: person.button("train").isChecked()),):
        person.focus(person.button(name))
        assert pressed()
        person.press("Space")
        assert not pressed()
    person.focus(person.button("Step"))
    person.press("Space")
    person.until(lambda: person.step == 1)
    person.focus(person.find(QCheckBox, "Sequence"))
    person.press("Space")
    assert edits(person).layers[0].return_sequences
    assert person.step == 1
    assert person.state is not State.RUNNING


def test_space_on_a_layer_or_a_slider_runs(sit_down: SitDown) -> None:
    person = sit_down()
    person.focus(person.cards()[0])
    person.press("Space")
    person.wait_for(State.RUNNING)
    (slider,) = person.row("Learning rate").findChildren(QAbstractSlider)
    person.focus(slider)
    person.press("Space")
    person.wait_for(State.PAUSED)


def test_after_enter_in_a_number_space_runs(sit_down: SitDown) -> None:
    person = sit_down()
    person.enter("Hidden", "6")
    person.press("Space")
    person.qtbot.waitUntil(lambda: person.step > 0, timeout=3000)
    assert person.field("Hidden").text() == "6"


def test_undo_works_right_after_enter_in_a_number(sit_down: SitDown) -> None:
    person = sit_down()
    person.enter("Window", "20")
    person.press("Ctrl+Z")
    assert edits(person) == SMALL
    person.press("Ctrl+Shift+Z")
    assert edits(person).window == 20


def test_a_number_still_being_typed_is_taken_before_space_runs(sit_down: SitDown) -> None:
    person = sit_down()
    field = person.field("Window")
    person.focus(field)
    field.selectAll()
    person.type("20")
    person.press("Space")
    person.until(lambda: person.step > 0)
    assert field.text() == "20"
    assert person.window.in_force.window == 20


def test_a_key_held_down_goes_on_stepping_but_runs_and_rewinds_once(sit_down: SitDown) -> None:
    actions = sit_down().window.actions_by_name
    assert actions["step"].autoRepeat()
    for name in ("run", "rewind", "new_weights", "apply", "log"):
        assert not actions[name].autoRepeat(), name


def test_only_events_of_the_control_with_the_keyboard_pass_through_python(
    sit_down: SitDown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would wait for the interpreter, which training and the loading of kernels hold."""
    seen: list[QObject] = []

    def look(self: KeysForControls, watched: QObject, event: QEvent) -> bool:
        seen.append(watched)
        return False

    monkeypatch.setattr(KeysForControls, "eventFilter", look)
    person = sit_down()
    field, combo = person.field("Window"), person.find(QComboBox, "Optimizer")
    for control in (field, combo, person.window):
        person.focus(control)
        person.settle()
        seen.clear()
        person.window.resize(1300, 800)
        person.settle()
        person.press("Shift")
        assert set(seen) == {control}


def test_letters_typed_into_a_list_choose_there_and_command_nothing(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(3)
    step = person.step
    combo = person.find(QComboBox, "Optimizer")
    person.focus(combo)
    person.press("R")
    person.settle()
    assert person.step == step, "R in the list of optimizers must not throw the training away"
    assert edits(person).optimizer.title() == "RMSProp"


def test_right_makes_one_step_and_pauses(sit_down: SitDown) -> None:
    person = sit_down()
    for number in range(1, 4):
        person.press("Right")
        person.until(lambda number=number: person.status().startswith(f"Paused at step {number}."))
        assert person.step == number


def test_rewind_brings_the_same_first_weights_and_the_same_losses(sit_down: SitDown) -> None:
    person = sit_down()
    first = person.window.session.latest.frame.weights
    person.train(40)
    losses = person.losses
    person.press("R")
    person.wait_for(State.READY)
    assert person.step == 0
    assert np.array_equal(person.window.session.latest.frame.weights, first)
    person.train(len(losses))
    assert person.losses[: len(losses)] == losses
    assert person.window.in_force == SMALL


def test_the_run_before_stays_as_a_grey_line(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(30)
    assert len(person.window.loss.previous.points()[1]) == 0
    losses = person.losses
    person.press("R")
    person.settle()
    assert len(person.window.loss.previous.points()[1]) == len(losses)
    assert len(person.window.loss.raw.points()[1]) == 0


@pytest.mark.parametrize("act", ["R", "N", "beyond"])
def test_a_zoom_of_the_curve_outlasts_a_restart(sit_down: SitDown, act: str) -> None:
    person = sit_down()
    person.train(5)
    plot = person.window.curve.plot
    plot.setFocus()
    center = plot.viewport().rect().center()
    for _ in range(3):
        wheel(plot.viewport(), center)
    before = plot.mapping()
    assert before.right - before.left < 100
    if act == "beyond":
        person.enter("Beyond the data", "60")
        person.until(lambda: len(person.window.session.latest.frame.series.beyond) == 60)
    else:
        person.press(act)
        person.wait_for(State.READY)
    person.settle()
    after = plot.mapping()
    assert (after.left, after.right) == (before.left, before.right)


def wheel(viewport: QWidget, place: QPoint) -> None:
    none, still = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        QPointF(place), QPointF(viewport.mapToGlobal(place)), QPoint(), QPoint(0, 240), none, still,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


def test_rewinding_while_it_runs_leaves_it_at_rest_at_step_0(sit_down: SitDown) -> None:
    person = sit_down()
    person.press("Space")
    person.until(lambda: person.step > 10)
    person.press("R")
    person.wait_for(State.READY)
    assert person.step == 0


def test_new_weights_takes_the_next_seed_and_the_noise_stays(sit_down: SitDown) -> None:
    person = sit_down(changed(noise=0.2, noise_seed=5))
    before, weights = truth(person), person.window.session.latest.frame.weights
    person.train(3)
    person.press("N")
    person.wait_for(State.READY)
    assert edits(person) == person.window.in_force == changed(noise=0.2, noise_seed=5, seed=1)
    assert truth(person) == before
    assert not np.array_equal(person.window.session.latest.frame.weights, weights)
    assert person.status().endswith("seed 1")
    person.press("N")
    assert edits(person).seed == 2


def test_after_the_greatest_seed_comes_the_first(sit_down: SitDown) -> None:
    person = sit_down(changed(seed=2**32 - 1))
    person.press("N")
    assert edits(person).seed == 0


def test_new_weights_can_be_undone(sit_down: SitDown) -> None:
    person = sit_down()
    weights = person.window.session.latest.frame.weights
    person.press("N")
    person.press("Ctrl+Z")
    assert edits(person) == SMALL
    assert np.array_equal(person.window.session.latest.frame.weights, weights)


# ── Settings that act at once ────────────────────────────────────────────────────────────────────────────────────────


def test_a_live_change_acts_on_the_running_training_and_is_recorded(sit_down: SitDown) -> None:
    person = sit_down(changed(schedule="Constant"))
    person.press("Space")
    person.until(lambda: person.step > 20)
    session = person.window.session
    person.enter("Learning rate", "0.0005")
    person.until(lambda: person.window.session.latest.frame.changes)
    (change,) = session.latest.frame.changes
    assert (change.path, change.value, change.old) == ("optimizer.lr", 0.0005, SMALL.optimizer.lr)
    person.until(lambda: person.step > change.step + 20)
    assert person.window.session is session, "no restart"
    assert person.state is State.RUNNING
    rates = np.asarray(session.latest.frame.rates)
    assert set(rates[: change.step]) == {SMALL.optimizer.lr}
    assert set(rates[change.step :]) == {0.0005}
    assert person.window.in_force.optimizer.lr == 0.0005
    assert person.waiting() == ""
    assert person.mark("Learning rate") == "live"


def test_a_replay_of_the_recorded_changes_gives_the_same_losses(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.enter("Learning rate", "0.01")
    person.enter("Batch size", "5")
    person.open("More of training")
    person.enter("Clip", "0.1")
    person.train(40)
    person.until(lambda: len(person.window.session.latest.frame.changes) == 3)
    replay = Trainer(SMALL, person.window.session.latest.frame.changes)
    assert [next(replay).loss for _ in person.losses] == person.losses


def test_undo_of_a_live_change_tunes_back(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.enter("Learning rate", "0.01")
    person.look_away()
    person.press("Ctrl+Z")
    person.until(lambda: len(person.window.session.latest.frame.changes) == 2)
    there, back = person.window.session.latest.frame.changes
    assert (there.value, back.value) == (0.01, SMALL.optimizer.lr)
    assert person.window.in_force == edits(person) == SMALL
    assert person.step > 0


def test_a_dragged_slider_can_be_undone_at_once(sit_down: SitDown) -> None:
    person = sit_down()
    (slider,) = person.row("Learning rate").findChildren(QAbstractSlider)
    person.focus(slider)
    for _ in range(5):
        person.press("Right")
    assert edits(person).optimizer.lr > SMALL.optimizer.lr
    assert person.step == 0
    person.look_away()
    person.press("Ctrl+Z")
    assert edits(person) == SMALL


def test_a_batch_that_is_too_large_for_memory_never_reaches_the_training(sit_down: SitDown) -> None:
    person = sit_down(changed(samples=2000, window=600, layers=(RNN(hidden_dim=256), Linear(1)), beyond=0, test=0.0))
    person.press("Right")
    person.until(lambda: person.step == 1)
    person.enter("Batch size", "4096")
    assert any("One step would hold" in sentence for sentence in person.errors())
    assert person.window.in_force.batch_size == 16
    person.press("R")
    person.settle()
    assert person.window.isVisible()


# ── Settings that need a restart ─────────────────────────────────────────────────────────────────────────────────────


def test_untrained_every_change_acts_at_once(sit_down: SitDown) -> None:
    person = sit_down()
    person.enter("Window", "20")
    person.enter("Hidden", "5")
    person.choose("Optimizer", "SGD")
    person.open("More of training")
    person.choose("Loss", "MAE")
    assert edits(person) == person.window.in_force
    assert person.waiting() == ""
    assert person.window.session.trainer.experiment == edits(person)
    assert person.mark("Window") == "restart"


def test_once_trained_a_restart_setting_waits_and_is_named(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    session, step, before = person.window.session, person.step, truth(person)
    person.enter("Window", "20")
    assert person.waiting() == "1 change waits: window"
    assert person.mark("Window") == "waiting"
    person.look_away()
    assert person.field("Window").text() == "10 → 20"
    assert person.field("Window").property("state") == "waiting"
    person.enter("Samples", "100")
    assert person.waiting() == "2 changes wait: window, samples"
    assert truth(person) == before
    assert person.window.session is session
    assert person.step == step
    assert person.window.in_force == SMALL
    person.train(5)
    assert person.window.session is session
    assert person.waiting() == "2 changes wait: window, samples"


def test_a_waiting_layer_is_named_by_its_place(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(3)
    person.enter("Hidden", "12")
    assert person.waiting() == "1 change waits: hidden of layer 1"


def test_a_moved_layer_reads_well_in_the_apply_bar(sit_down: SitDown) -> None:
    person = sit_down(changed(layers=(RNN(hidden_dim=4), Linear(3), Linear(1))))
    person.train(3)
    person.window.edit("layers", ("RNN", "Tanh", "Linear"))
    assert "layers of layer" not in person.waiting()


def test_a_waiting_letter_is_named_as_its_row_is(sit_down: SitDown) -> None:
    person = sit_down(changed(curve__expression="a*sin(b*x)"))
    person.train(3)
    person.enter("a", "2")
    assert person.waiting() == "1 change waits: a"


def test_apply_and_restart_trains_what_is_shown(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.enter("Window", "20")
    person.click("Apply and restart")
    person.wait_for(State.RUNNING)
    assert person.window.in_force == changed(window=20)
    assert person.waiting() == ""
    assert person.window.session.trainer.experiment.window == 20
    assert person.mark("Window") == "restart"


def test_discard_goes_back_to_what_is_trained_and_can_be_undone(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    session, step = person.window.session, person.step
    person.enter("Window", "20")
    person.enter("Hidden", "5")
    person.click("Discard")
    assert edits(person) == SMALL
    assert person.waiting() == ""
    person.look_away()
    assert person.field("Window").text() == "10"
    person.press("Ctrl+Z")
    assert edits(person).window == 20
    assert person.waiting() == "2 changes wait: window, hidden of layer 1"
    assert person.window.session is session
    assert person.step == step


def test_undo_of_a_waiting_change_leaves_nothing_waiting_and_the_training_as_it_is(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    session, step = person.window.session, person.step
    person.enter("Window", "20")
    person.look_away()
    person.press("Ctrl+Z")
    assert person.waiting() == ""
    assert person.field("Window").text() == "10"
    assert person.mark("Window") == "restart"
    person.press("Ctrl+Shift+Z")
    assert person.waiting() == "1 change waits: window"
    assert person.window.session is session
    assert person.step == step


def test_what_waits_goes_on_waiting_through_a_rewind(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.enter("Window", "20")
    person.look_away()
    person.press("R")
    person.wait_for(State.READY)
    assert person.window.in_force == SMALL
    assert person.waiting() == "1 change waits: window"


def test_what_waits_goes_on_waiting_through_new_weights(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.enter("Window", "20")
    person.look_away()
    person.press("N")
    person.wait_for(State.READY)
    assert person.window.in_force == changed(seed=1)
    assert person.waiting() == "1 change waits: window"


def test_a_waiting_optimizer_does_not_lend_its_rate_to_the_one_in_force(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.choose("Optimizer", "SGD")
    person.enter("Learning rate", "0.5")
    assert person.waiting() == "1 change waits: optimizer"
    assert person.window.in_force.optimizer == SMALL.optimizer
    assert person.window.session.latest.frame.changes == ()


def test_a_preset_brings_curve_and_data_and_leaves_the_network(sit_down: SitDown) -> None:
    preset = changed(Experiment(), curve__expression="cos(2x)", samples=200, window=15, noise=0.1)
    person = sit_down(presets={"Saw": SMALL, "Noisy": preset})
    person.choose_from_menu("Presets", "Noisy")
    assert edits(person) == changed(curve=preset.curve, samples=200, window=15, noise=0.1)
    assert person.formula().text() == "cos(2x)"
    assert truth(person) == samples(edits(person))
    person.press("Ctrl+Z")
    assert edits(person) == SMALL


def test_a_preset_waits_where_there_is_a_training_to_lose(sit_down: SitDown) -> None:
    preset = changed(Experiment(), curve__expression="cos(2x)", samples=200, window=15)
    person = sit_down(presets={"Cosine": preset})
    person.train(5)
    before = truth(person)
    person.choose_from_menu("Presets", "Cosine")
    assert person.waiting().startswith("4 changes wait: ")
    assert truth(person) == before
    person.click("Apply and restart")
    person.until(lambda: truth(person) == samples(changed(curve=preset.curve, samples=200, window=15)))


# ── What cannot be trained ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_window_longer_than_the_training_part_disables_run_and_can_be_mended(
    sit_down: SitDown, size: tuple[int, int]
) -> None:
    person = sit_down(size=size)
    person.window.edit("window", 100)
    sentence = "Window 100 does not fit the training part (72 samples). Use a window of at most 71."
    assert person.status().startswith(f"Cannot train. {sentence}")
    assert not person.button("Run").isEnabled()
    assert not person.button("Step").isEnabled()
    person.look_away()
    person.press("Space")
    assert person.state is State.READY
    person.click("Use 71")
    assert edits(person).window == 71
    assert person.errors() == []
    assert person.button("Run").isEnabled()
    person.train(1)


def test_what_cannot_be_trained_waits_and_cannot_be_applied_while_the_training_goes_on(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    person.enter("Window", "100")
    assert not person.button("Apply and restart").isEnabled()
    assert person.button("Run").isEnabled()
    person.train(5)
    person.press("Ctrl+Return")
    assert person.window.in_force == SMALL
    person.click("Discard")
    assert person.errors() == []


def test_rewind_and_new_weights_work_while_the_settings_cannot_be_trained(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(5)
    person.enter("Window", "100")
    person.look_away()
    for key in "RN":
        person.press(key)
        person.settle()
        assert person.window.in_force.window == 10
    assert person.status().startswith("Cannot train.")


def test_a_refused_number_stays_to_be_mended(sit_down: SitDown) -> None:
    person = sit_down()
    person.enter("Window", "9000")
    assert person.field("Window").text() == "9000"
    assert any("9000" in sentence for sentence in person.errors())
    assert edits(person) == SMALL
    person.press("Escape")
    assert person.field("Window").text() == "10"
    assert person.errors() == []


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_divergence_is_told_the_weights_stay_and_a_smaller_rate_trains(sit_down: SitDown) -> None:
    person = sit_down(WILD)
    person.look_away()
    person.press("Space")
    person.wait_for(State.DIVERGED)
    step = person.step
    assert person.status().startswith(f"Diverged at step {step + 1:,}, in layer ")
    assert person.reads(f"Diverged at step {step + 1:,}", person.window.banner)
    assert np.isfinite(person.window.session.latest.frame.weights).all()
    assert np.isfinite(person.losses).all()
    first = person.losses[0]
    rate = 10.0
    while rate > 0.1:
        person.wait_for(State.DIVERGED)
        person.click("Rewind, rate ÷ 3")
        rate /= 3
        assert edits(person).optimizer.lr == pytest.approx(rate)
        person.until(lambda: person.step > 100 or person.state is State.DIVERGED)
        if person.state is not State.DIVERGED:
            break
        person.until(lambda rate=rate: person.reads(f"rate of {rate:.3g}.", person.window.banner))
    assert person.step > 100
    assert person.losses[0] == first, "the same first weights"
    assert not person.window.banner.isVisible()


def test_forecasts_without_an_end_have_a_score_without_an_end(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(1)
    person.until(lambda: person.window.session.latest.frame.forecast is not None)
    moment = person.window.session.latest
    wild = replace(moment.frame.forecast, one_step_mse=math.inf, free_run_mse=None)
    person.window.transport.show_moment(replace(moment, frame=replace(moment.frame, forecast=wild)))
    assert "∞" in person.texts(person.window.transport)


def test_a_second_divergence_is_told_with_its_own_numbers(sit_down: SitDown) -> None:
    person = sit_down(WILD)
    person.press("Space")
    person.wait_for(State.DIVERGED)
    person.click("Stay paused")
    person.settle()
    assert not person.window.banner.isVisible()
    person.look_away()
    person.press("Space")
    person.until(person.window.banner.isVisible)


def test_the_banner_names_the_rate_at_which_it_diverged_last(sit_down: SitDown) -> None:
    person = sit_down(WILD)
    person.press("Space")
    person.wait_for(State.DIVERGED)
    assert person.reads("at a learning rate of 10.", person.window.banner)
    person.enter("Learning rate", "9")
    person.look_away()
    person.press("Space")
    person.until(lambda: "rate of 9" in person.window.session.latest.message)
    person.until(lambda: person.reads("at a learning rate of 9.", person.window.banner))


def failing_once(action: Callable[..., Any]) -> Callable[..., Any]:
    """The action; the first call of it after a step fails."""
    failed = threading.Event()

    def act(self: Trainer) -> Any:
        if self.step >= 5 and not failed.is_set():
            failed.set()
            raise RuntimeError("the disk is full of eels")
        return action(self)

    return act


@pytest.mark.parametrize("method", ["forecasting", "__next__"])
def test_a_fault_in_the_worker_is_told_and_the_next_run_works(
    sit_down: SitDown, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(Trainer, method, failing_once(getattr(Trainer, method)))
    person = sit_down()
    person.press("Space")
    person.wait_for(State.FAILED)
    assert person.status().startswith("Failed. RuntimeError: the disk is full of eels. Press Run to go on from step ")
    assert person.reads("RuntimeError: the disk is full of eels", person.window.banner)
    person.click("Copy details")
    assert "Traceback" in QGuiApplication.clipboard().text()
    assert "full of eels" in QGuiApplication.clipboard().text()
    step = person.step
    person.look_away()
    person.press("Space")
    person.until(lambda: person.step > step + 10)
    person.until(lambda: not person.window.banner.isVisible())
    person.until(lambda: person.status().startswith("Running."))


def test_a_fault_that_comes_again_is_told_again(sit_down: SitDown, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Trainer) -> Any:
        raise RuntimeError("still eels")

    monkeypatch.setattr(Trainer, "__next__", broken)
    person = sit_down()
    person.press("Space")
    person.wait_for(State.FAILED)
    person.click("Close")
    person.settle()
    person.look_away()
    person.press("Space")
    person.until(person.window.banner.isVisible)


def test_a_fault_of_the_program_stays_until_it_is_closed(sit_down: SitDown) -> None:
    person = sit_down()
    person.press("Space")
    person.wait_for(State.RUNNING)
    person.window.fault.emit("KeyError: 'eel'", "Traceback (most recent call last): …")
    assert person.reads("KeyError: 'eel'", person.window.banner)
    # Not by the person, who may be away.
    person.window.session.pause()
    person.wait_for(State.PAUSED)
    assert person.window.banner.isVisible(), "the end of a run does not answer it"
    person.click("Copy details")
    assert QGuiApplication.clipboard().text().startswith("Traceback")
    person.click("Close")
    assert not person.window.banner.isVisible()


# ── The end of a run ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_run_says_so_and_can_be_trained_on(sit_down: SitDown) -> None:
    person = sit_down(FEW_EPOCHS)
    person.press("Space")
    person.wait_for(State.FINISHED)
    assert person.step == 12
    assert person.status().startswith("Finished. Best validation at step ")
    losses = person.losses
    person.click("Train on")
    person.until(lambda: person.step == 24 and person.state is State.FINISHED)
    assert person.losses[:12] == losses
    assert edits(person).epochs == 6
    assert person.field("Epochs").number == 6


def test_raising_the_epochs_of_a_finished_run_trains_just_those(sit_down: SitDown) -> None:
    person = sit_down(FEW_EPOCHS)
    person.press("Space")
    person.wait_for(State.FINISHED)
    person.enter("Epochs", "4")
    person.look_away()
    person.press("Space")
    person.until(lambda: person.step >= 16 and person.state is State.FINISHED)
    assert person.step == 16
    assert edits(person).epochs == 4


def test_a_step_after_the_end_changes_nothing(sit_down: SitDown) -> None:
    person = sit_down(FEW_EPOCHS)
    person.press("Space")
    person.wait_for(State.FINISHED)
    person.press("Right")
    person.settle()
    person.wait_for(State.FINISHED)
    assert person.step == 12


def test_closing_while_it_trains_ends_the_worker(sit_down: SitDown) -> None:
    person = sit_down()
    person.press("Space")
    person.until(lambda: person.step > 10)
    assert len(workers()) >= 1
    person.window.close()
    person.until(lambda: not workers())


def test_closing_the_window_twice_is_no_matter(sit_down: SitDown) -> None:
    person = sit_down()
    assert person.window.close()
    assert person.window.close()


def test_restarting_leaves_no_worker_behind(sit_down: SitDown) -> None:
    person = sit_down()
    for _ in range(10):
        person.press("N")
    person.until(lambda: len(workers()) == 1)


def test_the_window_and_the_command_line_give_the_same_losses(
    sit_down: SitDown, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["curve.expression=sin(x)*cos(x)", "samples=150", "window=12", "epochs=5", "noise=0.1", "seed=7"]
    assert command_line.main(["train", *settings, "layers.0.hidden_dim=9", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    person = sit_down(
        changed(
            Experiment(),
            curve__expression="sin(x)*cos(x)",
            layers__0__hidden_dim=9,
            samples=150,
            window=12,
            epochs=5,
            noise=0.1,
            seed=7,
        )
    )
    assert report["experiment"] == to_plain(edits(person))
    person.press("Space")
    person.wait_for(State.FINISHED)
    assert person.losses == report["losses"]
    assert person.window.session.latest.frame.validation_losses.tolist() == report["validation_losses"]


# ── Looks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hidden_panel_is_not_drawn_and_catches_up_when_it_is_seen(sit_down: SitDown) -> None:
    person = sit_down()
    person.window.loss.hide()
    person.window.curve.hide()
    person.train(30)
    assert len(person.window.loss.raw.points()[1]) == 0
    person.window.loss.show()
    person.window.curve.show()
    person.until(lambda: person.window.loss.raw.points()[1].tolist() == person.losses)


def test_the_theme_can_change_while_it_runs(sit_down: SitDown) -> None:
    person = sit_down()
    person.press("Space")
    person.until(lambda: person.step > 5)
    for name, look in (("light", theme.LIGHT), ("dark", theme.DARK), ("light", theme.LIGHT)):
        person.window.choose_theme(name)
        person.settle()
        assert theme.current() is look
        picture = person.window.grab().toImage()
        # At the edge, where no letter of the sentence can stand.
        edge = QPoint(2, person.window.status.geometry().center().y())
        ground = picture.pixelColor(edge).name().upper()
        assert ground == look.panel
    step = person.step
    person.until(lambda: person.step > step)


@pytest.mark.parametrize("dress", ["dark", "light"])
def test_headers_and_empty_panels_have_the_colour_of_a_panel(sit_down: SitDown, dress: str) -> None:
    person = sit_down(dress=dress)
    picture = person.window.grab().toImage()
    for panel in (person.window.curve, person.window.loss):
        corner = panel.mapTo(person.window, QPoint(panel.width() // 2, 3))
        assert picture.pixelColor(corner).name().upper() == theme.named(dress).panel, panel


FILLED: dict[str, Callable[[Person], None]] = {
    "untrained": lambda person: None,
    "trained": lambda person: person.train(200),
    "waiting": lambda person: (person.train(3), person.window.edit("window", 60), person.window.edit("seed", 9))[0],
    "problem": lambda person: person.window.edit("window", 100),
    "diverged": lambda person: (
        person.window.edit("optimizer", SGD(lr=10.0)),
        person.window.edit("curve.expression", "x*sin(x)"),
        person.press("Space"),
        person.wait_for(State.DIVERGED),
    )[0],
    "deep": lambda person: person.window.edit(
        "layers", (RNN(hidden_dim=1024, return_sequences=True), RNN(hidden_dim=512), Linear(1))
    ),
}


@pytest.mark.parametrize("state", FILLED)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_is_cut_and_nothing_overlaps(sit_down: SitDown, size: tuple[int, int], state: str) -> None:
    person = sit_down(size=size)
    assert (person.window.width(), person.window.height()) == size
    FILLED[state](person)
    person.settle()
    for part in (person.window.transport, person.window.controls, person.window.status, person.window.banner):
        if part.isVisible():
            _check_room(person, part)


def _check_room(person: Person, part: QWidget) -> None:
    for widget in [part, *person.all(QWidget, inside=part)]:
        inside = [child for child in widget.children() if isinstance(child, QWidget) and child.isVisible()]
        for child in inside:
            if isinstance(child, (QLabel, QAbstractButton)) and text_of(child) and not isinstance(child, ElidedLabel):
                _check_text(child)
        laid = [child for child in inside if widget.layout() is not None and widget.layout().indexOf(child) >= 0]
        for number, one in enumerate(laid):
            for other in laid[:number]:
                shared = one.geometry() & other.geometry()
                assert shared.isEmpty(), f"{_told(one)} overlaps {_told(other)} by {shared} in {_told(widget)}"
        if widget.layout() is not None and not _scrolls(widget):
            for child in laid:
                outside = not QRect(QPoint(), widget.size()).contains(child.geometry())
                assert not outside, f"{_told(child)} at {child.geometry()} leaves {_told(widget)} {widget.size()}"


def _check_text(widget: QLabel | QAbstractButton) -> None:
    if isinstance(widget, QLabel) and widget.wordWrap():
        needed = widget.heightForWidth(widget.width())
        assert needed <= widget.height(), f"{_told(widget)} needs {needed} pixels of height, has {widget.height()}"
    else:
        hint = widget.sizeHint().width()
        assert hint <= widget.width(), f"{_told(widget)} needs {hint} pixels, has {widget.width()}"


def _scrolls(widget: QWidget) -> bool:
    return type(widget).__name__ in ("_Shutter", "QScrollArea") or widget.objectName() == "qt_scrollarea_viewport"


def _told(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.accessibleName() or text_of(widget)!r}"


def test_numbers_in_the_transport_have_room_for_a_long_run(sit_down: SitDown) -> None:
    person = sit_down(changed(batch_size=1))
    person.settle()
    _check_room(person, person.window.transport)


# ── The keyboard alone ───────────────────────────────────────────────────────────────────────────────────────────────


def tab_stops(person: Person) -> list[QWidget]:
    """What Tab reaches, in its order, from the first control on, once around."""
    person.look_away()
    stops: list[QWidget] = []
    for _ in range(200):
        person.press("Tab")
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused in stops:
            break
        stops.append(focused)
    return stops


CONTROLS = (QLineEdit, QComboBox, QCheckBox, QPushButton, QAbstractSlider, Card, QToolButton)


def test_tab_reaches_every_control(sit_down: SitDown) -> None:
    person = sit_down(presets={"Sine": SMALL})
    stops = set(tab_stops(person))
    for kind in CONTROLS:
        for control in person.all(kind):
            inner = isinstance(control.parentWidget(), (QComboBox, QLineEdit))
            # A slider is reached where its number is: in the field beside it.
            if control.isEnabled() and not inner and not isinstance(control, QAbstractSlider):
                assert control in stops, _told(control)
    for section in person.all(Section):
        assert any(section.isAncestorOf(stop) for stop in stops)


def _in_reading_order(person: Person, stops: list[QWidget]) -> None:
    column = [stop for stop in stops if person.window.controls.isAncestorOf(stop)]
    heights = [stop.mapTo(person.window, QPoint(0, stop.height() // 2)).y() for stop in column]
    for (one, above), (other, below) in zip(
        list(zip(column, heights, strict=True)), list(zip(column, heights, strict=True))[1:], strict=False
    ):
        inside = one.isAncestorOf(other)
        assert inside or below >= above - 14, f"from {_told(one)} up to {_told(other)}"


def test_tab_goes_down_the_column(sit_down: SitDown) -> None:
    person = sit_down(size=(1440, 1400))
    _in_reading_order(person, tab_stops(person))


def test_tab_still_goes_down_the_column_after_another_choice(sit_down: SitDown) -> None:
    person = sit_down(size=(1440, 1400))
    person.choose("Optimizer", "Momentum")
    person.window.edit("curve.expression", "a*sin(b*x)")
    person.settle()
    _in_reading_order(person, tab_stops(person))


def test_every_control_has_a_name_for_a_screen_reader(sit_down: SitDown) -> None:
    person = sit_down(presets={"Sine": SMALL})
    for kind in CONTROLS:
        for control in person.all(kind):
            if "ScrollBar" not in type(control).__name__ and not isinstance(control.parentWidget(), QComboBox):
                assert control.accessibleName() or text_of(control), _told(control)


def test_buttons_without_words_tell_their_key(sit_down: SitDown) -> None:
    person = sit_down(size=(1280, 720))
    tips = [button.toolTip() for button in person.all(QToolButton, inside=person.window.transport)]
    assert tips
    assert all("(" in tip for tip in tips), tips


# ── A monkey ─────────────────────────────────────────────────────────────────────────────────────────────────────────

EVENTS = 500


class Monkey:
    """Does anything, in any order, always the same for one seed."""

    def __init__(self, person: Person, seed: int) -> None:
        self.person = person
        self.window = person.window
        self.dice = random.Random(seed)
        self.done: list[str] = []

    def act(self) -> None:
        act = self.dice.choice(
            [
                *[self.edit] * 8,
                *[self.command] * 6,
                self.layers,
                self.window.apply_waiting,
                self.window.controls.discard_asked.emit,
                self.preset,
                self.dress,
                self.mend,
                self.resize,
            ]
        )
        self.done.append(getattr(act, "__name__", str(act)))
        act()

    def edit(self) -> None:
        experiment = self.window.document.experiment
        entries = [entry for entry in entries_of(experiment) if entry[1].unit != "x" or self.dice.random() < 0.5]
        for index, layer in enumerate(experiment.layers):
            entries += list(entries_of(layer, prefix=f"layers.{index}."))
        path, setting, _ = self.dice.choice(entries)
        if setting.family is not None:
            value: Any = self.dice.choice(list(setting.family.kinds))
        elif setting.choices:
            value = self.dice.choice([*setting.choices, "nothing"])
        elif setting.type is bool:
            value = self.dice.random() < 0.3
        elif setting.type is str:
            value = self.dice.choice(
                ["sin(x)", "a*sin(b*x)", "sin(", "log(x-3)", "x^x^x", "1", "exp(exp(x))", "", "saw(x)"]
            )
        else:
            value = self.number(path, setting)
        self.done[-1] += f" {path}={value!r}"
        self.window.edit(path, value)

    def number(self, path: str, setting: Any) -> Any:
        # In range, but so that a step takes no longer than a test may.
        most = {"samples": 300, "window": 60, "hidden_dim": 16, "units": 8, "beyond": 60, "epochs": 50}
        high = min(setting.high if setting.high is not None else 5.0, most.get(path.rpartition(".")[2], 1e9))
        low = setting.low if setting.low is not None else -5.0
        wild = [low - 1, float("nan"), float("inf"), "many", None, 10**30, -0.0]
        if self.dice.random() < 0.2:
            return self.dice.choice(wild)
        value = low + (high - low) * self.dice.random() ** 3
        return round(value) if setting.type is int else value

    def command(self) -> None:
        name = self.dice.choice([name for name in self.window.actions_by_name if name != "quit"])
        self.done[-1] += f" {name}"
        self.window.actions_by_name[name].trigger()

    def layers(self) -> None:
        kinds = [self.dice.choice(["RNN", "Linear", "Tanh", "ReLU", "Softmax"]) for _ in range(self.dice.randrange(4))]
        sane = [RNN(hidden_dim=4, return_sequences=self.dice.random() < 0.3), *kinds, Linear(1)]
        self.window.edit("layers", self.dice.choice([sane, sane, kinds]))

    def preset(self) -> None:
        self.window.choose_preset(self.dice.choice(["Short", "Noisy"]))

    def dress(self) -> None:
        self.window.choose_theme(self.dice.choice(["dark", "light", "system"]))

    def mend(self) -> None:
        named = ("Use", "Return", "Give", "Add L", "Put", "Go on", "Stay", "Close")
        buttons = [b for b in self.person.all(QPushButton) if text_of(b).startswith(named) and b.isEnabled()]
        if buttons:
            button = self.dice.choice(buttons)
            self.done[-1] += f" {text_of(button)}"
            button.click()

    def resize(self) -> None:
        self.window.resize(*self.dice.choice(SIZES))


@pytest.mark.parametrize("seed", [1])
def test_a_monkey_breaks_nothing(sit_down: SitDown, seed: int, faults: list[str]) -> None:
    short = changed(samples=60, window=5)
    person = sit_down(presets={"Short": short, "Noisy": changed(noise=0.3, curve__expression="saw(x)")})
    monkey = Monkey(person, seed)
    for number in range(EVENTS):
        monkey.act()
        # Now and then it waits until the window has had a look.
        if number % 5 == 0:
            person.settle()
        assert faults == [], monkey.done[-5:]
        assert person.state is not State.FAILED, (person.window.session.latest.details, monkey.done[-10:])
    person.until(lambda: len(workers()) == 1)
    assert np.isfinite(person.window.session.latest.frame.weights).all()
    # Still of use.
    person.window.document.apply(SMALL, "Back to sense")
    person.window.apply_waiting()
    person.until(lambda: person.step > 5 and person.window.in_force == SMALL)


def test_the_experiment_in_force_can_always_be_trained(sit_down: SitDown) -> None:
    """Rewind builds a trainer of it, so it must never become one that a trainer refuses."""
    person = sit_down()
    person.train(2)
    for path, value in (
        ("window", 100),
        ("test", 0.9),
        ("layers", ()),
        ("curve.expression", "log(x-5)"),
        ("beyond", 0),
    ):
        person.window.edit(path, value)
    try:
        Trainer(person.window.in_force)
    except SpecError as error:
        pytest.fail(str(error))
