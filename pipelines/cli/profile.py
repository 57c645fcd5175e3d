"""`cjaas profile`: one profile as a table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.inputs import add_output, output_of, parse_as_of, workspace_of
from schemas.errors import CjaasError
from schemas.timestamps import format_rfc3339

if TYPE_CHECKING:
    from pipelines.profile_reading import ContactView, ProfileView

_CONTACTS: Final = 10
"""So many of the newest actions are shown."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "profile",
        help="show one profile",
        description="Shows the profile of a person, as of a time.",
    )
    parser.add_argument(
        "person", metavar="IDENTITY", help="an identity such as email:ann@example.com, or a person id"
    )
    add_output(parser)
    parser.add_argument(
        "--as-of", type=parse_as_of, metavar="TIME", help="a date or RFC 3339 time (default: the last event)"
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints the profile.

    Raises:
        CjaasError: nobody has the identity, or nothing was known of the person by then.
    """
    from pipelines.profile_reading import ProfileReader, encode_view
    from pipelines.stores import stores_of

    output = output_of(arguments)
    workspace = workspace_of(arguments)
    with stores_of(output, workspace) as stores:
        reader = ProfileReader(workspace, *stores)
        person_id = reader.person(arguments.person)
        view = reader.read(person_id, arguments.as_of)
    if view is None:
        raise CjaasError(f"{arguments.person}: no event is known up to {format_rfc3339(arguments.as_of)}")
    if arguments.json:
        console.print(encode_view(view), markup=False, highlight=False, soft_wrap=True)
        return 0
    table = Table(show_header=False, title=f"person {view.person_id}", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for section in _sections(view):
        for name, value in section:
            table.add_row(Text(name), Text(value))
        table.add_section()
    console.print(table)
    return 0


def _sections(view: ProfileView) -> Iterator[Iterable[tuple[str, str]]]:
    """What stands together in the table, by name."""
    yield ("as of", view.as_of), ("identities", "\n".join(view.identities))
    yield ((name, _text(value)) for name, value in view.attributes.items())
    yield (
        (f"journey {name}", f"waits until {run['waits_until']}")
        for name, run in (view.journeys or {}).items()
    )
    contacts = view.contacts or []
    yield ((contact.time, _contact(contact)) for contact in contacts[:_CONTACTS])
    if len(contacts) > _CONTACTS:
        yield (("", f"{len(contacts) - _CONTACTS} older actions: see them with --json"),)


def _contact(contact: ContactView) -> str:
    """What was sent, and what came of it."""
    came = ", ".join([*contact.responses, *(() if contact.converted is None else ("goal reached",))])
    held = " (not sent: held out or rehearsed)" if contact.held else ""
    return f"{contact.journey}/{contact.step} by {contact.channel}{held}{came and f': {came}'}"


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "\n".join(_text(part) for part in value)
    return str(value)
