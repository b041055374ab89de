"""Losses: a prediction and a target become one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from zen_core import autodiff
from zen_core.autodiff import Array, Tensor, op
from zen_core.component import Component, SpecError, hyper


class Loss(Component, abstract=True):
    """How wrong a prediction is. A new loss is a subclass with one method, `value`."""

    def __call__(self, prediction: Any, target: Any) -> Tensor:
        """Return the loss of `prediction` against `target`, both of shape (batch, outputs), as a single number.

        Raises SpecError where the shapes differ, even if they would broadcast.
        """
        predicted = prediction if isinstance(prediction, Tensor) else Tensor(prediction)
        wanted = np.asarray(target)
        if predicted.shape != wanted.shape:
            raise SpecError(
                f"The prediction has shape {predicted.shape}, the target {wanted.shape}. Give both the same shape."
            )
        return self.value(predicted, wanted)

    def value(self, prediction: Tensor, target: Array) -> Tensor:
        """The equation, for operands of one shape; the result is averaged, so that it does not grow with the batch."""
        raise AssertionError(f"{type(self).__name__} has no equation")


class MSE(Loss):
    """Mean squared error: mean (ŷ − y)². Large errors weigh most."""

    def value(self, prediction: Tensor, target: Array) -> Tensor:
        return _mean_square(prediction, target=target)


@op
def _mean_square(prediction: Any, *, target: Array) -> Any:
    error = prediction - target
    flat = error.reshape(-1)
    return flat @ flat / flat.size, lambda g: error * (2 * g / flat.size)


class MAE(Loss):
    """Mean absolute error: mean |ŷ − y|. Outliers weigh no more than their size."""

    def value(self, prediction: Tensor, target: Array) -> Tensor:
        return abs(prediction - target).mean()


class Huber(Loss):
    """Huber loss: mean of e²/2 where |e| ≤ δ, else δ(|e| − δ/2), with e = ŷ − y.

    P.J. Huber (1964), Robust estimation of a location parameter, Annals of Mathematical Statistics 35(1).
    """

    delta: float = hyper(
        1.0,
        1e-6,
        1e6,
        log=True,
        help="The error δ at which the loss turns from squared to straight.",
        usual="0.5 to 2 on scaled data",
        few="Behaves like MAE.",
        many="Behaves like half of MSE.",
    )

    def value(self, prediction: Tensor, target: Array) -> Tensor:
        error = prediction - target
        size = abs(error)
        near = size.value.real <= self.delta
        return autodiff.where(near, 0.5 * error * error, self.delta * (size - 0.5 * self.delta)).mean()


class CategoricalCrossentropy(Loss):
    """Cross-entropy of class probabilities: mean over the batch of −Σ y log ŷ, with the classes on the last axis.

    The prediction holds probabilities (the output of Softmax), the target one-hot rows or probabilities. With
    `from_logits` the prediction holds scores before the softmax, which keeps more digits. A probability of zero counts
    as the smallest positive number of its type.
    """

    for_forecasts = False
    from_logits: bool = hyper(False, help="Whether the prediction holds scores before the softmax.")

    def value(self, prediction: Tensor, target: Array) -> Tensor:
        if self.from_logits:
            logs = prediction - autodiff.logsumexp(prediction, axis=-1, keepdims=True)
        else:
            least = np.finfo(prediction.value.real.dtype).tiny
            logs = autodiff.log(autodiff.where(prediction.value.real < least, least, prediction))
        return -(logs * target).sum(axis=-1).mean()


# The name under which readers of the series know it.
categorical_crossentropy = CategoricalCrossentropy
