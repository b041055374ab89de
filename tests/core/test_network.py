"""Networks on both backends: the same numbers to rounding, nothing hidden, and broken off without a trace."""

import threading

import numpy as np
import pytest

from zen_core import autodiff
from zen_core.autodiff import Tensor, gradients
from zen_core.backend import COMPILED, NUMPY, Compiler, compilers
from zen_core.edits import edited
from zen_core.loop import Diverged, Loop
from zen_core.loss import MSE
from zen_core.network import Interrupted, OnKernels, OnNumpy, network
from zen_core.nn import GRU, LSTM, RNN, Dropout, Layer, Linear, Model, ReLU, Sigmoid, Softmax, Tanh
from zen_core.optim import SGD, Adam
from zen_core.schedule import Constant, OnPlateau
from zen_core.trainer import Trainer
from zen_core.weights import Layout

from .waiting import wait_until

PRECISIONS = ("float32", "float64")
STACK = (
    LSTM(hidden_dim=4, return_sequences=True, units=3),
    Dropout(rate=0.3),
    GRU(hidden_dim=3),
    Tanh(),
    Dropout(rate=0.5),
    Linear(1),
)
SHAPE = (6, 1)

each_precision = pytest.mark.parametrize("dtype", PRECISIONS)


def drawn(layout, dtype, seed=0):
    """Weights."""
    return layout.initial(np.random.default_rng(seed), dtype)


def inputs(count, shape=SHAPE, dtype="float64", seed=1):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(dtype)


@pytest.fixture
def made(each_backend):
    """Makes networks on a backend, once on each."""

    def make(layers=STACK, shape=SHAPE, dtype="float64", highway=0):
        found = network(layers, Layout(layers, shape, highway), dtype, compilers[dtype].load())
        assert found.backend == each_backend
        return found

    return make


def both(kernels, layers, shape, dtype, highway=0):
    """The same network on numpy and on the kernels."""
    layout = Layout(layers, shape, highway)
    return OnNumpy(layers, layout, dtype), network(layers, layout, dtype, kernels[dtype])


# Which backend


def test_without_kernels_it_is_numpy(kernels):
    layout = Layout(STACK, SHAPE)
    assert isinstance(network(STACK, layout, "float32"), OnNumpy)
    assert isinstance(network(STACK, layout, "float32", kernels["float32"]), OnKernels)


@pytest.fixture
def strangers(registries):
    """A layer without a kernel, and a recurrent one that changes the cell of one that has."""

    class Swish(Layer):
        """x σ(x)."""

        def forward(self, p, x):
            return x * autodiff.sigmoid(x)

    class Rectified(RNN):
        """h_t = max(0, tanh(…))."""

        def cell(self, p, x, h):
            return autodiff.relu(super().cell(p, x, h))

    return {"Swish": (RNN(hidden_dim=3), Swish(), Linear(1)), "Rectified": (Rectified(hidden_dim=3), Linear(1))}


@pytest.mark.parametrize("name", ["Swish", "Rectified"])
@pytest.mark.parametrize("backend", [None, COMPILED])
def test_a_layer_without_a_kernel_of_its_own_trains_on_numpy(tiny, kernels, strangers, name, backend):
    experiment = edited(tiny, "layers", strangers[name])
    trainer, plain = Trainer(experiment, backend=backend), Trainer(experiment, backend=NUMPY)
    assert len(list(trainer)) == len(list(plain)) == 20
    assert trainer.backend == trainer.frame().backend == NUMPY
    assert trainer.frame().weights.tobytes() == plain.frame().weights.tobytes()


def test_a_recurrent_layer_that_changes_the_cell_computes_its_own(strangers):
    layers = strangers["Rectified"][:1]
    layout = Layout(layers, SHAPE)
    y = OnNumpy(layers, layout, "float64").predict(drawn(layout, "float64"), inputs(20))
    assert (y >= 0).all()


def test_a_stack_of_no_layers_gives_its_input(kernels):
    found = network((), Layout((), (3,)), "float32", kernels["float32"])
    x = inputs(2, (3,), "float32")
    np.testing.assert_array_equal(found.predict(np.empty(0, "float32"), x), x)


class Late(Compiler):
    """A compiler whose kernels are ready when they are told to be."""

    def __init__(self, kernels):
        super().__init__("float32")
        self.known, self.ready = kernels["float32"], False

    def load(self, wait=False):
        return self.known if self.ready else None


