"""A validator of Python values, generated once a schema: the verdict of fastavro, without its walk.

Mirrors `fastavro.validation.validate(datum, schema, strict=False, raise_errors=False)` of fastavro
1.13: its order, its logical writers, its type hints in records and tuples, and its defaults. Where
fastavro raises one of `RAISED` instead of answering (a date's text that is none, a decimal with too
many digits), the value is not valid.
"""

from __future__ import annotations

import array
import struct
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from fastavro.logical_writers import LOGICAL_WRITERS
from fastavro.schema import parse_schema

from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN

RAISED = (ValueError, TypeError, ArithmeticError, AttributeError, KeyError, struct.error)
"""What fastavro's writers and comparisons raise on odd values."""

Validate = Callable[[object], bool]

_NATIVE = {
    # A value of exactly this type needs no logical writer.
    "int": "int",
    "long": "int",
    "bytes": "bytes",
    "fixed": "bytes",
    "string": "str",
}


def compile_datum(schema: Any) -> Validate:
    """The function that says whether a Python value is one of the schema, as fastavro would.

    Raises:
        fastavro.schema.SchemaParseException, fastavro.schema.UnknownType: fastavro takes no such schema.
    """
    generator = _Generator()
    root = parse_schema(schema, generator.named)
    body = generator.check(root, "x", "''")
    generator.lines += ["def validate(x):", f"    return {body}"]
    namespace: dict[str, Any] = dict(generator.constants)
    exec(compile("\n".join(generator.lines), "<datum>", "exec"), namespace)  # noqa: S102 - see _Generator
    check: Callable[[object], bool] = namespace["validate"]

    def validate(datum: object) -> bool:
        try:
            return check(datum)
        except RAISED:
            return False

    return validate


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and INT_MIN <= value <= INT_MAX and not isinstance(value, bool)  # type: ignore[operator]


def _is_long(value: Any) -> bool:
    return isinstance(value, Integral) and LONG_MIN <= value <= LONG_MAX and not isinstance(value, bool)  # type: ignore[operator]


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence | array.array) and not isinstance(value, str)


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _place(place: Any) -> str:
    """The dotted path that fastavro names an unqualified record by; see _Generator."""
    if isinstance(place, str):
        return place
    outer, name, field = place
    return f"{_full_name(outer, name)}.{field}"


def _full_name(place: Any, name: str) -> str:
    if "." in name:
        return name
    outer = _place(place)
    return f"{outer}.{name}" if outer else name


def _hint_fits(value: Any, place: Any, name: str) -> bool:
    return "-type" not in value or value["-type"] == _full_name(place, name)


