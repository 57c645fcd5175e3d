"""Their names, which are free text, as names of a workspace's files."""

from __future__ import annotations

import re
import unicodedata

from schemas.cjds.remarks import At

_LONGEST = 63
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_.]*", re.ASCII)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


def slug(text: str) -> str:
    """Lower-case words of letters and digits, joined by `_`: `WXConnect flow` is `wx_connect_flow`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")


class Names:
    """Names of one kind, each given once."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._taken: dict[str, str] = {}

    def take(self, at: At, text: str) -> str:
        """A name for what stands at a place; tells if it is another's already."""
        name = slug(text)
        if not name[:1].isalpha():
            name = f"{self._kind}_{name}".rstrip("_")
        name = name[:_LONGEST].rstrip("_")
        number, free = 2, name
        while free in self._taken:
            suffix = f"_{number}"
            free = name[: _LONGEST - len(suffix)] + suffix
            number += 1
        if free != name:
            at.note(f"{name} is the name of {self._taken[name]} already; it becomes {free}")
        self._taken[free] = at.where
        return free


class EventTypes:
    """Event types: `task:new` is `task.new`, `Closed Queue` is `closed_queue`."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def take(self, at: At, text: str) -> str:
        """The event type; tells if it had to be changed."""
        if text not in self._names:
            name = text
            if not _EVENT_TYPE.fullmatch(text):
                parts = [slug(part) for part in re.split(r"[:.]", text)]
                name = ".".join(part for part in parts if part)
                name = name if name[:1].isalpha() else f"event_{name}".rstrip("_")
            while name in self._names.values():
                name += "_2"
            self._names[text] = name
        name = self._names[text]
        if name != text:
            at.note(f"event type {text!r} becomes {name}; events are to come with that type")
        return name


def field_path(at: At, text: str) -> str:
    """The path of a field; tells if it had to be changed."""
    if _FIELD.fullmatch(text):
        return text
    path = re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.")
    path = path if _FIELD.fullmatch(path) else f"field_{slug(text)}".rstrip("_")
    at.note(f"field {text!r} becomes {path}; events are to come with that field")
    return path
