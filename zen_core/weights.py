"""Weights: all the numbers a network learns as one vector, and which part of it belongs to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from zen_core.autodiff import Array

Shape = tuple[int, ...]


class Weight(NamedTuple):
    """A weight that a layer asks for: its shape, and the number of inputs of the linear map it belongs to."""

    shape: Shape
    inputs: int


class Weighted(Protocol):
    """What a layout needs to know of a layer."""

    def weights(self, features: int) -> Mapping[str, Weight]: ...

    def output_shape(self, shape: Shape) -> Shape: ...


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
    shape after each layer, without the batch. Raises SpecError where a layer cannot take what the one before it gives.
    """

    def __init__(self, layers: Sequence[Weighted], shape: Shape) -> None:
        self.shapes: list[Shape] = []
        self.parts: list[Part] = []
        self.depth = len(layers)
        start = 0
        for index, layer in enumerate(layers):
            for name, weight in layer.weights(shape[-1]).items():
                stop = start + int(np.prod(weight.shape))
                self.parts.append(Part(index, name, weight, start, stop))
                start = stop
            shape = layer.output_shape(shape)
            self.shapes.append(shape)
        self.size = start

    def count(self, layer: int) -> int:
        """The number of weights of one layer."""
        return sum(part.stop - part.start for part in self.parts if part.layer == layer)

    def initial(self, generator: np.random.Generator, dtype: str) -> Array:
        """Draw the first weights, uniform in ±1/√(inputs of their linear map), in the order of the parts."""
        vector = np.empty(self.size, dtype)
        for part in self.parts:
            bound = 1 / np.sqrt(part.weight.inputs)
            vector[part.start : part.stop] = generator.uniform(-bound, bound, part.stop - part.start)
        vector.flags.writeable = False
        return vector

    def split(self, vector: Array) -> list[dict[str, Array]]:
        """Return, for each layer, its weights by name: views of the vector in their own shapes."""
        layers: list[dict[str, Array]] = [{} for _ in range(self.depth)]
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
