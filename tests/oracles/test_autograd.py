"""HIPS autograd (github.com/HIPS/autograd) computes the same gradients, of values and of whole networks."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from core.cases import case
from core.twins import largest

from zen_core import autodiff as ad
from zen_core.autodiff import Tensor, gradients
from zen_core.layers import Linear, ReLU, Sigmoid, Softmax, Tanh
from zen_core.loss import MAE, MSE, CategoricalCrossentropy, Huber
from zen_core.recurrent import GRU, LSTM, RNN, Recurrent
from zen_core.weights import Layout


def assert_same(ours, theirs, *arrays):
    """Value and all gradients of a function written twice, to 1e-12 of the largest gradient."""
    tensors = [Tensor(array) for array in arrays]
    output = ours(*tensors)
    np.testing.assert_allclose(output.value, theirs(*arrays), rtol=1e-12, atol=1e-13)
    expected = autograd.grad(lambda arrays: theirs(*arrays))(arrays)
    largest = max(np.abs(each).max() for each in expected)
    for got, wanted in zip(gradients(output, tensors), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12 * largest)


def normal(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).normal(size=shape)


PAIRS = {
    "products": (
        lambda a, b, c: (ad.tanh(a @ b + c) * c).sum(),
        lambda a, b, c: anp.sum(anp.tanh(a @ b + c) * c),
    ),
    "quotients and powers": (
        lambda a, b, c: ((a[:, :2] ** 2 + 1) ** (c / 3) / (1 + ad.exp(b[:3]))).mean(),
        lambda a, b, c: anp.mean((a[:, :2] ** 2 + 1) ** (c / 3) / (1 + anp.exp(b[:3]))),
    ),
    "reductions": (
        lambda a, b, c: (a.mean(axis=0) * b.sum(axis=1)).sum() + c.max() * abs(a).sum(axis=(0, 1), keepdims=True)[0, 0],
        lambda a, b, c: (
            anp.sum(anp.mean(a, axis=0) * anp.sum(b, axis=1))
            + anp.max(c) * anp.sum(anp.abs(a), axis=(0, 1), keepdims=True)[0, 0]
        ),
    ),
    "shapes": (
        lambda a, b, c: (
            ad.concatenate([a.T, b], axis=1)[:, np.array([0, 0, 3, 4])]
            * ad.stack([c, 2 * c, c * c, c]).reshape(4, 2)[:, :1]
        ).sum(),
        lambda a, b, c: anp.sum(
            anp.concatenate([a.T, b], axis=1)[:, np.array([0, 0, 3, 4])]
            * anp.reshape(anp.stack([c, 2 * c, c * c, c]), (4, 2))[:, :1]
        ),
    ),
    "logarithms": (
        lambda a, b, c: (
            (ad.logsumexp(a, axis=1) * ad.log(1 + a[:, 0] ** 2)).sum() + ad.sqrt(1 + b * b).mean() * c.sum()
        ),
        lambda a, b, c: (
            anp.sum(anp.log(anp.sum(anp.exp(a), axis=1)) * anp.log(1 + a[:, 0] ** 2))
            + anp.mean(anp.sqrt(1 + b * b)) * anp.sum(c)
        ),
    ),
    "probabilities": (
        lambda a, b, c: (ad.softmax(a @ b, axis=0) * ad.sigmoid(c)).sum(),
        lambda a, b, c: anp.sum(anp.exp(a @ b) / anp.sum(anp.exp(a @ b), axis=0) / (1 + anp.exp(-c))),
    ),
    "choices": (
        lambda a, b, c: (ad.where(a.value > 0, a * a, ad.relu(a + 0.5)) @ b).sum() + c.sum(),
        lambda a, b, c: anp.sum(anp.where(a > 0, a * a, anp.where(a + 0.5 > 0, a + 0.5, 0)) @ b) + anp.sum(c),
    ),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", PAIRS)
def test_composite_functions_have_the_same_gradients(name, seed):
    assert_same(*PAIRS[name], normal(3, 4, seed=seed), normal(4, 2, seed=seed), normal(2, seed=seed))


def logistic(a):
    return 1 / (1 + anp.exp(-a))


def their_cell(layer, p, x, state):
    """One step of a recurrent layer in autograd's numpy; the state is a list, h first."""
    n, h = layer.hidden_dim, state[0]
    u, w = x @ p["U.weight"] + p["U.bias"], h @ p["W.weight"] + p["W.bias"]
    a = [u[:, k : k + n] + w[:, k : k + n] for k in range(0, u.shape[1], n)]
    if isinstance(layer, RNN):
        return [anp.tanh(a[0])]
    if isinstance(layer, LSTM):
        c = logistic(a[1]) * state[1] + logistic(a[0]) * anp.tanh(a[2])
        return [logistic(a[3]) * anp.tanh(c), c]
    r, z = logistic(a[0]), logistic(a[1])
    kept = r * w[:, 2 * n :] if layer.reset_after else (r * h) @ p["W.weight"][:, 2 * n :] + p["W.bias"][2 * n :]
    return [z * h + (1 - z) * anp.tanh(u[:, 2 * n :] + kept)]