@pytest.fixture
def late(kernels, monkeypatch):
    monkeypatch.setitem(compilers, "float32", Late(kernels))
    return compilers["float32"]


def test_a_run_keeps_numpy_when_kernels_become_ready_in_between(tiny, late):
    plain = Trainer(tiny, backend=NUMPY)
    trainer = Trainer(tiny)
    next(trainer)
    late.ready = True
    seen = {trainer.frame().backend}
    for _ in trainer:
        trainer.forecast()
        seen.add(trainer.frame().backend)
    list(plain)
    assert seen == {NUMPY}
    assert trainer.frame().weights.tobytes() == plain.frame().weights.tobytes()


def test_a_run_keeps_the_kernels_when_they_are_gone_in_between(tiny, late):
    late.ready = True
    trainer = Trainer(tiny)
    next(trainer)
    late.ready = False
    list(trainer)
    trainer.forecast()
    assert trainer.backend == COMPILED


def test_before_the_first_step_kernels_are_taken_as_soon_as_they_are_ready(tiny, late):
    trainer = Trainer(tiny)
    first = trainer.forecast()
    assert trainer.backend == NUMPY
    late.ready = True
    again = trainer.forecast()
    assert trainer.backend == COMPILED
    np.testing.assert_allclose(again.free_run, first.free_run, rtol=0, atol=1e-4)
    next(trainer)
    assert trainer.backend == COMPILED


def test_a_backend_that_was_named_is_kept_when_kernels_become_ready(tiny, late):
    trainer = Trainer(tiny, backend=NUMPY)
    late.ready = True
    next(trainer)
    assert trainer.backend == NUMPY


# What it computes


@each_precision
def test_predictions_are_those_of_the_opened_network(made, dtype):
    found = made(dtype=dtype)
    w, x = drawn(found.layout, dtype), inputs(5, dtype=dtype)
    leaves, predict = found.opened(w)
    y = predict(x, None)
    assert sum(leaf.value.size for leaf in leaves) == found.layout.size
    np.testing.assert_array_equal(found.predict(w, x), y.value)
    assert (y.shape, y.dtype) == ((5, 1), dtype)


def test_the_joined_gradients_stand_where_their_weights_do(made):
    found = made()
    w, x = drawn(found.layout, "float64"), inputs(5)

    def lost(vector):
        return float(np.sum(found.predict(vector, x)))

    leaves, predict = found.opened(w)
    joined = found.joined(gradients(predict(x, None), leaves, seed=1.0))
    assert joined.shape == (found.layout.size,)
    for position in range(0, found.layout.size, 7):
        step = np.zeros(found.layout.size)
        step[position] = 1e-6
        assert joined[position] == pytest.approx((lost(w + step) - lost(w - step)) / 2e-6, abs=1e-7)


@each_precision
def test_what_is_read_only_strided_or_of_another_precision_is_read_as_it_is(made, dtype):
    found = made(dtype=dtype)
    w = drawn(found.layout, dtype)
    series = inputs(1, (30,), dtype)[0]
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)[..., None]
    assert not any((windows.flags.c_contiguous, windows.flags.writeable, w.flags.writeable))
    expected = found.predict(np.array(w), np.array(windows))
    np.testing.assert_array_equal(found.predict(w, windows), expected)
    np.testing.assert_allclose(found.predict(w, np.array(windows)[::2]), expected[::2], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.predict(w, np.asfortranarray(windows)), expected)
    if found.backend == COMPILED:
        np.testing.assert_array_equal(found.predict(w, windows.astype("float64")), expected)


def test_samples_of_a_batch_do_not_see_each_other(made):
    found = made()
    w, x = drawn(found.layout, "float64"), inputs(9)
    alone = np.concatenate([found.predict(w, x[i : i + 1]) for i in range(9)])
    np.testing.assert_allclose(found.predict(w, x), alone, rtol=0, atol=1e-14)


def test_prediction_changes_neither_the_weights_nor_the_input(made):
    found = made()
    w, x = np.array(drawn(found.layout, "float64")), inputs(4)
    kept = w.copy(), x.copy()
    leaves, predict = found.opened(w)
    gradients(predict(Tensor(x), None), leaves, seed=1.0)
    found.predict(w, x)
    found.free_run(w, x[0, :, 0], 5)
    np.testing.assert_array_equal(w, kept[0])
    np.testing.assert_array_equal(x, kept[1])


