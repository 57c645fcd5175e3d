"""Whether a definition is a schema by Avro's specification (1.12), and the type it means.

A union's default must fit the first branch (Avro 1.11): other readers know no other rule.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from schemas.avro.invalid_data import found
from schemas.avro.logical import BASES
from schemas.avro.model import (
    NO_DEFAULT,
    PRIMITIVES,
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
    tag,
)
from schemas.avro.positions import Place
from schemas.avro.soundness import Mistake, endless_records, unfit_defaults

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_COMPLEX = frozenset({"record", "error", "enum", "fixed", "array", "map", "union"})
_ORDERS = ("ascending", "descending", "ignore")


def define(definition: Any) -> tuple[Type | None, list[Mistake]]:
    """The type that a parsed definition means, and every mistake in it with its place.

    The type is None where there are mistakes.
    """
    definer = _Definer()
    type_ = definer.type(definition, "", ())
    mistakes = definer.mistakes
    if type_ is not None and not mistakes:
        mistakes = list(endless_records(type_, definer.places)) or list(unfit_defaults(type_))
    return (None if mistakes else type_), mistakes


class _Definer:
    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._named: dict[str, Named] = {}
        # Where each record is defined, by its identity.
        self.places: dict[int, Place] = {}

    def _wrong(self, place: Place, message: str) -> None:
        self.mistakes.append((place, message))

    def type(self, value: Any, namespace: str, place: Place) -> Type | None:
        """The type of a schema that stands at a place, None where it is none."""
        match value:
            case str():
                return self._reference(value, namespace, place)
            case list():
                return self._union(value, namespace, place)
            case {"type": str(kind)}:
                return self._object(kind, value, namespace, place)
            case {"type": _}:
                self._wrong((*place, "type"), f"expected the name of a type, found {found(value['type'])}")
            case dict():
                self._wrong(place, "expected a schema with a 'type', found an object without")
            case _:
                self._wrong(place, f"expected a schema, found {found(value)}")
        return None

    def _reference(self, name: str, namespace: str, place: Place) -> Type | None:
        if name in PRIMITIVES:
            return Primitive(name)
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        if full in self._named:
            return self._named[full]
        if name in _COMPLEX:
            self._wrong(place, f"expected an object of type {name!r}, found its bare name")
        else:
            self._wrong(place, f"expected a type that is defined above, found {full!r}")
        return None

    def _object(self, kind: str, value: dict[str, Any], namespace: str, place: Place) -> Type | None:
        if kind in PRIMITIVES:
            return Primitive(kind, self._logical(kind, value, place))
        match kind:
            case "record" | "error":
                return self._record(value, namespace, place)
            case "enum":
                return self._enum(value, namespace, place)
            case "fixed":
                return self._fixed(value, namespace, place)
            case "array" | "map":
                key = "items" if kind == "array" else "values"
                if key not in value:
                    self._wrong(place, f"expected {key!r} in the {kind}, found none")
                    return None
                inner = self.type(value[key], namespace, (*place, key))
                return None if inner is None else Array(inner) if kind == "array" else Map(inner)
            case _:
                self._wrong((*place, "type"), f"expected the name of a type, found {kind!r}")
                return None

    def _union(self, value: list[Any], namespace: str, place: Place) -> Type | None:
        branches: list[Type] = []
        seen: set[str] = set()
        if not value:
            self._wrong(place, "expected at least one branch in the union, found none")
        for index, item in enumerate(value):
            at = (*place, index)
            if isinstance(item, list):
                self._wrong(at, "expected no union directly inside a union")
                continue
            branch = self.type(item, namespace, at)
            if branch is None:
                continue
            name = tag(branch)
            if name in seen:
                self._wrong(at, f"expected each type once in a union, found {name!r} again")
            seen.add(name)
            branches.append(branch)
        return Union(tuple(branches)) if branches and len(branches) == len(value) else None

    def _name(self, value: dict[str, Any], namespace: str, place: Place) -> tuple[str, str] | None:
        """The namespace that a named type opens, and its full name; the name is then taken."""
        name = value.get("name")
        if not isinstance(name, str) or not _full_name(name):
            self._wrong(
                (*place, "name"),
                f"expected a name of letters, digits and _, found {_shown(name, 'name' in value)}",
            )
            return None
        inner = value.get("namespace", namespace)
        if not isinstance(inner, str) or (inner and not _full_name(inner)):
            self._wrong((*place, "namespace"), f"expected a namespace such as com.acme, found {found(inner)}")
            return None
        if "." in name:
            inner = name.rpartition(".")[0]
        full = name if "." in name or not inner else f"{inner}.{name}"
        if name.rpartition(".")[2] in PRIMITIVES:
            self._wrong((*place, "name"), f"expected a name that is no primitive type's, found {name!r}")
            return None
        if full in self._named:
            self._wrong((*place, "name"), f"expected a new name, found {full!r}, which is defined above")
            return None
        return inner, full

    def _aliases(self, value: dict[str, Any], valid: Callable[[str], bool], place: Place) -> tuple[str, ...]:
        aliases = value.get("aliases", [])
        at = (*place, "aliases")
        if not isinstance(aliases, list) or not all(
            isinstance(alias, str) and valid(alias) for alias in aliases
        ):
            self._wrong(at, "expected a list of names as aliases")
            return ()
        if len(set(aliases)) != len(aliases):
            self._wrong(at, "expected each alias once")
        return tuple(aliases)

    def _record(self, value: dict[str, Any], namespace: str, place: Place) -> Type | None:
        names = self._name(value, namespace, place)
        inner, full = names or (namespace, "")
        record = Record(full, self._aliases(value, _full_name, place))
        if names:
            self._named[full] = record
        self.places[id(record)] = place
        fields = value.get("fields")
        if not isinstance(fields, list):
            self._wrong(place, "expected a list of 'fields' in the record")
            return None
        taken: dict[str, str] = {}
        for index, item in enumerate(fields):
            made = self._field(item, inner, (*place, "fields", index))
            if made is None:
                continue
            for name, role in [(made.name, "name"), *((alias, "alias") for alias in made.aliases)]:
                if name in taken:
                    self._wrong(made.at, f"expected {name!r} once in the record, found it again as {role}")
                taken[name] = role
            record.fields.append(made)
        return record if names else None

    def _field(self, item: Any, namespace: str, place: Place) -> Field | None:
        if not isinstance(item, dict):
            self._wrong(place, f"expected a field as an object, found {found(item)}")
            return None
        name = item.get("name")
        at = (*place, "name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._wrong(
                at, f"expected a field name of letters, digits and _, found {_shown(name, 'name' in item)}"
            )
            name = None
        if item.get("order", "ascending") not in _ORDERS:
            self._wrong(
                at, f"expected the order to be one of {', '.join(_ORDERS)}, found {found(item['order'])}"
            )
        aliases = self._aliases(item, lambda alias: bool(_NAME.fullmatch(alias)), place)
        if "type" not in item:
            self._wrong(at, f"field {name}: expected a 'type', found none")
            return None
        type_ = self.type(item["type"], namespace, (*place, "type"))
        if name is None or type_ is None:
            return None
        identity = item.get("identity")
        return Field(
            name,
            type_,
            aliases,
            item.get("default", NO_DEFAULT),
            identity if isinstance(identity, str) else None,
            item.get("pii") is True,
            at,
        )

    def _enum(self, value: dict[str, Any], namespace: str, place: Place) -> Type | None:
        names = self._name(value, namespace, place)
        aliases = self._aliases(value, _full_name, place)
        symbols = value.get("symbols")
        at = (*place, "symbols")
        if not isinstance(symbols, list) or not symbols:
            self._wrong(at, "expected a list of 'symbols' in the enum, at least one")
            return None
        bad = [symbol for symbol in symbols if not isinstance(symbol, str) or not _NAME.fullmatch(symbol)]
        if bad:
            self._wrong(at, f"expected symbols of letters, digits and _, found {found(bad[0])}")
            return None
        if len(set(symbols)) != len(symbols):
            again = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
            self._wrong(at, f"expected each symbol once, found {again!r} again")
        default = value.get("default")
        if "default" in value and default not in symbols:
            self._wrong(
                (*place, "default"), f"expected one of the symbols as default, found {found(default)}"
            )
        if names is None:
            return None
        made = Enum(names[1], aliases, tuple(symbols), default if isinstance(default, str) else None)
        self._named[made.name] = made
        return made

    def _fixed(self, value: dict[str, Any], namespace: str, place: Place) -> Type | None:
        names = self._name(value, namespace, place)
        aliases = self._aliases(value, _full_name, place)
        size = value.get("size")
        if type(size) is not int or not 1 <= size <= 1 << 20:
            self._wrong(
                (*place, "size"),
                f"expected a size from 1 to 1048576 bytes, found {_shown(size, 'size' in value)}",
            )
            return None
        logical = self._logical("fixed", value, place, size)
        if names is None:
            return None
        made = Fixed(names[1], aliases, size, logical)
        self._named[made.name] = made
        return made

    def _logical(self, base: str, value: dict[str, Any], place: Place, size: int = 0) -> Logical | None:
        """The logical type; None where there is none on this base, which the specification says to ignore."""
        name = value.get("logicalType")
        if not isinstance(name, str) or base not in BASES.get(name, ()):
            return None
        if (name, base) in (("uuid", "fixed"), ("duration", "fixed")):
            return Logical(name) if size == {"uuid": 16, "duration": 12}[name] else None
        return self._decimal(value, place, size) if name == "decimal" else Logical(name)

    def _decimal(self, value: dict[str, Any], place: Place, size: int) -> Logical | None:
        precision, scale = value.get("precision"), value.get("scale", 0)
        most = math.floor(math.log10(2) * (8 * size - 1)) if size else 1000
        if type(precision) is not int or not 1 <= precision <= most:
            shown = _shown(precision, "precision" in value)
            self._wrong(place, f"expected a decimal's precision from 1 to {most}, found {shown}")
            return None
        if type(scale) is not int or not 0 <= scale <= precision:
            self._wrong(place, f"expected a decimal's scale from 0 to its precision, found {found(scale)}")
            return None
        return Logical("decimal", precision, scale)


def _full_name(name: str) -> bool:
    return all(_NAME.fullmatch(part) for part in name.split("."))


def _shown(value: Any, there: bool) -> str:
    return found(value) if there else "none"
