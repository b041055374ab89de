"""Ticks: the few round numbers that an axis shows."""

import math
from typing import NamedTuple

from zen_gui.plots import numbers

MOST = 7


class Tick(NamedTuple):
    """A place on the axis (an exponent of ten on a logarithmic one) and what is written there."""

    place: float
    text: str


def linear(low: float, high: float, most: int = MOST, *, whole: bool = False) -> list[Tick]:
    """Multiples of 1, 2, 2.5 or 5 × 10ⁿ between `low` and `high`; `whole` keeps to integers."""
    step = _step(high - low, most, whole)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Where digits run out (a wide offset, a narrow range), neighbours would read the same: keep the first of them.
    texts = {numbers.at_step(n * step, step): n * step for n in range(last, first - 1, -1)}
    return sorted(Tick(place, text) for text, place in texts.items())


def logarithmic(low: float, high: float, most: int = MOST) -> list[Tick]:
    """Powers of ten between the exponents `low` and `high`; fewer than two of them and 2 and 5 join in."""
    every = max(1, math.ceil((math.floor(high) - math.ceil(low) + 1) / most))
    powers = [n for n in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1) if n % every == 0]
    if len(powers) >= 2:
        return [Tick(n, numbers.power_of_ten(n)) for n in powers]
    places = [
        (n + math.log10(factor), factor * 10.0**n)
        for n in range(math.floor(low), math.ceil(high) + 1)
        for factor in (1, 2, 5)
    ]
    return [Tick(place, numbers.brief(value)) for place, value in places if low - 1e-9 <= place <= high + 1e-9]


def _step(span: float, most: int, whole: bool) -> float:
    """The least round step with at most `most` multiples in any stretch of this length."""
    wanted = max(span / most, 0.5) if whole else span / most
    power = 10.0 ** math.floor(math.log10(wanted))
    steps = (factor * power for factor in (1, 2, 2.5, 5, 10, 20))
    return next(step for step in steps if step > wanted * (1 + 1e-6) and (not whole or step == round(step)))
