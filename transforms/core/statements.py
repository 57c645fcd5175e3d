"""Statements: what a person said about how, and whether, they want to be reached.

Each is a fact: of several about one thing the latest by event time stands, then by event id and source,
in whatever order they come. Only what can be acted on is kept: a use case that the workspace does not have,
or an address that is none, leaves no trace in a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from schemas.action import Category
from schemas.workspace.model import Workspace
from transforms.core.condition import Read
from transforms.core.fold_event import FoldEvent
from transforms.core.identity import Identities
from transforms.core.refused import Refused

CONSENT_GIVEN = "consent.given"
CONSENT_WITHDRAWN = "consent.withdrawn"
SUBSCRIPTION = "subscription.changed"
PREFERENCE = "preference.changed"
SUPPRESSION = "suppression.changed"
CONTACT_NOMINATED = "contact.nominated"
CONTACT_WITHDRAWN = "contact.withdrawn"

_PATHS: dict[str, tuple[str, ...]] = {
    CONSENT_GIVEN: ("category", "channel"),
    CONSENT_WITHDRAWN: ("category", "channel"),
    SUBSCRIPTION: ("use_case", "channel", "subscribed"),
    PREFERENCE: ("channels", "language", "most_per_week", "time_zone", "quiet_from", "quiet_until"),
    SUPPRESSION: ("list", "category", "suppressed"),
    CONTACT_NOMINATED: ("use_case", "namespace", "value", "name", "language"),
    CONTACT_WITHDRAWN: ("use_case", "namespace", "value"),
}
_CATEGORIES = frozenset(Category)


class Statement(msgspec.Struct, frozen=True, array_like=True):
    """What was said last about one thing, when, by which event, and where."""

    time_us: int
    event_id: str
    source: str
    value: Any


Say = Callable[[dict[str, Statement], FoldEvent], None]
"""Takes an event into a person's statements, in place."""

_Make = Callable[[list[list[Any]]], Iterator[tuple[str, Any]]]
"""From what is found at a type's paths to what is said, and about what."""


def consent_key(category: str, channel: str | None = None) -> str:
    """What a consent is about: a category, in one channel or in all."""
    return f"consent/{category}" if channel is None else f"consent/{category}/{channel}"


def subscription_key(use_case: str, channel: str | None = None) -> str:
    """What a subscription is about: a use case, in one channel or in all."""
    return f"subscription/{use_case}" if channel is None else f"subscription/{use_case}/{channel}"


def suppression_of(key: str) -> tuple[str, str | None] | None:
    """The list that a statement is about, and the category, None for all that solicit; else None."""
    what, _, about = key.partition("/")
    if what != "suppression":
        return None
    name, _, category = about.partition("/")
    return name, category or None


def nomination_key(use_case: str, identity: str) -> str:
    """What a nomination is about: a use case, and who is told of it, as normalised `namespace:value`."""
    return f"nomination/{use_case}/{identity}"


def nomination_of(key: str) -> tuple[str, str] | None:
    """The use case and the `namespace:value` that a statement nominates somebody by; else None."""
    what, _, about = key.partition("/")
    if what != "nomination":
        return None
    use_case, _, identity = about.partition("/")
    return use_case, identity


def statement_paths(event_type: str) -> tuple[str, ...]:
    """The data paths that are read from events of a type; none for one that says nothing."""
    return _PATHS.get(event_type, ())


def say_of(event_type: str, workspace: Workspace, read: Callable[[str], Read]) -> Say | None:
    """What takes events of a type into a person's statements; None for one that says nothing.

    Args:
        read: what reads a path of the type's events.
    """
    if event_type not in _PATHS:
        return None
    reads = [read(path) for path in _PATHS[event_type]]
    nominates = event_type in (CONTACT_NOMINATED, CONTACT_WITHDRAWN)
    makes = _nominating(workspace, event_type == CONTACT_NOMINATED) if nominates else _MAKERS[event_type]
    known = known_statement(workspace)

    def say(statements: dict[str, Statement], event: FoldEvent) -> None:
        for key, value in makes([each(event) for each in reads]):
            if not known(key):
                continue
            statement = Statement(event.time_us, event.event_id, event.source, value)
            former = statements.get(key)
            statements[key] = statement if former is None else later(former, statement)

    return say


def known_statement(workspace: Workspace) -> Callable[[str], bool]:
    """Whether a workspace can act on what a statement is about."""
    use_cases, channels = workspace.policy.use_cases.keys(), workspace.channels.keys()
    namespaces = frozenset(namespace.name for namespace in workspace.namespaces)

    def known(key: str) -> bool:
        what, _, about = key.partition("/")
        name, _, where = about.partition("/")
        match what:
            case "consent":
                return name in _CATEGORIES and (not where or where in channels)
            case "subscription":
                return name in use_cases and (not where or where in channels)
            case "nomination":
                return name in use_cases and where.partition(":")[0] in namespaces
        return True

    return known


def later(one: Statement, other: Statement) -> Statement:
    """The one of two statements about one thing that stands; the first where they are one."""
    return other if _order(one) < _order(other) else one


def _order(statement: Statement) -> tuple[int, str, str]:
    return statement.time_us, statement.event_id, statement.source


def _first(values: Sequence[Any]) -> Any:
    return values[0] if values else None


def _given(found: list[list[Any]]) -> Iterator[tuple[str, Any]]:
    category, channel = map(_first, found)
    yield consent_key(category, channel), True


def _withdrawn(found: list[list[Any]]) -> Iterator[tuple[str, Any]]:
    category, channel = map(_first, found)
    yield consent_key(category, channel), False


def _subscribed(found: list[list[Any]]) -> Iterator[tuple[str, Any]]:
    use_case, channel, subscribed = map(_first, found)
    yield subscription_key(use_case, channel), subscribed


def _preferred(found: list[list[Any]]) -> Iterator[tuple[str, Any]]:
    channels, *others = found
    if channels:
        yield "preference/channels", channels
    for name, values in zip(_PATHS[PREFERENCE][1:], others, strict=True):
        if values:
            yield f"preference/{name}", values[0]


def _suppressed(found: list[list[Any]]) -> Iterator[tuple[str, Any]]:
    name, category, suppressed = map(_first, found)
    yield (f"suppression/{name}" if category is None else f"suppression/{name}/{category}"), suppressed


def _nominating(workspace: Workspace, nominated: bool) -> _Make:
    """A nomination says the name and the language, as far as they are given; a withdrawal says None."""
    identities = Identities(workspace)

    def make(found: list[list[Any]]) -> Iterator[tuple[str, Any]]:
        use_case, namespace, value, *more = map(_first, found)
        try:
            identity = identities.identity(namespace, value)
        except Refused:
            return
        told = {name: text for name, text in zip(_PATHS[CONTACT_NOMINATED][3:], more, strict=False) if text}
        yield nomination_key(use_case, identity.text), told if nominated else None

    return make


_MAKERS: dict[str, _Make] = {
    CONSENT_GIVEN: _given,
    CONSENT_WITHDRAWN: _withdrawn,
    SUBSCRIPTION: _subscribed,
    PREFERENCE: _preferred,
    SUPPRESSION: _suppressed,
}
