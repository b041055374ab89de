"""The trainer: the same bits every time, live changes, pictures of the moment, and stopping before damage."""

import contextlib
import itertools
import json

import numpy as np
import pytest

from zen_core import autodiff
from zen_core import trainer as trainer_module
from zen_core.backend import NUMPY
from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.loop import Diverged
from zen_core.nn import GRU, RNN, Dropout, Layer, Linear
from zen_core.optim import Adam, Lion, Optimizer
from zen_core.schedule import Constant, Cosine, OnPlateau
from zen_core.trainer import GO_ON, Change, End, Frame, Trainer

pytestmark = pytest.mark.usefixtures("each_backend")


def run(trainer):
    """All steps; the bits of the losses and of the weights."""
    for _ in trainer:
        pass
    return bits(trainer)


def bits(trainer):
    frame = trainer.frame()
    parts = frame.losses, frame.validation_losses, frame.norms, frame.weights
    return tuple(np.asarray(part).tobytes() for part in parts)


def changed_on_the_way(experiment, changes):
    """A trainer that ran to its end while settings were changed after given steps."""
    trainer = Trainer(experiment)
    for step, path, value in changes:
        while trainer.step < step:
            next(trainer)
        trainer.retune(path, value)
    return trainer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits(tiny, dtype):
    experiment = edited(tiny, "dtype", dtype)
    assert run(Trainer(experiment)) == run(Trainer(experiment))
    assert Trainer(experiment).frame().weights.dtype == dtype


def test_another_seed_gives_other_weights_and_another_order(tiny):
    first, other = Trainer(tiny), Trainer(edited(tiny, "seed", 4))
    assert first.frame().weights.tobytes() != other.frame().weights.tobytes()
    assert run(first) != run(other)


def test_looking_does_not_change_the_bits(tiny):
    watched = Trainer(tiny)
    frames = []
    for step in watched:
        frames.append(watched.frame())
        if step.number % 3 == 0:
            watched.forecast()
            watched.baselines()
        if step.number % 4 == 0:
            # A forecast that is given up half way.
            next(watched.forecasting())
    assert bits(watched) == run(Trainer(tiny))


def test_two_trainers_in_turn_do_not_disturb_each_other(tiny):
    one, other = Trainer(tiny), Trainer(edited(tiny, "seed", 9))
    for _ in itertools.zip_longest(one, other):
        pass
    assert bits(one) == run(Trainer(tiny))
    assert bits(other) == run(Trainer(edited(tiny, "seed", 9)))


def test_training_learns_the_curve(tiny):
    trainer = Trainer(edited(edited(tiny, "epochs", 60), "optimizer", Adam(lr=0.02)))
    before = trainer.forecast()
    run(trainer)
    after = trainer.forecast()
    assert after.one_step_mse < 0.1 * before.one_step_mse
    losses = np.asarray(trainer.frame().losses)
    assert losses[-5:].mean() < 0.1 * losses[:5].mean()


def test_training_never_sees_the_validation_and_test_parts(tiny):
    end = Trainer(tiny).series.train_end
    x = f"{(end - 0.5) * tiny.curve.step}"
    same, other = (edited(tiny, "curve.expression", f"where(x < {x}, sin(x), {what})") for what in ("sin(x)", "9x"))
    one, two = Trainer(same), Trainer(other)
    run(one)
    run(two)
    np.testing.assert_array_equal(one.frame().losses, two.frame().losses)
    assert one.frame().weights.tobytes() == two.frame().weights.tobytes()
    assert one.frame().validation_losses.tobytes() != two.frame().validation_losses.tobytes()


def test_every_training_window_is_used(tiny):
    trainer = Trainer(tiny)
    batches = [step.batch for step in trainer if step.epoch == 1]
    assert sum(batches) == trainer.series.train_end - tiny.window


def test_the_validation_loss_is_measured_at_the_end_of_each_epoch(tiny):
    trainer = Trainer(edited(tiny, "dtype", "float64"))
    run(trainer)
    frame, series = trainer.frame(), trainer.series
    assert frame.validation_steps.tolist() == [5, 10, 15, 20]
    forecast = trainer.forecast().one_step
    errors = (forecast - series.values[tiny.window :])[series.train_end - tiny.window : series.test_start - tiny.window]
    assert frame.validation_losses[-1] == pytest.approx(np.mean((errors / trainer.scaler.scale) ** 2), rel=1e-12)


