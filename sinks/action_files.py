"""Outbound topics as NDJSON files, and the decisions beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from schemas.errors import InputError
from schemas.store import OutboundAction, Outbox
from sinks.decision_files import DecisionFiles
from sinks.replacing import UNFINISHED_SUFFIX, replacing

_PART = re.compile(r"(.+)-\d{5}-\d{15}\.ndjson", re.ASCII)
_OPEN_FILES = 200


class _Order(msgspec.Struct, frozen=True, gc=False):
    """What actions are ordered by."""

    decided_at: datetime
    action_id: str


_Entry = tuple[datetime, str, bytes]


@dataclass(frozen=True)
class FilePublisher:
    """A `schemas.store.Publisher` into an output directory.

    Each commit becomes `actions/CHANNEL-SHARD-SEQUENCE.ndjson` for each channel it reaches and
    `decisions/SHARD-SEQUENCE.parquet`: publishing it again replaces them with the same bytes. An empty
    part leaves no file. `finish` joins each channel's files.
    """

    directory: Path

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        """Publishes one commit; safe when it returns.

        Raises:
            CjaasError: a file cannot be written.
        """
        commit = f"{shard:05d}-{sequence:015d}"
        channels: dict[str, list[OutboundAction]] = {}
        for action in outbox.actions:
            channels.setdefault(action.channel, []).append(action)
        for channel, actions in sorted(channels.items()):
            _write(
                self.directory / "actions" / f"{channel}-{commit}.ndjson",
                sorted(_entry(action.body) for action in actions),
            )
        DecisionFiles(self.directory).publish(shard, sequence, outbox, again=again)

    def finish(self) -> None:
        """Joins each channel's files to `actions/CHANNEL.ndjson`, when all commits are published.

        Actions stand in the order of their decision, then of their id, each once. At most 200 files are
        open at a time, and no file is held in memory. It may be called again after a crash.

        Raises:
            CjaasError: a file cannot be read or written.
        """
        folder = self.directory / "actions"
        channels: dict[str, list[Path]] = {}
        for path in sorted(folder.glob("*.ndjson")):
            if part := _PART.fullmatch(path.name):
                channels.setdefault(part[1], []).append(path)
        for channel, parts in channels.items():
            joined = folder / f"{channel}.ndjson"
            sources = [*parts, joined] if joined.exists() else parts
            temporary: list[Path] = []
            while len(sources) > _OPEN_FILES:
                merged = folder / f".{channel}.{len(temporary)}{UNFINISHED_SUFFIX}"
                _merge(sources[:_OPEN_FILES], merged)
                temporary.append(merged)
                sources = [*sources[_OPEN_FILES:], merged]
            _merge(sources, joined)
            for path in (*parts, *temporary):
                path.unlink()


def find_action(directory: Path, action_id: str) -> bytes | None:
    """The JSON of a published action in an output directory; None where none has this id."""
    trace = action_id.encode()
    for path in sorted(Path(directory, "actions").glob("*.ndjson")):
        with path.open("rb") as lines:
            for line in lines:
                if trace in line and _order(path, line).action_id == action_id:
                    return line.rstrip(b"\n")
    return None


def _entry(body: bytes) -> _Entry:
    order = msgspec.json.decode(body, type=_Order)
    return order.decided_at, order.action_id, body + b"\n"


def _order(path: Path, line: bytes) -> _Order:
    try:
        return msgspec.json.decode(line, type=_Order)
    except ValueError as error:
        raise InputError(f"{path}: expected an action on each line: {error}") from error


def _entries(path: Path, lines: Iterable[bytes]) -> Iterator[_Entry]:
    """The lines of one file with what they are ordered by."""
    for line in lines:
        order = _order(path, line)
        yield order.decided_at, order.action_id, line


def _merge(sources: Sequence[Path], target: Path) -> None:
    """Merges sorted files."""
    with ExitStack() as stack:
        files = [(path, stack.enter_context(path.open("rb"))) for path in sources]
        _write(target, merge(*(_entries(path, file) for path, file in files)))


def _write(target: Path, entries: Iterable[_Entry]) -> None:
    """Writes sorted entries, equal ones once."""
    with replacing(target) as file:
        file.writelines(line for line, _ in groupby(map(itemgetter(2), entries)))
