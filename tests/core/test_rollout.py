"""Learning from what is fed back: rollouts, the highway beside the stack, dropout, and noise on the inputs."""

import itertools

import numpy as np
import pytest

from zen_core.autodiff import Tensor, gradients
from zen_core.backend import COMPILED, NUMPY, compilers
from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.loop import Diverged, Loop, rolled_out
from zen_core.loss import MAE, MSE
from zen_core.network import OnNumpy, network
from zen_core.nn import GRU, LSTM, RNN, Dropout, Linear, Tanh
from zen_core.optim import SGD, Adam, Optimizer
from zen_core.schedule import Constant
from zen_core.trainer import Trainer
from zen_core.weights import Layout

from .complex_step import by_complex_step
from .twins import unrolled

WINDOW = 6
STACK = (RNN(hidden_dim=3), Linear(1))
CELLS = {"RNN": STACK, "LSTM": (LSTM(hidden_dim=2), Linear(1)), "GRU": (GRU(hidden_dim=2), Tanh(), Linear(1))}
each_cell = pytest.mark.parametrize("cell", CELLS)
each_highway = pytest.mark.parametrize("highway", [0, 1, 4, WINDOW])


@pytest.fixture
def made(each_backend):
    """Makes networks that read windows of a curve, in float64, once on each backend."""

    def make(layers=STACK, highway=0, dtype="float64"):
        found = network(layers, Layout(layers, (WINDOW, 1), highway), dtype, compilers[dtype].load())
        assert found.backend == each_backend
        return found

    return make


def drawn(found, seed=0):
    return np.array(found.layout.initial(np.random.default_rng(seed), str(found.dtype)))


def pairs(count=9, ahead=3, seed=1):
    """Windows of a series (count, window, 1), and the numbers that follow each (count, ahead)."""
    series = np.random.default_rng(seed).normal(size=count + WINDOW + ahead - 1)
    view = np.lib.stride_tricks.sliding_window_view(series, WINDOW + ahead)
    return np.array(view[:, :WINDOW, None]), np.array(view[:, WINDOW:])


def by_hand(found, w, x, steps):
    """Forecast, append, forget the oldest number, and so on."""
    made = []
    for _ in range(steps):
        made.append(found.predict(w, x))
        x = np.concatenate([x[:, 1:], made[-1][:, :, None]], axis=1)
    return np.concatenate(made, axis=1)


def fitting(found, x, y, **settings):
    given = {"loss": MSE(), "optimizer": SGD(lr=0.05), "batch_size": 4, "epochs": 4, "growth": 0.0} | settings
    return Loop(found, drawn(found), x, y, rollout=y.shape[1], **given)


# Rollout


@each_highway
@pytest.mark.parametrize("steps", [1, 2, 3, WINDOW + 3])
def test_a_rollout_is_feeding_the_forecasts_back_by_hand(made, steps, highway):
    found = made(highway=highway)
    w, (x, _) = drawn(found), pairs()
    kept = x.copy()
    rolled = rolled_out(found.opened(w)[1], x, steps).value
    assert rolled.shape == (9, steps)
    np.testing.assert_allclose(rolled, by_hand(found, w, x, steps), rtol=0, atol=1e-14)
    np.testing.assert_array_equal(x, kept)


def test_a_rollout_of_one_window_is_its_free_run(made):
    found = made(highway=2)
    w, (x, _) = drawn(found), pairs(1)
    rolled = rolled_out(found.opened(w)[1], x, 8).value[0]
    np.testing.assert_allclose(rolled, found.free_run(w, x[0, :, 0], 8), rtol=0, atol=1e-14)


