"""Dead letters as files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.errors import CjaasError, InputError
from sinks.dead_letter_files import DeadLetterFiles, read_dead_letters


def letter(**changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "payload": b'{"id":"1"}',
        "payload_sha256": None,
        "attributes": {"ce-id": "1"},
        "message_id": "f@0",
        "publish_us": 1_767_225_600_000_001,
        "stage": Stage.DATA,
        "error": DeadLetterError.INVALID_DATA,
        "detail": "price: expected a double, found text 'x'",
        "workspace": "shop",
        "type": "cart_added",
        "schema": None,
        "pipeline_version": "0.1.0",
    }
    return DeadLetter(**values | changes)


def test_a_line_can_be_read_by_a_person(tmp_path: Path) -> None:
    DeadLetterFiles(tmp_path).append("f@0", [letter(payload='{"a":"ä"}\n'.encode())])
    (path,) = tmp_path.glob("*.ndjson")
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "payload": '{"a":"ä"}\n',
        "payload_sha256": None,
        "attributes": {"ce-id": "1"},
        "message_id": "f@0",
        "publish_time": "2026-01-01T00:00:00.000001Z",
        "stage": "data",
        "error": "invalid_data",
        "detail": "price: expected a double, found text 'x'",
        "workspace": "shop",
        "type": "cart_added",
        "schema": None,
        "pipeline_version": "0.1.0",
    }


def test_bytes_that_are_no_text_stand_in_base64(tmp_path: Path) -> None:
    DeadLetterFiles(tmp_path).append("f@0", [letter(payload=b"\xff", publish_us=None)])
    (document,) = (json.loads(path.read_text()) for path in tmp_path.iterdir())
    assert document["payload_base64"] == "/w=="
    assert document["publish_time"] is None
    assert "payload" not in document


letters = st.builds(
    letter,
    payload=st.binary() | st.text().map(str.encode),
    payload_sha256=st.none() | st.just("ab" * 32),
    attributes=st.dictionaries(st.text(), st.text(), max_size=3),
    message_id=st.text(),
    publish_us=st.none() | st.integers(-(10**15), 10**16),
    stage=st.sampled_from(Stage),
    error=st.sampled_from(DeadLetterError),
    detail=st.text(),
    type=st.none() | st.text(),
    schema=st.none() | st.text(),
)


@settings(max_examples=50, deadline=None)
@given(batch=st.lists(letters, max_size=5))
def test_what_is_read_back_is_what_was_refused(
    tmp_path_factory: pytest.TempPathFactory, batch: list[DeadLetter]
) -> None:
    files = DeadLetterFiles(tmp_path_factory.mktemp("letters"))
    files.append("f@0", batch)
    assert list(files.read()) == batch


def test_a_batch_written_again_changes_nothing(tmp_path: Path) -> None:
    files = DeadLetterFiles(tmp_path)
    files.append("f@0", [letter(), letter(message_id="f@1")])
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    pickle.loads(pickle.dumps(files)).append("f@0", [letter(), letter(message_id="f@1")])
    assert path.read_bytes() == before
    files.append("g@0", [letter(message_id="g@0")])
    assert sorted(found.message_id for found in files.read()) == ["f@0", "f@1", "g@0"]


def test_no_letters_make_no_file(tmp_path: Path) -> None:
    files = DeadLetterFiles(tmp_path / "none")
    files.append("f@0", [])
    assert list(files.read()) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"payload": None}, "exactly one of payload and payload_base64"),
        ({"payload_base64": "eA=="}, "exactly one of payload and payload_base64"),
        ({"payload": None, "payload_base64": "?"}, "payload_base64 is not base64"),
        ({"stage": "nowhere"}, "nowhere"),
        ({"publish_time": "yesterday"}, "yesterday"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    DeadLetterFiles(tmp_path).append("f@0", [letter()])
    (path,) = tmp_path.iterdir()
    line = path.read_text()
    path.write_text(line + json.dumps(json.loads(line) | change) + "\n")
    read = read_dead_letters(path)
    assert next(read) == letter()
    with pytest.raises(InputError, match=rf"ndjson:2: expected a dead letter .*{complaint}"):
        next(read)


def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent: cannot be read"):
        next(read_dead_letters(tmp_path / "absent"))
    (tmp_path / "file").touch()
    with pytest.raises(CjaasError, match="cannot be written"):
        DeadLetterFiles(tmp_path / "file").append("f@0", [letter()])
