"""The Bigtable profile store when calls fail, answers get lost, processes die, and others come between."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable

import pytest
from grpc import StatusCode

from schemas.store import DueRow, Head, ProfileStore
from sinks.bigtable_errors import BigtableError
from sinks.bigtable_heads import PAST_TOKENS
from sinks.bigtable_profiles import BigtableProfiles
from tests.sinks.bigtable import HASTE, Stores
from tests.sinks.faults import BULK, CONDITIONAL, READ, FaultyServer
from tests.sinks.profile_store_contract import OUTBOX, commit

LOST = [StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.UNKNOWN, StatusCode.INTERNAL]
IMAGES = {"p": b"p1", "q": b"q1", "r": b"r1"}
PASSING = [
    StatusCode.ABORTED,
    StatusCode.CANCELLED,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.UNAVAILABLE,
]
FIRST = commit("t1", images=IMAGES, deadlines={"p": 10, "q": 20}, outbox=OUTBOX)


@pytest.fixture
def store(profile_stores: Stores, faulty_bigtable: FaultyServer, own_workspace: str) -> BigtableProfiles:
    """One whose calls go through the faulty faulty_bigtable."""
    return profile_stores.open(own_workspace, host=faulty_bigtable.host)


@pytest.fixture
def other(profile_stores: Stores, own_workspace: str) -> BigtableProfiles:
    """One on the same storage whose calls always go well."""
    return profile_stores.open(own_workspace)


def assert_first_stands(other: ProfileStore) -> None:
    assert other.head(0) == Head(1, "t1", OUTBOX)
    assert list(other.scan()) == sorted(IMAGES.items())
    assert other.due(0, 100, 10) == [DueRow(10, "p"), DueRow(20, "q")]


@pytest.mark.parametrize("code", LOST)
@pytest.mark.parametrize("applied", [True, False])
def test_a_commit_whose_answer_is_lost_is_applied_once(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
    code: StatusCode,
    applied: bool,
) -> None:
    faulty_bigtable.fail(CONDITIONAL, code, applied=applied)
    assert store.commit(FIRST)
    assert faulty_bigtable.calls[CONDITIONAL] == (1 if applied else 2)
    assert_first_stands(other)
    assert store.commit(commit("t2", "t1", sequence=2, images={"p": b"p2"}))


def test_a_second_attempt_that_finds_the_first_applied_late_is_no_refusal(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    # The first attempt is lost and reads as not applied; its bytes reach the table before the second.
    faulty_bigtable.fail(CONDITIONAL, StatusCode.UNAVAILABLE)
    faulty_bigtable.meanwhile(CONDITIONAL, lambda: other.commit(FIRST), call=2)
    assert store.commit(FIRST)
    assert_first_stands(other)


def test_a_lost_answer_with_a_successor_on_top_is_no_refusal(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    store.head(0)

    def succeed() -> None:
        assert_first_stands(other)
        assert other.commit(commit("t2", "t1", sequence=2, images={"p": b"p2"}, deadlines={"p": 11}))

    faulty_bigtable.fail(CONDITIONAL, StatusCode.UNAVAILABLE, applied=True)
    faulty_bigtable.meanwhile(READ, succeed, call=2)  # The first reads the due times.
    assert store.commit(FIRST)
    assert store.head(0).token == "t2"
    assert store.images(list(IMAGES), 0) == IMAGES | {"p": b"p2"}


def test_a_lost_race_is_refused_even_if_the_answer_was_lost(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    store.head(0)
    assert other.commit(FIRST)
    faulty_bigtable.fail(CONDITIONAL, StatusCode.UNAVAILABLE)
    assert not store.commit(commit("x", images={"p": b"lost"}, deadlines={"p": 1}))
    assert_first_stands(other)


def test_a_lost_answer_too_long_ago_is_not_guessed(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    def succeed() -> None:
        other.head(0)
        for number in range(2, PAST_TOKENS + 3):
            assert other.commit(commit(f"t{number}", f"t{number - 1}", sequence=number))

    store.head(0)
    faulty_bigtable.fail(CONDITIONAL, StatusCode.UNAVAILABLE, applied=True)
    faulty_bigtable.meanwhile(READ, succeed, call=2)
    with pytest.raises(BigtableError, match="moved on by more than 16 commits"):
        store.commit(FIRST)
    assert store.head(0).token == f"t{PAST_TOKENS + 2}"


def test_patience_ends(profile_stores: Stores, faulty_bigtable: FaultyServer, own_workspace: str) -> None:
    store = profile_stores.open(own_workspace, host=faulty_bigtable.host, patience=HASTE)
    for method in (READ, CONDITIONAL, BULK):
        faulty_bigtable.fail(method, StatusCode.UNAVAILABLE, calls=10_000)
        with pytest.raises(BigtableError, match=rf"{method} failed again and again for 0.5 s: UNAVAILABLE"):
            store.commit(FIRST)
        faulty_bigtable.heal()
    assert_first_stands(store)


@pytest.mark.parametrize("code", PASSING)
def test_every_call_outlives_trouble_that_passes(
    store: BigtableProfiles, faulty_bigtable: FaultyServer, other: BigtableProfiles, code: StatusCode
) -> None:
    for method in (READ, CONDITIONAL, BULK):
        faulty_bigtable.fail(method, code)
    assert store.commit(FIRST)
    faulty_bigtable.fail(CONDITIONAL, code)
    store.acknowledge(0, "t1")
    assert faulty_bigtable.calls[CONDITIONAL] == 4
    assert other.head(0) == Head(1, "t1", None)


def test_a_refused_commit_is_told_at_once(store: BigtableProfiles, faulty_bigtable: FaultyServer) -> None:
    faulty_bigtable.fail(CONDITIONAL, StatusCode.PERMISSION_DENIED)
    with pytest.raises(BigtableError, match="CheckAndMutateRow failed: PERMISSION_DENIED"):
        store.commit(FIRST)
    assert faulty_bigtable.calls[CONDITIONAL] == 1
    assert store.head(0).token == ""


def test_rows_that_fail_for_a_while_are_written_again_alone(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    faulty_bigtable.fail_rows({0: StatusCode.UNAVAILABLE, 3: StatusCode.ABORTED})
    faulty_bigtable.fail(BULK, StatusCode.UNAVAILABLE, call=2)
    faulty_bigtable.fail_rows({1: StatusCode.DEADLINE_EXCEEDED}, call=3)
    assert store.commit(FIRST)
    assert faulty_bigtable.calls[BULK] == 4
    # Read as they stand, before anyone repairs them.
    assert list(other.scan()) == sorted(IMAGES.items())
    assert_first_stands(other)


def die_while_writing_all(faulty_bigtable: FaultyServer) -> None:
    faulty_bigtable.fail(BULK, StatusCode.PERMISSION_DENIED)


def die_after_writing_some(faulty_bigtable: FaultyServer) -> None:
    faulty_bigtable.fail_rows({0: StatusCode.INVALID_ARGUMENT, 3: StatusCode.PERMISSION_DENIED})


@pytest.mark.parametrize("die", [die_while_writing_all, die_after_writing_some])
@pytest.mark.parametrize("by_itself", [True, False])
def test_whoever_finds_a_head_writes_its_rows(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
    die: Callable[[FaultyServer], None],
    by_itself: bool,
) -> None:
    assert other.commit(commit("t0", images={"p": b"p0"}, deadlines={"p": 5, "s": 6}))
    other.acknowledge(0, "t0")
    die(faulty_bigtable)
    second = commit(
        "t1", "t0", sequence=2, images=IMAGES, deadlines={"p": 10, "q": 20, "s": None}, outbox=OUTBOX
    )
    with pytest.raises(BigtableError, match=r"MutateRows failed: PERMISSION_DENIED|can't be written: code 3"):
        store.commit(second)
    assert list(other.scan()) != sorted(IMAGES.items())
    successor = store if by_itself else other
    if not by_itself:
        # What it knows is old, as its next commit tells it.
        assert not other.commit(commit("x", "t0", sequence=9))
    assert successor.head(0) == Head(2, "t1", OUTBOX)
    assert successor.images(list(IMAGES), 0) == IMAGES
    assert successor.due(0, 100, 10) == [DueRow(10, "p"), DueRow(20, "q")]


def _commit_first(store: BigtableProfiles) -> None:
    store.commit(FIRST)


def test_what_a_killed_process_left_is_finished_by_the_next(
    store: BigtableProfiles, faulty_bigtable: FaultyServer, other: BigtableProfiles
) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_commit_first, args=(store,))
    faulty_bigtable.meanwhile(BULK, process.kill)
    faulty_bigtable.fail(BULK, StatusCode.UNAVAILABLE)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert list(other.scan()) == []
    assert_first_stands(other)


def test_rows_are_written_before_a_commit_on_top(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    die_while_writing_all(faulty_bigtable)
    with pytest.raises(BigtableError):
        store.commit(FIRST)
    assert other.commit(commit("t2", "t1", sequence=2, images={"p": b"p2"}, deadlines={"q": None}))
    assert list(other.scan()) == sorted((IMAGES | {"p": b"p2"}).items())
    assert other.due(0, 100, 10) == [DueRow(10, "p")]


def test_rows_are_written_before_an_acknowledgement(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    die_while_writing_all(faulty_bigtable)
    with pytest.raises(BigtableError):
        store.commit(FIRST)
    other.acknowledge(0, "t1")
    assert list(other.scan()) == sorted(IMAGES.items())
    assert store.head(0) == Head(1, "t1", None)


def test_a_writer_that_resumes_late_hides_and_deletes_nothing(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
    profile_stores: Stores,
    own_workspace: str,
) -> None:
    assert other.commit(commit("t1", images={"p": b"p1", "q": b"q1"}, deadlines={"p": 10, "q": 10}))
    other.acknowledge(0, "t1")

    def take_over() -> None:
        assert not other.commit(commit("x", "t1", sequence=9))
        assert other.head(0).token == "t2"
        assert other.images(["p", "q"], 0) == {"p": b"p2", "q": b"q2"}
        # p goes back to the row that the late writer deletes, q to none.
        assert other.commit(
            commit("t3", "t2", sequence=3, images={"p": b"p3"}, deadlines={"p": 10, "q": None})
        )
        other.acknowledge(0, "t3")
        assert other.due(0, 100, 10) == [DueRow(10, "p")]

    faulty_bigtable.meanwhile(BULK, take_over)
    assert store.commit(
        commit("t2", "t1", sequence=2, images={"p": b"p2", "q": b"q2"}, deadlines={"p": 30, "q": 40})
    )
    store.acknowledge(0, "t2")
    last = profile_stores.open(own_workspace)
    assert last.head(0) == Head(3, "t3", None)
    assert last.images(["p", "q"], 0) == {"p": b"p3", "q": b"q2"}
    ghosts = (DueRow(30, "p"), DueRow(40, "q"))
    assert last.due(0, 100, 10) == [DueRow(10, "p"), *ghosts]
    assert last.commit(commit("t4", "t3", sequence=4, woken=ghosts))
    assert last.due(0, 100, 10) == [DueRow(10, "p")]
    # The late writer learns that it was overtaken.
    assert store.head(0).token == "t4"
    assert store.images(["p", "q"], 0) == {"p": b"p3", "q": b"q2"}


def test_a_lost_acknowledgement_is_made_again(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    assert store.commit(FIRST)
    faulty_bigtable.fail(CONDITIONAL, StatusCode.UNAVAILABLE, applied=True)
    faulty_bigtable.fail(CONDITIONAL, StatusCode.UNAVAILABLE, call=2)
    store.acknowledge(0, "t1")
    assert store.head(0).outbox is None
    assert other.head(0).outbox is None


def test_a_broken_stream_goes_on_where_it_broke(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    images = {f"{number:032x}": b"%d" % number * 500 for number in range(600)}
    assert other.commit(commit("t1", images=images, deadlines=dict.fromkeys(images, 7)))
    reads: list[Callable[[], dict[str, bytes]]] = [
        lambda: dict(store.scan()),
        lambda: store.images([*images, "absent"]),
        lambda: {row.person_id: images[row.person_id] for row in store.due(0, 7, 1_000)},
    ]
    for read in reads:
        faulty_bigtable.heal()
        for call, answers in enumerate([0, 3, 1, 0, 200], start=1):
            faulty_bigtable.fail(READ, StatusCode.UNAVAILABLE, call=call, answers=answers, applied=True)
        before = faulty_bigtable.calls[READ]
        assert read() == images
        assert faulty_bigtable.calls[READ] > before + 3
    faulty_bigtable.heal()
    faulty_bigtable.fail(READ, StatusCode.UNAVAILABLE, applied=True, answers=3)
    assert [row.person_id for row in store.due(0, 7, 10)] == list(images)[:10]


def test_connections_that_break_are_made_again(
    store: BigtableProfiles,
    faulty_bigtable: FaultyServer,
    other: BigtableProfiles,
) -> None:
    assert store.commit(FIRST)
    faulty_bigtable.restart()
    assert store.images(["p"]) == {"p": b"p1"}
    faulty_bigtable.restart()
    assert store.commit(commit("t2", "t1", sequence=2, images={"p": b"p2"}))
    faulty_bigtable.restart()
    store.acknowledge(0, "t2")
    assert other.head(0) == Head(2, "t2", None)
    assert other.images(["p"], 0) == {"p": b"p2"}
