"""Generated code that reads decoded JSON in a straight line and changes in place what must change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.avro.invalid_data import InvalidData
from schemas.avro.logical import from_json, read_double
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, NO_DEFAULT
from schemas.avro.plan import ArrayPlan, EnumPlan, LeafPlan, MapPlan, Plan, RecordPlan, UnionPlan
from schemas.avro.read_value import Reading, ValueReaders

_Fast = Callable[[Any, list[int]], dict[str, Any] | None]

_PURE = {
    "null": "{0} is None",
    "boolean": "({0} is True or {0} is False)",
    "string": "type({0}) is str",
    "int": f"(type({{0}}) is int and {INT_MIN} <= {{0}} <= {INT_MAX})",
    "long": f"(type({{0}}) is int and {LONG_MIN} <= {{0}} <= {LONG_MAX})",
}


def generate_json(plan: RecordPlan) -> _Fast:
    """The function of a decoded object, which it may change, and a list of the number of unknown fields.

    It adds to that number and returns canonical data; None where it is not sure.
    """
    generator = _Generator()
    name = generator.record(plan)
    namespace: dict[str, Any] = dict(generator.constants)
    exec(compile("\n".join(generator.lines), f"<{plan.name}>", "exec"), namespace)  # noqa: S102 - see _Generator
    made: _Fast = namespace[name]
    return made


class _Generator:
    """Writes a function for each record.

    Everything that comes from a definition enters the source as `repr` of a text, number, or canonical
    default, or as a constant by a name made here: no definition can add code.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {"InvalidData": InvalidData, "read_double": read_double}
        self._records: dict[int, str] = {}
        self._unions: dict[int, str] = {}
        self._readers = ValueReaders()
        self._count = 0

    def _new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _constant(self, prefix: str, value: Any) -> str:
        name = self._new(prefix)
        self.constants[name] = value
        return name

    def record(self, plan: RecordPlan) -> str:
        """The name of the record's function, which is written if it is not yet."""
        if id(plan) in self._records:
            return self._records[id(plan)]
        name = self._records[id(plan)] = self._new("read")
        body: list[str] = []
        load = [f"x{index} = v[{field.name!r}]" for index, field in enumerate(plan.fields)]
        checks: list[str] = []
        for index, field in enumerate(plan.fields):
            value = f"x{index}"
            condition = self.condition(field.plan, value)
            if condition is not None and not isinstance(field.plan, UnionPlan):
                checks.append(condition)
            else:
                self.convert(field.plan, value, f"v[{field.name!r}]", body, "        ")
        fill = self._fill(plan)
        self.lines += [
            f"def {name}(v, u):",
            "    if type(v) is not dict: return None",
            "    try:",
            f"        if len(v) != {len(load)}: raise KeyError",
            *(f"        {line}" for line in load),
            "    except KeyError:",
            *(f"        {line}" for line in fill),
            *([f"    if not ({' and '.join(checks)}): return None"] if checks else []),
            *(["    try:", *body, "    except (ValueError, InvalidData): return None"] if body else []),
            "    return v",
        ]
        return name

    def _fill(self, plan: RecordPlan) -> list[str]:
        """The statements that give a record its missing fields and count the unknown."""
        if any(
            isinstance(field.plan, UnionPlan) and isinstance(field.default, dict) for field in plan.fields
        ):
            # Read again, such a default could pass for a tagged value.
            return ["return None"]
        out = ["get = v.get"]
        for index, field in enumerate(plan.fields):
            default = "" if field.default is NO_DEFAULT else f", {field.default!r}"
            out.append(f"x{index} = get({field.name!r}{default})")
        known = "".join(f" - ({field.name!r} in v)" for field in plan.fields)
        items = ", ".join(f"{field.name!r}: x{index}" for index, field in enumerate(plan.fields))
        return [*out, f"u[0] += len(v){known}", f"v = {{{items}}}"]

    def condition(self, plan: Plan, value: str) -> str | None:
        """The expression that holds for a value that is its own canonical form; None: it may need work."""
        match plan:
            case LeafPlan(type=type_) if type_.logical is None and getattr(type_, "kind", "") in _PURE:
                return _PURE[getattr(type_, "kind", "")].format(value)
            case EnumPlan():
                symbols = self._constant("symbols", frozenset(plan.symbols))
                return f"(type({value}) is str and {value} in {symbols})"
            case UnionPlan():
                parts = [self.condition(branch.plan, value) for branch in plan.branches]
                return None if None in parts else f"({' or '.join(map(str, parts))})"
            case _:
                return None

    def convert(self, plan: Plan, value: str, place: str, out: list[str], indent: str) -> None:
        """Writes the statements that check a value and put its canonical form in its place."""
        condition = self.condition(plan, value)
        if condition is not None and isinstance(plan, UnionPlan):
            out.append(f"{indent}if not {condition}: {place} = {self._union_reader(plan)}({value}, u)")
            return
        if condition is not None:
            out.append(f"{indent}if not {condition}: return None")
            return
        match plan:
            case LeafPlan(type=type_) if type_.logical is None and getattr(type_, "kind", "") in (
                "float",
                "double",
            ):
                out.append(f"{indent}if type({value}) is not float: {place} = read_double({value})")
            case LeafPlan(type=type_):
                out.append(f"{indent}{place} = {self._constant('leaf', from_json(type_))}({value})")
            case ArrayPlan():
                self._array(plan, value, out, indent)
            case MapPlan():
                self._map(plan, value, out, indent)
            case RecordPlan():
                made = self._new("y")
                out += [
                    f"{indent}{made} = {self.record(plan)}({value}, u)",
                    f"{indent}if {made} is None: return None",
                    f"{indent}if {made} is not {value}: {place} = {made}",
                ]
            case UnionPlan():
                self._union(plan, value, place, out, indent)
            case EnumPlan():
                raise AssertionError("an enum has a condition")

    def _array(self, plan: ArrayPlan, value: str, out: list[str], indent: str) -> None:
        item, index = self._new("y"), self._new("i")
        out.append(f"{indent}if type({value}) is not list: return None")
        if self.condition(plan.items, item) is not None and not isinstance(plan.items, UnionPlan):
            out.append(f"{indent}for {item} in {value}:")
        else:
            out.append(f"{indent}for {index}, {item} in enumerate({value}):")
        self.convert(plan.items, item, f"{value}[{index}]", out, indent + "    ")

    def _map(self, plan: MapPlan, value: str, out: list[str], indent: str) -> None:
        item, key = self._new("y"), self._new("k")
        out.append(f"{indent}if type({value}) is not dict: return None")
        if self.condition(plan.values, item) is not None and not isinstance(plan.values, UnionPlan):
            out.append(f"{indent}for {item} in {value}.values():")
        else:
            out.append(f"{indent}for {key}, {item} in {value}.items():")
        self.convert(plan.values, item, f"{value}[{key}]", out, indent + "    ")

    def _union(self, plan: UnionPlan, value: str, place: str, out: list[str], indent: str) -> None:
        real = [branch for branch in plan.branches if not _is_null(branch.plan)]
        reader = self._union_reader(plan)
        if len(real) != 1:
            out.append(f"{indent}{place} = {reader}({value}, u)")
            return
        inner = indent
        if len(plan.branches) > 1:
            out.append(f"{indent}if {value} is not None:")
            inner += "    "
        tagged = f"type({value}) is dict"
        if isinstance(real[0].plan, MapPlan | RecordPlan):
            # An object of one key that names the branch may be a tagged value.
            named = " or ".join(f"{tag!r} in {value}" for tag in real[0].tags)
            tagged += f" and len({value}) == 1 and ({named})"
        out.append(f"{inner}if {tagged}: {place} = {reader}({value}, u)")
        out.append(f"{inner}else:")
        self.convert(real[0].plan, value, place, out, inner + "    ")

    def _union_reader(self, plan: UnionPlan) -> str:
        """The constant that holds the union's exact reader."""
        if id(plan) not in self._unions:
            self._unions[id(plan)] = self._constant("union", _counted(self._readers.reader(plan)))
        return self._unions[id(plan)]


def _is_null(plan: Plan) -> bool:
    return isinstance(plan, LeafPlan) and getattr(plan.type, "kind", "") == "null"


def _counted(read: Callable[[Any, Reading], Any]) -> Callable[[Any, list[int]], Any]:
    def read_counted(value: Any, unknown: list[int]) -> Any:
        reading = Reading()
        made = read(value, reading)
        unknown[0] += reading.unknown
        return made

    return read_counted
