"""Optimizers against their papers in plain Python, one number at a time; schedules and clipping."""

import itertools
import math

import numpy as np
import pytest

from zen_core.component import SpecError
from zen_core.optim import SGD, Adam, Constant, Cosine, Momentum, Optimizer, RMSProp, clip

STEPS = 60


def run(optimizer, gradient, w, rates):
    """The weights after each step, by the library."""
    weights, memory = np.array(w), optimizer.first_memory(np.array(w))
    path = []
    for t, rate in enumerate(rates, start=1):
        weights, memory = optimizer.update(weights, gradient(weights, t), rate, t, memory)
        path.append(weights)
    return np.array(path)


def valley(w, t):
    """The gradient of a wavy valley, with a disturbance that differs at each step."""
    return np.array([2 * w[0] + math.sin(3 * w[1]), w[1] + math.cos(w[0])]) + 0.3 * math.sin(t)


def in_plain_python(rule, w, rates):
    """The same path, by a rule for one number: (w, g, lr, t, state) → w; the state is a dict."""
    w, states, path = [float(each) for each in w], [{}, {}], []
    for t, rate in enumerate(rates, start=1):
        g = [float(each) for each in valley(np.array(w), t)]
        w = [rule(w[i], g[i], rate, t, states[i]) for i in range(2)]
        path.append(w)
    return np.array(path)


def sgd(w, g, lr, t, state):
    return w - lr * g


def momentum(w, g, lr, t, state):
    state["v"] = 0.8 * state.get("v", 0.0) + lr * g
    return w - state["v"]


def rmsprop(w, g, lr, t, state):
    state["s"] = 0.95 * state.get("s", 0.0) + 0.05 * g**2
    return w - lr * g / math.sqrt(state["s"] + 1e-4)


def adam(w, g, lr, t, state):
    state["m"] = 0.85 * state.get("m", 0.0) + 0.15 * g
    state["v"] = 0.97 * state.get("v", 0.0) + 0.03 * g**2
    return w - lr * (state["m"] / (1 - 0.85**t)) / (math.sqrt(state["v"] / (1 - 0.97**t)) + 1e-5)


TWINS = {
    "SGD": (SGD(), sgd),
    "Momentum": (Momentum(momentum=0.8), momentum),
    "RMSProp": (RMSProp(rho=0.95, epsilon=1e-4), rmsprop),
    "Adam": (Adam(beta1=0.85, beta2=0.97, epsilon=1e-5), adam),
}


@pytest.mark.parametrize("name", TWINS)
def test_the_rule_is_the_papers(name):
    optimizer, rule = TWINS[name]
    rates = [0.02 * (1 + 0.5 * math.cos(t)) for t in range(STEPS)]
    np.testing.assert_allclose(
        run(optimizer, valley, [1.0, -0.7], rates), in_plain_python(rule, [1.0, -0.7], rates), rtol=0, atol=1e-12
    )


def test_every_optimizer_has_a_twin():
    assert set(Optimizer.kinds) == set(TWINS)


# One step from w = 1 2 3 4 with the gradient 1 6 7 2 at a rate of 0.5, as the tests of Keras have it.
@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(), [0.5, -1.0, -0.5, 3.0]),
        (Momentum(), [0.5, -1.0, -0.5, 3.0]),
        (RMSProp(rho=0.9, epsilon=1e-7), [-0.5811, 0.4189, 1.4189, 2.4189]),
        (Adam(), [0.5, 1.5, 2.5, 3.5]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_first_step_is_the_one_in_kerass_tests(optimizer, expected):
    w, g = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 6.0, 7.0, 2.0])
    moved, _ = optimizer.update(w, g, 0.5, 1, optimizer.first_memory(w))
    np.testing.assert_allclose(moved, expected, rtol=1e-4)


def test_momentum_multiplies_the_rate_into_the_velocity():
    # v: 0.1, then 0.9 · 0.1 + 0.01 · 1 = 0.1. With the rate outside, the second move would be 0.019.
    path = run(Momentum(momentum=0.9), lambda w, t: np.ones(1), [0.0], [0.1, 0.01])
    np.testing.assert_allclose(path[:, 0], [-0.1, -0.2], rtol=1e-12)


