"""Stopping: a run ends at a loss, after a time, when it gets no better, or with its last epoch; and may go on."""

import math

import numpy as np
import pytest

from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.loop import Diverged
from zen_core.loss import Loss
from zen_core.optim import SGD, Adam, Lion, Optimizer
from zen_core.schedule import Constant, OnPlateau
from zen_core.session import Session, State
from zen_core.trainer import GO_ON, STOPS, Change, End, Trainer

from .waiting import GENEROUS, wait_until

pytestmark = pytest.mark.usefixtures("each_backend")


class Clock:
    """A clock that goes on by a quarter of a second whenever it is looked at: that is what each step takes."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.25
        return self.now


@pytest.fixture
def learning(tiny):
    """An experiment that learns quickly and steadily, of 60 epochs of 5 steps."""
    for path, value in {"optimizer": Adam(lr=0.02), "schedule": Constant(), "epochs": 60}.items():
        tiny = edited(tiny, path, value)
    return tiny


@pytest.fixture
def wavering(tiny):
    """An experiment whose validation loss goes up and down, of 60 epochs of 5 steps."""
    for path, value in {"optimizer": Lion(lr=0.02), "schedule": Constant(), "epochs": 60}.items():
        tiny = edited(tiny, path, value)
    return tiny


@pytest.fixture
def told(registries):
    """Makes a loss that trains by mean squares and tells these numbers where only a number is asked for."""

    def make(numbers):
        left = list(numbers)

        class Told(Loss):
            """Mean squares while training; for validation, what was written down."""

            def value(self, prediction, target):
                mean = ((prediction - target) * (prediction - target)).mean()
                return mean if prediction.operands else mean * 0.0 + left.pop(0)

        return Told()

    return make


def with_stops(experiment, **stops):
    for path, value in stops.items():
        experiment = edited(experiment, path, value)
    return experiment


def made(experiment, steps=None, **settings):
    """A trainer after so many steps, or after all."""
    trainer = Trainer(experiment, **settings)
    if steps is None:
        list(trainer)
    else:
        for _ in range(steps):
            next(trainer)
    return trainer


def validation(trainer):
    return np.asarray(trainer.frame().validation_losses)


def bits(trainer):
    frame = trainer.frame()
    return tuple(np.asarray(part).tobytes() for part in (frame.losses, frame.validation_losses, frame.weights))


# The last epoch


def test_a_run_without_stop_conditions_ends_with_its_last_epoch(tiny):
    trainer = Trainer(tiny)
    ends = [trainer.end, *(trainer.end for _ in trainer)]
    assert ends == [None] * 20 + [End.EPOCHS]
    assert (trainer.done, trainer.frame().end, trainer.frame().done) == (True, End.EPOCHS, True)
    assert next(trainer, None) is None


def test_while_it_can_go_on_a_run_has_no_end(tiny):
    frame = made(tiny, 7).frame()
    assert (frame.end, frame.done) == (None, False)


# The target


def first_at_most(losses, target):
    return int(np.argmax(np.asarray(losses) <= target)) + 1


def test_a_run_ends_with_the_first_epoch_whose_validation_loss_is_at_most_the_target(learning):
    plain = validation(made(learning))
    target = float(np.median(plain))
    trainer = made(with_stops(learning, target_loss=target))
    assert trainer.end is End.TARGET
    assert trainer.step == 5 * first_at_most(plain, target) < 300
    assert validation(trainer)[-1] <= target
    assert (validation(trainer)[:-1] > target).all()


def test_a_loss_of_exactly_the_target_has_reached_it(learning):
    plain = validation(made(learning))
    place = int(np.argmin(plain[:20]))
    trainer = made(with_stops(learning, target_loss=float(plain[place])))
    assert trainer.step == 5 * (place + 1)


def test_without_a_validation_part_the_mean_training_loss_of_an_epoch_counts(learning):
    learning = edited(learning, "validation", 0.0)
    plain = Trainer(learning)
    means, total = [], 0.0
    for step in plain:
        total += step.loss * step.batch
        if step.number % 7 == 0:
            means.append(total / 43)
            total = 0.0
    assert len(means) == 60
    target = float(np.median(means))
    trainer = made(with_stops(learning, target_loss=target))
    assert (trainer.end, trainer.step) == (End.TARGET, 7 * first_at_most(means, target))


def test_a_target_of_0_is_never_reached(tiny, told):
    experiment = edited(tiny, "loss", told([0.0] * 4))
    assert made(experiment).end is End.EPOCHS


def test_a_target_that_is_reached_with_the_last_epoch_is_told(tiny, told):
    experiment = with_stops(edited(tiny, "loss", told([4.0, 3.0, 2.0, 1.0])), target_loss=1.5)
    trainer = made(experiment)
    assert (trainer.end, trainer.step) == (End.TARGET, 20)


def test_after_the_target_a_run_goes_on_to_its_last_epoch_as_if_it_had_not_stopped(learning):
    plain = made(learning)
    trainer = made(with_stops(learning, target_loss=float(np.median(validation(plain)))))
    reached = trainer.step
    trainer.go_on()
    assert (trainer.end, trainer.done) == (None, False)
    list(trainer)
    assert trainer.end is End.EPOCHS
    assert reached < trainer.step == 300
    assert bits(trainer) == bits(plain)


# The time


def test_a_run_ends_after_its_time(tiny):
    trainer = made(with_stops(tiny, seconds=1.5), clock=Clock())
    # Each step takes 0.25 seconds.
    assert (trainer.end, trainer.step) == (End.SECONDS, 6)
    assert trainer.frame().seconds == 1.5


def test_only_steps_take_time(tiny):
    trainer = Trainer(with_stops(tiny, seconds=1.5), clock=Clock())
    for _ in trainer:
        for _ in range(50):
            trainer._clock()
        trainer.forecast()
    assert trainer.step == 6


def test_a_time_of_0_never_ends(tiny):
    trainer = made(tiny, clock=Clock())
    assert (trainer.end, trainer.frame().seconds) == (End.EPOCHS, 5.0)


def test_after_its_time_a_run_goes_on_for_as_long_again(tiny):
    trainer = made(with_stops(tiny, seconds=1.5), clock=Clock())
    ends = []
    for _ in range(3):
        trainer.go_on()
        list(trainer)
        ends.append((trainer.end, trainer.step))
    assert ends == [(End.SECONDS, 12), (End.SECONDS, 18), (End.EPOCHS, 20)]
    assert trainer.frame().seconds == 5.0
    assert bits(trainer) == bits(made(tiny))


@pytest.mark.usefixtures("registries")
def test_steps_that_diverge_take_no_time(tiny):
    class Leap(Optimizer):
        """w ← w − ηg, and ∞ where η is above 1."""

        def update(self, w, g, lr, t, memory):
            return w - (np.inf if lr > 1 else lr) * g, memory

    experiment = with_stops(edited(tiny, "optimizer", Leap(lr=5.0)), seconds=1.5)
    trainer = Trainer(experiment, clock=Clock())
    for _ in range(10):
        with pytest.raises(Diverged):
            next(trainer)
    assert (trainer.frame().seconds, trainer.end) == (0.0, None)
    trainer.retune("optimizer.lr", 0.01)
    list(trainer)
    assert trainer.step == 6


# Patience


def patient_end(losses, patience):
    """After which epoch a run ends, and which was its best, by the losses of a run without patience."""
    best, waited = 0, 0
    for epoch in range(1, len(losses)):
        waited = 0 if losses[epoch] < losses[best] else waited + 1
        best = epoch if waited == 0 else best
        if waited == patience:
            return epoch, best
    raise AssertionError("it never ends early")


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_a_run_ends_after_so_many_epochs_without_a_better_loss_with_its_best_weights(wavering, patience):
    plain = made(wavering)
    last, best = patient_end(validation(plain), patience)
    assert last < 59
    trainer = made(with_stops(wavering, patience=patience))
    assert (trainer.end, trainer.step) == (End.PATIENCE, 5 * (last + 1))
    np.testing.assert_array_equal(validation(trainer), validation(plain)[: last + 1])
    frame = trainer.frame()
    assert (frame.best.step, frame.best.loss) == (5 * (best + 1), validation(plain)[best])
    # Bit for bit those that were there then.
    then = made(wavering, 5 * (best + 1)).frame().weights
    assert frame.weights.tobytes() == frame.best.weights.tobytes() == then.tobytes()


def test_the_best_weights_are_known_without_patience_and_nothing_is_put_back(wavering):
    plain = made(wavering)
    frame = plain.frame()
    best = int(np.argmin(validation(plain)))
    assert best < 59
    assert (frame.best.step, frame.best.loss) == (5 * (best + 1), validation(plain).min())
    assert frame.weights.tobytes() != frame.best.weights.tobytes()


def test_before_the_first_epoch_has_ended_there_is_no_best(tiny):
    assert made(tiny, 4).frame().best is None
    assert made(tiny, 5).frame().best.step == 5


def test_the_best_weights_stay_as_they_were(wavering):
    trainer = made(wavering, 5)
    best = trainer.frame().best
    copy = best.weights.copy()
    list(trainer)
    np.testing.assert_array_equal(best.weights, copy)
    assert not best.weights.flags.writeable


def test_the_forecast_after_patience_is_that_of_the_best_weights(wavering):
    trainer = made(with_stops(wavering, patience=2))
    then = made(wavering, trainer.frame().best.step)
    np.testing.assert_array_equal(trainer.forecast().free_run, then.forecast().free_run)


def test_without_a_validation_part_patience_looks_at_the_training_loss(wavering):
    trainer = made(with_stops(edited(wavering, "validation", 0.0), patience=1))
    assert trainer.end is End.PATIENCE
    assert len(validation(trainer)) == 0
    losses = np.asarray(trainer.frame().losses).reshape(-1, 7)
    means = losses @ ([7 / 43] * 6 + [1 / 43])
    last, best = patient_end([*means, np.inf], 1)
    assert trainer.step == 7 * (last + 1)
    assert trainer.frame().best.loss == pytest.approx(means[best], rel=1e-6)


def test_after_patience_a_run_goes_on_from_its_best_weights_and_waits_as_long_again(tiny, told):
    losses = [1.0, 2.0, 2.0, 3.0, 0.5, 3.0, 3.0]
    trainer = made(with_stops(edited(edited(tiny, "loss", told(losses)), "epochs", 50), patience=2))
    best = trainer.frame().best
    assert (trainer.step, best.step) == (15, 5)
    trainer.go_on()
    assert trainer.end is None
    assert trainer.frame().weights.tobytes() == best.weights.tobytes()
    list(trainer)
    assert (trainer.end, trainer.step) == (End.PATIENCE, 35)
    assert (trainer.frame().best.step, trainer.frame().best.loss) == (25, 0.5)


def test_of_equal_losses_the_first_is_the_best(tiny):
    # Nothing moves: every epoch has the same loss.
    trainer = made(with_stops(edited(tiny, "optimizer", SGD(lr=1e-7)), patience=2, target_loss=0.0))
    losses = validation(trainer)
    first = int(np.argmin(losses))
    assert trainer.frame().best.step == 5 * (first + 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_is_never_better(tiny, told, bad):
    experiment = edited(edited(tiny, "loss", told([bad, 3.0, bad, 2.0, bad, bad])), "epochs", 6)
    trainer = Trainer(experiment)
    seen = [trainer.frame().best.loss for step in trainer if step.number % 5 == 0]
    np.testing.assert_array_equal(seen, [bad, 3.0, 3.0, 2.0, 2.0, 2.0])
    assert trainer.frame().best.step == 20


def test_validation_losses_that_are_not_finite_use_up_the_patience(tiny, told):
    experiment = edited(edited(tiny, "loss", told([1.0, math.nan, math.inf, math.nan])), "patience", 2)
    trainer = made(experiment)
    assert (trainer.end, trainer.step, trainer.frame().best.step) == (End.PATIENCE, 15, 5)


# Changes of a stop condition


def test_each_stop_condition_is_live(tiny):
    assert all(type(tiny).settings[name].live for name in STOPS)


@pytest.mark.parametrize("path", STOPS)
def test_a_stop_condition_that_is_loosened_lets_an_ended_run_go_on(wavering, path):
    stops = {"target_loss": 1e6, "seconds": 0.5, "patience": 1}
    trainer = made(with_stops(wavering, **{path: stops[path]}), clock=Clock())
    ended = trainer.step
    assert trainer.end is {"target_loss": End.TARGET, "seconds": End.SECONDS, "patience": End.PATIENCE}[path]
    trainer.retune(path, 0)
    assert trainer.end is None
    list(trainer)
    assert (trainer.end, trainer.step) == (End.EPOCHS, 300)
    assert ended < 300


def test_a_new_target_is_looked_for_also_after_one_was_reached(learning):
    plain = validation(made(learning))
    high, low = (float(np.quantile(plain, share)) for share in (0.8, 0.2))
    trainer = made(with_stops(learning, target_loss=high))
    assert trainer.end is End.TARGET
    trainer.retune("target_loss", low)
    list(trainer)
    assert (trainer.end, trainer.step) == (End.TARGET, 5 * first_at_most(plain, low))


def test_a_time_counts_from_its_change(tiny):
    trainer = made(with_stops(tiny, seconds=1.5), 4, clock=Clock())
    trainer.retune("seconds", 2.0)
    list(trainer)
    assert (trainer.end, trainer.step) == (End.SECONDS, 4 + 8)


def test_patience_counts_from_its_change(tiny, told):
    experiment = edited(edited(tiny, "loss", told([1.0, *[2.0] * 20])), "epochs", 20)
    trainer = made(experiment, 5 * 5)
    trainer.retune("patience", 3)
    list(trainer)
    assert (trainer.end, trainer.step) == (End.PATIENCE, 5 * 8)


@pytest.mark.parametrize(("path", "value"), [("target_loss", -1), ("seconds", -0.1), ("patience", 1.5)])
def test_stop_conditions_that_make_no_sense_are_refused(tiny, path, value):
    trainer = made(tiny, 3)
    with pytest.raises(SpecError):
        trainer.retune(path, value)
    assert trainer.frame().changes == ()


def test_other_changes_do_not_let_an_ended_run_go_on(wavering):
    trainer = made(with_stops(wavering, patience=1))
    for path, value in (("optimizer.lr", 0.1), ("clip", 1.0), ("epochs", 500)):
        trainer.retune(path, value)
        assert trainer.end is End.PATIENCE


# A replay


def test_going_on_is_a_change_that_is_recorded(wavering):
    trainer = made(with_stops(wavering, patience=2))
    trainer.go_on()
    assert trainer.frame().changes == (Change(trainer.step, GO_ON, None),)


@pytest.mark.parametrize(
    "stops", [{"patience": 2}, {"target_loss": 0.01}, {"seconds": 2.0}, {"patience": 1, "seconds": 9}]
)
def test_a_replay_of_a_run_that_went_on_gives_the_same_bits(wavering, stops):
    experiment = with_stops(wavering, **stops)
    original = Trainer(experiment, clock=Clock())
    ends = []
    for _ in range(4):
        list(original)
        ends.append((original.end, original.step))
        if original.end is not End.EPOCHS:
            original.go_on()
    list(original)
    assert ends[0][0] is not End.EPOCHS
    changes = original.frame().changes
    assert [change.path for change in changes] == [GO_ON] * len(changes)
    assert changes
    replayed = made(experiment, changes=changes, clock=Clock())
    assert bits(replayed) == bits(original)
    assert (replayed.end, replayed.frame().changes) == (original.end, changes)
    assert replayed.frame().best.step == original.frame().best.step


def test_before_a_replayed_change_an_ended_run_has_not_ended(wavering):
    experiment = with_stops(wavering, patience=2)
    original = made(experiment)
    ended = original.step
    original.go_on()
    replayed = Trainer(experiment, original.frame().changes)
    for _ in range(ended):
        next(replayed)
    assert (replayed.end, replayed.done) == (None, False)
    assert next(replayed).number == ended + 1


def test_a_replay_with_changes_of_stop_conditions_gives_the_same_bits(wavering):
    experiment = with_stops(wavering, patience=2)
    original = made(experiment)
    original.retune("patience", 4)
    for _ in range(3):
        next(original)
    original.retune("target_loss", 1e-9)
    original.retune("optimizer.lr", 0.5)
    list(original)
    replayed = made(experiment, changes=original.frame().changes)
    assert bits(replayed) == bits(original)
    assert replayed.end is original.end


# A plateau, which looks at the same loss


def test_a_schedule_sees_the_validation_loss_of_each_epoch(tiny, told):
    schedule = OnPlateau(patience=2, drop=0.5)
    losses = [5.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    experiment = edited(edited(edited(tiny, "loss", told(losses)), "epochs", 6), "schedule", schedule)
    rates = np.asarray(made(experiment).frame().rates).reshape(6, 5)
    np.testing.assert_allclose(rates[:, 0], 0.003 * np.array([1, 1, 1, 1, 0.5, 0.5]))
    assert (rates == rates[:, :1]).all()


# The session


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


def finished(session, steps=0):
    wait_until(lambda: session.latest.state is State.FINISHED and session.latest.frame.step > steps)
    return session.latest.frame


@pytest.mark.parametrize("stops", [{"patience": 2}, {"target_loss": 0.01}, {"seconds": 2.0}])
def test_a_run_that_a_condition_ended_goes_on_by_running_again(wavering, started, stops):
    experiment = with_stops(wavering, **stops)
    session = started(Trainer(experiment, clock=Clock()))
    session.run()
    first = finished(session)
    assert first.end not in (None, End.EPOCHS)
    session.run()
    second = finished(session, first.step)
    assert second.changes == (Change(first.step, GO_ON, None),)
    by_hand = Trainer(experiment, clock=Clock())
    list(by_hand)
    by_hand.go_on()
    list(by_hand)
    assert (second.step, second.end) == (by_hand.step, by_hand.end)
    assert second.weights.tobytes() == by_hand.frame().weights.tobytes()


def test_a_single_step_after_such_an_end_goes_on_as_well(wavering, started):
    session = started(Trainer(with_stops(wavering, patience=2)))
    session.run()
    first = finished(session)
    session.step()
    wait_until(lambda: session.latest.frame.step == first.step + 1 and session.latest.state is State.PAUSED)


def test_a_run_that_came_to_its_last_epoch_does_not_go_on(tiny, started):
    session = started(Trainer(with_stops(tiny, patience=1000)))
    for _ in range(2):
        session.run()
        assert finished(session).end is End.EPOCHS
    assert session.latest.frame.step == 20
    assert session.latest.frame.changes == ()


def test_a_stop_condition_that_is_loosened_while_finished_shows_that_it_can_go_on(wavering, started):
    session = started(Trainer(with_stops(wavering, patience=2)))
    session.run()
    first = finished(session)
    session.retune("patience", 0)
    wait_until(lambda: session.latest.state is State.PAUSED)
    assert session.latest.frame.end is None
    session.run()
    assert finished(session, first.step).end is End.EPOCHS
