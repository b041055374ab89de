"""How numbers are written in plots: few digits, commas at thousands, a true minus sign."""

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def minus(text: str) -> str:
    """The same text with a true minus sign before the number (an exponent keeps its hyphen: `1.1e-2`)."""
    return "−" + text[1:] if text.startswith("-") else text


def scientific(value: float, digits: int) -> str:
    """`1.1e-2`: at most so many digits, none of them a trailing zero; `∞`, and `–` for what is no number."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else minus("∞" if value > 0 else "-∞")
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return minus(f"{mantissa}e{int(exponent)}")


def brief(value: float) -> str:
    """Three digits that matter: `14.2`, `0.031`, `1.42e12`."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        decimals = 2 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        return minus(text.rstrip("0").rstrip(".") if "." in text else text)
    return scientific(value, 3)


def exact(value: float) -> str:
    """A value as the pointer reads it, at an even width: `−0.147`, `1.5e12`."""
    if value == 0:
        return "0.000"
    if 1e-3 <= abs(value) < 1e5:
        decimals = max(0, 3 - max(0, math.floor(math.log10(abs(value)))))
        return minus(f"{value:,.{decimals}f}")
    return scientific(value, 2)


def power_of_ten(exponent: int) -> str:
    """`10⁻²`; the first power and the zeroth as numbers."""
    return {0: "1", 1: "10"}.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPTS))


def at_step(value: float, step: float) -> str:
    """A tick's number with as many decimals as its axis needs; powers where plain digits would be too long."""
    if value == 0:
        value = 0.0  # Never "−0".
    largest = max(abs(value), step)
    if largest >= 1e6 or step < 1e-4:
        return "0" if value == 0 else scientific(value, 3)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    # 0.25 needs a digit more than its power of ten.
    if not math.isclose(step * 10**decimals, round(step * 10**decimals), rel_tol=1e-9):
        decimals += 1
    return minus(f"{value:,.{decimals}f}")