def test_without_a_validation_part_there_are_no_validation_losses(tiny):
    trainer = Trainer(edited(tiny, "validation", 0.0))
    run(trainer)
    assert len(trainer.frame().validation_losses) == 0


# The number of steps


def test_the_total_is_right_at_every_step(tiny):
    trainer = Trainer(tiny)
    told = [trainer.total_steps, *(trainer.total_steps for _ in trainer)]
    assert set(told) == {20} == {trainer.step}


def test_the_total_is_right_after_every_change_of_batch_size_and_epochs(tiny):
    trainer = changed_on_the_way(tiny, [(3, "batch_size", 4)])
    assert trainer.total_steps == 5 + 3 * 8
    trainer.retune("epochs", 2)
    assert trainer.total_steps == 5 + 8
    while trainer.step < 8:
        next(trainer)
    trainer.retune("batch_size", 31)
    trainer.retune("epochs", 6)
    assert trainer.total_steps == 5 + 8 + 4
    run(trainer)
    assert trainer.step == 17


@pytest.mark.parametrize("stop", range(1, 20, 2))
def test_the_total_foretells_the_end_after_a_change_at_any_step(tiny, stop):
    trainer = Trainer(tiny)
    for _ in range(stop):
        next(trainer)
    trainer.retune("batch_size", 4)
    trainer.retune("epochs", 5)
    told = trainer.total_steps
    run(trainer)
    assert trainer.step == told


def test_more_epochs_after_the_end_go_on(tiny):
    trainer = Trainer(edited(tiny, "epochs", 2))
    run(trainer)
    assert (trainer.done, trainer.step) == (True, 10)
    trainer.retune("epochs", 4)
    assert not trainer.done
    run(trainer)
    assert trainer.step == 20


def test_fewer_epochs_end_with_the_one_that_is_being_made(tiny):
    trainer = changed_on_the_way(tiny, [(7, "epochs", 1)])
    assert trainer.total_steps == 10
    run(trainer)
    assert trainer.step == 10


# Live changes

CHANGES = [
    (0, "optimizer.beta1", 0.5),
    (3, "optimizer.lr", 0.02),
    (3, "batch_size", 4),
    (6, "schedule", Constant()),
    (9, "clip", 0.05),
    (11, "schedule", Cosine(final=0.2)),
    (12, "schedule.final", 0.5),
    (14, "batch_size", 100),
    (14, "epochs", 9),
]


def test_a_replay_of_the_changes_gives_the_same_bits(tiny):
    original = changed_on_the_way(tiny, CHANGES)
    expected = run(original)
    changes = original.frame().changes
    assert [change[:3] for change in changes] == CHANGES
    replayed = Trainer(tiny, changes)
    assert run(replayed) == expected
    assert replayed.frame().changes == changes
    assert replayed.experiment == original.experiment
    assert expected != run(Trainer(tiny))


def test_a_replay_may_be_given_in_any_order_of_steps(tiny):
    expected = run(changed_on_the_way(tiny, CHANGES))
    by_path = sorted((Change(*change) for change in CHANGES), key=lambda change: change.path)
    assert run(Trainer(tiny, by_path)) == expected


def test_a_replay_goes_on_after_the_first_end(tiny):
    original = changed_on_the_way(tiny, [(20, "epochs", 6)])
    expected = run(original)
    replayed = Trainer(tiny, original.frame().changes)
    assert run(replayed) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [("optimizer.lr", 0.5), ("clip", 1e-4), ("optimizer.beta1", 0.1), ("schedule", Cosine(final=1.0))],
)
def test_a_change_acts_on_the_very_next_step_and_not_before(tiny, path, value):
    plain, changed = Trainer(tiny), Trainer(tiny)
    for _ in range(7):
        next(plain)
        next(changed)
    assert bits(plain) == bits(changed)
    changed.retune(path, value)
    next(plain)
    next(changed)
    assert plain.frame().weights.tobytes() != changed.frame().weights.tobytes()
    np.testing.assert_array_equal(plain.frame().losses, changed.frame().losses)


def test_a_change_keeps_the_optimizers_memory(tiny):
    trainer = changed_on_the_way(tiny, [(8, "optimizer.lr", tiny.optimizer.lr)])
    assert run(trainer) == run(Trainer(tiny))


def test_a_change_of_the_batch_size_counts_from_the_next_epoch(tiny):
    trainer = changed_on_the_way(tiny, [(7, "batch_size", 31)])
    assert [next(trainer).batch for _ in range(4)] == [7, 7, 3, 31]


