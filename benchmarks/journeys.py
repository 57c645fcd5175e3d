"""What journeys cost: µs per event to fold, decide and encode images, with 1, 10 and 100 of a kind.

Run `.venv/bin/python benchmarks/journeys.py`. The events are the shop's, of whole persons, page views for the
most part; in one process, without Beam and without storage; the best of several repeats. The first row is the
same without a journey. Kinds:

- unheard: an event that never comes would enter them.
- unmet: each page view would, if it were of another product.
- waiting: each person is in each of them, at a wait that ends later.
- watched: they begin when somebody saw a million products; each page view may change it.
- gated: each page view enters them, and passes gates; a cap lets one message in a week through, so that
  nearly each gives a decision with its evidence.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.firehose import SHOP, firehose
from schemas.action import Category
from schemas.store import NO_TOKEN, Head
from schemas.timestamps import DAY_US
from schemas.workspace import Workspace, load_workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.entries import ConditionEntry, Entry, EventEntry, Reentry
from schemas.workspace.model import Journey
from schemas.workspace.policy import Cap, Policy
from schemas.workspace.steps import Send, Step, Wait
from sinks.event_files import EventFiles
from transforms.core.decode import Decoder
from transforms.core.engine import Engine
from transforms.core.fold_event import FoldEvent, reduce_event
from transforms.core.profile import Profile, Run, encode_image
from transforms.pausing import paused_collection

NUMBERS = (1, 10, 100)
ABSENT = "email_opened"
"""The type whose events are left out."""
ENTRIES: Mapping[str, Entry] = {
    "unheard": EventEntry((ABSENT,)),
    "unmet": EventEntry(("page_viewed",), Test(Subject("field", "sku"), Op.EQ, "none")),
    "waiting": EventEntry((ABSENT,)),
    "watched": ConditionEntry(Test(Subject("attribute", "products_viewed"), Op.GE, 1_000_000)),
    "gated": EventEntry(("page_viewed",)),
}
SEND = Send("0", "tell", ("web",), "told", {}, DAY_US)
STEPS: Mapping[str, tuple[Step, ...]] = {
    "waiting": (Wait("0", 365 * DAY_US), replace(SEND, path="1")),
}


def journeys_of(kind: str, number: int) -> tuple[Journey, ...]:
    """So many of a kind."""
    return tuple(
        Journey(
            name=f"{kind}_{place}",
            version=1,
            active=True,
            category=Category.COMMERCIAL,
            priority=50,
            valid_from_us=None,
            valid_until_us=None,
            entry=ENTRIES[kind],
            reentry=Reentry.AFTER_EXIT,
            cooldown_us=None,
            exits=(),
            condition=None,
            steps=STEPS.get(kind, (SEND,)),
        )
        for place in range(number)
    )


def persons_of(workspace: Workspace, events: int) -> dict[str, list[FoldEvent]]:
    """So many events at least, of whole persons, as a workspace reads them."""
    persons: dict[str, list[FoldEvent]] = {}
    decoder = Decoder(workspace, "benchmark")
    source = EventFiles((str(firehose(20_000)),))
    for split in source.splits():
        for batch in source.read(split):
            for event in decoder.decode(batch).events:
                if event.type != ABSENT:
                    persons.setdefault(event.person_id, []).append(reduce_event(event))
    chosen: dict[str, list[FoldEvent]] = {}
    left = events
    for person_id in sorted(persons):
        if left > 0:
            chosen[person_id] = persons[person_id]
            left -= len(persons[person_id])
    return chosen


def waiting(journeys: tuple[Journey, ...], person_id: str, until_us: int) -> bytes:
    """The image of a person who is in each of these journeys and did nothing else."""
    cause = ("e", "/benchmark", ABSENT, 0)
    runs = {journey.name: Run(1, "0", until_us, cause, {}) for journey in journeys}
    return encode_image(Profile(person_id, runs=runs), 1, {})


def measure(workspace: Workspace, kind: str | None, number: int, events: int, repeats: int) -> float:
    """Microseconds per event."""
    journeys = () if kind is None else journeys_of(kind, number)
    policy = Policy(caps=(Cap("weekly", 1, 7 * DAY_US),), consents=workspace.policy.consents)
    given = replace(workspace, journeys=journeys, policy=policy)
    engine = Engine(given)
    persons = persons_of(given, events)
    as_of_us = max(event.publish_us for of in persons.values() for event in of)
    images: dict[str, bytes] = {}
    if kind == "waiting":
        images = {person_id: waiting(journeys, person_id, as_of_us + DAY_US) for person_id in persons}

    def once() -> float:
        with paused_collection():
            started = time.perf_counter()
            engine.advance(0, Head(0, NO_TOKEN, None), images, persons, as_of_us)
            return time.perf_counter() - started

    return min(_repeated(once, repeats)) / sum(map(len, persons.values())) * 1e6


def _repeated(once: Callable[[], float], repeats: int) -> Iterator[float]:
    for _ in range(repeats):
        yield once()


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="default: 5")
    arguments = parser.parse_args()
    workspace = load_workspace(SHOP, os.environ)
    table = Table(title=f"µs per event, {arguments.events:,} events, best of {arguments.repeats}")
    table.add_column("journeys")
    for number in NUMBERS:
        table.add_column(str(number), justify="right")
    bare = measure(workspace, None, 0, arguments.events, arguments.repeats)
    table.add_row("none", *[f"{bare:.1f}"] * len(NUMBERS))
    for kind in ENTRIES:
        spent = [measure(workspace, kind, each, arguments.events, arguments.repeats) for each in NUMBERS]
        table.add_row(kind, *[f"{each:.1f}" for each in spent])
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
