"""The status line: why a run ended, what computes it and why, and how many of its steps were clipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from acting import NO_SCREEN, SMALL, Person, changed
from conftest import SitDown
from PySide6.QtWidgets import QLabel

from zen_core import backend
from zen_core.autodiff import Tensor
from zen_core.backend import Compiler
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.nn import Layer
from zen_core.session import Moment, State
from zen_core.trainer import Best, End, Frame, Trainer
from zen_gui.panels.status import READY, Kernels, reason, sentences

pytestmark = pytest.mark.qt_log_ignore(*NO_SCREEN)

QUIETLY = "compiled kernels are ready: they serve the next run · "
# Reached within the first epochs, long before the last.
EASY = changed(target_loss=0.5)


class Standing(Compiler):
    """A compiler whose standing the test decides; nobody may ask it to do anything that takes time."""

    def __init__(self, dtype: str = "float32") -> None:
        super().__init__(dtype)
        self.at_work = False
        self.why = ""

    @property
    def compiling(self) -> bool:
        return self.at_work

    @property
    def trouble(self) -> str:
        return self.why

    def load(self, wait: bool = False) -> None:
        assert not wait


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Standing:
    made = Standing()
    monkeypatch.setitem(backend.compilers, "float32", made)
    return made


def frame(experiment: Experiment = SMALL, **values: Any) -> Frame:
    """A frame of an experiment after 40 steps, with other values where they are given."""
    made = Trainer(experiment).frame()
    return replace(made, **{"step": 40, "best": Best(30, 0.5, made.weights), **values})


def about(person: Person) -> QLabel:
    """The words at the right end."""
    (label,) = [label for label in person.all(QLabel, inside=person.window.status) if "seed" in label.text()]
    return label


# ── Why it ended ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("end", "settings", "sentence"),
    [
        (End.TARGET, {"target_loss": 1e-4}, "Reached the target loss 1e-4 at step 40."),
        (End.TARGET, {"target_loss": 0.25}, "Reached the target loss 0.25 at step 40."),
        (End.SECONDS, {"seconds": 10.0}, "Time is up: 10 s."),
        (End.PATIENCE, {"patience": 20}, "No better for 20 epochs: the best weights, of step 30, are back."),
        (End.PATIENCE, {"patience": 1}, "No better for 1 epoch: the best weights, of step 30, are back."),
    ],
)
def test_an_early_end_is_told_with_its_reason(end: End, settings: dict[str, Any], sentence: str) -> None:
    told = sentences(Moment(frame(changed(**settings), end=end), State.FINISHED))
    assert told == ("Finished.", f"{sentence} ")


def test_after_the_last_epoch_the_best_step_is_told_where_something_was_validated() -> None:
    ended = frame(end=End.EPOCHS, validation_losses=np.array([0.5]), validation_steps=np.array([30.0]))
    assert sentences(Moment(ended, State.FINISHED))[1] == "Best validation at step 30. "
    assert sentences(Moment(frame(end=End.EPOCHS), State.FINISHED))[1] == ""


def test_train_on_after_an_early_end_goes_on_with_the_same_epochs(sit_down: SitDown) -> None:
    person = sit_down(EASY)
    person.press("Space")
    person.wait_for(State.FINISHED)
    step = person.step
    assert person.status().startswith(f"Finished. Reached the target loss 0.5 at step {step:,}.")
    person.click("Train on")
    person.until(lambda: person.step > step + 20)
    assert person.state is State.RUNNING
    assert person.window.in_force == person.window.document.experiment == EASY
    (change,) = person.window.session.latest.frame.changes
    assert (change.step, change.path) == (step, "go_on")


def test_train_on_adds_the_epochs_that_were_asked_for_each_time(sit_down: SitDown) -> None:
    person = sit_down(changed(epochs=3))
    ends = []
    for _ in range(3):
        person.press("Space")
        person.until(lambda: person.state is State.RUNNING or person.step > 12 * len(ends))
        person.wait_for(State.FINISHED)
        ends.append((person.window.document.experiment.epochs, person.step))
    assert ends == [(3, 12), (6, 24), (9, 36)]
    person.enter("Epochs", "10")
    person.look_away()
    for epochs in (10, 20):
        person.press("Space")
        person.until(lambda epochs=epochs: person.step == 4 * epochs)
        person.wait_for(State.FINISHED)
    assert person.window.document.experiment.epochs == 20


def test_undo_of_the_added_epochs_brings_the_old_end_back(sit_down: SitDown) -> None:
    person = sit_down(changed(epochs=3))
    for steps in (12, 24):
        person.press("Space")
        person.until(lambda steps=steps: person.step == steps)
        person.wait_for(State.FINISHED)
    person.press("Ctrl+Z")
    assert person.window.document.experiment.epochs == 3
    person.press("Space")
    person.until(lambda: person.step == 36)
    assert person.window.document.experiment.epochs == 9


# ── What computes it ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def swish(monkeypatch: pytest.MonkeyPatch) -> type[Layer]:
    """A layer that only this test knows, and no compiled code."""

    class Swish(Layer):
        """x · σ(x), for a test."""

        def forward(self, p: Any, x: Tensor) -> Tensor:
            return x

    assert Layer.kinds.pop("Swish") is Swish
    monkeypatch.setitem(Layer.kinds, "Swish", Swish)
    return Swish


def test_the_reason_for_numpy_is_told() -> None:
    on_numpy = frame()
    assert reason(on_numpy, Kernels(compiling=True)) == "Kernels are being compiled; the next run uses them."
    assert reason(on_numpy, Kernels(ready=True)) == READY
    assert reason(on_numpy, Kernels(trouble="numba is not installed.")) == "numba is not installed."
    assert reason(on_numpy, Kernels()) == "numpy computes this run."


def test_compiled_kernels_need_no_excuse() -> None:
    compiled = frame(backend="compiled")
    for kernels in (Kernels(), Kernels(compiling=True), Kernels(ready=True)):
        assert reason(compiled, kernels) == "Compiled kernels compute this run."


def test_a_layer_without_a_kernel_is_named_whatever_is_ready(swish: type[Layer]) -> None:
    mixed = frame(changed(layers=(SMALL.layers[0], swish(), SMALL.layers[1])))
    for kernels in (Kernels(compiling=True), Kernels(ready=True)):
        assert reason(mixed, kernels) == "Swish has no compiled kernel: numpy computes this run."


def test_kernels_that_become_ready_during_a_run_are_told_quietly(sit_down: SitDown, compiler: Standing) -> None:
    compiler.at_work = True
    person = sit_down()
    person.train(5)
    assert about(person).text() == "numpy · float32 · seed 0"
    assert about(person).toolTip() == "Kernels are being compiled; the next run uses them."
    sentence = person.status()
    compiler.at_work = False
    # Nothing else happens: it is paused.
    person.until(lambda: about(person).text() == f"{QUIETLY}numpy · float32 · seed 0")
    assert about(person).toolTip() == about(person).accessibleDescription() == READY
    assert person.status() == sentence.replace("numpy", f"{QUIETLY}numpy")
    person.press("R")
    person.wait_for(State.READY)
    assert about(person).text() == "numpy · float32 · seed 0", "a run that has not begun may still use them"


def test_kernels_whose_compiling_failed_are_not_called_ready(sit_down: SitDown, compiler: Standing) -> None:
    compiler.at_work = True
    person = sit_down()
    person.train(5)
    compiler.at_work, compiler.why = False, "Compiling the kernels failed; float32.log says why."
    person.until(lambda: about(person).toolTip() == compiler.why)
    assert about(person).text() == "numpy · float32 · seed 0"


def test_kernels_of_the_other_precision_do_not_count(sit_down: SitDown, compiler: Standing) -> None:
    compiler.at_work = True
    person = sit_down()
    person.settle()
    compiler.at_work = False
    person.window.edit("dtype", "float64")
    person.train(5)
    assert about(person).text() == "numpy · float64 · seed 0"


def test_a_run_on_ready_kernels_says_compiled(sit_down: SitDown, kernels: Any) -> None:
    person = sit_down()
    person.train(50)
    assert about(person).text() == "compiled · float32 · seed 0"
    assert about(person).toolTip() == "Compiled kernels compute this run."
    assert np.mean(person.losses[-5:]) < np.mean(person.losses[:5])


# ── Clipped steps ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("clip", "clipped", "words"),
    [
        (0.0, 7, ""),
        (1.0, 0, "0 % of steps clipped · "),
        (1.0, 1, "under 1 % of steps clipped · "),
        (1.0, 100, "25 % of steps clipped · "),
        (1.0, 400, "100 % of steps clipped · "),
    ],
)
def test_the_share_of_clipped_steps_is_told_where_a_clip_is_set(
    sit_down: SitDown, clip: float, clipped: int, words: str
) -> None:
    person = sit_down()
    made = replace(
        person.window.session.latest.frame, step=400, clipped=clipped, experiment=edited(SMALL, "clip", clip)
    )
    person.window.status.show_moment(Moment(made, State.PAUSED), Kernels())
    assert about(person).text() == f"{words}numpy · float32 · seed 0"


def test_before_the_first_step_nothing_was_clipped(sit_down: SitDown) -> None:
    person = sit_down(changed(clip=1.0))
    assert about(person).text() == "numpy · float32 · seed 0"
