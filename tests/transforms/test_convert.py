"""What a row becomes by its mapping."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.mapping import Clock, LogRow, Mapping
from schemas.timestamps import datetime_us, parse_rfc3339
from schemas.workspace.document import read_document
from schemas.workspace.validate import validate
from transforms.convert import Converter, Refusal
from transforms.log_times import time_reader
from transforms.log_values import number_text

BASE = """
read: {format: csv}
source: //shop/orders
type: purchase
time: {column: at, zone: UTC}
identity: {namespace: customer, column: who}
data:
  amount: {column: amount, type: number}
"""
ROW = {"at": "2026-01-02T03:04:05", "who": "c1", "amount": "29.33", "kind": "P", "text": "x", "order": "7"}


def mapping(tmp_path: Path, *changes: tuple[str, str], more: str = "") -> Mapping:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mapping.yaml"
    path.write_text(text + more)
    document, problems = read_document(path)
    assert document is not None
    loaded, more_problems = validate(document, Mapping)
    assert loaded is not None, [*problems, *more_problems]
    return loaded


def event(converter: Converter, row: int = 1, **values: Any) -> dict[str, Any]:
    outcome = converter.convert(LogRow(row, row, ROW | values), "log.csv")
    assert isinstance(outcome, bytes), outcome
    decoded: dict[str, Any] = json.loads(outcome, parse_float=Decimal)
    return decoded


def refusal(converter: Converter, **values: Any) -> Refusal:
    outcome = converter.convert(LogRow(1, 1, ROW | values), "log.csv")
    assert isinstance(outcome, Refusal), outcome
    return outcome


def data_field(tmp_path: Path, rule: str, value: Any) -> Any:
    """What a field with the rule makes of a value in the column `text`; None where it is left out."""
    converter = Converter(mapping(tmp_path, ("amount: {column: amount, type: number}", "f: " + rule)))
    return event(converter, text=value)["data"].get("f")


def data_refusal(tmp_path: Path, rule: str, value: Any) -> Refusal:
    converter = Converter(mapping(tmp_path, ("amount: {column: amount, type: number}", "f: " + rule)))
    return refusal(converter, text=value)


def test_a_row_becomes_a_structured_cloud_event(tmp_path: Path) -> None:
    outcome = Converter(mapping(tmp_path)).convert(LogRow(12, 14, ROW), "log.csv")
    assert outcome == (
        b'{"specversion":"1.0","id":"log.csv:0000000012","source":"//shop/orders","type":"purchase",'
        b'"time":"2026-01-02T03:04:05.000000Z","identity":"c1","identitytype":"customer",'
        b'"data":{"amount":29.33}}'
    )


def test_equal_rows_are_two_events_and_their_ids_have_the_order_of_the_rows(tmp_path: Path) -> None:
    converter = Converter(mapping(tmp_path))
    ids = [event(converter, row=number)["id"] for number in (1, 2, 9, 10, 100)]
    assert len(set(ids)) == 5
    assert ids == sorted(ids)


def test_the_logs_own_key_is_the_id_whatever_the_place(tmp_path: Path) -> None:
    converter = Converter(mapping(tmp_path, more="id: [order]\n"))
    assert event(converter, row=1)["id"] == event(converter, row=2)["id"] == "7"
    assert refusal(converter, order=" ") == Refusal("order", "expected a value, found none")


@given(st.lists(st.tuples(st.text(), st.text()), min_size=2, max_size=2, unique=True))
def test_different_keys_have_different_ids(keys: list[tuple[str, str]]) -> None:
    converter = Converter(Mapping.model_validate({**yaml.safe_load(BASE), "id": ["who", "order"]}))
    first, second = (event(converter, who=f"w{who}w", order=f"o{order}o")["id"] for who, order in keys)
    assert first != second


def test_publish_time_and_schema_are_carried_where_they_are_mapped(tmp_path: Path) -> None:
    more = "publish_time: {column: sent, format: epoch_ms}\ndataschema: urn:shop/purchase/2\n"
    found = event(Converter(mapping(tmp_path, more=more)), sent="1767323045123")
    assert found["publishtime"] == "2026-01-02T03:04:05.123000Z"
    assert found["dataschema"] == "urn:shop/purchase/2"


TYPE = "type: {column: kind, values: {P: purchase, R: return}}"


def test_a_type_from_a_column_chooses_type_and_fields(tmp_path: Path) -> None:
    only = ("type: number}", "type: number, only: [return]}")
    converter = Converter(mapping(tmp_path, ("type: purchase", TYPE), only))
    assert event(converter, kind="P")["data"] == {}
    returned = event(converter, kind="R")
    assert (returned["type"], returned["data"]) == ("return", {"amount": Decimal("29.33")})
    assert refusal(converter, kind="X") == Refusal("kind", "expected one of P, R, found 'X'")


def test_other_types_are_left_out_on_request(tmp_path: Path) -> None:
    converter = Converter(mapping(tmp_path, ("type: purchase", TYPE[:-1] + ", other: skip}")))
    assert converter.convert(LogRow(1, 1, ROW | {"kind": "X"}), "f") is None


def test_a_type_that_the_workspace_lacks_is_refused(tmp_path: Path) -> None:
    converter = Converter(mapping(tmp_path, ("type: purchase", "type: {column: kind}")), {"purchase"})
    assert event(converter, kind="purchase")["type"] == "purchase"
    assert refusal(converter, kind="refund").column == "kind"


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("{column: amount, op: gt, value: 29}", True),
        ("{column: amount, op: lt, value: 100.5}", True),
        ("{column: amount, op: eq, value: 29.330}", True),
        ("{column: amount, op: eq, value: '29.330'}", False),
        ("{column: kind, op: in, value: [P, Q]}", True),
        ("{column: kind, op: ne, value: P}", False),
        ("{column: text, op: gt, value: 5}", False),
        ("{column: empty, op: exists}", False),
        ("{column: empty, op: exists, value: false}", True),
        ("{column: empty, op: lt, value: 5}", False),
        ("{column: kind, op: contains, value: P}", True),
        ("{not: {column: kind, op: eq, value: P}}", False),
        ("{all: [{column: kind, op: eq, value: P}, {column: text, op: eq, value: y}]}", False),
        ("{any: [{column: kind, op: eq, value: P}, {column: text, op: eq, value: y}]}", True),
    ],
)
def test_where_tells_which_rows_are_meant(tmp_path: Path, where: str, meant: bool) -> None:
    converter = Converter(mapping(tmp_path, more=f"where: {where}\n"))
    outcome = converter.convert(LogRow(1, 1, ROW | {"empty": ""}), "f")
    assert (outcome is not None) is meant


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        ("{column: text}", " as it is ", " as it is "),
        ("{column: text, type: integer}", "+0042", 42),
        ("{column: text, type: integer}", "99999999999999999999999", 99999999999999999999999),
        ("{column: text, type: integer, thousands: '.', decimal_mark: ','}", "1.234.567", 1234567),
        ("{column: text, type: number}", "0.10", Decimal("0.10")),
        ("{column: text, type: number}", " .5", Decimal("0.5")),
        ("{column: text, type: number}", "-1e3", Decimal("-1E+3")),
        ("{column: text, type: number, decimal_mark: ',', thousands: '.'}", "1.234,56", Decimal("1234.56")),
        ("{column: text, type: decimal}", "12.50", Decimal("12.50")),
        ("{column: text, type: decimal}", "1.5E2", 150),
        ("{column: text, type: boolean}", "Yes", True),
        ("{column: text, type: boolean, values: {J: true, N: false}}", "N", False),
        ("{column: text, type: integer, values: {low: 1, high: 2}}", "high", 2),
        ("{column: text, type: date, format: '%d.%m.%Y'}", "31.12.1997", "1997-12-31"),
        ("{column: text, type: date}", "1997-12-31T23:00:00", "1997-12-31"),
        ("{column: text, type: timestamp, format: epoch_s}", "1.5", "1970-01-01T00:00:01.500000Z"),
        ("{column: text, type: timestamp, format: epoch_s}", "-0.5", "1969-12-31T23:59:59.500000Z"),
        ("{column: text, type: timestamp}", "2026-01-02T00:00:00+02:00", "2026-01-01T22:00:00.000000Z"),
        ("{column: text, type: json}", '{"a": [1, 2]}', {"a": [1, 2]}),
        ("{constant: EUR}", "x", "EUR"),
    ],
)
def test_texts_become_values(tmp_path: Path, rule: str, text: str, value: Any) -> None:
    found = data_field(tmp_path, rule, text)
    assert found == value
    assert str(found) == str(value)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("{column: text, type: integer}", "1.5"),
        ("{column: text, type: integer}", "1,000"),
        ("{column: text, type: integer}", "٤"),
        ("{column: text, type: number}", "NaN"),
        ("{column: text, type: number}", "1_000"),
        ("{column: text, type: number, decimal_mark: ','}", "1.5"),
        ("{column: text, type: number, thousands: ','}", "1,00"),
        ("{column: text, type: decimal}", "1e999"),
        ("{column: text, type: boolean}", "maybe"),
        ("{column: text, values: {a: b}}", "c"),
        ("{column: text, type: date}", "1997-02-30"),
        ("{column: text, type: timestamp}", "1997-02-03"),
        ("{column: text, type: timestamp, format: epoch_s}", "99999999999999"),
        ("{column: text, type: json}", "{"),
        ("{column: text, required: true}", ""),
        ("{column: text}", "\udcff"),
    ],
)
def test_what_is_no_such_value_is_refused_with_its_reason(tmp_path: Path, rule: str, text: str) -> None:
    found = data_refusal(tmp_path, rule, text)
    assert found.column == "text" or text == "\udcff"
    assert found.reason.startswith("expected")


def test_nulls_leave_the_field_out(tmp_path: Path) -> None:
    assert data_field(tmp_path, "{column: text, type: integer, nulls: ['-', 'n/a']}", "n/a") is None
    assert data_field(tmp_path, "{column: text}", "") is None
    assert data_field(tmp_path, "{column: text, nulls: []}", "") == ""


def test_dot_paths_nest_in_the_data_and_reach_into_json_rows(tmp_path: Path) -> None:
    changes = ("amount: {column: amount, type: number}", "to.city: {column: a.city}\n  to.zip: {column: zip}")
    converter = Converter(mapping(tmp_path, ("format: csv", "format: ndjson"), changes))
    assert event(converter, a={"city": "Bonn"}, zip=53111)["data"] == {"to": {"city": "Bonn", "zip": "53111"}}
    assert event(converter, a=None, zip=None)["data"] == {}


@pytest.mark.parametrize("column", ["at", "who"])
def test_time_and_identity_are_required(tmp_path: Path, column: str) -> None:
    assert refusal(Converter(mapping(tmp_path)), **{column: ""}).column == column


def test_a_time_may_stand_in_two_columns(tmp_path: Path) -> None:
    rule = "columns: [day, hour], format: '%d/%m/%y %H:%M', zone: UTC"
    converter = Converter(mapping(tmp_path, ("column: at, zone: UTC", rule)))
    assert event(converter, day="02/01/26", hour="03:04")["time"] == "2026-01-02T03:04:00.000000Z"
    assert refusal(converter, day="02/01/26", hour="25:04").column == "day hour"


def instant(text: str, **clock: Any) -> str:
    read = time_reader(Clock(zone="Europe/Berlin", **clock))
    return datetime.fromtimestamp(read(text) / 1e6, UTC).isoformat()


def test_a_time_that_occurs_twice_is_the_earlier_unless_the_mapping_says_otherwise() -> None:
    assert instant("2025-10-26T02:30:00") == "2025-10-26T00:30:00+00:00"
    assert instant("2025-10-26T02:30:00", ambiguous="later") == "2025-10-26T01:30:00+00:00"
    with pytest.raises(ValueError, match="twice"):
        instant("2025-10-26T02:30:00", ambiguous="reject")


def test_a_time_that_never_occurred_is_shifted_on_by_the_gap_unless_refused() -> None:
    assert instant("2025-03-30T02:30:00") == "2025-03-30T01:30:00+00:00"  # 03:30 in Berlin
    with pytest.raises(ValueError, match="jumped over"):
        instant("2025-03-30T02:30:00", nonexistent="reject")


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2037, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_every_instant_is_found_again_from_its_local_time(moment: datetime, zone: str) -> None:
    expected = datetime_us(moment.replace(tzinfo=UTC))
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    found = {
        time_reader(Clock(zone=zone, ambiguous="earlier"))(local.isoformat()),
        time_reader(Clock(zone=zone, ambiguous="later"))(local),
    }
    assert expected in found
    assert max(found) - min(found) <= timedelta(hours=1) // timedelta(microseconds=1)


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_instants_with_an_offset_are_exact(time_us: int) -> None:
    read = time_reader(Clock(format="epoch_us"))
    assert read(str(time_us)) == read(time_us) == time_us
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).isoformat()
    assert time_reader(Clock())(text) == parse_rfc3339(text) == time_us


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_number_keeps_its_digits_and_is_json(number: Decimal) -> None:
    text = number_text(str(number))
    assert Decimal(text) == number
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == number
    assert number_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_comes_back_as_itself(number: float) -> None:
    assert float(number_text(number)) == number


UNPIVOT = """
unpivot: {columns: {mail: email, text: sms, app: push}, name: channel, value: said}
"""


def unpivoted(converter: Converter, **values: Any) -> list[Any]:
    outcomes = converter.convert_all(LogRow(12, 13, ROW | values), "log.csv")
    return [json.loads(each, parse_float=Decimal) if isinstance(each, bytes) else each for each in outcomes]


@pytest.mark.parametrize(
    ("more", "ids"),
    [
        ("", ("log.csv:0000000012:email", "log.csv:0000000012:sms")),
        ("id: [order]\n", ("7:email", "7:sms")),
        ("id: [who, order]\n", ("c1:7:email", "c1:7:sms")),
        # A key that names the channel already changes nothing but its own words.
        ("id: [channel]\n", ("email:email", "sms:sms")),
    ],
)
def test_a_row_is_an_event_for_each_column_that_is_unpivoted(
    tmp_path: Path, more: str, ids: tuple[str, ...]
) -> None:
    fields = ("  amount:", "  about: {column: channel}\n  said: {column: said}\n  amount:")
    converter = Converter(mapping(tmp_path, fields, more=UNPIVOT + more))
    first, second, third = unpivoted(converter, mail="yes", text="no", app=" ")
    assert (first["id"], second["id"]) == ids
    assert first["data"] == {"about": "email", "said": "yes", "amount": Decimal("29.33")}
    assert second["data"] == {"about": "sms", "said": "no", "amount": Decimal("29.33")}
    assert third is None


def test_what_is_wrong_in_a_column_that_is_unpivoted_is_told_of_that_column(tmp_path: Path) -> None:
    kind = ("type: purchase", "type: {column: said, values: {yes: purchase}}")
    converter = Converter(mapping(tmp_path, kind, more=UNPIVOT))
    first, second, third = unpivoted(converter, mail="yse", text="yes", app="")
    assert first == Refusal("mail", "expected one of yes, found 'yse'")
    assert second["id"] == "log.csv:0000000012:sms"
    assert third is None


def test_a_row_without_columns_to_unpivot_is_one_event(tmp_path: Path) -> None:
    [only] = unpivoted(Converter(mapping(tmp_path)))
    assert only == event(Converter(mapping(tmp_path)), 12)


@pytest.mark.parametrize(
    ("text", "separator", "texts"),
    [
        ("push|email", "|", ["push", "email"]),
        (" push , email,,", ",", ["push", "email"]),
        ("push", ",", ["push"]),
        ("a - b-c", " - ", ["a", "b-c"]),
        ("|", "|", []),
    ],
)
def test_a_list_is_parted_by_its_separator(
    tmp_path: Path, text: str, separator: str, texts: list[str]
) -> None:
    rule = f"{{column: text, type: list, separator: '{separator}'}}"
    converter = Converter(mapping(tmp_path, ("{column: amount, type: number}", rule)))
    assert event(converter, text=text)["data"]["amount"] == texts
