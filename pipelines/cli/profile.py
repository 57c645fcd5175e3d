"""`cjaas profile`: one profile as a table."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from pipelines.cli.inputs import add_output, output_of, parse_as_of, workspace_of
from schemas.errors import CjaasError
from schemas.timestamps import format_rfc3339


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
    from pipelines.profile_reading import ProfileReader, ProfileView, encode_view
    from pipelines.stores import stores_of

    output = output_of(arguments)
    workspace = workspace_of(arguments)
    with stores_of(output, workspace) as stores:
        reader = ProfileReader(workspace, *stores)
        person_id = reader.person(arguments.person)
        view: ProfileView | None = reader.read(person_id, arguments.as_of)
    if view is None:
        raise CjaasError(f"{arguments.person}: no event is known up to {format_rfc3339(arguments.as_of)}")
    if arguments.json:
        console.print(encode_view(view), markup=False, highlight=False, soft_wrap=True)
        return 0
    table = Table(show_header=False, title=f"person {view.person_id}", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("as of", view.as_of)
    table.add_row("identities", "\n".join(view.identities))
    table.add_section()
    for name, value in view.attributes.items():
        table.add_row(name, _text(value))
    if view.journeys:
        table.add_section()
        for name, run in view.journeys.items():
            table.add_row(f"journey {name}", f"waits until {run['waits_until']}")
    console.print(table)
    return 0


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "\n".join(_text(part) for part in value)
    return str(value)
