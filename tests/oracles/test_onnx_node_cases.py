"""The cases for RNN, LSTM and GRU that come with the ONNX standard: those that our layers can be, and why others not.

A badge, and no proof: nearly all have one constant as all their weights, with which gates in any order pass.
"""

import importlib
import re
from pathlib import Path

import numpy as np
import onnx.backend.test.case.node as collection
import pytest
from onnx.helper import get_attribute_value

from zen_core.recurrent import GRU, LSTM, RNN
from zen_core.weights import Layout

from .onnx_cells import to_ours

KINDS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
CASES = (
    "test_simple_rnn_defaults",
    "test_simple_rnn_with_initial_bias",
    "test_rnn_seq_length",
    "test_simple_rnn_batchwise",
    "test_lstm_defaults",
    "test_lstm_with_initial_bias",
    "test_lstm_batchwise",
    "test_gru_defaults",
    "test_gru_with_initial_bias",
    "test_gru_seq_length",
    "test_gru_batchwise",
)
REVERSE = "Our layers read from the first sample to the last only."
BIDIRECTIONAL = "Our layers read in one direction only, as a forecast must."
OTHERS = {
    "test_simple_rnn_reverse": REVERSE,
    "test_simple_rnn_bidirectional": BIDIRECTIONAL,
    "test_lstm_reverse": REVERSE,
    "test_lstm_bidirectional": BIDIRECTIONAL,
    "test_lstm_with_peepholes": "Our LSTM's gates do not see the memory.",
    "test_gru_reverse": REVERSE,
    "test_gru_bidirectional": BIDIRECTIONAL,
}


@pytest.fixture(scope="module")
def found():
    """The collection's cases with such a node, by name."""
    # Some draw their numbers from numpy's global generator while they are imported.
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    for kind in KINDS:
        importlib.import_module(f"{collection.__name__}.{kind.lower()}")
    np.random.set_state(before)  # noqa: NPY002
    return {
        case.name: case
        for case in collection._NodeTestCases
        if any(node.op_type in KINDS for node in case.model.graph.node)
    }


def test_every_case_is_run_or_named_with_its_reason(found):
    assert set(CASES) | set(OTHERS) == set(found)
    assert not set(CASES) & set(OTHERS)


def test_no_other_module_of_the_collection_has_such_a_node():
    sources = Path(collection.__path__[0]).rglob("*.py")
    naming = {each.stem for each in sources if re.search(r"""["'](RNN|LSTM|GRU)["']""", each.read_text("utf-8"))}
    assert naming == {kind.lower() for kind in KINDS}


@pytest.mark.parametrize("name", CASES)
def test_the_outputs_of_a_case_are_ours(found, name, way):
    case = found[name]
    (node,) = case.model.graph.node
    settings = {each.name: get_attribute_value(each) for each in node.attribute}
    assert set(settings) <= {"hidden_size", "layout", "linear_before_reset"}
    given, wanted = case.data_sets[0]
    inputs = dict(zip(filter(None, node.input), given, strict=True))
    outputs = dict(zip(filter(None, node.output), wanted, strict=True))
    assert set(inputs) <= {"X", "W", "R", "B"}
    assert outputs
    assert set(outputs) <= {"Y", "Y_h"}

    kind = KINDS[node.op_type]
    before = {"reset_after": bool(settings.get("linear_before_reset", 0))} if kind is GRU else {}
    layer = kind(hidden_dim=settings["hidden_size"], return_sequences=True, **before)
    # Theirs have time first, unless the layout is 1; ours the batch.
    batch_first = settings.get("layout", 0)
    x = inputs["X"] if batch_first else inputs["X"].swapaxes(0, 1)
    layout, p = Layout([layer], x.shape[1:]), to_ours(inputs, kind)
    vector = layout.join([p[part.name] for part in layout.parts], x.dtype)
    y = way([layer], vector, x, np.zeros((*x.shape[:2], layer.hidden_dim), x.dtype)).y
    # They have an axis for the direction, too.
    ours = {
        "Y": y[:, :, None] if batch_first else y.swapaxes(0, 1)[:, None],
        "Y_h": y[:, -1:] if batch_first else y[None, :, -1],
    }
    for output, array in outputs.items():
        assert ours[output].shape == array.shape
        np.testing.assert_allclose(ours[output], array, rtol=0, atol=1e-6)
