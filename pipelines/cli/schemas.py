"""`cjaas schemas`: the event schemas of a workspace."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines.cli.inputs import workspace_of
from schemas.avro import EventSchema, Registry
from schemas.errors import UsageError, WorkspaceError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "schemas",
        help="list and show event schemas, check compatibility",
        description="list: all schemas. show: one schema. compatibility: whether a schema file can follow "
        "the newest version of its type.",
    )
    parser.add_argument("action", choices=["list", "show", "compatibility"], help="what to do")
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="show: TYPE or TYPE/VERSION; compatibility: an .avsc file"
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints what was asked for; 1 if a schema is not compatible.

    Raises:
        UsageError: the name is missing, or names no schema.
    """
    registry = workspace_of(arguments).registry
    if arguments.action == "list":
        _list(registry, console, arguments.json)
        return 0
    if arguments.name is None:
        raise UsageError(f"schemas {arguments.action}: expected a name, found none")
    if arguments.action == "compatibility":
        return _compatibility(registry, Path(arguments.name), console)
    schema = _find(registry, arguments.name)
    console.print(json.dumps(schema.definition, indent=2), markup=False, highlight=False, soft_wrap=True)
    return 0


def _list(registry: Registry, console: Console, as_json: bool) -> None:
    if as_json:
        rows = [
            {"type": schema.type, "version": schema.version, "path": str(schema.path)}
            for schema in registry.schemas()
        ]
        console.print(json.dumps(rows), markup=False, highlight=False, soft_wrap=True)
        return
    table = Table("type", "version", "names a person by", "doc")
    for schema in registry.schemas():
        identities = ", ".join(f"{path} ({namespace})" for path, namespace in schema.identity_fields)
        table.add_row(schema.type, str(schema.version), identities, str(schema.definition.get("doc", "")))
    console.print(table)


def _find(registry: Registry, name: str) -> EventSchema:
    event_type, _, version = name.partition("/")
    if version and not version.isdigit():
        raise UsageError(f"{name}: expected TYPE or TYPE/VERSION such as cart_added/2")
    schema = registry.find(event_type, int(version)) if version else registry.newest(event_type)
    if schema is None:
        raise UsageError(f"{name}: no such schema; `cjaas schemas list` shows all")
    return schema


def _compatibility(registry: Registry, path: Path, console: Console) -> int:
    from schemas.avro import compatibility, load_schema

    candidate, problems = load_schema(path)
    if candidate is None:
        raise WorkspaceError(problems)
    newest = registry.newest(candidate.type)
    if newest is None:
        console.print(f"{candidate.name}: the first schema of its type")
        return 0
    reasons = compatibility(candidate, newest)
    for reason in reasons:
        console.print(f"{path}: {reason}", markup=False, highlight=False, soft_wrap=True)
    if not reasons:
        console.print(f"{candidate.name} can read what {newest.name} has written", highlight=False)
    return 1 if reasons else 0
