"""The command line's entry: parses, hands over to a command, and tells failures in one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from pipelines.interruption import Interrupted
from pipelines.version import VERSION
from schemas.errors import CjaasError

# Modules of commands, each with `add_parser` and `execute`; in the order of the help.
COMMANDS = (
    "run",
    "up",
    "down",
    "publish",
    "tail",
    "check",
    "simulate",
    "backtest",
    "profile",
    "preferences",
    "profiles",
    "sql",
    "explain",
    "schemas",
    "generate",
    "convert",
    "import",
)
INTERRUPTED = 130
USAGE = 2
_UNBOUND_WIDTH = 10_000

Execute = Callable[[argparse.Namespace, Console], int]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to `main`, as for everything else that is written."""
        raise


class _Help(argparse.HelpFormatter):
    def add_argument(self, action: argparse.Action) -> None:
        """Leaves room for the longest command: argparse forgets that commands are indented twice."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            longest = max(map(len, action.choices), default=0) + 2 * self._indent_increment
            self._action_max_length = max(self._action_max_length, longest)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tells wrong usage in one line."""
        self.exit(USAGE, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code: 0, 1 for a failure, 2 for wrong usage.

    A command that a signal ended gives 128 and the signal's number.
    """
    try:
        console = _Console(width=None if sys.stdout.isatty() else _UNBOUND_WIDTH)
        words = sys.argv[1:] if words is None else words
        # Only a command that is named is imported: most of a short command's time is imports.
        names = words[:1] if words and words[0] in COMMANDS else COMMANDS
        parser, commands = _parser(names)
        arguments = parser.parse_args(words)
        code = commands[arguments.command](arguments, console)
        sys.stdout.flush()
    except CjaasError as error:
        print(f"cjaas: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except BrokenPipeError:
        # The reader has seen enough; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Interrupted as interrupted:
        print(f"cjaas: {interrupted}", file=sys.stderr)  # noqa: T201
        return interrupted.exit_code
    except KeyboardInterrupt:
        print("cjaas: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return code


def _parser(names: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, Execute]]:
    """What reads the words of these commands, and what executes them."""
    parser = _Parser(
        prog="cjaas",
        formatter_class=_Help,
        description="Customer journey as a service: a tape, profiles, and actions with reasons.",
        epilog="`cjaas COMMAND --help` shows a command's options. "
        "Exit codes: 0, 1 for a failure, 2 for wrong usage.",
    )
    parser.add_argument("--version", action="version", version=f"cjaas {VERSION}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands: dict[str, Execute] = {}
    for name in names:
        # Python's own words are no names of modules.
        module = import_module(f"pipelines.cli.{name}_" if iskeyword(name) else f"pipelines.cli.{name}")
        command = module.add_parser(subparsers)
        command.add_argument(
            "--workspace", type=Path, metavar="DIR", help="the directory that holds workspace.yaml"
        )
        command.add_argument("--json", action="store_true", help="print JSON, for machines")
        commands[name] = module.execute
    return parser, commands


if __name__ == "__main__":
    sys.exit(main())
