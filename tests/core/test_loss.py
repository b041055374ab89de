"""Losses: values by hand, gradients by complex step, and shapes that must not be mixed up."""

import numpy as np
import pytest

from zen_core.autodiff import Tensor, gradients
from zen_core.component import SpecError
from zen_core.loss import MAE, MSE, CategoricalCrossentropy, Huber, Loss, categorical_crossentropy

from .complex_step import assert_gradients

PREDICTION = np.array([[0.5, -1.0], [2.0, 0.25], [-3.0, 1.5]])
TARGET = np.array([[0.0, 1.0], [2.5, 0.0], [-0.5, 1.25]])
ERRORS = PREDICTION - TARGET  # 0.5 −2  −0.5 0.25  −2.5 0.25
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
CLASSES = np.array([[1.0, 0.0, 0.0], [0.0, 0.25, 0.75]])


def test_mse_is_the_mean_of_squared_errors():
    assert MSE()(PREDICTION, TARGET).value == pytest.approx((0.25 + 4 + 0.25 + 0.0625 + 6.25 + 0.0625) / 6)


def test_mae_is_the_mean_of_absolute_errors():
    assert MAE()(PREDICTION, TARGET).value == pytest.approx((0.5 + 2 + 0.5 + 0.25 + 2.5 + 0.25) / 6)


def test_huber_is_squared_near_zero_and_straight_beyond_delta():
    near = (0.5**2 + 0.5**2 + 0.25**2 + 0.25**2) / 2
    far = 1.0 * (2 - 0.5) + 1.0 * (2.5 - 0.5)
    assert Huber(delta=1.0)(PREDICTION, TARGET).value == pytest.approx((near + far) / 6)


def test_huber_joins_without_a_step():
    delta = 0.75
    either_side = [
        float(Huber(delta=delta)(np.array([[e]]), np.zeros((1, 1))).value) for e in (delta - 1e-9, delta + 1e-9)
    ]
    assert either_side[0] == pytest.approx(either_side[1], abs=1e-8)


def test_huber_with_a_wide_delta_is_half_of_mse():
    assert Huber(delta=100.0)(PREDICTION, TARGET).value == pytest.approx(MSE()(PREDICTION, TARGET).value / 2)


def test_crossentropy_is_the_mean_over_the_batch_alone():
    expected = -(np.log(0.7) + 0.25 * np.log(0.3) + 0.75 * np.log(0.4)) / 2
    assert CategoricalCrossentropy()(PROBABILITIES, CLASSES).value == pytest.approx(expected)


def test_crossentropy_of_scores_is_that_of_their_softmax():
    scores = np.log(PROBABILITIES) + np.array([[3.0], [-2.0]])
    from_scores = CategoricalCrossentropy(from_logits=True)(scores, CLASSES).value
    assert from_scores == pytest.approx(CategoricalCrossentropy()(PROBABILITIES, CLASSES).value)


def test_crossentropy_of_scores_does_not_overflow():
    loss = CategoricalCrossentropy(from_logits=True)(np.array([[1000.0, 0.0]]), np.array([[0.0, 1.0]]))
    assert loss.value == pytest.approx(1000.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_crossentropy_of_a_zero_probability_is_large_and_finite(dtype):
    x = Tensor(np.array([[1.0, 0.0]], dtype))
    loss = CategoricalCrossentropy()(x, np.array([[0.0, 1.0]], dtype))
    assert 80 < loss.value < 800
    assert np.isfinite(gradients(loss, [x])[0]).all()


def test_the_loss_of_the_series_goes_by_its_own_name():
    assert categorical_crossentropy is CategoricalCrossentropy


@pytest.mark.parametrize(
    "loss", [MSE(), MAE(), Huber(), Huber(delta=0.3), Huber(delta=5.0)], ids=["MSE", "MAE", "Huber", "low", "high"]
)
def test_gradients_hold(loss):
    assert_gradients(lambda p: loss(p, TARGET), PREDICTION)


@pytest.mark.parametrize("from_logits", [False, True])
def test_gradients_of_crossentropy_hold(from_logits):
    assert_gradients(lambda p: CategoricalCrossentropy(from_logits=from_logits)(p, CLASSES), PROBABILITIES)


@pytest.mark.parametrize("kind", Loss.kinds.values())
@pytest.mark.parametrize(
    ("prediction", "target"),
    [((4, 1), (4,)), ((4,), (4, 1)), ((4, 1), (1, 1)), ((4, 1), ()), ((2, 3), (3, 2))],
    ids=str,
)
def test_shapes_that_would_broadcast_are_refused_with_both_shapes_named(kind, prediction, target):
    with pytest.raises(SpecError) as caught:
        kind()(np.full(prediction, 0.5), np.full(target, 0.5))
    assert str(prediction) in str(caught.value)
    assert str(target) in str(caught.value)


@pytest.mark.parametrize("kind", Loss.kinds.values())
def test_the_loss_does_not_grow_with_the_batch(kind):
    prediction, target = np.array([[0.25, 0.75]]), np.array([[0.5, 0.5]])
    one = kind()(prediction, target).value
    many = kind()(np.repeat(prediction, 9, axis=0), np.repeat(target, 9, axis=0)).value
    assert many == pytest.approx(one)


@pytest.mark.parametrize("kind", Loss.kinds.values())
def test_the_loss_is_one_number_of_the_predictions_type(kind):
    half = np.full((3, 2), 0.5, np.float32)
    loss = kind()(half, half)
    assert (loss.shape, loss.dtype) == ((), np.float32)
