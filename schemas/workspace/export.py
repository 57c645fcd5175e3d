"""Writes the JSON Schemas that editors check a workspace with.

`python -m schemas.workspace.export` writes them to `docs/schema`, with `--check` it compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.contracts.generated import json_text, run
from schemas.workspace.files import JourneyFile, ProfilesFile, WorkspaceFile
from schemas.workspace.message_files import MessagesFile
from schemas.workspace.reference_files import ReferenceFile

FOLDER = Path(__file__).parents[2] / "docs" / "schema"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, type[BaseModel]] = {
    "workspace": WorkspaceFile,
    "profiles": ProfilesFile,
    "journey": JourneyFile,
    "messages": MessagesFile,
    "reference": ReferenceFile,
}
_NULL = {"type": "null"}


def schema_files() -> dict[Path, str]:
    """The text of every schema file."""
    return {
        FOLDER / f"{name}.schema.json": json_text(editor_schema(model)) for name, model in _MODELS.items()
    }


def editor_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON Schema as a person sees it in an editor: no null, no generated titles."""
    schema = model.model_json_schema()
    title = schema.pop("description").partition(":")[0]
    definitions = {_plain_name(name): _tidy(inner) for name, inner in schema.pop("$defs", {}).items()}
    return {"$schema": _DIALECT, "title": title, **_tidy(schema), "$defs": definitions}


def _plain_name(name: str) -> str:
    return name.removesuffix("File")


def _tidy(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_tidy(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: value for key, value in schema.items() if key not in ("title", "$comment", "properties")}
    if _NULL in tidy.get("anyOf", ()):
        (inner,) = (branch for branch in tidy.pop("anyOf") if branch != _NULL)
        tidy = {**inner, **tidy}
    if "default" in tidy and tidy["default"] is None:
        del tidy["default"]
    comment = tidy.pop("$comment", schema.get("$comment"))
    if comment:
        tidy["description"] = " ".join(part for part in (tidy.get("description"), comment) if part)
    if "$ref" in tidy:
        tidy["$ref"] = _plain_name(tidy["$ref"])
    tidy = {
        key: value if key in ("default", "enum", "examples") else _tidy(value) for key, value in tidy.items()
    }
    if "properties" in schema:
        tidy["properties"] = {name: _tidy(inner) for name, inner in schema["properties"].items()}
    return tidy


if __name__ == "__main__":
    sys.exit(run("schemas.workspace.export", schema_files(), sys.argv[1:]))
