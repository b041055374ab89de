"""Every operation of the tape, on operands of many random shapes, by complex step; and kinks from both sides.

A complex step takes the same side of a kink as the value does. That it is the right side, central differences tell.
"""

from functools import partial

import numpy as np
import pytest

from zen_core import autodiff as ad
from zen_core.autodiff import Tensor, gradients
from zen_core.layers import ReLU
from zen_core.loss import MAE, Huber

from .complex_step import assert_gradients, by_central_differences

# Operands


def sizes(draw, least=0, most=3):
    """A shape with a number of axes between two bounds, many of them 1 long."""
    return tuple(int(n) for n in draw.choice((1, 1, 2, 3, 4), draw.integers(least, most + 1)))


def normal(draw, shape):
    return draw.normal(size=shape)


def away_from_zero(draw, shape):
    return draw.choice((-1.0, 1.0), shape) * positive(draw, shape)


def positive(draw, shape):
    return draw.uniform(0.3, 2, shape)


def fitting(draw, most=3):
    """Two shapes that fit each other: one is short of axes, or has some of length 1."""
    whole = sizes(draw, most=most)
    other = tuple(1 if draw.random() < 0.3 else n for n in whole)[draw.integers(len(whole) + 1) :]
    return (whole, other) if draw.random() < 0.5 else (other, whole)


def any_axis(draw, a):
    return int(draw.integers(-a.ndim, a.ndim))


def any_axes(draw, a):
    """None for all, one axis, or several."""
    several = tuple(int(n) for n in draw.permutation(a.ndim)[: draw.integers(a.ndim + 1)])
    return (None, any_axis(draw, a), several)[draw.integers(3)]


# Each operation as a draw of the function and its operands.


def unary(function, numbers=normal):
    return lambda draw: (function, numbers(draw, sizes(draw)))


def binary(function, first=normal, second=normal):
    def drawn(draw):
        a, b = fitting(draw)
        return function, first(draw, a), second(draw, b)

    return drawn


def reduction(function, axes=any_axes, **settings):
    def drawn(draw):
        a = normal(draw, sizes(draw, least=1))
        chosen = {name: bool(draw.integers(2)) for name in settings}
        return partial(function, axis=axes(draw, a), **chosen), a

    return drawn


def matmul(draw):
    rows, inner, columns = sizes(draw, 3)
    batch_a, batch_b = fitting(draw, most=2)
    a = (inner,) if draw.random() < 0.2 else (*batch_a, rows, inner)
    b = (inner,) if draw.random() < 0.2 else (*batch_b, inner, columns)
    return ad.matmul, normal(draw, a), normal(draw, b)


def linear(draw):
    inputs, units = sizes(draw, 2, 2)
    return ad.linear, normal(draw, (*sizes(draw), inputs)), normal(draw, (inputs, units)), normal(draw, (units,))


def take(draw):
    a = normal(draw, sizes(draw, least=1))
    first = len(a)
    several = draw.integers(-first, first, draw.integers(4))
    index = (int(draw.integers(-first, first)), slice(None, None, -1), several, draw.random(a.shape) < 0.5, (..., 0))
    return partial(ad.take, index=index[draw.integers(len(index))]), a


def reshape(draw):
    a = normal(draw, sizes(draw))
    return partial(ad.reshape, shape=((-1,), (*a.shape, 1), a.shape[::-1])[draw.integers(3)]), a


def transpose(draw):
    a = normal(draw, sizes(draw))
    axes = tuple(int(n) for n in draw.permutation(a.ndim)) if draw.random() < 0.7 else None
    return partial(ad.transpose, axes=axes), a


def stack(draw):
    shape = sizes(draw)
    axis = int(draw.integers(-len(shape) - 1, len(shape) + 1))
    return lambda *parts: ad.stack(parts, axis), *(normal(draw, shape) for _ in range(draw.integers(1, 4)))


def concatenate(draw):
    shape = list(sizes(draw, least=1))
    axis = int(draw.integers(-len(shape), len(shape)))
    parts = []
    for _ in range(draw.integers(1, 4)):
        shape[axis] = int(draw.integers(1, 4))
        parts.append(normal(draw, shape))
    return lambda *parts: ad.concatenate(parts, axis), *parts


def where(draw):
    a, b = fitting(draw)
    condition = draw.random(np.broadcast_shapes(a, b)) < 0.5
    return partial(ad.where, condition), normal(draw, a), normal(draw, b)


OPERATIONS = {
    "add": binary(ad.add),
    "subtract": binary(ad.subtract),
    "multiply": binary(ad.multiply),
    "divide": binary(ad.divide, second=away_from_zero),
    "power": binary(ad.power, first=positive),
    "negative": unary(ad.negative),
    "exp": unary(ad.exp),
    "log": unary(ad.log, positive),
    "sqrt": unary(ad.sqrt, positive),
    "tanh": unary(ad.tanh),
    "sigmoid": unary(ad.sigmoid),
    "relu": unary(ad.relu),
    "absolute": unary(ad.absolute),
    "matmul": matmul,
    "linear": linear,
    "take": take,
    "reshape": reshape,
    "transpose": transpose,
    "stack": stack,
    "concatenate": concatenate,
    "sum": reduction(ad.sum, keepdims=True),
    "mean": reduction(ad.mean, keepdims=True),
    "max": reduction(ad.max, keepdims=True),
    "logsumexp": reduction(ad.logsumexp, any_axis, keepdims=True),
    "softmax": reduction(ad.softmax, any_axis),
    "where": where,
}
EACH = 30


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_hold_at_any_shape(name):
    for seed in range(EACH):
        assert_gradients(*OPERATIONS[name](np.random.default_rng(seed)))


def test_every_operation_is_tried_and_at_500_shapes():
    made_by_op = {name for name, each in vars(ad).items() if hasattr(each, "__wrapped__") and not name.startswith("_")}
    assert made_by_op | {"stack", "concatenate"} == set(OPERATIONS)
    assert len(OPERATIONS) * EACH >= 500


# Kinks

KINKS = {
    "relu": (lambda a: ad.relu(a), [0.0]),
    "absolute": (lambda a: ad.absolute(a), [0.0]),
    "ReLU": (lambda a: ReLU().forward({}, a), [0.0]),
    "max": (lambda a: ad.max(ad.stack([a, 0.7 - a])), [0.35]),
    "MAE": (lambda a: MAE()(a, np.array([0.25])), [0.25]),
    "Huber": (lambda a: Huber(delta=0.5)(a, np.array([0.25])), [-0.25, 0.25, 0.75]),
}


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("name", KINKS)
def test_a_millionth_away_from_a_kink_the_gradient_is_that_of_its_side(name, side):
    function, kinks = KINKS[name]
    for kink in kinks:
        a = np.array([kink + side * 1e-6])
        x = Tensor(a)
        y = function(x)
        (computed,) = gradients(y, [x], seed=np.ones(y.shape))
        np.testing.assert_allclose(computed, by_central_differences(function, a, 1.0, h=5e-7), rtol=0, atol=1e-9)
