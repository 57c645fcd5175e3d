"""Avro schema resolution: the plan by which a reader's schema takes a writer's data."""

from __future__ import annotations

from schemas.avro.defaults import BadDefault, Defaults
from schemas.avro.model import (
    NO_DEFAULT,
    Array,
    Enum,
    Field,
    Fixed,
    Logical,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Union,
    describe,
    tag,
    unqualified,
)
from schemas.avro.plan import (
    ArrayPlan,
    BranchPlan,
    EnumPlan,
    FieldPlan,
    LeafPlan,
    MapPlan,
    Plan,
    Promotion,
    RecordPlan,
    UnionPlan,
)

_PROMOTIONS = {
    ("int", "long"): Promotion.NONE,
    ("int", "float"): Promotion.TO_DOUBLE,
    ("int", "double"): Promotion.TO_DOUBLE,
    ("long", "float"): Promotion.TO_DOUBLE,
    ("long", "double"): Promotion.TO_DOUBLE,
    ("float", "double"): Promotion.NONE,
    ("string", "bytes"): Promotion.TO_BYTES,
    ("bytes", "string"): Promotion.TO_STRING,
}


def resolve(reader: Type, writer: Type) -> tuple[Plan, list[str]]:
    """The plan for the writer's data in the reader's shape, and what stands against it.

    Each sentence names the field; with any, the plan is of no use.
    """
    resolver = _Resolver()
    plan = resolver.plan(reader, writer, "")
    if not resolver.problems:
        try:
            resolver.fill()
        except BadDefault as error:
            resolver.problems.append(f"a default does not fit: expected {error}")
    return plan, resolver.problems


class _Resolver:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self._records: dict[tuple[int, int], RecordPlan] = {}
        self._defaults = Defaults()
        self._added: list[tuple[RecordPlan, Field, Plan]] = []

    def fill(self) -> None:
        """Computes the values of all defaults, which may hold one another."""
        for record, item, plan in self._added:
            record.added[item.name] = self._defaults.value(plan, item.default)
        self._defaults.fill()

    def plan(self, reader: Type, writer: Type, path: str) -> Plan:
        match writer:
            case Union():
                return self._union(reader, writer, path)
            case _ if isinstance(reader, Union):
                branch = _select(reader, writer)
                return (
                    self._mismatch(reader, writer, path)
                    if branch is None
                    else self.plan(branch, writer, path)
                )
            case Primitive() if isinstance(reader, Primitive):
                return self._primitive(reader, writer, path)
            case Fixed() if isinstance(reader, Fixed) and _same_name(reader, writer):
                return self._fixed(reader, writer, path)
            case Enum() if isinstance(reader, Enum) and _same_name(reader, writer):
                return self._enum(reader, writer, path)
            case Array() if isinstance(reader, Array):
                return ArrayPlan(self.plan(reader.items, writer.items, f"{path}[]"))
            case Map() if isinstance(reader, Map):
                return MapPlan(self.plan(reader.values, writer.values, f"{path}{{}}"))
            case Record() if isinstance(reader, Record):
                return self._record(reader, writer, path)
            case _:
                return self._mismatch(reader, writer, path)

    def _refuse(self, path: str, problem: str) -> None:
        sentence = f"field {path} {problem}" if path else f"the record {problem}"
        if sentence not in self.problems:
            self.problems.append(sentence)

    def _mismatch(self, reader: Type, writer: Type, path: str) -> Plan:
        old, new = describe(writer), describe(reader)
        if type(reader) is type(writer) and isinstance(reader, Named) and isinstance(writer, Named):
            old, new = (
                f"the type {writer.name}",
                f"the type {reader.name} (an alias may tell that it is the same)",
            )
        self._refuse(path, f"was {old}, which cannot be read as {new}")
        return LeafPlan(Primitive("null"))

    def _primitive(self, reader: Primitive, writer: Primitive, path: str) -> Plan:
        if reader.kind == writer.kind:
            promotion = Promotion.NONE
        elif (writer.kind, reader.kind) in _PROMOTIONS:
            promotion = _PROMOTIONS[writer.kind, reader.kind]
        else:
            return self._mismatch(reader, writer, path)
        self._same_logical(reader.logical, writer.logical, path)
        return LeafPlan(writer, promotion)

    def _same_logical(self, reader: Logical | None, writer: Logical | None, path: str) -> None:
        dropped_uuid = reader is None and writer is not None and writer.name == "uuid"
        if reader != writer and not dropped_uuid:
            self._refuse(
                path,
                f"changes its logical type from {_logical(writer)} to {_logical(reader)}: "
                "the same data would mean something else; add a field instead",
            )

    def _fixed(self, reader: Fixed, writer: Fixed, path: str) -> Plan:
        if reader.size != writer.size:
            self._refuse(path, f"changes its fixed size from {writer.size} to {reader.size}")
        if reader.logical != writer.logical:
            self._same_logical(reader.logical or Logical("none"), writer.logical, path)
        return LeafPlan(writer)

    def _enum(self, reader: Enum, writer: Enum, path: str) -> Plan:
        lost = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
        if lost and reader.default is None:
            self._refuse(path, f"loses the symbol {lost[0]} and has no enum default to read it as")
            lost = []
        return EnumPlan(writer.symbols, describe(writer), dict.fromkeys(lost, reader.default or ""))

    def _union(self, reader: Type, writer: Union, path: str) -> Plan:
        short = [unqualified(tag(branch)) for branch in writer.branches]
        branches = []
        for branch in writer.branches:
            name = tag(branch)
            tags = (name, unqualified(name)) if short.count(unqualified(name)) == 1 else (name,)
            branches.append(BranchPlan(tuple(dict.fromkeys(tags)), self.plan(reader, branch, path)))
        return UnionPlan(tuple(branches), describe(writer))

    def _record(self, reader: Record, writer: Record, path: str) -> Plan:
        if not _same_name(reader, writer):
            return self._mismatch(reader, writer, path)
        known = self._records.get((id(reader), id(writer)))
        if known is not None:
            return known
        out = RecordPlan(writer.name, describe(writer), same=reader is writer)
        self._records[id(reader), id(writer)] = out
        out.order = tuple(item.name for item in reader.fields)
        sources = _sources(reader, writer)
        targets = {id(source): item for item in reader.fields if (source := sources.get(item.name))}
        for item in writer.fields:
            target = targets.get(id(item))
            place = f"{path}.{item.name}" if path else item.name
            plan = self.plan(target.type if target else item.type, item.type, place)
            field = FieldPlan(item.name, plan, target.name if target else None)
            if item.default is not NO_DEFAULT:
                self._defaults.declare(field, item.default)
            out.fields.append(field)
        for item in reader.fields:
            if item.name in sources:
                continue
            place = f"{path}.{item.name}" if path else item.name
            if item.default is NO_DEFAULT:
                self._refuse(place, "is new and has no default")
            else:
                self._added.append((out, item, self.plan(item.type, item.type, place)))
        return out


