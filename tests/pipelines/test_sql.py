"""`cjaas sql`: the views, JSON and tables, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command_line import Done, cjaas, well
from tests.pipelines.conftest import Firehose, Run


def ask(shop: Run, query: str, *more: object) -> Done:
    return well("sql", query, "--output", shop.output, *more)


@pytest.mark.parametrize("view", ["tape", "tape_raw", "decisions", "dead_letters", "profiles"])
def test_every_view_has_rows(shop: Run, view: str) -> None:
    [row] = ask(shop, f"SELECT count(*) AS rows FROM {view}", "--json").lines()
    assert row["rows"] > 30


def test_views_can_be_joined_and_json_taken_apart(shop: Run) -> None:
    query = """
        SELECT d.journey, count(DISTINCT p.person_id) AS persons, min(t.data->>'$.sku') AS sku
        FROM decisions d JOIN profiles p USING (person_id) JOIN tape t ON t.event_id = d.cause.event_id
        WHERE d.journey = 'cart_left_behind' AND t.date >= DATE '2026-01-01' GROUP BY 1
    """
    [row] = ask(shop, query, "--json").lines()
    assert row["journey"] == "cart_left_behind"
    assert row["persons"] > 5
    assert row["sku"]


def test_json_keeps_every_value(shop: Run) -> None:
    query = r"""
        SELECT NULL AS none, 1.50::DECIMAL(9, 2) AS money, 9007199254740993 AS long,
            170141183460469231731687303715884105727::HUGEINT AS huge, [1, NULL] AS list,
            {'a': DATE '2026-01-31'} AS struct, TIMESTAMPTZ '2026-01-31 10:00:00.5+01' AS time,
            INTERVAL 3 DAY AS span, 'text'::BLOB AS text, '\xFF'::BLOB AS bytes, true AS yes
    """
    [row] = ask(shop, query, "--json").lines()
    assert row == {
        "none": None,
        "money": Decimal("1.50"),
        "long": 9007199254740993,
        "huge": 170141183460469231731687303715884105727,
        "list": [1, None],
        "struct": {"a": "2026-01-31"},
        "time": "2026-01-31T09:00:00.500000Z",
        "span": "P3D",
        "text": "text",
        "bytes": {"base64": "/w=="},
        "yes": True,
    }


def test_numbers_that_json_lacks_are_null(shop: Run) -> None:
    assert ask(shop, "SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b", "--json").json() == {
        "a": None,
        "b": None,
    }


def test_a_table_that_is_not_for_a_terminal_shows_all_of_every_value(firehose: Firehose, shop: Run) -> None:
    query = "SELECT *, 'end' AS last FROM tape WHERE message_id = 'events.ndjson@0'"
    header, row = (line for line in ask(shop, query).out.splitlines() if line[0] in "┃│")
    shown = dict(zip(header.strip("┃").split("┃"), row.strip("│").split("│"), strict=True))
    values = {name.strip(): value.strip() for name, value in shown.items()}
    assert values["payload"] == firehose.path.read_text(errors="replace").split("\n")[0]
    assert values["last"] == "end"


def test_no_rows_are_no_lines(shop: Run) -> None:
    assert ask(shop, "SELECT * FROM tape WHERE false", "--json").out == ""
    assert "event_id" in ask(shop, "SELECT * FROM tape WHERE false").out


def test_a_long_answer_is_cut_and_says_so(shop: Run) -> None:
    out = ask(shop, "SELECT event_id FROM tape").out
    assert out.splitlines()[-1].startswith("1,000 of 2,")
    assert out.splitlines()[-1].endswith(" rows; --json prints all")
    assert len(ask(shop, "SELECT event_id FROM tape", "--json").lines()) > 2000


REFUSED: list[tuple[str, int, str]] = [
    ("SELECT * FROM tap", 1, 'Table with name tap does not exist! Did you mean "tape"?'),
    ("SELEC 1", 1, 'syntax error at or near "SELEC"'),
    ("SELECT 1; SELECT 2", 1, "expected one query that reads"),
    ("", 1, "expected one query that reads"),
    ("DROP VIEW tape", 1, "expected one query that reads"),
    ("INSERT INTO tape_raw SELECT * FROM tape_raw", 1, "expected one query that reads"),
    ("COPY tape TO 'stolen.csv'", 1, "expected one query that reads"),
    ("CREATE TABLE t AS SELECT 1", 1, "expected one query that reads"),
    ("SET memory_limit = '1TB'", 1, "expected one query that reads"),
    ("ATTACH 'other.db'", 1, "expected one query that reads"),
    ("SELECT * FROM read_text('/etc/hostname')", 1, "/etc/hostname"),
    ("SELECT 1 AS a, 2 AS a", 2, "expected columns of different names, found a twice; name one with AS"),
]


@pytest.mark.parametrize(("query", "code", "message"), REFUSED)
def test_what_it_refuses_it_tells_in_a_line(shop: Run, query: str, code: int, message: str) -> None:
    before = sorted(str(path) for path in shop.output.rglob("*"))
    done: Any = cjaas("sql", query, "--output", shop.output, "--json")
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.startswith("cjaas: ")
    assert done.err.count("\n") == 1
    assert sorted(str(path) for path in shop.output.rglob("*")) == before
    assert not Path("stolen.csv").exists()


def test_it_needs_no_workspace(shop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").symlink_to(shop.output)
    assert well("sql", "SELECT 1 AS one", "--json").json() == {"one": 1}
