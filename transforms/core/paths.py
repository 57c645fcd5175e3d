"""Dot paths into event data; a path through an array gives each element's value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def compile_path(path: str) -> Callable[[dict[str, Any]], list[Any]]:
    """A function from data to the values at the path, without nulls, in the order of the data."""
    names = path.split(".")
    if len(names) == 1:
        name = names[0]

        def read_one(data: dict[str, Any]) -> list[Any]:
            value = data.get(name)
            if value is None:
                return []
            if type(value) is list:
                return [item for item in value if item is not None]
            return [value]

        return read_one

    def read(data: dict[str, Any]) -> list[Any]:
        values: list[Any] = [data]
        for name in names:
            found: list[Any] = []
            for value in values:
                inner = value.get(name) if type(value) is dict else None
                if type(inner) is list:
                    found.extend(item for item in inner if item is not None)
                elif inner is not None:
                    found.append(inner)
            values = found
        return values

    return read
