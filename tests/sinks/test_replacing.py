"""Files that are there whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CjaasError
from sinks.replacing import file_stem, remove_unfinished, replacing


@given(st.text())
def test_a_stem_is_a_safe_name(origin: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,90}", file_stem(origin))
    assert file_stem(origin) == file_stem(origin)


@given(st.text(), st.text())
def test_two_origins_have_two_stems(one: str, other: str) -> None:
    assert (file_stem(one) == file_stem(other)) is (one == other)


def test_a_stem_shows_the_end_of_the_origin() -> None:
    assert file_stem("/data/events 1.ndjson@4096").startswith("events-1.ndjson-4096-")
    assert file_stem("a/e.ndjson@0") != file_stem("b/e.ndjson@0")


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    with replacing(path) as file:
        file.write(b"one")
        assert not path.exists()
    with replacing(path) as file:
        file.write(b"two")
        assert path.read_bytes() == b"one"
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write_and_fail() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise KeyError("x")

    with pytest.raises(KeyError):
        write_and_fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_what_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = replacing(tmp_path / "file" / "x")
    with pytest.raises(CjaasError, match=r"^/.*/file/x: cannot be written: .*; free space.*$"), place:
        pass


def test_what_a_crash_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "date=2026-01-01"
    folder.mkdir()
    for name in (".x.parquet.1-2.unfinished", "x.parquet", "mine.unfinished", ".hidden"):
        (folder / name).touch()
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [".hidden", "mine.unfinished", "x.parquet"]
