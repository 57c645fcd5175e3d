from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import fastavro
import msgspec
import pytest
from pydantic import BaseModel

from schemas.action import Action, ActionCause, ActionContact, ActionContext, Category
from schemas.contracts.avro_schema import avro_schema
from schemas.contracts.export import contract_files
from schemas.contracts.generated import stale
from schemas.decision import Cause, Decision, Gate, Outcome, Reason

CONTRACTS = {path.name: json.loads(text) for path, text in contract_files().items()}

ACTION = Action(
    action_id="0" * 32,
    workspace="shop",
    person_id="1" * 32,
    channel="email",
    address="ann@example.com",
    category=Category.COMMERCIAL,
    journey="cart_left_behind",
    journey_version=3,
    step="remind",
    template="cart_reminder",
    data={"name": "Ann", "items": {"SKU1": 2}, "price": 12.5, "nothing": None},
    priority=40,
    sequence=1_767_225_600_001,
    cause=ActionCause(
        event_id="e1", source="shop", type="cart_added", time=datetime(2026, 1, 1, 8, 0, 0, 123_456, UTC)
    ),
    decided_at=datetime(2026, 1, 1, 9, 0, tzinfo=UTC),
    expires_at=datetime(2026, 1, 2, 9, 0, tzinfo=UTC),
)
DECISION = Decision(
    decision_id="2" * 32,
    workspace="shop",
    person_id="1" * 32,
    shard=3,
    sequence=1_767_225_600_001,
    journey="cart_left_behind",
    journey_version=3,
    step="remind",
    outcome=Outcome.SUPPRESSED,
    reason=Reason.CONDITION_NOT_MET,
    gate=Gate.CONDITION,
    evidence={"items_in_cart": {"found": None}},
    change={},
    cause=Cause("e1", "shop", "cart_added", 1_767_225_600_000_000),
    action_id=None,
    as_of_us=1_767_225_600_000_000,
)


CONTEXT = ActionContext(
    attributes={"items_in_cart": {"SKU1": 2}, "stage": "gold"},
    contacts=[
        ActionContact(
            at=datetime(2026, 1, 1, 7, 0, tzinfo=UTC),
            journey="welcome",
            step="greet",
            channel="email",
            answers=["delivered", "opened"],
        )
    ],
)
ACTIONS = [
    ACTION,
    ACTION.model_copy(update={"address": None, "variant": "b"}),
    ACTION.model_copy(update={"context": CONTEXT}),
]
FREE = ("data", "attributes", "evidence", "change")
"""Objects of free form, which travel as JSON text."""


def through_avro(name: str, record: dict[str, Any]) -> Any:
    """A record as Avro binary and back."""
    schema = fastavro.parse_schema(CONTRACTS[name])
    packed = recoded(record, json.dumps)
    assert fastavro.validation.validate(packed, schema)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, packed)
    buffer.seek(0)
    read: Any = fastavro.schemaless_reader(buffer, schema, None)
    return recoded(read, json.loads)


def recoded(record: dict[str, Any], code: Callable[[Any], Any]) -> dict[str, Any]:
    """A record whose objects of free form are written, or read, as JSON text."""
    return {
        key: code(value) if key in FREE else recoded(value, code) if isinstance(value, dict) else value
        for key, value in record.items()
    }


def test_the_files_are_what_the_models_give() -> None:
    assert stale(contract_files()) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_goes_through_avro_and_back(action: Action) -> None:
    read = through_avro("action.avsc", action.model_dump())
    assert Action.model_validate(read) == action


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_goes_through_json_and_back_as_its_schema_says(action: Action) -> None:
    schema = CONTRACTS["action.schema.json"]
    body = action.model_dump_json()
    assert Action.model_validate_json(body) == action
    assert json.loads(body).keys() == schema["properties"].keys()
    assert set(schema["required"]) <= json.loads(body).keys()


def test_a_decision_goes_through_avro_and_back() -> None:
    read = through_avro("decision.avsc", msgspec.to_builtins(DECISION))
    assert msgspec.convert(read, Decision) == DECISION


def test_a_decision_is_what_its_schema_says() -> None:
    definition = CONTRACTS["decision.schema.json"]["$defs"]["Decision"]
    assert json.loads(msgspec.json.encode(DECISION)).keys() == definition["properties"].keys()
    assert definition["properties"]["gate"]["description"].startswith("The gate that failed")


@pytest.mark.parametrize("name", ["action", "decision"])
def test_avro_and_json_schema_have_the_same_fields(name: str) -> None:
    schema = CONTRACTS[f"{name}.schema.json"]
    properties = schema.get("properties") or schema["$defs"]["Decision"]["properties"]
    assert [field["name"] for field in CONTRACTS[f"{name}.avsc"]["fields"]] == list(properties)


def test_every_field_of_an_action_is_described() -> None:
    assert all(field["doc"] for field in CONTRACTS["action.avsc"]["fields"])


def test_a_type_that_avro_is_not_known_for_is_named() -> None:
    class Odd(BaseModel):
        pair: tuple[int, int]

    with pytest.raises(TypeError, match="tuple"):
        avro_schema(Odd)
