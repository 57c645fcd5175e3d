"""Keys of runs: a person may have a run of one journey for each order, appointment or parcel."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any


def key_of(values: Sequence[Any]) -> str | None:
    """The key that a field's values come to, its canonical text; None for none.

    A number and the text that writes it are one key, whatever way the number is written: 100, 100.0, "100".
    """
    if not values:
        return None
    value = values[0]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        text = format(Decimal(str(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value).strip() or None


def slot_of(journey: str, key: str) -> str:
    """The name under which a profile keeps what it knows of a journey's runs with a key, `""` for none."""
    return f"{journey}/{key}" if key else journey


def journey_of(slot: str) -> str:
    """The journey of a slot."""
    return slot.partition("/")[0]
