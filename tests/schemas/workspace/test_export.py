from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.contracts.generated import run, stale
from schemas.workspace.export import editor_schema, schema_files
from schemas.workspace.files import JourneyFile, ProfilesFile, WorkspaceFile

SCHEMAS = [editor_schema(model) for model in (WorkspaceFile, ProfilesFile, JourneyFile)]


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def test_the_files_are_what_the_models_give() -> None:
    assert stale(schema_files()) == []


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema["title"]))
def test_every_key_is_described(schema: dict[str, Any]) -> None:
    mappings = [schema, *schema["$defs"].values()]
    described = [(key, value) for mapping in mappings for key, value in mapping.get("properties", {}).items()]
    assert described
    assert [key for key, value in described if not value.get("description")] == []


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema["title"]))
def test_unknown_keys_are_refused_and_null_is_no_value(schema: dict[str, Any]) -> None:
    for node in nodes(schema):
        if isinstance(node.get("properties"), dict) and "type" in node:
            assert node["additionalProperties"] is False
        assert node.get("type") != "null"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema["title"]))
def test_references_lead_somewhere(schema: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(schema) if isinstance(node.get("$ref"), str)}
    assert references
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_durations_are_text_with_a_unit() -> None:
    lookback = SCHEMAS[1]["$defs"]["Attribute"]["properties"]["lookback"]
    assert lookback["type"] == "string"
    assert lookback["pattern"] == "^([0-9]{1,6}[wdhms])+$"
    assert "from 1m to 3650d" in lookback["description"]
    assert SCHEMAS[0]["properties"]["allowed_lateness"]["default"] == "24h"


def test_check_names_a_stale_file_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {tmp_path / "deep" / "a.json": json.dumps({}), tmp_path / "b.json": "[]"}
    (tmp_path / "b.json").write_text("old")
    assert run("some.module", files, ["--check"]) == 1
    assert capsys.readouterr().err.count("run python -m some.module") == 2
    assert run("some.module", files, []) == 0
    assert run("some.module", files, ["--check"]) == 0
    assert (tmp_path / "b.json").read_text() == "[]"
