"""The training loop: batches, order, rates, and stopping before damage."""

import itertools
import math

import numpy as np
import pytest

from zen_core import autodiff
from zen_core.backend import compilers
from zen_core.component import SpecError
from zen_core.loop import Diverged, Loop
from zen_core.loss import MSE, Loss
from zen_core.network import network
from zen_core.nn import Linear, Tanh
from zen_core.optim import SGD, Adam, Optimizer
from zen_core.schedule import Constant, Cosine, OnPlateau, Schedule
from zen_core.weights import Layout

pytestmark = pytest.mark.usefixtures("each_backend")

LINE = (Linear(1),)


def line(count=10, *, layers=LINE, weights=None, dtype="float64", **settings):
    """A loop that fits y = xw + b to `count` samples (2i, i)."""
    layout = Layout(layers, (1,))
    x = np.arange(count, dtype=dtype)[:, None] * 2
    start = np.zeros(layout.size, dtype) if weights is None else np.array(weights, dtype)
    given = {"loss": MSE(), "optimizer": SGD(lr=1e-3), "batch_size": 4, "epochs": 3} | settings
    found = network(layers, layout, dtype, compilers[dtype].load())
    return Loop(found, start, x, x / 2, **given)


@pytest.fixture
def watched(registries):
    """A linear layer, and the list of batches of sample numbers that it was shown."""
    seen = []

    class Watched(Linear):
        """y = xW + b, and notes which samples it is shown."""

        def forward(self, p, x):
            seen.append([int(v) // 2 for v in x.value[:, 0]])
            return super().forward(p, x)

    return Watched(), seen


def test_asking_for_the_next_step_makes_it_and_nothing_else_does():
    loop = line()
    assert (loop.step, loop.done) == (0, False)
    before = loop.weights.tobytes()
    assert next(loop).number == 1
    assert loop.weights.tobytes() != before


def test_batches_cover_each_epoch_and_the_last_one_holds_what_is_left(watched):
    layer, seen = watched
    steps = list(line(10, layers=(layer,)))
    assert [step.batch for step in steps] == [4, 4, 2] * 3
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [step.number for step in steps] == list(range(1, 10))
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] * 3


def test_with_a_generator_every_epoch_has_its_own_order_and_misses_nobody(watched):
    layer, seen = watched
    list(line(10, layers=(layer,), order=np.random.default_rng(0)))
    epochs = [list(itertools.chain(*seen[start : start + 3])) for start in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_step_is_gradient_descent_on_its_batch():
    loop = line(10, optimizer=SGD(lr=0.01))
    w, b = 0.0, 0.0
    for start in (0, 4, 8):
        x = [2.0 * i for i in range(start, min(start + 4, 10))]
        errors = [w * v + b - v / 2 for v in x]
        step = next(loop)
        assert step.loss == pytest.approx(sum(e * e for e in errors) / len(x))
        by_w = sum(2 * e * v for e, v in zip(errors, x, strict=True)) / len(x)
        by_b = sum(2 * e for e in errors) / len(x)
        assert step.norm == pytest.approx(math.hypot(by_w, by_b))
        w, b = w - 0.01 * by_w, b - 0.01 * by_b
        np.testing.assert_allclose(loop.weights, [w, b], rtol=1e-12)


def test_the_rate_is_the_optimizers_times_the_schedules():
    rates = [step.rate for step in line(10, schedule=Cosine(final=0.1), epochs=4)]
    done = [(epoch + position / 10) / 4 for epoch in range(4) for position in (0, 4, 8)]
    assert rates == pytest.approx([1e-3 * (0.1 + 0.9 * (1 + math.cos(math.pi * p)) / 2) for p in done])


def test_a_long_gradient_is_clipped_and_its_own_norm_is_told():
    loop = line(clip=1e-3, optimizer=SGD(lr=1.0))
    step = next(loop)
    assert step.norm > 1
    assert step.clipped
    assert np.linalg.norm(loop.weights) == pytest.approx(1e-3)


@pytest.mark.parametrize("clip", [0.0, 1e6])
def test_a_gradient_that_is_short_enough_is_not_clipped(clip):
    assert not any(step.clipped for step in line(clip=clip))


def test_optimizer_memory_and_step_number_go_on_over_epochs():
    loop = line(4, optimizer=Adam(lr=0.01), epochs=3)
    moves = []
    for _ in range(3):
        before = loop.weights
        next(loop)
        moves.append(loop.weights - before)
    # A fresh Adam would move each weight by its whole rate every time.
    assert np.abs(moves[0]) == pytest.approx(0.01, rel=1e-5)
    assert (np.abs(np.abs(moves[2]) - 0.01) > 1e-6).all()


def test_weights_are_replaced_whole_and_never_changed_in_place():
    loop = line()
    kept = [loop.weights]
    copies = [loop.weights.copy()]
    for _ in loop:
        kept.append(loop.weights)
        copies.append(loop.weights.copy())
    for then, copy in zip(kept, copies, strict=True):
        assert then.tobytes() == copy.tobytes()


def test_a_finished_loop_stays_finished_until_it_gets_more_epochs():
    loop = line(10, epochs=1)
    assert len(list(loop)) == 3
    assert loop.done
    assert next(loop, None) is None
    loop.epochs = 2
    assert not loop.done
    assert [step.number for step in loop] == [4, 5, 6]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_the_number_of_the_last_step_is_known_at_every_step(count):
    loop = line(count, epochs=3)
    told = [loop.total_steps, *(loop.total_steps for _ in loop)]
    assert told == [loop.step] * len(told)


def test_a_new_batch_size_counts_from_the_next_epoch():
    loop = line(10, epochs=2)
    next(loop)
    loop.batch_size = 5
    assert loop.total_steps == 5
    assert [step.batch for step in loop] == [4, 2, 5, 5]


def test_a_larger_batch_than_there_are_samples_is_one_step_an_epoch():
    assert [step.batch for step in line(3, batch_size=100)] == [3, 3, 3]


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (8, 4), (3, 4), (5, 1)])
def test_the_last_step_of_each_epoch_is_known_before_it_is_made(count, batch_size):
    loop = line(count, batch_size=batch_size)
    while not loop.done:
        told, epoch = loop.ends_epoch, loop.epoch
        next(loop)
        assert told == (loop.epoch > epoch)


