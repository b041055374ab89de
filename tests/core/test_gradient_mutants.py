"""Gradients that are wrong on purpose: the proofs in test_gradients and test_operations must catch each of the list.

Some mutants treat a part of a cell as a constant, so that its share of the gradient is lost; some have an operation
with a wrong derivative; some spoil a right gradient at the end. All leave the values as they are.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from zen_core import autodiff as ad
from zen_core import kernels
from zen_core.autodiff import Tensor, op
from zen_core.layers import Linear, ReLU, Softmax
from zen_core.weights import Layout

from .cases import CELLS, case, error_along, error_by_entry
from .complex_step import assert_gradients
from .test_gradients import TOLERANCE
from .test_operations import EACH, OPERATIONS
from .twins import fused, largest, op_by_op, remade

every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
every_end = pytest.mark.parametrize("every_step", [False, True], ids=["last state", "all states"])


@cache
def one_layer(cell, every_step):
    """A case of one recurrent layer, with all sizes above 1."""
    return case([replace(cell, hidden_dim=4, return_sequences=every_step)], (3, 5, 2), 0)


def assert_caught(mutant, given, honest=fused):
    """The proof rejects the mutant, along directions and entry by entry, and accepts what it was made from."""
    for error in (error_along, error_by_entry):
        assert error(honest, given) <= TOLERANCE
        assert error(mutant, given) > TOLERANCE


# Parts of a cell that are treated as constants. A change is what enters step t, of the last number `last`.


def constant(tensor):
    return Tensor(tensor.value)


def without(*names):
    return lambda p, x, h: ({name: constant(w) if name in names else w for name, w in p.items()}, x, h)


def without_weights_and_input(p, x, h):
    return {name: constant(w) for name, w in p.items()}, constant(x), h


def without_state(p, x, h):
    return p, x, constant(h)


def without_half(first):
    """The LSTM's state is h and c side by side: one of them is lost."""

    def change(p, x, h):
        n = h.shape[1] // 2
        parts = [h[:, :n], h[:, n:]]
        parts[first] = constant(parts[first])
        return p, x, ad.concatenate(parts, axis=1)

    return change


LOST = {
    "the way through the states: truncated after one step": (without_state, lambda t, last: True),
    "the way through the states, between two steps": (without_state, lambda t, last: t == 2),
    "the last step": (without_weights_and_input, lambda t, last: t == last),
    "the first step": (without_weights_and_input, lambda t, last: t == 0),
    "all steps but the last": (without_weights_and_input, lambda t, last: t < last),
    "the bias of U, not summed over the steps": (without("U.bias"), lambda t, last: t < last),
    "the bias of W, not summed over the steps": (without("W.bias"), lambda t, last: t < last),
    "the bias of W where the state is 0": (without("W.bias"), lambda t, last: t == 0),
    "U, not summed over the steps": (without("U.weight"), lambda t, last: t < last),
    "W, not summed over the steps": (without("W.weight"), lambda t, last: t < last),
    "the input": (lambda p, x, h: (p, constant(x), h), lambda t, last: True),
}
LOST_BY_LSTM = {
    "the way through the output": (without_half(0), lambda t, last: True),
    "the way through the memory": (without_half(1), lambda t, last: True),
    "the way through the memory, between two steps": (without_half(1), lambda t, last: t == 2),
}


def losing(change, at):
    """Op by op, with a change of what enters the steps that `at` tells."""

    def states(self, p, x):
        last = x.shape[1] - 1
        state = Tensor(np.zeros((x.shape[0], self.state_parts * self.hidden_dim)))
        outputs = []
        for t in range(last + 1):
            entering = (p, x[:, t], state)
            state = self.cell(*(change(*entering) if at(t, last) else entering))
            outputs.append(state[:, : self.hidden_dim])
        return ad.stack(outputs, axis=1) if self.return_sequences else outputs[-1]

    def way(layers, *more):
        kinds = [type("Losing", (type(layer),), {"states": states}, abstract=True) for layer in layers]
        return fused([remade(*each) for each in zip(layers, kinds, strict=True)], *more)

    return way


def test_without_a_change_nothing_is_lost():
    for cell in CELLS.values():
        assert error_along(losing(None, lambda t, last: False), one_layer(cell, True)) <= TOLERANCE


@every_end
@every_cell
@pytest.mark.parametrize("part", LOST)
def test_a_part_that_is_lost_is_noticed(part, cell, every_step):
    assert_caught(losing(*LOST[part]), one_layer(cell, every_step))


@every_end
@pytest.mark.parametrize("part", LOST_BY_LSTM)
def test_a_part_that_an_lstm_loses_is_noticed(part, every_step):
    assert_caught(losing(*LOST_BY_LSTM[part]), one_layer(CELLS["LSTM"], every_step))