class _Generator:
    """Writes a boolean expression for each type and a function for each record and union.

    Everything that comes from a schema enters the source as `repr` of a text or integer, or as a
    constant by a name made here. `place` is the expression of where a value stands: fastavro takes the
    path of a field for the namespace of the records in it, and a `-type` hint must match that name; it
    is a text, or a tuple (outer place, record, field) that becomes one only where there is a hint.
    """

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {
            "is_int": _is_int,
            "is_long": _is_long,
            "is_real": _is_real,
            "is_sequence": _is_sequence,
            "is_map": _is_map,
            "hint_fits": _hint_fits,
            "Mapping": Mapping,
        }
        self._functions: dict[str, str] = {}
        self._count = 0

    def _new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _constant(self, prefix: str, value: Any) -> str:
        name = self._new(prefix)
        self.constants[name] = value
        return name

    def check(self, schema: Any, value: str, place: str) -> str:
        """The expression that is true for a value of the schema; `value` is a local's name."""
        if isinstance(schema, list):
            return f"{self._union(schema)}({value}, {place})"
        if not isinstance(schema, dict):
            if schema in self.named:
                return f"{self._reference(schema)}({value}, {place})"
            return self._primitive(schema, value)
        kind = schema["type"]
        writer = LOGICAL_WRITERS.get(f"{kind}-{schema.get('logicalType')}")
        if writer is None:
            return self._plain(schema, value, place)
        prepare, constant = self._constant("prepare", writer), self._constant("schema", schema)
        made = self._new("z")
        prepared = f"{value} if type({value}) is {_NATIVE[kind]} else {prepare}({value}, {constant})"
        return f"(({made} := {prepared}, True)[1] and {self._plain(schema, made, place)})"

    def _plain(self, schema: dict[str, Any], value: str, place: str) -> str:
        match schema["type"]:
            case "record" | "error":
                return f"{self._reference(schema['name'], schema)}({value}, {place})"
            case "enum":
                return f"({value} in {self._constant('symbols', schema['symbols'])})"
            case "fixed":
                return f"(isinstance({value}, (bytes, bytearray)) and len({value}) == {schema['size']!r})"
            case "array":
                return f"{self._items(schema['items'], 'is_sequence', '')}({value}, {place})"
            case "map":
                return f"{self._items(schema['values'], 'is_map', '.values()')}({value}, {place})"
            case kind:
                return self._primitive(kind, value)

    def _primitive(self, kind: str, value: str) -> str:
        match kind:
            case "null":
                return f"({value} is None)"
            case "boolean":
                return f"isinstance({value}, bool)"
            case "string":
                return f"isinstance({value}, str)"
            case "bytes":
                return f"isinstance({value}, (bytes, bytearray))"
            case "int":
                return f"({INT_MIN} <= {value} <= {INT_MAX} if type({value}) is int else is_int({value}))"
            case "long":
                return f"({LONG_MIN} <= {value} <= {LONG_MAX} if type({value}) is int else is_long({value}))"
            case _:
                return f"(type({value}) is float or is_real({value}))"

    def _function(self, name: str, body: list[str]) -> str:
        self.lines += [f"def {name}(x, at):", *(f"    {line}" for line in body)]
        return name

    def _items(self, schema: Any, is_whole: str, values: str) -> str:
        name = self._new("items")
        check = self.check(schema, "y", "at")
        return self._function(
            name,
            [
                f"if not {is_whole}(x): return False",
                f"for y in x{values}:",
                f"    if not {check}: return False",
                "return True",
            ],
        )

    def _union(self, schema: list[Any]) -> str:
        name = self._new("union")
        body = ["if isinstance(x, tuple):", "    hint, x = x"]
        for branch in schema:
            is_record = isinstance(branch, dict) and branch["type"] == "record"
            hinted = self._constant("hint", branch["name"] if is_record else branch)
            body.append(f"    if {hinted} == hint: return {self.check(branch, 'x', 'at')}")
        body.append("    return False")
        body += [f"if {self.check(branch, 'x', 'at')}: return True" for branch in schema]
        return self._function(name, [*body, "return False"])

    def _reference(self, full: str, schema: dict[str, Any] | None = None) -> str:
        """The function of a named type."""
        if full not in self._functions:
            name = self._functions[full] = self._new("named")
            named = schema or self.named[full]
            if named["type"] in ("record", "error"):
                self._record(name, named)
            else:
                self._function(name, [f"return {self.check(named, 'x', 'at')}"])
        return self._functions[full]

    def _record(self, function: str, schema: dict[str, Any]) -> None:
        name = schema["name"]
        body = ["if type(x) is not dict and not isinstance(x, Mapping): return False"]
        body.append(f"if '-type' in x and not hint_fits(x, at, {name!r}): return False")
        body.append("get = x.get")
        for field in schema["fields"]:
            default = f", {self._constant('default', field['default'])}" if "default" in field else ""
            place = repr(f"{name}.{field['name']}") if "." in name else f"(at, {name!r}, {field['name']!r})"
            value = self._new("x")
            body.append(f"{value} = get({field['name']!r}{default})")
            body.append(f"if not {self.check(field['type'], value, place)}: return False")
        self._function(function, [*body, "return True"])
