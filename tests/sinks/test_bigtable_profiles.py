"""The Bigtable profile store, on the emulator."""

from __future__ import annotations

import pytest

from schemas.store import CommitTooLargeError, DueRow
from sinks.bigtable_errors import BigtableError
from sinks.bigtable_profiles import BigtableProfiles
from sinks.bigtable_written import MAX_IMAGES_BYTES
from tests.sinks.bigtable import HASTE, Stores, new_workspace
from tests.sinks.faults import FaultyServer
from tests.sinks.profile_store_contract import NOTHING, OUTBOX, Open, ProfileStoreContract, commit


class TestContract(ProfileStoreContract):
    @pytest.fixture
    def open_store(self, profile_stores: Stores, own_workspace: str) -> Open:
        return lambda: profile_stores.open(own_workspace)

    @pytest.fixture
    def fresh_store(self, profile_stores: Stores) -> Open:
        return lambda: profile_stores.open(new_workspace())


@pytest.fixture
def store(profile_stores: Stores, faulty_bigtable: FaultyServer, own_workspace: str) -> BigtableProfiles:
    return profile_stores.open(own_workspace, host=faulty_bigtable.host)


def advance(store: BigtableProfiles, number: int, person: str = "p") -> None:
    """One batch as a job runs it."""
    head = store.head(0)
    image = store.images([person], 0).get(person, b"") + b"%d" % number
    assert store.commit(
        commit(f"t{number}", head.token, sequence=number, images={person: image}, deadlines={person: 9})
    )
    store.acknowledge(0, f"t{number}")


def test_a_warm_batch_reads_nothing(store: BigtableProfiles, faulty_bigtable: FaultyServer) -> None:
    advance(store, 1)
    before = faulty_bigtable.calls.copy()
    advance(store, 2)
    assert faulty_bigtable.calls - before == {"CheckAndMutateRow": 2, "MutateRows": 1}
    assert store.images(["p"]) == {"p": b"12"}


def test_an_acknowledged_head_is_taken_over_by_one_small_read(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    profile_stores: Stores,
    own_workspace: str,
) -> None:
    advance(store, 1)
    before = faulty_bigtable.calls.copy()
    assert profile_stores.open(own_workspace, host=faulty_bigtable.host).head(0).token == "t1"
    assert faulty_bigtable.calls - before == {"ReadRows": 1}


def test_a_stale_cache_ends_with_the_first_refusal(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    profile_stores: Stores,
    own_workspace: str,
) -> None:
    other = profile_stores.open(own_workspace)
    advance(store, 1)
    advance(other, 2)
    before = faulty_bigtable.calls.copy()
    assert (store.head(0).token, store.images(["p"], 0)) == ("t1", {"p": b"1"})
    assert faulty_bigtable.calls == before
    assert not store.commit(commit("x", "t1", sequence=3, images={"p": b"lost"}))
    advance(store, 3)
    assert (other.head(0).token, other.images(["p"], 0)) == ("t2", {"p": b"12"})
    assert not other.commit(commit("x", "t2", sequence=4, images={"p": b"lost"}))
    advance(other, 4)
    assert profile_stores.open(own_workspace).images(["p"]) == {"p": b"1234"}


def test_the_cache_stays_within_its_limit(profile_stores: Stores, own_workspace: str) -> None:
    store = profile_stores.open(own_workspace, cache_bytes=5_000)
    images = {f"{number:032x}": b"x" * 1_000 for number in range(20)}
    assert store.commit(commit("t1", images=images, deadlines=dict.fromkeys(images, 7)))
    assert 0 < store._cache.size_bytes <= 5_000
    assert store.head(0).token == "t1"
    assert store.images(list(images), 0) == images
    # What was evicted is read again for its due time.
    assert store.commit(commit("t2", "t1", sequence=2, deadlines=dict.fromkeys(images)))
    assert store.due(0, 100, 100) == []


def test_due_times_of_cached_rows_are_known(store: BigtableProfiles, faulty_bigtable: FaultyServer) -> None:
    advance(store, 1)
    store.head(0)
    assert store.images(["p"], 0) == {"p": b"1"}
    reads = faulty_bigtable.calls["ReadRows"]
    assert store.commit(commit("t2", "t1", sequence=2, deadlines={"p": 20}))
    store.acknowledge(0, "t2")
    store.head(0)
    assert store.images(["p"], 0) == {"p": b"1"}
    assert store.commit(commit("t3", "t2", sequence=3, deadlines={"p": 30}))
    assert faulty_bigtable.calls["ReadRows"] == reads
    assert store.due(0, 100, 10) == [DueRow(30, "p")]


def test_a_commit_over_the_limits_writes_nothing(profile_stores: Stores, own_workspace: str) -> None:
    store = profile_stores.open(own_workspace)
    too_many: dict[str, int | None] = {f"{number:032x}": number for number in range(25_001)}
    with pytest.raises(CommitTooLargeError, match="100004 mutations: expected at most 100000"):
        store.commit(commit("t1", deadlines=too_many))
    with pytest.raises(CommitTooLargeError, match="shard 0 holds 4194305 bytes of images"):
        store.commit(commit("t1", images={"p": b"x" * MAX_IMAGES_BYTES, "q": b"x"}))
    assert store.head(0).token == ""
    assert store.commit(commit("t1", images={"p": b"x" * (MAX_IMAGES_BYTES - 1), "q": b"x"}))
    assert profile_stores.open(own_workspace).head(0).outbox == NOTHING
    assert len(profile_stores.open(own_workspace).images(["p"])["p"]) == MAX_IMAGES_BYTES - 1


def test_a_single_person_is_within_the_limits(profile_stores: Stores, own_workspace: str) -> None:
    store = profile_stores.open(own_workspace)
    assert store.commit(commit("t1", images={"p": b"x" * (MAX_IMAGES_BYTES + 1)}))
    assert len(profile_stores.open(own_workspace).images(["p"])["p"]) == MAX_IMAGES_BYTES + 1


def test_workspaces_in_one_table_know_nothing_of_each_other(
    profile_stores: Stores, own_workspace: str
) -> None:
    ours, theirs = profile_stores.open(own_workspace), profile_stores.open(f"{own_workspace}0")
    assert ours.commit(commit("t1", images={"p": b"ours"}, deadlines={"p": 1}, outbox=OUTBOX))
    assert (theirs.head(0).token, theirs.images(["p"]), theirs.due(0, 9, 9)) == ("", {}, [])
    assert list(theirs.scan()) == []
    assert theirs.commit(commit("t2", images={"q": b"theirs"}))
    assert list(ours.scan()) == [("p", b"ours")]


@pytest.mark.parametrize("name", ["", "a!b", "a#b", "a\nb"])
def test_a_workspace_is_named_without_separators(profile_stores: Stores, name: str) -> None:
    with pytest.raises(ValueError, match="can't name a workspace"):
        profile_stores.open(name)


def test_a_table_that_is_missing_is_told_at_once(profile_stores: Stores) -> None:
    profile_stores.address = type(profile_stores.address)(
        "p", "i", "nowhere", emulator_host=profile_stores.address.emulator_host
    )
    store = profile_stores.open("shop", patience=HASTE)
    with pytest.raises(
        BigtableError, match=r"projects/p/instances/i/tables/nowhere: ReadRows failed: NOT_FOUND"
    ):
        store.head(0)
    with pytest.raises(BigtableError, match="NOT_FOUND"):
        list(store.scan())