def _logical(logical: Logical | None) -> str:
    if logical is None:
        return "none"
    return f"{logical.name}({logical.precision}, {logical.scale})" if logical.precision else logical.name


def _same_name(reader: Named, writer: Named) -> bool:
    name = unqualified(writer.name)
    return name == unqualified(reader.name) or name in map(unqualified, reader.aliases)


def _sources(reader: Record, writer: Record) -> dict[str, Field]:
    """The writer's field for each field of the reader, by name, else by alias."""
    written = {item.name: item for item in writer.fields}
    out = {item.name: written.pop(item.name) for item in reader.fields if item.name in written}
    for item in reader.fields:
        alias = next((alias for alias in item.aliases if alias in written), None)
        if item.name not in out and alias is not None:
            out[item.name] = written.pop(alias)
    return out


def _matches(reader: Type, writer: Type) -> bool:
    match writer:
        case Primitive():
            return isinstance(reader, Primitive) and (
                reader.kind == writer.kind or (writer.kind, reader.kind) in _PROMOTIONS
            )
        case Array():
            return isinstance(reader, Array) and (_open(reader.items, writer.items))
        case Map():
            return isinstance(reader, Map) and (_open(reader.values, writer.values))
        case Fixed():
            return isinstance(reader, Fixed) and _same_name(reader, writer) and reader.size == writer.size
        case Enum() | Record():
            return (
                isinstance(reader, Enum | Record)
                and type(reader) is type(writer)
                and _same_name(reader, writer)
            )
        case Union():
            return False


def _open(reader: Type, writer: Type) -> bool:
    return isinstance(reader, Union) or isinstance(writer, Union) or _matches(reader, writer)


def _select(reader: Union, writer: Type) -> Type | None:
    """The reader's branch of the writer's own name, else the first that matches."""
    for branch in reader.branches:
        if tag(branch) == tag(writer) and _matches(branch, writer):
            return branch
    return next((branch for branch in reader.branches if _matches(branch, writer)), None)
