"""The session: training on a thread, told what to do by short calls, read by looking."""

import contextlib
import itertools
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from zen_core import session as session_module
from zen_core.backend import COMPILED
from zen_core.component import SpecError
from zen_core.curve import Formula
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.nn import GRU, RNN, Dropout, Linear
from zen_core.optim import Optimizer
from zen_core.schedule import Constant, Cosine
from zen_core.session import FORECAST_SHARE, Session, Speed, State
from zen_core.trainer import Trainer

from .waiting import GENEROUS, wait_until

MANY = 1_000_000


@pytest.fixture
def started():
    """Starts sessions, and ends them when the test is over."""
    sessions = []

    def start(trainer):
        sessions.append(Session(trainer))
        return sessions[-1]

    yield start
    for session in sessions:
        session.stop()
    assert all(session.join(GENEROUS) for session in sessions)


def settled(session):
    """Whether a session stands still: nothing more is published."""
    return session.latest.state not in (State.READY, State.RUNNING)


def forecast_step(session):
    """The step that the newest forecast belongs to; None before the first."""
    forecast = session.latest.frame.forecast
    return forecast and forecast.step


def losses(session):
    return np.asarray(session.latest.frame.losses).tobytes()


def bare(experiment, steps):
    trainer = Trainer(experiment)
    for _ in range(steps):
        next(trainer)
    return np.asarray(trainer.frame().losses).tobytes()


def test_a_new_session_is_ready_and_makes_a_forecast_of_the_first_weights(tiny, started):
    session = started(Trainer(tiny))
    assert (session.latest.state, session.latest.frame.step) == (State.READY, 0)
    wait_until(lambda: session.latest.frame.forecast is not None)
    assert session.latest.frame.forecast.step == 0
    assert session.latest.frame.baselines
    assert session.latest.state is State.READY


@pytest.mark.usefixtures("each_backend")
def test_running_ends_with_the_losses_of_a_bare_trainer_bit_for_bit(tiny, started):
    session = started(Trainer(tiny))
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert session.latest.frame.step == 20
    assert losses(session) == bare(tiny, 20)


@pytest.mark.usefixtures("each_backend")
def test_the_last_forecast_is_that_of_the_last_step(tiny, started):
    session = started(Trainer(tiny))
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    wait_until(lambda: forecast_step(session) == 20)


def test_step_makes_exactly_as_many_steps_and_pauses(tiny, started):
    session = started(Trainer(tiny))
    session.step(3)
    wait_until(lambda: session.latest.state is State.PAUSED)
    assert session.latest.frame.step == 3
    assert losses(session) == bare(tiny, 3)
    wait_until(lambda: forecast_step(session) == 3)
    session.step()
    wait_until(lambda: session.latest.frame.step == 4 and session.latest.state is State.PAUSED)


