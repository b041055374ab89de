"""Curves: where samples come from, and how a series is scaled, split and cut into windows."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from zen_core.autodiff import Array
from zen_core.component import Component, Numbers, Remedy, SpecError, hyper
from zen_core.expression import parse

parsed = functools.lru_cache(maxsize=128)(parse)

_PACKAGE = Path(__file__).resolve().parent
# An installed wheel carries the recordings inside the package; a checkout has them beside it.
_ASSETS = next(folder for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets") if folder.is_dir())

RECORDINGS: Mapping[str, Path] = MappingProxyType(
    {path.stem.partition("-")[0]: path for path in sorted((_ASSETS / "curves").glob("*.csv"))}
)
"""The recorded series that ship, by name; SOURCES.md beside them tells where they come from."""


class Curve(Component, abstract=True):
    """A source of samples. A new curve is a subclass with one method, `values`."""

    def values(self, count: int) -> Array:
        """Return the first `count` samples without noise, shape (count,), float64.

        A longer stretch begins with the shorter one. A curve that ends (a recording) returns what it has.
        """
        raise AssertionError(f"{type(self).__name__} has no samples")


class Formula(Curve):
    """A formula in x, at x = start, start + step, start + 2 step, …"""

    expression: str = hyper(
        "sin(x)*cos(x)", help="A formula in x. Other single letters are numbers that you set.", usual="a*sin(b*x)"
    )
    letters: Numbers = hyper(Numbers(), help="The value of each free letter of the formula.")
    start: float = hyper(0.0, -1e6, 1e6, help="The x of the first sample.", unit="x")
    step: float = hyper(
        0.125,
        1e-6,
        1e3,
        log=True,
        unit="x",
        help="How far x moves from one sample to the next.",
        usual="20 to 50 samples a period",
        few="A window sees only a scrap of a period.",
        many="The samples jump over the curve's shape.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            free = parsed(self.expression).free
        except SpecError as error:
            error.path = "expression"
            raise
        object.__setattr__(self, "letters", Numbers({letter: self.letters.get(letter, 1.0) for letter in free}))

    def values(self, count: int) -> Array:
        samples: Array = parsed(self.expression)(self.start + self.step * np.arange(count), **self.letters)
        return samples


class Recorded(Curve):
    """A recorded series, one sample a row, as far as it goes. Rows without a value at either end are left out."""

    series: str = hyper("sunspots", choices=tuple(RECORDINGS), help="Which recording.")
    gaps: str = hyper(
        "interpolate",
        choices=("interpolate", "refuse"),
        help="What to do where a value is missing: draw a straight line between its neighbours, or stop.",
    )

    def values(self, count: int) -> Array:
        """Raises SpecError where a value is missing among the first `count` and gaps are refused."""
        recording = recorded(RECORDINGS[self.series])
        missing = np.isnan(recording.values)
        refused = np.flatnonzero(missing[:count])
        if len(refused) and self.gaps == "refuse":
            rows = ", ".join(recording.labels[row] for row in refused[:5])
            raise SpecError(
                f"{self.series} has no value in {len(refused)} of the first {min(count, len(missing)):,} rows: "
                f"{rows}{', …' * (len(refused) > 5)}. Set gaps to interpolate.",
                path="curve.gaps",
                remedy=Remedy("Interpolate the gaps", "curve.gaps", "interpolate"),
            )
        rows_known = np.flatnonzero(~missing)
        samples: Array = np.interp(np.arange(len(missing)), rows_known, recording.values[rows_known])
        return samples[:count]


class Recording(NamedTuple):
    """A recorded series from its first value to its last: `values` (n,), NaN where one is missing between them, and
    what each row is called."""

    labels: tuple[str, ...]
    values: Array


@functools.lru_cache(maxsize=16)
def recorded(path: Path) -> Recording:
    """Read a recording: a CSV file with a header and two columns, a row's label and its value, empty in a gap."""
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    values = np.array([float(value or "nan") for _, value in rows])
    known = np.flatnonzero(~np.isnan(values))
    measured = slice(known[0], known[-1] + 1)
    values = values[measured]
    values.flags.writeable = False
    return Recording(tuple(label for label, _ in rows[measured]), values)


class Scaler(NamedTuple):
    """A linear map between the curve's units and the network's: scaled = (value − centre) / scale."""

    centre: float
    scale: float

    def forth(self, values: Array) -> Array:
        """Curve's units → network's units."""
        return (values - self.centre) / self.scale

    def back(self, scaled: Array) -> Array:
        """Network's units → curve's units, in float64."""
        return np.asarray(scaled, np.float64) * self.scale + self.centre


AS_IT_IS = Scaler(0.0, 1.0)


class Scaling(Component, abstract=True):
    """How the samples are scaled for the network. A new scaling is a subclass with one method, `fit`."""

    def fit(self, training: Array) -> Scaler:
        """Return the map found on the training part alone, so that nothing of the future leaks into it."""
        raise AssertionError(f"{type(self).__name__} has no equation")


class Unscaled(Scaling):
    """The samples as they are. A last layer of Tanh or Sigmoid cannot reach beyond its own range."""

    def fit(self, training: Array) -> Scaler:
        return AS_IT_IS


class Standard(Scaling):
    """Mean 0 and standard deviation 1 over the training part. A constant curve is only centred."""

    def fit(self, training: Array) -> Scaler:
        # Rounding leaves the deviation of a constant curve a little above 0.
        deviation = float(training.std()) if np.ptp(training) else 0.0
        return Scaler(float(training.mean()), deviation or 1.0)


class MinMax(Scaling):
    """The range of the training part becomes −1 to 1. A constant curve is only centred."""

    def fit(self, training: Array) -> Scaler:
        low, high = float(training.min()), float(training.max())
        return Scaler((low + high) / 2, (high - low) / 2 or 1.0)


@dataclass(frozen=True, eq=False)
class Series:
    """The samples of an experiment and their chronological split. All arrays are float64, in the curve's units.

    `values` (n,) is what the network sees; `clean` (n,) the same without noise, None where it is not known; `beyond`
    (k,) the curve without noise after the data's end, as far as it is known and asked for. Sample indices: training is
    [0, train_end), validation [train_end, test_start), test [test_start, n). A window belongs to the part in which its
    target lies. `scaler` was fitted on the training part.
    """

    values: Array
    clean: Array | None
    beyond: Array
    train_end: int
    test_start: int
    window: int
    scaler: Scaler = AS_IT_IS

    def __post_init__(self) -> None:
        for array in (self.values, self.clean, self.beyond):
            if array is not None:
                array.flags.writeable = False

    @property
    def truth(self) -> Array:
        """What forecasts are held against, (n + k,): without noise where that is known, and on beyond the data."""
        return np.concatenate([self.values if self.clean is None else self.clean, self.beyond])

    @property
    def amplitude(self) -> float:
        """Half of max − min of the training part, without noise where that is known."""
        training = self.truth[: self.train_end]
        return float(training.max() - training.min()) / 2


def windows(values: Array, window: int) -> tuple[Array, Array]:
    """Cut a series (n,) into inputs (n − window, window, 1) and targets (n − window, 1).

    Input i holds the samples i … i + window − 1; its target is sample i + window. The inputs are a view.
    """
    inputs = np.lib.stride_tricks.sliding_window_view(values[:-1], window)
    return inputs[:, :, None], values[window:, None]
