"""Matrix products of any size, in tiles whose sums stay in the processor's registers.

A library's product costs about a microsecond to call, which is more than the product of a small state with its weights
takes. These are called from compiled code, at no cost, and keep up with the library at all sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic

FAST = {"reassoc", "contract", "arcp", "nsz", "afn"}
"""Licences to the compiler. Those that let it assume that no number is a NaN or infinite are not among them: with them
a NaN becomes a harmless number, and a divergence is hidden."""

OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": FAST}

ONE = np.float32(1)
"""Compiled code makes float64 of float32 and a whole number; of float32 and this it makes float32."""

_WIDE = bool(binding.get_host_cpu_features().get("avx512f"))
VECTOR = 64 if _WIDE else 32
"""Bytes of a vector."""

ROWS = 8 if _WIDE else 4
"""Rows of a tile: with two vectors each, their sums fill half of the registers or more, and wait for no other sum."""

DEPTH = 256
"""Rows of b that are multiplied in one go: they stay in the cache while the rows of a pass by."""

_INDEX = ir.IntType(64)
_FLAGS = ("reassoc", "contract", "nsz")


def _tile(rows: int, vectors: int, share: int) -> Any:
    """A compiled product o (rows, columns) = keep · c + Σ_p a[·, p] b[p, ·] with `vectors` vectors as its columns.

    `share` is the part of a vector that is used, 0 for single numbers. Its arguments are four flat arrays with the
    position of the first element and the distance to the next row (and column, of a), the depth, and whether there is
    a c at all.
    """

    @intrinsic
    def tile(
        typing: Any, a: Any, a_at: Any, a_row: Any, a_column: Any, b: Any, b_at: Any, b_row: Any, c: Any, c_at: Any,
        c_row: Any, keep: Any, o: Any, o_at: Any, o_row: Any, depth: Any,
    ) -> Any:  # fmt: skip
        n = types.int64

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, a_at, a_row, a_column, b, b_at, b_row, c, c_at, c_row, keep, o, o_at, o_row, depth = arguments
            number = context.get_value_type(signature.args[0].dtype)
            size = context.get_abi_sizeof(number)
            lanes = VECTOR // size // share if share else 1
            vector = ir.VectorType(number, lanes) if share else number
            zero = ir.Constant(vector, [0.0] * lanes if share else 0.0)

            def data(kind: Any, array: Any) -> Any:
                return context.make_array(kind)(context, builder, array).data

            def at(base: Any, offset: Any, lane: int = 0) -> Any:
                place = builder.gep(base, [builder.add(offset, ir.Constant(_INDEX, lane))])
                return builder.bitcast(place, vector.as_pointer())

            def spread(scalar: Any) -> Any:
                if not share:
                    return scalar
                empty = ir.Constant(vector, ir.Undefined)
                first = builder.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
                return builder.shuffle_vector(
                    first, empty, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
                )

            def places(first: Any, distance: Any) -> list[Any]:
                return [builder.add(first, builder.mul(distance, ir.Constant(_INDEX, row))) for row in range(rows)]

            a, b, c, o = (data(signature.args[i], array) for i, array in ((0, a), (4, b), (7, c), (11, o)))
            a_rows, c_rows, o_rows = places(a_at, a_row), places(c_at, c_row), places(o_at, o_row)
            cells = [(row, column) for row in range(rows) for column in range(vectors)]

            entry = builder.block
            load, begin = builder.append_basic_block("load"), builder.append_basic_block("begin")
            loop, done = builder.append_basic_block("loop"), builder.append_basic_block("done")
            builder.cbranch(builder.icmp_signed("!=", keep, ir.Constant(_INDEX, 0)), load, begin)
            builder.position_at_end(load)
            known = [builder.load(at(c, c_rows[r], v * lanes), align=size) for r, v in cells]
            builder.branch(begin)

            builder.position_at_end(begin)
            firsts = []
            for value in known:
                first = builder.phi(vector)
                first.add_incoming(zero, entry)
                first.add_incoming(value, load)
                firsts.append(first)
            builder.cbranch(builder.icmp_signed(">", depth, ir.Constant(_INDEX, 0)), loop, done)

            builder.position_at_end(loop)
            p = builder.phi(_INDEX)
            p.add_incoming(ir.Constant(_INDEX, 0), begin)
            sums = []
            for first in firsts:
                total = builder.phi(vector)
                total.add_incoming(first, begin)
                sums.append(total)
            b_here, a_here = builder.add(b_at, builder.mul(p, b_row)), builder.mul(p, a_column)
            line = [builder.load(at(b, b_here, v * lanes), align=size) for v in range(vectors)]
            factors = [spread(builder.load(builder.gep(a, [builder.add(place, a_here)]))) for place in a_rows]
            updated = [
                builder.fadd(total, builder.fmul(factors[r], line[v], flags=_FLAGS), flags=_FLAGS)
                for (r, v), total in zip(cells, sums, strict=True)
            ]
            following = builder.add(p, ir.Constant(_INDEX, 1))
            p.add_incoming(following, loop)
            for total, new in zip(sums, updated, strict=True):
                total.add_incoming(new, loop)
            builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

            builder.position_at_end(done)
            results = []
            for first, new in zip(firsts, updated, strict=True):
                result = builder.phi(vector)
                result.add_incoming(first, begin)
                result.add_incoming(new, loop)
                results.append(result)
            for (r, v), result in zip(cells, results, strict=True):
                builder.store(result, at(o, o_rows[r], v * lanes), align=size)
            return context.get_dummy_value()

        return types.void(a, n, n, n, b, n, n, c, n, n, n, o, n, n, n), generate

    return tile


_tall_double, _flat_double = _tile(ROWS, 2, 1), _tile(1, 2, 1)
_tall_single, _flat_single = _tile(ROWS, 1, 1), _tile(1, 1, 1)
_tall_half, _flat_half = _tile(ROWS, 1, 2), _tile(1, 1, 2)
_tall_number, _flat_number = _tile(ROWS, 1, 0), _tile(1, 1, 0)


@intrinsic
def get(typing: Any, a: Any, i: Any) -> Any:
    """a[i], for i from 0. Python counts negative places from the end; looking for them keeps loops from being fast."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.gep(base, [arguments[1]]))

    return a.dtype(a, types.int64), generate


