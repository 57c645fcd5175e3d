"""A profile in memory, and its image: the row as bytes."""

from __future__ import annotations

import base64
import struct
from typing import Any

import msgspec

from transforms.core.responses import Responses
from transforms.core.statements import Statement

IMAGE_VERSION = 1
MAX_IMAGE_BYTES = 64 * 1024
"""Above this further events of the person are refused."""

NEVER_US = -(1 << 62)
"""The time of a profile that has seen no event."""

_PRINT = struct.Struct(">qQI")


class Contact(msgspec.Struct, frozen=True, array_like=True):
    """An action that was sent to the person.

    Attributes:
        held: it was not: the person was held out, or it was a rehearsal. It counts for cooldowns alone.
    """

    time_us: int
    action_id: str
    journey: str
    step: str
    channel: str
    category: str
    held: bool = False


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """A journey under way, waiting.

    Attributes:
        at: the path of the step at which it waits.
        due_us: when to go on, or to look at what it waits for.
        cause: event id, source, type and time of the entry event.
        fields: the values that the journey reads from the entry event, by path.
        timeout_us: when a wait for something ends in any case; None for other waits.
        sent: whether it has sent an action.
        variant: the name of the share that its last split took.
        key: what the journey's `entry.key` came to, "" without one.
    """

    version: int
    at: str
    due_us: int
    cause: tuple[str, str, str, int]
    fields: dict[str, list[Any]]
    timeout_us: int | None = None
    sent: bool = False
    variant: str | None = None
    key: str = ""


class Written(msgspec.Struct, frozen=True, array_like=True):
    """What a journey wrote as an attribute, a JSON value, and as of when.

    None where it took the attribute away: a merge must not bring back what was there before.
    """

    time_us: int
    value: Any


class Watch(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered for a journey that no event enters.

    Attributes:
        holds: whether its condition held when it was last looked at.
        due_us: when to look although no event came; None for never.
    """

    holds: bool
    due_us: int | None


class Profile(msgspec.Struct):
    """A person's folded state. Mutable: whoever folds owns it.

    Attributes:
        time_us: the greatest event time folded, `NEVER_US` for none.
        publish_us: the greatest publish time seen, `NEVER_US` for none.
        identities: `namespace:value` to the event time it was first seen at.
        attributes: name to state, see `bucket_fold` and `newest_fold`.
        consents: what the person said, by what it is about, see `statements`.
        responses: what came back from actions, see `responses`.
        contacts: in the order of their times; they are not quite decided in it.
        conversions: when events fulfilled the goal of actions first, by action id.
        runs: the runs under way, by journey and key, see `run_keys.slot_of`.
        written: attributes that journeys wrote.
        entered: when runs of journeys began that are entered once, by journey and key.
        watches: by journey.
        prints: fingerprint of source and id to event time and fingerprint of time and data.
        overflown: whether the image is over its limit.
    """

    person_id: str
    time_us: int = NEVER_US
    publish_us: int = NEVER_US
    identities: dict[str, int] = {}
    attributes: dict[str, Any] = {}
    consents: dict[str, Statement] = {}
    responses: Responses = {}
    conversions: dict[str, int] = {}
    contacts: list[Contact] = []
    runs: dict[str, Run] = {}
    written: dict[str, Written] = {}
    entered: dict[str, int] = {}
    watches: dict[str, Watch] = {}
    prints: dict[int, tuple[int, int]] = {}
    overflown: bool = False

    def written_value(self, name: str) -> Any:
        """What journeys wrote as an attribute last, None for nothing."""
        written = self.written.get(name)
        return None if written is None else written.value


class _Image(msgspec.Struct, omit_defaults=False):
    version: int
    person_id: str
    sequence: int
    time_us: int
    publish_us: int
    identities: dict[str, int]
    attributes: dict[str, Any]
    consents: dict[str, Statement]
    contacts: list[Contact]
    journeys: dict[str, Run]
    values: dict[str, Any]
    seen: str
    responses: Responses | msgspec.UnsetType = msgspec.UNSET
    conversions: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    written: dict[str, Written] | msgspec.UnsetType = msgspec.UNSET
    entered: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    watches: dict[str, Watch] | msgspec.UnsetType = msgspec.UNSET


# Dicts are sorted where they are pruned: their integer keys would sort as text here.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(_Image)


def encode_image(profile: Profile, sequence: int, values: dict[str, Any]) -> bytes:
    """The profile's row: JSON, fingerprints packed in base64; pruned, so that its keys are sorted.

    Args:
        profile: already pruned.
        sequence: of the commit that writes it.
        values: the attributes' values as of the profile's own time, for readers in other languages.
    """
    packed = [
        _PRINT.pack(time_us, print64, content) for print64, (time_us, content) in profile.prints.items()
    ]
    packed.sort()
    return _ENCODER.encode(
        _Image(
            IMAGE_VERSION,
            profile.person_id,
            sequence,
            profile.time_us,
            profile.publish_us,
            profile.identities,
            profile.attributes,
            profile.consents,
            profile.contacts,
            profile.runs,
            values,
            base64.b64encode(b"".join(packed)).decode(),
            profile.responses or msgspec.UNSET,
            profile.conversions or msgspec.UNSET,
            profile.written or msgspec.UNSET,
            profile.entered or msgspec.UNSET,
            profile.watches or msgspec.UNSET,
        )
    )


def decode_image(image: bytes) -> Profile:
    """The profile of a row.

    Raises:
        ValueError: the row is of another version, or no image at all.
    """
    row = _DECODER.decode(image)
    if row.version != IMAGE_VERSION:
        raise ValueError(f"expected a profile image of version {IMAGE_VERSION}, found {row.version}")
    return Profile(
        row.person_id,
        row.time_us,
        row.publish_us,
        row.identities,
        {name: _buckets(state) for name, state in row.attributes.items()},
        row.consents,
        row.responses or {},
        row.conversions or {},
        row.contacts,
        row.journeys,
        row.written or {},
        row.entered or {},
        row.watches or {},
        {
            print64: (time_us, content)
            for time_us, print64, content in _PRINT.iter_unpack(base64.b64decode(row.seen))
        },
        len(image) > MAX_IMAGE_BYTES,
    )


def _buckets(state: Any) -> Any:
    return {int(bucket): held for bucket, held in state.items()} if isinstance(state, dict) else state


def facts(profile: Profile) -> bytes:
    """What every order of the same events agrees on, byte for byte: attributes, consents, responses,
    identities.

    Args:
        profile: already pruned.
    """
    return _ENCODER.encode(
        {
            "person_id": profile.person_id,
            "identities": profile.identities,
            "attributes": profile.attributes,
            "consents": profile.consents,
            "responses": profile.responses,
        }
    )
