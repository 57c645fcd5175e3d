"""`cjaas explain`: why an action was sent, or why nothing was."""

from __future__ import annotations

import argparse
import sys

import msgspec
from rich.console import Console

from pipelines.cli.inputs import add_output, output_of, workspace_of
from pipelines.sentences import sentence
from schemas.decision import Decision
from schemas.errors import CjaasError, UsageError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "explain",
        help="say why an action was sent, or why nothing was",
        description="Prints the decisions about an action or a person as sentences.",
    )
    parser.add_argument("action", nargs="?", metavar="ACTION_ID", help="the action")
    parser.add_argument("--person", metavar="IDENTITY", help="all decisions about a person instead")
    add_output(parser)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints the decisions, oldest first.

    Raises:
        UsageError: neither or both of an action and a person are given.
        CjaasError: there is no such action or person.
    """
    from pipelines.stores import journal_of

    if (arguments.action is None) == (arguments.person is None):
        found = "neither" if arguments.action is None else "both"
        raise UsageError(f"explain: expected an ACTION_ID or --person IDENTITY, found {found}")
    output = output_of(arguments)
    if arguments.action is not None:
        with journal_of(output) as journal:
            decisions = journal.decisions_of_action(arguments.action)
        if not decisions:
            raise CjaasError(f"{arguments.action}: no decision in {output} is about an action of this id")
    else:
        decisions = _of_person(arguments)
    for decision in decisions:
        if arguments.json:
            sys.stdout.write(msgspec.json.encode(decision).decode() + "\n")
        else:
            console.print(sentence(decision), markup=False, highlight=False)
    if not decisions and not arguments.json:
        console.print(f"No decision was made about {arguments.person}: no event of theirs enters a journey.")
    return 0


def _of_person(arguments: argparse.Namespace) -> list[Decision]:
    from pipelines.profile_reading import ProfileReader
    from pipelines.stores import stores_of

    workspace = workspace_of(arguments)
    with stores_of(output_of(arguments), workspace) as stores:
        person_id = ProfileReader(workspace, *stores).person(arguments.person)
        return stores.journal.decisions_of_person(person_id)
