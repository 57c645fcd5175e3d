"""Quick tests of Python values: expressions over exact types, true only of values that fastavro takes.

A test may raise one of QUICK_RAISED, which means that it does not know. It says nothing of a value that it
is not true of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.avro.fastavro_rules import writer_of
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN

QUICK_RAISED: Final = (KeyError, TypeError)

_ONCE: Final = {
    "null": "{0} is None",
    "boolean": "type({0}) is bool",
    "string": "type({0}) is str",
    "bytes": "type({0}) is bytes",
}
_TWICE: Final = {
    # {0} is the value, which it names; {1} is that name.
    "int": f"(type({{0}}) is int and {INT_MIN} <= {{1}} <= {INT_MAX})",
    "long": f"(type({{0}}) is int and {LONG_MIN} <= {{1}} <= {LONG_MAX})",
    "float": "(type({0}) is float or type({1}) is int)",
    "double": "(type({0}) is float or type({1}) is int)",
}


class Source:
    """Generated code: its lines, and the constants that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._count = 0

    def new(self, prefix: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{prefix}{self._count}"

    def constant(self, prefix: str, value: Any) -> str:
        """The name of a value."""
        name = self.new(prefix)
        self.constants[name] = value
        return name

    def function(self, name: str, arguments: str, body: list[str]) -> str:
        """The name, after the function is written."""
        self.lines += [f"def {name}({arguments}):", *(f"    {line}" for line in body)]
        return name


class QuickTests:
    """Writes quick tests into a source; `named` are the definitions of named types."""

    def __init__(self, source: Source, named: dict[str, Any]) -> None:
        self._source = source
        self._named = named

    def test(self, schema: Any, value: str) -> str | None:
        """The expression that tests a value, which is an expression too; None where there is none."""
        if isinstance(schema, list):
            return self._union(schema, value)
        if not isinstance(schema, dict):
            schema = self._named.get(schema, {"type": schema})
            if schema["type"] == "record":
                return None  # it may hold itself
        kind = schema["type"]
        if kind in _ONCE:
            return _ONCE[kind].format(value)
        named, name = self._name(value)
        if kind in _TWICE:
            return _TWICE[kind].format(named, name)
        match kind:
            case "enum":
                return f"{value} in {self._source.constant('symbols', frozenset(schema['symbols']))}"
            case "fixed":
                return f"(type({named}) is bytes and len({name}) == {schema['size']!r})"
            case "array":
                return self._all(schema["items"], "for y in x:", f"type({named}) is list", name)
            case "map":
                loop = "for key, y in x.items():"
                return self._all(schema["values"], loop, f"type({named}) is dict", name)
            case "record":
                tests = [self.field(field, name) for field in schema["fields"]]
                return (
                    None if None in tests else self.record(schema, named, name, [str(test) for test in tests])
                )
            case _:
                return None

    def record(self, schema: dict[str, Any], named: str, name: str, tests: list[str]) -> str | None:
        """The test of a record by those of its fields; `named` is its value, `name` the name of that."""
        if any(field["name"] == "-type" for field in schema["fields"]):
            return None
        whole = [f"type({named}) is dict", f"'-type' not in {name}", *tests]
        return f"({' and '.join(whole)})"

    def field(self, field: dict[str, Any], record: str) -> str | None:
        """The test of one field in the record of that name."""
        name = field["name"]
        test = self.test(field["type"], f"{record}[{name!r}]")
        if test is None or not self._takes(field["type"], field.get("default")):
            return test
        return f"({name!r} not in {record} or {test})"

    def _takes(self, schema: Any, value: Any) -> bool:
        """Whether the test of a type is true of a value."""
        scratch = Source()
        test = QuickTests(scratch, self._named).test(schema, "value")
        scratch.function("takes", "value", [f"return {test}"])
        namespace: dict[str, Any] = dict(scratch.constants)
        exec(compile("\n".join(scratch.lines), "<default>", "exec"), namespace)  # noqa: S102 - as all of it
        takes: Callable[[Any], bool] = namespace["takes"]
        try:
            return bool(takes(value))
        except QUICK_RAISED:
            return False

    def _name(self, value: str) -> tuple[str, str]:
        """An expression that names a value, and the name."""
        if value.isidentifier():
            return value, value
        name = self._source.new("x")
        return f"{name} := {value}", name

    def _all(self, schema: Any, loop: str, whole: str, name: str) -> str | None:
        test = self.test(schema, "y")
        if test is None:
            return None
        tested = f"type(key) is str and {test}" if "key" in loop else test
        body = [loop, f"    if not ({tested}): return False", "return True"]
        return f"({whole} and {self._source.function(self._source.new('all'), 'x', body)}({name}))"

    def _union(self, schema: list[Any], value: str) -> str | None:
        named, name = self._name(value)
        tests: list[str] = []
        certain = 0
        for branch in schema:
            test = self.test(branch, name if tests or named == name else f"({named})")
            if test is None:
                return None
            tests.append(test)
            if not certain and writer_of(self._named.get(branch) if isinstance(branch, str) else branch):
                # What fastavro makes of a value for this branch may keep the value from those behind it.
                certain = len(tests)
        return f"({' or '.join(tests[: certain or None])})" if tests else None