def their_recurrent(layer, p, x):
    state = [anp.zeros((x.shape[0], layer.hidden_dim))] * layer.state_parts
    states = []
    for t in range(x.shape[1]):
        state = their_cell(layer, p, x[:, t], state)
        states.append(state[0])
    if not layer.return_sequences:
        return states[-1]
    sequence = anp.stack(states, axis=1)
    return sequence @ p["V.weight"] + p["V.bias"] if layer.units else sequence


def their_layer(layer, p, x):
    if isinstance(layer, Recurrent):
        return their_recurrent(layer, p, x)
    if isinstance(layer, Linear):
        return x @ p["W.weight"] + p["W.bias"]
    exponentials = anp.exp(x)
    return {
        Tanh: lambda: anp.tanh(x),
        Sigmoid: lambda: logistic(x),
        ReLU: lambda: anp.where(x > 0, x, 0.0),
        Softmax: lambda: exponentials / anp.sum(exponentials, axis=-1, keepdims=True),
    }[type(layer)]()


STACKS = {
    "article": (RNN(4, hidden_dim=5, return_sequences=True), RNN(0, hidden_dim=3), Linear(4), Linear(1)),
    "states": (RNN(hidden_dim=3, return_sequences=True), RNN(hidden_dim=4), Linear(1)),
    "activations": (Linear(3), Tanh(), RNN(hidden_dim=4), ReLU(), Linear(3), Sigmoid(), Linear(1)),
    "narrow": (RNN(hidden_dim=1), Linear(1)),
    "LSTM": (LSTM(hidden_dim=4), Linear(1)),
    "two LSTMs": (LSTM(2, hidden_dim=4, return_sequences=True), LSTM(hidden_dim=3), Softmax(), Linear(1)),
    "GRU": (GRU(hidden_dim=4), Linear(1)),
    "GRU before": (GRU(hidden_dim=4, reset_after=False), Linear(1)),
    "two GRUs": (
        GRU(2, hidden_dim=4, return_sequences=True),
        GRU(hidden_dim=3, return_sequences=True, reset_after=False),
        GRU(hidden_dim=1),
    ),
    "mixed": (
        LSTM(hidden_dim=3, return_sequences=True),
        Tanh(),
        GRU(2, hidden_dim=3, return_sequences=True),
        RNN(hidden_dim=3, return_sequences=True),
        GRU(hidden_dim=4, reset_after=False),
        Linear(1),
    ),
}
THEIR_LOSSES = {
    MSE(): lambda p, y: anp.mean((p - y) ** 2),
    MAE(): lambda p, y: anp.mean(anp.abs(p - y)),
    Huber(delta=0.5): lambda p, y: anp.mean(
        anp.where(anp.abs(p - y) <= 0.5, 0.5 * (p - y) ** 2, 0.5 * (anp.abs(p - y) - 0.25))
    ),
}


@pytest.mark.parametrize("shape", [(3, 6, 2), (1, 1, 1), (2, 40, 1)], ids=str)
@pytest.mark.parametrize("loss", THEIR_LOSSES, ids=repr)
@pytest.mark.parametrize("name", STACKS)
def test_networks_have_the_same_gradients(way, name, loss, shape):
    given = case(STACKS[name], shape, 1, loss)
    layout = Layout(given.layers, shape[1:])

    def theirs(x, vector):
        weights = [{} for _ in given.layers]
        for part in layout.parts:
            weights[part.layer][part.name] = anp.reshape(vector[part.start : part.stop], part.weight.shape)
        for layer, p in zip(given.layers, weights, strict=True):
            x = their_layer(layer, p, x)
        return THEIR_LOSSES[loss](x, given.target)

    y, *ours = given.found(way)
    np.testing.assert_allclose(loss(y, given.target).value, theirs(given.x, given.vector), rtol=1e-12)
    expected = autograd.grad(theirs, (0, 1))(given.x, given.vector)
    for got, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12 * largest(*expected))


def test_classes_have_the_same_gradients():
    target = np.eye(3)[[0, 2, 1, 1]]

    def theirs(x):
        exponentials = anp.exp(x)
        return -anp.mean(
            anp.sum(target * anp.log(exponentials / anp.sum(exponentials, axis=-1, keepdims=True)), axis=-1)
        )

    assert_same(lambda x: CategoricalCrossentropy()(ad.softmax(x), target), theirs, normal(4, 3))
    assert_same(lambda x: CategoricalCrossentropy(from_logits=True)(x, target), theirs, normal(4, 3))
