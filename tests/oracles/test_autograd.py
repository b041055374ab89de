"""HIPS autograd (github.com/HIPS/autograd) computes the same gradients, of values and of whole networks."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from zen_core import autodiff as ad
from zen_core.autodiff import Tensor, gradients
from zen_core.loop import forward
from zen_core.loss import MAE, MSE, CategoricalCrossentropy, Huber
from zen_core.nn import RNN, Linear, ReLU, Sigmoid, Softmax, Tanh
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


def their_rnn(p, x, sequences):
    """h_t = tanh(U x_t + W h_{t−1}), step by step, in autograd's numpy."""
    h = anp.zeros((x.shape[0], p["W.bias"].shape[0]))
    states = []
    for t in range(x.shape[1]):
        h = anp.tanh(x[:, t] @ p["U.weight"] + p["U.bias"] + h @ p["W.weight"] + p["W.bias"])
        states.append(h)
    if not sequences:
        return h
    sequence = anp.stack(states, axis=1)
    return sequence @ p["V.weight"] + p["V.bias"] if "V.weight" in p else sequence


def their_layer(layer, p, x):
    if isinstance(layer, RNN):
        return their_rnn(p, x, layer.return_sequences)
    if isinstance(layer, Linear):
        return x @ p["W.weight"] + p["W.bias"]
    exponentials = anp.exp(x)
    return {
        Tanh: lambda: anp.tanh(x),
        Sigmoid: lambda: 1 / (1 + anp.exp(-x)),
        ReLU: lambda: anp.where(x > 0, x, 0.0),
        Softmax: lambda: exponentials / anp.sum(exponentials, axis=-1, keepdims=True),
    }[type(layer)]()


STACKS = {
    "article": (RNN(4, hidden_dim=5, return_sequences=True), RNN(0, hidden_dim=3), Linear(4), Linear(1)),
    "states": (RNN(hidden_dim=3, return_sequences=True), RNN(hidden_dim=4), Linear(1)),
    "activations": (Linear(3), Tanh(), RNN(hidden_dim=4), ReLU(), Linear(3), Sigmoid(), Linear(1)),
    "narrow": (RNN(hidden_dim=1), Linear(1)),
}
THEIR_LOSSES = {
    MSE(): lambda p, y: anp.mean((p - y) ** 2),
    MAE(): lambda p, y: anp.mean(anp.abs(p - y)),
    Huber(delta=0.5): lambda p, y: anp.mean(
        anp.where(anp.abs(p - y) <= 0.5, 0.5 * (p - y) ** 2, 0.5 * (anp.abs(p - y) - 0.25))
    ),
}


@pytest.mark.parametrize(("batch", "steps", "features"), [(3, 6, 2), (1, 1, 1), (2, 40, 1)])
@pytest.mark.parametrize("loss", THEIR_LOSSES, ids=repr)
@pytest.mark.parametrize("name", STACKS)
def test_networks_have_the_same_gradients(name, loss, batch, steps, features):
    layers = STACKS[name]
    layout = Layout(layers, (steps, features))
    vector = layout.initial(np.random.default_rng(1), "float64")
    pieces = [piece for layer in layout.split(vector) for piece in layer.values()]
    target = normal(batch, 1)

    def named(arrays):
        weights = [{} for _ in layers]
        for part, array in zip(layout.parts, arrays, strict=True):
            weights[part.layer][part.name] = array
        return weights

    def theirs(x, *arrays):
        for layer, p in zip(layers, named(arrays), strict=True):
            x = their_layer(layer, p, x)
        return THEIR_LOSSES[loss](x, target)

    assert_same(
        lambda x, *arrays: loss(forward(layers, named(arrays), x), target),
        theirs,
        normal(batch, steps, features),
        *pieces,
    )


def test_classes_have_the_same_gradients():
    target = np.eye(3)[[0, 2, 1, 1]]

    def theirs(x):
        exponentials = anp.exp(x)
        return -anp.mean(
            anp.sum(target * anp.log(exponentials / anp.sum(exponentials, axis=-1, keepdims=True)), axis=-1)
        )

    assert_same(lambda x: CategoricalCrossentropy()(ad.softmax(x), target), theirs, normal(4, 3))
    assert_same(lambda x: CategoricalCrossentropy(from_logits=True)(x, target), theirs, normal(4, 3))
