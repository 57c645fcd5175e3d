"""Numbers as whole billionths, so that the order of a sum cannot show."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

SCALE = 10**9
_PLACES = 9
_LIMIT = 10**29 * SCALE
_EXACT = 10**15
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_TENS = [int(10 ** (_PLACES - places)) for places in range(_PLACES + 1)]
_TEXT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def to_billionths(value: object) -> int | None:
    """A number in whole billionths, rounded half-even from its decimal text.

    A float counts as its shortest decimal text, a str as the text it holds: ASCII digits with an optional
    sign, point and exponent, nothing around them.

    Returns:
        None for what is no number, for NaN, infinities and |value| >= 1e29.
    """
    if type(value) is int:
        scaled = value * SCALE
        return scaled if -_LIMIT < scaled < _LIMIT else None
    if type(value) is float:
        # Below 2**53 a quotient that gives the float back proves the rounded product exact.
        product = value * 1e9
        if -_EXACT < product < _EXACT:
            scaled = round(product)
            if scaled / 1e9 == value:
                return scaled
        return _from_text(repr(value))
    if type(value) is str:
        # Up to 18 digits and a point, nothing to round: what prices look like.
        whole, _, part = value.partition(".")
        digits = whole + part
        if len(digits) < 19 and len(part) <= _PLACES and digits.isdigit() and digits.isascii():
            return int(digits) * _TENS[len(part)]
        return _from_text(value)
    if type(value) is Decimal:
        return _from_text(str(value))
    return None


def _from_text(text: str) -> int | None:
    if len(text) > 400 or not _TEXT.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number or number.adjusted() < -_PLACES - 1:
        return 0
    if number.adjusted() >= 29:
        return None
    digits = int(number.scaleb(_PLACES, _WIDE).to_integral_value(ROUND_HALF_EVEN, _WIDE))
    return digits if -_LIMIT < digits < _LIMIT else None


_WIDE = Context(prec=500, rounding=ROUND_HALF_EVEN)


def from_billionths(scaled: int) -> int | Decimal:
    """The number again: an int where it is whole, else a Decimal without trailing zeros."""
    whole, rest = divmod(scaled, SCALE)
    if rest == 0:
        return whole
    return Decimal(scaled).scaleb(-_PLACES, _CONTEXT).normalize(_CONTEXT)


def mean(total: int, count: int) -> int:
    """total / count in billionths, rounded half-even."""
    quotient, rest = divmod(total, count)
    twice = 2 * rest
    if twice > count or (twice == count and quotient % 2):
        return quotient + 1
    return quotient


def number_text(value: object) -> str:
    """One text for a number however it was written: 100, 100.0 and "100.00" are `100`."""
    scaled = to_billionths(value)
    if scaled is None:
        return str(value)
    number = from_billionths(scaled)
    return str(number) if type(number) is int else format(number, "f")