@each_cell
@pytest.mark.parametrize("highway", [0, 4])
def test_the_gradient_flows_through_all_steps_of_a_rollout(made, cell, highway):
    layers = CELLS[cell]
    found = made(layers, highway)
    w, (x, y) = drawn(found), pairs()
    leaves, predict = found.opened(w)
    lost = MSE()(rolled_out(predict, x, 3), y)
    joined = found.joined(gradients(lost, leaves))
    # The measure goes op by op through the cells, and knows no backward pass.
    plain = OnNumpy(unrolled(layers), found.layout, "float64")
    (expected,) = by_complex_step(lambda v: MSE()(rolled_out(plain.opened(v.value)[1], x, 3), y), [w], 1.0)
    np.testing.assert_allclose(joined, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_the_gradient_flows_through_a_rollout_with_a_mask(made):
    layers = (RNN(hidden_dim=3, return_sequences=True), Dropout(rate=0.4), GRU(hidden_dim=2), Dropout(), Linear(1))
    found = made(layers, 3)
    w, (x, y) = drawn(found), pairs()
    mask = found.mask(np.random.default_rng(4), len(x))
    leaves, predict = found.opened(w)
    joined = found.joined(gradients(MSE()(rolled_out(predict, x, 3, mask), y), leaves))
    plain = OnNumpy(unrolled(layers), found.layout, "float64")
    (expected,) = by_complex_step(lambda v: MSE()(rolled_out(plain.opened(v.value)[1], x, 3, mask), y), [w], 1.0)
    np.testing.assert_allclose(joined, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("loss", [MSE(), MAE()])
def test_a_step_learns_from_all_numbers_of_its_rollout(made, loss):
    found = made()
    x, y = pairs()
    loop = fitting(found, x, y, loss=loss)
    w = loop.weights
    leaves, predict = found.opened(w)
    lost = loss(rolled_out(predict, x[:4], 3), y[:4])
    gradient = found.joined(gradients(lost, leaves))
    step = next(loop)
    assert step.loss == pytest.approx(float(lost.value), rel=1e-13)
    assert step.loss == pytest.approx(float(loss(by_hand(found, w, x[:4], 3), y[:4]).value), rel=1e-12)
    np.testing.assert_allclose(loop.weights, w - 0.05 * gradient, rtol=0, atol=1e-14)


def test_a_rollout_of_one_step_is_the_training_there_always_was(tiny, each_backend):
    plain, grown = Trainer(tiny), Trainer(edited(edited(tiny, "growth", 0.9), "rollout", 1))
    list(plain)
    list(grown)
    assert plain.frame().weights.tobytes() == grown.frame().weights.tobytes()


def test_training_on_rollouts_makes_longer_forecasts_better(made):
    found = made()
    series = np.sin(np.arange(60) * 0.7)
    view = np.lib.stride_tricks.sliding_window_view(series, WINDOW + 5)
    x, y = np.array(view[:, :WINDOW, None]), np.array(view[:, WINDOW:])
    loop = fitting(found, x, y, epochs=60, optimizer=Adam(lr=0.02), batch_size=16)
    losses = [step.loss for step in loop]
    assert np.mean(losses[-4:]) < 0.1 * np.mean(losses[:4])
    assert np.mean((by_hand(found, loop.weights, x, 5) - y) ** 2) < 0.1


# Growth


def test_a_rollout_grows_from_one_step_to_all_over_its_share_of_the_run(made):
    x, y = pairs(8, ahead=5)
    loop = fitting(made(), x, y, growth=0.5, epochs=8)
    told = []
    for _ in range(16):
        told.append((loop.progress, loop.ahead))
        next(loop)
    lengths = [ahead for _, ahead in told]
    assert lengths[0] == 1
    assert lengths == sorted(lengths)
    assert set(lengths) == {1, 2, 3, 4, 5}
    # All of them from exactly the share on.
    assert [ahead for progress, ahead in told if progress >= 0.5] == [5] * 8
    assert all(ahead < 5 for progress, ahead in told if progress < 0.5)


@pytest.mark.parametrize("growth", [0.0, 1.0])
def test_without_growth_a_rollout_is_whole_at_once_and_with_all_of_it_only_at_the_end(made, growth):
    x, y = pairs(8)
    loop = fitting(made(), x, y, growth=growth, epochs=10)
    lengths = []
    while not loop.done:
        lengths.append(loop.ahead)
        next(loop)
    assert set(lengths) == ({3} if growth == 0 else {1, 2})
    assert loop.ahead == 3


def test_the_loss_of_a_step_is_of_as_many_numbers_as_it_forecasts(made):
    found = made()
    x, y = pairs(8, ahead=4)
    loop = fitting(found, x, y, growth=0.5, epochs=8)
    for rows in itertools.islice(itertools.cycle([slice(0, 4), slice(4, 8)]), 16):
        w, ahead = loop.weights, loop.ahead
        expected = np.mean((by_hand(found, w, x[rows], ahead) - y[rows, :ahead]) ** 2)
        assert next(loop).loss == pytest.approx(expected, rel=1e-12)


def test_growth_may_change_during_a_run(tiny, each_backend):
    experiment = edited(edited(tiny, "rollout", 4), "growth", 1.0)
    slow, changed = Trainer(experiment), Trainer(experiment)
    for _ in range(8):
        next(slow)
        next(changed)
    changed.retune("growth", 0.0)
    next(slow)
    next(changed)
    assert slow.frame().losses.last != changed.frame().losses.last
    np.testing.assert_array_equal(slow.frame().losses[:8], changed.frame().losses[:8])


# Windows


@pytest.mark.parametrize("rollout", [1, 2, 5, 10])
def test_every_window_whose_targets_are_all_training_samples_is_used(tiny, each_backend, rollout):
    trainer = Trainer(edited(tiny, "rollout", rollout))
    batches = [step.batch for step in trainer if step.epoch == 1]
    assert sum(batches) == trainer.series.train_end - tiny.window - (rollout - 1)


@pytest.mark.parametrize("rollout", [1, 3])
def test_no_rollout_sees_the_validation_part(tiny, rollout):
    experiment = edited(edited(tiny, "rollout", rollout), "growth", 0.0)
    end = Trainer(tiny).series.train_end
    weights = []
    for changed in (end, end - 1):
        x = f"{(changed - 0.5) * tiny.curve.step}"
        for what in ("sin(x)", "9x"):
            found = edited(experiment, "curve.expression", f"where(x < {x}, sin(x), {what})")
            # The scale is found on the training part; without one, samples are what they are.
            trainer = Trainer(edited(found, "scaling", "Unscaled"))
            list(trainer)
            weights.append(trainer.frame().weights.tobytes())
    assert weights[0] == weights[1]
    # The last training sample is a target.
    assert weights[2] != weights[3]


def test_a_window_and_a_rollout_that_do_not_fit_are_refused_with_a_window_that_does(tiny):
    end = tiny.series().train_end
    Trainer(edited(edited(tiny, "rollout", 6), "window", end - 6))
    with pytest.raises(SpecError, match="and a rollout of 6 does not fit") as caught:
        Trainer(edited(edited(tiny, "rollout", 6), "window", end - 5))
    remedy = caught.value.remedy
    assert (remedy.path, remedy.value) == ("window", end - 6)


def test_a_rollout_counts_where_a_step_would_be_too_large_for_the_memory():
    experiment = Experiment(layers=(RNN(hidden_dim=512), Linear(1)), window=1000, batch_size=32, samples=20_000)
    experiment.layout()
    with pytest.raises(SpecError, match="100 steps ahead"):
        edited(experiment, "rollout", 100).layout()


def test_targets_that_do_not_fit_the_network_are_refused(made):
    x, y = pairs()
    loop = Loop(made(), drawn(made()), x, y, loss=MSE(), optimizer=SGD())
    with pytest.raises(SpecError, match="shape"):
        next(loop)


# Highway


@each_highway
@each_cell
def test_a_highway_is_a_linear_map_of_the_last_samples_beside_the_stack(made, cell, highway):
    layers = CELLS[cell]
    plain, beside = made(layers), made(layers, highway)
    w, (x, _) = drawn(beside), pairs()
    stack, map_ = w[: plain.layout.size], w[plain.layout.size :]
    expected = plain.predict(stack, x)
    if highway:
        expected = expected + x[:, -highway:, 0] @ map_[:highway, None] + map_[highway]
    np.testing.assert_allclose(beside.predict(w, x), expected, rtol=0, atol=1e-14)


@each_highway
def test_a_highway_has_a_weight_for_each_sample_and_a_bias(highway):
    plain, beside = Layout(STACK, (WINDOW, 1)), Layout(STACK, (WINDOW, 1), highway)
    assert beside.size == plain.size + (highway + 1 if highway else 0)
    assert beside.count(len(STACK)) == (highway + 1 if highway else 0)
    assert [beside.count(layer) for layer in (0, 1)] == [plain.count(layer) for layer in (0, 1)]
    parts = beside.split(np.arange(beside.size))
    assert len(parts) == (3 if highway else 2)
    if highway:
        assert {name: w.shape for name, w in parts[-1].items()} == {"weight": (highway, 1), "bias": (1,)}
        assert parts[-1]["bias"][0] == beside.size - 1
        assert beside.owner(beside.size - 1) == beside.owner(plain.size) == len(STACK)


def test_a_highway_draws_its_weights_after_all_others():
    plain, beside = Layout(STACK, (WINDOW, 1)), Layout(STACK, (WINDOW, 1), 4)
    one, other = (each.initial(np.random.default_rng(2), "float64") for each in (plain, beside))
    np.testing.assert_array_equal(other[: plain.size], one)
    assert np.abs(other[plain.size :]).max() <= 0.5


@each_highway
def test_a_highway_has_the_right_gradients(made, highway):
    found = made(highway=highway)
    w, (x, y) = drawn(found), pairs(ahead=1)
    leaves, predict = found.opened(w)
    given = Tensor(x)
    by_x, *by_w = gradients(MSE()(predict(given, None), y), [given, *leaves])
    plain = OnNumpy(unrolled(STACK), found.layout, "float64")
    expected = by_complex_step(lambda v, x: MSE()(plain.opened(v.value)[1](x, None), y), [w, x], 1.0)
    largest = max(np.abs(each).max() for each in expected)
    np.testing.assert_allclose(found.joined(by_w), expected[0], rtol=0, atol=1e-12 * largest)
    np.testing.assert_allclose(by_x, expected[1], rtol=0, atol=1e-12 * largest)


def test_a_highway_alone_continues_a_sine(tiny, each_backend):
    experiment = edited(edited(tiny, "highway", 5), "layers", (RNN(hidden_dim=1), Linear(1)))
    experiment = edited(edited(experiment, "optimizer", Adam(lr=0.02)), "epochs", 100)
    trainer, without = Trainer(experiment), Trainer(edited(experiment, "highway", 0))
    list(trainer)
    list(without)
    assert trainer.forecast().one_step_mse < 0.2 * without.forecast().one_step_mse


@pytest.mark.parametrize("highway", [6, 5000])
def test_a_highway_longer_than_the_window_reads_all_of_it(tiny, each_backend, highway):
    longer, whole = Trainer(edited(tiny, "highway", highway)), Trainer(edited(tiny, "highway", 5))
    list(longer)
    list(whole)
    assert longer.layout.highway == 5
    assert longer.frame().weights.tobytes() == whole.frame().weights.tobytes()


def test_a_divergence_in_the_highway_names_it(made):
    found = made(highway=4, dtype="float32")
    w = drawn(found)
    w[-5:] = 3e38
    x = np.full((4, WINDOW, 1), 10, "float32")
    loop = Loop(found, w, x, np.ones((4, 1), "float32"), loss=MSE(), optimizer=SGD())
    with pytest.raises(Diverged, match="in the highway, at a learning rate") as caught:
        next(loop)
    assert (caught.value.layer, caught.value.kind) == (2, "")


def test_a_divergence_beside_a_highway_names_the_layer(made):
    found = made(highway=4, dtype="float32")
    w = drawn(found)
    w[found.layout.parts[-3].start] = 3e38
    x = np.full((4, WINDOW, 1), 10, "float32")
    loop = Loop(found, w, x, np.ones((4, 1), "float32"), loss=MSE(), optimizer=SGD())
    with pytest.raises(Diverged) as caught:
        next(loop)
    assert (caught.value.layer, caught.value.kind) == (1, "Linear")


# Dropout

DROPPING = (RNN(hidden_dim=4, return_sequences=True), Dropout(rate=0.3), RNN(hidden_dim=4), Dropout(), Linear(1))


@pytest.fixture
def dropping(tiny):
    """An experiment with dropout, noise on the inputs, and a rollout."""
    for path, value in {"layers": DROPPING, "input_noise": 0.1, "rollout": 2}.items():
        tiny = edited(tiny, path, value)
    return tiny


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_expectation(rate):
    mask = Dropout(rate=rate).mask(np.random.default_rng(0), (100, 50, 40), np.dtype("float64"))
    assert np.mean(mask == 0) == pytest.approx(rate, abs=0.005)
    assert mask.mean() == pytest.approx(1, abs=0.01)
    assert set(np.unique(mask)) <= {0.0, 1 / (1 - rate)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mask_has_the_precision_of_the_network(dtype):
    assert Dropout().mask(np.random.default_rng(0), (3, 4), np.dtype(dtype)).dtype == dtype


def test_the_expectation_of_what_comes_out_is_what_comes_out_without_dropout(made):
    # Behind it all is linear: there it is so for the mean of the outputs too.
    found = made((RNN(hidden_dim=3), Dropout(rate=0.4), Linear(1)))
    w, (x, _) = drawn(found), pairs(1)
    draw = np.random.default_rng(3)
    predict = found.opened(w)[1]
    many = np.repeat(x, 20_000, axis=0)
    outputs = predict(many, found.mask(draw, len(many))).value
    assert outputs.std() > 0.05
    assert outputs.mean() == pytest.approx(found.predict(w, x).item(), abs=4 * outputs.std() / np.sqrt(len(many)))


def test_nothing_is_dropped_in_a_prediction_and_a_forecast(dropping, each_backend):
    trainer = Trainer(edited(dropping, "dtype", "float64"))
    for _ in range(3):
        next(trainer)
    w = trainer.frame().weights
    without = tuple(each for each in DROPPING if not isinstance(each, Dropout))
    plain = OnNumpy(without, Layout(without, (5, 1)), "float64")
    scaled = trainer.scaler.forth(trainer.series.values)
    view = np.lib.stride_tricks.sliding_window_view(scaled, 5)[:-1, :, None]
    forecast = trainer.forecast()
    np.testing.assert_allclose(forecast.one_step, trainer.scaler.back(plain.predict(w, view)[:, 0]), atol=1e-12)
    start = trainer.series.test_start
    run = plain.free_run(w, scaled[start - 5 : start], len(forecast.free_run))
    np.testing.assert_allclose(forecast.free_run, trainer.scaler.back(run), atol=1e-12)
    np.testing.assert_array_equal(trainer.forecast().one_step, forecast.one_step)


def test_a_dropout_that_drops_nothing_changes_no_bit(tiny, each_backend):
    with_it = edited(tiny, "layers", (RNN(hidden_dim=4), Dropout(rate=0.0), Linear(1)))
    plain, same = Trainer(tiny), Trainer(with_it)
    list(plain)
    list(same)
    assert plain.frame().weights.tobytes() == same.frame().weights.tobytes()


def test_each_step_draws_its_own_mask(made):
    found = made((RNN(hidden_dim=8), Dropout(rate=0.5), Linear(1)))
    x, y = pairs(4, ahead=1)
    loop = fitting(found, x, y, optimizer=SGD(lr=1e-7), chance=np.random.default_rng(0))
    assert len({round(step.loss, 5) for step in loop}) == 4


def test_the_same_mask_holds_for_all_steps_of_a_rollout(made):
    found = made((RNN(hidden_dim=8), Dropout(rate=0.5), Linear(1)))
    x, y = pairs(4)
    w = drawn(found)
    mask = found.mask(np.random.default_rng(7), 4)
    loop = fitting(found, x, y, chance=np.random.default_rng(7))
    predict = found.opened(w)[1]
    fed, outputs = x, []
    for _ in range(3):
        outputs.append(predict(fed, mask).value)
        fed = np.concatenate([fed[:, 1:], outputs[-1][:, :, None]], axis=1)
    assert next(loop).loss == pytest.approx(np.mean((np.concatenate(outputs, axis=1) - y) ** 2), rel=1e-12)


def test_both_backends_drop_and_add_the_same(dropping, kernels):
    experiment = edited(dropping, "dtype", "float64")
    one, other = (Trainer(experiment, backend=backend) for backend in (NUMPY, COMPILED))
    list(one)
    list(other)
    assert (one.backend, other.backend) == (NUMPY, COMPILED)
    np.testing.assert_allclose(other.frame().losses, one.frame().losses, rtol=0, atol=1e-12)


def test_chance_has_no_part_in_the_order_and_in_the_first_weights(tiny, dropping):
    plain, noisy = Trainer(tiny), Trainer(edited(tiny, "input_noise", 0.5))
    assert plain.frame().weights.tobytes() == noisy.frame().weights.tobytes()
    assert plain.state()[1]["for_order"] == noisy.state()[1]["for_order"]
    next(plain)
    next(noisy)
    np.testing.assert_array_equal(plain.state()[0]["order"], noisy.state()[0]["order"])


def test_dropout_or_noise_without_random_numbers_is_refused(made):
    x, y = pairs(ahead=1)
    for layers, noise in ((DROPPING, 0.0), (STACK, 0.1)):
        with pytest.raises(SpecError, match="Give a generator as chance"):
            fitting(made(layers), x, y, noise=noise)
    fitting(made(), x, y)


# Noise


def test_noise_is_added_to_each_window_afresh(made):
    found = made()
    x, y = pairs(9, ahead=1)
    loop = fitting(found, x, y, noise=0.3, chance=np.random.default_rng(5), batch_size=9)
    twin = np.random.default_rng(5)
    for _ in range(3):
        w = loop.weights
        noisy = x + 0.3 * twin.standard_normal(x.shape)
        expected = np.mean((found.predict(w, noisy) - y) ** 2)
        assert next(loop).loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_keeps_the_precision_and_the_samples(made, dtype):
    found = made(dtype=dtype)
    x, y = (each.astype(dtype) for each in pairs(9, ahead=1))
    kept = x.copy()
    loop = fitting(found, x, y, noise=0.3, chance=np.random.default_rng(5))
    list(loop)
    assert loop.weights.dtype == dtype
    np.testing.assert_array_equal(x, kept)


def test_no_noise_is_the_training_there_always_was_and_asks_no_chance(tiny, each_backend):
    trainer = Trainer(tiny)
    before = trainer.state()[1]["for_chance"]
    list(trainer)
    assert trainer.state()[1]["for_chance"] == before


def test_noise_is_for_training_alone(tiny, each_backend):
    trainer = Trainer(edited(tiny, "input_noise", 0.5))
    list(trainer)
    first = trainer.forecast()
    np.testing.assert_array_equal(trainer.forecast().free_run, first.free_run)
    errors = (first.one_step - trainer.series.values[tiny.window :]) / trainer.scaler.scale
    validated = slice(trainer.series.train_end - tiny.window, trainer.series.test_start - tiny.window)
    assert trainer.frame().validation_losses[-1] == pytest.approx(np.mean(errors[validated] ** 2), rel=1e-4)


def test_noise_may_begin_and_end_during_a_run(tiny, each_backend):
    plain, changed = Trainer(tiny), Trainer(tiny)
    for step in range(10):
        if step in (4, 6):
            changed.retune("input_noise", 0.3 if step == 4 else 0.0)
        next(plain)
        next(changed)
    np.testing.assert_array_equal(plain.frame().losses[:4], changed.frame().losses[:4])
    assert plain.frame().losses[4] != changed.frame().losses[4]
    replayed = Trainer(tiny, changed.frame().changes)
    for _ in range(10):
        next(replayed)
    assert replayed.frame().weights.tobytes() == changed.frame().weights.tobytes()


@pytest.mark.usefixtures("registries")
def test_a_step_that_diverged_draws_the_same_again(dropping, each_backend):
    class Leap(Optimizer):
        """w ← w − ηg, and ∞ where η is above 1."""

        def update(self, w, g, lr, t, memory):
            return w - (np.inf if lr > 1 else lr) * g, memory

    experiment = edited(edited(dropping, "optimizer", Leap(lr=0.01)), "schedule", Constant())
    trainer, plain = Trainer(experiment), Trainer(experiment)
    for _ in range(6):
        next(trainer)
    trainer.retune("optimizer.lr", 5.0)
    before = trainer.state()[1]["for_chance"]
    for _ in range(2):
        with pytest.raises(Diverged):
            next(trainer)
        assert trainer.state()[1]["for_chance"] == before
    trainer.retune("optimizer.lr", 0.01)
    list(trainer)
    list(plain)
    assert trainer.frame().weights.tobytes() == plain.frame().weights.tobytes()
    assert trainer.state()[1]["for_chance"] == plain.state()[1]["for_chance"] != before
