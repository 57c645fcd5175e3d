"""`cjaas check`: every mistake of a workspace at once."""

from __future__ import annotations

import argparse
import json
import os

from rich.console import Console

from pipelines.cli.inputs import directory_of
from schemas.workspace import Workspace, check_workspace, load_workspace
from schemas.workspace.load import OWN_EVENTS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command."""
    return subparsers.add_parser(
        "check",
        help="list every mistake of a workspace",
        description="Checks schemas, their compatibility, templates and journeys. Exit code 1 for mistakes.",
    )


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints a line for each mistake with its file and line; 0 if there are none, else 1."""
    directory = directory_of(arguments)
    problems = check_workspace(directory, os.environ)
    if arguments.json:
        found = [
            {"path": str(problem.path), "line": problem.line, "message": problem.message}
            for problem in sorted(problems)
        ]
        console.print(json.dumps({"problems": found}), markup=False, highlight=False, soft_wrap=True)
        return 1 if problems else 0
    for problem in sorted(problems):
        console.print(str(problem), markup=False, highlight=False, soft_wrap=True)
    if problems:
        console.print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
        return 1
    workspace = load_workspace(directory, os.environ)
    console.print(
        f"{directory}: workspace {workspace.name} is in order: {_own_types(workspace)} event "
        f"types, {len(workspace.attributes)} attributes, {len(workspace.journeys)} journeys",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _own_types(workspace: Workspace) -> int:
    """How many event types the workspace has besides those that every one has."""
    newest = [workspace.registry.newest(name) for name in workspace.registry.types()]
    return sum(schema is not None and schema.path.parent != OWN_EVENTS for schema in newest)
