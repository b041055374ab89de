"""Kernels: whole windows of the shipped recurrent cells in one call, forward and back through time.

Inside, time comes first (steps, batch, features), so that each step is one contiguous block. What does not depend on
the step before, the products with the inputs and the gradients of the weights, is one matrix product for all steps.

Everywhere x is (batch, steps, features), U (features, n·hidden), W (hidden, n·hidden) and both biases (n·hidden,), for
the n gates of a cell, side by side in the order in which its docstring names them. A gradient `g` is that of all states
(batch, steps, hidden) where `every_step` holds, else that of the last (batch, hidden). Backward passes return the
gradients by x, U, b_U, W and b_W.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zen_core.autodiff import Array

Gradients = tuple[Array, Array, Array, Array, Array]


def _projected(x: Array, u: Array, bias: Array, w: Array) -> Array:
    """x U + b for all steps at once, (steps, batch, n·hidden), in a type that can hold the products with W too."""
    batch, steps, features = x.shape
    rows = x.swapaxes(0, 1).reshape(steps * batch, features)
    projected = (rows @ u + bias).reshape(steps, batch, u.shape[1])
    return projected.astype(np.result_type(projected, w), copy=False)


def _initial(x: Array, projected: Array, hidden: int) -> Array:
    """Room for the states of all steps, (steps + 1, batch, hidden), the first of them 0."""
    states = np.empty((x.shape[1] + 1, x.shape[0], hidden), projected.dtype)
    states[0] = 0
    return states


def _incoming(g: Array, steps: int, every_step: bool) -> tuple[Array, list[Array | float]]:
    """The gradient that flows in behind the last step, and what each step adds to it."""
    if every_step:
        return np.zeros_like(g[:, 0]), list(g.swapaxes(0, 1))
    return g, [0.0] * steps


def _flat(a: Array) -> Array:
    """Steps and batch as one axis."""
    return a.reshape(-1, a.shape[-1])


def _by_inputs(delta: Array, x: Array, u: Array) -> tuple[Array, Array, Array]:
    """The gradients by x, U and b_U from those by x U + b, (steps, batch, n·hidden)."""
    batch, steps, features = x.shape
    rows = _flat(delta)
    by_x = (rows @ u.T).reshape(steps, batch, features).swapaxes(0, 1)
    by_u = _flat(x.swapaxes(0, 1)).T @ rows
    return by_x, by_u, rows.sum(axis=0)


def rnn_forward(x: Array, u: Array, u_bias: Array, w: Array, w_bias: Array) -> Array:
    """The states h₀ … h_T of h_t = tanh(x_t U + b_U + h_{t−1} W + b_W), h₀ = 0; (steps + 1, batch, hidden)."""
    projected = _projected(x, u, u_bias + w_bias, w)
    h = _initial(x, projected, len(w))
    product = np.empty(h.shape[1:], h.dtype)
    for t in range(x.shape[1]):
        np.matmul(h[t], w, out=product)
        product += projected[t]
        np.tanh(product, out=h[t + 1])
    return h


def rnn_backward(g: Array, h: Array, x: Array, u: Array, w: Array, *, every_step: bool) -> Gradients:
    """From the states of `rnn_forward`. With δ_t the gradient inside the tanh: δ_t = (g_t + δ_{t+1} Wᵀ)(1 − h_t²)."""
    steps = x.shape[1]
    slope = 1 - h[1:] * h[1:]
    delta = np.empty_like(slope)
    back = np.ascontiguousarray(w.T)
    flow, coming = _incoming(g, steps, every_step)
    for t in reversed(range(steps)):
        np.multiply(flow + coming[t], slope[t], out=delta[t])
        flow = delta[t] @ back
    by_x, by_u, bias = _by_inputs(delta, x, u)
    return by_x, by_u, bias, _flat(h[:-1]).T @ _flat(delta), bias


class LSTMTrace(NamedTuple):
    """What `lstm_forward` leaves: states and memories (steps + 1, batch, hidden), the gates (steps, batch, 4·hidden)
    and tanh of the memories (steps, batch, hidden)."""

    h: Array
    c: Array
    gates: Array
    tanh_c: Array


def lstm_forward(x: Array, u: Array, u_bias: Array, w: Array, w_bias: Array) -> LSTMTrace:
    """c_t = f c_{t−1} + i g, h_t = o tanh(c_t), with h₀ = c₀ = 0 and the gates i, f, g, o.

    i, f and o are sigmoids, g a tanh, of x_t U + b_U + h_{t−1} W + b_W.
    """
    gates = _projected(x, u, u_bias + w_bias, w)
    hidden = len(w)
    h, c = _initial(x, gates, hidden), _initial(x, gates, hidden)
    tanh_c = np.empty_like(h[1:])
    # σ(a) = ½ tanh(½a) + ½: one tanh for all four gates.
    scale = np.full(4 * hidden, 0.5, gates.dtype)
    scale[2 * hidden : 3 * hidden] = 1
    shift = 1 - scale
    for t in range(x.shape[1]):
        gate = gates[t]
        gate += h[t] @ w
        gate *= scale
        np.tanh(gate, out=gate)
        gate *= scale
        gate += shift
        i, f, candidate, o = np.split(gate, 4, axis=1)
        np.multiply(f, c[t], out=c[t + 1])
        c[t + 1] += i * candidate
        np.tanh(c[t + 1], out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=h[t + 1])
    return LSTMTrace(h, c, gates, tanh_c)


def lstm_backward(g: Array, trace: LSTMTrace, x: Array, u: Array, w: Array, *, every_step: bool) -> Gradients:
    """From the trace of `lstm_forward`."""
    h, c, gates, tanh_c = trace
    steps, hidden = x.shape[1], len(w)
    delta = np.empty_like(gates)
    # By what stands inside the gates: σ' = σ(1 − σ), tanh' = 1 − tanh².
    slope = gates * (1 - gates)
    middle = slice(2 * hidden, 3 * hidden)
    slope[:, :, middle] = 1 - gates[:, :, middle] ** 2
    remembered = 1 - tanh_c * tanh_c
    back = np.ascontiguousarray(w.T)
    flow, coming = _incoming(g, steps, every_step)
    memory = np.zeros_like(c[0])
    for t in reversed(range(steps)):
        i, f, candidate, o = np.split(gates[t], 4, axis=1)
        flow = flow + coming[t]
        memory = memory + flow * o * remembered[t]
        parts = (memory * candidate, memory * c[t], memory * i, flow * tanh_c[t])
        np.concatenate(parts, axis=1, out=delta[t])
        delta[t] *= slope[t]
        memory = memory * f
        flow = delta[t] @ back
    by_x, by_u, bias = _by_inputs(delta, x, u)
    return by_x, by_u, bias, _flat(h[:-1]).T @ _flat(delta), bias


class GRUTrace(NamedTuple):
    """What `gru_forward` leaves: states (steps + 1, batch, hidden), the gates (steps, batch, 3·hidden), and what the
    reset gate multiplied (steps, batch, hidden): h_{t−1} W_n + b_n, or h_{t−1} where it resets before the product."""

    h: Array
    gates: Array
    kept: Array


def gru_forward(x: Array, u: Array, u_bias: Array, w: Array, w_bias: Array, *, reset_after: bool) -> GRUTrace:
    """h_t = (1 − z) n + z h_{t−1}, h₀ = 0, with the gates r, z, n.

    r and z are sigmoids of x_t U + b_U + h_{t−1} W + b_W. n is the tanh of x_t U + b_U + r (h_{t−1} W + b_W) where the
    reset comes after the product, else of x_t U + b_U + (r h_{t−1}) W + b_W.
    """
    hidden = len(w)
    both, new = slice(0, 2 * hidden), slice(2 * hidden, None)
    # A bias outside of the reset is added for all steps at once.
    early = w_bias.copy()
    if reset_after:
        early[new] = 0
    gates = _projected(x, u, u_bias + early, w)
    h = _initial(x, gates, hidden)
    kept = np.empty_like(h[1:])
    for t in range(x.shape[1]):
        gate = gates[t]
        if reset_after:
            product = h[t] @ w
            gate[:, both] += product[:, both]
            np.add(product[:, new], w_bias[new], out=kept[t])
        else:
            gate[:, both] += h[t] @ w[:, both]
            kept[t] = h[t]
        gate[:, both] = 0.5 * np.tanh(0.5 * gate[:, both]) + 0.5
        r, z, n = np.split(gate, 3, axis=1)
        n += r * kept[t] if reset_after else (r * kept[t]) @ w[:, new]
        np.tanh(n, out=n)
        np.multiply(z, h[t] - n, out=h[t + 1])
        h[t + 1] += n
    return GRUTrace(h, gates, kept)


def gru_backward(
    g: Array, trace: GRUTrace, x: Array, u: Array, w: Array, *, every_step: bool, reset_after: bool
) -> Gradients:
    """From the trace of `gru_forward`."""
    h, gates, kept = trace
    steps, hidden = x.shape[1], len(w)
    new = slice(2 * hidden, None)
    # By what stands inside the gates; and by the products with W, in which n's is behind the reset.
    delta = np.empty_like(gates)
    product = np.empty_like(gates) if reset_after else delta
    back = np.ascontiguousarray(w.T)
    flow, coming = _incoming(g, steps, every_step)
    for t in reversed(range(steps)):
        r, z, n = np.split(gates[t], 3, axis=1)
        flow = flow + coming[t]
        by_r, by_z, by_n = np.split(delta[t], 3, axis=1)
        np.multiply(flow * (1 - z), 1 - n * n, out=by_n)
        np.multiply(flow * (h[t] - n), z * (1 - z), out=by_z)
        through = by_n if reset_after else by_n @ back[new]
        np.multiply(through * kept[t], r * (1 - r), out=by_r)
        if reset_after:
            product[t] = delta[t]
            product[t, :, new] *= r
            flow = flow * z + product[t] @ back
        else:
            flow = flow * z + through * r + delta[t, :, : 2 * hidden] @ back[: 2 * hidden]
    by_x, by_u, u_bias = _by_inputs(delta, x, u)
    by_w = _flat(h[:-1]).T @ _flat(product)
    if not reset_after:
        r = gates[:, :, :hidden]
        by_w[:, new] = _flat(r * kept).T @ _flat(delta[:, :, new])
    return by_x, by_u, u_bias, by_w, _flat(product).sum(axis=0)
