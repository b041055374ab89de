"""What the library this one grew out of got wrong: a test for each of its faults, and the script of its article."""

import gc
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zen_core import autodiff, loss, nn, optim
from zen_core.autodiff import Tensor, gradients
from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.loop import Diverged
from zen_core.trainer import Trainer

from .complex_step import assert_gradients

ROOT = Path(__file__).parents[2]
draw = np.random.default_rng(8)
A, B = draw.normal(size=(3, 4)), draw.normal(size=(4, 2))
STACK = (nn.RNN(hidden_dim=3), nn.Linear(1))


def samples(count=20, steps=6):
    x = np.random.default_rng(1).normal(size=(count, steps, 1))
    return x, x.sum(axis=1)


def quietly(model, x, y, **settings):
    return model.train(x, y, **({"epochs": 1, "batch_size": 5, "writer": None} | settings))


# The article


@pytest.mark.parametrize("seed", range(5))
def test_the_articles_script_ends_below_a_hundredth(seed):
    x_axis = np.array(list(range(200))).T
    seq = [np.sin(i) for i in range(200)]
    x, y = [], []
    for i in range(len(seq) - 50):
        x.append([[v] for v in seq[i : i + 50]])
        y.append([seq[i + 50]])
    layers = [nn.RNN(32, hidden_dim=32, return_sequences=True), nn.RNN(0, hidden_dim=32), nn.Linear(8), nn.Linear(1)]
    model = nn.Model(layers, seed=seed)
    history = model.train(
        np.array(x[:50]),
        np.array(y[:50]),
        epochs=10,
        optimizer=optim.RMSProp(0.0005),
        loss_fn=loss.MSE,
        batch_size=8,
    )
    preds = [model(np.expand_dims(np.array(i), axis=0)).value[0][0] for i in x]
    assert len(history) == 10
    assert history[-1] < 0.01
    assert len(preds) == len(x_axis) - 50
    # The script trains on the first 50 windows; the others are new to it.
    assert np.mean((np.array(preds) - np.array(y)[:, 0]) ** 2) < 0.02


# Gradients


def test_gradients_do_not_accumulate_between_batches():
    w = Tensor(np.array([1.0, 2.0]))
    first = gradients((w * w).sum(), [w])[0].copy()
    np.testing.assert_array_equal(gradients((w * w).sum(), [w])[0], first)
    x, y = samples(10)
    twice, fresh = nn.Model(STACK, dtype="float64"), nn.Model(STACK, dtype="float64")
    rule = {"optimizer": optim.SGD(lr=0.1), "shuffle": False}
    quietly(twice, x, y, **rule)
    for half in (slice(0, 5), slice(5, 10)):
        quietly(fresh, x[half], y[half], **rule)
    np.testing.assert_array_equal(twice.vector, fresh.vector)


def test_gradients_are_not_cut_to_float32():
    w = Tensor(np.array([1 / 3]))
    (slope,) = gradients((w * w).sum(), [w])
    assert slope.dtype == np.float64
    assert slope[0] == 2 / 3


def test_a_gradient_that_is_not_a_number_is_not_turned_into_zero():
    w = Tensor(np.array([0.0, 4.0]))
    with np.errstate(all="ignore"):
        (slope,) = gradients((autodiff.sqrt(w) * 0.0 * w).sum() * np.nan, [w])
    assert np.isnan(slope).all()


def test_a_training_that_diverges_stops_with_good_weights():
    x, y = samples()
    model = nn.Model(STACK)
    with pytest.raises(Diverged):
        quietly(model, x, y * 1e30, epochs=1000)
    assert np.isfinite(model.vector).all()


# The walk over the graph


def test_shared_nodes_are_visited_once():
    x = Tensor(1.0)
    y = x
    for _ in range(200):
        y = y + y
    assert float(gradients(y, [x])[0]) == 2.0**200


def test_a_window_of_1000_needs_no_recursion():
    layer = nn.RNN(hidden_dim=3)
    p = {name: Tensor(draw.normal(size=w.shape) / 3) for name, w in layer.weights(1).items()}
    x = Tensor(np.sin(np.arange(1000.0))[None, :, None])
    for states in (layer.states, lambda p, x: nn.Recurrent.states(layer, p, x)):
        for slope in gradients(states(p, x).sum(), list(p.values())):
            assert np.isfinite(slope).all()
    assert np.isfinite(quietly(nn.Model(STACK), np.ones((2, 1000, 1)), np.ones((2, 1)))).all()


# stack


def test_each_stacked_element_gets_its_own_gradient():
    parts = [Tensor(float(k)) for k in range(3)]
    slopes = gradients(autodiff.stack(parts), parts, seed=np.array([1.0, 10.0, 100.0]))
    assert [float(slope) for slope in slopes] == [1.0, 10.0, 100.0]


