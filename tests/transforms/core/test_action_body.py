"""An action's bytes: what is written fast is what the pydantic model writes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.action import Action, Category
from schemas.decision import Cause
from schemas.timestamps import DAY_US, EPOCH
from schemas.workspace import Workspace
from schemas.workspace.model import Channel, Context
from schemas.workspace.steps import DataSource, FieldSource, LiteralSource
from tests.journeys import JOURNEY, SEND, with_journeys
from transforms.core.action_body import ActionWriter, json_value
from transforms.core.plan import Plan
from transforms.core.profile import Contact, Profile, Written
from transforms.core.scope import Scope

TIMES = st.integers(0, 4_000_000_000_000_000) | st.integers(0, 4_000_000_000).map(lambda s: s * 1_000_000)
NUMBERS = (
    st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(1e14, 1e18)
    | st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**28), max_value=10**28)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> Plan:
    return Plan(with_journeys(workspace, JOURNEY))


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    return json.loads(msgspec.json.Encoder(decimal_format="number").encode(value))


@given(
    st.dictionaries(st.text(), VALUES, max_size=3),
    st.dictionaries(st.text(), st.lists(NUMBERS | st.text(), max_size=2), max_size=3),
    st.sampled_from(Category),
    st.none() | st.text(),
    st.builds(Cause, st.text(), st.text(), st.text(), TIMES),
    TIMES,
    st.integers(1, 100 * DAY_US),
    st.integers(0, 2**53),
)
def test_bytes_are_those_of_the_model(
    plan: Plan,
    literals: dict[str, Any],
    fields: dict[str, list[Any]],
    category: Category,
    address: str | None,
    cause: Cause,
    as_of_us: int,
    expires_after_us: int,
    sequence: int,
) -> None:
    data: dict[str, DataSource] = {name: LiteralSource(value) for name, value in literals.items()}
    data |= {f"field {path}": FieldSource(path) for path in fields}
    send = replace(SEND, data=data, expires_after_us=expires_after_us)
    journey = replace(JOURNEY, category=category, steps=(send,))
    scope = Scope(Profile("p" * 32), fields, as_of_us)
    written = ActionWriter(journey, send, plan).write(scope, cause, "a" * 32, "web", address, sequence)
    action = Action.model_validate_json(written.body)
    assert written.body == action.model_dump_json(exclude_none=True).encode()
    assert (written.channel, written.action_id) == (action.channel, action.action_id) == ("web", "a" * 32)
    assert (action.category, action.address, action.sequence) == (category, address, sequence)
    assert action.cause.time == EPOCH + timedelta(microseconds=cause.time_us)
    assert action.decided_at == EPOCH + timedelta(microseconds=as_of_us)
    assert action.expires_at - action.decided_at == timedelta(microseconds=expires_after_us)
    found = {
        f"field {path}": values[0] if len(values) == 1 else values
        for path, values in fields.items()
        if values
    }
    expected = {name: plain(value) for name, value in (literals | found).items() if value is not None}
    assert json.loads(written.body)["data"] == expected
    assert list(json.loads(written.body)["data"]) == sorted(expected)


def contact(number: int, *, held: bool = False) -> Contact:
    return Contact(number * DAY_US, f"{number:032x}", "cart", "remind", "web", "commercial", held)


@pytest.mark.parametrize(("most", "numbers"), [(0, []), (2, [4, 2]), (9, [4, 2, 1])])
def test_a_context_tells_what_is_known_of_the_person(
    workspace: Workspace, most: int, numbers: list[int]
) -> None:
    channel = Channel("web", None, Context(("activity", "name", "stage"), most))
    given = replace(with_journeys(workspace, JOURNEY), channels={"web": channel})
    profile = Profile("p" * 32)
    profile.written = {"stage": Written(0, "gold")}
    profile.contacts = [contact(1), contact(2), contact(3, held=True), contact(4)]
    profile.responses = {f"{2:032x}": {"opened": 7, "delivered": 5}}
    cause = Cause("e", "s", "t", 0)
    scope = Scope(profile, {}, 5 * DAY_US)
    written = ActionWriter(JOURNEY, SEND, Plan(given)).write(scope, cause, "a" * 32, "web", None, 1)
    action = Action.model_validate_json(written.body)
    assert written.body == action.model_dump_json(exclude_none=True).encode()
    assert action.context is not None
    assert action.context.attributes == {"stage": "gold"}
    assert [found.at for found in action.context.contacts] == [
        EPOCH + timedelta(days=number) for number in numbers
    ]
    assert {tuple(found.answers) for found in action.context.contacts if found.at.day == 3} <= {
        ("delivered", "opened")
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.10"), b"0.1"),
        (Decimal("12345678901234567890.5"), b"1.2345678901234567e+19"),
        (1e16, b"1e+16"),
        (-1e16, b"-1e+16"),
        (9999999999999998.0, b"9999999999999998.0"),
        (math.nan, b"null"),
        (math.inf, b"null"),
        ((1, 1e17), b"[1,1e+17]"),
        ([{"b": 1e17, "a": None}], b'[{"a":null,"b":1e+17}]'),
    ],
)
def test_values_that_the_two_encoders_write_differently(value: Any, text: bytes) -> None:
    assert msgspec.json.Encoder(order="deterministic").encode(json_value(value)) == text
