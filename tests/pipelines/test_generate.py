"""`cjaas generate` on the shop: files, standard output, counts and mistakes."""

from __future__ import annotations

import argparse
import gzip
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.cli.generate import add_parser, execute
from schemas.errors import InputError, UsageError

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def run(*words: str, as_json: bool = True) -> tuple[int, str]:
    """The exit code, and what went to the console."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["generate", *words], argparse.Namespace(workspace=SHOP, json=as_json))
    text = io.StringIO()
    return execute(arguments, Console(file=text)), text.getvalue()


def test_the_sample_is_what_the_command_writes(tmp_path: Path) -> None:
    output = tmp_path / "events.ndjson.gz"
    code, text = run("--events", "20000", "--output", str(output))
    sample = SHOP / "events.ndjson.gz"
    assert code == 0
    assert gzip.decompress(output.read_bytes()) == gzip.decompress(sample.read_bytes())
    assert sample.read_bytes()[4:8] == b"\0\0\0\0"
    report = json.loads(text)
    assert report["events"] == 20_000
    assert report["valid"] + sum(report["broken"].values()) == 20_000
    assert "too_large" not in report["broken"]


def test_plain_packed_and_standard_output_hold_the_same(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    plain, packed = tmp_path / "e.ndjson", tmp_path / "e.ndjson.gz"
    words = (
        "--events",
        "500",
        "--seed",
        "3",
        "--people",
        "20",
        "--days",
        "2",
        "--start",
        "2026-03-01T06:00:00Z",
    )
    _, counts = run(*words, "--output", str(plain))
    run(*words, "--output", str(packed), as_json=False)
    capfdbinary.readouterr()
    _, console = run(*words, "--output", "-")
    written, errors = capfdbinary.readouterr()
    assert plain.read_bytes() == gzip.decompress(packed.read_bytes()) == written
    assert written.count(b"\n") == 500
    assert console == ""
    assert json.loads(errors) == json.loads(counts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.ndjson", "e.ndjson.gz"]


def test_the_table_goes_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, console = run("--events", "300", "--output", str(tmp_path / "e.ndjson"), as_json=False)
    written, errors = capsys.readouterr()
    assert (code, console, written) == (0, "", "")
    assert "duplicates" in errors
    assert "broken: truncated_json" in errors


def test_types_choose_what_occurs(tmp_path: Path) -> None:
    words = ("--events", "300", "--output", str(tmp_path / "e.ndjson"))
    _, text = run(*words, "--types", "login=2", "page_viewed")
    report = json.loads(text)
    assert set(report["types"]) == {"login", "page_viewed"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--events", "-1"), "--events: expected a number of 0 or more, found -1"),
        (("--seed", "-1"), "--seed: expected"),
        (("--people", "0"), "--people: expected a number of 1 or more, found 0"),
        (("--days", "0"), "--days: expected"),
        (("--late", "1.5"), "--late: expected a share from 0 to 1, found 1.5"),
        (("--late", "0.6", "--broken", "0.6"), "expected at most 1 together, found 1.22"),
        (
            ("--start", "soon"),
            "--start: expected a date or an RFC 3339 time such as 2026-01-01, found 'soon'",
        ),
        (("--types", "login=much"), "--types: expected TYPE=WEIGHT"),
        (("--types", "flown"), "--types: expected event types of action.clicked"),
        (
            ("--output", "events.csv"),
            "--output: expected FILE.ndjson, FILE.ndjson.gz or -, found 'events.csv'",
        ),
    ],
)
def test_mistakes_in_the_command_are_told(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        run("--events", "10", "--output", "e.ndjson", *words)
    assert message in str(raised.value)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        run("--events", "10", "--output", str(tmp_path / "missing" / "e.ndjson"))
