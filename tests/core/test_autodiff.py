"""Automatic differentiation: every operation by complex step, and the walk over the graph."""

import gc
import operator
import weakref

import numpy as np
import pytest

from zen_core import autodiff as ad
from zen_core.autodiff import Tensor, gradients, op, unbroadcast

from .complex_step import assert_gradients, by_central_differences


def away_from_kinks(*shape):
    """Numbers of both signs, none near 0 and no two close to each other."""
    size = int(np.prod(shape))
    numbers = np.random.default_rng(size).permutation(np.linspace(0.3, 2, size)) if size else np.empty(0)
    return (numbers * np.where(np.arange(size) % 2, -1, 1)).reshape(shape)


def positive(*shape):
    return np.asarray(np.abs(away_from_kinks(*shape)))


# Elementwise operations

ELEMENTWISE = {
    "negative": ad.negative,
    "exp": ad.exp,
    "tanh": ad.tanh,
    "sigmoid": ad.sigmoid,
    "relu": ad.relu,
    "absolute": ad.absolute,
    "square": lambda a: a**2,
    "cube": lambda a: a**3,
    "reciprocal": lambda a: a**-1,
    "constant power": lambda a: a**0,
    "own product": lambda a: a * a,
    "own quotient": lambda a: a / a + a,
}


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_gradients_hold(name, shape):
    assert_gradients(ELEMENTWISE[name], away_from_kinks(*shape))


@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_gradients_of_functions_of_positive_numbers_hold(name):
    assert_gradients(getattr(ad, name), positive(2, 3))


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "sqrt", "log", "absolute"])
def test_elementwise_values_are_numpys(name):
    a = positive(3, 2)
    expected = {"sigmoid": lambda a: 1 / (1 + np.exp(-a))}.get(name, getattr(np, name, None))(a)
    np.testing.assert_allclose(getattr(ad, name)(Tensor(a)).value, expected, rtol=1e-15)


def test_sigmoid_does_not_overflow():
    values = ad.sigmoid(Tensor([-1e4, 0.0, 1e4])).value
    np.testing.assert_array_equal(values, [0.0, 0.5, 1.0])


BINARY = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
}
BROADCASTS = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((), (2, 3)),
    ((1,), (2, 3)),
    ((4, 1, 3), (2, 1)),
    ((1, 1), (1,)),
    ((2, 3), (2, 3, 2, 3)),
]


@pytest.mark.parametrize("shapes", BROADCASTS, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_gradients_hold_under_broadcasting(name, shapes):
    first, second = shapes
    base = positive if name == "power" else away_from_kinks
    assert_gradients(BINARY[name], base(*first), away_from_kinks(*second))


@pytest.mark.parametrize("name", BINARY)
def test_plain_numbers_and_arrays_work_on_both_sides(name):
    apply, a, b = BINARY[name], positive(2, 3), positive(3)
    np.testing.assert_array_equal(apply(Tensor(a), b).value, apply(a, b))
    np.testing.assert_array_equal(apply(b, Tensor(a)).value, apply(b, a))
    np.testing.assert_array_equal(apply(2.5, Tensor(a)).value, apply(2.5, a))
    assert_gradients(lambda x: apply(x, b), a)
    assert_gradients(lambda x: apply(b, x), a)
    assert_gradients(lambda x: apply(2.5, x), a)


def test_zero_to_a_power_has_finite_gradients():
    a, b = Tensor([0.0, 0.0, 0.0]), Tensor([0.0, 1.0, 2.0])
    by_a, by_b = gradients(a**b, [a, b], seed=1.0)
    np.testing.assert_array_equal(by_a, [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(by_b, [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "function",
    [
        ad.relu,
        ad.absolute,
        lambda a: ad.max(a, axis=1),
        lambda a: ad.where(a.value > 0, a * a, -a),
        lambda a: a**3,
        lambda a: ad.logsumexp(a, axis=0),
    ],
    ids=["relu", "absolute", "max", "where", "cube", "logsumexp"],
)
def test_central_differences_agree_away_from_kinks(function):
    a = away_from_kinks(3, 4)
    x = Tensor(a)
    y = function(x)
    seed = np.random.default_rng(1).normal(size=y.shape)
    (computed,) = gradients(y, [x], seed=seed)
    np.testing.assert_allclose(computed, by_central_differences(function, a, seed), rtol=1e-7, atol=1e-8)


def test_at_a_kink_the_gradient_is_the_one_that_is_documented():
    x = Tensor([0.0, 0.0])
    assert gradients(ad.relu(x), [x], seed=1.0)[0].tolist() == [0.0, 0.0]
    assert gradients(abs(x), [x], seed=1.0)[0].tolist() == [0.0, 0.0]
    assert gradients(ad.max(x), [x])[0].tolist() == [0.5, 0.5]


def test_where_sends_the_gradient_to_the_side_that_was_taken():
    condition = np.array([[True], [False]])
    assert_gradients(lambda a, b: ad.where(condition, a, b), away_from_kinks(3), away_from_kinks(2, 1))


# Matrix products

MATRICES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((1, 1), (1, 1)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)),
    ((2, 1, 2, 3), (4, 3, 2)),
]


@pytest.mark.parametrize("shapes", MATRICES, ids=str)
def test_matmul_has_gradients_at_any_rank(shapes):
    a, b = away_from_kinks(*shapes[0]), away_from_kinks(*shapes[1])
    np.testing.assert_array_equal((Tensor(a) @ Tensor(b)).value, a @ b)
    assert_gradients(operator.matmul, a, b)
    assert_gradients(lambda x: a @ x, b)
    assert_gradients(lambda x: x @ b, a)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3), (1, 1, 3)], ids=str)
