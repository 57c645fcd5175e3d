"""Gates of content: templates that may be sent now, what fills them, and in which language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from schemas.action import Category
from schemas.decision import Decision
from schemas.timestamps import HOUR_US
from schemas.workspace import Workspace
from schemas.workspace.entries import EventEntry
from schemas.workspace.messages import Datum, Kind, MessageTemplate
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource, LiteralSource
from tests.fold_events import START_US, fold_event
from tests.journeys import JOURNEY, SEND, Person, actions_of, reasons, with_journeys
from transforms.core.content_gates import language_of
from transforms.core.engine import Advanced

SOURCES: Mapping[str, DataSource] = {"sku": FieldSource("sku"), "name": AttributeSource("name")}


def template(**keys: Any) -> MessageTemplate:
    given: dict[str, Any] = {
        "name": "reminder",
        "category": Category.COMMERCIAL,
        "channels": None,
        "languages": (),
        "valid_from_us": None,
        "valid_until_us": None,
        "data": {},
    }
    return MessageTemplate(**(given | keys))


def datum(name: str, kind: Kind, *, required: bool = True) -> dict[str, Datum]:
    return {name: Datum(name, kind, required)}


def cart(workspace: Workspace, message: MessageTemplate, data: Mapping[str, DataSource]) -> Advanced:
    """What a cart comes to, whose journey sends at once."""
    journey = replace(JOURNEY, steps=(replace(SEND, data=dict(data)),))
    given = replace(with_journeys(workspace, journey), messages={message.name: message})
    person = Person(given)
    event = fold_event(person.plan, "cart_added", {"sku": "A", "price": 25.5}, START_US)
    return person.advance([event], START_US)


def decision(advanced: Advanced) -> Decision:
    [decided] = advanced.commit.outbox.decisions
    return decided


@pytest.mark.parametrize(
    ("since_us", "until_us", "is_valid"),
    [
        (None, None, True),
        (START_US, START_US + 1, True),
        (START_US + 1, None, False),
        (None, START_US, False),
        (None, START_US + HOUR_US, True),
    ],
)
def test_a_template_is_sent_while_it_is_valid(
    workspace: Workspace, since_us: int | None, until_us: int | None, is_valid: bool
) -> None:
    advanced = cart(workspace, template(valid_from_us=since_us, valid_until_us=until_us), {})
    assert reasons([decision(advanced)]) == [
        ("sent", "passed", None) if is_valid else ("suppressed", "template_not_valid", "content")
    ]


def test_nothing_is_sent_without_what_its_template_needs(workspace: Workspace) -> None:
    data = datum("sku", "text") | datum("name", "text")
    decided = decision(cart(workspace, template(data=data), SOURCES))
    assert reasons([decided]) == [("suppressed", "missing_data", "content")]
    assert decided.evidence == {"template": "reminder", "missing": ["name"]}


def test_what_need_not_be_there_may_be_missing(workspace: Workspace) -> None:
    data = datum("sku", "text") | datum("name", "text", required=False)
    advanced = cart(workspace, template(data=data), SOURCES)
    [action] = actions_of(advanced)
    assert action["data"] == {"sku": "A"}


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("A", {"text"}),
        ("2026-01-31", {"text", "date", "timestamp"}),
        ("2026-01-31T08:00:00.000000Z", {"text", "timestamp"}),
        (5, {"number"}),
        (2.5, {"number"}),
        (True, {"boolean"}),
        ([1], {"list"}),
        ({"a": 1}, {"object"}),
    ],
)
@pytest.mark.parametrize("kind", ["text", "number", "boolean", "timestamp", "date", "list", "object"])
def test_what_fills_a_template_is_of_its_kind(
    workspace: Workspace, value: Any, kinds: set[str], kind: Kind
) -> None:
    message = template(data=datum("given", kind))
    decided = decision(cart(workspace, message, {"given": LiteralSource(value)}))
    if kind in kinds:
        assert reasons([decided]) == [("sent", "passed", None)]
    else:
        assert reasons([decided]) == [("suppressed", "wrong_data", "content")]
        assert decided.evidence == {
            "template": "reminder",
            "data": "given",
            "expected": kind,
            "found": value,
        }


def test_a_decimal_is_a_number_to_a_template_and_in_what_is_sent(workspace: Workspace) -> None:
    entry = EventEntry(("purchase",))
    send = replace(SEND, data={"total": FieldSource("total", numeric=True), "text": FieldSource("total")})
    journey = replace(JOURNEY, entry=entry, steps=(send,))
    message = template(data=datum("total", "number") | datum("text", "text"))
    person = Person(replace(with_journeys(workspace, journey), messages={message.name: message}))
    event = fold_event(person.plan, "purchase", {"total": "120.50", "currency": "EUR"}, START_US)
    [action] = actions_of(person.advance([event], START_US))
    assert action["data"] == {"total": 120.5, "text": "120.50"}


@pytest.mark.parametrize(
    ("wanted", "languages", "taken"),
    [
        (None, ("de", "en"), "de"),
        ("en", ("de", "en"), "en"),
        ("EN", ("de", "en"), "en"),
        ("de-AT", ("en", "de"), "de"),
        ("pt", ("en", "pt-BR"), "pt-BR"),
        ("pt-PT", ("pt-BR", "pt-PT"), "pt-PT"),
        ("fr", ("de", "en"), "de"),
        ("fr", (), "fr"),
        (None, (), None),
    ],
)
def test_a_template_s_language_is_the_person_s_or_its_first(
    wanted: str | None, languages: tuple[str, ...], taken: str | None
) -> None:
    assert language_of(wanted, languages) == taken


def test_the_language_is_in_the_action(workspace: Workspace) -> None:
    [action] = actions_of(cart(workspace, template(languages=("de", "en")), {}))
    assert action["language"] == "de"
