"""Layers and the model: equations, gradients by complex step, fused against unrolled, training by hand."""

import contextlib
import gc
import io

import numpy as np
import pytest

from zen_core import loss, optim
from zen_core.autodiff import Tensor, gradients
from zen_core.component import SpecError
from zen_core.nn import (
    RNN,
    Dropout,
    Layer,
    Linear,
    Model,
    Recurrent,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    check_stack,
    generators,
)
from zen_core.weights import Layout

from .complex_step import assert_gradients, by_complex_step


def drawn(layer, features, seed=0):
    """Weights for one layer, float64, by name."""
    draw = np.random.default_rng(seed)
    return {name: draw.normal(size=weight.shape) for name, weight in layer.weights(features).items()}


def small(kind):
    """A kind with few numbers, so that every one of them can be tried."""
    sizes = {"hidden_dim": 3, "units": 2}
    return kind(**{name: size for name, size in sizes.items() if name in kind.settings})


def assert_layer_gradients(apply, layer, x):
    weights = drawn(layer, x.shape[-1])
    assert_gradients(lambda x, *w: apply(dict(zip(weights, w, strict=True)), x), x, *weights.values())


RECURRENT = [kind for kind in Layer.kinds.values() if issubclass(kind, Recurrent)]
FEED_FORWARD = [kind for kind in Layer.kinds.values() if not issubclass(kind, Recurrent)]
FUSED = [kind for kind in RECURRENT if kind.states is not Recurrent.states]
RECURRENT_VARIANTS = [
    kind(**settings)
    for kind in RECURRENT
    for settings in (
        {"hidden_dim": 3},
        {"hidden_dim": 1},
        {"hidden_dim": 3, "return_sequences": True},
        {"hidden_dim": 3, "return_sequences": True, "units": 2},
        *({"hidden_dim": 3, name: not each.default} for name, each in kind.settings.items() if each.type is bool),
    )
]
VARIANTS = [small(kind) for kind in FEED_FORWARD] + RECURRENT_VARIANTS


@pytest.mark.parametrize("shape", [(2, 4, 3), (1, 1, 1), (3, 1, 2)], ids=str)
@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_every_layer_has_the_right_gradients(layer, shape):
    assert_layer_gradients(layer.forward, layer, np.random.default_rng(4).normal(size=shape))


@pytest.mark.parametrize("layer", [small(kind) for kind in FEED_FORWARD], ids=repr)
def test_every_feed_forward_layer_has_the_right_gradients_without_a_sequence(layer):
    assert_layer_gradients(layer.forward, layer, np.random.default_rng(4).normal(size=(3, 4)))


@pytest.mark.parametrize("layer", RECURRENT_VARIANTS, ids=repr)
def test_every_unrolled_cell_has_the_right_gradients(layer):
    x = np.random.default_rng(5).normal(size=(2, 4, 3))
    weights = {name: w for name, w in drawn(layer, 3).items() if name in layer.cell_weights(3)}
    assert_gradients(lambda x, *w: Recurrent.states(layer, dict(zip(weights, w, strict=True)), x), x, *weights.values())


@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_every_layer_gives_the_shape_it_announces(layer):
    x = Tensor(np.random.default_rng(0).normal(size=(5, 4, 3)))
    p = {name: Tensor(w) for name, w in drawn(layer, 3).items()}
    assert layer.forward(p, x).shape == (5, *layer.output_shape((4, 3)))


@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_every_layer_keeps_float32(layer):
    x = Tensor(np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32))
    p = {name: Tensor(w.astype(np.float32)) for name, w in drawn(layer, 3).items()}
    assert layer.forward(p, x).dtype == np.float32


