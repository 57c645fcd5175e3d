"""The people of event files, as the bounded job decodes them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pipelines.find_person import find_person
from pipelines.version import VERSION
from schemas.dead_letter import DeadLetter
from schemas.errors import InputError
from schemas.workspace.model import Workspace
from sinks.event_files import EventFiles
from transforms.core.decode import Decoder
from transforms.core.fold_event import FoldEvent, reduce_event


class People(msgspec.Struct):
    """Whom events are about.

    Attributes:
        events: by person id, in the order in which persons and events stand in the files.
        publish_us: the greatest publish time.
        messages: how many there are, those that are refused too.
        refused: how many are no events.
        first_refused: the first of them, None for none.
    """

    events: dict[str, list[FoldEvent]]
    publish_us: int
    messages: int
    refused: int
    first_refused: DeadLetter | None

    def find(self, name: str, workspace: Workspace) -> str:
        """The id of the person that an identity or an id names.

        Raises:
            UsageError: it is no identity of this workspace.
            CjaasError: nobody, or more than one person, has it.
        """

        def persons_of(identity: str) -> list[str]:
            return [
                person_id
                for person_id, events in self.events.items()
                if any(identity in event.identities for event in events)
            ]

        return find_person(
            name, workspace, self.events.__contains__, persons_of, "no event of the input is about them"
        )


def read_people(workspace: Workspace, paths: Sequence[str]) -> People:
    """The people of some files, all in memory.

    Raises:
        InputError: a file cannot be read, or there is no event in any.
    """
    source = EventFiles(tuple(paths))
    decoder = Decoder(workspace, VERSION)
    people = People({}, 0, 0, 0, None)
    for split in source.splits():
        for batch in source.read(split):
            decoded = decoder.decode(batch)
            people.messages += len(batch)
            people.refused += len(decoded.dead_letters)
            if people.first_refused is None and decoded.dead_letters:
                people.first_refused = decoded.dead_letters[0]
            for event in decoded.events:
                people.events.setdefault(event.person_id, []).append(reduce_event(event))
                people.publish_us = max(people.publish_us, event.publish_us)
    if people.events:
        return people
    first = people.first_refused
    if first is None:
        raise InputError(f"{', '.join(paths)}: expected events, found none; give a file with one a line")
    raise InputError(f"{first.message_id}: expected an event, found {first.error}: {first.detail}")