def test_the_last_step_of_an_epoch_is_known_by_the_size_of_batch_that_counts():
    loop = line(10, batch_size=4)
    next(loop)
    loop.batch_size = 100
    assert not loop.ends_epoch
    next(loop)
    loop.batch_size = 1
    assert loop.ends_epoch


def test_progress_goes_from_zero_to_one():
    loop = line(10, epochs=2)
    shares = [loop.progress, *(loop.progress for _ in loop)]
    assert shares == pytest.approx([0, 0.2, 0.4, 0.5, 0.7, 0.9, 1.0])


def test_a_loss_that_is_not_finite_stops_before_the_update():
    loop = line(4, dtype="float32", weights=[1e30, 0.0])
    before = loop.weights.tobytes()
    with pytest.raises(Diverged) as caught:
        next(loop)
    assert loop.weights.tobytes() == before
    assert loop.step == 0
    error = caught.value
    assert (error.step, error.layer, error.kind, error.rate) == (1, 0, "Linear", 1e-3)
    assert "step 1" in str(error)
    assert "layer 1 (Linear)" in str(error)


def test_an_output_that_is_not_finite_is_blamed_on_the_layer_where_it_arose():
    layers = (Linear(1), Tanh(), Linear(1), Linear(1))
    loop = line(4, layers=layers, dtype="float32", weights=[1, 1, 3e38, 3e38, 1, 1])
    with pytest.raises(Diverged) as caught:
        next(loop)
    assert (caught.value.layer, caught.value.kind) == (2, "Linear")
    assert np.isfinite(loop.weights).all()


