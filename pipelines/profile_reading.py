"""Reading profiles as of any time.

An image answers for every time from its last event on. For an earlier one the person's facts are folded
again from the tape, with the events up to that time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import msgspec

from pipelines.find_person import find_person
from schemas.avro import ReadValues
from schemas.errors import CjaasError
from schemas.event import Event
from schemas.journal import Journal, TapeEvent
from schemas.store import ProfileStore
from schemas.timestamps import datetime_us, format_rfc3339
from schemas.workspace.model import Workspace
from transforms.core.attribute_values import read_attributes
from transforms.core.fold_event import FoldEvent, reduce_event
from transforms.core.plan import Plan
from transforms.core.profile import NEVER_US, Profile, decode_image
from transforms.core.refold import refold

_CHUNK = 10_000


class ContactView(msgspec.Struct, frozen=True, omit_defaults=True):
    """An action that the person was sent, and what came of it.

    Attributes:
        held: it was not sent: the person was held out, or it was a rehearsal.
        responses: when each kind of answer came first.
        converted: when the journey's goal was reached after it.
    """

    time: str
    action_id: str
    journey: str
    step: str
    channel: str
    category: str
    held: bool = False
    responses: dict[str, str] = {}
    converted: str | None = None


class ProfileView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One profile as of a time.

    Attributes:
        identities: sorted `namespace:value`.
        attributes: those that have a value; numbers int or Decimal.
        journeys: under way, by name; None as of a time before the image's last event.
        contacts: newest first, as far back as anything counts them; None as journeys are.
    """

    person_id: str
    as_of: str
    identities: list[str]
    attributes: dict[str, Any]
    consents: dict[str, Any]
    journeys: dict[str, Any] | None = None
    contacts: list[ContactView] | None = None


_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")


def encode_view(view: ProfileView) -> str:
    """The profile as one line of JSON."""
    return _ENCODER.encode(view).decode()


class ProfileReader:
    """The profiles that a job has made."""

    def __init__(self, workspace: Workspace, store: ProfileStore, journal: Journal) -> None:
        self._workspace = workspace
        self._plan = Plan(workspace)
        self._readers: dict[str, ReadValues] = {}
        self._store = store
        self._journal = journal

    def person(self, name: str) -> str:
        """The id of the person that an identity `namespace:value` or an id names.

        Raises:
            UsageError: it is no identity of this workspace.
            CjaasError: nobody, or more than one person, has it.
        """
        return find_person(
            name,
            self._workspace,
            lambda person_id: bool(self._store.images([person_id])),
            self._journal.persons_of,
            "see `cjaas profiles` for all",
        )

    def profile(self, person_id: str) -> Profile | None:
        """One person's folded state, None where there is none."""
        image = self._store.images([person_id]).get(person_id)
        return None if image is None else decode_image(image)

    def read(self, person_id: str, as_of_us: int | None) -> ProfileView | None:
        """One person's profile, None where it had no event by then."""
        image = self._store.images([person_id]).get(person_id)
        if image is None:
            return None
        return next(self._views([(person_id, image)], as_of_us), None)

    def read_all(self, as_of_us: int | None) -> Iterator[ProfileView]:
        """Every profile by person id, without those that had no event by then."""
        images = iter(self._store.scan())
        while chunk := list(islice(images, _CHUNK)):
            yield from self._views(chunk, as_of_us)

    def _views(self, images: Sequence[tuple[str, bytes]], as_of_us: int | None) -> Iterator[ProfileView]:
        profiles = {person_id: decode_image(image) for person_id, image in images}
        earlier: dict[str, Profile] = {}
        if as_of_us is not None:
            behind = [person for person, profile in profiles.items() if profile.time_us > as_of_us]
            earlier = dict(self._refolded(behind, as_of_us)) if behind else {}
        for person_id, profile in profiles.items():
            time_us = profile.time_us if as_of_us is None else as_of_us
            if time_us >= profile.time_us:
                yield self._view(profile, time_us, current=True)
            elif person_id in earlier:
                past = earlier[person_id]
                # No event tells what journeys wrote: it is known since it was last written.
                past.written = {
                    name: written for name, written in profile.written.items() if written.time_us <= time_us
                }
                yield self._view(past, time_us, current=False)

    def _view(self, profile: Profile, as_of_us: int, current: bool) -> ProfileView:
        journeys = {
            name: {"waits_until": format_rfc3339(run.due_us), "entered_by": run.cause[0]}
            for name, run in sorted(profile.runs.items())
        }
        return ProfileView(
            profile.person_id,
            format_rfc3339(as_of_us),
            sorted(profile.identities),
            dict(sorted(read_attributes(profile, self._plan.folds, as_of_us).items())),
            {
                key: {
                    "value": said.value,
                    "time": format_rfc3339(said.time_us),
                    "event_id": said.event_id,
                    "source": said.source,
                }
                for key, said in sorted(profile.consents.items())
            },
            journeys if current else None,
            _contacts(profile) if current else None,
        )

    def _refolded(self, person_ids: Sequence[str], as_of_us: int) -> Iterator[tuple[str, Profile]]:
        rows = self._journal.events_of(person_ids, as_of_us)
        for person_id, group in groupby(rows, key=itemgetter(0)):
            profile = refold(person_id, (self._fold_event(row) for row in group), self._plan)
            # Late events alone make nobody.
            if profile.time_us != NEVER_US:
                yield person_id, profile

    def _fold_event(self, row: TapeEvent) -> FoldEvent:
        person_id, event_id, source, kind, event_time, publish_time, name, identities, data, extensions = row
        registry = self._workspace.registry
        content_type = msgspec.json.decode(extensions or "{}").get("datacontenttype", "")
        # Avro data stands on the tape as JSON in the shape of the newest version.
        version = int(name.rpartition("/")[2])
        schema = registry.newest(kind) if "avro" in content_type else registry.find(kind, version)
        if schema is None:
            raise CjaasError(f"{name}: the tape has events of this schema, the workspace no longer does")
        read = self._readers.get(schema.name)
        if read is None:
            read = self._readers[schema.name] = schema.read_values(self._plan.types[kind].paths)
        values, _ = read(data.encode())
        event = Event(
            event_id,
            source,
            kind,
            datetime_us(event_time),
            datetime_us(publish_time),
            name,
            person_id,
            tuple(identities),
            values,
            data.encode(),
            b"",
            None,
            "",
        )
        return reduce_event(event)


def _contacts(profile: Profile) -> list[ContactView]:
    newest = sorted(profile.contacts, key=lambda contact: (contact.time_us, contact.action_id), reverse=True)
    return [
        ContactView(
            format_rfc3339(contact.time_us),
            contact.action_id,
            contact.journey,
            contact.step,
            contact.channel,
            contact.category,
            contact.held,
            {
                kind: format_rfc3339(time_us)
                for kind, time_us in sorted(
                    profile.responses.get(contact.action_id, {}).items(), key=lambda answer: answer[::-1]
                )
            },
            None
            if (time_us := profile.conversions.get(contact.action_id)) is None
            else format_rfc3339(time_us),
        )
        for contact in newest
    ]
