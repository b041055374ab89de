"""Expressions: a formula that a person typed becomes a checked, fast function of x and its free letters.

    parse("a*sin(b*x)")(x, a=2.0)

A text is cut into tokens, and a precedence parser (Pratt, "Top down operator precedence", POPL 1973) turns them in one
pass into a postfix program: numbers and letters are pushed onto a stack of arrays, operations replace the topmost ones.
Nothing of the text is ever run as Python: every name is looked up in a table, and the only values are float64.

From loose to tight: comparisons; `+ -`; `* /` and multiplication without a sign, as in `2x` or `(x+1)(x-1)`; the signs
`-x` and `+x`; `^` or `**`, which groups from the right. So `1/2x` is `(1/2)*x`, `-x^2` is `-(x^2)`, and `x²` is `x^2`.

Letters typed together are one name if it is known. Two or three of them with an x are a product, as in `ax` and `2pix`,
unless they look like a function: an opening parenthesis follows, or three letters are one edit away from one (`lnx`).
Every single letter but x and e is a free letter, so `f(x)` is f times x. A Greek letter always stands alone. A leading
`y =` or `f(x) =` is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zen_core.component import SpecError
from zen_core.functions import CONSTANTS, FUNCTIONS, Constant, Function, compare, reads_as_product, remedy_for_name

__all__ = ["CONSTANTS", "FUNCTIONS", "MAX_DEPTH", "MAX_LENGTH", "Constant", "Expression", "Function", "parse"]

MAX_LENGTH = 500
MAX_DEPTH = 64


class _Operation(NamedTuple):
    """A step of a program that replaces the topmost `arity` values by one."""

    apply: Callable[..., Any]
    arity: int


_Step = np.float64 | str | _Operation  # push a number, push a letter, operate


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula, made by `parse`; equal to another if the text is the same.

    `free` holds its free letters in alphabetical order.
    """

    text: str
    free: tuple[str, ...] = field(compare=False)
    _program: tuple[_Step, ...] = field(compare=False, repr=False)

    def __call__(self, x: ArrayLike, /, **letters: float) -> NDArray[np.float64]:
        """Evaluate at `x`, a float64 array of any shape; return a new array of the same shape.

        Free letters that are not given count as 1. Values never raise: NaN and infinities come out where the formula
        has no value. Raises SpecError for a letter that the formula does not have.
        """
        for letter in letters:
            if letter not in self.free:
                has = f"Its free letters are {', '.join(self.free)}." if self.free else "It has no free letters."
                raise SpecError(f"The formula has no free letter '{letter}'. {has}")
        samples = np.asarray(x, dtype=np.float64)
        values: dict[str, Any] = {letter: np.float64(letters.get(letter, 1.0)) for letter in self.free} | {"x": samples}
        stack: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self._program:
                if isinstance(step, _Operation):
                    stack[-step.arity :] = [step.apply(*stack[-step.arity :])]
                else:
                    stack.append(values[step] if isinstance(step, str) else step)
        (result,) = stack
        if isinstance(result, np.ndarray) and result.shape == samples.shape and result is not samples:
            return result
        return np.full(samples.shape, result, dtype=np.float64)


def parse(text: str) -> Expression:
    """Return the expression that `text` spells.

    Raises SpecError, with the character positions `start` < `end` to mark, for anything that is no formula, is longer
    than MAX_LENGTH characters or is nested deeper than MAX_DEPTH levels. Each operand within an operand is a level: a
    parenthesis, a sign, a power; a long sum is not.
    """
    if len(text) > MAX_LENGTH:
        message = f"The formula has {len(text)} characters and {MAX_LENGTH} are allowed. Shorten it."
        raise SpecError(message, start=MAX_LENGTH, end=len(text))
    if not text.strip():
        raise SpecError("Type a formula in x, for example sin(x)*cos(x).", start=0, end=max(len(text), 1))
    return _Parser(text).parse()


# Tokens: the words of a formula


class _Token(NamedTuple):
    """A word of the formula in its plain spelling, and where it stands in the typed text."""

    kind: Literal["number", "name", "sign", "end"]
    text: str
    start: int
    end: int


