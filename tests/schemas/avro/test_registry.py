# ruff: noqa: E501 - a case is a line
from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from schemas.avro import InvalidData, Registry
from tests.schemas.avro.definitions import event, field, logical, record, write

EMAIL = field("email", ["null", "string"], default=None, identity="email", pii=True)


def load(folder: Path) -> list[str]:
    return [f"{problem.path.name}:{problem.line}: {problem.message}" for problem in Registry.load(folder)[1]]


def test_schemas_are_found_in_nested_folders(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    write(tmp_path / "shop", event(field("a", "int")))
    write(tmp_path, event(field("a", "int"), field("b", "int", default=0), version=10))
    write(tmp_path, {**event(field("a", "int")), "eventType": "cart.added"})
    registry, problems = Registry.load(tmp_path)
    assert problems == []
    assert registry.types() == ("cart.added", "event")
    assert registry.versions("event") == (1, 10)
    assert registry.versions("other") == ()
    assert [schema.name for schema in registry.schemas()] == ["cart.added/1", "event/1", "event/10"]
    newest = registry.newest("event")
    assert newest is not None
    assert newest.name == "event/10"
    assert newest is registry.find("event", 10)
    assert registry.find("event", 2) is None
    assert registry.newest("other") is None
    oldest = registry.find("event", 1)
    assert oldest is not None
    assert oldest.path == tmp_path / "shop" / "event.v1.avsc"
    assert oldest.definition["version"] == 1
    assert oldest.read_json(b'{"a": 1}') == ({"a": 1, "b": 0}, 0)
    assert oldest.read_avro(b"\x02") == ({"a": 1, "b": 0}, 0)


def test_the_documentations_schema_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "avro.md").read_text(encoding="utf-8")
    (tmp_path / "cart_added.v2.avsc").write_text(text.partition("```json\n")[2].partition("```")[0])
    assert load(tmp_path) == []


def test_a_folder_that_is_none_is_a_problem(tmp_path: Path) -> None:
    assert load(tmp_path / "none") == ["none:1: expected a folder of schemas, found none"]
    assert load(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"eventType": "Event"}, ["7: expected 'eventType' of a-z, 0-9, _ and dots, found text 'Event'"]),
        ({"version": 0}, ["8: expected 'version' as an integer from 1, found number 0"]),
        ({"version": True}, ["8: expected 'version' as an integer from 1, found true"]),
        ({"version": 2}, ["7: expected the file to be named event.v2.avsc, found event.v1.avsc"]),
        ({"doc": " "}, ["3: record Event: expected a 'doc' that says what it is"]),
        (
            {"type": "enum", "symbols": ["A"]},
            ["1: expected one record (an object of type 'record') in the file"],
        ),
    ],
)
def test_the_record_follows_the_house_rules(
    tmp_path: Path, change: dict[str, Any], problems: list[str]
) -> None:
    definition = {**event(), **change}
    (tmp_path / "event.v1.avsc").write_text(
        json.dumps({**definition, "fields": []}, indent=1).replace("[]", "[\n ]")
    )
    assert load(tmp_path) == [f"event.v1.avsc:{problem}" for problem in problems]


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ({"name": "a", "type": "int"}, "field a: expected a 'doc' that says what it is"),
        (field("a", "string", identity=5), "field a: expected a namespace as 'identity', found number 5"),
        (field("a", "string", pii="yes"), "field a: expected true or false as 'pii', found text 'yes'"),
        (
            field("a", "int", identity="email"),
            "field a: expected an identity on a string, alone or with null",
        ),
        (
            field("a", ["string", "int"], identity="email"),
            "field a: expected an identity on a string, alone or with null",
        ),
        (
            field("l", {"type": "array", "items": record("L", field("a", "string", identity="email"))}),
            "field a: expected an identity outside of lists and maps",
        ),
        (
            field("l", record("L", field("a", "string", identity="email"), field("l", ["null", "L"]))),
            "field a: expected an identity outside of records that hold themselves",
        ),
        (
            field("l", record("L", {"name": "a", "type": "int"})),
            "field a: expected a 'doc' that says what it is",
        ),
        (
            field("l", {"type": "record", "name": "L", "fields": []}),
            "record L: expected a 'doc' that says what it is",
        ),
    ],
)
def test_fields_follow_the_house_rules(tmp_path: Path, made: dict[str, Any], problem: str) -> None:
    path = write(tmp_path, event(made))
    (shown,) = load(tmp_path)
    line, _, message = shown.removeprefix("event.v1.avsc:").partition(": ")
    assert message == problem
    name = problem.partition(":")[0].split()[1]
    assert f'"name": "{name}"' in path.read_text().splitlines()[int(line) - 1]