@pytest.mark.usefixtures("registries")
def test_weights_that_would_overflow_stop_before_the_update_and_a_lower_rate_goes_on():
    class Leap(Optimizer):
        """w ← w − ηg, and ∞ where η is above 1."""

        def update(self, w, g, lr, t, memory):
            return w - (np.inf if lr > 1 else lr) * g, memory

    loop = line(4, optimizer=Leap(lr=0.01), epochs=9)
    next(loop)
    before = loop.weights.tobytes()
    loop.optimizer = Leap(lr=2.0)
    with pytest.raises(Diverged) as caught:
        next(loop)
    assert (caught.value.step, caught.value.rate) == (2, 2.0)
    assert (loop.weights.tobytes(), loop.step) == (before, 1)
    loop.optimizer = Leap(lr=0.01)
    assert next(loop).number == 2


@pytest.mark.usefixtures("registries")
def test_a_gradient_that_is_not_finite_stops_even_a_rule_that_would_survive_it():
    class BySign(Optimizer):
        """w ← w − η where g is positive, else w + η."""

        def update(self, w, g, lr, t, memory):
            return np.where(g > 0, w - lr, w + lr), memory

    class Square(Loss):
        """0 · √(ŷ²): 0, with a slope that is no number where ŷ is 0."""

        def value(self, prediction, target):
            return (autodiff.sqrt(prediction * prediction) * 0.0).mean()

    loop = line(4, loss=Square(), optimizer=BySign())
    before = loop.weights.tobytes()
    with pytest.raises(Diverged):
        next(loop)
    assert loop.weights.tobytes() == before


@pytest.mark.usefixtures("registries")
def test_a_schedule_of_numpy_numbers_leaves_the_weights_in_float32():
    class Falling(Schedule):
        """The factor e⁻ᵖ."""

        def decay(self, progress, state):
            return np.exp(-progress)

    loop = line(4, dtype="float32", schedule=Falling())
    next(loop)
    assert loop.weights.dtype == np.float32


def test_without_a_schedule_the_rate_is_constant():
    assert line().schedule == Constant()


def test_a_schedule_keeps_what_it_learned_while_its_kind_stays():
    loop = line(4, optimizer=SGD(lr=0.01), schedule=OnPlateau(patience=1, drop=0.5), epochs=9)
    for loss in (1.0, 1.0):
        next(loop)
        loop.observe(loss)
    assert next(loop).rate == pytest.approx(0.005)
    loop.retune(SGD(lr=0.02), OnPlateau(patience=3, drop=0.5))
    assert next(loop).rate == pytest.approx(0.01)
    loop.retune(SGD(lr=0.02), Constant())
    assert next(loop).rate == pytest.approx(0.02)
    loop.retune(SGD(lr=0.02), OnPlateau(patience=3, drop=0.5))
    assert next(loop).rate == pytest.approx(0.02)


@pytest.mark.parametrize("stop", range(8))
def test_a_loop_goes_on_from_its_state_bit_for_bit(stop):
    def begun(seed):
        return line(
            10, optimizer=Adam(lr=0.01), order=np.random.default_rng(seed), schedule=OnPlateau(), noise=0.1,
            chance=np.random.default_rng(seed + 1),
        )  # fmt: skip

    whole, other = begun(0), begun(5)
    for _ in range(stop):
        next(whole)
    other.restore(*whole.state())
    assert (other.step, other.epoch, other.progress) == (whole.step, whole.epoch, whole.progress)
    assert list(other) == list(whole)
    assert other.weights.tobytes() == whole.weights.tobytes()


def test_a_state_of_another_loop_is_refused_and_changes_nothing():
    loop, other = line(10), line(10, layers=(Linear(1), Linear(1)))
    next(loop)
    before = loop.weights.tobytes()
    with pytest.raises(SpecError, match="do not fit"):
        loop.restore(*other.state())
    assert (loop.weights.tobytes(), loop.step) == (before, 1)
    with pytest.raises(SpecError, match="do not fit"):
        line(10).restore(*after_one_step(line(9)).state())


def after_one_step(loop):
    next(loop)
    return loop