@each_precision
@pytest.mark.parametrize("highway", [0, 4])
def test_a_free_run_is_one_prediction_after_the_other(made, dtype, highway):
    found = made(dtype=dtype, highway=highway)
    w, past = drawn(found.layout, dtype), inputs(1, dtype=dtype)[0, :, 0]
    series = past.tolist()
    for _ in range(40):
        series.append(found.predict(w, np.array(series[-6:], dtype)[None, :, None])[0, 0])
    run = found.free_run(w, past, 40)
    assert run.dtype == dtype
    np.testing.assert_array_equal(run, np.array(series[6:], dtype))


def test_a_free_run_of_no_steps_is_empty(made):
    found = made()
    assert found.free_run(drawn(found.layout, "float64"), np.zeros(6), 0).shape == (0,)


def test_how_many_steps_are_made_at_once_grows_with_the_work_and_is_never_none(made):
    found = made()
    assert found.at_once(0) == found.at_once(1) == 1
    most = 10**6 // (6 * found.layout.size)
    assert found.at_once(10**6) == (most if found.backend == COMPILED else 1)


# Masks


def test_a_mask_has_the_numbers_of_each_dropout_one_after_the_other(made):
    found = made()
    assert found.masked
    mask = found.mask(np.random.default_rng(0), 50)
    assert mask.shape == (50 * (6 * 3 + 3),)
    first, second = mask[: 50 * 18], mask[50 * 18 :]
    # A number that is kept is divided by 1 − p.
    assert set(np.round(first, 12)) == {0, round(1 / 0.7, 12)}
    assert set(second) == {0, 2}


def test_without_dropout_there_is_no_mask(made):
    found = made((RNN(hidden_dim=2), Linear(1)))
    assert not found.masked
    assert found.mask(np.random.default_rng(0), 5) is None


@each_precision
def test_both_backends_draw_the_same_masks(kernels, dtype):
    one, other = both(kernels, STACK, SHAPE, dtype)
    drawn_by = [each.mask(np.random.default_rng(5), 7) for each in (one, other)]
    assert drawn_by[0].dtype == dtype
    np.testing.assert_array_equal(*drawn_by)


def test_each_number_is_multiplied_by_its_own_entry_of_the_mask(made):
    # The network gives what reaches its end of a sequence.
    found = made((Dropout(), Linear(2), Dropout(), Linear(1)), (3, 1))
    w = np.array([1.0, 10.0, 0, 0, 1.0, 1.0, 0])
    x = np.array([1.0, 2, 3, 4, 5, 6]).reshape(2, 3, 1)
    mask = np.zeros(6 + 12)
    mask[[0, 4]] = 1, 3
    mask[6:] = np.arange(12)
    # Of sample 0 the first number is left, of sample 1 the second, three times: 1 and 15.
    expected = np.array([[1 * 0 + 10 * 1, 0, 0], [0, 15 * 8 + 150 * 9, 0]])
    np.testing.assert_allclose(found.opened(w)[1](x, mask).value[..., 0], expected)


# Nothing that is not finite is hidden.

LAYERS = {
    "linear": (Linear(2),),
    "tanh": (Linear(2), Tanh()),
    "sigmoid": (Linear(2), Sigmoid()),
    "relu": (Linear(2), ReLU()),
    "softmax": (Linear(2), Softmax()),
    "dropout": (Linear(2), Dropout()),
    "RNN": (RNN(hidden_dim=3),),
    "LSTM": (LSTM(hidden_dim=3),),
    "GRU": (GRU(hidden_dim=3),),
    "GRU before": (GRU(hidden_dim=3, reset_after=False),),
    "readout": (LSTM(hidden_dim=3, return_sequences=True, units=2),),
    "deep": (RNN(hidden_dim=2, return_sequences=True), GRU(hidden_dim=3), Linear(2)),
}
each_stack = pytest.mark.parametrize("name", LAYERS)


def assert_as_on_numpy(found, expected, name):
    """What is not finite on numpy is not finite here, and nothing else is."""
    hidden = np.isfinite(found) & ~np.isfinite(expected)
    assert not hidden.any()
    if name != "softmax":
        # Compiled, the probability of −∞ is no number instead of 0.
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))


def passed(found, w, x, mask):
    """The output, and the gradients of its sum by the input and by all weights."""
    leaves, predict = found.opened(w)
    given = Tensor(x)
    with np.errstate(all="ignore"):
        y = predict(given, mask)
        by_x, *by_w = gradients(y, [given, *leaves], seed=1.0)
    return y.value, by_x, found.joined(by_w)


