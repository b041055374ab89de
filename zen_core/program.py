"""Programs: a stack of layers as a table of numbers, which compiled code runs without knowing what a layer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from zen_core.autodiff import Array
from zen_core.weights import Layout, Weighted

KINDS = ("linear", "tanh", "sigmoid", "relu", "softmax", "dropout", "rnn", "lstm", "gru", "gru_before")
LINEAR, TANH, SIGMOID, RELU, SOFTMAX, DROPOUT, RNN, LSTM, GRU, GRU_BEFORE = range(len(KINDS))

COLUMNS = (
    "kind", "steps", "features", "out_steps", "out_features", "hidden", "every", "units", "weights", "input", "at",
    "output", "mask",
)  # fmt: skip
KIND, STEPS, FEATURES, OUT_STEPS, OUT_FEATURES, HIDDEN, EVERY, UNITS, WEIGHTS, INPUT, AT, OUTPUT, MASK = range(
    len(COLUMNS)
)


class Kernel(NamedTuple):
    """How compiled code runs a layer: which of `KINDS`; and of a recurrent one its hidden size, whether it gives
    `every` state, and the outputs V makes of each (0: the states themselves)."""

    kind: str
    hidden: int = 0
    every: bool = False
    units: int = 0


class Compilable(Weighted, Protocol):
    """What a program needs to know of a layer."""

    def kernel(self) -> Kernel | None: ...


class Program(NamedTuple):
    """A stack that compiled code can run.

    `table` has one row for each layer and the columns `COLUMNS`. All places and sizes are those of one sample, for a
    batch they are multiplied by its size. The trace is what a forward pass fills: first the input, time before batch,
    then what each layer leaves, at `at`; its result stands at `output`. `flow` is the largest gradient that passes
    between two layers. `highway` counts the last samples of the window that a linear map leads past the layers to the
    output, with its weights at `highway_weights`.
    """

    table: Array
    trace: int
    flow: int
    highway: int
    highway_weights: int


def program(layers: Sequence[Compilable], layout: Layout) -> Program | None:
    """Return the program of a stack, or None where a layer has no compiled kernel."""
    rows = []
    shape = layout.shape
    trace = flow = int(np.prod(shape))
    place = 0
    mask = 0
    for index, (layer, after) in enumerate(zip(layers, layout.shapes, strict=True)):
        # A class that inherits its kernel may have changed what it computes.
        kernel = layer.kernel() if "kernel" in vars(type(layer)) else None
        if kernel is None:
            return None
        steps = shape[0] if len(shape) == 2 else 1
        out_steps = after[0] if len(after) == 2 else 1
        size = out_steps * after[-1]
        left, output = size, trace
        states = steps * kernel.hidden
        if kernel.hidden:
            left = {
                "rnn": states + kernel.hidden,
                "lstm": 7 * states + 2 * kernel.hidden,
                "gru": 5 * states + kernel.hidden,
                "gru_before": 5 * states + kernel.hidden,
            }[kernel.kind]
            output = trace + (kernel.hidden if kernel.every else states)
        if kernel.units:
            output = trace + left
            left += size
        starts = [part.start for part in layout.parts if part.layer == index]
        masked = kernel.kind == "dropout"
        rows.append(
            (
                KINDS.index(kernel.kind), steps, shape[-1], out_steps, after[-1], kernel.hidden, kernel.every,
                kernel.units, starts[0] if starts else 0, place, trace, output, mask if masked else -1,
            )
        )  # fmt: skip
        mask += size if masked else 0
        trace += left
        place = output
        flow = max(flow, size, states if kernel.every else kernel.hidden)
        shape = after
    table = np.array(rows, np.int64)
    table.flags.writeable = False
    return Program(table, trace, flow, layout.highway, layout.parts[-2].start if layout.highway else 0)
