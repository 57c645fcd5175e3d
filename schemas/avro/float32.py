"""32-bit floats as the doubles that people mean by them: 0.1, not 0.10000000149011612."""

from __future__ import annotations

import math
import struct

_FLOAT = struct.Struct("<f")
_LEAST_NORMAL = 2.0**-126


def shortest(value: float) -> float:
    """The double of the shortest decimal that names this 32-bit float."""
    if not math.isfinite(value):
        return value
    # Six digits are always exact in a normal float; subnormals have fewer.
    for digits in range(6 if abs(value) >= _LEAST_NORMAL else 1, 10):
        for text in _decimals(value, digits):
            if _single(float(text)) == value:
                return float(text)
    return value


def _decimals(value: float, digits: int) -> list[str]:
    """The nearest decimal; at a power of two, whose lower neighbour is nearer, the one beyond too."""
    nearest = f"{value:.{digits - 1}e}"
    if abs(math.frexp(value)[0]) != 0.5:
        return [nearest]
    mantissa, _, exponent = nearest.partition("e")
    step = math.copysign(1, value) * 10.0 ** (1 - digits)
    return [nearest, f"{float(mantissa) + step:.{digits - 1}f}e{exponent}"]


def _single(value: float) -> float:
    try:
        return float(_FLOAT.unpack(_FLOAT.pack(value))[0])
    except OverflowError:
        return math.inf