@intrinsic
def put(typing: Any, a: Any, i: Any, value: Any) -> Any:
    """a[i] = value, for i from 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        builder.store(arguments[2], builder.gep(base, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(a, types.int64, a.dtype), generate


@intrinsic
def apart(typing: Any) -> Any:
    """Keep the function in which it stands from being copied into its callers: there are many, and it is long."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


@njit(**OPTIONS)
def product(a, a_at, a_row, a_column, b, b_at, b_row, c, c_at, c_row, keep, o, o_at, o_row, rows, depth, columns, stop):
    """o = keep · c + a b, with a (rows, depth), b (depth, columns), c and o (rows, columns) inside of flat arrays.

    Element (i, p) of a stands at a_at + i a_row + p a_column, so a transposed a costs nothing; the columns of the
    others lie side by side. c may be o, or one row for all (c_row = 0); where `keep` is 0, it is not looked at. Ends
    early, with anything in o, where stop[0] is set.
    """
    apart()
    lanes = VECTOR // o.itemsize
    for p in range(0, max(depth, 1), DEPTH):
        deep = min(DEPTH, depth - p)
        a_here, b_here = a_at + p * a_column, b_at + p * b_row
        if p:
            c, c_at, c_row, keep = o, o_at, o_row, 1
        j = 0
        while j < columns:
            left = columns - j
            if left >= 2 * lanes:
                wide = 2 * lanes
            elif left >= lanes:
                wide = lanes
            elif left >= lanes // 2:
                wide = lanes // 2
            else:
                wide = 1
            i = 0
            while i < rows:
                if stop[0]:
                    return
                x, y, s, z = a_here + i * a_row, b_here + j, c_at + i * c_row + j, o_at + i * o_row + j
                if rows - i >= ROWS:
                    if wide == 2 * lanes:
                        _tall_double(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    elif wide == lanes:
                        _tall_single(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    elif wide == 1:
                        _tall_number(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    else:
                        _tall_half(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    i += ROWS
                else:
                    if wide == 2 * lanes:
                        _flat_double(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    elif wide == lanes:
                        _flat_single(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    elif wide == 1:
                        _flat_number(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    else:
                        _flat_half(a, x, a_row, a_column, b, y, b_row, c, s, c_row, keep, o, z, o_row, deep)
                    i += 1
            j += wide


@njit(**OPTIONS)
def transposed(a, a_at, rows, columns):
    """The transpose of a (rows, columns), which begins at a_at, as a flat array."""
    apart()
    o = np.empty(rows * columns, a.dtype)
    for i in range(rows):
        for j in range(columns):
            put(o, j * rows + i, get(a, a_at + i * columns + j))
    return o


@njit(**OPTIONS)
def column_sums(a, a_at, rows, columns, o, o_at, stop):
    """Write the sum over the rows of a (rows, columns) to o: the product with a row of ones, all of them the same."""
    ones = np.ones(1, a.dtype)
    product(ones, 0, 0, 0, a, a_at, columns, a, 0, 0, 0, o, o_at, columns, 1, rows, columns, stop)


@njit(**OPTIONS)
def linear_forward(x, x_at, w, w_at, bias, bias_at, o, o_at, rows, features, columns, stop):
    """o = x W + bias, for x (rows, features) and W (features, columns)."""
    product(
        x, x_at, features, 1, w, w_at, columns, bias, bias_at, 0, 1, o, o_at, columns, rows, features, columns, stop
    )


@njit(**OPTIONS)
def linear_backward(w, w_at, x, x_at, delta, rows, features, columns, gradient, by_x, wanted, stop):
    """The gradients by W and by the bias that follows it, and by x where it is wanted, from those by x W + bias."""
    apart()
    product(
        x, x_at, 1, features, delta, 0, columns, delta, 0, 0, 0, gradient, w_at, columns, features, rows, columns, stop
    )
    column_sums(delta, 0, rows, columns, gradient, w_at + features * columns, stop)
    if wanted:
        turned = transposed(w, w_at, features, columns)
        product(
            delta, 0, columns, 1, turned, 0, features, delta, 0, 0, 0, by_x, 0, features, rows, columns, features, stop
        )
