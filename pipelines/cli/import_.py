"""`cjaas import`: templates and actions of another service as a workspace's files."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from schemas.action import Category
from schemas.cjds import Imported, Remark, read_exports, summed_up, translate
from schemas.errors import Problem, UsageError
from schemas.workspace import check_workspace
from sinks.replacing import replacing


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "import",
        help="turn a Webex CJDS configuration into a workspace's files",
        description="Turns profile view templates and journey actions of Webex Customer Journey Data Service "
        "(JSON, as its API takes and gives them) into profiles.yaml and journeys. Every part that has no "
        "counterpart is told. With --workspace what is written is checked against its schemas and channels. "
        "Exit code 1 if something could not be expressed, or has mistakes.",
    )
    parser.add_argument("service", choices=["cjds"], help="whose files they are")
    parser.add_argument("input", type=Path, nargs="+", metavar="FILE", help="templates and actions, in JSON")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where profiles.yaml and journeys go (default: the workspace, else here)",
    )
    parser.add_argument(
        "--category",
        type=Category,
        choices=list(Category),
        default=Category.COMMERCIAL,
        metavar="NAME",
        help=f"what the actions are about: {', '.join(Category)} (default: {Category.COMMERCIAL})",
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Writes the files and tells what became of each part; 0, or 1 if something is missing or has mistakes.

    Raises:
        CjaasError: the command is wrong, a file can't be read or is not JSON, or one to write exists;
            nothing is written then.
    """
    workspace: Path | None = arguments.workspace
    if workspace is not None and not workspace.is_dir():
        raise UsageError(f"--workspace {workspace}: expected a directory, found none; name one that exists")
    output: Path = arguments.output or workspace or Path()
    imported = translate(read_exports(arguments.input), arguments.category)
    _check_free(output, imported)
    for name, text in imported.files.items():
        with replacing(output / name) as file:
            file.write(text.encode())
    problems: list[Problem] = []
    if workspace is not None and imported.files:
        problems = sorted(check_workspace(workspace, os.environ, output))
    remarks = summed_up(imported.remarks)
    losses = [remark for remark in remarks if remark.loss]
    if arguments.json:
        report = _report(output, imported, remarks, problems)
        console.print(json.dumps(report), markup=False, highlight=False, soft_wrap=True)
    else:
        lines = [*(remark for remark in remarks if not remark.loss), *losses, *problems]
        for line in [*map(str, lines), *_closing(output, imported, losses, problems)]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 1 if losses or problems or not imported.files else 0


def _check_free(output: Path, imported: Imported) -> None:
    for name in imported.files:
        if (output / name).exists():
            raise UsageError(f"--output: {output / name} exists; name another directory, and merge by hand")


def _report(
    output: Path, imported: Imported, remarks: list[Remark], problems: list[Problem]
) -> dict[str, object]:
    return {
        "files": [str(output / name) for name in imported.files],
        "notes": [_as_json(remark) for remark in remarks if not remark.loss],
        "left_out": [_as_json(remark) for remark in remarks if remark.loss],
        "problems": [
            {"path": str(problem.path), "line": problem.line, "message": problem.message}
            for problem in problems
        ],
    }


def _as_json(remark: Remark) -> dict[str, str]:
    return {"path": str(remark.path), "where": remark.where, "message": remark.message}


def _closing(output: Path, imported: Imported, losses: list[Remark], problems: list[Problem]) -> list[str]:
    if not imported.files:
        return ["nothing is written: no template and no action could be expressed"]
    journeys = sum(name.startswith("journeys/") for name in imported.files)
    profiles = "profiles.yaml and " if "profiles.yaml" in imported.files else ""
    missing = f"; {len(losses)} without a counterpart" if losses else ""
    mistakes = f"; {len(problems)} to correct" if problems else ""
    return [
        f"{output}: {profiles}{journeys} journey{'s' if journeys != 1 else ''} written{missing}{mistakes}"
    ]
