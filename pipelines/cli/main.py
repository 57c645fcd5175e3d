"""The command line's entry: parses, hands over to a command, and tells failures in one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from pipelines.version import VERSION
from schemas.errors import CjaasError

# Modules of commands, each with `add_parser` and `execute`; in the order of the help.
COMMANDS = (
    "run",
    "check",
    "profile",
    "profiles",
    "sql",
    "explain",
    "schemas",
    "generate",
    "convert",
)
INTERRUPTED = 130

Execute = Callable[[argparse.Namespace, Console], int]


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code: 0, 1 for a failure, 2 for wrong usage."""
    console = Console(soft_wrap=not sys.stdout.isatty())
    parser, commands = _parser()
    arguments = parser.parse_args(words)
    try:
        code = commands[arguments.command](arguments, console)
        sys.stdout.flush()
    except CjaasError as error:
        print(f"cjaas: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except BrokenPipeError:
        # The reader has seen enough; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("cjaas: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return code


def _parser() -> tuple[argparse.ArgumentParser, dict[str, Execute]]:
    parser = argparse.ArgumentParser(
        prog="cjaas", description="Customer journey as a service: a tape, profiles, and actions with reasons."
    )
    parser.add_argument("--version", action="version", version=f"cjaas {VERSION}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands: dict[str, Execute] = {}
    for name in COMMANDS:
        module = import_module(f"pipelines.cli.{name}")
        command = module.add_parser(subparsers)
        command.add_argument("--workspace", type=Path, metavar="DIR", help="the workspace's directory")
        command.add_argument("--json", action="store_true", help="print JSON, for machines")
        commands[name] = module.execute
    return parser, commands


if __name__ == "__main__":
    sys.exit(main())