def test_linear_is_a_product_with_bias_at_any_rank(shape):
    x, weight, bias = away_from_kinks(*shape), away_from_kinks(3, 2), away_from_kinks(2)
    np.testing.assert_allclose(ad.linear(Tensor(x), weight, bias).value, x @ weight + bias, rtol=1e-15)
    assert_gradients(ad.linear, x, weight, bias)


# Shapes

INDICES = {
    "one": 1,
    "negative": -1,
    "slice": slice(None, None, 2),
    "backwards": slice(None, None, -1),
    "column": (slice(None), 1),
    "ellipsis": (..., 0),
    "new axis": (None, slice(1, 3)),
    "fancy": np.array([2, 0]),
    "repeated fancy": np.array([1, 1, 1, 0]),
    "repeated pairs": (np.array([0, 0, 2]), np.array([1, 1, 3])),
    "mask": np.arange(12).reshape(3, 4) % 3 == 0,
    "mixed": (slice(None), np.array([3, 3, 0])),
    "empty": slice(0, 0),
}


@pytest.mark.parametrize("name", INDICES)
def test_indexing_has_gradients(name):
    a = away_from_kinks(3, 4)
    np.testing.assert_array_equal(Tensor(a)[INDICES[name]].value, a[INDICES[name]])
    assert_gradients(lambda x: x[INDICES[name]], a)


def test_an_element_taken_twice_gets_both_gradients():
    x = Tensor([1.0, 2.0, 3.0])
    (slope,) = gradients(x[np.array([1, 1, 2])], [x], seed=np.array([10.0, 20.0, 5.0]))
    assert slope.tolist() == [0.0, 30.0, 5.0]


def test_reshape_has_gradients():
    assert_gradients(lambda x: x.reshape(3, 4) * away_from_kinks(3, 4), away_from_kinks(2, 6))
    assert_gradients(lambda x: x.reshape((-1,)), away_from_kinks(2, 6))


@pytest.mark.parametrize("axes", [None, (0, 1, 2), (1, 2, 0), (2, 0, 1), (-1, 0, -2)], ids=str)
def test_transpose_has_gradients(axes):
    a = away_from_kinks(2, 3, 4)
    np.testing.assert_array_equal(ad.transpose(Tensor(a), axes=axes).value, np.transpose(a, axes))
    assert_gradients(lambda x: ad.transpose(x, axes=axes), a)


def test_T_reverses_the_axes():
    assert_gradients(lambda x: x.T, away_from_kinks(2, 3, 4))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack_has_gradients(axis):
    a, b, c = (away_from_kinks(2, 3) + k for k in range(3))
    np.testing.assert_array_equal(ad.stack([Tensor(a), b, Tensor(c)], axis).value, np.stack([a, b, c], axis))
    assert_gradients(lambda *parts: ad.stack(parts, axis), a, b, c)
    assert_gradients(lambda x, z: ad.stack([x, b, z], axis), a, c)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenate_has_gradients(axis):
    a, b = (away_from_kinks(*((k, 3) if axis == 0 else (3, k))) for k in (2, 4))
    np.testing.assert_array_equal(ad.concatenate([Tensor(a), b], axis).value, np.concatenate([a, b], axis))
    assert_gradients(lambda *parts: ad.concatenate(parts, axis), a, b, a)


