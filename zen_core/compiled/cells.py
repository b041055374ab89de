"""The recurrent cells over a whole window, compiled: the twins of `zen_core.kernels`, on flat arrays.

Time comes first: number (t, b, j) of an array (steps, batch, n) stands at (t · batch + b) · n + j behind its beginning.
The weights of a layer follow one another from `w_at` in the order U, b_U, W, b_W, each row by row; so do their
gradients. `trace` is where a forward pass writes what its backward pass needs, from `at`; the input stands in it too,
at `x_at`. A backward pass gets the gradient by its states in `flow`: that of all steps where `every` holds, else that
of the last. It writes the gradients by the weights to `gradient`, and that by the input to `by_x` where it is `wanted`.

All end early, with anything in what they write, where stop[0] is set.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zen_core.compiled.matrix import (
    ONE,
    OPTIONS,
    apart,
    column_sums,
    get,
    linear_backward,
    linear_forward,
    product,
    put,
    transposed,
)
from zen_core.compiled.squash import sigmoid_of, tanh, tanh_of


@njit(**OPTIONS)
def rnn_forward(w, w_at, trace, x_at, at, steps, batch, features, hidden, stop):
    """h_t = tanh(x_t U + b_U + h_{t−1} W + b_W). The trace: h₀ … h_T."""
    apart()
    block = batch * hidden
    b_u, v_at = w_at + features * hidden, w_at + features * hidden + hidden
    b_w = v_at + hidden * hidden
    bias = w[b_u : b_u + hidden] + w[b_w : b_w + hidden]
    trace[at : at + block] = 0
    linear_forward(trace, x_at, w, w_at, bias, 0, trace, at + block, steps * batch, features, hidden, stop)
    for t in range(steps):
        if stop[0]:
            return
        h, new = at + t * block, at + (t + 1) * block
        product(
            trace, h, hidden, 1, w, v_at, hidden, trace, new, hidden, 1, trace, new, hidden, batch, hidden, hidden, stop
        )
        tanh(trace, new, block)


@njit(**OPTIONS)
def rnn_backward(w, w_at, trace, x_at, at, steps, batch, features, hidden, every, flow, gradient, by_x, wanted, stop):
    """δ_t = (g_t + δ_{t+1} Wᵀ)(1 − h_t²)."""
    apart()
    block, rows = batch * hidden, steps * batch
    v_at = w_at + features * hidden + hidden
    back = transposed(w, v_at, hidden, hidden)
    delta = np.empty(steps * block, trace.dtype)
    for t in range(steps - 1, -1, -1):
        if stop[0]:
            return
        d = t * block
        above = d if every else 0
        if t == steps - 1:
            delta[d : d + block] = flow[above : above + block]
        else:
            product(
                delta, d + block, hidden, 1, back, 0, hidden, flow, above, hidden, every, delta, d, hidden,
                batch, hidden, hidden, stop,
            )  # fmt: skip
        h = at + d + block
        for i in range(block):
            put(delta, d + i, get(delta, d + i) * (ONE - get(trace, h + i) * get(trace, h + i)))
    product(trace, at, 1, hidden, delta, 0, hidden, delta, 0, 0, 0, gradient, v_at, hidden, hidden, rows, hidden, stop)
    linear_backward(w, w_at, trace, x_at, delta, rows, features, hidden, gradient, by_x, wanted, stop)
    b_u, b_w = v_at - hidden, v_at + hidden * hidden
    gradient[b_w : b_w + hidden] = gradient[b_u : b_u + hidden]


@njit(**OPTIONS)
def lstm_forward(w, w_at, trace, x_at, at, steps, batch, features, hidden, stop):
    """c_t = f c_{t−1} + i g, h_t = o tanh c_t. The trace: h₀ … h_T, c₀ … c_T, the gates i, f, g, o, and tanh c."""
    apart()
    block, columns = batch * hidden, 4 * hidden
    c_at = at + (steps + 1) * block
    gates_at = c_at + (steps + 1) * block
    tanh_at = gates_at + 4 * steps * block
    b_u, v_at = w_at + features * columns, w_at + features * columns + columns
    b_w = v_at + hidden * columns
    bias = w[b_u : b_u + columns] + w[b_w : b_w + columns]
    trace[at : at + block] = 0
    trace[c_at : c_at + block] = 0
    linear_forward(trace, x_at, w, w_at, bias, 0, trace, gates_at, steps * batch, features, columns, stop)
    for t in range(steps):
        if stop[0]:
            return
        gates = gates_at + 4 * t * block
        h = at + t * block
        product(
            trace, h, hidden, 1, w, v_at, columns, trace, gates, columns, 1, trace, gates, columns,
            batch, hidden, columns, stop,
        )  # fmt: skip
        # Many short loops, each of which the compiler turns into vector code, instead of one that it does not.
        for b in range(batch):
            g, c, r = gates + b * columns, c_at + t * block + b * hidden, tanh_at + t * block + b * hidden
            for j in range(2 * hidden):
                put(trace, g + j, sigmoid_of(get(trace, g + j)))
            for j in range(hidden):
                put(trace, g + 2 * hidden + j, tanh_of(get(trace, g + 2 * hidden + j)))
            for j in range(hidden):
                put(trace, g + 3 * hidden + j, sigmoid_of(get(trace, g + 3 * hidden + j)))
            for j in range(hidden):
                remembered = get(trace, g + hidden + j) * get(trace, c + j)
                put(trace, c + block + j, remembered + get(trace, g + j) * get(trace, g + 2 * hidden + j))
            for j in range(hidden):
                put(trace, r + j, tanh_of(get(trace, c + block + j)))
            for j in range(hidden):
                put(trace, h + block + b * hidden + j, get(trace, g + 3 * hidden + j) * get(trace, r + j))


@njit(**OPTIONS)
def lstm_backward(w, w_at, trace, x_at, at, steps, batch, features, hidden, every, flow, gradient, by_x, wanted, stop):
    """Through the gates, the memory and the state, from the last step to the first."""
    apart()
    block, rows, columns = batch * hidden, steps * batch, 4 * hidden
    c_at = at + (steps + 1) * block
    gates_at = c_at + (steps + 1) * block
    tanh_at = gates_at + 4 * steps * block
    v_at = w_at + features * columns + columns
    back = transposed(w, v_at, hidden, columns)
    delta = np.empty(rows * columns, trace.dtype)
    by_h = np.empty(block, trace.dtype)
    by_c = np.zeros(block, trace.dtype)
    for t in range(steps - 1, -1, -1):
        if stop[0]:
            return
        d = t * batch * columns
        above = t * block if every else 0
        if t == steps - 1:
            by_h[:] = flow[above : above + block]
        else:
            product(
                delta, d + batch * columns, columns, 1, back, 0, hidden, flow, above, hidden, every, by_h, 0, hidden,
                batch, columns, hidden, stop,
            )  # fmt: skip
        for b in range(batch):
            g, s, k, r = gates_at + d + b * columns, t * block + b * hidden, d + b * columns, b * hidden
            for j in range(hidden):
                i, f = get(trace, g + j), get(trace, g + hidden + j)
                new, o = get(trace, g + 2 * hidden + j), get(trace, g + 3 * hidden + j)
                tanh_c, flowing = get(trace, tanh_at + s + j), get(by_h, r + j)
                memory = get(by_c, r + j) + flowing * o * (ONE - tanh_c * tanh_c)
                put(delta, k + j, memory * new * i * (ONE - i))
                put(delta, k + hidden + j, memory * get(trace, c_at + s + j) * f * (ONE - f))
                put(delta, k + 2 * hidden + j, memory * i * (ONE - new * new))
                put(delta, k + 3 * hidden + j, flowing * tanh_c * o * (ONE - o))
                put(by_c, r + j, memory * f)
    product(
        trace, at, 1, hidden, delta, 0, columns, delta, 0, 0, 0, gradient, v_at, columns, hidden, rows, columns, stop
    )
    linear_backward(w, w_at, trace, x_at, delta, rows, features, columns, gradient, by_x, wanted, stop)
    b_u, b_w = v_at - columns, v_at + hidden * columns
    gradient[b_w : b_w + columns] = gradient[b_u : b_u + columns]


@njit(**OPTIONS)
def gru_forward(w, w_at, trace, x_at, at, steps, batch, features, hidden, after, stop):
    """h_t = (1 − z) n + z h_{t−1}. The trace: h₀ … h_T, the gates r, z, n, and what the reset gate `kept`.

    That is h_{t−1} W_n + b_n, not yet multiplied by r, where it resets `after` the product; else r h_{t−1}.
    """
    apart()
    block, columns = batch * hidden, 3 * hidden
    gates_at = at + (steps + 1) * block
    kept_at = gates_at + 3 * steps * block
    b_u, v_at = w_at + features * columns, w_at + features * columns + columns
    b_w = v_at + hidden * columns
    both, n_at = 2 * hidden, v_at + 2 * hidden
    bias = w[b_u : b_u + columns] + w[b_w : b_w + columns]
    if after:
        # n's second bias stands inside of the reset.
        bias[both:] = w[b_u + both : b_u + columns]
    trace[at : at + block] = 0
    linear_forward(trace, x_at, w, w_at, bias, 0, trace, gates_at, steps * batch, features, columns, stop)
    for t in range(steps):
        if stop[0]:
            return
        h, gates, kept = at + t * block, gates_at + 3 * t * block, kept_at + t * block
        product(
            trace, h, hidden, 1, w, v_at, columns, trace, gates, columns, 1, trace, gates, columns,
            batch, hidden, both, stop,
        )  # fmt: skip
        if after:
            product(
                trace, h, hidden, 1, w, n_at, columns, w, b_w + both, 0, 1, trace, kept, hidden,
                batch, hidden, hidden, stop,
            )  # fmt: skip
        for b in range(batch):
            g, s = gates + b * columns, b * hidden
            for j in range(both):
                put(trace, g + j, sigmoid_of(get(trace, g + j)))
            for j in range(hidden):
                if after:
                    put(trace, g + both + j, get(trace, g + both + j) + get(trace, g + j) * get(trace, kept + s + j))
                else:
                    put(trace, kept + s + j, get(trace, g + j) * get(trace, h + s + j))
        if not after:
            new = gates + both
            product(
                trace, kept, hidden, 1, w, n_at, columns, trace, new, columns, 1, trace, new, columns,
                batch, hidden, hidden, stop,
            )  # fmt: skip
        for b in range(batch):
            g, s = gates + b * columns, h + b * hidden
            for j in range(hidden):
                n = tanh_of(get(trace, g + both + j))
                put(trace, g + both + j, n)
                put(trace, s + block + j, n + get(trace, g + hidden + j) * (get(trace, s + j) - n))


@njit(**OPTIONS)
def gru_backward(
    w, w_at, trace, x_at, at, steps, batch, features, hidden, after, every, flow, gradient, by_x, wanted, stop
):
    """Through the gates and the state, from the last step to the first.

    `delta` is the gradient by what stands inside the gates, `inner` that by the products with W: they differ in n where
    it resets `after` the product.
    """
    apart()
    block, rows, columns, both = batch * hidden, steps * batch, 3 * hidden, 2 * hidden
    gates_at = at + (steps + 1) * block
    kept_at = gates_at + 3 * steps * block
    v_at = w_at + features * columns + columns
    back = transposed(w, v_at, hidden, columns)
    delta = np.empty(rows * columns, trace.dtype)
    inner = np.empty(rows * columns, trace.dtype) if after else delta
    nothing, carried = np.zeros(block, trace.dtype), np.zeros(block, trace.dtype)
    through = np.empty(block, trace.dtype)
    for t in range(steps - 1, -1, -1):
        if stop[0]:
            return
        d = t * batch * columns
        above, above_at = (flow, t * block if every else 0) if every or t == steps - 1 else (nothing, 0)
        for b in range(batch):
            g, s, k, r = gates_at + d + b * columns, at + t * block + b * hidden, d + b * columns, b * hidden
            for j in range(hidden):
                flowing = get(above, above_at + r + j) + get(carried, r + j)
                z, n = get(trace, g + hidden + j), get(trace, g + both + j)
                put(delta, k + hidden + j, flowing * (get(trace, s + j) - n) * z * (ONE - z))
                put(delta, k + both + j, flowing * (ONE - z) * (ONE - n * n))
                put(carried, r + j, flowing * z)
        if not after:
            product(
                delta, d + both, columns, 1, back, both * hidden, hidden, delta, 0, 0, 0, through, 0, hidden,
                batch, hidden, hidden, stop,
            )  # fmt: skip
        for b in range(batch):
            g, s, k, r = gates_at + d + b * columns, at + t * block + b * hidden, d + b * columns, b * hidden
            kept = kept_at + t * block + b * hidden
            for j in range(hidden):
                reset = get(trace, g + j)
                if after:
                    by_n = get(delta, k + both + j)
                    put(delta, k + j, by_n * get(trace, kept + j) * reset * (ONE - reset))
                    put(inner, k + j, get(delta, k + j))
                    put(inner, k + hidden + j, get(delta, k + hidden + j))
                    put(inner, k + both + j, by_n * reset)
                else:
                    put(delta, k + j, get(through, r + j) * get(trace, s + j) * reset * (ONE - reset))
                    put(carried, r + j, get(carried, r + j) + get(through, r + j) * reset)
        deep = columns if after else both
        product(
            inner, d, columns, 1, back, 0, hidden, carried, 0, hidden, 1, carried, 0, hidden, batch, deep, hidden, stop
        )
    # Where it resets before the product, n's part of W met r h, not h.
    met = columns if after else both
    product(trace, at, 1, hidden, inner, 0, columns, inner, 0, 0, 0, gradient, v_at, columns, hidden, rows, met, stop)
    if not after:
        product(
            trace, kept_at, 1, hidden, delta, both, columns, delta, 0, 0, 0, gradient, v_at + both, columns,
            hidden, rows, hidden, stop,
        )  # fmt: skip
    column_sums(inner, 0, rows, columns, gradient, v_at + hidden * columns, stop)
    linear_backward(w, w_at, trace, x_at, delta, rows, features, columns, gradient, by_x, wanted, stop)
