"""Our recurrent layers as nodes of ONNX, and what other people's programs make of them.

The standard (onnx.ai/onnx/operators) has time first, weights (1, n · hidden, inputs) and both biases in a row;
its gates are i, o, f, c for LSTM and z, r, h for GRU. Its z means what ours does: h_t = (1 − z) h̃ + z h_{t−1}.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator

from zen_core.autodiff import Array
from zen_core.recurrent import GRU, LSTM, RNN, Recurrent

OURS: dict[type[Recurrent], str] = {RNN: "x", LSTM: "ifgo", GRU: "rzn"}
THEIRS: dict[type[Recurrent], str] = {RNN: "x", LSTM: "iofg", GRU: "zrn"}
"""The gates of each cell, side by side, by our letters."""

INPUTS = ("X", "W", "R", "B")
# Opset 14 is the first with today's RNN, LSTM and GRU; every runtime since 2021 reads it.
OPSET, IR = 14, 7


def model(op: str, gates: int, hidden: int, number: int, **attributes: Any) -> ModelProto:
    """One recurrent node whose input, weights and biases are the inputs of the graph; `number` is their type."""
    shapes = ((None, None, None), (1, gates * hidden, None), (1, gates * hidden, hidden), (1, 2 * gates * hidden))
    node = helper.make_node(op, INPUTS, ["Y"], hidden_size=hidden, **attributes)
    graph = helper.make_graph(
        [node],
        op,
        [helper.make_tensor_value_info(name, number, shape) for name, shape in zip(INPUTS, shapes, strict=True)],
        [helper.make_tensor_value_info("Y", number, (None, 1, None, hidden))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


Run = Callable[[dict[str, Array]], Array]


@cache
def runtime(op: str, gates: int, hidden: int, **attributes: Any) -> Run:
    """ONNX Runtime, whose recurrent cells know single precision only."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    built = model(op, gates, hidden, TensorProto.FLOAT, **attributes)
    session = onnxruntime.InferenceSession(built.SerializeToString(), options, ["CPUExecutionProvider"])
    return lambda given: session.run(None, {name: a.astype(np.float32) for name, a in given.items()})[0]


@cache
def reference(op: str, gates: int, hidden: int, **attributes: Any) -> Run:
    """The standard's own evaluator, in double precision."""
    evaluator = ReferenceEvaluator(model(op, gates, hidden, TensorProto.DOUBLE, **attributes))
    return lambda given: evaluator.run(None, given)[0]


def reordered(columns: Array, before: str, after: str) -> Array:
    """The blocks of the last axis, one for each gate, in another order."""
    blocks = dict(zip(before, np.split(columns, len(before), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in after], axis=-1)


def to_theirs(p: dict[str, Array], cell: type[Recurrent]) -> dict[str, Array]:
    """Our weights, in their shapes and order."""
    u, u_bias, w, w_bias = (
        reordered(p[name], OURS[cell], THEIRS[cell]) for name in ("U.weight", "U.bias", "W.weight", "W.bias")
    )
    return {"W": u.T[None].copy(), "R": w.T[None].copy(), "B": np.concatenate([u_bias, w_bias])[None]}


def to_ours(given: dict[str, Array], cell: type[Recurrent]) -> dict[str, Array]:
    """Their weights, in our shapes and order; without a bias it is 0."""
    u, w = given["W"][0].T, given["R"][0].T
    u_bias, w_bias = np.split(given["B"][0], 2) if "B" in given else np.zeros((2, u.shape[1]), u.dtype)
    parts = {"U.weight": u, "U.bias": u_bias, "W.weight": w, "W.bias": w_bias}
    return {name: reordered(part, THEIRS[cell], OURS[cell]) for name, part in parts.items()}


def states(program: Callable[..., Run], layer: Recurrent, p: dict[str, Array], x: Array) -> Array:
    """All states (batch, steps, hidden) that a program finds for x (batch, steps, features), with our weights."""
    cell = type(layer)
    attributes = {"linear_before_reset": int(layer.reset_after)} if isinstance(layer, GRU) else {}
    run = program(cell.__name__, len(OURS[cell]), layer.hidden_dim, **attributes)
    found = run({"X": x.swapaxes(0, 1).copy(), **to_theirs(p, cell)})
    return found[:, 0].swapaxes(0, 1)
