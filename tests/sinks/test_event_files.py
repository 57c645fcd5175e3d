"""Event files: every line once, however the file is cut; Pub/Sub messages; what cannot be read."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.message import MessageBatch
from sinks.event_files import EventFiles, find_files

# A line, with its end; no carriage return at its end, which would be taken for a part of it.
LINES = st.lists(
    st.sampled_from([b"{}", b"[1]", b"", b"  ", b"\t", b"x" * 30, b"\xff", "é\u2028".encode()]), max_size=30
)
ENDS = st.sampled_from([b"\n", b"\r\n"])


def read(source: EventFiles) -> list[MessageBatch]:
    return [batch for split in source.splits() for batch in source.read(split)]


def messages(batches: list[MessageBatch]) -> list[tuple[str, bytes]]:
    return [message for batch in batches for message in zip(batch.message_ids, batch.payloads, strict=True)]


def written(folder: Path, content: bytes, name: str = "events.ndjson") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def expected(content: bytes, name: str = "events.ndjson") -> list[tuple[str, bytes]]:
    """Each line that is not blank, named by its offset."""
    found = []
    offset = 0
    for line in content.split(b"\n"):
        if line.strip():
            found.append((f"{name}@{offset}", line.removesuffix(b"\r")))
        offset += len(line) + 1
    return found


@given(lines=LINES, end=ENDS, closed=st.booleans(), batch_bytes=st.integers(1, 200))
def test_every_line_is_read_once_wherever_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes, closed: bool, batch_bytes: int
) -> None:
    content = end.join(lines) + (end if closed else b"")
    folder = tmp_path_factory.mktemp("events")
    plain = written(folder, content)
    assert messages(read(EventFiles((plain,), batch_bytes))) == expected(content)
    (folder / "packed").mkdir()
    packed = written(folder / "packed", gzip.compress(content))
    assert messages(read(EventFiles((packed,), batch_bytes))) == expected(content)


@given(lines=LINES, batch_bytes=st.integers(1, 100))
def test_batches_that_hold_messages_have_names_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], batch_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("events")
    first = written(folder, b"\n".join(lines), "a.ndjson")
    second = written(folder, gzip.compress(b"\n".join(lines)), "b.ndjson")
    source = EventFiles((first, second), batch_bytes)
    origins = [batch.origin for batch in read(source) if len(batch)]
    assert len(set(origins)) == len(origins)
    assert [batch.origin for batch in read(source) if len(batch)] == origins


def test_a_batch_is_about_as_large_as_asked_for(tmp_path: Path) -> None:
    content = b'{"n": 1}\n' * 1000
    for path in (written(tmp_path, content), written(tmp_path, gzip.compress(content), "packed")):
        sizes = [len(batch) for batch in read(EventFiles((path,), 900))]
        assert sum(sizes) == 1000
        assert max(sizes) <= 101
        assert len(sizes) == 10


def test_a_line_longer_than_many_batches_is_one_message(tmp_path: Path) -> None:
    content = b"a\n" + b"x" * 5000 + b"\nb\n"
    for path in (written(tmp_path, content), written(tmp_path, gzip.compress(content))):
        assert messages(read(EventFiles((path,), 100))) == expected(content)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf{}\n\xef\xbb\xbf[]")
    assert messages(read(EventFiles((path,)))) == [
        ("events.ndjson@3", b"{}"),
        ("events.ndjson@6", b"\xef\xbb\xbf[]"),
    ]


def test_a_file_of_several_gzip_members_is_read_to_its_end(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"{}\n[") + gzip.compress(b"]\n"))
    assert [payload for _, payload in messages(read(EventFiles((path,))))] == [b"{}", b"[]"]


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", gzip.compress(b"", mtime=0)])
def test_a_file_without_lines_has_no_messages(tmp_path: Path, content: bytes) -> None:
    assert messages(read(EventFiles((written(tmp_path, content),)))) == []


def test_files_are_named_below_the_folder_they_share(tmp_path: Path) -> None:
    for folder in ("a/day1", "a/day2", "b"):
        (tmp_path / folder).mkdir(parents=True)
    paths = [written(tmp_path / folder, b"{}") for folder in ("a/day1", "a/day2", "b")]
    ids = [message_id for message_id, _ in messages(read(EventFiles(tuple(paths))))]
    assert ids == ["a/day1/events.ndjson@0", "a/day2/events.ndjson@0", "b/events.ndjson@0"]
    ids = [message_id for message_id, _ in messages(read(EventFiles(tuple(paths[:2]))))]
    assert ids == ["day1/events.ndjson@0", "day2/events.ndjson@0"]


def test_a_name_that_is_no_text_names_messages_all_the_same(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xff.ndjson")
    with open(path, "wb") as file:
        file.write(b"{}")
    [(message_id, _)] = messages(read(EventFiles((os.fsdecode(path),))))
    assert message_id == "\\udcff.ndjson@0"
    message_id.encode()


def pubsub(**members: object) -> bytes:
    return json.dumps(members).encode()


def test_a_pubsub_message_is_unpacked(tmp_path: Path) -> None:
    line = pubsub(
        data=base64.b64encode(b'{"a": 1}').decode(),
        attributes={"ce-id": "1"},
        messageId="77",
        publishTime="2026-01-01T00:00:00.5Z",
        orderingKey="",
    )
    [batch] = read(EventFiles((written(tmp_path, b"{}\n" + line + b"\n"),)))
    assert batch.payloads == [b"{}", b'{"a": 1}']
    assert batch.message_ids == ["events.ndjson@0", "77"]
    assert batch.attributes == [None, {"ce-id": "1"}]
    assert batch.publish_us == [None, 1767225600500000]


def test_a_pubsub_message_may_lack_what_it_need_not_have(tmp_path: Path) -> None:
    lines = [pubsub(messageId="1"), pubsub(publishTime="2026-01-01T00:00:00Z", data="")]
    [batch] = read(EventFiles((written(tmp_path, b"\n".join(lines)),)))
    assert batch.payloads == [b"", b""]
    assert batch.message_ids == ["1", f"events.ndjson@{len(lines[0]) + 1}"]
    assert batch.attributes == [{}, {}]
    assert batch.publish_us == [None, 1767225600000000]


@pytest.mark.parametrize(
    "line",
    [
        pubsub(messageId="1", data="no base64!"),
        pubsub(messageId="1", data={"a": 1}),
        pubsub(messageId="1", publishTime="yesterday"),
        pubsub(messageId="1", attributes={"a": 1}),
        pubsub(messageId=1),
        pubsub(specversion="1.0", data={"messageId": "1", "publishTime": "2026-01-01T00:00:00Z"}),
        b'{"messageId"',
        b'"messageId"',
    ],
)
def test_a_line_that_is_no_whole_pubsub_message_is_left_as_it_is(tmp_path: Path, line: bytes) -> None:
    [batch] = read(EventFiles((written(tmp_path, line),)))
    assert (batch.payloads, batch.attributes, batch.publish_us) == ([line], [None], [None])


def cut(content: bytes) -> bytes:
    return gzip.compress(content)[:-20]


def damage(content: bytes) -> bytes:
    packed = bytearray(gzip.compress(content))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


def append(content: bytes) -> bytes:
    return gzip.compress(content) + b"no gzip"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut, r"expected a whole gzip file, found one that ends too soon; copy it again"),
        (damage, r"expected a gzip file, found damaged data \("),
        (append, r"expected a gzip file, found damaged data \("),
    ],
)
def test_a_spoiled_gzip_file_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes], message: str) -> None:
    path = written(tmp_path, spoil(b"".join(f'{{"n": {n}}}\n'.encode() for n in range(1000))))
    with pytest.raises(InputError, match=message) as raised:
        read(EventFiles((path,)))
    assert str(raised.value).startswith(path)


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, b"{}")
    source = EventFiles((path,))
    [split] = source.splits()
    os.unlink(path)
    with pytest.raises(InputError, match=r"cannot be read \(No such file or directory\)"):
        list(source.read(split))


def test_size_is_that_of_the_files(tmp_path: Path) -> None:
    packed = gzip.compress(b"{}" * 100)
    paths = (written(tmp_path, b"{}"), written(tmp_path, packed, "packed"))
    assert EventFiles(paths).size_bytes() == 2 + len(packed)


def test_patterns_name_files_in_order_each_once(tmp_path: Path) -> None:
    one, two = written(tmp_path, b"", "1.ndjson"), written(tmp_path, b"", "2.ndjson")
    (tmp_path / "link.ndjson").symlink_to("1.ndjson")
    (tmp_path / "sub").mkdir()
    assert find_files([two, f"{tmp_path}/*.ndjson", f"{tmp_path}/sub/../1.ndjson"]) == [two, one]


def test_a_name_that_looks_like_a_pattern_names_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, b"", "events[1].ndjson")
    written(tmp_path, b"", "events1.ndjson")
    assert find_files([path]) == [path]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file; check the path given to --input"),
        (Path.mkdir, r"expected a file, found a directory; name its files: .*x/\*\.ndjson"),
        (os.mkfifo, "expected a file, found a pipe or device"),
        (lambda path: path.symlink_to("nowhere"), "expected a file, found a link to nothing"),
    ],
)
def test_what_is_no_file_is_told(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(InputError, match=message) as raised:
        find_files([str(path)])
    assert str(raised.value).startswith(f"{path}: ")


def test_a_pattern_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        find_files([f"{tmp_path}/*.ndjson"])
