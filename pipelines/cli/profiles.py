"""`cjaas profiles`: every profile of an output."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from pipelines.cli.inputs import add_output, output_of, parse_as_of, workspace_of


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "profiles",
        help="list every profile",
        description="Prints one JSON object a line and profile, by person id.",
    )
    add_output(parser)
    parser.add_argument(
        "--as-of", type=parse_as_of, metavar="TIME", help="a date or RFC 3339 time (default: each last event)"
    )
    parser.add_argument(
        "--format", choices=["ndjson"], default="ndjson", help="how to print (default: ndjson)"
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints the profiles."""
    from pipelines.profile_reading import ProfileReader, encode_view
    from pipelines.stores import stores_of

    output = output_of(arguments)
    workspace = workspace_of(arguments)
    with stores_of(output, workspace) as stores:
        for view in ProfileReader(workspace, *stores).read_all(arguments.as_of):
            sys.stdout.write(encode_view(view) + "\n")
    return 0
