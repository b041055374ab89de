"""The layout: every weight has its own stretch of one vector."""

import numpy as np
import pytest

from zen_core.nn import RNN, Linear, Tanh
from zen_core.weights import Layout

STACK = (RNN(units=2, hidden_dim=3, return_sequences=True), Tanh(), RNN(hidden_dim=4), Linear(1))


@pytest.fixture
def layout():
    return Layout(STACK, (6, 5))


def test_the_parts_cover_the_vector_without_gap_or_overlap(layout):
    ends = [0]
    for part in layout.parts:
        assert part.start == ends[-1]
        assert part.stop - part.start == np.prod(part.weight.shape)
        ends.append(part.stop)
    assert ends[-1] == layout.size


def test_each_layer_has_as_many_weights_as_its_linear_maps(layout):
    assert [layout.count(layer) for layer in range(4)] == [
        (5 * 3 + 3) + (3 * 3 + 3) + (3 * 2 + 2),
        0,
        (2 * 4 + 4) + (4 * 4 + 4),
        4 + 1,
    ]
    assert layout.size == sum(layout.count(layer) for layer in range(4))


def test_the_shape_after_each_layer_is_known(layout):
    assert layout.shapes == [(6, 2), (6, 2), (4,), (1,)]


def test_splitting_and_joining_are_inverse(layout):
    vector = np.arange(layout.size, dtype=np.float32)
    pieces = [array for layer in layout.split(vector) for array in layer.values()]
    joined = layout.join(pieces, np.dtype(np.float32))
    assert joined.dtype == np.float32
    np.testing.assert_array_equal(joined, vector)


def test_split_gives_names_and_shapes_and_shares_the_memory(layout):
    vector = np.zeros(layout.size)
    split = layout.split(vector)
    assert {name: w.shape for name, w in split[0].items()} == {
        "U.weight": (5, 3),
        "U.bias": (3,),
        "W.weight": (3, 3),
        "W.bias": (3,),
        "V.weight": (3, 2),
        "V.bias": (2,),
    }
    assert split[1] == {}
    assert all(np.shares_memory(w, vector) for layer in split for w in layer.values())


def test_the_owner_of_each_position_is_its_layer(layout):
    owners = [layout.owner(position) for position in range(layout.size)]
    assert [owners.count(layer) for layer in range(4)] == [layout.count(layer) for layer in range(4)]
    assert owners == sorted(owners)


def test_first_weights_and_biases_are_uniform_within_one_over_the_root_of_the_inputs():
    layout = Layout((Linear(400),), (25,))
    drawn = layout.initial(np.random.default_rng(0), "float64")
    weight, bias = layout.split(drawn)[0].values()
    bound = 1 / np.sqrt(25)
    for numbers in (weight, bias):
        assert np.abs(numbers).max() <= bound
        assert np.abs(numbers).max() > 0.98 * bound
        # A uniform distribution has the standard deviation bound / √3, and the mean 0.
        assert numbers.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)
        assert abs(numbers.mean()) < 0.1 * bound


def test_each_linear_map_of_a_recurrent_layer_is_drawn_for_its_own_inputs():
    layout = Layout((RNN(units=3, hidden_dim=400, return_sequences=True),), (7, 4))
    parts = layout.split(layout.initial(np.random.default_rng(1), "float64"))[0]
    for name, inputs in {"U": 4, "W": 400, "V": 400}.items():
        for kind in ("weight", "bias"):
            largest = np.abs(parts[f"{name}.{kind}"]).max()
            assert 0.3 / np.sqrt(inputs) < largest <= 1 / np.sqrt(inputs)


def test_the_same_generator_draws_the_same_weights_in_both_types(layout):
    single = layout.initial(np.random.default_rng(5), "float32")
    double = layout.initial(np.random.default_rng(5), "float64")
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_a_stack_without_weights_has_an_empty_vector():
    layout = Layout((Tanh(),), (3,))
    assert layout.size == 0
    assert layout.initial(np.random.default_rng(0), "float32").shape == (0,)
