"""The shape of a condition in a workspace's files."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, TypeAdapter

from schemas.workspace.condition import Op
from schemas.workspace.values import DURATION_PATTERN, AttributeName, Name, Text

FORMS = "{all: [...]}, {any: [...]}, {not: ...} or {attribute or field: NAME, op: OP, value: V}"
_SCALAR = ["string", "number", "boolean"]
LOOKED_UP: dict[str, JsonValue] = {"table": ["column"], "column": ["table"]}
TABLE = Field(
    default=None,
    description="The table of reference.yaml to look it up in: the row is taken whose key it is.",
)
COLUMN = Field(default=None, description="The column of that table to take.")


class FileModel(BaseModel):
    """A mapping in a workspace's files: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AllFile(FileModel):
    """Holds if every part holds."""

    parts: list[ConditionFile] = Field(alias="all", min_length=1, description="Every one of these must hold.")


class AnyFile(FileModel):
    """Holds if one part holds."""

    parts: list[ConditionFile] = Field(alias="any", min_length=1, description="One of these must hold.")


class NotFile(FileModel):
    """Holds if its part does not."""

    part: ConditionFile = Field(alias="not", description="This must not hold.")


def _value_schema(op: list[str], value: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {"op": {"enum": op}}}, "then": {"properties": {"value": value}}}


class TestFile(FileModel):
    """Compares an attribute or a field with a value."""

    __test__ = False  # no test case, whatever pytest makes of the name

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["attribute"]}, {"required": ["field"]}],
            "dependentRequired": LOOKED_UP,
            "allOf": [
                _value_schema(["exists"], {"type": "boolean"}),
                _value_schema(["in"], {"type": "array", "minItems": 1, "items": {"type": _SCALAR}}),
                _value_schema(["within"], {"type": "string", "pattern": DURATION_PATTERN}),
                _value_schema(["eq", "ne", "gt", "ge", "lt", "le", "contains"], {"type": _SCALAR}),
                {
                    "if": {"properties": {"op": {"const": "exists"}}},
                    "else": {"required": ["value"]},
                },
            ],
        }
    )

    attribute: AttributeName | None = Field(default=None, description="The attribute to look at.")
    field: Text | None = Field(
        default=None, description="The event's field to look at, by dot path, or $time, $id, $source, $type."
    )
    table: Name | None = TABLE
    column: Text | None = COLUMN
    op: Annotated[Op, Field(strict=False)] = Field(
        description="eq, ne: equal, not equal. gt, ge, lt, le: greater, greater or equal, less, less or "
        "equal. in: one of a list. contains: a list has the value, a map the key, a text the part. "
        "exists: there is a value. within: the timestamp lies within that long before."
    )
    value: Any = Field(
        default=None,
        description="What to compare with: for exists nothing (or true, false), for in a list, for within a "
        "duration, else one text, number or boolean.",
    )


def _condition_tag(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    for key in ("all", "any", "not"):
        if key in value:
            return f"<{key}>"
    return "<test>" if value.keys() & {"attribute", "field", "op", "value"} else None


ConditionFile = Annotated[
    Annotated[AllFile, Tag("<all>")]
    | Annotated[AnyFile, Tag("<any>")]
    | Annotated[NotFile, Tag("<not>")]
    | Annotated[TestFile, Tag("<test>")],
    Discriminator(
        _condition_tag,
        custom_error_type="expected",
        custom_error_message=f"expected a condition, {FORMS}",
    ),
]

for _model in (AllFile, AnyFile, NotFile):
    _model.model_rebuild()

CONDITION: TypeAdapter[ConditionFile] = TypeAdapter(ConditionFile)
