"""ONNX Runtime and the reference evaluator of the ONNX standard find the same states, with random weights of any size.

ONNX Runtime (github.com/microsoft/onnxruntime) computes in single precision: its states are compared with ours in both
precisions, from the same weights and inputs. The evaluator (onnx.reference) computes in double precision.
"""

import numpy as np
import pytest
from core.cases import CELLS

from .recurrent_cases import ORACLES, difference, long_layer, random_layer

BLOCKS, EACH = range(12), 25
every_cell = pytest.mark.parametrize("name", CELLS)
every_oracle = pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)


def ours(way, given, dtype):
    """All states by one of our backends, in a precision."""
    seed = np.zeros((*given.x.shape[:2], given.layer.hidden_dim), dtype)
    found = way([given.layer], given.vector.astype(dtype), given.x.astype(dtype), seed).y
    assert found.dtype == dtype
    return found


def differences(way, name, oracle, dtype, seeds):
    """Those above the tolerance, by seed."""
    errors = {}
    for seed in seeds:
        given = random_layer(name, seed)
        errors[seed] = difference(oracle, given, ours(way, given, dtype))
    return {seed: error for seed, error in errors.items() if error > oracle.tolerance}


@every_cell
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("block", BLOCKS)
def test_states_are_those_of_onnxruntime(way, name, dtype, block):
    assert not differences(way, name, ORACLES["onnxruntime"], dtype, range(block * EACH, (block + 1) * EACH))


@every_cell
@pytest.mark.parametrize("block", BLOCKS)
def test_states_are_those_of_the_reference_evaluator(way, name, block):
    assert not differences(way, name, ORACLES["onnx.reference"], "float64", range(block * EACH, (block + 1) * EACH))


@every_cell
@every_oracle
def test_states_are_theirs_over_a_window_of_1000(way, name, oracle):
    given = long_layer(name)
    assert difference(oracle, given, ours(way, given, oracle.dtype)) <= oracle.tolerance


def test_the_cases_are_many_and_have_every_size_of_1():
    cases = [random_layer(name, seed) for name in CELLS for seed in range(len(BLOCKS) * EACH)]
    sizes = np.array([(*each.x.shape, each.layer.hidden_dim) for each in cases])
    assert len(cases) >= 1000
    assert (np.sum(sizes == 1, axis=0) >= 200).all()
