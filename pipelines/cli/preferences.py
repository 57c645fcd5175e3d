"""`cjaas preferences`: how a person may be reached, and what changes it."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.inputs import add_output, live_config_of, output_of, workspace_of
from pipelines.live_config import LIVE_NAME
from schemas.errors import CjaasError

if TYPE_CHECKING:
    from pipelines.preferences import PreferencesView, Said
    from schemas.workspace import Workspace

_CONSENT = {True: "given", False: "withdrawn"}
_ON = {True: "on", False: "off"}
_LISTED = {True: "on the list", False: "taken off it"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "preferences",
        help="show and change how a person may be reached",
        description="Shows what a person allows, is subscribed to and prefers, since when, and where they "
        "said so. With options that change it, publishes the events that say so to a job that is up; for a "
        "finished run prints them.",
    )
    parser.add_argument(
        "person", metavar="IDENTITY", help="an identity such as email:ann@example.com, or a person id"
    )
    add_output(parser)
    for option, metavar, help_ in (
        ("--consent", "CATEGORY[/CHANNEL]=given|withdrawn", "say whether messages of a category may be sent"),
        ("--subscribe", "USE_CASE[/CHANNEL]", "switch a use case on"),
        ("--unsubscribe", "USE_CASE[/CHANNEL]", "switch a use case off"),
        (
            "--set",
            "NAME=VALUE",
            "prefer language=de, channels=email,web, most_per_week=2, time_zone=Europe/Berlin, "
            "quiet_from=21:00 or quiet_until=08:00",
        ),
        ("--nominate", "USE_CASE=NAMESPACE:VALUE", "let somebody be told of a use case as well"),
        ("--withdraw", "USE_CASE=NAMESPACE:VALUE", "take a nomination back"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=help_)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Shows what stands, or says what changes it.

    Raises:
        UsageError: a name or a value is wrong.
        CjaasError: nobody has the identity.
    """
    from pipelines.preferences import preferences_of
    from pipelines.profile_reading import ProfileReader
    from pipelines.statement_events import Words, changes_of, event_lines
    from pipelines.stores import stores_of
    from pipelines.wall_clock import wall_clock_us

    workspace = workspace_of(arguments)
    words = Words(
        arguments.consent,
        arguments.subscribe,
        arguments.unsubscribe,
        arguments.set,
        arguments.nominate,
        arguments.withdraw,
    )
    changes = changes_of(words, workspace)
    output = output_of(arguments)
    with stores_of(output, workspace) as stores:
        reader = ProfileReader(workspace, *stores)
        profile = reader.profile(reader.person(arguments.person))
    if profile is None:
        raise CjaasError(f"{arguments.person}: no profile is there yet")
    if changes:
        lines = event_lines(changes, profile, workspace, wall_clock_us(), lambda: str(uuid.uuid4()))
        if (output / LIVE_NAME).is_file():
            _publish(arguments, workspace, lines, console)
        else:
            _print(lines)
        return 0
    view = preferences_of(profile, workspace)
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(view).decode() + "\n")
    else:
        console.print(_table(view))
    return 0


def _publish(
    arguments: argparse.Namespace, workspace: Workspace, lines: Sequence[bytes], console: Console
) -> None:
    from pipelines.live_services import pubsub_host
    from sinks.pubsub_messages import publish_lines
    from sinks.pubsub_publisher import TopicWriter
    from sinks.pubsub_topics import events_topic

    config = live_config_of(arguments)
    writer = TopicWriter(config.project, emulator_host=pubsub_host(config))
    try:
        published = publish_lines(writer, events_topic(workspace.name), lines)
    finally:
        writer.close()
    if arguments.json:
        console.print(f'{{"messages": {published.messages}, "bytes": {published.size_bytes}}}')
    else:
        console.print(f"Published {published.messages:,} messages, {published.size_bytes:,} bytes.")


def _print(lines: Sequence[bytes]) -> None:
    """Nothing can be published to a run that has finished."""
    for line in lines:
        sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()
    print(  # noqa: T201
        "cjaas: the run has finished: nothing is changed; append these events to its input, or publish them",
        file=sys.stderr,
    )


def _table(view: PreferencesView) -> Table:
    from pipelines.sentences import reason_words

    def row(*cells: str) -> None:
        # What persons and sources say is no markup.
        table.add_row(*map(Text, cells))

    table = Table(title=f"person {view.person_id}", title_justify="left")
    table.add_column("", style="bold", overflow="fold")
    for name in ("rule", "said", "since", "source", "now"):
        table.add_column(name, overflow="fold")
    for name, category in view.categories.items():
        now = f"may be sent: {', '.join(category.through)}"
        if category.reason is not None:
            now = f"not sent: {reason_words(category.reason)}"
        row(name, category.rule.value.replace("_", " "), *_said(category.said, _CONSENT), now)
        for channel, said in category.channels.items():
            now = "may be sent" if channel in category.through else "not sent"
            row(f"  {channel}", "", *_said(said, _CONSENT), now)
    if view.use_cases:
        table.add_section()
    for name, use_case in view.use_cases.items():
        rule = f"{_ON[use_case.by_default]} by default"
        row(name, rule, *_said(use_case.said, _ON), _ON[use_case.on])
        for channel, said in use_case.channels.items():
            row(f"  {channel}", "", *_said(said, _ON), _ON[said.value])
    table.add_section()
    for name, preferred in view.preferences.items():
        row(name.replace("_", " "), "", *_said(preferred), "")
    if view.suppression_lists:
        table.add_section()
    for listed in view.suppression_lists:
        rule = f"keeps back {listed.category or 'commercial, advisory'}"
        row(f"list {listed.list}", rule, *_said(listed.said, _LISTED), "")
    if view.nominees:
        table.add_section()
    for nominee in view.nominees:
        said = nominee.said
        now = f"{nominee.identity} is told as well"
        row(f"nominee for {nominee.use_case}", "", said.value.get("name", ""), said.time, said.source, now)
    return table


def _said(said: Said | None, words: dict[bool, str] | None = None) -> tuple[str, str, str]:
    """What was said, since when, and where."""
    if said is None:
        return "never said", "", ""
    return _text(said.value, words), said.time, said.source


def _text(value: Any, words: dict[bool, str] | None) -> str:
    if words is not None:
        return words[value]
    return ", ".join(value) if isinstance(value, list) else str(value)