# Wrong derivatives of the operations that cells and layers are made of


@op
def tanh_of_its_argument(a):
    return np.tanh(a), lambda g: g * (1 - a * a)


@op
def tanh_without_the_square(a):
    y = np.tanh(a)
    return y, lambda g: g * (1 - y)


@op
def tanh_with_plus(a):
    y = np.tanh(a)
    return y, lambda g: g * (1 + y * y)


@op
def sigmoid_as_tanh(a):
    y = 0.5 + 0.5 * np.tanh(0.5 * a)
    return y, lambda g: g * (1 - y * y)


@op
def sigmoid_without_its_complement(a):
    y = 0.5 + 0.5 * np.tanh(0.5 * a)
    return y, lambda g: g * y


def linear_with(by_x, by_weight, by_bias):
    @op
    def linear(x, weight, bias):
        rows = x.reshape(-1, x.shape[-1])

        def back(g):
            columns = g.reshape(-1, g.shape[-1])
            return by_x(columns, weight).reshape(x.shape), by_weight(rows, columns), by_bias(columns)

        return (rows @ weight + bias).reshape(*x.shape[:-1], weight.shape[-1]), back

    return linear


def right_x(columns, weight):
    return columns @ weight.T


def right_weight(rows, columns):
    return rows.T @ columns


def right_bias(columns):
    return columns.sum(axis=0)


@op
def product_of_one_factor(a, b):
    return a * b, lambda g: g * b, lambda g: np.zeros_like(g)


@op
def difference_as_sum(a, b):
    return a - b, lambda g: g, lambda g: g


@op
def relu_of_everything(a):
    return np.where(a.real > 0, a, 0), lambda g: g


@op
def softmax_of_one_class(a, *, axis):
    parts = np.exp(a - np.max(a.real, axis=axis, keepdims=True))
    y = parts / np.sum(parts, axis=axis, keepdims=True)
    return y, lambda g: g * y * (1 - y)


MEMORY, UPDATE = ("LSTM",), ("GRU", "GRU before")
WRONG_DERIVATIVES = {
    "tanh: 1 − a²": ("tanh", tanh_of_its_argument, CELLS),
    "tanh: 1 − y": ("tanh", tanh_without_the_square, CELLS),
    "tanh: 1 + y²": ("tanh", tanh_with_plus, CELLS),
    "sigmoid: 1 − y²": ("sigmoid", sigmoid_as_tanh, MEMORY + UPDATE),
    "sigmoid: y": ("sigmoid", sigmoid_without_its_complement, MEMORY + UPDATE),
    "linear: no gradient by x": (
        "linear",
        linear_with(lambda c, w: 0 * right_x(c, w), right_weight, right_bias),
        CELLS,
    ),
    "linear: weight of the first sample": (
        "linear",
        linear_with(right_x, lambda r, c: r[:1].T @ c[:1], right_bias),
        CELLS,
    ),
    "linear: mean of the bias": ("linear", linear_with(right_x, right_weight, lambda c: c.mean(axis=0)), CELLS),
    "linear: no bias": ("linear", linear_with(right_x, right_weight, lambda c: 0 * right_bias(c)), CELLS),
    "product: of one factor": ("multiply", product_of_one_factor, MEMORY + UPDATE),
    "difference: of the wrong sign": ("subtract", difference_as_sum, UPDATE),
}


def deriving(name, wrong):
    """Op by op, with a wrong operation."""

    def way(*given):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ad, name, wrong)
            return op_by_op(*given)

    return way


@pytest.mark.parametrize(
    ("derivative", "cell"), [(each, cell) for each, (_, _, cells) in WRONG_DERIVATIVES.items() for cell in cells]
)
def test_a_wrong_derivative_in_a_cell_is_noticed(derivative, cell):
    name, wrong, _ = WRONG_DERIVATIVES[derivative]
    assert_caught(deriving(name, wrong), one_layer(CELLS[cell], True), op_by_op)


@pytest.mark.parametrize(
    ("layer", "name", "wrong"), [(ReLU(), "relu", relu_of_everything), (Softmax(), "softmax", softmax_of_one_class)]
)
def test_a_wrong_derivative_of_an_activation_is_noticed(layer, name, wrong):
    assert_caught(deriving(name, wrong), case([Linear(4), layer], (3, 5, 2), 0), op_by_op)


def changed(function, change):
    """A function whose gradients are changed and whose value is not."""

    def apply(*tensors):
        y = function(*tensors)
        pulls = y.pullbacks

        def pulled(pull):
            def back(g):
                parts = pull(g)
                return [change(part) for part in parts] if isinstance(parts, (list, tuple)) else change(parts)

            return back

        return Tensor(y.value, y.operands, tuple(pulled(pull) for pull in pulls))

    return apply


