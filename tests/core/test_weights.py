"""The layout: every weight has its own stretch of one vector; and how first weights are drawn."""

import numpy as np
import pytest

from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.nn import GRU, LSTM, RNN, Initial, Linear, Model, Orthogonal, Tanh, Uniform, Xavier, generators
from zen_core.trainer import Trainer
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


# First weights

EVERY = (
    LSTM(hidden_dim=5, return_sequences=True, units=4),
    GRU(hidden_dim=6, return_sequences=True),
    RNN(hidden_dim=7),
    Linear(3),
    Linear(1),
)


def first(initial, layers=EVERY, shape=(9, 1), seed=0, highway=0, dtype="float64"):
    """The parts of a layout, each with its first numbers."""
    layout = Layout(layers, shape, highway)
    vector = layout.initial(np.random.default_rng(seed), dtype, initial)
    return [(part, vector[part.start : part.stop].reshape(part.weight.shape)) for part in layout.parts]


def vector(initial, **more):
    return np.concatenate([drawn.reshape(-1) for _, drawn in first(initial, **more)])


def test_uniform_draws_part_after_part_from_one_stream():
    draw = np.random.default_rng(0)
    for part, drawn in first(Uniform()):
        bound = 1 / np.sqrt(part.weight.inputs)
        np.testing.assert_array_equal(drawn, draw.uniform(-bound, bound, part.weight.shape))


def test_not_told_otherwise_first_weights_are_uniform():
    np.testing.assert_array_equal(vector(None), vector(Uniform()))
    assert Experiment().initial == Uniform()


def test_the_streams_for_weights_and_order_do_not_depend_on_how_many_streams_there_are():
    weights, order, _ = generators(7)
    for stream, seed in zip((weights, order), np.random.SeedSequence(7).spawn(2), strict=True):
        assert stream.random() == np.random.default_rng(seed).random()


@pytest.mark.parametrize("initial", [Xavier(), Orthogonal()])
def test_biases_begin_at_zero(initial):
    biases = [drawn for part, drawn in first(initial, highway=4) if part.name.endswith("bias")]
    assert len(biases) == 2 * 3 + 1 + 2 + 1
    assert not any(bias.any() for bias in biases)


def test_xaviers_matrices_are_uniform_within_their_bound():
    layers = (RNN(hidden_dim=200, return_sequences=True), LSTM(hidden_dim=60), Linear(300))
    for part, drawn in first(Xavier(), layers):
        if part.name.endswith("weight") and drawn.size > 1000:
            bound = np.sqrt(6 / sum(part.weight.shape))
            assert 0.98 * bound < np.abs(drawn).max() <= bound
            assert drawn.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
            assert abs(drawn.mean()) < 0.05 * bound


def test_xavier_counts_all_gates_of_a_cell_as_outputs():
    (_, inputs), *_ = first(Xavier(), (LSTM(hidden_dim=500),), (9, 1))
    assert np.abs(inputs).max() == pytest.approx(np.sqrt(6 / (1 + 2000)), rel=0.02)


@pytest.mark.parametrize("hidden", [1, 2, 16])
@pytest.mark.parametrize(("cell", "gates"), [(RNN, 1), (LSTM, 4), (GRU, 3)])
def test_orthogonal_gates_neither_shrink_nor_stretch_a_state(cell, gates, hidden):
    parts = first(Orthogonal(), (cell(hidden_dim=hidden, return_sequences=True, units=3),))
    (matrix,) = [drawn for part, drawn in parts if part.weight.recurrent]
    assert matrix.shape == (hidden, gates * hidden)
    found = np.split(matrix, gates, axis=1)
    for gate in found:
        np.testing.assert_allclose(gate.T @ gate, np.eye(hidden), rtol=0, atol=1e-14)
    # Each gate has its own.
    if hidden > 1:
        assert len({gate.tobytes() for gate in found}) == gates


def test_orthogonal_matrices_are_spread_evenly():
    # Of evenly spread rotations and reflections, each entry is as often negative as positive; without care for the
    # signs of the factors, those on the diagonal are not.
    drawn = [first(Orthogonal(), (RNN(hidden_dim=3),), seed=seed)[2][1] for seed in range(400)]
    shares = np.mean(np.array(drawn) > 0, axis=0)
    assert shares.shape == (3, 3)
    assert np.abs(shares - 0.5).max() < 0.1


def test_other_matrices_than_those_of_states_are_as_by_xavier():
    layers = (Linear(3), Tanh(), Linear(2))
    np.testing.assert_array_equal(vector(Orthogonal(), layers=layers), vector(Xavier(), layers=layers))
    for part, drawn in first(Orthogonal(), highway=4):
        if part.name.endswith("weight") and not part.weight.recurrent:
            assert np.abs(drawn).max() <= np.sqrt(6 / sum(part.weight.shape))


def test_the_matrices_from_state_to_state_are_known_by_the_layers():
    recurrent = [part.name for part in Layout(EVERY, (9, 2)).parts if part.weight.recurrent]
    assert recurrent == ["W.weight"] * 3
    assert all(part.weight.shape[1] % part.weight.shape[0] == 0 for part, _ in first(None) if part.weight.recurrent)


@pytest.mark.parametrize("kind", Initial.kinds.values())
def test_one_seed_draws_the_same_first_weights_and_another_others(kind):
    np.testing.assert_array_equal(vector(kind()), vector(kind()))
    assert (vector(kind()) != vector(kind(), seed=1)).any()
    single = vector(kind(), dtype="float32")
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, vector(kind()).astype("float32"))


@pytest.mark.parametrize("kind", Initial.kinds.values())
def test_a_model_and_an_experiment_begin_with_what_was_chosen(tiny, kind):
    trainer = Trainer(edited(tiny, "initial", kind()))
    model = Model(tiny.layers, seed=tiny.seed, initial=kind())
    model(np.zeros((1, 5, 1)))
    assert trainer.frame().weights.tobytes() == model.vector.tobytes()


def test_what_was_drawn_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        Layout(EVERY, (9, 2)).initial(np.random.default_rng(0), "float32")[0] = 1
