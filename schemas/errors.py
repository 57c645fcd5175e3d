"""Errors that a person reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class CjaasError(Exception):
    """A failure that is told in one line: what was expected, what was found, what to do."""

    exit_code = 1


class UsageError(CjaasError):
    """The command's own words are wrong."""

    exit_code = 2


class InputError(CjaasError):
    """An input file cannot be read to its end."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a workspace, with its place."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class WorkspaceError(CjaasError):
    """A workspace with mistakes; holds all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
