"""Numbers: exact, rounded half-even from the decimal text, in any order."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transforms.core.numbers import SCALE, from_billionths, mean, number_text, to_billionths


def oracle(text: str) -> int | None:
    """Billionths of a decimal text, computed with fractions."""
    number = Decimal(text)
    if not number.is_finite():
        return None
    if number and not -400 < number.adjusted() < 400:
        return None if number.adjusted() > 0 else 0
    exact = Fraction(number)
    scaled = round(exact * SCALE)  # Fraction rounds half to even
    return scaled if abs(exact) < 10**29 and abs(scaled) < 10**29 * SCALE else None


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**20), 10**20),
    st.integers(-25, 25),
)


@given(st.integers(-(10**31), 10**31))
@example(10**29 - 1)
@example(-(10**29))
@example(10**29)
def test_int_is_exact(number: int) -> None:
    assert to_billionths(number) == oracle(str(number))


@given(st.floats())
@example(0.1 + 0.2)
@example(1e-9)
@example(5e-10)
@example(1.5e-9)
@example(2.5e-9)
@example(-0.0)
@example(1e29)
@example(9.999999999999999e28)
@example(123456.7890125)
@example(999999.9999999999)
@example(1e15 / 1e9)
def test_float_counts_as_its_shortest_text(number: float) -> None:
    assert to_billionths(number) == oracle(repr(number))


@given(DECIMALS)
@example(Decimal("0E+50"))
@example(Decimal("0.0000000005"))
@example(Decimal("0.0000000015"))
@example(Decimal("-0.0000000025"))
@example(Decimal("99999999999999999999999999999.9999999995"))
@example(Decimal("99999999999999999999999999999.9999999994"))
@example(Decimal("1e-400"))
def test_text_and_decimal_are_rounded_half_even(number: Decimal) -> None:
    expected = oracle(str(number))
    assert to_billionths(str(number)) == expected
    assert to_billionths(number) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", "abc", "1_000", "1,5", "0x10", "NaN", "sNaN", "inf", "-Infinity", " 1 ", "1\n", "１", "١٢",
        "1e99999999999999999999", "9" * 401, "1e29", "-1e29", None, True, False, [], {}, b"1",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(value: object) -> None:
    assert to_billionths(value) is None


@pytest.mark.parametrize(
    ("text", "scaled"),
    [
        ("1", SCALE),
        ("+1", SCALE),
        ("-1.5", -3 * SCALE // 2),
        (".5", SCALE // 2),
        ("1e3", 1000 * SCALE),
        ("12.50", 12_500_000_000),
    ],
)
def test_number_is_read_from_its_text(text: str, scaled: int) -> None:
    assert to_billionths(text) == scaled


@given(st.lists(st.floats(-1e20, 1e20) | st.integers(-(10**25), 10**25), max_size=30), st.randoms())
def test_sums_commute(numbers: list[float | int], random: object) -> None:
    scaled = [to_billionths(number) for number in numbers]
    assert None not in scaled
    shuffled = list(scaled)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sum(part for part in scaled if part) == sum(part for part in shuffled if part)


@given(st.integers(-(10**40), 10**40))
def test_number_comes_back(scaled: int) -> None:
    number = from_billionths(scaled)
    assert Fraction(number) * SCALE == scaled
    assert (scaled % SCALE == 0) == (type(number) is int)


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**9))
@example(5, 2)
@example(7, 2)
@example(-5, 2)
@example(-7, 2)
def test_mean_is_half_even(total: int, count: int) -> None:
    with localcontext() as context:
        context.prec = 100
        expected = (Decimal(total) / count).to_integral_value(ROUND_HALF_EVEN)
    assert Fraction(total, count) - Fraction(1, 2) <= expected <= Fraction(total, count) + Fraction(1, 2)
    assert mean(total, count) == round(Fraction(total, count))


@given(st.integers(-(10**12), 10**12))
def test_one_text_for_a_number_however_written(cents: int) -> None:
    number = Decimal(cents) / 100
    expected = number_text(number)
    assert (
        number_text(f"{number:.2f}") == number_text(float(number)) == number_text(f"{number:.5f}") == expected
    )
    assert Decimal(expected) == number
    assert "E" not in expected


def test_text_of_what_is_no_number_is_itself() -> None:
    assert number_text("abc") == "abc"
    assert number_text(100) == number_text(100.0) == number_text("100.00") == "100"
