"""Naming: whom an event is about, by its identity attributes and the fields that name a person."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.dead_letter import DeadLetterError, Stage
from schemas.workspace.model import Workspace
from transforms.core.envelope import Envelope
from transforms.core.identity import Identities, Identity
from transforms.core.refused import Refused

_CACHED = 10_000


class Named(msgspec.Struct, frozen=True, gc=False):
    """Whom an event is about.

    Attributes:
        person_id: from the best identity.
        identities: normalised `namespace:value`, best first.
        ignored: how many values of annotated fields were none of their namespace's.
    """

    person_id: str
    identities: tuple[str, ...]
    ignored: int


class Naming:
    """The persons that identities of one workspace name; cached."""

    def __init__(self, workspace: Workspace) -> None:
        self._identities = Identities(workspace)
        self._known: dict[tuple[Any, ...], Named] = {}

    def person(
        self, envelope: Envelope, values: tuple[str | None, ...], namespaces: tuple[str, ...], schema: str
    ) -> Named:
        """Whom an event names.

        Args:
            values: of the annotated fields, None where there is none.
            namespaces: of the annotated fields.
            schema: of the event, as `TYPE/VERSION`.

        Raises:
            Refused: it names nobody, or what it says is no identity.
        """
        key = (
            envelope.identity,
            envelope.identitytype,
            envelope.previousidentity,
            envelope.previousidentitytype,
            values,
            namespaces,
        )
        named = self._known.get(key)
        if named is None:
            try:
                named = self._named(envelope, values, namespaces)
            except Refused as refusal:
                refusal.event_type, refusal.schema = envelope.type, schema
                raise
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[key] = named
        return named

    def _named(
        self, envelope: Envelope, values: tuple[str | None, ...], namespaces: tuple[str, ...]
    ) -> Named:
        found: list[Identity] = []
        refusal: Refused | None = None
        ignored = 0
        for name, value, namespace in (
            ("identity", envelope.identity, envelope.identitytype),
            ("previousidentity", envelope.previousidentity, envelope.previousidentitytype),
        ):
            if value is not None:
                found.append(self._attribute(name, value, namespace))
        for text, namespace in zip(values, namespaces, strict=True):
            if text is None:
                continue
            try:
                found.append(self._identities.identity(namespace, text))
            except Refused as error:
                ignored += 1
                refusal = error
        if not found:
            raise refusal or Refused(
                Stage.IDENTITY,
                DeadLetterError.MISSING_IDENTITY,
                "identity: expected identity and identitytype, or a field that names a person, found none",
            )
        ranked = tuple(identity.text for identity in sorted(set(found)))
        return Named(self._identities.person_id(ranked[0]), ranked, ignored)

    def _attribute(self, name: str, value: str, namespace: str | None) -> Identity:
        if namespace is None:
            raise Refused(
                Stage.IDENTITY,
                DeadLetterError.MISSING_IDENTITY,
                f"{name}type: expected the namespace of {name}, found none",
            )
        return self._identities.identity(namespace, value)
