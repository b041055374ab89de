"""Kernels: whole windows of the shipped recurrent cells in one call, forward and back through time.

Inside, time comes first (steps, batch, features), so that each step is one contiguous block. What does not depend on
the step before, the products with the inputs and the gradients of the weights, is one matrix product for all steps.
"""

from __future__ import annotations

import numpy as np

from zen_core.autodiff import Array


def rnn_forward(x: Array, u: Array, u_bias: Array, w: Array, w_bias: Array) -> Array:
    """The states h₀ … h_T of h_t = tanh(x_t U + b_U + h_{t−1} W + b_W), h₀ = 0.

    x is (batch, steps, features), U (features, hidden), W (hidden, hidden), the biases (hidden,).
    Returns (steps + 1, batch, hidden).
    """
    batch, steps, features = x.shape
    hidden = len(w)
    rows = x.swapaxes(0, 1).reshape(steps * batch, features)
    h = np.empty((steps + 1, batch, hidden), np.result_type(x, u, u_bias, w, w_bias))
    h[0] = 0
    np.add(rows @ u, u_bias + w_bias, out=h[1:].reshape(steps * batch, hidden))
    product = np.empty((batch, hidden), h.dtype)
    for t in range(1, steps + 1):
        np.matmul(h[t - 1], w, out=product)
        product += h[t]
        np.tanh(product, out=h[t])
    return h


def rnn_backward(
    g: Array, h: Array, x: Array, u: Array, w: Array, *, every_step: bool
) -> tuple[Array, Array, Array, Array, Array]:
    """The gradients by x, U, b_U, W and b_W, from the states `h` of `rnn_forward`.

    `g` is the gradient of all states (batch, steps, hidden) where `every_step` holds, else of the last (batch, hidden).
    """
    batch, steps, features = x.shape
    hidden = len(w)
    # δ_t, the gradient by what stands inside the tanh: δ_t = (g_t + δ_{t+1} Wᵀ) · (1 − h_t²).
    slope = 1 - h[1:] * h[1:]
    delta = np.empty_like(slope)
    coming = g.swapaxes(0, 1) if every_step else None
    w_back = np.ascontiguousarray(w.T)
    flow = np.zeros((batch, hidden), h.dtype) if every_step else g
    for t in reversed(range(steps)):
        if coming is not None:
            flow = flow + coming[t]
        np.multiply(flow, slope[t], out=delta[t])
        if t:
            flow = delta[t] @ w_back
    rows = delta.reshape(steps * batch, hidden)
    bias = rows.sum(axis=0)
    by_x = (rows @ u.T).reshape(steps, batch, features).swapaxes(0, 1)
    by_u = x.swapaxes(0, 1).reshape(steps * batch, features).T @ rows
    by_w = h[:-1].reshape(steps * batch, hidden).T @ rows
    return by_x, by_u, bias, by_w, bias
