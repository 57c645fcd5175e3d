"""`cjaas publish`: events onto the firehose of a running job."""

from __future__ import annotations

import argparse

from rich.console import Console

from pipelines.cli.inputs import add_live_output, live_config_of, workspace_of
from schemas.errors import UsageError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "publish",
        help="publish events onto the firehose",
        description="Publishes event files onto the firehose of a job that `cjaas up` runs.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="event files, as `cjaas run` reads them")
    add_live_output(parser)
    parser.add_argument("--rate", type=float, metavar="N", help="so many a second (default: at full speed)")
    parser.add_argument(
        "--now",
        action="store_true",
        help="published now, whatever the files say; without it events keep the publish time that they carry",
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Publishes, and says how much.

    Raises:
        UsageError: no job is up there, or the rate is none.
        CjaasError: a file cannot be read.
    """
    from pipelines.live_services import pubsub_host
    from sinks.event_files import EventFiles, find_files
    from sinks.pubsub_messages import publish_batches
    from sinks.pubsub_publisher import TopicWriter
    from sinks.pubsub_topics import events_topic
    from transforms.core.recorded_times import keep_publish_times

    if arguments.rate is not None and arguments.rate <= 0:
        raise UsageError(f"--rate: expected more than 0 events a second, found {arguments.rate:g}")
    workspace = workspace_of(arguments)
    config = live_config_of(arguments)
    source = EventFiles(tuple(find_files(arguments.files)))
    batches = (batch for split in source.splits() for batch in source.read(split))
    if not arguments.now:
        batches = (keep_publish_times(batch) for batch in batches)
    writer = TopicWriter(config.project, emulator_host=pubsub_host(config))
    try:
        published = publish_batches(writer, events_topic(workspace.name), batches, arguments.rate)
    finally:
        writer.close()
    if arguments.json:
        console.print(f'{{"messages": {published.messages}, "bytes": {published.size_bytes}}}')
    else:
        console.print(f"Published {published.messages:,} messages, {published.size_bytes:,} bytes.")
    return 0