@each_precision
@each_stack
def test_a_weight_that_is_no_number_comes_out(kernels, name, dtype):
    # Compilers that may assume that numbers are finite turn a NaN into a harmless number.
    for found in both(kernels, LAYERS[name], (4, 2), dtype):
        mask = found.mask(np.random.default_rng(0), 3)
        for part in found.layout.parts:
            w = np.array(drawn(found.layout, dtype))
            w[part.stop - 1] = np.nan
            y, *_ = passed(found, w, inputs(3, (4, 2), dtype), mask)
            assert np.isnan(y).any(), (found.backend, part)


@each_precision
@each_stack
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_comes_out_as_on_numpy(kernels, name, dtype, bad):
    one, other = both(kernels, LAYERS[name], (4, 2), dtype)
    mask = one.mask(np.random.default_rng(0), 3)
    for position in range(one.layout.size):
        w = np.array(drawn(one.layout, dtype))
        w[position] = bad
        x = inputs(3, (4, 2), dtype)
        for expected, found in zip(passed(one, w, x, mask), passed(other, w, x, mask), strict=True):
            assert_as_on_numpy(found, expected, name)


@each_precision
@each_stack
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_an_input_that_is_not_finite_comes_out_of_its_own_sample_alone(kernels, name, dtype, bad):
    one, other = both(kernels, LAYERS[name], (4, 2), dtype)
    w, x = drawn(one.layout, dtype), inputs(3, (4, 2), dtype)
    x[1, 2, 0] = bad
    expected, found = one.predict(w, x), other.predict(w, x)
    assert_as_on_numpy(found, expected, name)
    assert np.isfinite(found[[0, 2]]).all()
    if np.isnan(bad):
        assert np.isnan(found[1]).any()


@each_precision
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_free_run_does_not_hide_what_is_not_finite(made, dtype, bad):
    found = made((RNN(hidden_dim=3), Linear(1)), dtype=dtype)
    w = np.array(drawn(found.layout, dtype))
    w[-1] = bad
    assert not np.isfinite(found.free_run(w, inputs(1, dtype=dtype)[0, :, 0], 5)).any()


def fitting(found, *, x=None, weights=None, **settings):
    """A loop over 12 windows."""
    dtype = found.dtype
    given = {"loss": MSE(), "optimizer": SGD(lr=0.01), "batch_size": 4, "epochs": 500} | settings
    x = inputs(12, found.layout.shape, dtype) if x is None else x
    start = drawn(found.layout, dtype) if weights is None else weights
    return Loop(found, start, x, np.ones((12, 1), dtype), chance=np.random.default_rng(0), **given)


@each_precision
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_weights_that_are_not_finite_are_a_divergence_of_their_layer(made, cell, dtype, bad):
    found = made((cell(hidden_dim=3), Linear(1)), dtype=dtype)
    for layer in (0, 1):
        w = np.array(drawn(found.layout, dtype))
        # The last weight of the layer is a bias; an infinite one within a cell may be squashed to a number.
        w[found.layout.parts[-3 if layer == 0 else -1].stop - 1] = bad if layer else np.nan
        loop = fitting(found, weights=w)
        with pytest.raises(Diverged) as caught:
            next(loop)
        assert (caught.value.step, caught.value.layer) == (1, layer)
        np.testing.assert_array_equal(loop.weights, w)


@each_precision
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_input_that_is_not_finite_is_a_divergence(made, dtype, bad):
    found = made((Linear(3), GRU(hidden_dim=3), Linear(1)), dtype=dtype)
    x = inputs(12, dtype=dtype)
    x[3, 2, 0] = bad
    loop = fitting(found, x=x)
    with pytest.raises(Diverged) as caught:
        next(loop)
    assert (caught.value.layer, caught.value.kind) == (0, "Linear")
    assert (loop.step, np.isfinite(loop.weights).all()) == (0, True)


@each_precision
def test_a_huge_rate_diverges_with_every_weight_finite(made, dtype):
    found = made((Linear(3), RNN(hidden_dim=3), Linear(1)), dtype=dtype)
    loop = fitting(found, optimizer=SGD(lr=10.0), weights=np.full(found.layout.size, 1e3, dtype))
    with pytest.raises(Diverged) as caught:
        for _ in loop:
            pass
    assert caught.value.rate == 10.0
    assert np.isfinite(loop.weights).all()


