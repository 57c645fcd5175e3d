"""The running job, writing down each batch that its engine executes: what can be repeated can be checked.

`python -m tests.pipelines.recorded_job DIRECTORY` runs `pipelines.live_job` with an engine that appends,
before each commit, the batch to `DIRECTORY/batches`; a batch that was committed is found by its token.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from schemas.store import Head
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent

_LENGTH = struct.Struct(">I")


class Recorded(msgspec.Struct, frozen=True, array_like=True):
    """One execution of the engine."""

    shard: int
    expected_token: str
    token: str
    sequence: int
    as_of_us: int
    events: dict[str, list[FoldEvent]]


def read_batches(path: Path) -> Iterator[Recorded]:
    """All whole records."""
    raw = path.read_bytes() if path.exists() else b""
    at = 0
    while at + 4 <= len(raw):
        (length,) = _LENGTH.unpack_from(raw, at)
        if at + 4 + length > len(raw):
            return
        yield msgspec.msgpack.decode(raw[at + 4 : at + 4 + length], type=Recorded)
        at += 4 + length


def record(path: Path) -> None:
    """Lets every engine of this process write its batches down."""
    advance = Engine.advance
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def recorded(
        self: Engine,
        shard: int,
        head: Head,
        images: Mapping[str, bytes],
        events: Mapping[str, Sequence[FoldEvent]],
        as_of_us: int,
    ) -> Advanced:
        advanced = advance(self, shard, head, images, events, as_of_us)
        batch = Recorded(
            shard,
            head.token,
            advanced.commit.token,
            advanced.commit.sequence,
            as_of_us,
            {person: list(theirs) for person, theirs in events.items()},
        )
        body = msgspec.msgpack.encode(batch)
        os.write(descriptor, _LENGTH.pack(len(body)) + body)
        return advanced

    patched: Any = Engine
    patched.advance = recorded


if __name__ == "__main__":
    from pipelines.live_job import main

    faulthandler.register(signal.SIGUSR1)
    record(Path(sys.argv[1], "batches"))
    main()