def test_all_problems_of_all_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.v1.avsc").write_text('{"type": "record",\n}')
    (tmp_path / "b.v1.avsc").write_bytes(b"\xff")
    (tmp_path / "c.v1.avsc").write_text("[]")
    (tmp_path / "d.v1.avsc").mkdir()
    (tmp_path / "e.v1.avsc").write_text(
        '{"type": "record",\n"type": "record", "name": "E", "eventType": "e", "version": 1,\n"doc": "e", "fields": [{"name": "x"}]}'
    )
    assert load(tmp_path) == [
        "a.v1.avsc:2: expected a key in double quotes, found '}'",
        "b.v1.avsc:1: expected UTF-8, found other bytes at byte 0",
        "c.v1.avsc:1: expected one record (an object of type 'record') in the file",
        "d.v1.avsc:1: expected a readable file: Is a directory",
        "e.v1.avsc:2: expected 'type' once in its object",
        "e.v1.avsc:3: field x: expected a 'doc' that says what it is",
        "e.v1.avsc:3: field x: expected a 'type', found none",
    ]


def test_a_version_is_defined_once(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, event())
    (problem,) = load(tmp_path)
    assert problem.endswith(f"event/1 is defined in {tmp_path / 'a' / 'event.v1.avsc'} already")


def versions(folder: Path, *fields: list[dict[str, Any]]) -> list[str]:
    for index, made in enumerate(fields):
        write(folder, event(*made, version=index + 1))
    return [problem.partition(": ")[2] for problem in load(folder)]


def test_each_version_reads_the_one_before_it(tmp_path: Path) -> None:
    problems = versions(tmp_path, [field("a", "int")], [field("a", "int"), field("b", "int")])
    assert problems == ["cannot read version 1: field b is new and has no default"]
    (problem,) = Registry.load(tmp_path)[1]
    assert '"name": "b"' in problem.path.read_text().splitlines()[problem.line - 1]


def test_each_version_reads_all_before_it(tmp_path: Path) -> None:
    b = field("b", "int")
    problems = versions(
        tmp_path, [field("a", "int")], [field("a", "int"), {**b, "default": 0}], [field("a", "int"), b]
    )
    assert problems == ["cannot read version 1: field b is new and has no default"]


def test_a_field_that_was_renamed_twice_keeps_both_names(tmp_path: Path) -> None:
    first = [field("a", "int", default=0)]
    second = [field("b", "int", default=0, aliases=["a"])]
    third = [field("c", "int", default=0, aliases=["b"])]
    assert versions(tmp_path, first, second, third) == [
        "cannot read version 1: field c was a before it was b: add 'a' to its aliases"
    ]
    third[0]["aliases"].append("a")
    assert versions(tmp_path, first, second, third) == []


def test_an_identity_may_be_added_and_not_taken_back(tmp_path: Path) -> None:
    plain = field("email", ["null", "string"], default=None)
    assert versions(tmp_path, [plain], [EMAIL]) == []
    assert versions(tmp_path, [EMAIL], [plain]) == [
        "cannot read version 1: field email loses its 'pii': what was sent must stay erasable",
        "cannot read version 1: field email loses its identity 'email': persons would no longer be found by it",
    ]
    assert versions(tmp_path, [EMAIL], [{**EMAIL, "name": "mail", "aliases": ["email"]}]) == []


