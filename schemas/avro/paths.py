"""Dot paths into event data; a path through an array gives each element's value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

Projection = Callable[[dict[str, Any]], tuple[Any, ...]]


def follow(found: Any, names: Sequence[str]) -> Any:
    """What is at a path from a value: a value, a list of values, or None."""
    for name in names:
        if type(found) is list:
            found = _each(found, name)
        elif type(found) is dict:
            found = found.get(name)
        else:
            return None
    return found


def _each(items: list[Any], name: str) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if type(item) is list:
            found += _each(item, name)
            continue
        value = item.get(name) if type(item) is dict else None
        if type(value) is list:
            found += value
        elif value is not None:
            found.append(value)
    return found


def compile_path(path: str) -> Callable[[dict[str, Any]], Any]:
    """A function from data to what is at the path: a value, a list of values, or None."""
    names = path.split(".")
    if len(names) == 1:
        name = names[0]
        return lambda data: data.get(name)
    return lambda data: follow(data, names)


def compile_projection(paths: Sequence[str]) -> Projection:
    """A function from valid data to what is at each of the paths, which begin with fields of its schema."""
    if all("." not in path for path in paths):
        # Valid data has every field of its schema.
        if len(paths) > 1:
            return itemgetter(*paths)
        if paths:
            name = paths[0]
            return lambda data: (data[name],)
        return lambda data: ()
    reads = [compile_path(path) for path in paths]
    return lambda data: tuple([read(data) for read in reads])