def test_both_backends_diverge_at_the_same_step_in_the_same_layer(tiny, kernels):
    experiment = edited(edited(tiny, "optimizer", SGD(lr=10.0)), "scaling", "Unscaled")
    experiment = edited(edited(experiment, "curve.expression", "100x"), "schedule", Constant())
    experiment = edited(edited(experiment, "layers", (RNN(hidden_dim=3), Linear(3), Linear(1))), "epochs", 100)
    told = []
    for backend in (NUMPY, COMPILED):
        trainer = Trainer(experiment, backend=backend)
        with pytest.raises(Diverged) as caught:
            for _ in trainer:
                pass
        told.append((caught.value.step, caught.value.layer, caught.value.kind))
        assert np.isfinite(trainer.frame().weights).all()
        assert trainer.step == caught.value.step - 1
    assert told[0] == told[1]


# Runs


def run(trainer):
    """All steps; the bits of the losses and of the weights."""
    list(trainer)
    frame = trainer.frame()
    parts = frame.losses, frame.validation_losses, frame.norms, frame.weights
    return tuple(np.asarray(part).tobytes() for part in parts)


@pytest.fixture
def lively(tiny):
    """An experiment in which everything that there is has a part."""
    changes = {
        "layers": STACK,
        "highway": 3,
        "rollout": 3,
        "input_noise": 0.05,
        "schedule": OnPlateau(patience=2),
        "clip": 0.7,
        "epochs": 10,
    }
    for path, value in changes.items():
        tiny = edited(tiny, path, value)
    return tiny


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_fifty_steps_on_both_backends_have_close_losses(tiny, kernels, cell):
    experiment = edited(edited(tiny, "layers", (cell(hidden_dim=8), Linear(1))), "dtype", "float64")
    frames = []
    for backend in (NUMPY, COMPILED):
        trainer = Trainer(edited(experiment, "epochs", 10), backend=backend)
        assert len(list(trainer)) == 50
        assert trainer.backend == backend
        frames.append(trainer.frame())
    one, other = frames
    np.testing.assert_allclose(other.losses, one.losses, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.validation_losses, one.validation_losses, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.weights, one.weights, rtol=0, atol=1e-9)


def test_fifty_steps_with_everything_have_close_losses(lively, kernels):
    experiment = edited(lively, "dtype", "float64")
    one, other = (Trainer(experiment, backend=backend) for backend in (NUMPY, COMPILED))
    list(one)
    list(other)
    assert one.step == other.step == 50
    np.testing.assert_allclose(other.frame().losses, one.frame().losses, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.frame().weights, one.frame().weights, rtol=0, atol=1e-9)


@each_precision
def test_compiled_runs_are_the_same_bit_for_bit(lively, kernels, dtype):
    experiment = edited(lively, "dtype", dtype)
    assert run(Trainer(experiment)) == run(Trainer(experiment, backend=COMPILED))


@each_precision
def test_looking_and_pausing_do_not_change_the_bits_of_a_compiled_run(lively, kernels, dtype):
    experiment = edited(lively, "dtype", dtype)
    watched = Trainer(experiment)
    for step in watched:
        watched.frame()
        if not watched.done:
            watched.interrupt()
            with pytest.raises(Interrupted):
                next(watched)
            watched.resume()
        if step.number % 3 == 0:
            watched.forecast()
        if step.number % 4 == 0:
            next(watched.forecasting())
    assert run(watched) == run(Trainer(experiment))


