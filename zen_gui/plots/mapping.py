"""Where a value stands in a plot: data become pixels, and pixels data."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Far outside of any plot, yet small enough for exact arithmetic: infinite pixels have no place to stand.
_FAR = 1e7


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """One view of the data: `left … right` and `low … high` fill `width` × `height` logical pixels.

    With `log_y`, `low` and `high` are exponents of ten. `home_low` and `home_high` are the range without zoom.
    """

    left: float
    right: float
    low: float
    high: float
    width: float
    height: float
    home_low: float
    home_high: float
    log_y: bool = False

    def x(self, value: float) -> float:
        """Pixels from the left edge."""
        return _near((value - self.left) / (self.right - self.left) * self.width)

    def y(self, value: float) -> float:
        """Pixels from the top edge; NaN where the value has no place on the axis."""
        return float(self.ys(np.array([value]))[0])

    def xs(self, values: FloatArray) -> FloatArray:
        """Pixels from the left edge, for many values."""
        return (values - self.left) * (self.width / (self.right - self.left))

    def ys(self, values: FloatArray) -> FloatArray:
        """Pixels from the top edge, for many values; what is not finite becomes NaN."""
        with np.errstate(all="ignore"):
            usable = np.isfinite(values) & (values > 0) if self.log_y else np.isfinite(values)
            places = np.where(usable, values, np.nan)
            if self.log_y:
                places = np.log10(places)
            pixels = (self.high - places) * (self.height / (self.high - self.low))
            # The order matters: a finite value may overflow to an infinite pixel.
            return np.clip(pixels, -_FAR, _FAR)

    def value_at(self, x: float) -> float:
        """The data's x at this many pixels from the left edge."""
        return self.left + x / self.width * (self.right - self.left)


def _near(pixels: float) -> float:
    return math.nan if math.isnan(pixels) else min(max(pixels, -_FAR), _FAR)
