"""The command line, as tests run it, and what a run left, as tests compare it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb

from pipelines.cli.main import main

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"
TIMINGS = ("seconds", "events_per_second")

Rows = dict[str, list[Any]]


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value it printed, fractions exact."""
        return json.loads(self.out, parse_float=Decimal)

    def lines(self) -> list[Any]:
        """The JSON values it printed, one a line, fractions exact."""
        return [json.loads(line, parse_float=Decimal) for line in self.out.splitlines()]


def cjaas(*words: object) -> Done:
    """Runs a command in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:
            code = int(left.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def well(*words: object) -> Done:
    """Runs a command in this process that has to end well, without a word of complaint."""
    done = cjaas(*words)
    assert (done.code, done.err) == (0, ""), f"cjaas {words[0]}: {done}"
    return done


def command(*words: object) -> list[str]:
    """What starts a command in a process of its own."""
    return [sys.executable, "-m", "pipelines.cli.main", *map(str, words)]


def process(*words: object, cwd: Path = ROOT, **more: Any) -> Done:
    """Runs a command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command(*words), cwd=cwd, env=environment, capture_output=True, text=True, check=False, **more
    )
    return Done(done.returncode, done.stdout, done.stderr)


def run_shop(output: Path, *inputs: object, more: tuple[object, ...] = ()) -> dict[str, Any]:
    """Runs the job on the shop's workspace; its summary."""
    words = ("run", "--workspace", SHOP, "--input", *inputs, "--output", output, "--json", *more)
    summary: dict[str, Any] = well(*words).json()
    return summary


def hidden(folder: Path) -> list[str]:
    """The hidden entries of a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def files(output: Path) -> dict[str, bytes]:
    """Every file of an output byte for byte, but the database and the timings of the summary."""
    found = {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != "profiles.sqlite"
    }
    found["summary.json"] = json.dumps(summary_of(output)).encode()
    return found


def summary_of(output: Path) -> dict[str, Any]:
    """The summary without its timings."""
    summary: dict[str, Any] = json.loads((output / "summary.json").read_bytes())
    for name in TIMINGS:
        del summary[name]
    return summary


def database(output: Path) -> Rows:
    """Every table of the profile database, its rows in order."""
    with closing(sqlite3.connect(f"file:{output / 'profiles.sqlite'}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in sorted(tables)
        }


def contents(output: Path, *, without: tuple[str, ...] = ()) -> Rows:
    """What an output holds, however it is spread over files.

    Args:
        without: columns and members that are left out, wherever they stand.
    """
    return {
        "tape": _table(output / "tape" / "date=*" / "*.parquet", without),
        "decisions": _table(output / "decisions" / "*.parquet", without),
        "actions": _documents(output / "actions", without),
        "dead_letters": _documents(output / "dead_letters", without),
        "profiles": [
            (person_id, sorted(_kept(json.loads(image), without).items(), key=repr))
            for person_id, image in database(output)["profiles"]
        ],
        "summary": [_kept(summary_of(output), without)],
    }


def _table(pattern: Path, without: tuple[str, ...]) -> list[Any]:
    if not list(Path("/").glob(str(pattern)[1:])):
        return []
    with duckdb.connect() as connection:
        answer = connection.execute(f"SELECT * FROM '{pattern}'")
        columns = [column[0] for column in answer.description]
        rows = [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
    return sorted((_kept(row, without) for row in rows), key=repr)


def _documents(folder: Path, without: tuple[str, ...]) -> list[Any]:
    lines = [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines()]
    return sorted((_kept(json.loads(line), without) for line in lines), key=repr)


def _kept(document: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in without}
