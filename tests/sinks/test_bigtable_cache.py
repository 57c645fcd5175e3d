"""Rows kept in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.bigtable_cache import CachedRow, RowCache

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "rows", "forget", "drop"]),
        st.sampled_from("abcdef"),
        st.integers(0, 3_000),
    ),
    max_size=40,
)


def shard_of(person_id: str) -> int:
    return ord(person_id) % 2


@given(STEPS)
def test_it_keeps_the_most_recently_used_within_its_limit(steps: list[tuple[str, str, int]]) -> None:
    cache = RowCache(8_000)
    kept: dict[str, CachedRow] = {}
    for step, person, size in steps:
        if step == "keep":
            row = CachedRow(b"x" * size, size)
            cache.keep(shard_of(person), {person: row})
            kept.pop(person, None)
            kept[person] = row
            while sum(len(row.image) + 320 for row in kept.values()) > 8_000:
                del kept[next(iter(kept))]
        elif step == "rows":
            found = cache.rows(shard_of(person), [person, "absent"])
            assert found == ({person: kept[person]} if person in kept else {})
            if person in kept:
                kept[person] = kept.pop(person)
        elif step == "forget":
            cache.forget(person)
            kept.pop(person, None)
        else:
            cache.drop(shard_of(person))
            kept = {name: row for name, row in kept.items() if shard_of(name) != shard_of(person)}
        assert len(cache) == len(kept)
        assert cache.size_bytes == sum(len(row.image) + 320 for row in kept.values())
    for shard in (0, 1):
        own = {name: row for name, row in kept.items() if shard_of(name) == shard}
        assert cache.rows(shard, "abcdef") == own
    cache.clear()
    assert (len(cache), cache.size_bytes, cache.rows(0, "abcdef")) == (0, 0, {})


def test_a_row_larger_than_the_limit_is_not_kept() -> None:
    cache = RowCache(1_000)
    cache.keep(0, {"a": CachedRow(b"x" * 2_000, None)})
    assert (len(cache), cache.size_bytes) == (0, 0)
