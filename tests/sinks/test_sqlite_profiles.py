"""The SQLite profile store."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from schemas.errors import CjaasError
from schemas.store import Outbox
from sinks.sqlite_profiles import SqliteProfiles
from tests.sinks.profile_store_contract import OUTBOX, Open, ProfileStoreContract, commit


def _opener(paths: Iterator[Path], opened: list[SqliteProfiles]) -> Open:
    def open_store() -> SqliteProfiles:
        opened.append(SqliteProfiles(next(paths)))
        return opened[-1]

    return open_store


class TestContract(ProfileStoreContract):
    @pytest.fixture
    def opened(self) -> Iterator[list[SqliteProfiles]]:
        stores: list[SqliteProfiles] = []
        yield stores
        for store in stores:
            store.close()

    @pytest.fixture
    def open_store(self, tmp_path: Path, opened: list[SqliteProfiles]) -> Open:
        return _opener((tmp_path / "profiles.sqlite" for _ in count()), opened)

    @pytest.fixture
    def fresh_store(self, tmp_path: Path, opened: list[SqliteProfiles]) -> Open:
        return _opener((tmp_path / f"{number}.sqlite" for number in count()), opened)


def _commit_twenty_times(path: Path, shard: int) -> None:
    store = SqliteProfiles(path)
    for number in range(20):
        person = f"{shard:02x}{number:030x}"
        assert store.commit(
            commit(
                f"{shard}/{number + 1}",
                f"{shard}/{number}" if number else "",
                shard=shard,
                sequence=number + 1,
                images={person: person.encode()},
                deadlines={person: number},
                outbox=OUTBOX,
            )
        )
        store.acknowledge(shard, f"{shard}/{number + 1}")
    store.close()


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_processes_commit_to_their_shards_at_once(tmp_path: Path) -> None:
    path = tmp_path / "profiles.sqlite"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_commit_twenty_times, args=(path, shard)) for shard in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = SqliteProfiles(path)
    assert len(list(store.scan())) == 60
    assert store.count() == 60
    assert [len(store.due(shard, 100, 100)) for shard in range(3)] == [20, 20, 20]
    store.close()
    assert _files(tmp_path) == ["profiles.sqlite"]


def test_the_log_of_a_crashed_writer_is_found_and_folded_in(tmp_path: Path) -> None:
    path = tmp_path / "profiles.sqlite"
    crashed = SqliteProfiles(path)
    assert crashed.commit(commit("t1", images={"p": b"x"}, outbox=OUTBOX))
    # A copy taken while it is open is what a crash leaves.
    left = tmp_path / "left"
    left.mkdir()
    for name in ("profiles.sqlite", "profiles.sqlite-wal"):
        shutil.copy(tmp_path / name, left / name)
    crashed.close()
    store = SqliteProfiles(left / "profiles.sqlite")
    assert store.head(0).outbox == OUTBOX
    store.finish()
    assert _files(left) == ["profiles.sqlite"]


def test_finish_makes_the_file_alone_the_database(tmp_path: Path) -> None:
    path = tmp_path / "profiles.sqlite"
    lingering, store = SqliteProfiles(path), SqliteProfiles(path)
    assert store.commit(commit("t1", images={"p": b"x"}))
    assert lingering.images(["p"]) == {"p": b"x"}
    store.finish()
    alone = tmp_path / "alone"
    alone.mkdir()
    copy = SqliteProfiles(Path(shutil.copy(path, alone)), read_only=True)
    assert copy.images(["p"]) == {"p": b"x"}
    copy.close()
    lingering.finish()
    assert _files(tmp_path) == ["alone", "profiles.sqlite"]


def test_finish_makes_an_empty_database_where_nothing_was_committed(tmp_path: Path) -> None:
    SqliteProfiles(tmp_path / "profiles.sqlite").finish()
    store = SqliteProfiles(tmp_path / "profiles.sqlite", read_only=True)
    assert list(store.scan()) == []
    assert store.count() == 0
    store.close()


def test_equal_commits_give_equal_bytes(tmp_path: Path) -> None:
    images = {f"{number:032x}": b"x" * 3_000 for number in range(50)}
    for name, order in (("one", list(images)), ("two", sorted(images, reverse=True))):
        store = SqliteProfiles(tmp_path / name)
        ordered = {person: images[person] for person in order}
        assert store.commit(commit("t1", images=ordered, deadlines=dict.fromkeys(order, 5), outbox=OUTBOX))
        store.acknowledge(0, "t1")
        store.finish()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_commit_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "profiles.sqlite"
    store = SqliteProfiles(path)
    assert store.commit(commit("t1", images={"p": b"x"}))
    with sqlite3.connect(path) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON due BEGIN SELECT RAISE(ABORT, 'no'); END")
    other.close()
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(commit("t2", "t1", images={"p": b"y"}, deadlines={"p": 1}, outbox=Outbox([], [])))
    assert (store.head(0).token, store.images(["p"])) == ("t1", {"p": b"x"})
    store.close()


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    store = SqliteProfiles(tmp_path / "profiles.sqlite")
    assert store.commit(commit("t1", images={"p": b"x"}))
    store._opened().execute("PRAGMA max_page_count = 20")
    with pytest.raises(CjaasError, match=r"^.*profiles\.sqlite: the disk is full: free space .*$") as failure:
        store.commit(commit("t2", "t1", images={f"{number:032x}": b"x" * 5_000 for number in range(99)}))
    assert "\n" not in str(failure.value)
    assert store.head(0).token == "t1"
    assert store.images(["0" * 32]) == {}
    store.close()


def test_a_place_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(CjaasError, match="cannot be opened: check that its folder exists"):
        SqliteProfiles(tmp_path / "absent" / "profiles.sqlite").head(0)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, and long enough to look at" * 50)
    with pytest.raises(CjaasError, match="not an SQLite database"):
        SqliteProfiles(tmp_path / "text").head(0)
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    for read_only in (False, True):
        with pytest.raises(CjaasError, match="not a profile database of this version"):
            SqliteProfiles(tmp_path / "other", read_only=read_only).head(0)


def test_reading_makes_no_file_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "profiles.sqlite"
    with pytest.raises(CjaasError, match="no profiles found"):
        SqliteProfiles(path, read_only=True).head(0)
    assert _files(tmp_path) == []
    SqliteProfiles(path).finish()
    reader = SqliteProfiles(path, read_only=True)
    with pytest.raises(CjaasError, match="may not be written"):
        reader.commit(commit("t1"))
    reader.close()
    assert _files(tmp_path) == ["profiles.sqlite"]


def test_settings_travel() -> None:
    store = SqliteProfiles(Path("x"), read_only=True, durable=True)
    assert repr(store) == "SqliteProfiles('x', read_only=True, durable=True)"
    rebuild, values = store.__reduce__()
    assert repr(rebuild(*values)) == repr(store)
