"""One Bigtable profile store in several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

from schemas.store import NO_TOKEN
from tests.sinks.bigtable import Stores
from tests.sinks.faults import FaultyServer
from tests.sinks.profile_store_contract import commit

SECONDS = 20


def test_threads_that_race_for_shards_lose_no_commit(profile_stores: Stores, own_workspace: str) -> None:
    stores = [profile_stores.open(own_workspace) for _ in range(2)]

    def count_up(thread: int) -> None:
        """Adds one to a person's number twelve times, on whichever store and shard is this thread's."""
        store, shard = stores[thread % 2], thread // 2 % 2
        person = f"{shard}f"
        for number in range(12):
            while True:
                head = store.head(shard)
                image = b"%d" % (int(store.images([person], shard).get(person, b"0")) + 1)
                entry = commit(
                    f"{thread}/{number}",
                    head.token,
                    shard=shard,
                    sequence=head.sequence + 1,
                    images={person: image},
                    deadlines={person: head.sequence + 1},
                )
                if store.commit(entry):
                    store.acknowledge(shard, entry.token)
                    break

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(8)))
    last = profile_stores.open(own_workspace)
    assert list(last.scan()) == [("0f", b"48"), ("1f", b"48")]
    assert [last.head(shard).sequence for shard in (0, 1)] == [48, 48]


def test_a_thread_that_was_overtaken_leaves_nothing_in_the_cache(
    profile_stores: Stores, own_workspace: str, faulty_bigtable: FaultyServer
) -> None:
    store = profile_stores.open(own_workspace, host=faulty_bigtable.host)
    other = profile_stores.open(own_workspace)
    slow_is_done, quick_is_writing = Event(), Event()

    def hold_up() -> None:
        quick_is_writing.set()
        assert slow_is_done.wait(SECONDS)

    def commit_on_top() -> None:
        assert store.commit(commit("t3", "t2", sequence=3, images={"q": b"q3"}))
        store.acknowledge(0, "t3")

    quick = Thread(target=commit_on_top)

    def overtake() -> None:
        assert other.head(0).token == "t1"
        assert other.commit(commit("t2", "t1", sequence=2, images={"p": b"p2"}))
        other.acknowledge(0, "t2")
        assert store.head(0).token == "t2"
        faulty_bigtable.meanwhile("MutateRows", hold_up)
        quick.start()
        assert quick_is_writing.wait(SECONDS)

    faulty_bigtable.meanwhile("MutateRows", overtake)
    assert store.commit(commit("t1", NO_TOKEN, images={"p": b"p1"}, deadlines={"p": 5}))
    slow_is_done.set()
    quick.join(SECONDS)
    reads = faulty_bigtable.calls["ReadRows"]
    assert store.head(0).token == "t3"
    assert faulty_bigtable.calls["ReadRows"] == reads
    assert store.images(["p", "q"], 0) == {"p": b"p2", "q": b"q3"}


def test_a_read_that_was_overtaken_leaves_nothing_in_the_cache(
    profile_stores: Stores, own_workspace: str, faulty_bigtable: FaultyServer
) -> None:
    store = profile_stores.open(own_workspace, host=faulty_bigtable.host)
    assert profile_stores.open(own_workspace).commit(commit("t1", images={"p": b"p1"}))
    assert store.head(0).token == "t1"

    def overtake() -> None:
        assert store.commit(commit("t2", "t1", sequence=2, images={"q": b"q2"}, deadlines={"q": None}))
        store.acknowledge(0, "t2")

    faulty_bigtable.meanwhile("ReadRows", overtake)
    assert store.images(["p"], 0) == {"p": b"p1"}
    reads = faulty_bigtable.calls["ReadRows"]
    assert store.head(0).token == "t2"
    assert store.images(["p"], 0) == {"p": b"p1"}
    assert faulty_bigtable.calls["ReadRows"] == reads + 1