def test_identities_are_those_of_the_newest_version(tmp_path: Path) -> None:
    contact = record("Contact", field("phone", "string", identity="phone"))
    write(tmp_path, event(EMAIL))
    write(
        tmp_path,
        event(
            {**EMAIL, "name": "mail", "aliases": ["email"]},
            field("contact", ["null", contact], default=None),
            version=2,
        ),
    )
    registry, problems = Registry.load(tmp_path)
    assert problems == []
    assert {schema.identity_fields for schema in registry.schemas()} == {
        (("mail", "email"), ("contact.phone", "phone"))
    }


def test_the_kinds_of_fields(tmp_path: Path) -> None:
    line = record(
        "Line",
        field("sku", "string"),
        field("at", logical("long", "timestamp-millis")),
        field("next", ["null", "Line"]),
    )
    types: dict[str, Any] = {
        "null": "null",
        "boolean": "boolean",
        "long": "long",
        "double": ["null", "double"],
        "text": "string",
        "enum": {"type": "enum", "name": "E", "symbols": ["A"]},
        "uuid": logical("string", "uuid"),
        "bytes": "bytes",
        "fixed": {"type": "fixed", "name": "F", "size": 2},
        "decimal": logical("bytes", "decimal", precision=4),
        "timestamp": logical("long", "timestamp-micros"),
        "local": logical("long", "local-timestamp-micros"),
        "time": logical("int", "time-millis"),
        "date": logical("int", "date"),
        "mixed": ["null", "int", "string"],
        "numbers": ["null", "int", "double"],
        "lines": {"type": "array", "items": line},
        "map": {"type": "map", "values": "int"},
        "tags": {"type": "array", "items": "string"},
    }
    write(tmp_path, event(*(field(name, type_) for name, type_ in types.items())))
    schema = Registry.load(tmp_path)[0].newest("event")
    assert schema is not None
    expected = {
        "null": "any",
        "boolean": "boolean",
        "long": "number",
        "double": "number",
        "text": "text",
        "enum": "text",
        "uuid": "text",
        "bytes": "bytes",
        "fixed": "bytes",
        "decimal": "number",
        "timestamp": "timestamp",
        "local": "text",
        "time": "text",
        "date": "date",
        "mixed": "any",
        "numbers": "number",
        "lines": "object",
        "lines.sku": "text",
        "lines.next.next.at": "timestamp",
        "map": "object",
        "map.any": "number",
        "tags": "text",
        "none": None,
        "text.none": None,
        "lines.none": None,
        "": None,
    }
    assert {path: schema.field_kind(path) for path in expected} == expected


def test_schemas_and_registries_travel(tmp_path: Path) -> None:
    write(tmp_path, event(EMAIL, field("a", "int")))
    write(tmp_path, event(EMAIL, field("b", "double", aliases=["a"]), version=2))
    registry = Registry.load(tmp_path)[0]
    copy: Registry = pickle.loads(pickle.dumps(registry))
    for schema in registry.schemas():
        twin = copy.find(schema.type, schema.version)
        assert twin is not None
        raw = b'{"a": 1, "u": 1}' if schema.version == 1 else b'{"b": 1, "u": 1}'
        assert twin.read_json(raw) == schema.read_json(raw) == ({"email": None, "b": 1.0}, 1)
        assert (twin.name, twin.path, twin.identity_fields) == (
            schema.name,
            schema.path,
            schema.identity_fields,
        )


def test_the_error_travels() -> None:
    error = InvalidData("a", "b", "c")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.field, copy.expected, copy.found) == ("a: expected b, found c", "a", "b", "c")
