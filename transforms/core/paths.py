"""What a path into event data found."""

from __future__ import annotations

from typing import Any


def values_of(found: Any) -> list[Any]:
    """What a path found, as a list without nulls."""
    if found is None:
        return []
    if type(found) is list:
        return [value for value in found if value is not None]
    return [found]
