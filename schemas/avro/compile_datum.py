"""A validator of Python values, generated once a schema: the verdict of fastavro, without its walk.

Mirrors `fastavro.validation.validate(datum, schema, strict=False, raise_errors=False)` of fastavro
1.13: its order, its logical writers, its type hints in records and tuples, and its defaults. Where
fastavro raises one of `RAISED` instead of answering (a date's text that is none, a decimal with too
many digits), the value is not valid.

Each record is tried by a quick test first, a conjunction over exact types in one expression; what it
does not take is judged as fastavro does, field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastavro.schema import parse_schema

from schemas.avro import fastavro_rules as rules
from schemas.avro.datum_quick import QUICK_RAISED, QuickTests, Source
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN

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
    generator.root(root)
    namespace: dict[str, Any] = dict(generator.source.constants)
    exec(compile("\n".join(generator.source.lines), "<datum>", "exec"), namespace)  # noqa: S102 - see _Generator
    validate: Validate = namespace["validate"]
    return validate


class _Generator:
    """Writes a boolean expression for each type and a function for each record and union.

    Everything that comes from a schema enters the source as `repr` of a text or integer, or as a
    constant by a name made here. `place` is the expression of where a value stands: fastavro takes the
    path of a field for the namespace of the records in it, and a `-type` hint must match that name; it
    is a text, or a tuple (outer place, record, field) that becomes one only where there is a hint.
    """

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}
        self.source = Source()
        self.source.constants = {
            "is_int": rules.is_int,
            "is_long": rules.is_long,
            "is_real": rules.is_real,
            "is_sequence": rules.is_sequence,
            "is_map": rules.is_map,
            "hint_fits": rules.hint_fits,
            "Mapping": Mapping,
            "QUICK_RAISED": QUICK_RAISED,
            "RAISED": rules.RAISED,
        }
        self._quick = QuickTests(self.source, self.named)
        self._functions: dict[str, str] = {}

    def root(self, schema: Any) -> None:
        """Writes `validate`."""
        if isinstance(schema, dict) and schema["type"] in ("record", "error"):
            body = self._record(schema, "''")
        else:
            body = [f"return {self.check(schema, 'x', repr(''))}"]
        guarded = ["try:", *(f"    {line}" for line in body), "except RAISED:", "    return False"]
        self.source.function("validate", "x", guarded)

    def _quick_record(self, schema: dict[str, Any], place: str) -> list[str]:
        """The statements that return the verdict on most values that fit.

        Fields without a quick test are judged once the others have passed, and then for good.
        """
        tests: list[str] = []
        load: list[str] = []
        checks: list[str] = []
        for field in schema["fields"]:
            test = self._quick.field(field, "x")
            if test is not None:
                tests.append(test)
                continue
            value = self.source.new("x")
            load.append(f"{value} = {self._get(field)}")
            check = self.check(field["type"], value, self._inside(schema["name"], field["name"], place))
            nullable = isinstance(field["type"], list) and field["type"][0] == "null"
            checks.append(f"({value} is None or {check})" if nullable else check)
        quick = self._quick.record(schema, "x", "x", tests)
        if quick is None:
            return []
        return [
            "try:",
            f"    quick = {quick}",
            *(["    if quick:", *(f"        {line}" for line in load)] if load else []),
            "except QUICK_RAISED:",
            "    quick = False",
            f"if quick: return {' and '.join(checks) or True}",
        ]

    def _get(self, field: dict[str, Any]) -> str:
        """The expression of a field's value in `x`, or of its default."""
        default = f", {self.source.constant('default', field['default'])}" if "default" in field else ""
        return f"x.get({field['name']!r}{default})"

    def _inside(self, record: str, field: str, place: str) -> str:
        """The expression of a field's place."""
        return repr(f"{record}.{field}") if "." in record else f"({place}, {record!r}, {field!r})"

    def check(self, schema: Any, value: str, place: str) -> str:
        """The expression that is true for a value of the schema; `value` is a local's name."""
        if isinstance(schema, list):
            return f"{self._union(schema)}({value}, {place})"
        if not isinstance(schema, dict):
            if schema in self.named:
                return f"{self._reference(schema)}({value}, {place})"
            return self._primitive(schema, value)
        kind = schema["type"]
        writer = rules.writer_of(schema)
        if writer is None:
            return self._plain(schema, value, place)
        prepare, constant = self.source.constant("prepare", writer), self.source.constant("schema", schema)
        made = self.source.new("z")
        prepared = f"{value} if type({value}) is {_NATIVE[kind]} else {prepare}({value}, {constant})"
        return f"(({made} := {prepared}, True)[1] and {self._plain(schema, made, place)})"

    def _plain(self, schema: dict[str, Any], value: str, place: str) -> str:
        match schema["type"]:
            case "record" | "error":
                return f"{self._reference(schema['name'], schema)}({value}, {place})"
            case "enum":
                return f"({value} in {self.source.constant('symbols', schema['symbols'])})"
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
        return self.source.function(name, "x, at", body)

    def _items(self, schema: Any, is_whole: str, values: str) -> str:
        name = self.source.new("items")
        check = self.check(schema, "y", "at")
        body = [
            f"if not {is_whole}(x): return False",
            f"for y in x{values}:",
            f"    if not {check}: return False",
            "return True",
        ]
        return self._function(name, body)

    def _union(self, schema: list[Any]) -> str:
        name = self.source.new("union")
        body = ["if isinstance(x, tuple):", "    hint, x = x"]
        for branch in schema:
            is_record = isinstance(branch, dict) and branch["type"] == "record"
            hinted = self.source.constant("hint", branch["name"] if is_record else branch)
            body.append(f"    if {hinted} == hint: return {self.check(branch, 'x', 'at')}")
        body.append("    return False")
        body += [f"if {self.check(branch, 'x', 'at')}: return True" for branch in schema]
        return self._function(name, [*body, "return False"])

    def _reference(self, full: str, schema: dict[str, Any] | None = None) -> str:
        """The function of a named type."""
        if full not in self._functions:
            name = self._functions[full] = self.source.new("named")
            named = schema or self.named[full]
            if named["type"] in ("record", "error"):
                self._function(name, self._record(named, "at"))
            else:
                self._function(name, [f"return {self.check(named, 'x', 'at')}"])
        return self._functions[full]

    def _record(self, schema: dict[str, Any], place: str) -> list[str]:
        """The statements that return the verdict on a record."""
        name = schema["name"]
        body = self._quick_record(schema, place)
        body.append("if type(x) is not dict and not isinstance(x, Mapping): return False")
        body.append(f"if '-type' in x and not hint_fits(x, {place}, {name!r}): return False")
        for field in schema["fields"]:
            value = self.source.new("x")
            body.append(f"{value} = {self._get(field)}")
            check = self.check(field["type"], value, self._inside(name, field["name"], place))
            body.append(f"if not {check}: return False")
        return [*body, "return True"]