def test_changes_are_recorded_with_their_step_and_what_was_there_before(tiny):
    trainer = changed_on_the_way(tiny, [(4, "clip", 2), (6, "clip", 3.0)])
    assert trainer.frame().changes == (Change(4, "clip", 2.0, 0.0), Change(6, "clip", 3.0, 2.0))
    assert trainer.frame().experiment.clip == 3.0


def test_looking_further_ahead_is_no_change_of_the_run(tiny):
    trainer = changed_on_the_way(tiny, [(4, "beyond", 33)])
    assert trainer.frame().changes == ()
    assert len(trainer.forecast().free_run) == 12 + 33
    assert len(trainer.forecast().errors) == 12 + 33
    assert run(trainer) == run(Trainer(tiny))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("window", 6),
        ("layers.0.hidden_dim", 5),
        ("optimizer", "SGD"),
        ("loss", "MAE"),
        ("curve.expression", "sin(x)"),
        ("seed", 1),
        ("noise", 0.1),
        ("dtype", "float64"),
    ],
)
def test_a_setting_that_is_not_live_is_refused_and_nothing_changes(tiny, path, value):
    trainer = Trainer(tiny)
    next(trainer)
    with pytest.raises(SpecError, match="Restart") as caught:
        trainer.retune(path, value)
    assert caught.value.path == path
    assert (trainer.experiment, trainer.frame().changes) == (tiny, ())
    assert run(trainer) == run(Trainer(tiny))


