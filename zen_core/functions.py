"""Functions: what a formula may call, the constants it knows, and what to make of a name that is neither."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from zen_core.component import suggestion


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one or more float64 arrays, elementwise; it returns float64 and never raises on values.

    Where `variadic`, it takes any number of arguments from `arity` on: `apply` takes `arity` of them and is folded over
    the rest.
    """

    name: str
    parameters: tuple[str, ...]
    help: str
    apply: Callable[..., Any]
    variadic: bool = False

    @property
    def arity(self) -> int:
        """The number of arguments, the smallest one where `variadic`."""
        return len(self.parameters)

    @property
    def signature(self) -> str:
        """How it is written, as in `atan2(y, x)`."""
        return f"{self.name}({', '.join(self.parameters + ('…',) * self.variadic)})"


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with a name."""

    name: str
    value: np.float64
    help: str


def compare(relation: np.ufunc, left: Any, right: Any) -> Any:
    """Return 1.0 where the relation holds and 0.0 elsewhere, so that truth can be multiplied and added."""
    return relation(left, right).astype(np.float64)


def _where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.not_equal(condition, 0.0), a, b)


def _gauss(x: Any) -> Any:
    return np.exp(-np.square(x))


# The waves take the form that keeps a NaN a NaN, and whose rounding cannot leave [−1, 1].


def _square(x: Any) -> Any:
    return 1.0 - 2.0 * np.mod(np.floor(x / np.pi), 2.0)


def _saw(x: Any) -> Any:
    turns = x / (2.0 * np.pi)
    return 2.0 * (turns - np.floor(turns + 0.5))


def _tri(x: Any) -> Any:
    turns = x / (2.0 * np.pi) - 0.25
    return 1.0 - 4.0 * np.abs(turns - np.rint(turns))


def _step(x: Any) -> Any:
    return np.heaviside(x, 1.0)


_X = ("x",)

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.name: function
        for function in (
            Function("sin", _X, "Sine; x in radians.", np.sin),
            Function("cos", _X, "Cosine; x in radians.", np.cos),
            Function("tan", _X, "Tangent; x in radians.", np.tan),
            Function("asin", _X, "Angle in radians whose sine is x, for x from −1 to 1.", np.arcsin),
            Function("acos", _X, "Angle in radians whose cosine is x, for x from −1 to 1.", np.arccos),
            Function("atan", _X, "Angle in radians whose tangent is x.", np.arctan),
            Function("atan2", ("y", "x"), "Angle in radians of the point (x, y), from −π to π.", np.arctan2),
            Function("sinh", _X, "Hyperbolic sine.", np.sinh),
            Function("cosh", _X, "Hyperbolic cosine.", np.cosh),
            Function("tanh", _X, "Hyperbolic tangent: a soft step from −1 to 1.", np.tanh),
            Function("exp", _X, "e to the power of x.", np.exp),
            Function("log", _X, "Natural logarithm, the same as ln.", np.log),
            Function("ln", _X, "Natural logarithm.", np.log),
            Function("log2", _X, "Logarithm to base 2.", np.log2),
            Function("log10", _X, "Logarithm to base 10.", np.log10),
            Function("sqrt", _X, "Square root, for x from 0 on.", np.sqrt),
            Function("cbrt", _X, "Cube root, negative for negative x.", np.cbrt),
            Function("abs", _X, "Absolute value, the same as |x|.", np.abs),
            Function("sign", _X, "−1 for negative x, 0 for zero, 1 for positive x.", np.sign),
            Function("floor", _X, "Greatest whole number that is not above x.", np.floor),
            Function("ceil", _X, "Smallest whole number that is not below x.", np.ceil),
            Function("round", _X, "Nearest whole number; halves go to the even one.", np.rint),
            Function("mod", ("a", "b"), "Remainder of a / b, with the sign of b.", np.mod),
            Function("min", ("a", "b"), "Smallest of two or more values.", np.minimum, variadic=True),
            Function("max", ("a", "b"), "Greatest of two or more values.", np.maximum, variadic=True),
            Function("sinc", _X, "sin(πx) / (πx), with 1 at zero.", np.sinc),
            Function("gauss", _X, "Bell curve exp(−x²): height 1 at zero.", _gauss),
            Function("square", _X, "Square wave with period 2π: 1 on [0, π), −1 on [π, 2π).", _square),
            Function(
                "saw", _X, "Sawtooth wave with period 2π: 0 at 0, rising to 1 just before π, back to −1 at π.", _saw
            ),
            Function("tri", _X, "Triangle wave with period 2π: 0 at 0, 1 at π/2, −1 at 3π/2.", _tri),
            Function("step", _X, "0 for negative x, 1 from zero on.", _step),
            Function("where", ("condition", "a", "b"), "a where the condition holds (is not 0), b elsewhere.", _where),
        )
    }
)

CONSTANTS: Mapping[str, Constant] = MappingProxyType(
    {
        constant.name: constant
        for constant in (
            Constant("pi", np.float64(np.pi), "Half a turn in radians: 3.14159…"),
            Constant("π", np.float64(np.pi), "The same as pi."),
            Constant("e", np.float64(np.e), "Base of the natural logarithm: 2.71828…"),
        )
    }
)


def reads_as_product(name: str) -> bool:
    """Return whether letters typed together read as factors side by side, as `ax` does in a*x.

    Two letters with an x do, `mx` as well, near as it is to max; of three, those that are no mistyped function.
    """
    if "x" not in name or not name.isalpha() or name in FUNCTIONS:
        return False
    return len(name) == 2 or (len(name) == 3 and not any(_within_one_edit(name, known) for known in FUNCTIONS))


def remedy_for_name(name: str, called: bool) -> str:
    """Return what to write instead of an unknown name, as sentences that each begin with a space."""
    if numbered := re.fullmatch("([A-Za-z])([0-9]{1,9})", name):
        letter, digits = numbered.groups()
        return f" Write {letter}*{digits} to multiply or {letter}^{digits} for a power."
    if name.endswith("x"):
        for stem in (name[:-1], name[:-1].rstrip("0123456789")):
            if stem in FUNCTIONS:
                return f" Did you mean '{stem}({name[len(stem) :]})'?"
    if name.startswith("x") and name[1:] in FUNCTIONS:
        return f" Did you mean 'x*{name[1:]}'?"
    remedy = suggestion(name, (*FUNCTIONS, "pi"))
    if name.isalpha() and (len(name) == 2 or (len(name) == 3 and "x" in name and not called)):
        remedy += f" Write {'*'.join(name)} to multiply."
    return remedy or " Use x, single letters, and functions such as sin(x)."


def _within_one_edit(name: str, known: str) -> bool:
    """Whether adding, dropping or changing at most one letter makes one name the other."""
    common = 0
    while common < min(len(name), len(known)) and name[common] == known[common]:
        common += 1
    rest, known_rest = name[common:], known[common:]
    return rest[1:] == known_rest[1:] or rest[1:] == known_rest or rest == known_rest[1:]
