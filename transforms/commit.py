"""The keyed step without Beam: one batch of one shard, read, advanced, committed and published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.store import ProfileStore, Publisher
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
) -> Advanced:
    """Commits a batch to a shard and publishes what it decided.

    An outbox that the shard's last commit left unpublished goes out first; where another writer commits
    in between, the batch is advanced again from what that one wrote.
    """
    while True:
        head = store.head(shard)
        if head.outbox is not None:
            publisher.publish(shard, head.sequence, head.outbox)
            store.acknowledge(shard, head.token)
        images = store.images(list(events))
        advanced = engine.advance(shard, head, images, events, as_of_us)
        commit = advanced.commit
        if store.commit(commit):
            publisher.publish(shard, commit.sequence, commit.outbox)
            store.acknowledge(shard, commit.token)
            return advanced


def wake_shard(
    engine: Engine, store: ProfileStore, publisher: Publisher, shard: int, as_of_us: int
) -> list[Advanced]:
    """Ends the waits of a shard that are due up to its clock, at most 500 persons a commit."""
    woken = []
    while due := store.due(shard, as_of_us, MAX_DUE):
        persons: dict[str, list[FoldEvent]] = {row.person_id: [] for row in due}
        woken.append(advance_shard(engine, store, publisher, shard, persons, as_of_us))
    return woken