@pytest.mark.parametrize(
    "change", [lambda g: g * (1 + 1e-10), lambda g: -g, lambda g: 0 * g], ids=["size", "sign", "0"]
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_wrong_derivative_of_an_operation_is_noticed(name, change):
    missed = 0
    for seed in range(EACH):
        function, *operands = OPERATIONS[name](np.random.default_rng(seed))
        try:
            assert_gradients(changed(function, change), *operands)
        except AssertionError:
            continue
        missed += 1
    # A few draws have no gradient that could be wrong: an index that takes nothing, a softmax of single numbers.
    assert missed < EACH / 2


# Right gradients that are spoiled at the end


def spoiling_weights(name, change):
    """The gradient by one of a layer's weights is changed; `change` knows the gradients by all of them."""

    def spoil(found, layers, x):
        layout = Layout(layers, x.shape[1:])
        by_name = layout.split(found.by_vector)[0]
        spoilt = [change(by_name) if each == name else by for each, by in by_name.items()]
        return found._replace(by_vector=layout.join(spoilt, found.by_vector.dtype))

    return spoil


def transposed(name, gates):
    """The block of each gate transposed, a square one for W."""
    return spoiling_weights(name, lambda by: np.concatenate([g.T for g in np.split(by[name], gates, axis=1)], axis=1))


def one_entry_of(found):
    """One weight's gradient wrong by ten times the tolerance."""
    by_vector = found.by_vector.copy()
    by_vector[len(by_vector) // 2] += 10 * TOLERANCE * largest(found.by_vector, found.by_x)
    return found._replace(by_vector=by_vector)


SPOILT = {
    "one entry by ten times the tolerance": lambda found, layers, x: one_entry_of(found),
    "in single precision": lambda found, layers, x: found._replace(by_vector=found.by_vector.astype("float32")),
    "of the other sign": lambda found, layers, x: found._replace(by_x=-found.by_x, by_vector=-found.by_vector),
    "of the sum over the batch": lambda found, layers, x: found._replace(by_vector=len(x) * found.by_vector),
    "not a number": lambda found, layers, x: found._replace(by_vector=np.nan * found.by_vector),
    "by x, a step late": lambda found, layers, x: found._replace(by_x=np.roll(found.by_x, 1, axis=1)),
    "by x, of another sample": lambda found, layers, x: found._replace(by_x=np.roll(found.by_x, 1, axis=0)),
    "U's features in another order": spoiling_weights("U.weight", lambda by: by["U.weight"][::-1]),
    "W's states in another order": spoiling_weights("W.weight", lambda by: by["W.weight"][::-1]),
    "W's rows read as columns": spoiling_weights(
        "W.weight", lambda by: by["W.weight"].reshape(by["W.weight"].T.shape).T
    ),
    "U's bias in another order": spoiling_weights("U.bias", lambda by: by["U.bias"][::-1]),
}


def spoiling(spoil):
    return lambda layers, vector, x, *more: spoil(fused(layers, vector, x, *more), layers, x)


@every_end
@every_cell
@pytest.mark.parametrize("fault", SPOILT)
def test_a_gradient_that_is_spoilt_is_noticed(fault, cell, every_step):
    assert_caught(spoiling(SPOILT[fault]), one_layer(cell, every_step))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_gradient_of_each_gates_matrix_transposed_is_noticed(name):
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[name]
    assert_caught(spoiling(transposed("W.weight", gates)), one_layer(CELLS[name], True))


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_gates_in_another_order_are_noticed(name):
    for weight in ("U.weight", "W.weight", "U.bias"):
        rolled = spoiling_weights(weight, lambda by, weight=weight: np.roll(by[weight], 4, axis=-1))
        assert_caught(spoiling(rolled), one_layer(CELLS[name], True))


def test_one_gradient_for_both_biases_of_a_gru_that_resets_after_is_noticed():
    same = spoiling_weights("W.bias", lambda by: by["U.bias"])
    assert_caught(spoiling(same), one_layer(CELLS["GRU"], True))
    for name in ("RNN", "LSTM", "GRU before"):
        assert error_along(spoiling(same), one_layer(CELLS[name], True)) <= TOLERANCE


def test_a_kernel_that_hears_of_the_last_step_only_is_noticed(monkeypatch):
    def last_only(g, steps, every_step):
        return (g[:, -1] if every_step else g), [0.0] * steps

    for cell in CELLS.values():
        given = one_layer(cell, True)
        assert error_along(fused, given) <= TOLERANCE
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "_incoming", last_only)
            assert error_along(fused, given) > TOLERANCE
