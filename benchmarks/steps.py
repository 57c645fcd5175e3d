"""Where the time goes: µs per event for each step of the job, in one process and without Beam.

Run `.venv/bin/python benchmarks/steps.py`. The steps run as the job runs them: batch by batch, then shard
by shard, with cyclic garbage collection paused; the best of several repeats counts, each with fresh
caches. `--profile STEP` shows what one step spends its time on.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.firehose import SHOP, firehose
from benchmarks.process import DATA
from schemas.store import Head
from schemas.workspace import Workspace, load_workspace
from sinks.action_files import FilePublisher
from sinks.event_files import EventFiles
from sinks.parquet_tape import ParquetTape
from sinks.sqlite_profiles import SqliteProfiles
from transforms.core.attribute_values import read_attributes
from transforms.core.decode import Decoder
from transforms.core.engine import Engine
from transforms.core.fold import fold, prune
from transforms.core.fold_event import FoldEvent, order
from transforms.core.profile import Profile, encode_image
from transforms.pausing import paused_collection
from transforms.shard_events import decode_slice, encode_slice, group_by_slice

READ = "read and split"
DECODE = "decode and validate"
TAPE = "tape rows to Parquet"
SHARD = "reduce, shard, encode"
GROUP = "decode and group by person"
FOLD = "dedupe and fold"
ENGINE = "fold, decide, images"
IMAGE = "prune and encode images"
COMMIT = "commit to SQLite"
PUBLISH = "publish"
MEASURED = (READ, DECODE, TAPE, SHARD, GROUP, FOLD, IMAGE, ENGINE, COMMIT, PUBLISH)

BUDGETS: tuple[tuple[str, tuple[str, ...], float | None], ...] = (
    ("read and split", (READ,), 0.5),
    ("decode and validate", (DECODE,), 6.0),
    ("tape rows to Parquet", (TAPE,), 4.5),
    ("identity, shard, encode, decode", (SHARD, GROUP), 3.0),
    ("dedupe and fold", (FOLD,), 4.0),
    ("decide", ("decide",), 2.0),
    ("encode images", (IMAGE,), None),
    ("commit to SQLite", (COMMIT,), None),
    ("publish", (PUBLISH,), None),
)
"""Rows of the table: a name, the steps in it, and its budget in µs per event, None for none of its own."""


class Steps:
    """Seconds by step.

    Attributes:
        profiled: the step that is profiled instead of only timed.
    """

    def __init__(self, profiled: str | None = None) -> None:
        self.seconds = dict.fromkeys(MEASURED, 0.0)
        self.profile = cProfile.Profile()
        self._profiled = profiled

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Adds what runs inside to a step."""
        with paused_collection():
            if name == self._profiled:
                self.profile.enable()
            started = time.perf_counter()
            yield
            self.seconds[name] += time.perf_counter() - started
            self.profile.disable()


def run_steps(workspace: Workspace, source: EventFiles, output: Path, steps: Steps) -> int:
    """Runs the job once, and gives the number of messages read."""
    decoder, engine, tape = Decoder(workspace, "benchmark"), Engine(workspace), ParquetTape(output / "tape")
    packed: dict[int, list[bytes]] = {}
    messages = as_of_us = 0
    for split in source.splits():
        with steps.step(READ):
            batches = list(source.read(split))
        for batch in batches:
            messages += len(batch)
            with steps.step(DECODE):
                decoded = decoder.decode(batch)
            with steps.step(TAPE):
                tape.append(decoded.origin, decoded.events, workspace.name)
            with steps.step(SHARD):
                as_of_us = max([as_of_us, *(event.publish_us for event in decoded.events)])
                groups, _ = group_by_slice(decoded, engine.plan, slices=1)
                for (shard, _), part in groups.items():
                    packed.setdefault(shard, []).append(encode_slice(part))
    _advance_shards(packed, as_of_us, engine, output, steps)
    return messages


def _advance_shards(
    packed: dict[int, list[bytes]], as_of_us: int, engine: Engine, output: Path, steps: Steps
) -> None:
    store, publisher = SqliteProfiles(output / "profiles.sqlite"), FilePublisher(output)
    for shard in sorted(packed):
        with steps.step(GROUP):
            persons: dict[str, list[FoldEvent]] = {}
            for part in packed.pop(shard):
                for event in decode_slice(part).events:
                    persons.setdefault(event.person_id, []).append(event)
        with steps.step(FOLD):
            profiles = [_folded(person_id, events, engine) for person_id, events in persons.items()]
        with steps.step(IMAGE):
            for profile in profiles:
                _encode(profile, engine)
        with steps.step(ENGINE):
            commit = engine.advance(shard, Head(0, "", None), {}, persons, as_of_us).commit
        with steps.step(COMMIT):
            assert store.commit(commit)
        with steps.step(PUBLISH):
            publisher.publish(shard, commit.sequence, commit.outbox)
            store.acknowledge(shard, commit.token)
    store.close()
    with steps.step(PUBLISH):
        publisher.finish()


def _folded(person_id: str, events: list[FoldEvent], engine: Engine) -> Profile:
    profile = Profile(person_id)
    for event in sorted(events, key=order):
        fold(profile, event, engine.plan)
    return profile


def _encode(profile: Profile, engine: Engine) -> bytes:
    prune(profile, engine.plan)
    return encode_image(profile, 1, read_attributes(profile, engine.plan.folds, profile.time_us))


def table(best: dict[str, float], events: int) -> Table:
    """The best times against the budgets; deciding is what the engine takes beyond folding and images."""
    seconds = best | {"decide": max(0.0, best[ENGINE] - best[FOLD] - best[IMAGE])}
    shown = Table(title=f"µs per event, {events:,} events, best of the repeats")
    for name in ("", "µs", "budget"):
        shown.add_column(name, justify="right" if name else "left")
    for name, parts, budget in BUDGETS:
        spent = sum(seconds[part] for part in parts) / events * 1e6
        shown.add_row(name, f"{spent:.2f}", "" if budget is None else f"{budget:.1f}")
    total = sum(seconds[part] for _, parts, _ in BUDGETS for part in parts) / events * 1e6
    shown.add_section()
    shown.add_row("together", f"{total:.2f}", f"{sum(budget or 0 for _, _, budget in BUDGETS):.1f}")
    return shown


def main() -> None:
    """Measures, and prints the table or a profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000, metavar="N", help="default: 200000")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--profile", choices=MEASURED, metavar="STEP", help=f"one of: {', '.join(MEASURED)}")
    arguments = parser.parse_args()
    workspace = load_workspace(SHOP, os.environ)
    source = EventFiles((str(firehose(arguments.events)),))
    repeats = []
    messages = 0
    for _ in range(1 if arguments.profile else arguments.repeats):
        output = Path(tempfile.mkdtemp(prefix="steps-", dir=DATA))
        steps = Steps(arguments.profile)
        try:
            messages = run_steps(workspace, source, output, steps)
        finally:
            shutil.rmtree(output)
        repeats.append(steps)
    if arguments.profile:
        pstats.Stats(repeats[0].profile).sort_stats("tottime").print_stats(30)
        return
    best = {name: min(steps.seconds[name] for steps in repeats) for name in MEASURED}
    Console(width=110).print(table(best, messages))


if __name__ == "__main__":
    main()
