"""JSON with the line of every value, so that a mistake in a definition can be shown."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from schemas.avro.invalid_data import shorten

Place = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST = 100


class JsonError(ValueError):
    """Text that is no JSON; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Document:
    """A JSON value and where its parts stand.

    Attributes:
        value: as `json.loads` gives it; of a key that comes twice, the last value.
        lines: the line on which the value at a place begins, counted from 1.
        repeated: the places of keys that come more than once in their object.
    """

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    repeated: list[Place] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of the innermost known value at or around a place."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def parse(text: str) -> Document:
    """A JSON text and its lines.

    Raises:
        JsonError: the text is no JSON, or is nested more than 100 deep.
    """
    return _Parser(text).document()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out = Document()
        self.counted = 0
        self.line = 1

    def document(self) -> Document:
        self.out.value = self.value(())
        if self.peek():
            raise self.error("expected the end of the file")
        return self.out

    def line_here(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def error(self, message: str) -> JsonError:
        rest = self.text[self.at : self.at + 20].partition("\n")[0]
        return JsonError(
            self.line_here(), f"{message}, found {rest!r}" if rest else f"{message}, found the end"
        )

    def peek(self) -> str:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> None:
        if self.peek() != expected:
            raise self.error(f"expected {expected!r}")
        self.at += 1

    def value(self, place: Place) -> Any:
        first = self.peek()
        self.out.lines.setdefault(place, self.line_here())
        if len(place) > _DEEPEST:
            raise self.error(f"expected at most {_DEEPEST} levels")
        if first == "{":
            return self.object(place)
        if first == "[":
            return self.array(place)
        if first == '"':
            return self.string()
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise self.error("expected a JSON value")
        self.at = match.end()
        fraction, exponent = match.groups()
        try:
            number = float(match[0]) if fraction or exponent else int(match[0])
        except ValueError as error:
            raise self.error("expected a number of fewer digits") from error
        if number in (math.inf, -math.inf):
            raise self.error(f"expected a number within the range of a double instead of {shorten(match[0])}")
        return number

    def string(self) -> str:
        try:
            text, self.at = scanstring(self.text, self.at + 1, True)
            text.encode()
        except ValueError as error:
            raise self.error("expected a JSON text") from error
        return str(text)

    def object(self, place: Place) -> dict[str, Any]:
        out: dict[str, Any] = {}
        self.at += 1
        if self.peek() == "}":
            self.at += 1
            return out
        while True:
            if self.peek() != '"':
                raise self.error("expected a key in double quotes")
            line = self.line_here()
            key = self.string()
            if key in out:
                self.out.repeated.append((*place, key))
            self.out.lines[(*place, key)] = line
            self.take(":")
            out[key] = self.value((*place, key))
            if self.peek() != ",":
                break
            self.at += 1
        self.take("}")
        return out

    def array(self, place: Place) -> list[Any]:
        out: list[Any] = []
        self.at += 1
        if self.peek() == "]":
            self.at += 1
            return out
        while True:
            out.append(self.value((*place, len(out))))
            if self.peek() != ",":
                break
            self.at += 1
        self.take("]")
        return out