@pytest.mark.parametrize(
    ("path", "value"), [("optimizer.lr", -1), ("batch_size", 0), ("optimizer.lrr", 1), ("clip", "x")]
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_changes(tiny, path, value):
    trainer = Trainer(tiny)
    with pytest.raises(SpecError):
        trainer.retune(path, value)
    assert (trainer.experiment, trainer.frame().changes) == (tiny, ())


def test_a_batch_too_large_for_the_memory_is_refused_live_as_well(tiny):
    large = edited(edited(edited(tiny, "samples", 20_000), "window", 5000), "layers", (RNN(hidden_dim=1024), Linear(1)))
    too_large = edited(large, "batch_size", 4096)
    with pytest.raises(SpecError):
        too_large.layout()
    trainer = Trainer(edited(large, "batch_size", 1))
    with pytest.raises(SpecError):
        trainer.retune("batch_size", 4096)


# Frames


def test_a_frame_tells_where_the_run_stands(tiny):
    trainer = Trainer(tiny)
    for _ in range(7):
        step = next(trainer)
    frame = trainer.frame()
    assert isinstance(frame, Frame)
    assert (frame.step, frame.epoch, frame.total_steps, frame.done) == (7, 1, 20, False)
    assert {len(frame.losses), len(frame.rates), len(frame.norms)} == {7}
    assert (frame.losses.last, frame.rates.last, frame.norms.last) == (step.loss, step.rate, step.norm)
    assert frame.experiment == tiny
    assert frame.forecast is None


def arrays_in(frame):
    """Every array of a frame and of its histories."""
    parts = (frame, frame.losses, frame.rates, frame.norms)
    return [value for part in parts for value in vars(part).values() if isinstance(value, np.ndarray)]


def test_a_frame_stays_as_it_was_while_the_run_goes_on(tiny):
    trainer = Trainer(edited(tiny, "epochs", 600))
    frames, copies = [], []
    for step in trainer:
        if step.number in (1, 7, 1023, 1024, 1025, 2100):
            frame = trainer.frame()
            frames.append(frame)
            copies.append([array.copy() for array in arrays_in(frame)])
    for frame, copied in zip(frames, copies, strict=True):
        for array, copy in zip(arrays_in(frame), copied, strict=True):
            np.testing.assert_array_equal(array, copy)
    assert [len(frame.losses) for frame in frames] == [1, 7, 1023, 1024, 1025, 2100]


def test_nothing_in_a_frame_can_be_written_to(tiny):
    trainer = Trainer(tiny)
    next(trainer)
    trainer.baselines()
    frame = trainer.frame(trainer.forecast())
    with pytest.raises(AttributeError):
        frame.step = 3
    writable = [
        name
        for part in (frame, frame.losses, frame.forecast, frame.series, *frame.baselines)
        for name, value in vars(part).items()
        if isinstance(value, np.ndarray) and value.flags.writeable
    ]
    assert writable == []


def test_frames_share_the_history_instead_of_copying_it(tiny):
    trainer = Trainer(tiny)
    next(trainer)
    first = trainer.frame()
    next(trainer)
    assert np.shares_memory(first.losses.mean, trainer.frame().losses.mean)


# Divergence


@pytest.fixture
def leap(registries):
    """An optimizer whose update is infinite where its rate is above 1."""

    class Leap(Optimizer):
        """w ← w − ηg, and ∞ where η is above 1."""

        def update(self, w, g, lr, t, memory):
            return w - (np.inf if lr > 1 else lr) * g, memory

    return Leap


def test_divergence_stops_before_the_update_and_a_lower_rate_goes_on(tiny, leap):
    experiment = edited(edited(tiny, "optimizer", leap(lr=0.01)), "schedule", Constant())
    trainer = changed_on_the_way(experiment, [(6, "optimizer.lr", 5.0)])
    before = bits(trainer)
    for _ in range(3):
        with pytest.raises(Diverged) as caught:
            next(trainer)
        assert (caught.value.step, caught.value.rate) == (7, 5.0)
    assert bits(trainer) == before
    assert np.isfinite(trainer.frame().weights).all()
    assert (trainer.step, trainer.done) == (6, False)
    trainer.retune("optimizer.lr", 0.01)
    # Whoever never leapt made the same steps.
    assert run(trainer) == run(Trainer(experiment))


@pytest.mark.parametrize("at", [3, 5, 8])
def test_a_replay_gives_the_same_bits_after_a_divergence_too(tiny, leap, at):
    experiment = edited(edited(tiny, "optimizer", leap(lr=0.01)), "schedule", Constant())
    original = changed_on_the_way(experiment, [(at, "optimizer.lr", 5.0)])
    with pytest.raises(Diverged):
        next(original)
    original.retune("optimizer.lr", 0.02)
    original.retune("batch_size", 4)
    expected = run(original)
    assert run(Trainer(experiment, original.frame().changes)) == expected


@pytest.mark.usefixtures("registries")
def test_divergence_names_the_layer_in_which_it_arose(tiny):
    class Root(Layer):
        """√x: no number below zero."""

        def forward(self, p, x):
            return autodiff.sqrt(x)

    trainer = Trainer(edited(tiny, "layers", (RNN(hidden_dim=3), Root(), Linear(1))))
    with pytest.raises(Diverged, match=r"step 1, in layer 2 \(Root\), at a learning rate of") as caught:
        next(trainer)
    assert (caught.value.layer, caught.value.kind) == (1, "Root")
    assert trainer.step == 0


@pytest.mark.usefixtures("registries")
def test_a_gradient_that_is_not_finite_stops_before_the_update_although_the_loss_is(tiny):
    class Root(Layer):
        """√(x − x): 0, with an infinite slope."""

        def forward(self, p, x):
            return autodiff.sqrt(x - x)

    trainer = Trainer(edited(tiny, "layers", (RNN(hidden_dim=3), Linear(1), Root())))
    before = bits(trainer)
    with pytest.raises(Diverged):
        next(trainer)
    assert bits(trainer) == before


def test_an_experiment_that_cannot_be_trained_is_refused_at_once(tiny):
    for path, value in [
        ("layers", ()),
        ("window", 5000),
        ("curve.expression", "1/x"),
        ("loss", "CategoricalCrossentropy"),
    ]:
        with pytest.raises(SpecError):
            Trainer(edited(tiny, path, value))


def test_what_breaks_off_a_validation_leaves_everything_as_before_the_step(tiny, monkeypatch):
    experiment = edited(edited(edited(tiny, "layers", DROPPING), "input_noise", 0.1), "schedule", OnPlateau(patience=1))
    trainer = changed_on_the_way(experiment, [(9, "clip", 0.5)])
    before = known(trainer)

    def broken_off(*arguments):
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(trainer_module, "predictions", broken_off)
            with pytest.raises(KeyboardInterrupt):
                next(trainer)
        assert known(trainer) == before
    assert next(trainer).number == 10
    assert run(trainer) == run(changed_on_the_way(experiment, [(9, "clip", 0.5)]))


# Going on later

DROPPING = (GRU(hidden_dim=3, return_sequences=True), Dropout(rate=0.3), RNN(hidden_dim=3), Linear(1))

AWAITED = [
    Change(2, "clip", 0.5),
    Change(4, "batch_size", 9),
    Change(7, "schedule", Cosine(final=0.1)),
    Change(8, "schedule.final", 0.3),
    Change(12, "schedule", OnPlateau(patience=1, drop=0.7)),
    Change(12, "schedule.drop", 0.6),
    Change(14, "optimizer.lr", 0.05),
    Change(17, "epochs", 9),
    Change(18, "input_noise", 0.02),
    Change(20, "patience", 2),
    Change(30, GO_ON, None),
]


@pytest.fixture
def rich(tiny):
    """An experiment in which a run remembers whatever it can."""
    changes = {
        "layers": DROPPING,
        "highway": 2,
        "rollout": 3,
        "growth": 0.6,
        "input_noise": 0.1,
        "schedule": OnPlateau(patience=1, warmup=0.1),
        "noise": 0.05,
        "clip": 2.0,
        "patience": 4,
        "target_loss": 1e-9,
    }
    for path, value in changes.items():
        tiny = edited(tiny, path, value)
    return tiny


def known(trainer):
    """All that a run consists of, but for the seconds that it took, in a form that compares."""
    arrays, facts = trainer.state()
    arrays = {**arrays, "run": arrays["run"][:1]}
    # The order of an epoch that begins may have been drawn for a step that was not made.
    if not facts["position"]:
        arrays.pop("order", None)
        facts = facts | {"for_order": None}
    return {name: (each.dtype.str, each.shape, each.tobytes()) for name, each in arrays.items()}, facts


def stored(trainer):
    """The state as a file would give it back."""
    arrays, facts = trainer.state()
    return {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(facts, allow_nan=False))


def again(trainer):
    return Trainer.restored(*stored(trainer))


def test_a_run_goes_on_from_its_state_at_every_step_as_if_it_had_never_stopped(rich, each_backend):
    whole = Trainer(rich, AWAITED)
    states = [stored(whole), *(stored(whole) for _ in whole)]
    expected = bits(whole), known(whole), whole.frame().changes, whole.end
    assert whole.backend == each_backend or not states[0][1]["step"]
    assert whole.step > 30
    for arrays, facts in states:
        restored = Trainer.restored(arrays, facts, backend=each_backend)
        assert restored.backend == each_backend
        assert restored.step == facts["step"]
        run(restored)
        assert (bits(restored), known(restored), restored.frame().changes, restored.end) == expected


@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_a_run_that_ends_early_does_so_from_its_state_at_every_step(tiny, validation):
    experiment = edited(edited(tiny, "optimizer", Lion(lr=0.02)), "validation", validation)
    experiment = edited(edited(experiment, "schedule", OnPlateau(patience=3)), "epochs", 60)
    whole = Trainer(edited(experiment, "patience", 3))
    states = [stored(whole), *(stored(whole) for _ in whole)]
    assert whole.end is End.PATIENCE
    assert whole.frame().best.step < whole.step < 200
    for state in states[::2]:
        restored = Trainer.restored(*state, backend=whole.backend)
        assert run(restored) == bits(whole)
        assert (restored.end, restored.step, restored.frame().best.step) == (
            End.PATIENCE,
            whole.step,
            whole.frame().best.step,
        )


def test_the_state_of_a_restored_run_is_the_state_that_it_was_restored_from(rich):
    whole = Trainer(rich, AWAITED)
    for _ in whole:
        assert known(again(whole)) == known(whole)


def test_a_frame_of_a_restored_run_is_the_frame_of_then(rich):
    trainer = Trainer(rich, AWAITED)
    for _ in range(23):
        next(trainer)
    one, other = trainer.frame(), again(trainer).frame()
    for name in ("experiment", "step", "epoch", "total_steps", "clipped", "seconds", "changes", "backend", "end"):
        assert getattr(one, name) == getattr(other, name), name
    assert (one.best.step, one.best.loss) == (other.best.step, other.best.loss)
    for name in ("losses", "rates", "norms", "validation_steps", "validation_losses", "weights"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(trainer.forecast().free_run, again(trainer).forecast().free_run)


def test_taking_the_state_changes_nothing_and_the_state_stays_as_it_was(rich):
    watched = Trainer(rich, AWAITED)
    arrays, facts = {}, {}
    for step in watched:
        if step.number == 11:
            arrays, facts = watched.state()
            kept = {name: array.copy() for name, array in arrays.items()}, json.dumps(facts)
        else:
            watched.state()
    assert bits(watched) == run(Trainer(rich, AWAITED))
    assert json.dumps(facts) == kept[1]
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, kept[0][name])


def test_two_runs_from_one_state_do_not_disturb_each_other(rich):
    trainer = Trainer(rich)
    for _ in range(8):
        next(trainer)
    state = trainer.state()
    one, other = Trainer.restored(*state), Trainer.restored(*state)
    for _ in itertools.zip_longest(one, other, trainer):
        pass
    assert bits(one) == bits(other) == bits(trainer) == run(Trainer(rich))


def test_a_run_that_has_ended_goes_on_from_its_state(tiny):
    experiment = edited(edited(tiny, "optimizer", Lion(lr=0.02)), "patience", 1)
    experiment = edited(edited(experiment, "schedule", Constant()), "epochs", 60)
    original = Trainer(experiment)
    run(original)
    assert original.end is End.PATIENCE
    restored = again(original)
    assert (restored.end, next(restored, None)) == (End.PATIENCE, None)
    for trainer in (original, restored):
        trainer.go_on()
        run(trainer)
    assert bits(restored) == bits(original)
    assert restored.frame().changes == original.frame().changes


def test_a_time_limit_counts_the_seconds_before_the_state(tiny):
    ticks = itertools.count()
    original = Trainer(edited(tiny, "seconds", 100.0), clock=lambda: 10.0 * next(ticks))
    for _ in range(9):
        next(original)
    restored = again(original)
    assert (restored.frame().seconds, restored.end) == (90.0, None)
    restored._clock = original._clock
    assert len(list(restored)) == 1
    assert (restored.end, restored.frame().seconds) == (End.SECONDS, 100.0)


def test_a_run_that_diverged_goes_on_from_its_state(rich, leap):
    experiment = edited(edited(rich, "optimizer", leap(lr=0.01)), "schedule", Constant())
    original = changed_on_the_way(experiment, [(10, "optimizer.lr", 5.0)])
    with pytest.raises(Diverged):
        next(original)
    restored = again(original)
    with pytest.raises(Diverged):
        next(restored)
    for trainer in (original, restored):
        trainer.retune("optimizer.lr", 0.01)
    assert run(restored) == run(original)


def test_a_change_of_a_setting_that_a_later_change_took_away_is_kept(tiny):
    changes = [
        (2, "schedule", Cosine(final=0.1)),
        (3, "schedule.final", 0.3),
        (4, "schedule", Constant()),
    ]
    original = changed_on_the_way(tiny, changes)
    next(original)
    assert again(original).frame().changes == original.frame().changes
    assert run(Trainer(tiny, again(original).frame().changes)) == run(original)


def test_a_run_goes_on_by_another_backend_with_other_roundings_where_told_so(tiny, each_backend):
    original = Trainer(edited(tiny, "dtype", "float64"))
    for _ in range(7):
        next(original)
    moved = Trainer.restored(*stored(original), backend=NUMPY)
    assert (original.backend, moved.backend) == (each_backend, NUMPY)
    run(moved)
    run(original)
    np.testing.assert_allclose(moved.frame().losses, original.frame().losses, rtol=0, atol=1e-12)


def test_a_run_of_a_backend_that_is_not_to_be_had_is_refused_and_goes_on_by_another(tiny):
    trainer = Trainer(tiny, backend=NUMPY)
    next(trainer)
    arrays, facts = stored(trainer)
    with pytest.raises(SpecError, match="There is no backend 'abacus'"):
        Trainer.restored(arrays, facts | {"backend": "abacus"})
    assert Trainer.restored(arrays, facts | {"backend": "abacus"}, backend=NUMPY).step == 1


# States that are no states


@pytest.fixture
def half_way(rich):
    """The state of a run within its third epoch, with changes behind it and before it."""
    trainer = Trainer(rich, AWAITED)
    for _ in range(15):
        next(trainer)
    arrays, facts = stored(trainer)
    assert facts["position"]
    assert facts["epoch"] > 1
    assert "best" in facts
    return arrays, facts


def outcome(arrays, facts):
    """Whether a state is refused with a sentence; one that is not must be one that a run can go on from."""
    try:
        trainer = Trainer.restored(arrays, facts)
    except SpecError:
        return "refused"
    with contextlib.suppress(Diverged, SpecError):
        for _ in range(3):
            next(trainer, None)
        json.dumps(trainer.state()[1])
    return "taken"


def places(facts, path=()):
    """The paths of all that stands in facts; components, which are tested by themselves, as a whole."""
    inner = facts.items() if isinstance(facts, dict) else enumerate(facts) if isinstance(facts, list) else ()
    for key, value in inner:
        yield (*path, key)
        if key not in ("experiment", "value", "old"):
            yield from places(value, (*path, key))


def without(facts, path):
    copy = json.loads(json.dumps(facts))
    target = copy
    for key in path[:-1]:
        target = target[key]
    del target[path[-1]]
    return copy


def replaced(facts, path, value):
    copy = json.loads(json.dumps(facts))
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy


def test_a_state_without_one_of_its_parts_is_refused(half_way):
    arrays, facts = half_way
    for name in arrays:
        assert outcome({key: each for key, each in arrays.items() if key != name}, facts) == "refused", name
    for path in places(facts):
        # A change that is missing cannot be told from one that was never made.
        if not isinstance(path[-1], int):
            assert outcome(arrays, without(facts, path)) == "refused", path


def test_a_state_with_numbers_of_the_wrong_shape_is_refused(half_way):
    arrays, facts = half_way
    for name, array in arrays.items():
        for wrong in (array[:-1], np.concatenate([array, array]), array[None], array.reshape(-1)[0], array[..., None]):
            assert outcome({**arrays, name: np.array(wrong)}, facts) == "refused", (name, np.shape(wrong))


@pytest.mark.parametrize("name", ["weights", "memory.0", "memory.1", "best.weights"])
def test_weights_and_memories_of_another_precision_or_not_finite_are_refused(half_way, name):
    arrays, facts = half_way
    for dtype in ("float64", "int64", "uint8"):
        assert outcome({**arrays, name: arrays[name].astype(dtype)}, facts) == "refused"
    for bad in (np.nan, np.inf):
        wrong = arrays[name].copy()
        wrong[3] = bad
        assert outcome({**arrays, name: wrong}, facts) == "refused"


def test_an_order_that_is_none_is_refused(half_way):
    arrays, facts = half_way
    order = arrays["order"]
    for wrong in (order + 1, np.zeros_like(order), order.astype("float64"), order[::-1] - 1):
        assert outcome({**arrays, "order": wrong}, facts) == "refused"


def test_parts_of_another_run_are_refused(half_way, rich):
    arrays, facts = half_way
    other = Trainer(rich, AWAITED)
    for _ in range(9):
        next(other)
    others, other_facts = stored(other)
    for record in ("losses", "rates", "norms", "validation_losses"):
        names = [f"{record}.{part}" for part in ("entries", "rest")]
        mixed = {**arrays, **{name: others[name] for name in names}}
        assert outcome(mixed, {**facts, record: other_facts[record]}) == "refused", record
    for path, value in (("window", 6), ("layers", [{"kind": "RNN"}, {"kind": "Linear"}]), ("dtype", "float64")):
        wrong = replaced(facts, ("experiment", path), value)
        assert outcome(arrays, wrong) == "refused", path
    assert outcome(arrays, replaced(facts, ("experiment", "optimizer", "kind"), "Nonsense")) == "refused"


# What a state is refused for does not depend on the backend.
once = pytest.mark.parametrize("each_backend", [NUMPY], indirect=True)

STRANGE = (None, "x", -1, 1.5, float("inf"), [[1]], {}, 10**400)


@once
def test_facts_of_the_wrong_type_are_refused_or_do_no_harm(half_way):
    arrays, facts = half_way
    refused = [
        outcome(arrays, replaced(facts, path, value)) == "refused" for path in places(facts) for value in STRANGE
    ]
    assert np.mean(refused) > 0.5


@once
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_numbers_of_another_type_are_refused_or_do_no_harm(half_way, dtype):
    arrays, facts = half_way
    for name, array in arrays.items():
        outcome({**arrays, name: np.nan_to_num(array, posinf=9).astype(dtype)}, facts)
        for bad in (np.nan, np.inf, -1, 0):
            if np.issubdtype(array.dtype, np.floating):
                outcome({**arrays, name: np.full_like(array, bad)}, facts)


@pytest.mark.parametrize("facts", [None, [], "x", {}, {"experiment": {}}, {"experiment": None}, 3])
def test_what_holds_no_facts_is_refused(facts):
    assert outcome({}, facts) == "refused"
