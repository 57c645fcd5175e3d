"""The same events give the same output, however they are cut, packed, ordered and spread over processes."""

from __future__ import annotations

import gzip
import random
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.journey import JourneyConfig, JourneySinks, build
from pipelines.local_runner import run_bounded
from pipelines.version import VERSION
from schemas.workspace import load_workspace
from sinks.action_files import FilePublisher
from sinks.dead_letter_files import DeadLetterFiles
from sinks.event_files import EventFiles
from sinks.parquet_tape import ParquetTape
from sinks.sqlite_profiles import SqliteProfiles
from tests.pipelines.command_line import SHOP, Rows, contents, database, files, run_shop
from tests.pipelines.conftest import Firehose, Run
from transforms.read_events import ReadEvents

# What names the place that a message was read from.
PLACE = ("message_id",)
# A commit's sequence also counts the commits of its shard before it.
COMMIT = ("sequence",)


def build_output(source: EventFiles, output: Path, slices: int = 1) -> Rows:
    """Runs the job itself, past the command line; what it left but the summary."""
    store = SqliteProfiles(output / "profiles.sqlite")
    sinks = JourneySinks(
        ParquetTape(output / "tape"), DeadLetterFiles(output / "dead_letters"), store, FilePublisher(output)
    )
    output.mkdir()
    config = JourneyConfig(load_workspace(SHOP, {}), VERSION, slices=slices)
    run_bounded(lambda pipeline: build(pipeline, config, ReadEvents(source), sinks))
    sinks.publisher.finish()  # type: ignore[attr-defined]
    store.finish()
    (output / "summary.json").write_text('{"seconds": 0, "events_per_second": 0}')
    return contents(output, without=COMMIT)


def but_summary(rows: Rows) -> Rows:
    return {part: found for part, found in rows.items() if part != "summary"}


def test_a_second_run_gives_the_same_bytes(firehose: Firehose, shop: Run, tmp_path: Path) -> None:
    run_shop(tmp_path / "again", firehose.path)
    assert files(tmp_path / "again") == files(shop.output)
    assert database(tmp_path / "again") == database(shop.output)


def test_a_packed_file_gives_the_same_bytes(firehose: Firehose, shop: Run, tmp_path: Path) -> None:
    packed = tmp_path / "events.ndjson"
    packed.write_bytes(gzip.compress(firehose.path.read_bytes()))
    run_shop(tmp_path / "output", packed)
    assert files(tmp_path / "output") == files(shop.output)
    assert database(tmp_path / "output") == database(shop.output)


def test_several_workers_give_the_same_bytes(firehose: Firehose, shop: Run, tmp_path: Path) -> None:
    run_shop(tmp_path / "output", firehose.path, more=("--workers", 2))
    assert files(tmp_path / "output") == files(shop.output)
    assert database(tmp_path / "output") == database(shop.output)


def test_the_files_that_it_comes_in_do_not_show(firehose: Firehose, shop: Run, tmp_path: Path) -> None:
    lines = firehose.path.read_bytes().splitlines(keepends=True)
    cuts = [0, 700, 701, 2500, len(lines)]
    (tmp_path / "later").mkdir()
    paths = []
    for number, (start, end) in enumerate(pairwise(cuts)):
        path = tmp_path / ("later" if number % 2 else "") / f"{number}.ndjson"
        text = b"".join(lines[start:end])
        path.write_bytes(gzip.compress(text) if number == 3 else text)
        paths.append(path)
    run_shop(tmp_path / "output", *reversed(paths))
    assert contents(tmp_path / "output", without=PLACE) == contents(shop.output, without=PLACE)


def test_the_order_of_the_lines_does_not_show(firehose: Firehose, shop: Run, tmp_path: Path) -> None:
    lines = firehose.path.read_bytes().splitlines(keepends=True)
    random.Random(20260301).shuffle(lines)
    shuffled = tmp_path / "events.ndjson"
    shuffled.write_bytes(b"".join(lines))
    run_shop(tmp_path / "output", shuffled)
    assert contents(tmp_path / "output", without=PLACE) == contents(shop.output, without=PLACE)


@pytest.mark.parametrize(("batch_bytes", "slices"), [(10_000, 1), (77_777, 3), (1 << 30, 1)])
def test_the_size_of_batches_and_slices_does_not_show(
    firehose: Firehose, shop: Run, tmp_path: Path, batch_bytes: int, slices: int
) -> None:
    source = EventFiles((str(firehose.path),), batch_bytes)
    found = build_output(source, tmp_path / "output", slices)
    assert but_summary(found) == but_summary(contents(shop.output, without=COMMIT))


def test_the_size_of_batches_of_a_packed_file_does_not_show(
    firehose: Firehose, shop: Run, tmp_path: Path
) -> None:
    packed = tmp_path / "events.ndjson"
    packed.write_bytes(gzip.compress(firehose.path.read_bytes()))
    found = build_output(EventFiles((str(packed),), 50_000), tmp_path / "output")
    assert but_summary(found) == but_summary(contents(shop.output, without=COMMIT))
