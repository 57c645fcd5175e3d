"""The words of messages about a workspace: what was found, and which name was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

_SHOWN = 60


def found(value: Any) -> str:
    """A value as a message names it: `text 'abc'`, `the number 5`, `a list`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"text {value if len(value) <= _SHOWN else value[:_SHOWN] + '...'!r}"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def listed(names: Iterable[str]) -> str:
    """Names in a row, `a, b or c`."""
    *most, last = list(names) or ["nothing"]
    return f"{', '.join(most)} or {last}" if most else last


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that resembles this one most, None where none does."""
    names = sorted(known)
    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def remedy(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean X?` where a known name resembles this one, else what to do instead."""
    close = nearest(name, known)
    return f"did you mean {close}?" if close else otherwise


def unknown(what: str, name: str, known: Iterable[str], otherwise: str) -> str:
    """The message about a name that nothing defines.

    Args:
        what: what the name should be the name of, such as `channel`.
        otherwise: what to do if no known name resembles it.
    """
    return f"expected a known {what}, found {name!r}; {remedy(name, known, otherwise)}"
