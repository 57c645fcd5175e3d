"""Values of logs: what one column's value becomes in an event's data, by its rule in the mapping."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from schemas.mapping import FieldRule
from schemas.timestamps import format_rfc3339
from transforms.log_times import date_reader, time_reader

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+(?:\.0*)?", re.ASCII)
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_FIXED_POINT_DIGITS = 100

Reader = Callable[[Any], Any]


def value_reader(rule: FieldRule) -> Reader:
    """A function from a column's value, which is not null, to a value that msgspec writes as JSON.

    It raises ValueError with what was expected and what was found.
    """
    read = _typed_reader(rule)
    values = rule.values
    if values is None:
        return read

    def translate(value: Any) -> Any:
        key = text_of(value)
        if key not in values:
            raise ValueError(f"expected one of {', '.join(values)}, found {key!r}")
        translated = values[key]
        return None if translated is None else read(translated)

    return translate


def text_of(value: Any) -> str:
    """The text of a plain value: numbers as they are written, truth values as true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | dict):
        raise ValueError(f"expected one plain value, found {value!r}")
    if isinstance(value, bytes):
        raise ValueError("expected text, found bytes")
    return str(value)


def number_text(value: Any, decimal_mark: str = ".", thousands: str | None = None) -> str:
    """The JSON number of a text or a number, with the digits it was written with.

    Raises:
        ValueError: it is no finite number.
    """
    if type(value) is str and decimal_mark == "." and _JSON_NUMBER.fullmatch(value):
        return value
    if isinstance(value, bool):
        raise ValueError(f"expected a number, found {text_of(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {value}")
    text = text_of(value).strip()
    if isinstance(value, str) and (thousands is not None or decimal_mark != "."):
        text = _plain_number(text, decimal_mark, thousands)
    if _JSON_NUMBER.fullmatch(text):
        return text
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"expected a number, found {text_of(value)!r}")
    return str(Decimal(text))


def _plain_number(text: str, decimal_mark: str, thousands: str | None) -> str:
    whole, mark, fraction = text.partition(decimal_mark)
    if thousands is not None and thousands in whole:
        first, *groups = whole.lstrip("+-").split(thousands)
        if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
            raise ValueError(f"expected thousands parted by {thousands!r}, found {text!r}")
        whole = whole.replace(thousands, "")
    if "." in whole or "." in fraction:
        raise ValueError(f"expected the decimal mark {decimal_mark!r}, found {text!r}")
    return f"{whole}.{fraction}" if mark else whole


def _typed_reader(rule: FieldRule) -> Reader:
    match rule.type:
        case "string":
            return text_of
        case "integer":
            return lambda value: _integer(number_text(value, rule.decimal_mark, rule.thousands))
        case "number":
            return lambda value: msgspec.Raw(number_text(value, rule.decimal_mark, rule.thousands).encode())
        case "decimal":
            return lambda value: _decimal(number_text(value, rule.decimal_mark, rule.thousands))
        case "boolean":
            return _boolean
        case "date":
            return date_reader(rule)
        case "timestamp":
            read_time = time_reader(rule)
            return lambda value: format_rfc3339(read_time(value))
        case "list":
            return lambda value: [
                text for part in text_of(value).split(rule.separator) if (text := part.strip())
            ]
        case "json":
            return _json


def _integer(text: str) -> msgspec.Raw:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"expected a whole number, found {text!r}")
    return msgspec.Raw(text.partition(".")[0].encode())


def _decimal(text: str) -> msgspec.Raw:
    if _PLAIN_NUMBER.fullmatch(text):
        return msgspec.Raw(text.encode())
    number = Decimal(text)
    if number and abs(number.adjusted()) > _FIXED_POINT_DIGITS:
        raise ValueError(f"expected a decimal number of ordinary size, found {text!r}")
    return msgspec.Raw(format(number, "f").encode())


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = text_of(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"expected true, false, t, f, yes, no, y, n, 1 or 0, found {text_of(value)!r}")


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"expected JSON text: {error}") from error
