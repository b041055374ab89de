"""The strokes of a curve: points in pixels become short straight pieces that are cheap to draw.

Pieces are an array (m, 4) of x₀, y₀, x₁, y₁ ordered from left to right. Dashes are missing pieces, because a dashed
pen would start its pattern anew at each of them.
"""

import numpy as np

from zen_gui.plots.mapping import FloatArray

# A piece that falls less than this many pixels has no crossing worth dividing for.
_FLAT = 1e-9
# Pieces overlap by so many pixels at either end, but never by more than this share of their length.
_SEAM, _LONGEST_SEAM = 0.5, 0.25


def thinned(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """At most two points in each pixel column, its least and its greatest; `x` ascends. NaN counts only alone."""
    if len(x) < 3:
        return x, y
    columns = np.floor(x)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    ends = np.append(starts[1:], len(x))
    if (ends - starts).max() <= 2:
        return x, y
    least, greatest = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    falls = y[starts] > y[ends - 1]
    both = np.where(falls, (greatest, least), (least, greatest))
    # Side by side rather than one above the other: a slope stays a slope instead of becoming a stair.
    return np.add.outer(columns[starts], (0.25, 0.75)).ravel(), both.T.ravel()


def pieces(x: FloatArray, y: FloatArray) -> FloatArray:
    """The straight pieces between neighbouring points; a NaN leaves a gap."""
    joined = np.isfinite(y[:-1]) & np.isfinite(y[1:])
    joined &= (x[:-1] != x[1:]) | (y[:-1] != y[1:])
    return np.column_stack((x[:-1], y[:-1], x[1:], y[1:]))[joined]


def clipped(strokes: FloatArray, top: float, bottom: float) -> FloatArray:
    """Only what lies between two heights, cut exactly where it crosses them."""
    x0, y0, x1, y1 = strokes.T
    if not len(strokes) or (min(y0.min(), y1.min()) >= top and max(y0.max(), y1.max()) <= bottom):
        return strokes
    fall = y1 - y0
    flat = np.abs(fall) < _FLAT
    safe = np.where(flat, 1.0, fall)
    at_top, at_bottom = (top - y0) / safe, (bottom - y0) / safe
    enters = np.where(flat, 0.0, np.clip(np.minimum(at_top, at_bottom), 0.0, 1.0))
    leaves = np.where(flat, 1.0, np.clip(np.maximum(at_top, at_bottom), 0.0, 1.0))
    inside = np.where(flat, (y0 >= top) & (y0 <= bottom), enters < leaves)
    return np.column_stack((x0 + enters * (x1 - x0), y0 + enters * fall, x0 + leaves * (x1 - x0), y0 + leaves * fall))[
        inside
    ]


def overlapping(strokes: FloatArray) -> FloatArray:
    """The same pieces a touch longer, so that no seam shows where two smooth ends meet."""
    x0, y0, x1, y1 = strokes.T
    longer = np.minimum(_SEAM / np.maximum(np.hypot(x1 - x0, y1 - y0), _SEAM), _LONGEST_SEAM)
    across, down = longer * (x1 - x0), longer * (y1 - y0)
    return np.column_stack((x0 - across, y0 - down, x1 + across, y1 + down))


def dashed(strokes: FloatArray, pattern: tuple[float, ...]) -> FloatArray:
    """The inked parts after laying `pattern` (pixels on, off, …) along the strokes."""
    if not len(strokes):
        return strokes
    x0, y0, x1, y1 = strokes.T
    lengths = np.hypot(x1 - x0, y1 - y0)
    ends = np.cumsum(lengths)
    turns = np.cumsum(pattern)
    period, total = turns[-1], ends[-1]
    edges = (np.arange(0.0, total, period)[:, None] + turns).ravel()
    cuts = np.sort(np.concatenate(([0.0], ends, edges[edges < total])))
    middles = (cuts[:-1] + cuts[1:]) / 2
    inked = np.searchsorted(turns, middles % period, side="right") % 2 == 0
    piece = np.searchsorted(ends, middles[inked])
    start = ends[piece] - lengths[piece]
    from_share = (cuts[:-1][inked] - start) / lengths[piece]
    to_share = (cuts[1:][inked] - start) / lengths[piece]
    across, down = (x1 - x0)[piece], (y1 - y0)[piece]
    return np.column_stack(
        (
            x0[piece] + from_share * across,
            y0[piece] + from_share * down,
            x0[piece] + to_share * across,
            y0[piece] + to_share * down,
        )
    )
