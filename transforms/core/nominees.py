"""Nominees: whom a person named to be told of a use case as well, such as who waits for a delivery.

A message that a person has to be told, legal or operative, goes to each of them too, as an action of its own
beside the person's. Nobody can consent to more for somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from transforms.core.statements import Statement, nomination_of

MOST_NOMINEES = 5
"""So many are told of a message at most: those who were named first."""


class Nominee(NamedTuple):
    """Somebody who is told as well.

    Attributes:
        identity: `namespace:value`.
        language: that they want; None for the person's.
        said: the statement that nominates them.
    """

    identity: str
    name: str | None
    language: str | None
    said: Statement

    @property
    def address(self) -> str:
        """Where they are reached."""
        return self.identity.partition(":")[2]


def nominees_of(statements: Mapping[str, Statement], use_case: str | None = None) -> dict[str, list[Nominee]]:
    """By use case, of one or of all, who stands nominated: by the time of the statement, then by identity."""
    found: dict[str, list[Nominee]] = {}
    for key, said in statements.items():
        about = nomination_of(key)
        if about is not None and said.value is not None and use_case in (None, about[0]):
            nominee = Nominee(about[1], said.value.get("name"), said.value.get("language"), said)
            found.setdefault(about[0], []).append(nominee)
    for nominees in found.values():
        nominees.sort(key=lambda nominee: (nominee.said.time_us, nominee.identity))
    return found


def told_as_well(
    statements: Mapping[str, Statement], use_case: str, namespace: str, address: str | None
) -> list[Nominee]:
    """Who is told of a message that the person gets.

    Args:
        namespace: of the addresses of the message's channel.
        address: of the person; who has the same gets it already.
    """
    prefix = f"{namespace}:"
    nominees = [
        nominee
        for nominee in nominees_of(statements, use_case).get(use_case, ())
        if nominee.identity.startswith(prefix) and nominee.address != address
    ]
    return nominees[:MOST_NOMINEES]
