"""Reference data while deciding: what is looked up by a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas.workspace.condition import Lookup, Scalar
from schemas.workspace.reference import Rows
from transforms.core.condition import Read
from transforms.core.run_keys import key_of

Tables = Mapping[str, Rows]
"""The rows of a workspace's tables, by name."""


class Reference(NamedTuple):
    """Reference data as it is now.

    Attributes:
        digest: of all rows.
    """

    tables: Tables
    digest: bytes


NO_REFERENCE = Reference(MappingProxyType({}), b"")


def look_up(values: Iterable[Any], lookup: Lookup, tables: Tables) -> list[Scalar]:
    """What is found by each of some values, by those of them by which something is."""
    column = tables[lookup.table][lookup.column]
    found = (column.get(key) for value in values if (key := key_of([value])) is not None)
    return [value for value in found if value is not None]


def looking_up(read: Read, lookup: Lookup | None, tables: Tables) -> Read:
    """A function to what is found by the values that another reads; that one itself for no lookup."""
    if lookup is None:
        return read
    return lambda scope: look_up(read(scope), lookup, tables)
