"""The keyed step without Beam: one batch of one shard, read, advanced, committed and published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from schemas.store import Commit, CommitTooLargeError, DueRow, Head, ProfileStore, Publisher
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent

MAX_DUE = 500
"""As many due persons are woken in one commit."""


def advance_shard(
    engine: Engine,
    store: ProfileStore,
    publisher: Publisher,
    shard: int,
    events: Mapping[str, Sequence[FoldEvent]],
    as_of_us: int,
    woken: Sequence[DueRow] = (),
) -> Advanced:
    """Commits a batch to a shard and publishes what it decided; see `commit_shard`."""
    advanced = commit_shard(engine, store, publisher, shard, events, as_of_us, woken)
    _settle(store, publisher, advanced.commit)
    return advanced


def commit_parts(
    engine: Engine,
    store: ProfileStore,
    publisher: Publisher,
    shard: int,
    events: Mapping[str, Sequence[FoldEvent]],
    as_of_us: int,
) -> list[Advanced]:
    """Commits a batch to a shard: at once, or in parts where that is more than the store takes.

    What the last part decided is still to be published, and then acknowledged; that of the others is.
    """
    try:
        return [commit_shard(engine, store, publisher, shard, events, as_of_us)]
    except CommitTooLargeError:
        if len(events) == 1:
            raise
    middle = len(events) // 2
    first, second = dict(list(events.items())[:middle]), dict(list(events.items())[middle:])
    parts = commit_parts(engine, store, publisher, shard, first, as_of_us)
    _settle(store, publisher, parts[-1].commit)
    return parts + commit_parts(engine, store, publisher, shard, second, as_of_us)


def _settle(store: ProfileStore, publisher: Publisher, commit: Commit) -> None:
    publisher.publish(commit.shard, commit.sequence, commit.outbox)
    store.acknowledge(commit.shard, commit.token)


def commit_shard(
    engine: Engine,
    store: ProfileStore,
    publisher: Publisher,
    shard: int,
    events: Mapping[str, Sequence[FoldEvent]],
    as_of_us: int,
    woken: Sequence[DueRow] = (),
) -> Advanced:
    """Commits a batch to a shard; what it decided is still to be published, and then acknowledged.

    An outbox that the shard's last commit left unpublished goes out first; where another writer commits
    in between, the batch is advanced again from what that one wrote.

    Args:
        events: the batch, by person; a person may come without events, for its waits.
        as_of_us: the shard's clock.
        woken: the due rows for which persons come without events.
    """
    while True:
        head = take_over(store, publisher, shard)
        images = store.images(list(events), shard)
        advanced = engine.advance(shard, head, images, events, as_of_us)
        if woken:
            advanced.commit = msgspec.structs.replace(advanced.commit, woken=tuple(woken))
        if store.commit(advanced.commit):
            return advanced


def take_over(store: ProfileStore, publisher: Publisher, shard: int) -> Head:
    """The shard's head, after what its commit has left unpublished is out."""
    head = store.head(shard)
    if head.outbox is not None:
        publisher.publish(shard, head.sequence, head.outbox, again=True)
        store.acknowledge(shard, head.token)
    return head


def wake_shard(
    engine: Engine, store: ProfileStore, publisher: Publisher, shard: int, as_of_us: int
) -> list[Advanced]:
    """Ends all waits of a shard that are due up to its clock, at most 500 persons a commit."""
    woken = []
    while due := store.due(shard, as_of_us, MAX_DUE):
        woken.append(wake_persons(engine, store, publisher, shard, due, as_of_us))
    return woken


def wake_persons(
    engine: Engine,
    store: ProfileStore,
    publisher: Publisher,
    shard: int,
    due: Sequence[DueRow],
    as_of_us: int,
) -> Advanced:
    """Ends the waits of these persons that are due up to the shard's clock, in one commit.

    Where that is more than the store takes at once, it is a commit of the first of them.
    """
    persons: dict[str, list[FoldEvent]] = {row.person_id: [] for row in due}
    try:
        return advance_shard(engine, store, publisher, shard, persons, as_of_us, due)
    except CommitTooLargeError:
        if len(persons) == 1:
            raise
    return wake_persons(engine, store, publisher, shard, due[: len(due) // 2], as_of_us)
