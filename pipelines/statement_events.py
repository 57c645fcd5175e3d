"""What a person says, from words of the command line to CloudEvents."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.action import Category
from schemas.errors import CjaasError, UsageError
from schemas.timestamps import format_rfc3339
from schemas.workspace.model import Workspace
from schemas.workspace.values import LANGUAGE_PATTERN
from transforms.core.identity import Identities
from transforms.core.local_time import clock_minute, is_zone
from transforms.core.profile import Profile
from transforms.core.refused import Refused
from transforms.core.statements import (
    CONSENT_GIVEN,
    CONSENT_WITHDRAWN,
    CONTACT_NOMINATED,
    CONTACT_WITHDRAWN,
    PREFERENCE,
    SUBSCRIPTION,
    consent_key,
    nomination_key,
    statement_paths,
    subscription_key,
)

SOURCE = "cjaas/preferences"
_VERDICTS = {"given": CONSENT_GIVEN, "withdrawn": CONSENT_WITHDRAWN}
_LANGUAGE = re.compile(LANGUAGE_PATTERN)
_MOST = 1_000_000  # the schema's int holds it, and nobody reaches it


class Change(NamedTuple):
    """Something that a person says: the type of an event and its data."""

    event_type: str
    data: dict[str, Any]


class Words(NamedTuple):
    """What the options of a command say, as they were given."""

    consents: Sequence[str] = ()
    subscribed: Sequence[str] = ()
    unsubscribed: Sequence[str] = ()
    settings: Sequence[str] = ()
    nominated: Sequence[str] = ()
    withdrawn: Sequence[str] = ()


def changes_of(words: Words, workspace: Workspace) -> list[Change]:
    """What is said, each name known to the workspace; all settings are one change.

    Raises:
        UsageError: a name or a value is wrong, or one thing is said twice.
    """
    known: set[str] = set()
    changes: list[Change] = []
    for option, key, change in _about(words, workspace):
        _once(option, key, known)
        changes.append(change)
    data: dict[str, Any] = {}
    for setting in words.settings:
        option = f"--set {setting}"
        name, value = _setting(option, setting, workspace)
        _once(option, f"preference/{name}", known)
        data[name] = value
    return [*changes, Change(PREFERENCE, data)] if data else changes


def event_lines(
    changes: Sequence[Change], profile: Profile, workspace: Workspace, time_us: int, new_id: Callable[[], str]
) -> list[bytes]:
    """The changes as CloudEvents in structured mode, one JSON object each.

    Raises:
        CjaasError: no identity names the person alone.
    """
    namespace, value = _own_identity(profile, workspace)
    return [
        msgspec.json.encode(
            {
                "specversion": "1.0",
                "id": new_id(),
                "source": SOURCE,
                "type": change.event_type,
                "time": format_rfc3339(time_us),
                "identitytype": namespace,
                "identity": value,
                "data": change.data,
            }
        )
        for change in changes
    ]


def _own_identity(profile: Profile, workspace: Workspace) -> tuple[str, str]:
    """The identity that the person's id is derived from: an event with it alone is about this person."""
    identities = Identities(workspace)
    for text in profile.identities:
        if identities.person_id(text) == profile.person_id:
            namespace, _, value = text.partition(":")
            return namespace, value
    raise CjaasError(
        f"person {profile.person_id}: expected the identity that names them in their profile, found none; "
        "check that the workspace has the secret that the job ran with"
    )