STACKS = {
    "article": (RNN(2, hidden_dim=3, return_sequences=True), RNN(0, hidden_dim=2), Linear(2), Linear(1)),
    "activations": (Linear(3), Tanh(), RNN(hidden_dim=3), Sigmoid(), Linear(2), Softmax()),
    "deep": (*[RNN(hidden_dim=2, return_sequences=True)] * 3, RNN(hidden_dim=2), ReLU(), Linear(1)),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks_have_the_right_gradients_through_a_loss(name):
    layers = STACKS[name]
    layout = Layout(layers, (4, 2))
    draw = np.random.default_rng(6)
    vectors = [draw.normal(size=part.weight.shape) for part in layout.parts]
    x, target = draw.normal(size=(3, 4, 2)), draw.normal(size=(3, *layout.shapes[-1]))

    def whole(x, *arrays):
        weights = [{} for _ in layers]
        for part, array in zip(layout.parts, arrays, strict=True):
            weights[part.layer][part.name] = array
        for layer, p in zip(layers, weights, strict=True):
            x = layer.forward(p, x)
        return loss.MSE()(x, target)

    assert_gradients(whole, x, *vectors)


def both_ways(layer, batch, steps, features, seed, dtype=np.float64):
    """Values and gradients (by the input and all weights) of the fused and of the unrolled layer."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(batch, steps, features)).astype(dtype)
    weights = {
        name: (draw.normal(size=w.shape) / np.sqrt(w.inputs)).astype(dtype)
        for name, w in layer.cell_weights(features).items()
    }
    results = []
    for states in (type(layer).states, Recurrent.states):
        tensors = {name: Tensor(w) for name, w in weights.items()}
        inputs = Tensor(x)
        h = states(layer, tensors, inputs)
        seeds = np.random.default_rng(seed + 1).normal(size=h.shape).astype(dtype)
        results.append([h.value, *gradients(h, [inputs, *tensors.values()], seed=seeds)])
    return results


def assert_twins(fused, unrolled, tolerance=1e-12):
    largest = max(np.abs(each).max() for each in unrolled[1:])
    np.testing.assert_allclose(fused[0], unrolled[0], rtol=0, atol=tolerance)
    for one, other in zip(fused[1:], unrolled[1:], strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("kind", FUSED)
def test_the_fused_layer_equals_the_unrolled_cell(kind, every_step):
    draw = np.random.default_rng(7)
    corners = [(b, t, f, h) for b in (1, 3) for t in (1, 4) for f in (1, 3) for h in (1, 5)]
    shapes = corners + [tuple(int(n) for n in draw.integers(1, (9, 14, 6, 12))) for _ in range(110)]
    for seed, (batch, steps, features, hidden) in enumerate(shapes):
        layer = kind(hidden_dim=hidden, return_sequences=every_step)
        assert_twins(*both_ways(layer, batch, steps, features, seed))


@pytest.mark.parametrize("kind", FUSED)
def test_the_fused_layer_equals_the_unrolled_cell_over_a_window_of_1000(kind):
    assert_twins(*both_ways(kind(hidden_dim=4), 2, 1000, 1, 0))


@pytest.mark.parametrize("kind", FUSED)
def test_gradients_hold_over_a_window_of_1000(kind):
    layer = kind(hidden_dim=2)
    x = np.random.default_rng(0).normal(size=(1, 1000, 1))
    weights = {name: w / np.sqrt(2) for name, w in drawn(layer, 1).items()}
    tensors = {name: Tensor(w) for name, w in weights.items()}
    h = layer.forward(tensors, Tensor(x))
    computed = gradients(h, list(tensors.values()), seed=1.0)
    expected = by_complex_step(
        lambda *w: layer.forward(dict(zip(weights, w, strict=True)), Tensor(x)), list(weights.values()), 1.0
    )
    largest = max(np.abs(each).max() for each in expected)
    for got, wanted in zip(computed, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12 * largest)


@pytest.mark.parametrize("kind", FUSED)
def test_the_fused_layer_is_one_node_of_the_tape(kind):
    layer = kind(hidden_dim=3)
    p = {name: Tensor(w) for name, w in drawn(layer, 2).items()}
    h = layer.forward(p, Tensor(np.ones((2, 50, 2))))
    assert all(not operand.operands for operand in h.operands)


def test_rnn_is_its_equation_in_plain_loops():
    layer, x = RNN(units=2, hidden_dim=3, return_sequences=True), np.random.default_rng(1).normal(size=(2, 4, 3))
    p = drawn(layer, 3)
    expected = np.empty((2, 4, 2))
    for sample in range(2):
        h = np.zeros(3)
        for t in range(4):
            u = x[sample, t] @ p["U.weight"] + p["U.bias"]
            w = h @ p["W.weight"] + p["W.bias"]
            h = np.tanh(u + w)
            expected[sample, t] = h @ p["V.weight"] + p["V.bias"]
    result = layer.forward({name: Tensor(w) for name, w in p.items()}, Tensor(x))
    np.testing.assert_allclose(result.value, expected, rtol=1e-13)


def test_without_units_the_sequence_is_the_states_and_the_last_of_them_is_the_last_state():
    x = Tensor(np.random.default_rng(1).normal(size=(2, 4, 3)))
    sequence, last = RNN(hidden_dim=3, return_sequences=True), RNN(hidden_dim=3)
    p = {name: Tensor(w) for name, w in drawn(sequence, 3).items()}
    assert "V.weight" not in p
    np.testing.assert_array_equal(sequence.forward(p, x).value[:, -1], last.forward(p, x).value)


def test_the_samples_of_a_batch_do_not_see_each_other():
    model = Model(STACKS["article"], dtype="float64")
    x = np.random.default_rng(0).normal(size=(6, 5, 2))
    together = model(x).value
    alone = np.concatenate([model(x[i : i + 1]).value for i in range(6)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-14)


def test_linear_acts_on_each_step_of_a_sequence():
    p = {name: Tensor(w) for name, w in drawn(Linear(2), 3).items()}
    x = np.random.default_rng(0).normal(size=(4, 5, 3))
    whole = Linear(2).forward(p, Tensor(x)).value
    for t in range(5):
        np.testing.assert_allclose(whole[:, t], Linear(2).forward(p, Tensor(x[:, t])).value, rtol=1e-14)


def test_softmax_rows_add_up_to_one():
    rows = Softmax().forward({}, Tensor(np.random.default_rng(0).normal(size=(3, 4, 5)))).value
    np.testing.assert_allclose(rows.sum(axis=-1), 1.0)


def test_a_recurrent_layer_refuses_what_is_no_sequence():
    with pytest.raises(SpecError, match="sequence"):
        RNN().output_shape((8,))


# Model


def noughts_and_ones(count=24, steps=6):
    draw = np.random.default_rng(9)
    x = draw.normal(size=(count, steps, 1))
    return x, x.mean(axis=1)


def trained(model, **settings):
    return model.train(*noughts_and_ones(), **({"epochs": 3, "batch_size": 8, "writer": None} | settings))


STACK = (RNN(hidden_dim=4), Linear(1))


def test_the_weights_are_made_when_the_input_size_is_known():
    model = Model(STACK)
    assert model.weights == [{}, {}]
    model(np.zeros((1, 5, 3)))
    assert model.weights[0]["U.weight"].shape == (3, 4)


def test_one_seed_makes_one_model_whether_called_or_trained_first():
    called, trained_first = Model(STACK, seed=4), Model(STACK, seed=4)
    called(np.zeros((1, 6, 1)))
    assert trained(called) == trained(trained_first)
    assert called.vector.tobytes() == trained_first.vector.tobytes()


def test_another_seed_makes_another_model():
    first, second = Model(STACK, seed=1), Model(STACK, seed=2)
    x = np.ones((1, 5, 1))
    assert first(x).value != second(x).value


def test_weights_order_and_chance_come_from_separate_streams():
    assert len({generator.random() for generator in generators(0)}) == 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_computes_in_its_own_type(dtype):
    model = Model(STACK, dtype=dtype)
    trained(model)
    assert model.vector.dtype == dtype
    assert model(noughts_and_ones()[0]).dtype == dtype


def test_training_lowers_the_loss_and_returns_the_mean_of_each_epoch():
    history = trained(Model(STACK, seed=1), epochs=30, optimizer=optim.Adam(lr=0.02))
    assert len(history) == 30
    assert history[-1] < 0.2 * history[0]


def test_the_history_is_the_mean_over_samples_before_each_update():
    x, y = noughts_and_ones(10)
    model, bystander = Model(STACK, seed=1, dtype="float64"), Model(STACK, seed=1, dtype="float64")
    # A rate that moves nothing leaves the loss of the first weights, whatever the batches are.
    history = model.train(x, y, 1, optim.SGD(lr=1e-7), batch_size=4, writer=None)
    assert history[0] == pytest.approx(float(loss.MSE()(bystander(x), y).value), rel=1e-5)


def test_a_loss_may_be_given_as_an_object_or_as_its_class():
    assert trained(Model(STACK), loss_fn=loss.MAE) == trained(Model(STACK), loss_fn=loss.MAE())
    assert trained(Model(STACK), loss_fn=loss.Huber(delta=0.1)) != trained(Model(STACK), loss_fn=loss.Huber)


def test_without_shuffling_the_samples_come_in_order():
    x, y = noughts_and_ones(8)
    model, by_hand = Model(STACK, dtype="float64"), Model(STACK, dtype="float64")
    model.train(x, y, 1, optim.SGD(lr=0.1), batch_size=4, shuffle=False, writer=None)
    for half in (slice(0, 4), slice(4, 8)):
        by_hand.train(x[half], y[half], 1, optim.SGD(lr=0.1), batch_size=4, shuffle=False, writer=None)
    assert model.vector.tobytes() == by_hand.vector.tobytes()


def test_shuffling_changes_the_order_from_epoch_to_epoch():
    shuffled, ordered = Model(STACK), Model(STACK)
    assert trained(shuffled, optimizer=optim.SGD(lr=0.1)) != trained(
        ordered, optimizer=optim.SGD(lr=0.1), shuffle=False
    )


def test_training_in_two_calls_goes_on_with_the_weights():
    model = Model(STACK, seed=2)
    first = trained(model, epochs=10, optimizer=optim.Adam(lr=0.02))
    assert trained(model, epochs=1, optimizer=optim.Adam(lr=0.02))[0] < first[0]


def test_the_bar_of_each_epoch_goes_to_the_writer_with_the_mean_loss():
    writer = io.StringIO()
    history = trained(Model(STACK), epochs=3, writer=writer)
    shown = writer.getvalue()
    for epoch, mean in enumerate(history, start=1):
        assert f"Epoch {epoch}/3" in shown
        assert f"loss={mean:.3g}" in shown


def test_without_a_writer_nothing_is_shown(capfd):
    trained(Model(STACK), writer=None)
    assert capfd.readouterr() == ("", "")


def test_the_bar_goes_to_whatever_stderr_is_when_training_begins():
    shown = io.StringIO()
    with contextlib.redirect_stderr(shown):
        Model(STACK).train(*noughts_and_ones(), epochs=1)
    assert "Epoch 1/1" in shown.getvalue()


def test_a_step_leaves_no_graph_behind():
    model = Model(STACK)
    trained(model)
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, Tensor) for each in gc.get_objects())
        trained(model)
        assert sum(isinstance(each, Tensor) for each in gc.get_objects()) == before
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((8, 6, 1), (7, 1)),
        ((0, 6, 1), (0, 1)),
        ((8, 6, 1), (8,)),
        ((8, 6, 1), (8, 2)),
        ((8,), (8, 1)),
        ((8, 6), (8, 1)),
    ],
    ids=str,
)
def test_samples_that_do_not_fit_are_refused_with_a_sentence(x, y):
    with pytest.raises(SpecError):
        Model(STACK).train(np.zeros(x), np.zeros(y), writer=None)


def test_another_number_of_features_than_at_first_is_refused_with_a_sentence():
    model = Model(STACK)
    model(np.zeros((1, 5, 1)))
    with pytest.raises(SpecError):
        model(np.zeros((1, 5, 2)))


@pytest.mark.parametrize("settings", [{"epochs": 0}, {"batch_size": 0}, {"epochs": -1}])
def test_no_epochs_or_empty_batches_are_refused(settings):
    with pytest.raises(SpecError):
        trained(Model(STACK), **settings)


def test_a_model_drops_numbers_while_it_trains_and_not_when_it_is_called():
    stack = (RNN(hidden_dim=8), Dropout(rate=0.5), Linear(1))
    model, twin, without = (Model(layers, seed=1) for layers in (stack, stack, (stack[0], stack[2])))
    assert trained(model) == trained(twin)
    x = noughts_and_ones()[0]
    np.testing.assert_array_equal(model(x).value, model(x).value)
    assert trained(without) != trained(twin)
    without.vector = model.vector
    np.testing.assert_array_equal(without(x).value, model(x).value)


# Checks of a stack

WRONG_STACKS = {
    "empty": ((), "layers", "no layers"),
    "ends in a sequence": ((RNN(hidden_dim=3, return_sequences=True), Linear(1)), "layers.1", "ends in a sequence"),
    "never reads the sequence": ((Linear(4), Tanh()), "layers.1", "ends in a sequence"),
    "recurrent after the last step": ((RNN(), Linear(3), RNN(), Linear(1)), "layers.2", "Layer 3 (RNN)"),
    "state is the output": ((RNN(hidden_dim=8),), "layers.0", "8 values"),
    "wide output": ((RNN(), Linear(5)), "layers.1", "5 values"),
    "wide activation": ((RNN(hidden_dim=6), Tanh()), "layers.1", "6 values"),
    "always the same": ((RNN(), Linear(1), Softmax()), "layers.2", "makes one value 1"),
    "several faults": ((RNN(), Tanh(), RNN(return_sequences=True), Linear(3)), "layers.2", "layer 1 (RNN)"),
}


@pytest.mark.parametrize("name", WRONG_STACKS)
def test_a_stack_that_cannot_forecast_is_refused_by_layer_with_a_remedy(name):
    layers, path, words = WRONG_STACKS[name]
    with pytest.raises(SpecError) as caught:
        check_stack(layers, (25, 1))
    assert caught.value.path == path
    assert words in str(caught.value)
    assert caught.value.remedy is not None
    assert caught.value.remedy.label


@pytest.mark.parametrize("layers", [(RNN(), Linear()), STACKS["article"], (RNN(hidden_dim=1),), (Linear(8), *STACK)])
def test_a_stack_that_ends_in_one_value_is_accepted(layers):
    assert check_stack(layers, (25, 1)).shapes[-1] == (1,)
