"""Recurrent cells that are wrong on purpose: the comparison with ONNX must catch each, and this is the list.

Some read the right weights in a wrong way, by our kernels; some are another equation, op by op.
"""

from itertools import permutations

import numpy as np
import pytest
from core.cases import CELLS
from core.twins import fused, op_by_op, remade

from zen_core import autodiff as ad
from zen_core.autodiff import Tensor
from zen_core.layers import linear_map
from zen_core.recurrent import GRU, LSTM, RNN
from zen_core.weights import Layout

from .onnx_cells import OURS, reordered
from .recurrent_cases import ORACLES, difference, random_layer

SEEDS = range(6)
every_cell = pytest.mark.parametrize("name", CELLS)
every_oracle = pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)


def worst(oracle, name, states):
    """The largest difference from the oracle over some cases of a cell."""
    cases = [random_layer(name, seed) for seed in SEEDS]
    return max(difference(oracle, given, states(given)) for given in cases)


def assert_caught(oracle, name, states):
    assert worst(oracle, name, states) > oracle.tolerance


def run(layer, vector, x, way=fused):
    return way([layer], vector, x, np.zeros((*x.shape[:2], layer.hidden_dim))).y


@every_oracle
@every_cell
def test_without_a_fault_nothing_is_caught(oracle, name):
    for way in (fused, op_by_op):
        assert (
            worst(oracle, name, lambda given, way=way: run(given.layer, given.vector, given.x, way)) <= oracle.tolerance
        )


# Weights that are read in a wrong way


def reading(change):
    """The states where the weights, by name, are changed for a layer."""

    def states(given):
        layout = Layout([given.layer], given.x.shape[1:])
        p = given.p | change(given.p, given.layer)
        return run(given.layer, layout.join([p[part.name] for part in layout.parts], given.vector.dtype), given.x)

    return states


def in_order(order, names):
    return reading(lambda p, layer: {name: reordered(p[name], OURS[type(layer)], order) for name in names})


def wrong_orders(kind):
    return ["".join(order) for order in permutations(OURS[kind]) if "".join(order) != OURS[kind]]


ORDERS = [(name, order) for name, cell in CELLS.items() for order in wrong_orders(type(cell))]
PARTS = {
    "U and W": ("U.weight", "U.bias", "W.weight", "W.bias"),
    "U": ("U.weight", "U.bias"),
    "W": ("W.weight", "W.bias"),
    "U's bias": ("U.bias",),
    "W's bias": ("W.bias",),
}


@every_oracle
@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_gates_in_another_order_are_caught(oracle, parts, name, order):
    assert_caught(oracle, name, in_order(order, PARTS[parts]))


def test_the_orders_are_all_that_there_are():
    assert [sum(name == each for name, _ in ORDERS) for each in CELLS] == [0, 23, 5, 5]
    # Update and reset exchanged are one of them.
    assert ("GRU", "zrn") in ORDERS


def blockwise(change, matrix, layer):
    """A change of each gate's part of a matrix."""
    return np.concatenate([change(part) for part in np.split(matrix, len(OURS[type(layer)]), axis=1)], axis=1)


MISREADINGS = {
    "W transposed": lambda p, layer: {"W.weight": blockwise(np.transpose, p["W.weight"], layer)},
    "U read column by column": lambda p, layer: {"U.weight": p["U.weight"].reshape(p["U.weight"].shape[::-1]).T},
    "W read column by column": lambda p, layer: {"W.weight": p["W.weight"].reshape(p["W.weight"].shape[::-1]).T},
    "the features of U in reverse": lambda p, layer: {"U.weight": p["U.weight"][::-1]},
    "the states of W in reverse": lambda p, layer: {"W.weight": p["W.weight"][::-1]},
    "the bias of U dropped": lambda p, layer: {"U.bias": 0 * p["U.bias"]},
    "the bias of W dropped": lambda p, layer: {"W.bias": 0 * p["W.bias"]},
    "the bias of U twice": lambda p, layer: {"W.bias": p["U.bias"]},
    "U dropped": lambda p, layer: {"U.weight": 0 * p["U.weight"]},
    "W dropped": lambda p, layer: {"W.weight": 0 * p["W.weight"]},
}


@every_oracle
@every_cell
@pytest.mark.parametrize("fault", MISREADINGS)
def test_weights_that_are_misread_are_caught(oracle, name, fault):
    assert_caught(oracle, name, reading(MISREADINGS[fault]))


