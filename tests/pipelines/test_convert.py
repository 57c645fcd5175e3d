"""`cjaas convert` on files of every shape, through the command line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cli.main import main
from schemas.errors import InputError
from schemas.mapping import Layout, LogRow
from sinks.logs import open_log

ROOT = Path(__file__).parents[2]
REST = """
source: //shop/orders
type: purchase
time: {column: at, zone: UTC}
identity: {namespace: customer, column: who}
data:
  amount: {column: amount, type: number}
  note: {column: note}
"""
CSV = 'at,who,amount,note\n2026-01-02,c1,1.50,"a\nb"\n2026-01-03,c2,2,é\n'
EXPECTED = [
    ("2026-01-02T00:00:00.000000Z", "c1", {"amount": Decimal("1.50"), "note": "a\nb"}),
    ("2026-01-03T00:00:00.000000Z", "c2", {"amount": Decimal(2), "note": "é"}),
]

Convert = Callable[..., tuple[int, list[Any], list[Any]]]


@pytest.fixture
def convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Convert:
    """Runs the command on one mapping and inputs; gives the exit code, the events and the rejects."""

    def run(read: str, *inputs: Path, rest: str = REST, more: tuple[str, ...] = ()) -> Any:
        mapping = tmp_path / "mapping.yaml"
        mapping.write_text(f"read: {read}\n{rest}")
        output = tmp_path / "events.ndjson"
        paths = [str(path) for path in inputs]
        code = main(["convert", "--mapping", str(mapping), "--output", str(output), *more, "--input", *paths])
        return code, lines_of(output), lines_of(tmp_path / "events.ndjson.rejects.ndjson")

    return run


def lines_of(path: Path) -> list[Any]:
    if not path.exists():
        return []
    return [json.loads(line, parse_float=Decimal) for line in path.read_bytes().splitlines()]


def told(events: list[Any]) -> list[Any]:
    return [(event["time"], event["identity"], event["data"]) for event in events]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(path: Path) -> Path:
    rows = {
        "at": pa.array([datetime(2026, 1, 2), datetime(2026, 1, 3)], pa.timestamp("ns")),
        "who": ["c1", "c2"],
        "amount": pa.array([Decimal("1.50"), Decimal(2)], pa.decimal128(9, 2)),
        "note": ["a\nb", "é"],
        "unused": [1, 2],
    }
    pq.write_table(pa.table(rows), path, row_group_size=1)
    return path


JSON_ROWS = (
    '{"at": "2026-01-02", "who": "c1", "amount": 1.50, "note": "a\\nb"}',
    '{"at": "2026-01-03", "who": "c2", "amount": "2", "note": "é"}',
)


@pytest.mark.parametrize(
    ("read", "content"),
    [
        ("{format: csv}", CSV),
        ("{format: csv}", "\ufeff" + CSV.replace("\n2", "\r\n2")),
        ("{format: csv, delimiter: ';'}", CSV.replace(",", ";")),
        ('{format: csv, delimiter: "\\t"}', CSV.replace(",", "\t")),
        ("{format: csv, encoding: latin-1}", CSV.encode("latin-1")),
        ("{format: csv, encoding: utf-16}", CSV.encode("utf-16")),
        ("{format: csv, skip_lines: 1}", 'export of "today\n' + CSV),
        ("{format: csv, skip_lines: 1, columns: [at, who, amount, note]}", CSV),
        ("{format: csv}", gzip.compress(CSV.encode(), mtime=0)),
        ("{format: ndjson}", "\n\n".join(JSON_ROWS)),
        ("{format: json}", f"[{','.join(JSON_ROWS)}]"),
        ("{format: json, records: data.rows}", f'{{"n": 2, "data": {{"rows": [{",".join(JSON_ROWS)}]}}}}'),
    ],
)
def test_every_text_format_gives_the_same_events(
    tmp_path: Path, convert: Convert, read: str, content: str | bytes
) -> None:
    code, events, rejects = convert(read, write(tmp_path / "log.txt", content))
    assert (code, told(events), rejects) == (0, EXPECTED, [])


def test_parquet_gives_the_same_events(tmp_path: Path, convert: Convert) -> None:
    code, events, _ = convert("{format: parquet}", parquet(tmp_path / "log.parquet"))
    assert code == 0
    assert [event["data"]["amount"] for event in events] == [Decimal("1.50"), Decimal("2.00")]
    assert told(events) == EXPECTED


def test_columns_by_place_and_columns_without_names(tmp_path: Path, convert: Convert) -> None:
    fixed = write(tmp_path / "fixed.txt", "2026-01-02c1   1.50a\n2026-01-03c2      2\n")
    places = "{at: [1, 10], who: [11, 12], amount: [13, 19], note: [20, 29]}"
    code, events, _ = convert(f"{{format: fixed, columns: {places}}}", fixed)
    assert (code, [event["data"].get("note") for event in events]) == (1, ["a"])
    code, events, _ = convert(
        "{format: fixed, columns: {at: [1, 10], who: [11, 12], amount: [13, 19]}}",
        fixed,
        rest=REST.replace("  note: {column: note}\n", ""),
        more=("--overwrite",),
    )
    assert (code, [event["data"]["amount"] for event in events]) == (0, [Decimal("1.50"), Decimal(2)])
    numbered = REST.replace("column: at", "column: 1").replace("column: who", "column: 2")
    numbered = numbered.replace("column: amount", "column: 3").replace("column: note", "column: 4")
    path = write(tmp_path / "plain.txt", " 2026-01-02  c1 1.50 x\n")
    code, events, _ = convert(
        "{format: whitespace, header: false}", path, rest=numbered, more=("--overwrite",)
    )
    assert (code, events[0]["data"]) == (0, {"amount": Decimal("1.50"), "note": "x"})


def test_rows_that_give_no_event_are_kept_with_place_and_reason(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    content = CSV.encode() + b'2026-01-04,c3\nnever,c4,4,x\n\n2026-01-05,c5,\xff,x\n2026-01-06,c6,"6"x,x\n'
    path = write(tmp_path / "log.csv", content + b"2026-01-07,c7,7,y\n")
    code, events, rejects = convert("{format: csv}", path, more=("--json",))
    assert code == 1
    assert [event["id"] for event in events] == [f"log.csv:{row:010d}" for row in (1, 2, 7)]
    assert [(reject["row"], reject["line"], reject["column"]) for reject in rejects] == [
        (3, 5, None),
        (4, 6, "at"),
        (5, 8, None),
        (6, 9, None),
    ]
    reasons = [reject["reason"] for reject in rejects]
    assert reasons[0] == "expected 4 fields, found 2"
    assert reasons[1] == "expected an ISO 8601 time, found 'never'"
    assert "read.encoding" in reasons[2]
    assert rejects[1]["content"] == {"at": "never", "who": "c4", "amount": "4", "note": "x"}
    summary = json.loads(capsys.readouterr().out)
    assert summary["rows_read"] == 7 == summary["events_written"] + summary["rows_rejected"]
    assert (summary["rows_rejected"], summary["rows_left_out"]) == (4, 0)
    assert convert("{format: csv}", path, more=("--overwrite", "--allow-rejects"))[0] == 0


def test_json_lines_that_are_no_objects_are_kept_too(tmp_path: Path, convert: Convert) -> None:
    path = write(tmp_path / "log.ndjson", "{broken\n[1]\n" + JSON_ROWS[0] + "\n")
    code, events, rejects = convert("{format: ndjson}", path)
    assert (code, len(events)) == (1, 1)
    assert [(reject["line"], reject["content"]) for reject in rejects] == [(1, "{broken"), (2, "[1]")]


def test_the_same_logs_give_the_same_bytes_packed_or_not(tmp_path: Path, convert: Convert) -> None:
    log = write(tmp_path / "log.csv", CSV)
    convert("{format: csv}", log)
    first = (tmp_path / "events.ndjson").read_bytes()
    packed = write(tmp_path / "log.csv.gz", gzip.compress(CSV.encode()))
    convert("{format: csv}", packed, more=("--overwrite",))
    assert (tmp_path / "events.ndjson").read_bytes() == first
    output = tmp_path / "events.ndjson.gz"
    convert("{format: csv}", log, more=("--overwrite", "--output", str(output)))
    assert gzip.decompress(output.read_bytes()) == first


def test_several_inputs_are_one_file_of_events_in_their_order(tmp_path: Path, convert: Convert) -> None:
    paths = [write(tmp_path / name, CSV) for name in ("b.csv", "a.csv")]
    _, events, _ = convert("{format: csv}", *paths)
    assert [event["id"].partition(":")[0] for event in events] == ["b.csv", "b.csv", "a.csv", "a.csv"]


def test_two_files_of_one_name_are_refused_where_rows_are_named_by_place(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").mkdir()
    paths = [write(tmp_path / "log.csv", CSV), write(tmp_path / "old" / "log.csv", CSV)]
    assert convert("{format: csv}", *paths)[0] == 2
    assert "have one name" in capsys.readouterr().err
    code, events, _ = convert("{format: csv}", *paths, rest=REST + "id: [at]\n")
    assert (code, [event["id"] for event in events]) == (0, ["2026-01-02", "2026-01-03"] * 2)


def test_what_exists_is_replaced_on_request_only(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path / "log.csv", CSV)
    output = write(tmp_path / "events.ndjson", b'"mine"\n')
    rejects = write(tmp_path / "events.ndjson.rejects.ndjson", b'"old"\n')
    assert convert("{format: csv}", log)[0] == 2
    assert "--overwrite" in capsys.readouterr().err
    assert output.read_bytes() == b'"mine"\n'
    assert convert("{format: csv}", log, more=("--overwrite",))[0] == 0
    assert len(lines_of(output)) == 2
    assert not rejects.exists()
    assert convert("{format: csv}", log, more=("--overwrite", "--output", str(log)))[0] == 2
    assert log.read_text() == CSV


@pytest.mark.parametrize(
    ("read", "name", "content", "message"),
    [
        ("{format: csv}", "log.csv", "at,who,amount\n1,2,3\n", "column note, found the columns at, who"),
        ("{format: csv}", "log.csv", "at,who,amount,note,at\n", "the header names at more than once"),
        ("{format: csv}", "log.csv", "", "expected the mapping's column at"),
        (
            "{format: csv}",
            "log.csv.gz",
            gzip.compress(CSV.encode() * 99, mtime=0)[:-20],
            "damaged or cut off",
        ),
        ("{format: json}", "log.json", "{}", "expected a JSON array"),
        ("{format: json, records: rows}", "log.json", '{"items": []}', "at rows, found only items"),
        ("{format: parquet}", "log.parquet", "PAR1", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_is_not_as_mapped_ends_the_command_and_leaves_nothing(
    tmp_path: Path,
    convert: Convert,
    capsys: pytest.CaptureFixture[str],
    read: str,
    name: str,
    content: str | bytes,
    message: str,
) -> None:
    path = write(tmp_path / name, content)
    assert convert(read, path)[0] == 1
    error = capsys.readouterr().err
    assert message in error
    assert str(path) in error
    assert len(error.splitlines()) == 1
    assert sorted(found.name for found in tmp_path.iterdir()) == sorted([name, "mapping.yaml"])


def test_a_parquet_file_without_a_column_is_refused(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    path = parquet(tmp_path / "log.parquet")
    code, _, _ = convert("{format: parquet}", path, rest=REST.replace("column: note", "column: nota"))
    assert code == 1
    assert "column nota, found the columns at, who" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("type: purchase", "typ: purchase", 4, "unknown key; did you mean type?"),
        ("zone: UTC", "zone: Europe/Berlim", 5, "did you mean Europe/Berlin?"),
        ("zone: UTC", "format: '%d.%m.%Y'", 5, "has no %z"),
        ("column: at", "columns: []", 5, "at least one entry"),
        ("type: number", "type: float", 8, "expected string, integer, number"),
        ("{column: note}", "{column: note, constant: x}", 9, "expected either column: NAME or constant"),
        ("note: {", "amount.net: {", 9, "amount is a field too"),
        ("note: {", "note: {thousands: ',', ", 9, "no option of the type string"),
        ("source: //shop/orders", "source: //shop/orders\nwhere: {column: at}", 4, "column, op and value"),
        ("note: {", "note: {separator: '|', ", 9, "no option of the type string"),
        ("type: p", "unpivot: {columns: {}, name: a, value: b}\ntype: p", 4, "at least one entry"),
        ("type: p", "unpivot: {columns: {a: x}, name: b, value: b}\ntype: p", 4, "must differ"),
        ("type: p", "unpivot: {columns: {a: x}, name: b, value: a}\ntype: p", 4, "none of columns"),
        ("type: p", "unpivot: {columns: {a: x, b: x}, name: c, value: d}\ntype: p", 4, "something else"),
    ],
)
def test_mistakes_in_the_mapping_are_told_with_their_line_before_any_row(
    tmp_path: Path,
    convert: Convert,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    line: int,
    message: str,
) -> None:
    assert old in REST
    code, events, _ = convert("{format: csv}", tmp_path / "none", rest=REST.replace(old, new))
    error = capsys.readouterr().err
    assert (code, events) == (1, [])
    assert message in error
    assert f"mapping.yaml:{line}: " in error


WORKSPACE = """
name: shop
time_zone: UTC
secret: file:secret.txt
namespaces: [{name: customer, priority: 1}]
"""
SCHEMA = {
    "type": "record",
    "name": "purchase",
    "doc": "A purchase.",
    "eventType": "purchase",
    "version": 1,
    "fields": [
        {"name": "amount", "type": "double", "doc": "Paid."},
        {"name": "note", "type": ["null", "string"], "default": None, "doc": "A note."},
    ],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    (directory / "schemas").mkdir(parents=True)
    write(directory / "workspace.yaml", WORKSPACE)
    write(directory / "secret.txt", "0123456789abcdef")
    write(directory / "profiles.yaml", "templates: []\n")
    write(directory / "schemas" / "purchase.v1.avsc", json.dumps(SCHEMA))
    return directory


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("type: purchase", "type: purchasing", 4, "expected a known event type, found 'purchasing'"),
        ("namespace: customer", "namespace: custumer", 6, "did you mean customer?"),
        ("note: {", "notes: {", 9, "did you mean note?"),
        ("type: number", "type: boolean", 8, "purchase/1 has a number here"),
        ("type: number", "type: list", 8, "purchase/1 has a number here"),
        ("amount: {", "other.amount: {", 4, "can't be without amount"),
        ("source: //shop/orders", "source: //shop\ndataschema: urn:x:purchase/2", 4, "purchase/1"),
    ],
)
def test_with_a_workspace_every_name_is_checked_against_it(
    tmp_path: Path,
    convert: Convert,
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    line: int,
    message: str,
) -> None:
    more = ("--workspace", str(workspace))
    log = write(tmp_path / "log.csv", CSV)
    assert convert("{format: csv}", log, more=more)[0] == 0
    capsys.readouterr()
    code, _, _ = convert("{format: csv}", log, rest=REST.replace(old, new), more=(*more, "--overwrite"))
    error = capsys.readouterr().err
    assert code == 1
    assert message in error
    assert f"mapping.yaml:{line}: " in error


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=8), st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_wrote_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    path = write(tmp_path_factory.mktemp("csv") / "log.csv", text.getvalue())
    layout = Layout(format="csv", delimiter=delimiter, columns=["a", "b"])
    found = list(open_log(path, layout, ["a", "b"]).rows())
    assert [list(row.values.values()) for row in found if isinstance(row, LogRow)] == rows
    assert [row.number for row in found] == list(range(1, len(rows) + 1))


def test_rows_come_while_the_file_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "log.ndjson", (JSON_ROWS[0] + "\n") * 100_000)
    log = open_log(path, Layout(format="ndjson"), [])
    next(iter(rows := log.rows()))
    assert 0 < log.position_bytes() < log.size_bytes / 10
    rows.close()  # type: ignore[attr-defined]


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.json_log._LINE_LIMIT_BYTES", 64)
    path = write(tmp_path / "log.json", "[" + ",".join(JSON_ROWS) + "]")
    with pytest.raises(InputError, match="Then the format is json"):
        list(open_log(path, Layout(format="ndjson"), []).rows())


def test_times_of_parquet_with_a_zone_are_instants(tmp_path: Path, convert: Convert) -> None:
    at = pa.array([datetime(2026, 1, 2, 12, tzinfo=UTC)], pa.timestamp("ms", "Europe/Berlin"))
    columns = {"at": at, "who": [7], "amount": pa.array([0.1], pa.float32()), "note": ["x"]}
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path)
    code, events, _ = convert("{format: parquet}", path)
    assert code == 0
    assert told(events) == [
        ("2026-01-02T12:00:00.000000Z", "7", {"amount": Decimal("0.1"), "note": "x"}),
    ]


def test_a_column_to_unpivot_that_a_file_lacks_is_told(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    unpivot = "unpivot: {columns: {note: x, memo: y}, name: about, value: text}\ntype: purchase"
    log = write(tmp_path / "log.csv", CSV)
    assert convert("{format: csv}", log, rest=REST.replace("type: purchase", unpivot))[0] == 1
    assert "column memo" in capsys.readouterr().err


def test_the_documented_mapping_converts(tmp_path: Path, convert: Convert) -> None:
    document = (ROOT / "docs" / "convert.md").read_text()
    mapping = document.partition("```yaml\n")[2].partition("```")[0]
    read, _, rest = mapping.partition("\n")
    head = "order_no;line_no;kind;status;day;hour;customer_no;amount;mail;city;gift;reason\n"
    rows = (
        "A:1;1;SALE;paid;26.10.2025;02:30;c1;1.234,50;;K\u00f6ln;J;\n"
        "A:1;2;RETURN;paid;27.10.2025;12:00;c1;3;a@example.com;;;broken\n"
        "A:1;3;SALE;test;27.10.2025;12:00;c1;3;;;;\n"
        "A:1;4;OTHER;paid;27.10.2025;12:00;c1;3;;;;\n"
    )
    path = write(tmp_path / "orders.csv", (head + rows).encode("latin-1"))
    code, events, rejects = convert(read.removeprefix("read: "), path, rest=rest)
    assert (code, rejects) == (0, [])
    assert [(event["id"], event["type"], event["time"]) for event in events] == [
        ("A%3A1:1", "purchase", "2025-10-26T00:30:00.000000Z"),
        ("A%3A1:2", "purchase_returned", "2025-10-27T11:00:00.000000Z"),
    ]
    bought = {"total": Decimal("1234.50"), "currency": "EUR", "delivery": {"city": "K\u00f6ln"}, "gift": True}
    assert events[0]["data"] == bought
    assert events[1]["data"] == {"total": 3, "currency": "EUR", "email": "a@example.com", "reason": "broken"}
