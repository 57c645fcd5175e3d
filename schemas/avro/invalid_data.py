"""The error of a value that does not fit its schema."""

from __future__ import annotations

from typing import Any

FOUND_LENGTH = 60
_FIELD_LENGTH = 200


class InvalidData(Exception):  # noqa: N818 - the name is the contract's
    """A value that does not fit: `price: expected a double, found text 'abc'`.

    Attributes:
        field: the path of the value, `items[2].price`; `data` for the value as a whole, which is made as "".
        expected: what the schema wants there.
        found: what is there, shortened.
    """

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(field, expected, found)
        self.field = field or "data"
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, found {self.found}"

    def within(self, outer: str) -> InvalidData:
        """The same error, seen from the value that holds this one under `outer`."""
        place: str = self.args[0]
        inner = f".{place}" if place and not place.startswith("[") else place
        return InvalidData(shorten(f"{outer}{inner}", _FIELD_LENGTH), self.expected, self.found)


def shorten(text: str, length: int = FOUND_LENGTH) -> str:
    """The text, its end replaced by three dots where it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def found(value: Any) -> str:
    """A JSON value in words, at most some 70 characters."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"text {shorten(value, FOUND_LENGTH)!r}"
        case int() if value.bit_length() > 200:
            return f"an integer of {value.bit_length()} bits"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return f"number {shorten(str(value))}"