@every_oracle
def test_biases_that_are_exchanged_are_caught_where_it_matters(oracle):
    exchanged = reading(lambda p, layer: {"U.bias": p["W.bias"], "W.bias": p["U.bias"]})
    assert_caught(oracle, "GRU", exchanged)
    # All other cells add the two.
    for name in ("RNN", "LSTM", "GRU before"):
        assert worst(oracle, name, exchanged) <= oracle.tolerance


# States and samples that are mixed up


def shifted(array, axis):
    return np.roll(array, 1, axis)


def from_zero(h):
    """h_{t−1} for h_t: the first state is 0."""
    late = shifted(h, 1)
    late[:, 0] = 0
    return late


def each_step_alone(given):
    """No state is carried over: every step is the first."""
    batch, steps, features = given.x.shape
    return run(given.layer, given.vector, given.x.reshape(batch * steps, 1, features)).reshape(batch, steps, -1)


def of(given, change=lambda x: x):
    return run(given.layer, given.vector, change(given.x))


MIXED_UP = {
    "h of the step before": lambda given: from_zero(of(given)),
    "x of the step before": lambda given: of(given, lambda x: shifted(x, 1)),
    "read from the end": lambda given: of(given, lambda x: x[:, ::-1])[:, ::-1],
    "no state carried over": each_step_alone,
    "the last state at all steps": lambda given: np.repeat(of(given)[:, -1:], given.x.shape[1], axis=1),
    "states of another sample": lambda given: shifted(of(given), 0),
    "units in reverse": lambda given: of(given)[:, :, ::-1],
    "features in reverse": lambda given: of(given, lambda x: x[:, :, ::-1]),
}


@every_oracle
@every_cell
@pytest.mark.parametrize("fault", MIXED_UP)
def test_what_is_mixed_up_is_caught(oracle, name, fault):
    assert_caught(oracle, name, MIXED_UP[fault])


# Cells of another equation. The state of the LSTM is h and c side by side.


def rnn_with(squash, of_all=True):
    def cell(self, p, x, h):
        u, w = linear_map(p, "U", x), linear_map(p, "W", h)
        return squash(u + w) if of_all else squash(u) + w

    return cell


def gates_of_lstm(self, p, x, h):
    a = linear_map(p, "U", x) + linear_map(p, "W", h)
    return [a[:, k * self.hidden_dim : (k + 1) * self.hidden_dim] for k in range(4)]


def lstm_with(
    gate=ad.sigmoid,
    candidate=ad.tanh,
    squash=ad.tanh,
    forget=lambda i, f: f,
    memory=lambda c: c,
    told=lambda new, old: new,
    give=lambda o, squashed, c: o * squashed,
):
    """The LSTM but for what is named."""

    def cell(self, p, x, state):
        n = self.hidden_dim
        h, old = state[:, :n], state[:, n:]
        i, f, g, o = gates_of_lstm(self, p, x, h)
        i, f, o = gate(i), gate(f), gate(o)
        c = memory(forget(i, f) * old + i * candidate(g))
        return ad.concatenate([give(o, squash(told(c, old)), c), c], axis=1)

    return cell


def gru_with(
    gate=ad.sigmoid,
    candidate=ad.tanh,
    reset=lambda self, p, r, h: r * linear_map(p, "W", h)[:, 2 * self.hidden_dim :],
    mix=lambda z, new, h, r: (1 - z) * new + z * h,
):
    """The GRU, which resets after the product, but for what is named."""

    def cell(self, p, x, h):
        n = self.hidden_dim
        a, w = linear_map(p, "U", x), linear_map(p, "W", h)
        r, z = gate(a[:, :n] + w[:, :n]), gate(a[:, n : 2 * n] + w[:, n : 2 * n])
        return mix(z, candidate(a[:, 2 * n :] + reset(self, p, r, h)), h, r)

    return cell


def reset_before(self, p, r, h):
    return linear_map(p, "W", r * h)[:, 2 * self.hidden_dim :]


def reset_without_bias(self, p, r, h):
    """The bias outside of the reset."""
    new = slice(2 * self.hidden_dim, None)
    return r * (h @ p["W.weight"][:, new]) + p["W.bias"][new]


