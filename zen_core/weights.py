"""Weights: all the numbers a network learns as one vector, and which part of it belongs to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from zen_core.autodiff import Array
from zen_core.component import Component, SpecError

Shape = tuple[int, ...]


class Weight(NamedTuple):
    """A weight that a layer asks for: its shape, the number of inputs of the linear map it belongs to, and whether it
    is the matrix that leads from a state to the next one, (hidden, n · hidden) for n gates side by side."""

    shape: Shape
    inputs: int
    recurrent: bool = False


class Initial(Component, abstract=True):
    """How first weights are drawn. A new way is a subclass with one method, `draw`."""

    def draw(self, weight: Weight, generator: np.random.Generator) -> Array:
        """Return the first value of a weight, in its shape."""
        raise AssertionError(f"{type(self).__name__} has no equation")


class Uniform(Initial):
    """Weights and biases uniform in ±1/√inputs, the inputs being those of their linear map; PyTorch does it for Linear.

    Y. LeCun et al. (1998), Efficient backprop, has the same width up to a factor √3.
    """

    def draw(self, weight: Weight, generator: np.random.Generator) -> Array:
        bound = 1 / np.sqrt(weight.inputs)
        return generator.uniform(-bound, bound, weight.shape)


class Xavier(Initial):
    """Matrices uniform in ±√(6 / (inputs + outputs)), all gates of a cell together, as in Keras; biases 0.

    X. Glorot and Y. Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, AISTATS.
    """

    def draw(self, weight: Weight, generator: np.random.Generator) -> Array:
        if len(weight.shape) == 1:
            return np.zeros(weight.shape)
        inputs, outputs = weight.shape
        bound = np.sqrt(6 / (inputs + outputs))
        return generator.uniform(-bound, bound, weight.shape)


class Orthogonal(Xavier):
    """The matrix from a state to the next one is orthogonal, WᵀW = 1, for each gate: it neither shrinks nor stretches.
    Other matrices and biases as by Xavier.

    A.M. Saxe, J.L. McClelland and S. Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, arXiv:1312.6120.
    """

    def draw(self, weight: Weight, generator: np.random.Generator) -> Array:
        if not weight.recurrent:
            return super().draw(weight, generator)
        hidden, columns = weight.shape
        gates = []
        for _ in range(columns // hidden):
            q, r = np.linalg.qr(generator.standard_normal((hidden, hidden)))
            # Without the signs, the factors are not spread evenly over all orthogonal matrices.
            gates.append(q * np.sign(np.diag(r)))
        return np.concatenate(gates, axis=1)


class Weighted(Protocol):
    """What a layout needs to know of a layer."""

    def weights(self, features: int) -> Mapping[str, Weight]: ...

    def output_shape(self, shape: Shape) -> Shape: ...

    def kept(self, shape: Shape) -> int: ...


class Part(NamedTuple):
    """A stretch of the vector: the weight `name` of layer number `layer`."""

    layer: int
    name: str
    weight: Weight
    start: int
    stop: int


class Layout:
    """Where each weight of a stack stands in the vector that holds them all.

    `shape` is the shape of one sample as the first layer gets it, (steps, features) or (features,). `shapes` lists the
    shape after each layer, without the batch; `kept` counts the numbers that a forward pass keeps of one sample. A
    `highway` of k samples is a linear map beside the layers, from the last
    k samples of the window to the output: its weights come last, as if it were one more layer. Raises SpecError where a
    layer cannot take what the one before it gives.
    """

    def __init__(self, layers: Sequence[Weighted], shape: Shape, highway: int = 0) -> None:
        self.shapes: list[Shape] = []
        self.parts: list[Part] = []
        self.shape = shape
        self.depth = len(layers)
        self.highway = highway
        start = 0
        wanted = []
        kept = int(np.prod(shape))
        for layer in layers:
            wanted.append(layer.weights(shape[-1]))
            kept += layer.kept(shape)
            shape = layer.output_shape(shape)
            self.shapes.append(shape)
        if highway and (self.shape[-1], shape) != (1, (1,)):
            raise SpecError("A highway leads from one feature to one output. Use 0, which is none.", path="highway")
        if highway:
            wanted.append({"weight": Weight((highway, 1), highway), "bias": Weight((1,), highway)})
        for index, weights in enumerate(wanted):
            for name, weight in weights.items():
                stop = start + int(np.prod(weight.shape))
                self.parts.append(Part(index, name, weight, start, stop))
                start = stop
        self.size = start
        self.kept = kept

    def count(self, layer: int) -> int:
        """The number of weights of one layer."""
        return sum(part.stop - part.start for part in self.parts if part.layer == layer)

    def initial(self, generator: np.random.Generator, dtype: str, initial: Initial | None = None) -> Array:
        """Draw the first weights, in the order of the parts; uniform ones if not told otherwise."""
        vector = np.empty(self.size, dtype)
        for part in self.parts:
            vector[part.start : part.stop] = (initial or Uniform()).draw(part.weight, generator).reshape(-1)
        vector.flags.writeable = False
        return vector

    def split(self, vector: Array) -> list[dict[str, Array]]:
        """Return each layer's weights by name, as views of the vector in their own shapes; a highway's come last."""
        layers: list[dict[str, Array]] = [{} for _ in range(self.depth + (self.highway > 0))]
        for part in self.parts:
            layers[part.layer][part.name] = vector[part.start : part.stop].reshape(part.weight.shape)
        return layers

    def join(self, pieces: Sequence[Array], dtype: np.dtype[Any]) -> Array:
        """Return arrays that stand in the order of the parts (gradients, say) as one vector."""
        vector = np.empty(self.size, dtype)
        for part, piece in zip(self.parts, pieces, strict=True):
            vector[part.start : part.stop] = piece.reshape(-1)
        return vector

    def owner(self, position: int) -> int:
        """The number of the layer to which the weight at `position` of the vector belongs."""
        return next(part.layer for part in self.parts if part.start <= position < part.stop)
