"""Where something stands in a JSON file, and what is to be told of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel

from schemas.cjds.casing import own_key
from schemas.workspace.document import Key, Location, key_path


@dataclass(frozen=True)
class Remark:
    """What became of one part of a file.

    Attributes:
        where: the JSON path, with the file's own keys.
        loss: whether something is missing from what was made of it.
    """

    path: Path
    where: str
    message: str
    loss: bool

    def __str__(self) -> str:
        return f"{self.path}: {self.where}: {self.message}" if self.where else f"{self.path}: {self.message}"


@dataclass(frozen=True)
class At:
    """A location of a JSON file, with the list that collects the remarks of all of them.

    Attributes:
        whole: all of the file.
    """

    path: Path
    whole: Any
    remarks: list[Remark]
    location: Location = ()

    def at(self, *keys: Key) -> At:
        """The place below this one."""
        return At(self.path, self.whole, self.remarks, (*self.location, *keys))

    def note(self, message: str) -> None:
        """Tells what is done, where nothing is missing for it."""
        self.remarks.append(Remark(self.path, self.where, message, loss=False))

    def lose(self, message: str) -> None:
        """Tells what could not be done."""
        self.remarks.append(Remark(self.path, self.where, message, loss=True))

    @property
    def where(self) -> str:
        """The JSON path with the keys as the file has them; a key that is not there in camelCase."""
        value, own = self.whole, list[Key]()
        for key in self.location:
            if isinstance(key, str):
                found = own_key(value, key)
                own.append(to_camel(key) if found is None else found)
                value = None if found is None else value[found]
            else:
                own.append(key)
                value = value[key] if isinstance(value, list) and key < len(value) else None
        return key_path(tuple(own))


class RefusedError(Exception):
    """A part that has no counterpart: it and what it belongs to are left out."""

    def __init__(self, at: At, message: str, advice: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.advice = advice

    def tell(self, left_out: str) -> None:
        """Tells it, and what is left out for it."""
        self.at.lose(f"{self.message}; {left_out} is left out: {self.advice}")


def summed_up(remarks: Iterable[Remark]) -> list[Remark]:
    """One remark for each message of a file, which says how often it holds besides the first place."""
    grouped: dict[tuple[Path, str, bool], list[Remark]] = {}
    for remark in remarks:
        grouped.setdefault((remark.path, remark.message, remark.loss), []).append(remark)
    return [
        Remark(first.path, f"{first.where} and {len(others)} more", first.message, first.loss)
        if others
        else first
        for first, *others in grouped.values()
    ]
