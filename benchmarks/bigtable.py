"""What Bigtable costs: µs of CPU per row read, per row written and per commit, beside Google's clients.

Run `.venv/bin/python benchmarks/bigtable.py`. It starts Google's emulator, and counts the CPU time of this
process alone, all its threads included: what a worker pays, whatever the service takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from google.cloud import bigtable
from google.cloud.bigtable.data import BigtableDataClient, ReadRowsQuery, RowMutationEntry
from google.cloud.bigtable.data.mutations import DeleteRangeFromColumn, SetCell
from google.cloud.bigtable.row_filters import TimestampRange
from google.cloud.bigtable.row_set import RowSet
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.process import DATA
from pipelines.local.emulators import PROJECT, start_emulator
from schemas.store import Commit, Outbox
from sinks.bigtable_client import TableAddress, TableClient, newest_cells
from sinks.bigtable_mutations import rows_request
from sinks.bigtable_profiles import BigtableProfiles
from sinks.bigtable_rows import IMAGE, PROFILE_FAMILY, Keys
from sinks.bigtable_tables import ensure_table
from sinks.bigtable_written import Written

Row = TypeVar("Row", str, bytes)
IMAGE_BYTES = 1_000
NOTHING = Outbox([], [])


def persons(count: int) -> list[str]:
    """Person ids, spread over all prefixes."""
    return [f"{number * 2_654_435_761 % 2**32:08x}{number:024x}" for number in range(count)]


def image(person_id: str, version: int) -> bytes:
    """An image of 1 kB, half of it digits that don't repeat, as identities and fingerprints do."""
    digits = "".join(blake2b(f"{person_id}/{version}/{number}".encode()).hexdigest() for number in range(4))
    text = (
        f'{{"id":"{person_id}","fingerprints":"{digits}","attributes":{{"carts":[' + "10.5,1767225600,2," * 40
    )
    return text.encode()[:IMAGE_BYTES]


class Measured:
    """µs of CPU by step, the best of several repeats."""

    def __init__(self, repeats: int) -> None:
        self.repeats = repeats

    def best(self, count: int, run: Callable[[], object]) -> float:
        """µs for each of `count` things that a run does."""
        run()
        seconds = []
        for _ in range(self.repeats):
            began = time.process_time()
            run()
            seconds.append(time.process_time() - began)
        return min(seconds) / count * 1e6


class Versions:
    """Each run writes at a newer version than the one before."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        """The next one."""
        self.last += 1
        return self.last


def batches(rows: list[Row], size: int) -> Iterator[list[Row]]:
    """The rows, some at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def measure(address: TableAddress, rows: list[str], size: int, repeats: int) -> list[tuple[str, float]]:
    """The lines of one batch size."""
    measured, versions = Measured(repeats), Versions()
    keys = Keys("shop")
    client = TableClient(address)
    google = BigtableDataClient(project=address.project)
    data_table = google.get_table(address.instance, address.table)
    classic: Any = bigtable
    new_row_set: Any = RowSet
    table = classic.Client(project=address.project).instance(address.instance).table(address.table)
    images = {row: image(row, 1) for row in rows}
    ids = [keys.profile(row) for row in rows]

    def write() -> None:
        version = versions.next()
        for some in batches(rows, size):
            written = Written({row: images[row] for row in some}, {}, [], b"")
            client.mutate_rows(rows_request(keys, 0, version, written))

    def write_by_data_client() -> None:
        at_us = versions.next() * 1_000
        with data_table.mutations_batcher(flush_limit_mutation_count=2 * size, flush_interval=60) as batcher:
            for key, row in zip(ids, rows, strict=True):
                older = DeleteRangeFromColumn(PROFILE_FAMILY, IMAGE, None, at_us)
                batcher.append(
                    RowMutationEntry(key, [older, SetCell(PROFILE_FAMILY, IMAGE, images[row], at_us)])
                )

    def write_by_batcher() -> None:
        at = time_of(versions.next())
        with table.mutations_batcher(flush_count=size) as batcher:
            for key, row in zip(ids, rows, strict=True):
                direct = table.direct_row(key)
                direct.delete_cell(PROFILE_FAMILY, IMAGE, time_range=older_than(at))
                direct.set_cell(PROFILE_FAMILY, IMAGE, images[row], timestamp=at)
                batcher.mutate(direct)

    def read() -> None:
        found = 0
        for some in batches(ids, size):
            for part in client.read_keys(some, newest_cells(PROFILE_FAMILY)):
                found += len(part)
        assert found == len(rows)

    def read_by_data_client() -> None:
        found = 0
        for some in batches(ids, size):
            found += len(data_table.read_rows(ReadRowsQuery(row_keys=[*some])))
        assert found == len(rows)

    def read_by_client() -> None:
        found = 0
        for some in batches(ids, size):
            row_set = new_row_set()
            for key in some:
                row_set.add_row_key(key)
            for row in table.read_rows(row_set=row_set):
                found += bool(row.cell_value(PROFILE_FAMILY, IMAGE))
        assert found == len(rows)

    lines = [
        ("write a row", measured.best(len(rows), write)),
        ("… with the data client's batcher", measured.best(len(rows), write_by_data_client)),
        (
            "… with the classic client's batcher",
            measured.best(len(rows), write_by_batcher),
        ),
        ("read a row", measured.best(len(rows), read)),
        ("… with the data client", measured.best(len(rows), read_by_data_client)),
        ("… with the classic client", measured.best(len(rows), read_by_client)),
    ]
    client.close()
    google.close()
    lines += measure_commits(address, rows, size, measured)
    return lines


