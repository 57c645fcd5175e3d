"""The public CDNOW purchases through `convert` and `run`, against DuckDB on the raw file."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "cdnow"
SEED = 20260722
PURCHASES = 6919
CUSTOMERS = 2357
REPEATED_ROWS = 21
BILLIONTH = Decimal("1e-9")

# Each line of the file is one purchase; its number settles which of a day's purchases came first.
EXPECTED = r"""
WITH lines AS (
    SELECT generate_subscripts(lines, 1) AS number, trim(unnest(lines)) AS line
    FROM (SELECT string_split(replace(content, chr(13), ''), chr(10)) AS lines FROM read_text($path))
),
purchases AS (
    SELECT number, line, words[1] AS customer, CAST(words[3] AS INTEGER) AS day,
        CAST(words[5] AS DECIMAL(9, 2)) AS amount
    FROM (SELECT number, line, string_split_regex(line, '\s+') AS words FROM lines WHERE line != '')
)
"""
PER_CUSTOMER = """
SELECT customer, count(*), sum(amount), min(amount), max(amount),
    arg_min(amount, (day, number)), arg_max(amount, (day, number))
FROM purchases GROUP BY customer
"""
REPEATED = "SELECT count(*) - count(DISTINCT line) FROM purchases"
NAMES = ("purchases", "amount_sum", "amount_min", "amount_max", "amount_first", "amount_last")


def cjaas(*words: str | Path) -> str:
    """Runs the command line; its standard output."""
    command = [sys.executable, "-m", "pipelines.cli.main", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"cjaas {words[0]} exited with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw file."""
    try:
        distribution("lifetimes")
    except PackageNotFoundError:
        if "CI" in os.environ:
            raise
        pytest.skip("the CDNOW purchases are in the package lifetimes 0.11.3, which is not installed")
    path = tmp_path_factory.mktemp("cdnow") / "CDNOW_sample.txt"
    subprocess.run([sys.executable, EXAMPLE / "unpack.py", path], check=True)
    return path


@pytest.fixture(scope="module")
def events(log: Path) -> list[bytes]:
    """The lines of the converted file, in the order of the raw one."""
    output = log.with_name("events.ndjson")
    words = ("--workspace", EXAMPLE, "--mapping", EXAMPLE / "mapping.yaml", "--input", log)
    summary = json.loads(cjaas("convert", *words, "--output", output, "--json"))
    assert (summary["rows_read"], summary["events_written"]) == (PURCHASES, PURCHASES)
    return output.read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def expected(log: Path) -> dict[str, dict[str, Decimal]]:
    """The attributes of every customer, computed from the raw file alone."""
    with duckdb.connect() as connection:
        parameters = {"path": str(log)}
        repeated = connection.execute(EXPECTED + REPEATED, parameters).fetchone()
        rows = connection.execute(EXPECTED + PER_CUSTOMER, parameters).fetchall()
    assert repeated == (REPEATED_ROWS,)
    assert len(rows) == CUSTOMERS
    return {customer: dict(zip(NAMES, map(Decimal, values), strict=True)) for customer, *values in rows}


def in_order(events: list[bytes]) -> list[bytes]:
    return events


def shuffled(events: list[bytes]) -> list[bytes]:
    return random.Random(SEED).sample(events, len(events))


def a_tenth_twice(events: list[bytes]) -> list[bytes]:
    chance = random.Random(SEED)
    again = chance.sample(events, len(events) // 10)
    return chance.sample(events + again, len(events) + len(again))


def test_every_purchase_is_an_event_of_its_own(events: list[bytes]) -> None:
    assert len({json.loads(event)["id"] for event in events}) == PURCHASES


@pytest.mark.parametrize("order", [in_order, shuffled, a_tenth_twice])
def test_every_profile_is_what_duckdb_makes_of_the_raw_file(
    tmp_path: Path,
    events: list[bytes],
    expected: dict[str, dict[str, Decimal]],
    order: Callable[[list[bytes]], list[bytes]],
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(order(events)))
    output = tmp_path / "output"
    cjaas("run", "--workspace", EXAMPLE, "--input", path, "--output", output)
    listing = cjaas("profiles", "--workspace", EXAMPLE, "--output", output, "--format", "ndjson")
    profiles: list[dict[str, Any]] = [
        json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in listing.splitlines()
    ]
    assert len(profiles) == CUSTOMERS
    found = {}
    for profile in profiles:
        (identity,) = profile["identities"]
        attributes = {name: Decimal(value) for name, value in profile["attributes"].items()}
        mean = attributes["amount_sum"] / attributes["purchases"]
        average = attributes.pop("amount_average")
        assert average == mean.quantize(BILLIONTH, ROUND_HALF_EVEN), identity
        found[identity.removeprefix("customer:")] = attributes
    assert found == expected
