"""`cjaas simulate`: what journeys would do for a person, as a timeline."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.text import Text

from pipelines.cli.inputs import directory_of, parse_as_of
from pipelines.silence import silence_logs
from schemas.timestamps import format_rfc3339
from schemas.workspace import Workspace, load_workspace
from sinks.event_files import find_files

if TYPE_CHECKING:
    from pipelines.people import People
    from pipelines.timeline import Moment

MOST_PERSONS = 20
_MOST_IDENTITIES = 3
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_STYLES = {"event": "bold", "sent": "green", "not_sent": "yellow", "refused": "yellow", "pending": "dim"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "simulate",
        help="show what journeys would do for a person, as a timeline",
        description="Runs journeys over the events of a person, and tells step by step what happens. "
        "Writes nothing.",
    )
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="FILE", help="event files (NDJSON, plain or gzip)"
    )
    parser.add_argument(
        "--journey", type=Path, metavar="FILE", help="a journey's file that runs in place of the workspace's"
    )
    parser.add_argument(
        "--person",
        metavar="IDENTITY",
        help=f"an identity such as email:ann@example.com, or a person id (default: the first {MOST_PERSONS})",
    )
    parser.add_argument(
        "--as-of",
        type=parse_as_of,
        metavar="TIME",
        help="a date or RFC 3339 time at which to stop (default: the greatest publish time)",
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints a timeline for each person.

    Raises:
        UsageError: the person is no identity of this workspace.
        CjaasError: the workspace, the journey or the input has mistakes, or there is no such person.
    """
    silence_logs()
    from pipelines.people import read_people
    from pipelines.simulation import Simulation
    from pipelines.timeline import Timeline

    workspace = load_workspace(directory_of(arguments), os.environ, arguments.journey)
    people = read_people(workspace, find_files(arguments.input))
    as_of_us: int = people.publish_us if arguments.as_of is None else arguments.as_of
    if arguments.person is None:
        person_ids = list(islice(people.events, MOST_PERSONS))
    else:
        person_ids = [people.find(arguments.person, workspace)]
    simulation = Simulation(workspace)
    timeline = Timeline(simulation.plan)
    page = _JsonPage() if arguments.json else _TextPage(console)
    page.input(people)
    for person_id in person_ids:
        events = people.events[person_id]
        moments = list(timeline.tell(simulation.ticks(person_id, events, as_of_us), as_of_us))
        page.person(
            {
                "person_id": person_id,
                "identities": _identities(events, workspace),
                "as_of": format_rfc3339(as_of_us),
                "events": sum(event.time_us <= as_of_us for event in events),
                "later_events": sum(event.time_us > as_of_us for event in events),
            },
            moments,
        )
    if arguments.person is None:
        page.rest(len(people.events) - len(person_ids))
    return 0


def _identities(events: Sequence[Any], workspace: Workspace) -> list[str]:
    """The identities of a person, the best first."""
    ranks = [namespace.name for namespace in workspace.namespaces]
    found = {identity for event in events for identity in event.identities}
    return sorted(found, key=lambda identity: (ranks.index(identity.partition(":")[0]), identity))


class _TextPage:
    """Prints timelines for people to read."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._persons = 0

    def input(self, people: People) -> None:
        """Tells of messages that are no events."""
        first = people.first_refused
        if first is not None:
            self._print(
                f"{people.refused:,} of {people.messages:,} messages are no events and left out, the first "
                f"one {first.message_id}: {first.error}, {first.detail}"
            )

    def person(self, head: dict[str, Any], moments: Sequence[Moment]) -> None:
        """Tells of one person."""
        if self._persons:
            self._console.print()
        self._persons += 1
        identities = head["identities"]
        named = ", ".join(identities[:_MOST_IDENTITIES])
        more = len(identities) - _MOST_IDENTITIES
        events, later = head["events"], head["later_events"]
        self._print(
            f"{named}{f' and {more} more' if more > 0 else ''} (person {head['person_id']}): "
            f"{events} event{'' if events == 1 else 's'} as of {_short(head['as_of'])}"
            f"{f', {later} later left out' if later else ''}",
            "bold",
        )
        times = [_short(moment.time) for moment in moments]
        width = max(map(len, times))
        for time, moment in zip(times, moments, strict=True):
            indent = "" if moment.kind == "event" else "  "
            self._print(f"{time:{width}}  {indent}{_short(moment.text)}", _STYLES.get(moment.kind, ""))

    def rest(self, number: int) -> None:
        """Tells how many persons are not shown."""
        if number:
            self._console.print()
            self._print(f"{number:,} more persons are not shown; name one with --person")

    def _print(self, line: str, style: str = "") -> None:
        # What an event says must not move the cursor, nor begin a line.
        shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)
        self._console.print(Text(shown, style), soft_wrap=True)


class _JsonPage:
    """Prints timelines for machines, an object a line."""

    def input(self, people: People) -> None:
        """Tells what was read."""
        first = people.first_refused
        row: dict[str, Any] = {"kind": "input", "messages": people.messages, "refused": people.refused}
        if first is not None:
            row["first_refused"] = f"{first.message_id}: {first.error}, {first.detail}"
        self._print({**row, "persons": len(people.events)})

    def person(self, head: dict[str, Any], moments: Sequence[Moment]) -> None:
        """Tells of one person."""
        self._print({"kind": "person", **head})
        for moment in moments:
            self._print(moment)

    def rest(self, number: int) -> None:
        """Tells nothing: the number of persons is told first."""

    def _print(self, row: Any) -> None:
        sys.stdout.write(_ENCODER.encode(row).decode() + "\n")


def _short(text: str) -> str:
    return text.replace(".000000Z", "Z")