def test_steps_that_are_asked_for_quickly_add_up(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    for _ in range(50):
        session.step(2)
    wait_until(lambda: session.latest.state is State.PAUSED and session.latest.frame.step >= 100)
    assert session.latest.frame.step == 100


def test_asking_for_steps_while_running_makes_them_and_pauses(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.run()
    wait_until(lambda: session.latest.frame.step > 10)
    session.step(3)
    wait_until(lambda: session.latest.state is State.PAUSED)
    assert session.trainer.step == session.latest.frame.step


class Quick(Trainer):
    """A trainer whose steps only count, so that the worker asks for the next one all the time."""

    made = 0

    def __next__(self):
        self.made += 1
        return self.made


@pytest.fixture
def hasty_threads():
    """Threads take turns so often that what is read, changed and written in three goes is soon wrong."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_no_step_is_lost_while_more_are_asked_for(tiny, started):
    for _ in range(3):
        session = started(Quick(tiny))
        session.step(3000)
        for _ in range(10_000):
            session.step()
        wait_until(lambda session=session: session.trainer.made == 13_000, seconds=5)


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize("first", ["pause", "step"])
def test_run_is_never_lost_however_soon_it_follows(tiny, started, first):
    session = started(Quick(tiny))
    for wait in range(600):
        getattr(session, first)()
        for _ in range(wait % 40):
            pass
        session.run()
        made = session.trainer.made
        wait_until(lambda made=made: session.trainer.made > made + 1, seconds=5)


@pytest.mark.usefixtures("each_backend")
def test_pause_stops_and_run_goes_on_with_the_same_bits(tiny, started):
    experiment = edited(tiny, "epochs", 400)
    session = started(Trainer(experiment))
    for _ in range(5):
        session.run()
        reached = session.latest.frame.step
        wait_until(lambda reached=reached: session.latest.frame.step > reached or settled(session))
        session.pause()
        wait_until(lambda: settled(session))
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert losses(session) == bare(experiment, 2000)


@pytest.mark.parametrize("call", [1, 2, 3, 20])
def test_a_pause_breaks_off_the_kernel_that_runs_and_the_bits_stay_the_same(tiny, started, through, call):
    experiment = edited(tiny, "layers", (RNN(hidden_dim=4), Dropout(), Linear(1)))
    expected = bare(experiment, 20)
    calls = itertools.count(1)

    def pausing(name, arguments):
        # Forecasts, which are broken off too, have no way back.
        if name == "backward" and next(calls) == call:
            session.pause()

    through(pausing)
    session = started(Trainer(experiment, backend=COMPILED))
    session.run()
    wait_until(lambda: session.latest.state is State.PAUSED)
    # The step in which it was is not made.
    assert session.latest.frame.step == session.trainer.step == call - 1
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert next(calls) == 20 + 2
    assert losses(session) == expected


def test_stop_breaks_off_the_kernel_that_runs(tiny, started, through):
    begun = threading.Event()

    def stopping(name, arguments):
        if name == "backward":
            session.stop()
            begun.set()

    through(stopping)
    session = started(Trainer(edited(tiny, "epochs", MANY), backend=COMPILED))
    session.run()
    assert begun.wait(GENEROUS)
    assert session.join(GENEROUS)
    assert session.trainer.step == 0


@pytest.mark.usefixtures("hasty_threads")
def test_many_quick_pauses_of_a_compiled_run_change_no_bit(tiny, started, kernels):
    experiment = edited(edited(tiny, "epochs", 400), "layers", (GRU(hidden_dim=8), Dropout(), Linear(1)))
    session = started(Trainer(experiment))
    for wait in range(300):
        session.run()
        for _ in range(wait % 40):
            pass
        session.pause()
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert session.trainer.backend == COMPILED
    assert losses(session) == bare(experiment, 2000)


def test_a_paused_session_makes_no_steps(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.run()
    wait_until(lambda: session.latest.frame.step > 10)
    session.pause()
    wait_until(lambda: session.latest.state is State.PAUSED)
    wait_until(lambda: forecast_step(session) == session.latest.frame.step)
    assert session.trainer.step == session.latest.frame.step


class Gated(Trainer):
    """A trainer whose forecasts after the first step wait until they are let through."""

    def __init__(self, experiment):
        super().__init__(experiment)
        self.waiting, self.gate = threading.Event(), threading.Event()

    def forecasting(self):
        for made in super().forecasting():
            if self.step:
                self.waiting.set()
                assert self.gate.wait(5)
            yield made


def test_a_pause_in_the_middle_of_a_forecast_is_a_pause(tiny, started):
    trainer = Gated(edited(tiny, "epochs", MANY))
    session = started(trainer)
    session.run()
    assert trainer.waiting.wait(GENEROUS)
    session.pause()
    trainer.gate.set()
    wait_until(lambda: session.latest.state is State.PAUSED, seconds=5)


def test_pausing_drops_the_steps_that_were_asked_for(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.step(MANY)
    wait_until(lambda: session.latest.frame.step > 10)
    session.pause()
    wait_until(lambda: session.latest.state is State.PAUSED)
    assert session.latest.frame.step < MANY
    reached = session.latest.frame.step
    session.step()
    wait_until(lambda: session.latest.frame.step > reached)
    wait_until(lambda: session.latest.state is State.PAUSED)
    assert session.latest.frame.step == reached + 1


def test_running_after_the_end_stays_at_the_end(tiny, started):
    session = started(Trainer(tiny))
    for _ in range(2):
        session.run()
        wait_until(lambda: session.latest.state is State.FINISHED)
    assert session.latest.frame.step == 20


def test_more_epochs_after_the_end_go_on(tiny, started):
    session = started(Trainer(tiny))
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    session.retune("epochs", 6)
    session.run()
    wait_until(lambda: session.latest.frame.step == 30)


# Live changes


@pytest.mark.usefixtures("each_backend")
def test_a_change_acts_on_the_next_step_and_can_be_replayed(tiny, started):
    experiment = edited(tiny, "epochs", 40)
    session = started(Trainer(experiment))
    session.step(7)
    wait_until(lambda: session.latest.state is State.PAUSED)
    session.retune("optimizer.lr", 0.05)
    wait_until(lambda: session.latest.frame.changes)
    session.run()
    wait_until(lambda: session.latest.frame.step > 20 or settled(session))
    session.retune("clip", 0.1)
    wait_until(lambda: session.latest.state is State.FINISHED)
    changes = session.latest.frame.changes
    assert changes[0][:3] == (7, "optimizer.lr", 0.05)
    replayed = Trainer(experiment, changes)
    for _ in replayed:
        pass
    assert losses(session) == np.asarray(replayed.frame().losses).tobytes()


def test_a_change_shows_in_the_frame_while_paused(tiny, started):
    session = started(Trainer(tiny))
    session.retune("beyond", 44)
    wait_until(lambda: session.latest.frame.experiment.beyond == 44)
    wait_until(lambda: (made := session.latest.frame.forecast) and len(made.free_run) == 12 + 44)
    assert session.latest.frame.step == 0


def test_a_change_that_is_refused_ends_neither_the_run_nor_the_other_changes(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.run()
    for path, value in [("optimizer.lr", -1), ("clip", 0.5), ("window", 6), ("batch_size", 9)]:
        # It may be refused at once, or by the worker.
        with contextlib.suppress(SpecError):
            session.retune(path, value)
    wait_until(lambda: session.latest.frame.step > 20 or settled(session))
    assert session.latest.state is State.RUNNING
    wait_until(lambda: [change.path for change in session.latest.frame.changes] == ["clip", "batch_size"])


def test_a_change_may_build_on_one_that_has_not_acted_yet(tiny, started):
    trainer = Gated(edited(tiny, "schedule", Constant()))
    session = started(trainer)
    session.step()
    assert trainer.waiting.wait(GENEROUS)
    session.retune("schedule", Cosine())
    session.retune("schedule.final", 0.25)
    trainer.gate.set()
    wait_until(lambda: session.latest.frame.experiment.schedule == Cosine(final=0.25))
    assert session.latest.state is State.PAUSED


def test_a_change_that_one_before_it_makes_pointless_is_no_fault(tiny, started):
    trainer = Gated(edited(tiny, "schedule", Cosine()))
    session = started(trainer)
    session.step()
    assert trainer.waiting.wait(GENEROUS)
    session.retune("schedule", Constant())
    with contextlib.suppress(SpecError):
        session.retune("schedule.final", 0.25)
    trainer.gate.set()
    wait_until(lambda: session.latest.frame.experiment.schedule == Constant())
    assert session.latest.state is State.PAUSED
    session.run()
    wait_until(lambda: session.latest.frame.step == 20)


# Stopping


def test_stop_ends_the_worker_while_it_trains(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.run()
    wait_until(lambda: session.latest.frame.step > 10)
    session.stop()
    assert session.join(0.5)


def test_stop_ends_the_worker_while_it_waits(tiny, started):
    session = started(Trainer(tiny))
    wait_until(lambda: session.latest.frame.forecast is not None)
    session.stop()
    assert session.join(0.5)


class Announced(Trainer):
    """A trainer that tells when it is in the middle of a forecast."""

    def __init__(self, experiment):
        super().__init__(experiment)
        self.at_work = threading.Event()

    def forecasting(self):
        for count, made in enumerate(super().forecasting()):
            if count == 10:
                self.at_work.set()
            yield made


HUGE = Experiment(
    curve=Formula(expression="sin(x)"),
    samples=4000,
    window=1000,
    beyond=10_000,
    layers=(RNN(hidden_dim=64), Linear(1)),
    batch_size=1,
    epochs=MANY,
)


@pytest.mark.usefixtures("each_backend")
def test_stop_ends_the_worker_in_the_middle_of_a_huge_forecast(started):
    trainer = Announced(HUGE)
    session = started(trainer)
    assert trainer.at_work.wait(GENEROUS)
    session.stop()
    assert session.join(0.5)
    assert session.latest.frame.forecast is None


@pytest.mark.usefixtures("each_backend")
def test_run_does_not_wait_for_a_huge_forecast(started):
    trainer = Announced(HUGE)
    session = started(trainer)
    assert trainer.at_work.wait(GENEROUS)
    session.step()
    wait_until(lambda: session.latest.frame.step == 1)
    assert session.latest.frame.forecast is None


def test_pause_and_changes_do_not_wait_for_a_huge_forecast_while_running(started):
    trainer = Announced(HUGE)
    session = started(trainer)
    session.run()
    wait_until(lambda: session.latest.frame.step > 0)
    assert trainer.at_work.wait(GENEROUS)
    session.pause()
    session.retune("clip", 0.5)
    wait_until(lambda: session.latest.state is State.PAUSED and session.latest.frame.changes, seconds=5)


def test_holding_still_for_a_painter_changes_nothing_and_does_not_last(tiny, started):
    experiment = edited(tiny, "epochs", 40)
    session = started(Trainer(experiment))
    session.run()
    with session.courtesy():
        reached = session.latest.frame.step
        # A painter that forgets to end does not stop the training.
        wait_until(lambda: session.latest.frame.step > reached + 1 or settled(session))
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert losses(session) == bare(experiment, 200)


def test_stop_ends_a_worker_that_holds_still(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.run()
    with session.courtesy():
        session.stop()
        assert session.join(0.5)


def test_the_process_need_not_wait_for_the_worker(tiny, started):
    before = set(threading.enumerate())
    started(Trainer(tiny))
    (worker,) = set(threading.enumerate()) - before
    assert worker.daemon


# Faults


class Faulty(Trainer):
    """A trainer in which a step, a picture or a forecast fails once, when told to."""

    fault = ""

    def fail(self, place):
        if self.fault == place:
            self.fault = ""
            raise RuntimeError("out of ink")

    def __next__(self):
        self.fail("step")
        return super().__next__()

    def forecasting(self):
        self.fail("forecast")
        return super().forecasting()


@pytest.mark.parametrize("place", ["step", "forecast"])
def test_a_fault_is_shown_and_the_next_run_works(tiny, started, place):
    trainer = Faulty(tiny)
    session = started(trainer)
    wait_until(lambda: session.latest.frame.forecast is not None)
    trainer.fault = place
    session.step(4)
    wait_until(lambda: session.latest.state is State.FAILED)
    assert session.latest.message == "RuntimeError: out of ink"
    assert "Traceback" in session.latest.details
    assert "in fail" in session.latest.details
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert (session.latest.message, session.latest.details) == ("", "")
    assert losses(session) == bare(tiny, 20)


def test_a_fault_in_the_very_first_forecast_is_shown(tiny, started):
    trainer = Faulty(tiny)
    trainer.fault = "forecast"
    session = started(trainer)
    wait_until(lambda: session.latest.state is State.FAILED)
    assert "out of ink" in session.latest.message


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize("fatal", [1, 8])
def test_divergence_is_shown_with_the_last_good_step_and_a_lower_rate_goes_on(tiny, started, fatal):
    class Leap(Optimizer):
        """w ← w − ηg, and ∞ from one step on where η is above 1."""

        def update(self, w, g, lr, t, memory):
            return w - (np.inf if lr > 1 and t >= fatal else 1e-3) * g, memory

    experiment = edited(edited(tiny, "optimizer", Leap(lr=5.0)), "schedule", Constant())
    session = started(Trainer(experiment))
    wait_until(lambda: session.latest.frame.forecast is not None)
    session.run()
    wait_until(lambda: session.latest.state is State.DIVERGED)
    wait_until(lambda: session.latest.frame.step == fatal - 1)
    assert f"step {fatal}" in session.latest.message
    assert session.latest.details == ""
    assert np.isfinite(session.latest.frame.weights).all()
    wait_until(lambda: forecast_step(session) == fatal - 1, seconds=5)
    session.retune("optimizer.lr", 0.01)
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    assert session.latest.frame.step == 20


# Looking


@pytest.mark.usefixtures("each_backend")
def test_what_was_looked_at_stays_as_it_was(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", 300)))
    session.run()
    seen = {}
    while session.latest.state is not State.FINISHED:
        moment = session.latest
        seen[id(moment)] = (moment, np.array(moment.frame.losses), moment.frame.weights.copy())
        assert len(moment.frame.losses) == moment.frame.step
        assert moment.frame.forecast is None or moment.frame.forecast.step <= moment.frame.step
    steps = []
    for moment, lost, weights in seen.values():
        np.testing.assert_array_equal(moment.frame.losses, lost)
        np.testing.assert_array_equal(moment.frame.weights, weights)
        steps.append(moment.frame.step)
    assert steps == sorted(steps)


class Clocked(Trainer):
    """A trainer whose steps and forecasts take a time of their own, by a clock that nothing else moves."""

    step_seconds, piece_seconds, pieces = 0.002, 0.03, 5

    def __init__(self, experiment):
        super().__init__(experiment)
        self.now = 0.0
        self.stepping = 0.0
        self.forecasts = []

    def __next__(self):
        step = super().__next__()
        self.now += self.step_seconds
        self.stepping += self.step_seconds
        return step

    def forecasting(self):
        started = self.now
        for made in super().forecasting():
            if made is not None:
                # All its time at once: steps may have been made since it was begun.
                began = self.now
                self.now += self.pieces * self.piece_seconds
                self.forecasts.append((started, began, self.now, self.step))
            yield made


@pytest.mark.parametrize("piece_seconds", [0.03, 0.001])
def test_while_training_forecasts_take_a_fifth_of_the_time_and_come_ten_times_a_second(
    tiny, started, monkeypatch, piece_seconds
):
    trainer = Clocked(edited(tiny, "epochs", 300))
    trainer.piece_seconds = piece_seconds
    monkeypatch.setattr(session_module, "time", SimpleNamespace(**vars(time) | {"perf_counter": lambda: trainer.now}))
    session = started(trainer)
    session.run()
    wait_until(lambda: session.latest.state is State.FINISHED)
    running = [told for *told, step in trainer.forecasts if 0 < step < 1500]
    assert len(running) > 2
    assert min(np.diff([started for started, _, _ in running])) > 0.1 - 1e-9
    # From the end of one forecast to that of the next, the next may take its share; and what the burst before its last
    # piece had earned already, which no piece before it had used.
    earned = FORECAST_SHARE / (1 - FORECAST_SHARE) * (session_module.BURST + trainer.step_seconds)
    for (_, _, earlier), (_, began, ended) in itertools.pairwise(running):
        assert ended - began <= FORECAST_SHARE * (ended - earlier) + earned


def test_speed_is_steps_by_seconds():
    speed = Speed()
    assert speed.value == 0.0
    for _ in range(100):
        speed.add(50, 0.1)
    assert speed.value == pytest.approx(500)
    for _ in range(100):
        speed.add(5, 0.1)
    assert speed.value == pytest.approx(50, rel=0.01)


def test_a_run_has_a_speed(tiny, started):
    session = started(Trainer(edited(tiny, "epochs", MANY)))
    session.run()
    wait_until(lambda: session.latest.steps_per_second > 1)
