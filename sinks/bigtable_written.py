"""What a commit changes outside its head, and how it is kept in the head."""

from __future__ import annotations

from typing import Final

import msgspec
import zstandard

from schemas.store import Commit, CommitTooLargeError, DueRow

MAX_IMAGES_BYTES: Final = 4 * 2**20
MAX_MUTATIONS: Final = 100_000

_ZSTD_LEVEL: Final = 1


class Written(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a commit changes outside its head, which stays in the head until the next commit.

    Attributes:
        images: by person id.
        due: by person id, the new due time where it changes, None for none.
        gone: due rows that go.
        outbox: as JSON: evidence may hold integers that MessagePack has no room for.
    """

    images: dict[str, bytes]
    due: dict[str, int | None]
    gone: list[DueRow]
    outbox: bytes


_written = msgspec.msgpack.Decoder(Written)


def encode_payload(written: Written) -> bytes:
    """MessagePack, compressed by zstd."""
    return zstandard.compress(msgspec.msgpack.encode(written), _ZSTD_LEVEL)


def decode_payload(payload: bytes) -> Written:
    """The inverse of `encode_payload`."""
    return _written.decode(zstandard.decompress(payload))


def written_by(commit: Commit, due: dict[str, int | None], outbox: bytes) -> Written:
    """What a commit changes, given the due times of its persons before it, and its outbox as JSON.

    Raises:
        CommitTooLargeError: of more than one person, and over 4 MB of images or 100,000 mutations, which is
            what Bigtable takes at once.
    """
    changed = {
        person_id: time_us for person_id, time_us in commit.deadlines.items() if due.get(person_id) != time_us
    }
    gone = set(commit.woken)
    for person_id in changed:
        former = due.get(person_id)
        if former is not None:
            gone.add(DueRow(former, person_id))
    kept = set()
    for person_id, time_us in commit.deadlines.items():
        if time_us is not None:
            kept.add(DueRow(time_us, person_id))
    for row in commit.woken:
        if row.person_id not in commit.deadlines and due.get(row.person_id) == row.time_us:
            changed[row.person_id] = None
    written = Written(commit.images, changed, sorted(gone - kept), outbox)
    # A person's own row cannot be halved: it is for the fold to keep it small.
    if len({*commit.images, *commit.deadlines, *(row.person_id for row in commit.woken)}) > 1:
        _check(commit.shard, written)
    return written


def _check(shard: int, written: Written) -> None:
    size = sum(map(len, written.images.values()))
    if size > MAX_IMAGES_BYTES:
        raise CommitTooLargeError(
            f"a commit to shard {shard} holds {size} bytes of images:"
            f" expected at most {MAX_IMAGES_BYTES}; make smaller batches"
        )
    mutations = count_mutations(written)
    if mutations > MAX_MUTATIONS:
        raise CommitTooLargeError(
            f"a commit to shard {shard} holds {mutations} mutations:"
            f" expected at most {MAX_MUTATIONS}; make smaller batches"
        )


def count_mutations(written: Written) -> int:
    """How many mutations write it: two set a cell in the place of older ones, one deletes a due row."""
    set_due = sum(time_us is not None for time_us in written.due.values())
    return 2 * (len(written.images) + len(written.due) + set_due) + len(written.gone)