def reset_of_nothing(self, p, r, h):
    return linear_map(p, "W", h)[:, 2 * self.hidden_dim :]


def same(a):
    return a


EQUATIONS = {
    RNN: {
        "no tanh": rnn_with(same),
        "a sigmoid for the tanh": rnn_with(ad.sigmoid),
        "a ReLU for the tanh": rnn_with(ad.relu),
        "tanh of the input alone": rnn_with(ad.tanh, of_all=False),
    },
    LSTM: {
        "the memory given without tanh": lstm_with(squash=same),
        "the memory given through a sigmoid": lstm_with(squash=ad.sigmoid),
        "the memory kept after the tanh": lstm_with(memory=ad.tanh),
        "the memory of the step before given": lstm_with(told=lambda new, old: old),
        "the memory given for the state": lstm_with(give=lambda o, squashed, c: c),
        "the output gate left out": lstm_with(give=lambda o, squashed, c: squashed),
        "the candidate without tanh": lstm_with(candidate=same),
        "the candidate through a sigmoid": lstm_with(candidate=ad.sigmoid),
        "the gates through tanh": lstm_with(gate=ad.tanh),
        "the gates without the half: σ(2a)": lstm_with(gate=lambda a: ad.sigmoid(2 * a)),
        "nothing forgotten": lstm_with(forget=lambda i, f: 1),
        "all forgotten": lstm_with(forget=lambda i, f: 0),
        "the forget gate is 1 − i": lstm_with(forget=lambda i, f: 1 - i),
        "the forget gate is 1 − f": lstm_with(forget=lambda i, f: 1 - f),
    },
    GRU: {
        "the wrong sign of z": gru_with(mix=lambda z, new, h, r: z * new + (1 - z) * h),
        "nothing kept: z is 0": gru_with(mix=lambda z, new, h, r: new),
        "nothing let go: h + (1 − z) n": gru_with(mix=lambda z, new, h, r: (1 - z) * new + h),
        "the reset state kept": gru_with(mix=lambda z, new, h, r: (1 - z) * new + z * (r * h)),
        "the reset before the product": gru_with(reset=reset_before),
        "the reset of the product without its bias": gru_with(reset=reset_without_bias),
        "no reset": gru_with(reset=reset_of_nothing),
        "the candidate without tanh": gru_with(candidate=same),
        "the candidate through a sigmoid": gru_with(candidate=ad.sigmoid),
        "the gates through tanh": gru_with(gate=ad.tanh),
    },
}


def with_cell(cell):
    """The states by another equation, op by op."""

    def states(given):
        kind = type("Mutant", (type(given.layer),), {"cell": cell}, abstract=True)
        return run(remade(given.layer, kind), given.vector, given.x, op_by_op)

    return states


@pytest.mark.parametrize(("name", "cell"), [("RNN", rnn_with(ad.tanh)), ("LSTM", lstm_with()), ("GRU", gru_with())])
def test_the_equations_that_the_mutants_come_from_are_right(name, cell):
    for oracle in ORACLES.values():
        assert worst(oracle, name, with_cell(cell)) <= oracle.tolerance


@every_oracle
@pytest.mark.parametrize(
    ("name", "fault"), [(kind.__name__, fault) for kind, faults in EQUATIONS.items() for fault in faults]
)
def test_another_equation_is_caught(oracle, name, fault):
    assert_caught(oracle, name, with_cell(EQUATIONS[type(CELLS[name])][fault]))


@every_oracle
def test_the_reset_after_the_product_instead_of_before_is_caught(oracle):
    assert_caught(oracle, "GRU before", with_cell(gru_with()))
    assert worst(oracle, "GRU before", with_cell(gru_with(reset=reset_before))) <= oracle.tolerance


@every_oracle
@every_cell
def test_a_first_state_that_is_not_0_is_caught(oracle, name):
    def states(given):
        class Warm(type(given.layer), abstract=True):
            def states(self, p, x):
                state = Tensor(np.full((x.shape[0], self.state_parts * self.hidden_dim), 0.1))
                outputs = []
                for t in range(x.shape[1]):
                    state = self.cell(p, x[:, t], state)
                    outputs.append(state[:, : self.hidden_dim])
                return ad.stack(outputs, axis=1)

        return run(remade(given.layer, Warm), given.vector, given.x)

    assert_caught(oracle, name, states)
