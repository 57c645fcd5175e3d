"""Actions and decisions as files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from schemas.decision import Decision
from schemas.errors import InputError
from schemas.store import OutboundAction, Outbox
from sinks import action_files
from sinks.action_files import FilePublisher, find_action
from sinks.decision_files import DECISION_SCHEMA, decision_of
from tests.sinks.profile_store_contract import DECISION


def action(number: int, decided_at: str = "2026-01-01T00:00:00Z", channel: str = "web") -> OutboundAction:
    action_id = f"{number:032x}"
    body = {"action_id": action_id, "channel": channel, "decided_at": decided_at}
    return OutboundAction(channel, action_id, json.dumps(body).encode())


def decision(number: int, **changes: Any) -> Decision:
    return msgspec.structs.replace(DECISION, decision_id=f"{number:032x}", **changes)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def numbers(path: Path) -> list[int]:
    return [int(json.loads(line)["action_id"], 16) for line in path.read_bytes().splitlines()]


def test_a_commit_becomes_a_file_a_channel_and_one_of_decisions(tmp_path: Path) -> None:
    outbox = Outbox([action(1), action(2, channel="e-mail"), action(3)], [decision(1)])
    FilePublisher(tmp_path).publish(7, 42, outbox)
    assert sorted(files(tmp_path)) == [
        "actions/e-mail-00007-000000000000042.ndjson",
        "actions/web-00007-000000000000042.ndjson",
        "decisions/00007-000000000000042.parquet",
    ]
    body = (tmp_path / "actions" / "web-00007-000000000000042.ndjson").read_bytes()
    assert body == action(1).body + b"\n" + action(3).body + b"\n"


def test_an_empty_part_leaves_no_file(tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path)
    publisher.publish(1, 1, Outbox([], []))
    publisher.finish()
    assert files(tmp_path) == {}
    publisher.publish(1, 2, Outbox([action(1)], []))
    publisher.publish(1, 3, Outbox([], [decision(1)]))
    assert sorted(files(tmp_path)) == [
        "actions/web-00001-000000000000002.ndjson",
        "decisions/00001-000000000000003.parquet",
    ]


def test_publishing_twice_publishes_the_same_bytes(tmp_path: Path) -> None:
    outbox = Outbox([action(2), action(1)], [decision(1), decision(2)])
    publisher = FilePublisher(tmp_path)
    publisher.publish(1, 1, outbox)
    before = files(tmp_path)
    pickle.loads(pickle.dumps(publisher)).publish(1, 1, outbox)
    assert files(tmp_path) == before


def test_a_decision_comes_back_as_it_was(tmp_path: Path) -> None:
    sent = decision(2, gate=None, action_id="f" * 32, step="remind", change={"journeys": {"cart": 1}})
    FilePublisher(tmp_path).publish(1, 1, Outbox([], [decision(1), sent]))
    table = pq.ParquetFile(next(tmp_path.rglob("*.parquet"))).read()
    assert table.schema.names == DECISION_SCHEMA.names
    assert [decision_of(row) for row in table.to_pylist()] == [decision(1), sent]


def test_finish_orders_a_channel_by_time_then_id(tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path)
    late, half, early = "2026-01-01T00:00:01Z", "2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:00Z"
    publisher.publish(0, 1, Outbox([action(4, late), action(2, early), action(9, early, "email")], []))
    publisher.publish(1, 1, Outbox([action(3, half), action(1, early)], []))
    publisher.finish()
    assert sorted(files(tmp_path)) == ["actions/email.ndjson", "actions/web.ndjson"]
    assert numbers(tmp_path / "actions" / "web.ndjson") == [1, 2, 3, 4]


def test_finish_merges_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action_files, "_OPEN_FILES", 3)
    publisher = FilePublisher(tmp_path)
    for number in range(11):
        commit = Outbox([action((number * 7) % 11), action(100 + number)], [])
        publisher.publish(number % 4, number, commit)
    publisher.finish()
    assert sorted(files(tmp_path)) == ["actions/web.ndjson"]
    assert numbers(tmp_path / "actions" / "web.ndjson") == [*range(11), *range(100, 111)]


def test_finish_may_be_repeated_when_a_crash_kept_some_parts(tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path)
    for number in range(3):
        publisher.publish(0, number, Outbox([action(number)], []))
    kept = tmp_path / "actions" / "web-00000-000000000000002.ndjson"
    body = kept.read_bytes()
    publisher.finish()
    joined = files(tmp_path)
    kept.write_bytes(body)
    publisher.finish()
    publisher.finish()
    assert files(tmp_path) == joined


def test_an_action_is_found_by_its_id(tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path)
    assert find_action(tmp_path, "0" * 32) is None
    publisher.publish(0, 1, Outbox([action(1), action(2, channel="email")], []))
    assert find_action(tmp_path, f"{2:032x}") == action(2, channel="email").body
    publisher.finish()
    assert find_action(tmp_path, f"{1:032x}") == action(1).body
    assert find_action(tmp_path, f"{3:032x}") is None
    assert find_action(tmp_path, "web") is None


def test_a_line_that_is_no_action_is_told(tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path)
    publisher.publish(0, 1, Outbox([action(1)], []))
    with next(tmp_path.rglob("*.ndjson")).open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(InputError, match=r"web-.*\.ndjson: expected an action on each line"):
        publisher.finish()
