"""A whole stack of layers in one call: forward, back, and the free run, by a program (see `zen_core.program`)."""

from __future__ import annotations

import numpy as np
from numba import njit

from zen_core.compiled import cells
from zen_core.compiled.matrix import ONE, OPTIONS, apart, get, linear_backward, linear_forward, put
from zen_core.compiled.squash import sigmoid_of, tanh_of
from zen_core.program import (
    AT,
    DROPOUT,
    EVERY,
    FEATURES,
    GRU,
    HIDDEN,
    INPUT,
    KIND,
    LINEAR,
    LSTM,
    MASK,
    OUT_FEATURES,
    OUT_STEPS,
    OUTPUT,
    RELU,
    RNN,
    SIGMOID,
    SOFTMAX,
    STEPS,
    TANH,
    UNITS,
    WEIGHTS,
)


@njit(**OPTIONS)
def _softmax(trace, y_at, rows, features):
    apart()
    for row in range(rows):
        at = y_at + row * features
        largest = get(trace, at)
        for j in range(features):
            largest = max(largest, get(trace, at + j))
        for j in range(features):
            put(trace, at + j, np.exp(get(trace, at + j) - largest))
        total = get(trace, at)
        for j in range(1, features):
            total += get(trace, at + j)
        for j in range(features):
            put(trace, at + j, get(trace, at + j) / total)


@njit(**OPTIONS)
def _masked(mask, mask_at, a, a_at, steps, batch, features):
    """Multiply a (steps, batch, features) by a mask (batch, steps, features)."""
    apart()
    for t in range(steps):
        for b in range(batch):
            at, m = a_at + (t * batch + b) * features, mask_at + (b * steps + t) * features
            for j in range(features):
                put(a, at + j, get(a, at + j) * get(mask, m + j))


@njit(**OPTIONS)
def forward(table, highway, highway_weights, w, x, mask, trace, y, stop):
    """Fill the trace and the output y from the input x; both have the batch first.

    Without a mask (an array of length 0) nothing is dropped.
    """
    steps, features = table[0, STEPS], table[0, FEATURES]
    batch = len(x) // (steps * features)
    for t in range(steps):
        for b in range(batch):
            for j in range(features):
                put(trace, (t * batch + b) * features + j, get(x, (b * steps + t) * features + j))
    for layer in range(len(table)):
        row = table[layer]
        kind, steps, features, hidden = row[KIND], row[STEPS], row[FEATURES], row[HIDDEN]
        w_at, x_at, at, y_at = row[WEIGHTS], row[INPUT] * batch, row[AT] * batch, row[OUTPUT] * batch
        rows, size = steps * batch, row[OUT_STEPS] * row[OUT_FEATURES] * batch
        if kind == LINEAR:
            units = row[OUT_FEATURES]
            linear_forward(trace, x_at, w, w_at, w, w_at + features * units, trace, y_at, rows, features, units, stop)
        elif kind >= RNN:
            if kind == RNN:
                cells.rnn_forward(w, w_at, trace, x_at, at, steps, batch, features, hidden, stop)
                gates = 1
            elif kind == LSTM:
                cells.lstm_forward(w, w_at, trace, x_at, at, steps, batch, features, hidden, stop)
                gates = 4
            else:
                cells.gru_forward(w, w_at, trace, x_at, at, steps, batch, features, hidden, kind == GRU, stop)
                gates = 3
            if row[UNITS]:
                v_at, h, units = w_at + (features + hidden + 2) * gates * hidden, at + batch * hidden, row[UNITS]
                linear_forward(trace, h, w, v_at, w, v_at + hidden * units, trace, y_at, rows, hidden, units, stop)
        elif kind == TANH:
            for i in range(size):
                put(trace, y_at + i, tanh_of(get(trace, x_at + i)))
        elif kind == SIGMOID:
            for i in range(size):
                put(trace, y_at + i, sigmoid_of(get(trace, x_at + i)))
        elif kind == RELU:
            for i in range(size):
                # So that a NaN passes.
                put(trace, y_at + i, 0 if get(trace, x_at + i) <= 0 else get(trace, x_at + i))
        else:
            for i in range(size):
                put(trace, y_at + i, get(trace, x_at + i))
            if kind == SOFTMAX:
                _softmax(trace, y_at, rows, features)
            elif len(mask):
                _masked(mask, row[MASK] * batch, trace, y_at, steps, batch, features)
        if stop[0]:
            return
    last = table[len(table) - 1]
    steps, features, y_at = last[OUT_STEPS], last[OUT_FEATURES], last[OUTPUT] * batch
    for t in range(steps):
        for b in range(batch):
            for j in range(features):
                put(y, (b * steps + t) * features + j, get(trace, y_at + (t * batch + b) * features + j))
    if highway:
        window = table[0, STEPS]
        for b in range(batch):
            total = get(w, highway_weights + highway)
            for i in range(highway):
                total += get(w, highway_weights + i) * get(x, b * window + window - highway + i)
            put(y, b, get(y, b) + total)


