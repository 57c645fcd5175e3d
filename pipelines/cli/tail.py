"""`cjaas tail`: the actions of a channel, as they are published."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from pipelines.cli.inputs import add_live_output, live_config_of, workspace_of
from schemas.errors import UsageError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "tail",
        help="listen to a channel's actions",
        description="Prints the actions of a channel from now on, one JSON object a line, until Ctrl-C.",
    )
    parser.add_argument("channel", metavar="CHANNEL", help="of the workspace")
    add_live_output(parser)
    parser.add_argument("--number", type=int, metavar="N", help="end after so many")
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints actions as they come.

    Raises:
        UsageError: no job is up there, or the workspace has no such channel.
    """
    from pipelines.live_services import pubsub_host
    from sinks.pubsub_messages import tail
    from sinks.pubsub_topics import actions_topic

    workspace = workspace_of(arguments)
    if arguments.channel not in workspace.channels:
        known = ", ".join(workspace.channels)
        raise UsageError(f"tail: expected a channel of {known}, found {arguments.channel!r}")
    config = live_config_of(arguments)
    topic = actions_topic(workspace.name, arguments.channel)
    left = arguments.number
    with tail(config.project, topic, emulator_host=pubsub_host(config)) as messages:
        for message in messages:
            sys.stdout.write(message.body.decode() + "\n")
            sys.stdout.flush()
            if left is not None:
                left -= 1
                if left <= 0:
                    break
    return 0
