"""The tape's files as a source: every event comes back as it was decoded."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputError
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.streams import Split
from schemas.workspace import Workspace
from sinks.parquet_tape import ParquetTape
from sinks.tape_files import TapeFiles
from tests.messages import ABSENT, MEMBERS, NOW_US, STRUCTURED, binary, structured
from tests.workspaces import SCHEMAS, record, small_workspace
from transforms.core.decode import Decoder
from transforms.core.fold_event import reduce_event

# A login from a phone.
AVRO_LOGIN = b"\x02\x0aphone"
Message = tuple[bytes, dict[str, str] | None, int | None]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return small_workspace(tmp_path / "shop")


def decoded(workspace: Workspace, messages: Sequence[Message]) -> list[Event]:
    payloads, attributes, publish_us = map(list, zip(*messages, strict=True))
    ids = [f"m{number}" for number in range(len(messages))]
    batch = Decoder(workspace, "1").decode(MessageBatch("a@0", payloads, ids, attributes, publish_us))
    assert not batch.dead_letters
    return batch.events


def read_back(directory: Path, workspace: Workspace) -> tuple[list[Event], list[str]]:
    """The events of the tape, and the persons that it names."""
    tape, decoder = TapeFiles(directory), Decoder(workspace, "1")
    events, persons = [], []
    for split in tape.splits():
        batch, named = tape.read_named(split)
        again = decoder.decode(batch)
        assert not again.dead_letters
        events += again.events
        persons += named
    return events, persons


def facts(events: Sequence[Event]) -> list[Any]:
    """What a job makes of events, by message."""
    return sorted(
        (event.message_id, event.schema, event.identities, reduce_event(event), event.data_json)
        for event in events
    )


def deep(levels: int) -> dict[str, Any]:
    """Data with so many levels of nesting."""
    nested: Any = 0
    for _ in range(levels - 1):
        nested = [nested]
    return {"sku": "A", "price": 1, "more": nested}


def test_every_kind_of_message_comes_back_as_the_event_that_it_was(
    tmp_path: Path, workspace: Workspace
) -> None:
    avro = {"datacontenttype": "application/avro", "type": "login"}
    body = b64encode(AVRO_LOGIN).decode()
    large = {"sku": "A", "price": 1, "text": "x" * (1024 * 1024 - 60)}
    messages: list[Message] = [
        (structured(), None, None),
        (structured(publishtime="2026-03-02T08:00:00.123456Z"), None, None),
        (structured(id="é ✓", subject="s", traceparent="00-x", sampled=True, weight=-7), None, NOW_US + 1),
        (structured(previousidentity="c9", previousidentitytype="cookie"), STRUCTURED, NOW_US),
        (structured(dataschema="https://shop.example/cart_added/1"), STRUCTURED, NOW_US),
        (structured(workspace="shop", datacontenttype="text/json"), None, NOW_US),
        (structured(type="login", data={"device": None}), None, NOW_US),
        (structured(time="2026-02-28T23:59:59.999999Z"), None, NOW_US),
        (structured(type="purchase", data={"total": "12.50", "currency": "EUR"}), None, NOW_US),
        (*binary(), NOW_US),
        (*binary(data=b'{ "sku" : "A", "price": 1e1 }'), NOW_US),
        # As large and as deep as a message may be: a wrapping would be too much.
        (*binary(data=large), NOW_US),
        (*binary(data=deep(64)), NOW_US),
        # Its data reads as an event, even as this one.
        (*binary(data={**MEMBERS["data"], "specversion": "1.0", "id": "e1", "source": "/shop/web"}), NOW_US),
        (*binary(**avro, **{"content-type": "application/avro", "data": AVRO_LOGIN}), NOW_US),
        (structured(**avro, data_base64=body, data=ABSENT), None, NOW_US),
        (structured(**avro, data_base64=body, data=ABSENT), STRUCTURED, NOW_US),
    ]
    events = decoded(workspace, messages)
    ParquetTape(tmp_path / "tape").append("a@0", events, "shop")
    again, persons = read_back(tmp_path / "tape", workspace)
    assert facts(again) == facts(events)
    by_message = {event.message_id: event.person_id for event in events}
    assert persons == [by_message[event.message_id] for event in again]


def test_avro_data_that_reads_as_json_is_no_structured_message(tmp_path: Path) -> None:
    # In Avro -62 is an opening brace, and a blank the length of a text of 16 characters.
    parts = [b'"id": "e9",', b'"source": "/x",', b'"data_base64":', b'"AAAA"}']
    avro = b"{" + b"".join(b" " + part.ljust(16) for part in parts)
    assert json.loads(avro)["id"] == "e9"
    texts = [{"name": name, "type": "string"} for name in "abcd"]
    note = record("note", [{"name": "number", "type": "int"}, *texts])
    workspace = small_workspace(tmp_path / "noted", schemas=[*SCHEMAS, note])
    message = binary(type="note", **{"content-type": "application/avro", "data": avro})
    events = decoded(workspace, [(*message, NOW_US)])
    ParquetTape(tmp_path / "tape").append("a@0", events, "shop")
    assert facts(read_back(tmp_path / "tape", workspace)[0]) == facts(events)


def test_data_is_read_in_the_version_that_it_was_written_in(tmp_path: Path, workspace: Workspace) -> None:
    avro = {"datacontenttype": "application/avro", "type": "login"}
    messages: list[Message] = [
        (structured(), None, NOW_US),
        (*binary(**avro, **{"content-type": "application/avro", "data": AVRO_LOGIN}), NOW_US),
        (structured(**avro, data_base64=b64encode(AVRO_LOGIN).decode(), data=ABSENT), None, NOW_US),
    ]
    events = decoded(workspace, messages)
    ParquetTape(tmp_path / "tape").append("a@0", events, "shop")
    login = record(
        "login",
        [
            {"name": "place", "type": "string", "default": "home"},
            {"name": "device", "type": ["null", "string"], "default": None},
        ],
        2,
    )
    cart = next(
        schema for schema in SCHEMAS if schema["eventType"] == "cart_added" and schema["version"] == 2
    )
    strict = {"name": "gift", "type": "boolean", "default": False}
    newer = record("cart_added", [*cart["fields"], strict], 3)
    changed = small_workspace(tmp_path / "changed", schemas=[*SCHEMAS, login, newer])
    again, _ = read_back(tmp_path / "tape", changed)
    assert [event.schema for event in sorted(again, key=lambda event: event.message_id)] == [
        "cart_added/2",
        "login/1",
        "login/1",
    ]


def test_files_come_in_order_and_whole(tmp_path: Path, workspace: Workspace) -> None:
    tape = ParquetTape(tmp_path / "tape")
    for day in (3, 1, 2):
        time = f"2026-02-0{day}T10:00:00Z"
        tape.append(
            "a@0", decoded(workspace, [(structured(time=time, id=f"e{day}"), None, NOW_US)] * 2), "shop"
        )
    files = TapeFiles(tmp_path / "tape")
    assert [split.name[:15] for split in files.splits()] == [f"date=2026-02-0{day}" for day in (1, 2, 3)]
    batches = [batch for split in files.splits() for batch in files.read(split)]
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert len({batch.origin for batch in batches}) == 3
    payloads = 6 * len(structured(time="2026-02-01T10:00:00Z", id="e1"))
    # Lengths and headers of pages come on top.
    assert payloads <= files.size_bytes() < 2 * payloads


def test_an_empty_tape_has_no_splits(tmp_path: Path) -> None:
    assert TapeFiles(tmp_path / "tape").splits() == []
    assert TapeFiles(tmp_path / "tape").size_bytes() == 0


def test_what_is_no_tape_is_told(tmp_path: Path) -> None:
    tape = TapeFiles(tmp_path)
    path = tmp_path / "date=2026-01-01" / "a.parquet"
    path.parent.mkdir()
    path.write_bytes(b"nothing")
    with pytest.raises(
        InputError, match=r"a\.parquet: expected a file of the tape, found what Parquet cannot read"
    ):
        tape.size_bytes()
    pq.write_table(pa.table({"event_id": ["e1"], "data": ["{}"]}), path)
    [split] = tape.splits()
    with pytest.raises(InputError, match="found none of its columns event_time, extensions, message_id, "):
        list(tape.read(split))
    with pytest.raises(InputError, match=r"missing\.parquet: expected a file of the tape"):
        list(tape.read(Split(str(tmp_path / "missing.parquet"), "missing", 0, None)))


def test_a_damaged_file_is_told(tmp_path: Path, workspace: Workspace) -> None:
    ParquetTape(tmp_path / "tape").append("a@0", decoded(workspace, [(structured(), None, NOW_US)]), "shop")
    [path] = (tmp_path / "tape").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    for place in range(4, 200):
        content[place] ^= 0xFF
    path.write_bytes(content)
    tape = TapeFiles(tmp_path / "tape")
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(tape.read(tape.splits()[0]))
