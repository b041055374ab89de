"""Programs: a stack as a table of numbers; and that compiled code reads and writes where the table says, only there."""

import numpy as np
import pytest

from zen_core import autodiff
from zen_core.nn import GRU, LSTM, RNN, Dropout, Layer, Linear, ReLU, Sigmoid, Softmax, Tanh
from zen_core.program import COLUMNS, KINDS, Kernel, program
from zen_core.weights import Layout

from .cases import SHIPPED, lively

STACK = (
    RNN(hidden_dim=3, return_sequences=True, units=2),
    Dropout(),
    Linear(4),
    LSTM(hidden_dim=5, return_sequences=True),
    Dropout(),
    GRU(hidden_dim=2, reset_after=False),
    Tanh(),
    Dropout(),
    Linear(1),
)
WINDOW, FEATURES = 6, 3


def told(layers, shape, highway=0):
    """The layout, the program, and its rows by the names of the columns."""
    layout = Layout(layers, shape, highway)
    found = program(layers, layout)
    return layout, found, [dict(zip(COLUMNS, row, strict=True)) for row in found.table.tolist()]


def column(rows, name):
    return [row[name] for row in rows]


def test_each_layer_has_a_row_that_says_what_it_is():
    _, _, rows = told(STACK, (WINDOW, FEATURES))
    kinds = ["rnn", "dropout", "linear", "lstm", "dropout", "gru_before", "tanh", "dropout", "linear"]
    assert [KINDS[kind] for kind in column(rows, "kind")] == kinds
    assert column(rows, "hidden") == [3, 0, 0, 5, 0, 2, 0, 0, 0]
    assert column(rows, "every") == [1, 0, 0, 1, 0, 0, 0, 0, 0]
    assert column(rows, "units") == [2, 0, 0, 0, 0, 0, 0, 0, 0]


def test_the_sizes_are_those_of_the_layout():
    layout, _, rows = told(STACK, (WINDOW, FEATURES))
    shapes = [(WINDOW, FEATURES), *layout.shapes]
    pairs = [(shape[0] if len(shape) == 2 else 1, shape[-1]) for shape in shapes]
    assert [(row["steps"], row["features"]) for row in rows] == pairs[:-1]
    assert [(row["out_steps"], row["out_features"]) for row in rows] == pairs[1:]


def test_weights_begin_where_the_layout_has_them():
    layout, _, rows = told(STACK, (WINDOW, FEATURES))
    for number, row in enumerate(rows):
        starts = [part.start for part in layout.parts if part.layer == number]
        assert row["weights"] == min(starts, default=0)


def test_each_layer_reads_what_the_one_before_it_leaves():
    _, _, rows = told(STACK, (WINDOW, FEATURES))
    assert column(rows, "input") == [0, *column(rows, "output")[:-1]]


def test_in_the_trace_no_layer_overwrites_another():
    _, found, rows = told(STACK, (WINDOW, FEATURES))
    begins = [*column(rows, "at"), found.trace]
    assert begins[0] == WINDOW * FEATURES
    for row, begin, end in zip(rows, begins, begins[1:], strict=False):
        assert begin <= row["output"]
        assert row["output"] + row["out_steps"] * row["out_features"] <= end


def test_masks_follow_one_another_and_other_layers_have_none():
    _, _, rows = told(STACK, (WINDOW, FEATURES))
    assert column(rows, "mask") == [-1, 0, -1, -1, WINDOW * 2, -1, -1, WINDOW * (2 + 5), -1]


def test_a_highways_weights_are_the_last():
    layout, found, _ = told((RNN(hidden_dim=3), Linear(1)), (6, 1), highway=4)
    assert (found.highway, found.highway_weights) == (4, layout.size - 5)
    _, without, _ = told((RNN(hidden_dim=3), Linear(1)), (6, 1))
    assert without.highway == 0


def test_without_a_sequence_there_is_one_step():
    _, _, rows = told((Linear(2), ReLU(), Sigmoid(), Softmax()), (7,))
    assert column(rows, "steps") == column(rows, "out_steps") == [1] * 4
    assert [KINDS[kind] for kind in column(rows, "kind")] == ["linear", "relu", "sigmoid", "softmax"]