def _about(words: Words, workspace: Workspace) -> Iterator[tuple[str, str, Change]]:
    """Each consent and subscription: the option, what it is about, and the change."""
    for text in words.consents:
        option = f"--consent {text}"
        about, equals, verdict = text.partition("=")
        if not equals or verdict not in _VERDICTS:
            raise UsageError(
                f"{option}: expected CATEGORY=given, CATEGORY=withdrawn, or the same with CATEGORY/CHANNEL"
            )
        name, channel = _named(option, about, "category", [*Category], workspace)
        yield (
            option,
            consent_key(name, channel),
            Change(_VERDICTS[verdict], _data(category=name, channel=channel)),
        )
    for word, texts, subscribed in (
        ("--subscribe", words.subscribed, True),
        ("--unsubscribe", words.unsubscribed, False),
    ):
        for text in texts:
            option = f"{word} {text}"
            name, channel = _named(option, text, "use case", workspace.policy.use_cases, workspace)
            data = _data(use_case=name, channel=channel, subscribed=subscribed)
            yield option, subscription_key(name, channel), Change(SUBSCRIPTION, data)
    for word, texts, event_type in (
        ("--nominate", words.nominated, CONTACT_NOMINATED),
        ("--withdraw", words.withdrawn, CONTACT_WITHDRAWN),
    ):
        for text in texts:
            option = f"{word} {text}"
            name, identity = _nominee(option, text, workspace)
            namespace, _, value = identity.partition(":")
            data = {"use_case": name, "namespace": namespace, "value": value}
            yield option, nomination_key(name, identity), Change(event_type, data)


def _nominee(option: str, text: str, workspace: Workspace) -> tuple[str, str]:
    """The use case and the normalised identity of `USE_CASE=NAMESPACE:VALUE`."""
    name, _, identity = text.partition("=")
    namespace, colon, value = identity.partition(":")
    if not colon:
        raise UsageError(f"{option}: expected USE_CASE=NAMESPACE:VALUE such as orders=email:bea@example.com")
    _known(option, "use case", name, workspace.policy.use_cases)
    addresses = {channel.address for channel in workspace.channels.values() if channel.address is not None}
    _known(option, "namespace of a channel's addresses", namespace, sorted(addresses))
    try:
        return name, Identities(workspace).identity(namespace, value).text
    except Refused as error:
        raise UsageError(f"{option}: {error.detail}") from None


def _named(
    option: str, about: str, what: str, names: Collection[str], workspace: Workspace
) -> tuple[str, str | None]:
    """The name and the channel of `NAME[/CHANNEL]`."""
    name, slash, channel = about.partition("/")
    _known(option, what, name, names)
    if slash:
        _known(option, "channel", channel, workspace.channels)
    return name, channel if slash else None


def _known(option: str, what: str, name: str, names: Collection[str]) -> None:
    if not names:
        raise UsageError(f"{option}: expected a {what} of workspace.yaml, which has none, found {name!r}")
    if name not in names:
        raise UsageError(f"{option}: expected a {what} of {', '.join(names)}, found {name!r}")


def _setting(option: str, text: str, workspace: Workspace) -> tuple[str, Any]:
    """The name and the value of a preference."""
    name, equals, value = text.partition("=")
    names = statement_paths(PREFERENCE)
    if not equals:
        raise UsageError(f"{option}: expected NAME=VALUE, found no =; names are {', '.join(names)}")
    _known(option, "preference", name, names)
    match name:
        case "channels":
            channels = value.split(",")
            for channel in channels:
                _known(option, "channel", channel, workspace.channels)
            if len(set(channels)) < len(channels):
                raise UsageError(f"{option}: expected each channel once")
            return name, channels
        case "most_per_week":
            if not re.fullmatch(r"[0-9]{1,7}", value, re.ASCII) or int(value) > _MOST:
                raise UsageError(f"{option}: expected a number from 0 to {_MOST:,}, found {value!r}")
            return name, int(value)
        case "language":
            right, expected = bool(_LANGUAGE.fullmatch(value)), "a language such as de or pt-BR"
        case "time_zone":
            right, expected = is_zone(value), "a time zone such as Europe/Berlin"
        case _:
            right, expected = clock_minute(value) is not None, "a time of the day such as 21:00"
    if not right:
        raise UsageError(f"{option}: expected {expected}, found {value!r}")
    return name, value


def _once(option: str, key: str, known: set[str]) -> None:
    if key in known:
        raise UsageError(f"{option}: expected each thing once, found {key} twice")
    known.add(key)


def _data(channel: str | None, **more: Any) -> dict[str, Any]:
    return more if channel is None else {**more, "channel": channel}