def test_two_compiled_runs_at_the_same_time_do_not_disturb_each_other(lively, kernels):
    experiments = [edited(edited(lively, "seed", seed), "epochs", 40) for seed in (1, 2)]
    expected = [run(Trainer(each)) for each in experiments]
    found = {}
    gate = threading.Barrier(2)

    def train(number):
        gate.wait()
        found[number] = run(Trainer(experiments[number]))

    threads = [threading.Thread(target=train, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[0], found[1]] == expected


def test_a_model_trains_on_either_backend_to_the_same_weights(kernels):
    x = inputs(30, (8, 2))
    vectors = []
    for backend in (NUMPY, COMPILED):
        model = Model(STACK, seed=3, dtype="float64", backend=backend)
        model.train(x, x.mean(axis=(1, 2))[:, None], epochs=3, optimizer=Adam(lr=0.01), writer=None)
        vectors.append(model.vector)
    np.testing.assert_allclose(*vectors, rtol=0, atol=1e-10)


# Broken off


def parts_of(trainer):
    """Everything that a run depends on, and its past, in a form that compares."""
    arrays, facts = trainer.state()
    # The order of an epoch may have been drawn: the same one then belongs to the next try.
    kept = {name: array.tobytes() for name, array in arrays.items() if name != "order"}
    return kept, {name: fact for name, fact in facts.items() if name != "for_order"}


def test_a_step_broken_off_at_any_call_changes_nothing_and_the_run_has_the_same_bits(lively, through):
    calls = []
    through(lambda name, arguments: calls.append(name))
    undisturbed = Trainer(lively)
    at_step = [len(calls) for _ in undisturbed]
    expected = run(undisturbed)
    assert {"forward", "backward"} == set(calls)

    countdown = [0]

    def interrupting(name, arguments):
        countdown[0] -= 1
        if not countdown[0]:
            trainer.interrupt()

    through(interrupting)
    trainer = Trainer(lively, backend=COMPILED)
    made = 0
    broken_off = set()
    for step, (first, last) in enumerate(zip([0, *at_step], at_step, strict=False)):
        for call in range(1, last - first + 1):
            countdown[0] = call
            before = parts_of(trainer)
            with pytest.raises(Interrupted):
                next(trainer)
            assert parts_of(trainer) == before
            assert trainer.step == step
            broken_off.add((calls[first + call - 1], call))
            trainer.resume()
        countdown[0] = 0
        next(trainer)
        made += 1
    assert made == 50
    # The rollout's steps, there and back, and the validation at the end of an epoch.
    assert {("forward", 3), ("backward", 6), ("forward", 7)} <= broken_off
    assert run(trainer) == expected


def test_a_forecast_is_broken_off_and_made_again(lively, through):
    def interrupting(name, arguments):
        if name == "free_run" and allowed:
            allowed.pop()
            trainer.interrupt()

    allowed = [1]
    expected = Trainer(lively, backend=NUMPY).forecast()
    through(interrupting)
    trainer = Trainer(lively, backend=COMPILED)
    before = parts_of(trainer)
    with pytest.raises(Interrupted):
        trainer.forecast()
    with pytest.raises(Interrupted):
        trainer.forecast()
    assert parts_of(trainer) == before
    trainer.resume()
    again = trainer.forecast()
    assert not allowed
    np.testing.assert_allclose(again.free_run, expected.free_run, rtol=0, atol=1e-4)


LONG = {
    "curve.step": 0.01,
    "samples": 9000,
    "window": 5000,
    "batch_size": 32,
    "layers": (RNN(hidden_dim=256), Linear(1)),
    "epochs": 1,
}
"""A step that takes seconds."""


def test_a_long_step_is_broken_off_in_the_middle_from_another_thread(tiny, through):
    experiment = tiny
    for path, value in LONG.items():
        experiment = edited(experiment, path, value)
    traces = []

    def before(name, arguments):
        trace = arguments[6]
        trace[reached()] = trace[-1] = 77.0
        traces.append(trace)

    def reached():
        # The first state of step 50, behind the input and the states before.
        return 32 * (5000 + 256 * 50)

    through(before)
    trainer = Trainer(experiment, backend=COMPILED)
    known = parts_of(trainer)
    caught = []

    def step():
        try:
            next(trainer)
        except Interrupted as error:
            caught.append(error)

    thread = threading.Thread(target=step)
    thread.start()
    # The kernel is seen at work: it does not hold the interpreter.
    wait_until(lambda: traces and traces[0][reached()] != 77.0)
    trainer.interrupt()
    thread.join()
    assert len(caught) == len(traces) == 1
    # It has not come to its end.
    assert traces[0][-1] == 77.0
    assert parts_of(trainer) == known
    assert trainer.frame().step == 0


def test_what_is_asked_for_while_interrupted_is_refused_until_it_is_resumed(tiny, kernels):
    trainer = Trainer(tiny)
    next(trainer)
    trainer.interrupt()
    for _ in range(2):
        with pytest.raises(Interrupted):
            next(trainer)
        with pytest.raises(Interrupted):
            trainer.forecast()
    trainer.resume()
    assert next(trainer).number == 2
    assert len(trainer.forecast().free_run) == 22


def test_on_numpy_an_interruption_has_no_effect(tiny):
    trainer = Trainer(tiny)
    trainer.interrupt()
    assert run(trainer) == run(Trainer(tiny))
    trainer.forecast()


def test_an_interruption_before_the_first_step_holds_whichever_backend_is_taken(tiny, kernels):
    trainer = Trainer(tiny)
    assert trainer.backend == NUMPY
    trainer.interrupt()
    with pytest.raises(Interrupted):
        next(trainer)
    trainer.resume()
    assert run(trainer) == run(Trainer(tiny))