def test_a_recurrent_layer_trains_on_the_right_gradient():
    layer = nn.RNN(hidden_dim=2, return_sequences=True)
    weights = {name: draw.normal(size=w.shape) for name, w in layer.weights(1).items()}
    x = draw.normal(size=(2, 5, 1))
    for states in (nn.RNN.states, nn.Recurrent.states):
        assert_gradients(
            lambda x, *w, states=states: states(layer, dict(zip(weights, w, strict=True)), x), x, *weights.values()
        )


# Broadcasting


def test_a_broadcast_gradient_is_reduced_after_multiplying_not_before():
    a, b = Tensor(np.array([1.0, 2.0, 3.0])), Tensor(np.array([5.0]))
    (by_b,) = gradients((a * b).sum(), [b])
    assert by_b.tolist() == [6.0]


def test_the_reduced_gradient_does_not_leak_to_the_second_operand():
    a, b = Tensor(np.ones((1, 3))), Tensor(np.ones((4, 3)))
    by_a, by_b = gradients((a + b).sum(), [a, b])
    np.testing.assert_array_equal(by_a, np.full((1, 3), 4.0))
    np.testing.assert_array_equal(by_b, np.ones((4, 3)))


def test_scalars_are_unbroadcast():
    scale = Tensor(2.0)
    (slope,) = gradients((scale * A).sum(), [scale])
    assert slope.shape == ()
    assert slope == pytest.approx(A.sum())


# matmul


def test_a_matrix_times_itself_has_both_gradients():
    assert_gradients(lambda a: a @ a, A[:, :3])


def test_matmul_of_three_axes_has_gradients():
    assert_gradients(lambda a, b: a @ b, draw.normal(size=(5, 3, 4)), B)


def test_operands_with_one_axis_are_not_changed_by_matmul():
    a, b = Tensor(A[0]), Tensor(B)
    gradients((a @ b).sum(), [a, b])
    assert a.shape == (4,)
    assert_gradients(lambda a, b: a @ b, A[0], B)


# pow, div, log


def test_a_negative_base_needs_no_logarithm():
    x = Tensor(np.array([-2.0, -1.0, 0.0]))
    (slope,) = gradients((x**3).sum(), [x])  # a warning would be an error
    assert slope.tolist() == [12.0, 3.0, 0.0]


def test_a_quotient_is_no_product_with_a_power():
    # 49 · 49⁻¹ is 0.9999999999999999.
    assert (Tensor(49.0) / 49.0).value == 1.0
    assert_gradients(lambda a, b: a / b, A, np.abs(A) + 0.5)


def test_the_logarithm_of_a_zero_probability_is_guarded():
    probabilities = Tensor(np.array([[1.0, 0.0]]))
    value = loss.categorical_crossentropy()(probabilities, np.array([[0.0, 1.0]]))
    assert np.isfinite(value.value)
    assert np.isfinite(gradients(value, [probabilities])[0]).all()


# Reductions


def test_a_sum_over_an_axis_has_the_right_gradient():
    assert_gradients(lambda a: a.sum(axis=1), A)


def test_a_mean_over_an_axis_divides_by_that_axis_alone():
    np.testing.assert_allclose(Tensor(A).mean(axis=0).value, A.mean(axis=0))
    x = Tensor(A)
    np.testing.assert_allclose(gradients(x.mean(axis=0), [x], seed=1.0)[0], np.full((3, 4), 1 / 3))


# softmax


def test_softmax_takes_out_each_rows_own_maximum():
    rows = autodiff.softmax(Tensor([[1e4, 0.0], [0.0, -1.0]])).value
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows[1], np.exp([0.0, -1.0]) / np.exp([0.0, -1.0]).sum())


# RNN


def test_a_whole_batch_goes_through_an_rnn_at_once():
    layer = nn.RNN(hidden_dim=3)
    p = {name: Tensor(draw.normal(size=w.shape)) for name, w in layer.weights(1).items()}
    h = layer.forward(p, Tensor(draw.normal(size=(64, 30, 1))))
    assert h.shape == (64, 3)
    assert all(not operand.operands for operand in h.operands)


@pytest.mark.parametrize("features", [1, 2, 5])
def test_the_number_of_features_is_not_the_batch(features):
    model = nn.Model([nn.RNN(hidden_dim=4), nn.Linear(2)])
    assert model(np.ones((3, 7, features))).shape == (3, 2)
    assert model.weights[0]["U.weight"].shape == (features, 4)


def test_return_sequences_gives_one_tensor():
    output = nn.Model([nn.RNN(6, hidden_dim=4, return_sequences=True)])(np.ones((3, 7, 1)))
    assert isinstance(output, Tensor)
    assert output.shape == (3, 7, 6)


def test_a_hidden_size_of_one_works():
    x, y = samples()
    model = nn.Model([nn.RNN(1, hidden_dim=1, return_sequences=True), nn.RNN(hidden_dim=1), nn.Linear(1)])
    assert np.isfinite(quietly(model, x, y, epochs=2)).all()


# Adam


def test_adam_corrects_its_means_by_the_power_of_the_step():
    w, memory = np.zeros(1), optim.Adam().first_memory(np.zeros(1))
    for t in range(1, 6):
        before = w
        w, memory = optim.Adam().update(w, np.array([2.0]), 0.1, t, memory)
        assert before - w == pytest.approx(0.1, rel=1e-6)


