"""Automatic differentiation: numbers that remember how they were made, so that gradients can be walked back.

A `Tensor` wraps a numpy array. Every operation on tensors is an `@op`: a function of plain arrays that returns its
value and, on the neighbouring line, what carries the gradient of the value back to each operand (a vector-Jacobian
product). `gradients(output, inputs)` walks the graph once, newest node first, and returns the gradients; nothing is
stored on the tensors. An operand that is a plain array or number is a constant.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = int | tuple[int, ...] | None
Pullback = Callable[[Any], Any]

_order = itertools.count()


class Tensor:
    """An array of any shape and how it was made.

    `value` is the numpy array. Integers become float64; floating and complex types are kept as they are.
    """

    __array_ufunc__ = None  # numpy arrays leave `array + tensor` to us
    __slots__ = ("_made", "operands", "pullbacks", "value")

    def __init__(self, value: Any, operands: tuple[Any, ...] = (), pullbacks: tuple[Pullback, ...] = ()) -> None:
        array = np.asarray(value)
        self.value: Array = array if array.dtype.kind in "fc" else array.astype(np.float64)
        self.operands = operands
        self.pullbacks = pullbacks
        self._made = next(_order)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order."""
        return transpose(self)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"Tensor({self.value!r})"

    def __add__(self, other: Any) -> Tensor:
        return add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return matmul(other, self)

    def __neg__(self) -> Tensor:
        return negative(self)

    def __abs__(self) -> Tensor:
        return absolute(self)

    def __getitem__(self, index: Any) -> Tensor:
        return take(self, index=index)

    def reshape(self, *shape: Any) -> Tensor:
        return reshape(self, shape=shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        return sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        return mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        return max(self, axis=axis, keepdims=keepdims)


def op(function: Callable[..., Any]) -> Callable[..., Tensor]:
    """Make an operation on tensors from a function of plain arrays.

    The function takes its operands by position and its settings by keyword, and returns its value followed by one
    pullback for each operand; or, where the operands share work, by a single pullback that returns a tuple of their
    gradients. A gradient may have the shape to which its operand was broadcast: `gradients` undoes that for all.
    """

    @functools.wraps(function)
    def apply(*operands: Any, **settings: Any) -> Tensor:
        values = [operand.value if isinstance(operand, Tensor) else operand for operand in operands]
        value, *pullbacks = function(*values, **settings)
        return Tensor(value, operands, tuple(pullbacks))

    return apply


def gradients(output: Tensor, inputs: Sequence[Tensor], seed: Any = None) -> list[Array]:
    """Return the gradient of `output` by each of `inputs`, each in the shape of its input.

    `seed` is the gradient that flows into `output`; without it the output must hold a single number, and 1 flows in.
    An input that the output does not depend on has a gradient of zeros. Every node is visited once, without recursion.
    Raises ValueError where a seed is needed.
    """
    if seed is None:
        if output.value.size != 1:
            raise ValueError(f"The output has shape {output.shape}, not one number. Give a seed of that shape.")
        seed = np.ones(output.shape, output.dtype)
    first = np.asarray(seed)
    flowing: dict[int, Array] = {
        id(output): first if first.shape == output.shape else np.broadcast_to(first, output.shape)
    }
    wanted = {id(tensor) for tensor in inputs}
    for node in _newest_first(output):
        gradient = flowing[id(node)] if id(node) in wanted else flowing.pop(id(node))
        for operand, part in zip(node.operands, _pulled_back(node, gradient), strict=True):
            if isinstance(operand, Tensor):
                if getattr(part, "shape", ()) != operand.value.shape:
                    part = unbroadcast(part, operand.value.shape)
                known = flowing.get(id(operand))
                flowing[id(operand)] = part if known is None else known + part
    return [np.asarray(flowing[id(x)]) if id(x) in flowing else np.zeros_like(x.value) for x in inputs]


def _newest_first(output: Tensor) -> list[Tensor]:
    """All that the output was made of and that was made of something itself, each after whatever was made of it."""
    seen, pending, found = {id(output)}, [output], []
    while pending:
        node = pending.pop()
        if node.operands:
            found.append(node)
        for operand in node.operands:
            if isinstance(operand, Tensor) and id(operand) not in seen:
                seen.add(id(operand))
                pending.append(operand)
    found.sort(key=_when_made, reverse=True)
    return found


_when_made = operator.attrgetter("_made")


def _pulled_back(node: Tensor, gradient: Array) -> Sequence[Any]:
    if len(node.pullbacks) == 1:
        parts = node.pullbacks[0](gradient)
        return parts if isinstance(parts, (list, tuple)) else (parts,)
    pairs = zip(node.operands, node.pullbacks, strict=True)
    return [pull(gradient) if isinstance(operand, Tensor) else None for operand, pull in pairs]


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an operand of `shape` was broadcast."""
    gradient = np.asarray(gradient).sum(axis=tuple(range(np.ndim(gradient) - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    summed: Array = gradient.sum(axis=stretched, keepdims=True)
    return np.broadcast_to(summed, shape)


# Arithmetic


@op
def add(a: Any, b: Any) -> Any:
    """a + b, broadcast as numpy does."""
    return np.add(a, b), lambda g: g, lambda g: g


@op
def subtract(a: Any, b: Any) -> Any:
    """a − b, broadcast as numpy does."""
    return np.subtract(a, b), lambda g: g, lambda g: -g


@op
def multiply(a: Any, b: Any) -> Any:
    """a · b, element by element, broadcast as numpy does."""
    return np.multiply(a, b), lambda g: g * b, lambda g: g * a


@op
def divide(a: Any, b: Any) -> Any:
    """a / b, element by element, broadcast as numpy does."""
    y = np.divide(a, b)
    return y, lambda g: g / b, lambda g: -g * y / b


@op
def power(a: Any, b: Any) -> Any:
    """a to the power b, element by element. The gradient by b is 0 where a is 0."""
    y = np.power(a, b)
    # Adding 1 where a factor is 0 keeps 0 to the power −1 and log 0 away; the results there are multiplied by 0.
    return y, lambda g: g * b * np.power(a, b - 1 + (b == 0)), lambda g: g * y * np.log(a + (a == 0))


@op
def negative(a: Any) -> Any:
    """−a."""
    return np.negative(a), lambda g: -g


@op
def matmul(a: Any, b: Any) -> Any:
    """The matrix product of operands with any number of axes, as numpy's `@`: leading axes are broadcast."""
    a, b = np.asarray(a), np.asarray(b)
    rows = a[None, :] if a.ndim == 1 else a
    columns = b[:, None] if b.ndim == 1 else b

    def matrix(g: Any) -> Any:
        g = g[..., None] if b.ndim == 1 else g
        return g[..., None, :] if a.ndim == 1 else g

    def by_b(g: Any) -> Any:
        part = np.swapaxes(rows, -1, -2) @ matrix(g)
        return part[..., 0] if b.ndim == 1 else part

    return a @ b, lambda g: matrix(g) @ np.swapaxes(columns, -1, -2), by_b


@op
def linear(x: Any, weight: Any, bias: Any) -> Any:
    """x @ weight + bias for x of shape (…, inputs), weight (inputs, units) and bias (units,), as one node."""
    rows = x.reshape(-1, x.shape[-1])

    def back(g: Any) -> Any:
        columns = g.reshape(-1, g.shape[-1])
        return (columns @ weight.T).reshape(x.shape), rows.T @ columns, columns.sum(axis=0)

    return (rows @ weight + bias).reshape(*x.shape[:-1], weight.shape[-1]), back


# Shape


@op
def take(a: Any, *, index: Any) -> Any:
    """a[index], for any index that numpy takes; an element taken twice receives both gradients."""

    parts = index if isinstance(index, tuple) else (index,)
    once = all(part is None or part is Ellipsis or isinstance(part, (int, slice)) for part in parts)

    def back(g: Any) -> Any:
        spread = np.zeros(a.shape, g.dtype)
        if once:
            spread[index] = g
        else:
            np.add.at(spread, index, g)
        return spread

    return a[index], back


@op
def reshape(a: Any, *, shape: tuple[int, ...]) -> Any:
    """The same elements in another shape."""
    return a.reshape(shape), lambda g: g.reshape(a.shape)


@op
def transpose(a: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """The axes in another order; reversed where none is given."""
    back = None if axes is None else tuple(np.argsort(np.array(axes) % a.ndim))
    return np.transpose(a, axes), lambda g: np.transpose(g, back)


@op
def _stack(*parts: Any, axis: int) -> Any:
    return np.stack(parts, axis), lambda g: list(np.moveaxis(g, axis, 0))


def stack(parts: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis."""
    return _stack(*parts, axis=axis)


@op
def _concatenate(*parts: Any, axis: int) -> Any:
    ends = np.cumsum([np.shape(part)[axis] for part in parts])[:-1]
    return np.concatenate(parts, axis), lambda g: np.split(g, ends, axis)


def concatenate(parts: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors along an axis they have."""
    return _concatenate(*parts, axis=axis)


# Sums


def _spread(g: Any, axis: Axes, keepdims: bool) -> Any:
    """Give a reduced gradient back the axes that were summed away."""
    return g if axis is None or keepdims else np.expand_dims(g, axis)


@op
def sum(a: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """The sum over all elements, or over the given axes."""
    return np.sum(a, axis=axis, keepdims=keepdims), lambda g: np.broadcast_to(_spread(g, axis, keepdims), a.shape)


@op
def mean(a: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """The mean over all elements, or over the given axes."""
    y = np.mean(a, axis=axis, keepdims=keepdims)
    return y, lambda g: np.broadcast_to(_spread(g, axis, keepdims) * (y.size / a.size), a.shape)


@op
def max(a: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """The largest element, over all or the given axes; equal largest elements share the gradient."""
    largest = np.max(a.real, axis=axis, keepdims=True)
    chosen = a.real == largest
    count = np.sum(chosen, axis=axis, keepdims=True, dtype=largest.dtype)
    y = np.sum(np.where(chosen, a, 0) / count, axis=axis, keepdims=keepdims)
    return y, lambda g: np.where(chosen, _spread(g, axis, keepdims) / count, 0)


@op
def logsumexp(a: Any, *, axis: Axes = -1, keepdims: bool = False) -> Any:
    """log Σ exp(a) over the given axes, without overflow: the largest element is taken out before."""
    largest = np.max(a.real, axis=axis, keepdims=True)
    parts = np.exp(a - largest)
    total = np.sum(parts, axis=axis, keepdims=True)
    y = np.log(total) + largest
    return y if keepdims else np.squeeze(y, axis), lambda g: _spread(g, axis, keepdims) * (parts / total)


@op
def softmax(a: Any, *, axis: int = -1) -> Any:
    """exp(a) / Σ exp(a) along an axis; each row's own largest element is taken out before."""
    parts = np.exp(a - np.max(a.real, axis=axis, keepdims=True))
    y = parts / np.sum(parts, axis=axis, keepdims=True)
    return y, lambda g: y * (g - np.sum(g * y, axis=axis, keepdims=True))


# Elementwise functions. Each is written so that it also holds for complex operands, by which the gradients are proven.


@op
def exp(a: Any) -> Any:
    """e to the power a."""
    y = np.exp(a)
    return y, lambda g: g * y


@op
def log(a: Any) -> Any:
    """The natural logarithm; −∞ at 0, NaN below, as numpy says."""
    return np.log(a), lambda g: g / a


@op
def sqrt(a: Any) -> Any:
    """The square root; its gradient at 0 is infinite."""
    y = np.sqrt(a)
    return y, lambda g: g / (2 * y)


@op
def tanh(a: Any) -> Any:
    """The hyperbolic tangent."""
    y = np.tanh(a)
    return y, lambda g: g * (1 - y * y)


@op
def sigmoid(a: Any) -> Any:
    """1 / (1 + e⁻ᵃ), written with tanh so that no argument overflows."""
    y = 0.5 + 0.5 * np.tanh(0.5 * a)
    return y, lambda g: g * y * (1 - y)


@op
def relu(a: Any) -> Any:
    """max(a, 0); the gradient at 0 is 0."""
    # Asked this way, what is no number passes.
    cut = a.real <= 0
    return np.where(cut, 0, a), lambda g: np.where(cut, 0, g)


@op
def absolute(a: Any) -> Any:
    """|a|; the gradient at 0 is 0."""
    sign = np.sign(a.real)
    return a * sign, lambda g: g * sign


@op
def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b. The condition is a constant."""
    return (
        np.where(condition, a, b),
        lambda g: np.zeros(np.shape(condition)),
        lambda g: np.where(condition, g, 0),
        lambda g: np.where(condition, 0, g),
    )