@njit(**OPTIONS)
def backward(table, highway, highway_weights, room, w, x, mask, trace, g, gradient, by_x, wanted, stop):
    """The gradients by all weights, and by x (batch first) where it is wanted, from that by y and the trace.

    `room` is the size of the largest gradient between two layers, for one sample.
    """
    window = table[0, STEPS]
    batch = len(x) // (window * table[0, FEATURES])
    flow, other = np.empty(room * batch, trace.dtype), np.empty(room * batch, trace.dtype)
    last = table[len(table) - 1]
    steps, features = last[OUT_STEPS], last[OUT_FEATURES]
    for t in range(steps):
        for b in range(batch):
            for j in range(features):
                put(flow, (t * batch + b) * features + j, get(g, (b * steps + t) * features + j))
    for layer in range(len(table) - 1, -1, -1):
        row = table[layer]
        kind, steps, features, hidden = row[KIND], row[STEPS], row[FEATURES], row[HIDDEN]
        w_at, x_at, at, y_at = row[WEIGHTS], row[INPUT] * batch, row[AT] * batch, row[OUTPUT] * batch
        rows, size = steps * batch, row[OUT_STEPS] * row[OUT_FEATURES] * batch
        deeper = wanted or layer > 0
        if kind == LINEAR:
            units = row[OUT_FEATURES]
            linear_backward(w, w_at, trace, x_at, flow, rows, features, units, gradient, other, deeper, stop)
            flow, other = other, flow
        elif kind >= RNN:
            every = row[EVERY]
            if row[UNITS]:
                gates = 1 if kind == RNN else (4 if kind == LSTM else 3)
                v_at, h = w_at + (features + hidden + 2) * gates * hidden, at + batch * hidden
                linear_backward(w, v_at, trace, h, flow, rows, hidden, row[UNITS], gradient, other, True, stop)
                flow, other = other, flow
            if kind == RNN:
                cells.rnn_backward(
                    w, w_at, trace, x_at, at, steps, batch, features, hidden, every, flow, gradient, other, deeper, stop
                )
            elif kind == LSTM:
                cells.lstm_backward(
                    w, w_at, trace, x_at, at, steps, batch, features, hidden, every, flow, gradient, other, deeper, stop
                )
            else:
                cells.gru_backward(
                    w, w_at, trace, x_at, at, steps, batch, features, hidden, kind == GRU, every, flow, gradient,
                    other, deeper, stop,
                )  # fmt: skip
            flow, other = other, flow
        elif kind == TANH:
            for i in range(size):
                put(flow, i, get(flow, i) * (ONE - get(trace, y_at + i) * get(trace, y_at + i)))
        elif kind == SIGMOID:
            for i in range(size):
                put(flow, i, get(flow, i) * get(trace, y_at + i) * (ONE - get(trace, y_at + i)))
        elif kind == RELU:
            for i in range(size):
                if get(trace, x_at + i) <= 0:
                    put(flow, i, 0)
        elif kind == SOFTMAX:
            for r in range(rows):
                total = get(flow, 0) * 0
                for j in range(features):
                    total += get(flow, r * features + j) * get(trace, y_at + r * features + j)
                for j in range(features):
                    i = r * features + j
                    put(flow, i, get(trace, y_at + i) * (get(flow, i) - total))
        elif kind == DROPOUT and len(mask):
            _masked(mask, row[MASK] * batch, flow, 0, steps, batch, features)
        if stop[0]:
            return
    if wanted:
        steps, features = table[0, STEPS], table[0, FEATURES]
        for t in range(steps):
            for b in range(batch):
                for j in range(features):
                    put(by_x, (b * steps + t) * features + j, get(flow, (t * batch + b) * features + j))
    if highway:
        for i in range(highway + 1):
            put(gradient, highway_weights + i, 0)
        for b in range(batch):
            x_at = b * window + window - highway
            put(gradient, highway_weights + highway, get(gradient, highway_weights + highway) + get(g, b))
            for i in range(highway):
                put(gradient, highway_weights + i, get(gradient, highway_weights + i) + get(g, b) * get(x, x_at + i))
                if wanted:
                    put(by_x, x_at + i, get(by_x, x_at + i) + get(g, b) * get(w, highway_weights + i))


@njit(**OPTIONS)
def free_run(table, highway, highway_weights, w, run, window, trace, stop):
    """Continue a series: run[window:] is made, one number after the other, each from the `window` numbers before it."""
    nothing = np.empty(0, run.dtype)
    y = np.empty(1, run.dtype)
    for h in range(len(run) - window):
        forward(table, highway, highway_weights, w, run[h : h + window], nothing, trace, y, stop)
        if stop[0]:
            return
        put(run, window + h, get(y, 0))
