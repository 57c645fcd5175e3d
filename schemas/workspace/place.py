"""Where a check is in a document, and where its problems go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.errors import Problem
from schemas.workspace.document import Document, Key, Location


@dataclass(frozen=True)
class Place:
    """A location of a document, with the list that collects the problems of all places."""

    document: Document
    problems: list[Problem]
    location: Location = ()

    def at(self, *keys: Key) -> Place:
        """The place below this one."""
        return Place(self.document, self.problems, (*self.location, *keys))

    def add(self, message: str) -> None:
        """Tells a problem here."""
        self.problems.append(self.document.problem(self.location, message))

    @property
    def line(self) -> int:
        """The line of this place."""
        return self.document.line(self.location)


def tell_repeated(what: str, places: Iterable[tuple[Place, object]]) -> None:
    """Tells of each value that an earlier place has too."""
    first: dict[object, Place] = {}
    for place, value in places:
        if value is None or isinstance(value, (dict, list)):
            continue
        earlier = first.setdefault(value, place)
        if earlier is not place:
            place.add(
                f"expected another {what}, found {value!r}, "
                f"which is taken in {earlier.document.path.name}, line {earlier.line}; choose another"
            )
