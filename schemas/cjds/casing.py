"""The names of keys over the years: `MetaData`, `metaData`, `metadata` and `meta_data` are one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_OTHER_NAMES = {"active": "isactive"}


def fold(key: str) -> str:
    """What all spellings of a key have in common."""
    folded = re.sub(r"[^a-z0-9]", "", key.lower())
    return _OTHER_NAMES.get(folded, folded)


def own_key(value: Any, key: str) -> str | None:
    """How an object spells a key; None where it does not have it."""
    if not isinstance(value, dict):
        return None
    if key in value:
        return key
    return next((own for own in value if fold(own) == fold(key)), None)


def respelled(value: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The object with its keys spelled as these names; keys that are none of them, as they are.

    A key without a value counts as absent.

    Raises:
        ValueError: two keys are one name.
    """
    known = {fold(name): name for name in names}
    result: dict[str, Any] = {}
    for own, inner in value.items():
        name = known.get(fold(own), own)
        if name in result:
            raise ValueError(f"expected each key once, found {own!r} beside another spelling; remove one")
        if inner is not None:
            result[name] = inner
    return result