# A number takes every digit and point in reach, so that 1.2.3 is one bad number and not two good ones.
_WORD = re.compile(
    r"""(?P<space>       [ \t\u00a0\u2009\u202f]+ )
      | (?P<number>      \.?[0-9][0-9.]* (?: [eE][-+−]?[0-9][0-9.]* )? )
      | (?P<name>        [A-Za-z][A-Za-z0-9]* | [Α-Ωα-ω] )
      | (?P<superscript> ⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+ )
      | (?P<sign>        \*\* | [<>=!]= | [-+*/^(),|<>=−×·⋅÷≤≥≠] )""",
    re.VERBOSE,
)
_CALL = re.compile(r"[ \t\u00a0\u2009\u202f]*\(")
_PLAIN = {"**": "^", "−": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!="}
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_CHARACTER_REMEDIES = {
    ".": "A point belongs inside a number, as in 0.5.",
    "–": "Write - for minus.",
    "%": "Write mod(a, b) for a remainder.",
    "√": "Write sqrt(x) for a square root.",
    "&": "Multiply comparisons instead, as in (x > 0)*(x < 1).",
    "\n": "Write the formula on one line.",
} | dict.fromkeys("[]{}", "Use ( and ) to group.")


def _tokenize(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise _unexpected_character(text[position], position)
        word, start, end = match.group(), match.start(), match.end()
        match match.lastgroup:
            case "number":
                yield _Token("number", word.replace("−", "-"), start, end)
            case "name" if reads_as_product(word) and not _CALL.match(text, end):
                for factor in re.finditer("pi|.", word):
                    yield _Token("name", factor.group(), start + factor.start(), start + factor.end())
            case "name":
                yield _Token("name", word, start, end)
            case "superscript":
                yield _Token("sign", "^", start, end)
                yield _Token("number", word.translate(_SUPERSCRIPTS), start, end)
            case "sign":
                yield _Token("sign", _PLAIN.get(word, word), start, end)
        position = end
    yield _Token("end", "", len(text), len(text))


def _unexpected_character(character: str, position: int) -> SpecError:
    shown = f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    remedy = _CHARACTER_REMEDIES.get(character, "Remove it.")
    return SpecError(f"Unexpected character {shown}. {remedy}", start=position, end=position + 1)


# Grammar: how tightly the operators bind, and what they do


class _Infix(NamedTuple):
    """An operator between two values; its right operand holds whatever binds tighter than `right`."""

    binding: int
    right: int
    apply: Callable[..., Any]


_COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER = 1, 2, 3, 4, 5
_LOOSEST = 0

_INFIX: Mapping[str, _Infix] = {
    "<": _Infix(_COMPARISON, _COMPARISON, partial(compare, np.less)),
    "<=": _Infix(_COMPARISON, _COMPARISON, partial(compare, np.less_equal)),
    ">": _Infix(_COMPARISON, _COMPARISON, partial(compare, np.greater)),
    ">=": _Infix(_COMPARISON, _COMPARISON, partial(compare, np.greater_equal)),
    "==": _Infix(_COMPARISON, _COMPARISON, partial(compare, np.equal)),
    "!=": _Infix(_COMPARISON, _COMPARISON, partial(compare, np.not_equal)),
    "+": _Infix(_SUM, _SUM, np.add),
    "-": _Infix(_SUM, _SUM, np.subtract),
    "*": _Infix(_PRODUCT, _PRODUCT, np.multiply),
    "/": _Infix(_PRODUCT, _PRODUCT, np.divide),
    "^": _Infix(_POWER, _SIGN, np.power),
}
_NUMERALS = {1: "one argument", 2: "two arguments", 3: "three arguments"}


class _Parser:
    """One walk over the tokens; each rule appends the steps that leave one more value on the stack."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokenize(text))
        self.position = _length_of_definition(self.tokens)
        self.program: list[_Step] = []
        self.open: list[_Token] = []  # the parentheses and bars around the position, innermost last
        self.depth = 0

    def parse(self) -> Expression:
        self._expression(_LOOSEST)
        if self._token.kind != "end":
            raise self._misplaced()
        letters = {step for step in self.program if isinstance(step, str)} - {"x"}
        free = sorted(letters, key=lambda letter: (letter.lower(), letter))
        return Expression(self.text, tuple(free), tuple(self.program))

    # Rules

    def _expression(self, loosest: int) -> None:
        """A value and the operators after it that bind tighter than `loosest`."""
        if self.depth > MAX_DEPTH:
            message = f"The formula is nested more than {MAX_DEPTH} levels deep. Use fewer parentheses or powers."
            raise self._error(message, self.tokens[self.position - 1])
        self.depth += 1
        self._value()
        while (infix := self._infix()) is not None and infix.binding > loosest:
            if self._token.text in _INFIX:
                self.position += 1
            self._expression(infix.right)
            self.program.append(_Operation(infix.apply, 2))
            if infix.binding == _COMPARISON:
                self._refuse_chain()
        self.depth -= 1

    def _infix(self) -> _Infix | None:
        """The operator at the position; two values side by side are multiplied."""
        token = self._token
        if token.kind == "number":
            raise self._error("A number cannot follow a value directly. Write * before it to multiply.", token)
        opens_bar = token.text == "|" and not self._is_inside_bars()
        if token.kind == "name" or token.text == "(" or opens_bar:
            return _INFIX["*"]
        return _INFIX.get(token.text)

    def _value(self) -> None:
        token = self._token
        if token.kind == "number":
            self.program.append(self._number(token))
        elif token.kind == "name":
            self._name(token)
        elif token.text in ("(", "|"):
            self._open()
            self._expression(_LOOSEST)
            self._close(")" if token.text == "(" else "|")
            if token.text == "|":
                self.program.append(_Operation(np.abs, 1))
        elif token.text in ("-", "+"):
            self.position += 1
            self._expression(_SIGN)
            if token.text == "-":
                self.program.append(_Operation(np.negative, 1))
        else:
            raise self._missing_value()

    def _number(self, token: _Token) -> np.float64:
        self.position += 1
        try:
            value = float(token.text)
        except ValueError:
            message = f"'{self._typed(token)}' is not a number. Write one decimal point, as in 1.25."
            raise self._error(message, token) from None
        if value in (np.inf, -np.inf):
            raise self._error(f"The number {self._typed(token)} is too large. The limit is about 1.8e308.", token)
        return np.float64(value)

    def _name(self, token: _Token) -> None:
        self.position += 1
        if token.text in FUNCTIONS:
            self._call(token, FUNCTIONS[token.text])
        elif token.text in CONSTANTS:
            self.program.append(CONSTANTS[token.text].value)
        elif len(token.text) == 1:
            self.program.append(token.text)
        else:
            called = self._token.text == "("
            noun = "function" if called else "name"
            raise self._error(f"Unknown {noun} '{self._typed(token)}'.{remedy_for_name(token.text, called)}", token)

    def _call(self, name: _Token, function: Function) -> None:
        if self._token.text != "(":
            power = "^2" if self._token.text == "^" else ""
            message = f"The function {name.text} needs parentheses: write {function.signature}{power}."
            raise self._error(message, name)
        self._open()
        count = self._arguments(function)
        closing = self._close(")")
        if count < function.arity or (count > function.arity and not function.variadic):
            takes = "two or more arguments" if function.variadic else _NUMERALS[function.arity]
            raise self._error(f"{name.text} takes {takes}: {function.signature}.", name, closing)
        if not function.variadic:
            self.program.append(_Operation(function.apply, function.arity))

    def _arguments(self, function: Function) -> int:
        """The values up to the closing parenthesis, folded at once where variadic; return how many there are."""
        if self._token.text == ")":
            return 0
        self._expression(_LOOSEST)
        count = 1
        while self._token.text == ",":
            self.position += 1
            self._expression(_LOOSEST)
            count += 1
            if function.variadic:
                self.program.append(_Operation(function.apply, function.arity))
        return count

    # Position

    @property
    def _token(self) -> _Token:
        return self.tokens[self.position]

    def _open(self) -> None:
        self.open.append(self._token)
        self.position += 1

    def _close(self, text: str) -> _Token:
        token = self._token
        if token.text != text:
            raise self._misplaced()
        self.open.pop()
        self.position += 1
        return token

    def _is_inside_bars(self) -> bool:
        return bool(self.open) and self.open[-1].text == "|"

    # Errors

    def _typed(self, token: _Token) -> str:
        typed = self.text[token.start : token.end]
        return typed if len(typed) <= 24 else f"{typed[:23]}…"

    @staticmethod
    def _error(message: str, first: _Token, last: _Token | None = None) -> SpecError:
        return SpecError(message, start=first.start, end=(last or first).end)

    def _missing_value(self) -> SpecError:
        token = self._token
        if token.text in _INFIX or self.position == 0:
            return self._error(f"A value is missing before '{self._typed(token)}'. Write one, for example x.", token)
        previous = self.tokens[self.position - 1]
        return self._error(f"A value is missing after '{self._typed(previous)}'. Write one, for example x.", previous)

    def _misplaced(self) -> SpecError:
        """The error of a token that cannot follow a value here."""
        token = self._token
        if token.text == "=":
            return self._error("A single = does not compare. Write == instead.", token)
        if self._is_inside_bars():
            return self._error("The bar | is not closed. Write | after its content, or use abs(x).", self.open[-1])
        if token.text == ",":
            message = "A comma only separates arguments, as in max(x, 1). Write a point for decimals, as in 1.5."
            return self._error(message, token)
        if self.open:
            return self._error("The closing parenthesis is missing. Write ) to match this one.", self.open[-1])
        return self._error("There is no opening parenthesis for this one. Remove it or write ( before it.", token)

    def _refuse_chain(self) -> None:
        token = self._token
        if token.text in _INFIX and _INFIX[token.text].binding == _COMPARISON:
            raise self._error("Comparisons cannot be chained. Write (0 < x)*(x < 1) for 0 < x < 1.", token)


def _length_of_definition(tokens: list[_Token]) -> int:
    """The number of tokens in a leading `y =` or `f(x) =`, which people type out of habit."""
    texts = [token.text for token in tokens[:5]]
    if texts[:2] == ["y", "="]:
        return 2
    return 5 if texts[1:] == ["(", "x", ")", "="] and re.fullmatch("[A-Za-z]", texts[0]) else 0