def test_nothing_in_a_program_can_be_written_to():
    _, found, _ = told(STACK, (WINDOW, FEATURES))
    with pytest.raises(ValueError, match="read-only"):
        found.table[0, 0] = 1


@pytest.mark.parametrize("kind", SHIPPED)
def test_every_layer_that_ships_has_a_kernel(kind):
    layers = (kind(),)
    assert program(layers, Layout(layers, (4, 2))) is not None


# Layers that compiled code does not know


@pytest.fixture
def strangers(registries):
    """Layers without a kernel of their own."""

    class Swish(Layer):
        """x σ(x)."""

        def forward(self, p, x):
            return x * autodiff.sigmoid(x)

    class Rectified(RNN):
        """An RNN with another cell."""

        def cell(self, p, x, h):
            return autodiff.relu(super().cell(p, x, h))

    class Doubled(Linear):
        """y = 2 (xW + b)."""

        def forward(self, p, x):
            return 2 * super().forward(p, x)

    class Kept(Dropout):
        """Drops nothing."""

        def mask(self, generator, shape, dtype):
            return np.ones(shape, dtype)

    return Swish(), Rectified(hidden_dim=2), Doubled(), Kept()


def test_a_stack_with_a_layer_that_has_no_kernel_of_its_own_has_no_program(strangers):
    for layer in strangers:
        for layers in ((RNN(hidden_dim=2, return_sequences=True), layer), (Tanh(), layer, Tanh())):
            assert program(layers, Layout(layers, (4, 1))) is None


def test_a_kernel_is_a_layers_own_where_it_says_so_itself(registries):
    class Renamed(RNN):
        """An RNN by another name."""

        def kernel(self):
            return Kernel("rnn", self.hidden_dim)

    layers = (Renamed(hidden_dim=2), Linear(1))
    _, _, rows = told(layers, (4, 1))
    assert KINDS[rows[0]["kind"]] == "rnn"


# What compiled code reads and writes


GUARD = 64
SENTINEL = 12345.0


def guarded(size, dtype):
    """An array of `size` numbers, and the larger one in whose middle it lies; all are sentinels."""
    whole = np.full(size + 2 * GUARD, SENTINEL, dtype)
    return whole[GUARD : GUARD + size], whole


def untouched(whole):
    return (whole[:GUARD] == SENTINEL).all() and (whole[-GUARD:] == SENTINEL).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_fill_what_is_theirs_and_write_nowhere_else(kernels, dtype):
    forward, backward, _ = kernels[dtype]
    for case in lively(0).values():
        layout = Layout(case.layers, case.x.shape[1:], case.highway)
        found = program(case.layers, layout)
        batch = len(case.x)
        w, x, g = (np.array(each, dtype).reshape(-1) for each in (case.vector, case.x, case.seed))
        mask = np.empty(0, dtype) if case.mask is None else case.mask.astype(dtype)
        before = [each.copy() for each in (w, x, g, mask)]
        sizes = found.trace * batch, g.size, w.size, x.size
        (trace, traces), (y, ys), (gradient, gradients), (by_x, by_xs) = (guarded(size, dtype) for size in sizes)
        stop = np.zeros(1, np.uint8)
        place = found.table, found.highway, found.highway_weights
        forward(*place, w, x, mask, trace, y, stop)
        backward(*place, found.flow, w, x, mask, trace, g, gradient, by_x, True, stop)
        assert all(untouched(whole) for whole in (traces, ys, gradients, by_xs)), case
        assert not any((each == SENTINEL).any() for each in (y, gradient, by_x)), case
        for each, copy in zip((w, x, g, mask), before, strict=True):
            np.testing.assert_array_equal(each, copy)


def test_a_pass_keeps_no_more_than_the_layout_counts():
    # By this count experiments are refused that would not fit the memory.
    for block in range(3):
        for case in lively(block).values():
            layout = Layout(case.layers, case.x.shape[1:], case.highway)
            assert program(case.layers, layout).trace <= layout.kept, case