def test_one_tensor_can_be_stacked_with_itself():
    assert_gradients(lambda x: ad.stack([x, x, 2 * x]), away_from_kinks(3))
    assert_gradients(lambda x: ad.concatenate([x, x]), away_from_kinks(3))


# Reductions

AXES = [None, 0, 1, 2, -1, (0, 2), (-1, -2), (0, 1, 2)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "max"])
def test_reductions_have_values_and_gradients(name, axis, keepdims):
    a = away_from_kinks(2, 3, 4)
    reduced = getattr(Tensor(a), name)(axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(reduced.value, getattr(np, name)(a, axis=axis, keepdims=keepdims), rtol=1e-15)
    assert_gradients(lambda x: getattr(ad, name)(x, axis=axis, keepdims=keepdims), a)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_logsumexp_has_values_and_gradients(axis, keepdims):
    a = away_from_kinks(2, 3, 4)
    expected = np.log(np.exp(a).sum(axis=axis, keepdims=keepdims))
    reduced = ad.logsumexp(Tensor(a), axis=axis, keepdims=keepdims)
    assert reduced.shape == expected.shape
    np.testing.assert_allclose(reduced.value, expected, rtol=1e-14)
    assert_gradients(lambda x: ad.logsumexp(x, axis=axis, keepdims=keepdims), a)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_has_values_and_gradients(axis):
    a = away_from_kinks(3, 4)
    expected = np.exp(a) / np.exp(a).sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(ad.softmax(Tensor(a), axis=axis).value, expected, rtol=1e-14)
    assert_gradients(lambda x: ad.softmax(x, axis=axis), a)


def test_logsumexp_does_not_overflow():
    assert ad.logsumexp(Tensor([1000.0, 1000.0])).value == pytest.approx(1000 + np.log(2))
    assert ad.logsumexp(Tensor([-1000.0, -1000.0])).value == pytest.approx(-1000 + np.log(2))


# Tensors


def test_integers_become_float64_and_floats_stay_as_they_are():
    assert Tensor([1, 2]).dtype == np.float64
    assert Tensor(True).dtype == np.float64
    assert Tensor(np.float32(1)).dtype == np.float32
    assert Tensor(np.zeros(2, np.complex128)).dtype == np.complex128


KEEP_FLOAT32 = {
    **ELEMENTWISE,
    "log": lambda a: ad.log(abs(a)),
    "sqrt": lambda a: ad.sqrt(abs(a)),
    "sum": lambda a: a.sum(axis=0),
    "mean": lambda a: a.mean(axis=0),
    "mean of all": lambda a: a.mean(),
    "max": lambda a: a.max(axis=0),
    "logsumexp": ad.logsumexp,
    "softmax": ad.softmax,
    "arithmetic": lambda a: 1 - 2 * a / 3 + (a - 1),
    "matmul": lambda a: a @ a.T,
    "take": lambda a: a[0],
    "stack": lambda a: ad.stack([a, a]),
    "where": lambda a: ad.where(a.value > 0, a, 0.5 * a),
}


@pytest.mark.parametrize("name", KEEP_FLOAT32)
def test_float32_stays_float32_forth_and_back(name):
    x = Tensor(away_from_kinks(2, 3).astype(np.float32))
    y = KEEP_FLOAT32[name](x)
    (slope,) = gradients(y, [x], seed=np.ones(y.shape, np.float32))
    assert (y.dtype, slope.dtype) == (np.float32, np.float32)


def test_a_tensor_tells_its_shape():
    x = Tensor(np.zeros((2, 3)))
    assert (x.shape, x.ndim, len(x)) == ((2, 3), 2, 2)
    assert "array" in repr(x)


# The walk over the graph


def test_an_output_of_many_numbers_needs_a_seed():
    x = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="seed"):
        gradients(2 * x, [x])
    assert gradients(2 * x, [x], seed=[1.0, 10.0])[0].tolist() == [2.0, 20.0]


def test_an_input_that_is_not_used_has_a_gradient_of_zeros():
    x, unused = Tensor([1.0, 2.0]), Tensor(np.ones((2, 3)))
    by_x, by_unused = gradients((x * x).sum(), [x, unused])
    assert by_x.tolist() == [2.0, 4.0]
    np.testing.assert_array_equal(by_unused, np.zeros((2, 3)))


