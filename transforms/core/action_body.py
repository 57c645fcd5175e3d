"""An action's bytes, written without a pydantic model for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from pydantic_core import to_json

from schemas.decision import Cause
from schemas.store import OutboundAction
from schemas.timestamps import EPOCH
from schemas.workspace.model import Journey
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource, LiteralSource, ModelSource, Send
from transforms.core.attribute_values import read_attribute
from transforms.core.nominees import Nominee
from transforms.core.plan import Plan
from transforms.core.reference import look_up
from transforms.core.scope import Scope


class _CauseBody(msgspec.Struct, frozen=True, gc=False):
    event_id: str
    source: str
    type: str
    time: datetime


class _ContactBody(msgspec.Struct, frozen=True, gc=False):
    at: datetime
    journey: str
    step: str
    channel: str
    answers: list[str]


class _NomineeBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    name: str | None = None
    language: str | None = None


class _ContextBody(msgspec.Struct, frozen=True, gc=False):
    attributes: dict[str, Any]
    contacts: list[_ContactBody]


class _Body(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """`schemas.action.Action`, field by field; a test holds that both give the same bytes."""

    action_id: str
    workspace: str
    person_id: str
    channel: str
    address: str | None = None
    nominee: _NomineeBody | None = None
    category: str
    journey: str
    journey_version: int
    step: str
    template: str
    variant: str | None = None
    language: str | None = None
    data: dict[str, Any]
    context: _ContextBody | None = None
    priority: int
    sequence: int
    cause: _CauseBody
    decided_at: datetime
    expires_at: datetime


# Keys of data are sorted, those of the action stay in the order of its fields.
_ENCODER = msgspec.json.Encoder(order="deterministic")
_NUMBERS = msgspec.json.Encoder(order="sorted", decimal_format="number")
_SAME_FLOATS = 1e16
"""From here on pydantic writes a float's exponent with a plus sign, and msgspec without."""


class ActionWriter:
    """Writes the actions of one step of a journey."""

    def __init__(self, journey: Journey, send: Send, plan: Plan) -> None:
        self._plan = plan
        self._workspace = plan.workspace.name
        self._journey = journey
        self._send = send
        self._category = journey.category.value
        self._expires_after = timedelta(microseconds=send.expires_after_us)
        self._data = tuple(send.data.items())

    def write(
        self,
        scope: Scope,
        cause: Cause,
        action_id: str,
        channel: str,
        address: str | None,
        sequence: int,
        variant: str | None = None,
        language: str | None = None,
        nominee: Nominee | None = None,
    ) -> OutboundAction:
        """The action, as the JSON of `schemas.action.Action` without what is absent.

        Args:
            nominee: to whom it goes in place of the person; what is known of the person is not told them.
        """
        journey, send = self._journey, self._send
        decided_at = EPOCH + timedelta(microseconds=scope.as_of_us)
        body = _Body(
            action_id=action_id,
            workspace=self._workspace,
            person_id=scope.profile.person_id,
            channel=channel,
            address=address,
            nominee=None if nominee is None else _NomineeBody(nominee.name, nominee.language),
            category=self._category,
            journey=journey.name,
            journey_version=journey.version,
            step=send.name,
            template=send.template,
            variant=variant,
            language=language,
            data=self._read_data(scope),
            context=self._read_context(scope, channel) if nominee is None else None,
            priority=journey.priority,
            sequence=sequence,
            cause=_CauseBody(
                cause.event_id, cause.source, cause.type, EPOCH + timedelta(microseconds=cause.time_us)
            ),
            decided_at=decided_at,
            expires_at=decided_at + self._expires_after,
        )
        return OutboundAction(channel, action_id, _ENCODER.encode(body))

    def _read_data(self, scope: Scope) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, source in self._data:
            value = read_source(source, scope, self._plan)
            if value is not None:
                data[name] = json_value(value)
        return data

    def _read_context(self, scope: Scope, channel: str) -> _ContextBody | None:
        """What is known of the person, as far as the channel asks for it."""
        context = self._plan.workspace.channels[channel].context
        if context is None:
            return None
        sources = {name: AttributeSource(name) for name in context.attributes}
        values = {name: read_source(source, scope, self._plan) for name, source in sources.items()}
        profile = scope.profile
        made = [contact for contact in profile.contacts if not contact.held]
        newest = made[: -context.contacts - 1 : -1]
        contacts = [
            _ContactBody(
                EPOCH + timedelta(microseconds=contact.time_us),
                contact.journey,
                contact.step,
                contact.channel,
                _in_order(profile.responses.get(contact.action_id, {})),
            )
            for contact in newest
        ]
        return _ContextBody(
            {name: json_value(value) for name, value in values.items() if value is not None}, contacts
        )


def _in_order(answers: Mapping[str, int]) -> list[str]:
    return sorted(answers, key=lambda kind: (answers[kind], kind))


def read_source(source: DataSource, scope: Scope, plan: Plan) -> Any:
    """What a source gives: a JSON value (numbers int or Decimal), None for none."""
    if isinstance(source, ModelSource):
        return plan.score(source.name, scope)
    if isinstance(source, LiteralSource):
        return source.value
    if isinstance(source, FieldSource):
        found = scope.fields.get(source.path)
        if found and source.numeric:
            found = [Decimal(item) if type(item) is str else item for item in found]
        value = (found[0] if len(found) == 1 else found) if found else None
    else:
        value = read_attribute(scope.profile, source.name, plan.folds, scope.as_of_us)
    if source.lookup is None or value is None:
        return value
    if isinstance(value, list):
        return look_up(value, source.lookup, plan.tables) or None
    return next(iter(look_up([value], source.lookup, plan.tables)), None)


def json_value(value: Any) -> Any:
    """A value that msgspec encodes to the bytes that pydantic would; Decimals are numbers."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is Decimal:
        value = float(value)
        kind = float
    if kind is float and -_SAME_FLOATS < value < _SAME_FLOATS:
        return value
    if kind is list:
        return [json_value(item) for item in value]
    if kind is dict:
        return {key: json_value(item) for key, item in value.items()}
    return msgspec.Raw(to_json(msgspec.json.decode(_NUMBERS.encode(value))))