# Losses


@pytest.mark.parametrize("kind", [loss.MSE, loss.MAE, loss.Huber])
def test_a_column_against_a_row_is_refused(kind):
    with pytest.raises(SpecError):
        kind()(np.ones((8, 1)), np.ones(8))


def test_crossentropy_is_not_divided_by_the_number_of_classes():
    uniform, truth = np.full((5, 10), 0.1), np.eye(10)[:5]
    assert loss.categorical_crossentropy()(uniform, truth).value == pytest.approx(np.log(10))


# Model.train


def test_models_do_not_share_an_optimizer():
    x, y = samples()
    alone, second = nn.Model(STACK), nn.Model(STACK)
    quietly(alone, x, y)
    for shared in (None, optim.Adam(lr=0.01)):
        quietly(nn.Model(STACK, seed=5), x, y, optimizer=shared)
    quietly(second, x, y)
    assert alone.vector.tobytes() == second.vector.tobytes()


def test_the_short_last_batch_does_not_weigh_like_a_full_one():
    x, y = samples(11)
    y[10:] += 100
    model, bystander = nn.Model(STACK, dtype="float64"), nn.Model(STACK, dtype="float64")
    # A rate that moves nothing: then the epoch's loss is the mean over all samples.
    (mean,) = quietly(model, x, y, optimizer=optim.SGD(lr=1e-7), shuffle=False)
    assert mean == pytest.approx(float(loss.MSE()(bystander(x), y).value), rel=1e-3)


def test_the_mean_of_the_losses_is_shown_and_not_their_sum():
    x, y = samples()
    shown = io.StringIO()
    (mean,) = quietly(nn.Model(STACK), x, y, writer=shown)
    assert f"loss={mean:.3g}" in shown.getvalue()
    assert mean < 3 * np.mean(y**2)


def test_samples_are_shuffled():
    x, y = samples()
    orders = [quietly(nn.Model(STACK), x, y, optimizer=optim.SGD(lr=0.1), shuffle=shuffle) for shuffle in (True, False)]
    assert orders[0] != orders[1]


def test_the_graph_of_an_epoch_does_not_stay_alive():
    x, y = samples()
    alive = []

    class Counting(io.StringIO):
        """A writer that counts the tensors that are alive at each line it is given."""

        def write(self, text):
            alive.append(sum(isinstance(each, Tensor) for each in gc.get_objects()))
            return super().write(text)

    quietly(nn.Model(STACK), x, y, epochs=4, writer=Counting())
    assert max(alive[len(alive) // 2 :]) <= alive[len(alive) // 2 - 1]


def test_nothing_touches_the_global_random_numbers():
    code = (
        "import numpy as np, random; np.random.seed(7); random.seed(7); a = np.random.get_state()[1].tobytes();"
        "b = random.getstate();"
        "from zen_core import nn; import zen_core.trainer as t; from zen_core.experiment import Experiment;"
        "nn.Model([nn.RNN(), nn.Linear(1)]).train(np.ones((4, 5, 1)), np.ones((4, 1)), epochs=2, writer=None);"
        "next(t.Trainer(Experiment(noise=0.1, input_noise=0.1), backend='numpy'));"
        "print(a == np.random.get_state()[1].tobytes() and b == random.getstate())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout == "True\n"


# Its example


@pytest.fixture
def repeating(tiny, registries):
    """A trainer whose network says again the last value that it reads."""

    class LastInput(nn.Layer):
        """y = x_T: the last of the values it reads."""

        def output_shape(self, shape):
            return shape[1:]

        def forward(self, p, x):
            return x[:, -1]

    return Trainer(edited(edited(tiny, "layers", (LastInput(),)), "dtype", "float64"))


def test_a_prediction_stands_at_the_sample_it_predicts(repeating):
    series, window = repeating.series, repeating.experiment.window
    one_step = repeating.forecast().one_step
    for place, prediction in enumerate(one_step, start=window):
        # What stands at a sample was read from the samples before it: here, from the one just before.
        assert prediction == pytest.approx(series.values[place - 1], abs=1e-12)
    assert window + len(one_step) == len(series.values)


def test_a_free_run_extrapolates_and_is_not_fed_the_truth(repeating):
    series = repeating.series
    run = repeating.forecast().free_run
    np.testing.assert_allclose(run, np.full(len(run), series.values[series.test_start - 1]), atol=1e-12)
    assert len(run) == len(series.values) - series.test_start + repeating.experiment.beyond


def test_at_whole_numbers_repeating_the_last_value_is_worse_than_the_mean_and_two_coefficients_are_exact(tiny):
    whole = edited(edited(edited(tiny, "curve.expression", "sin(x)*cos(x)"), "curve.step", 1.0), "samples", 200)
    rules = {rule.name.split("(")[0]: rule.mse for rule in Trainer(whole).baselines()}
    assert rules["last value"] > rules["mean"] > 0.1
    assert rules["AR"] < 1e-20