def test_rmsprop_has_epsilon_inside_the_root():
    # A gradient of 0.01 leaves s = 1e-5; √(1e-5 + 0.1) and √1e-5 + 0.1 are far apart.
    path = run(RMSProp(rho=0.9, epsilon=0.1), lambda w, t: np.full(1, 0.01), [0.0], [1.0])
    assert path[0, 0] == pytest.approx(-0.01 / math.sqrt(1e-5 + 0.1), rel=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_adams_first_step_is_the_rate_in_the_gradients_direction(size):
    g = size * np.array([1.0, -1.0, 3.0])
    moved, _ = Adam(lr=0.01).update(np.zeros(3), g, 0.01, 1, Adam().first_memory(np.zeros(3)))
    np.testing.assert_allclose(moved, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_adam_corrects_by_the_number_of_the_step():
    # A constant gradient has m̂ = g and v̂ = g² at every step, so that all steps have one length.
    path = run(Adam(), lambda w, t: np.full(1, 4.0), [0.0], [0.01] * 20)
    np.testing.assert_allclose(np.diff(path[:, 0]), -0.01, rtol=1e-7)


@pytest.mark.parametrize("kind", Optimizer.kinds.values())
def test_every_optimizer_goes_downhill(kind):
    path = run(kind(), lambda w, t: 2 * w, [1.0, -2.0], [0.01] * 300)
    assert np.abs(path[-1]).max() < 1.0 < np.abs(path[0]).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", Optimizer.kinds.values())
def test_an_update_keeps_the_type_and_changes_nothing_in_place(kind, dtype):
    w, g = np.array([1.0, 2.0], dtype), np.array([0.5, -0.5], dtype)
    memory = kind().first_memory(w)
    assert len(memory) == kind.memories
    before = [each.copy() for each in (w, g, *memory)]
    moved, kept = kind().update(w, g, 0.1, 1, memory)
    for now, then in zip((w, g, *memory), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert {each.dtype for each in (moved, *kept)} == {np.dtype(dtype)}
    assert {each.shape for each in (moved, *kept)} == {(2,)}


# Schedules


def test_a_constant_schedule_never_changes():
    assert [Constant().factor(p) for p in (0.0, 0.3, 1.0)] == [1.0, 1.0, 1.0]


def test_cosine_goes_from_the_full_rate_to_the_final_share():
    assert Cosine().factor(0.0) == 1.0
    assert Cosine().factor(1.0) == 0.0
    assert Cosine(final=0.1).factor(0.0) == 1.0
    assert Cosine(final=0.1).factor(1.0) == pytest.approx(0.1)
    assert Cosine(final=0.1).factor(0.5) == pytest.approx(0.55)
    assert Cosine().factor(1 / 3) == pytest.approx(0.75)


def test_cosine_falls_all_the_way():
    factors = [Cosine(final=0.05).factor(p) for p in np.linspace(0, 1, 101)]
    assert all(later < earlier for earlier, later in itertools.pairwise(factors))


# Clipping


def test_a_long_gradient_is_scaled_to_the_limit_as_a_whole():
    clipped, norm = clip(np.array([3.0, -4.0]), 1.0)
    np.testing.assert_allclose(clipped, [0.6, -0.8])
    assert norm == 5.0


def test_a_short_gradient_is_let_through():
    g = np.array([0.3, -0.4])
    clipped, norm = clip(g, 1.0)
    np.testing.assert_array_equal(clipped, g)
    assert norm == pytest.approx(0.5)


def test_a_limit_of_zero_is_no_limit():
    clipped, norm = clip(np.array([300.0, -400.0]), 0.0)
    assert (clipped.tolist(), norm) == ([300.0, -400.0], 500.0)


def test_a_gradient_of_zeros_is_no_division_by_zero():
    assert clip(np.zeros(3), 1.0)[0].tolist() == [0.0, 0.0, 0.0]


def test_clipping_keeps_float32():
    assert clip(np.array([3, 4], np.float32), 1.0)[0].dtype == np.float32


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e20), (np.float64, 1e200)])
def test_a_gradient_whose_square_overflows_is_still_clipped_to_the_limit(dtype, size):
    clipped, norm = clip(np.array([3 * size, -4 * size], dtype), 1.0)
    np.testing.assert_allclose(clipped, [0.6, -0.8], rtol=1e-6)
    assert norm == pytest.approx(5 * size)


@pytest.mark.parametrize("wrong", [0.0, -1.0, 11.0, math.nan, math.inf, True, "fast", None])
@pytest.mark.parametrize("kind", Optimizer.kinds.values())
def test_a_learning_rate_out_of_range_is_refused_by_name(kind, wrong):
    with pytest.raises(SpecError, match="Learning rate cannot be") as caught:
        kind(lr=wrong)
    assert caught.value.path == "lr"