def test_the_gradient_by_a_node_inside_the_graph_is_known():
    x = Tensor(3.0)
    square = x * x
    output = square * 5.0
    assert [float(g) for g in gradients(output, [square, x, output])] == [5.0, 30.0, 1.0]


def test_the_same_input_may_be_asked_for_twice():
    x = Tensor(3.0)
    assert [float(g) for g in gradients(x * x, [x, x])] == [6.0, 6.0]


def test_asking_twice_gives_the_same_answer():
    x = Tensor([1.0, 2.0])
    y = (x * x * x).sum()
    np.testing.assert_array_equal(gradients(y, [x])[0], gradients(y, [x])[0])


def test_a_chain_of_20_000_nodes_is_walked():
    x = Tensor(0.5)
    y = x
    for _ in range(10_000):
        y = 1.0001 * y + 1e-6
    assert float(gradients(y, [x])[0]) == pytest.approx(1.0001**10_000)


def test_a_value_doubled_200_times_has_the_gradient_2_to_the_200():
    x = Tensor(1.0)
    y = x
    for _ in range(200):
        y = y + y
    assert float(gradients(y, [x])[0]) == 2.0**200


def test_every_node_is_visited_once():
    visits = []

    @op
    def watched(a):
        def back(g):
            visits.append(g)
            return g

        return a, back

    x = Tensor(1.0)
    y = watched(x)
    for _ in range(50):
        y = watched(y + y)
    gradients(y, [x])
    assert len(visits) == 51


def test_constants_are_not_walked():
    @op
    def product(a, b):
        def forbidden(g):
            raise AssertionError("the gradient of a constant was computed")

        return a * b, lambda g: g * b, forbidden

    x = Tensor(2.0)
    assert float(gradients(product(x, 5.0), [x])[0]) == 5.0


def test_operands_of_one_pullback_share_work():
    @op
    def product(a, b):
        return a * b, lambda g: (g * b, g * a)

    assert_gradients(product, away_from_kinks(2, 3), away_from_kinks(3))


def test_inputs_and_seeds_are_left_alone():
    a, seed = away_from_kinks(3, 4), np.ones((3, 4))
    before = a.copy()
    x = Tensor(a)
    slopes = gradients(ad.tanh(x) * x - x, [x], seed=seed)
    slopes[0] *= 0
    np.testing.assert_array_equal(a, before)
    np.testing.assert_array_equal(seed, np.ones((3, 4)))


def test_the_graph_is_freed_by_reference_counting_alone():
    gc.collect()
    gc.disable()
    try:
        x = Tensor(np.ones(3))
        inner = ad.exp(x * 2.0)
        output = (inner @ inner + inner.mean()).sum()
        seen = [weakref.ref(inner.value), weakref.ref(output.value)]
        gradients(output, [x])
        del inner, output
        assert [each() for each in seen] == [None, None]
    finally:
        gc.enable()


def test_a_long_chain_is_freed_without_recursion():
    y = Tensor(1.0)
    for _ in range(200_000):
        y = -y
    seen = weakref.ref(y.value)
    del y
    assert seen() is None


@pytest.mark.parametrize(
    ("gradient", "shape"),
    [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), ()), ((2, 3), (1, 3)), ((2, 3), (2, 1)), ((4, 2, 3), (1, 1)), ((), ())],
    ids=str,
)
def test_unbroadcast_sums_what_was_repeated(gradient, shape):
    numbers = away_from_kinks(*gradient)
    summed = unbroadcast(numbers, shape)
    assert summed.shape == shape
    assert np.sum(summed) == pytest.approx(np.sum(numbers))


@pytest.mark.parametrize("seed", range(20))
def test_random_compositions_have_the_right_gradients(seed):
    draw = np.random.default_rng(seed)
    a, b, c = draw.normal(size=(2, 3)), draw.normal(size=(3, 2)), draw.normal(size=2)

    def composed(x, y, z):
        h = ad.tanh(x @ y + z)
        h = ad.concatenate([h, ad.sigmoid(h * z)], axis=1)
        weights = ad.softmax(h[:, ::2] + h[:, 1::2].mean(axis=0), axis=-1)
        return (weights * ad.exp(-h[:, :2] * h[:, :2])).sum(axis=1) / (1 + ad.logsumexp(h.T, axis=0) ** 2)

    assert_gradients(composed, a, b, c)
