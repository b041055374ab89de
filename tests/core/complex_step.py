"""Gradients by complex step: f'(x) = Im f(x + ih) / h. Nothing cancels, so h can be 1e-30 and all digits are right.

W. Squire and G. Trapp (1998), Using complex variables to estimate derivatives of real functions, SIAM Review 40(1).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zen_core.autodiff import Tensor, gradients

H = 1e-30


def by_complex_step(function: Callable[..., Tensor], arrays: Sequence[np.ndarray], seed: Any) -> list[np.ndarray]:
    """The gradients of Σ seed · function(*arrays) by each array, one entry at a time."""
    found = []
    for number, array in enumerate(arrays):
        slope = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            moved = np.array(array, complex)
            moved[index] += 1j * H
            operands = [Tensor(moved if other == number else each) for other, each in enumerate(arrays)]
            slope[index] = np.sum(seed * function(*operands).value).imag / H
        found.append(slope)
    return found


def along(function: Callable[..., Any], arrays: Sequence[np.ndarray], directions: Sequence[np.ndarray]) -> float:
    """The derivative of a number, function(*arrays), when all arrays move at once, each in its direction."""
    moved = (array + 1j * H * direction for array, direction in zip(arrays, directions, strict=True))
    return float(np.imag(function(*moved)) / H)


def assert_gradients(function: Callable[..., Tensor], *arrays: np.ndarray, tolerance: float = 1e-12) -> None:
    """The gradients of `function` by all its arrays agree with the complex step, to a share of the largest of all."""
    tensors = [Tensor(array) for array in arrays]
    output = function(*tensors)
    seed = np.random.default_rng(3).normal(size=output.shape)
    computed = gradients(output, tensors, seed=seed)
    expected = by_complex_step(function, arrays, seed)
    largest = max(np.abs(each).max(initial=0.0) for each in expected)
    for got, wanted, array in zip(computed, expected, arrays, strict=True):
        assert got.shape == array.shape
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * largest)


def by_central_differences(
    function: Callable[..., Tensor], array: np.ndarray, seed: Any, h: float = 1e-6
) -> np.ndarray:
    """The gradient of Σ seed · function(array) from values alone; it knows nothing of complex numbers."""
    slope = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        step = np.zeros(array.shape)
        step[index] = h
        ahead, behind = (np.sum(seed * function(Tensor(array + sign * step)).value) for sign in (1, -1))
        slope[index] = (ahead - behind) / (2 * h)
    return slope
