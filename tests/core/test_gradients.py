"""The gradients of whole networks, of any layers, losses and sizes, by complex step; and the same with any backend."""

from dataclasses import replace
from functools import cache

import pytest

from zen_core.layers import Linear, Tanh
from zen_core.recurrent import GRU, LSTM, RNN

from .cases import (
    CELLS,
    FEED_FORWARD,
    LOSSES,
    case,
    corners,
    error_along,
    error_by_entry,
    error_of_twin,
    lively,
)
from .twins import BACKENDS, op_by_op

TOLERANCE = 1e-12
BLOCKS = range(24)
MIXED = (LSTM(hidden_dim=4, return_sequences=True), Tanh(), GRU(units=2, hidden_dim=3, return_sequences=True))
WINDOWS = {
    **{name: (replace(cell, hidden_dim=3, return_sequences=True),) for name, cell in CELLS.items()},
    "mixed": (*MIXED, RNN(hidden_dim=4), Linear(1)),
    "every size 1": (GRU(hidden_dim=1), Linear(1)),
}
every_block = pytest.mark.parametrize("block", BLOCKS)
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
every_window = pytest.mark.parametrize("name", WINDOWS)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """How a network is computed where it trains."""
    return BACKENDS[request.param](request)


@pytest.fixture(params=["op by op", *BACKENDS])
def way(request):
    """How a network is computed."""
    return op_by_op if request.param == "op by op" else BACKENDS[request.param](request)


def too_far(errors):
    """Those that are above the tolerance, or not a number, by name."""
    return {name: error for name, error in errors.items() if not error <= TOLERANCE}


@cache
def window_of_1000(name):
    return case(WINDOWS[name], (1 if name == "every size 1" else 2, 1000, 1), 0)


@every_block
def test_random_networks_have_the_right_gradients(way, block):
    assert not too_far({seed: error_along(way, each) for seed, each in lively(block).items()})


@every_block
def test_random_networks_are_what_they_are_op_by_op(backend, block):
    assert not too_far({seed: error_of_twin(backend, each) for seed, each in lively(block).items()})


@every_cell
def test_every_entry_of_a_gradient_is_right_where_sizes_are_1(way, cell):
    assert not too_far({str(each): error_by_entry(way, each) for each in corners(cell)})


@every_cell
def test_cells_are_what_they_are_op_by_op_where_sizes_are_1(backend, cell):
    assert not too_far({str(each): error_of_twin(backend, each) for each in corners(cell)})


@every_window
def test_a_window_of_1000_has_the_right_gradients(backend, name):
    # Op by op a complex step through a long window takes a second; that numpy's kernels are the same is tested below.
    given = window_of_1000(name)
    assert error_along(backend, given, reference=given) <= TOLERANCE


@every_window
def test_a_window_of_1000_is_what_it_is_op_by_op(backend, name):
    assert error_of_twin(backend, window_of_1000(name)) <= TOLERANCE


def test_the_random_networks_are_many_and_have_all_that_there_is():
    cases = [each for block in BLOCKS for each in lively(block).values()]
    layers = [layer for each in cases for layer in each.layers]
    variants = [(type(layer), getattr(layer, "reset_after", None)) for layer in layers]
    assert len({(each.layers, each.x.shape) for each in cases}) >= 500
    for axis in range(3):
        assert sum(each.x.shape[axis] == 1 for each in cases) >= 100
    for size in ("hidden_dim", "units"):
        assert sum(getattr(layer, size, None) == 1 for layer in layers) >= 100
    for cell in CELLS.values():
        assert variants.count((type(cell), getattr(cell, "reset_after", None))) >= 100
    assert sum(each.highway > 0 for each in cases) >= 20
    assert {type(layer) for layer in layers} >= set(FEED_FORWARD)
    assert {type(each.loss) for each in cases} == set(LOSSES)