def time_of(milliseconds: int) -> datetime:
    """What the classic client takes for a timestamp."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)


def older_than(at: datetime) -> TimestampRange:
    """What the classic client takes for older versions."""
    whole: Any = TimestampRange
    made: TimestampRange = whole(end=at)
    return made


def measure_commits(
    address: TableAddress, rows: list[str], size: int, measured: Measured
) -> list[tuple[str, float]]:
    """The batches of a job: read, committed and acknowledged, a shard after the other."""
    shards = list(enumerate(batches(rows, size)))

    def advance(store: BigtableProfiles, images: dict[str, bytes], waits: bool) -> None:
        for shard, some in shards:
            head = store.head(shard)
            store.images(some, shard)
            sequence = head.sequence + 1
            commit = Commit(
                shard,
                head.token,
                sequence,
                f"{shard}/{sequence}",
                {person: images[person] for person in some},
                dict.fromkeys(some, sequence if waits else None),
                NOTHING,
            )
            assert store.commit(commit)
            store.acknowledge(shard, commit.token)

    images = {row: image(row, 2) for row in rows}
    warm = BigtableProfiles(address, "warm")
    waiting = BigtableProfiles(address, "waits")

    def cold() -> None:
        store = BigtableProfiles(address, "warm")
        advance(store, images, waits=False)
        store.close()

    lines = [
        ("a row in a job's batch, cached", measured.best(len(rows), lambda: advance(warm, images, False))),
        ("a row in a job's batch, read", measured.best(len(rows), cold)),
        (
            "a row in a job's batch, cached, with a wait that moves",
            measured.best(len(rows), lambda: advance(waiting, images, True)),
        ),
    ]
    empty = BigtableProfiles(address, "empty")
    commits = 200

    def commit_nothing() -> None:
        for _ in range(commits):
            head = empty.head(0)
            token = f"{head.sequence + 1}"
            assert empty.commit(Commit(0, head.token, head.sequence + 1, token, {}, {}, NOTHING))
            empty.acknowledge(0, token)

    lines.append(("a commit and its acknowledgement, without rows", measured.best(commits, commit_nothing)))
    warm.close()
    waiting.close()
    empty.close()
    return lines


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--batches", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=DATA) as folder,
        start_emulator("bigtable", Path(folder) / "bigtable.log") as emulator,
    ):
        # The clients to compare with have no other way to be told.
        os.environ["BIGTABLE_EMULATOR_HOST"] = emulator.host
        columns = []
        for size in options.batches:
            address = TableAddress(PROJECT, "local", f"profiles{size}", emulator_host=emulator.host)
            ensure_table(address, ["shop"])
            columns.append(measure(address, persons(options.rows), size, options.repeats))
    table = Table("µs of CPU", *(f"{size} rows a batch" for size in options.batches))
    for cells in zip(*columns, strict=True):
        table.add_row(cells[0][0], *(f"{cost:,.1f}" for _, cost in cells))
    Console().print(table)


if __name__ == "__main__":
    main()
