"""YAML files as plain values that know their lines.

Scalars are read by YAML 1.2's core schema, as editors do: dates, times and `yes`, `on` or `NO` are
text, only `true` and `false` are booleans.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import Problem

Key = str | int
Location = tuple[Key, ...]

MAX_NODES = 200_000
MAX_DEPTH = 60

_PREFIX = "tag:yaml.org,2002:"


class CoreLoader(yaml.SafeLoader):
    """PyYAML's loader with the core schema's scalars; only its composer is used."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (as in PyYAML)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    CoreLoader.add_implicit_resolver(_PREFIX + _tag, re.compile(f"(?:{_pattern})$"), _first)


def key_path(location: Location) -> str:
    """A location as people write it: `templates[0].attributes[2].lookback`."""
    text = ""
    for key in location:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


@dataclass(frozen=True)
class Document:
    """One YAML file.

    Attributes:
        value: what it says, in dicts with text keys, lists, text, numbers, booleans and None.
        root: the node it was read from; None for an empty file.
    """

    path: Path
    value: Any
    root: yaml.Node | None = field(repr=False, default=None)

    def line(self, location: Location) -> int:
        """The line, from 1, of the key or list entry at a location, or of the last one on the way to it."""
        node = self.root
        line = 1 if node is None else node.start_mark.line + 1
        for key in location:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == key), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                line = node.start_mark.line + 1
            else:
                break
        return line

    def get(self, *location: Key) -> Any:
        """The value at a location, None where there is none."""
        value = self.value
        for key in location:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def problem(self, location: Location, message: str) -> Problem:
        """A mistake at a location of this file."""
        where = key_path(location)
        return Problem(self.path, self.line(location), f"{where}: {message}" if where else message)


def read_document(path: Path) -> tuple[Document | None, list[Problem]]:
    """A YAML file, and what is wrong with it as YAML; None where nothing of it can be used."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return None, [Problem(path, 1, f"cannot be read: {error.strerror}; make it a readable file")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [Problem(path, line, f"expected UTF-8 text, found the byte 0x{raw[error.start]:02x}")]
    try:
        root = CoreLoader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"U+{error.character:04X}"
        return None, [Problem(path, line, f"expected printable text, found the character {found}; remove it")]
    except yaml.MarkedYAMLError as error:
        return None, [_syntax_problem(path, error)]
    except RecursionError:
        return None, [Problem(path, 1, f"expected at most {MAX_DEPTH} levels; flatten it")]
    reader = _Reader(path)
    value = reader.read(root, ()) if root is not None else None
    if reader.overflow:
        return None, reader.problems
    return Document(path, value, root), reader.problems


def _syntax_problem(path: Path, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    hint = "; check quotes, brackets and indentation"
    if "\\t" in said:
        hint = "; indent with spaces, not tabs"
    elif "mapping values are not allowed" in said:
        hint = "; put text with a colon in quotes, and check the indentation"
    elif "single document" in said:
        hint = "; keep one document in a file, without ---"
    elif "found character" in said:
        hint = "; put text that begins with a special character in quotes"
    return Problem(path, mark.line + 1 if mark else 1, f"not YAML: {said}{hint}")


class _Reader:
    """Turns nodes into values; collects what has no place in a workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.overflow = False
        self._nodes = 0

    def read(self, node: yaml.Node, location: Location) -> Any:
        self._nodes += 1
        if len(location) > MAX_DEPTH or self._nodes > MAX_NODES:
            if not self.overflow:
                size = f"{MAX_NODES} values" if self._nodes > MAX_NODES else f"{MAX_DEPTH} levels"
                self._add(node, location[:3], f"expected at most {size}, aliases counted; make it smaller")
            self.overflow = True
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            entries = []
            for index, entry in enumerate(node.value):
                entries.append(self.read(entry, (*location, index)))
                if self.overflow:
                    break
            return entries
        return self._scalar(node, location)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        value: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(key_node, location, "expected a key of plain text, found a list or a mapping")
                continue
            key = self._text(key_node, location)
            if key in lines:
                self._add(
                    key_node,
                    (*location, key),
                    f"the key stands twice, first in line {lines[key]}; remove one of them",
                )
                continue
            lines[key] = key_node.start_mark.line + 1
            value[key] = self.read(value_node, (*location, key))
            if self.overflow:
                break
        return value

    def _scalar(self, node: yaml.Node, location: Location) -> Any:
        text = str(node.value)
        match node.tag.removeprefix(_PREFIX):
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int":
                return self._integer(node, text, location)
            case "float":
                return self._float(node, text, location)
            case "str":
                return self._text(node, location)
            case _:
                tag = node.tag.replace(_PREFIX, "!!")
                self._add(node, location, f"expected a plain value, found the tag {tag}; remove it")
                return text

    def _text(self, node: yaml.Node, location: Location) -> str:
        text = str(node.value)
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._add(
                node, location, "expected Unicode text, found half a surrogate pair; write the character"
            )
            return text.encode("utf-8", "replace").decode("utf-8")
        return text

    def _integer(self, node: yaml.Node, text: str, location: Location) -> int:
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        try:
            number = int(text, base)
        except ValueError:
            number = 1 << 64
        if not -(1 << 63) <= number < 1 << 63:
            self._add(node, location, "expected a whole number of at most 64 bits; put long digits in quotes")
            return 0
        return number

    def _float(self, node: yaml.Node, text: str, location: Location) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.inf
        if not math.isfinite(number):
            self._add(node, location, f"expected a finite number, found {text}")
            return 0.0
        return number

    def _add(self, node: yaml.Node, location: Location, message: str) -> None:
        where = key_path(location)
        text = f"{where}: {message}" if where else message
        self.problems.append(Problem(self.path, node.start_mark.line + 1, text))
