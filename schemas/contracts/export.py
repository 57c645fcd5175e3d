"""Writes the contracts: `python -m schemas.contracts.export`, with `--check` to compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from schemas.action import Action
from schemas.contracts.avro_schema import avro_schema, field_docs, summary
from schemas.contracts.generated import json_text, run
from schemas.decision import Decision

FOLDER = Path(__file__).parent
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contract_files() -> dict[Path, str]:
    """The text of every contract file."""
    contracts: dict[str, Any] = {
        "action.schema.json": {"$schema": _DIALECT, **Action.model_json_schema()},
        "action.avsc": avro_schema(Action),
        "decision.schema.json": {"$schema": _DIALECT, **_struct_schema(Decision)},
        "decision.avsc": avro_schema(Decision),
    }
    return {FOLDER / name: json_text(contract) for name, contract in contracts.items()}


def _struct_schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A struct's JSON Schema, each field described where it stands."""
    schema = msgspec.json.schema(struct)
    definition = schema["$defs"][struct.__name__]
    definition["description"] = summary(struct)
    for name, doc in field_docs(struct).items():
        if doc:
            definition["properties"][name]["description"] = doc
    return schema


if __name__ == "__main__":
    sys.exit(run("schemas.contracts.export", contract_files(), sys.argv[1:]))
