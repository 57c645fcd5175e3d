"""Row keys and cells of the profile table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.store import Commit, DueRow, Outbox
from sinks.bigtable_mutations import rows_request
from sinks.bigtable_rows import Keys, decode_due_time, encode_due_time
from sinks.bigtable_tables import splits
from sinks.bigtable_written import Written, count_mutations, decode_payload, encode_payload, written_by

KEYS = Keys("shop")
TIMES = st.integers(-(10**18), 10**18 - 1)
PERSONS = st.text("0123456789abcdef", min_size=1, max_size=32)
WAITS = st.builds(DueRow, TIMES, PERSONS)
DUE = st.dictionaries(PERSONS, st.none() | TIMES, max_size=5)


def test_keys_read_as_the_design_says() -> None:
    assert KEYS.profile("ab12") == b"shop#ab12"
    assert KEYS.head(7) == b"shop!head!000007"
    assert KEYS.due(7, DueRow(1_767_225_600_000_001, "ab12")) == (b"shop!due!000007!1001767225600000001!ab12")


@given(st.lists(WAITS, max_size=8), st.integers(0, 1_023))
def test_due_rows_sort_by_time_then_person(rows: list[DueRow], shard: int) -> None:
    keys = sorted(KEYS.due(shard, row) for row in rows)
    assert [KEYS.due_row(key) for key in keys] == sorted(rows)


@given(WAITS, st.integers(0, 1_023), st.integers(-(2**63), 2**63))
def test_a_range_of_due_rows_holds_what_is_due_in_its_shard(row: DueRow, shard: int, until_us: int) -> None:
    start, end = KEYS.due_until(shard, until_us)
    assert (start <= KEYS.due(shard, row) < end) is (row.time_us <= until_us)
    assert not start <= KEYS.due(shard + 1, row) < end


def test_a_due_time_beyond_all_times_is_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        KEYS.due(0, DueRow(10**18, "p"))


@given(PERSONS, st.sampled_from(["shop", "shop0", "sho"]))
def test_a_workspace_has_its_own_range_of_profiles(person_id: str, workspace: str) -> None:
    key = Keys(workspace).profile(person_id)
    assert (KEYS.profiles <= key < KEYS.profiles_end) is (workspace == "shop")
    assert Keys(workspace).person_id(key) == person_id


@given(st.none() | st.integers())
def test_due_times_come_back(time_us: int | None) -> None:
    assert decode_due_time(encode_due_time(time_us)) == time_us
    assert decode_due_time(None) is None


@given(st.dictionaries(PERSONS, st.binary(), max_size=3), DUE, st.lists(WAITS), st.binary())
def test_payloads_come_back(
    images: dict[str, bytes], due: dict[str, int | None], gone: list[DueRow], outbox: bytes
) -> None:
    written = Written(images, due, gone, outbox)
    assert decode_payload(encode_payload(written)) == written


@given(
    st.dictionaries(PERSONS, st.binary(max_size=3), max_size=5),
    DUE,
    st.sets(WAITS, max_size=4),
    DUE,
)
def test_a_request_writes_each_row_once_and_holds_as_many_mutations_as_counted(
    images: dict[str, bytes], deadlines: dict[str, int | None], woken: set[DueRow], due: dict[str, int | None]
) -> None:
    commit = Commit(3, "", 5, "t", images, deadlines, Outbox([], []), tuple(woken))
    written = written_by(commit, due, b"")
    request = rows_request(KEYS, 3, 5, written)
    assert sum(len(entry.mutations) for entry in request.entries) == count_mutations(written)
    keys = [entry.row_key for entry in request.entries]
    assert len(keys) == len(set(keys))
    for person_id, image in images.items():
        [entry] = [entry for entry in request.entries if entry.row_key == KEYS.profile(person_id)]
        older, new = entry.mutations[:2]
        assert older.delete_from_column.time_range.end_timestamp_micros == 5_000
        assert (new.set_cell.timestamp_micros, new.set_cell.value) == (5_000, image)


def test_a_sequence_begins_with_one() -> None:
    with pytest.raises(ValueError, match="a commit has sequence 0"):
        rows_request(KEYS, 0, 0, Written({}, {}, [], b""))


def test_a_table_is_split_by_workspace_and_person() -> None:
    assert splits(["shop", "bank", "shop"], prefixes=4) == [
        b"bank!due!",
        b"bank!head!",
        b"bank#",
        b"bank#40000000",
        b"bank#80000000",
        b"bank#c0000000",
        b"shop!due!",
        b"shop!head!",
        b"shop#",
        b"shop#40000000",
        b"shop#80000000",
        b"shop#c0000000",
    ]
