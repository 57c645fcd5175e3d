"""`cjaas schemas`: the event schemas of a workspace."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from pipelines.cli.inputs import workspace_of
from schemas.avro import EventSchema, Registry
from schemas.errors import InputError, Problem, UsageError, WorkspaceError


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
        expected = "an .avsc file" if arguments.action == "compatibility" else "TYPE or TYPE/VERSION"
        raise UsageError(f"schemas {arguments.action}: expected a NAME, {expected}, found none")
    if arguments.action == "compatibility":
        return _compatibility(registry, Path(arguments.name), console, arguments.json)
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


def _compatibility(registry: Registry, path: Path, console: Console, as_json: bool) -> int:
    """Whether a workspace would still load with this file among its schemas."""
    if path.suffix != ".avsc":
        raise UsageError(f"{path}: expected a schema file, TYPE.vN.avsc")
    candidate, problems = _load_with(path, [])
    if candidate is None:
        raise WorkspaceError(problems)
    newest = registry.newest(candidate.type)
    if newest is not None and newest.path.resolve() != path.resolve():
        if candidate.version <= newest.version:
            raise UsageError(
                f"{path}: expected version {newest.version + 1} of {candidate.type}, since {newest.name} is "
                f"its newest, found {candidate.version}"
            )
        older = [schema.path for schema in registry.schemas() if schema.type == candidate.type]
        _, problems = _load_with(path, older)
    if as_json:
        found = [{"line": problem.line, "message": problem.message} for problem in problems]
        report = json.dumps({"schema": candidate.name, "compatible": not problems, "problems": found})
        console.print(report, markup=False, highlight=False, soft_wrap=True)
        return 1 if problems else 0
    for problem in problems:
        console.print(str(problem), markup=False, highlight=False, soft_wrap=True)
    if not problems:
        told = "is the first schema of its type"
        if newest is not None:
            told = f"reads all data of {newest.name} and before"
        console.print(f"{candidate.name} {told}", highlight=False)
    return 1 if problems else 0


def _load_with(path: Path, others: list[Path]) -> tuple[EventSchema | None, list[Problem]]:
    """A schema file as a registry with these others loads it, and its problems there."""
    with TemporaryDirectory(prefix="cjaas-schemas-") as folder:
        copy = Path(folder, path.name)
        try:
            shutil.copyfile(path, copy)
            for number, other in enumerate(others):
                beside = Path(folder, str(number))
                beside.mkdir()
                shutil.copyfile(other, beside / other.name)
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from None
        registry, problems = Registry.load(Path(folder))
    own = [Problem(path, problem.line, problem.message) for problem in problems if problem.path == copy]
    return next((schema for schema in registry.schemas() if schema.path == copy), None), own
