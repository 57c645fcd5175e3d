"""The `read` part of a mapping file: how a log's files are taken apart into rows."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from schemas.workspace.condition_file import FileModel
from schemas.workspace.phrases import found
from schemas.workspace.values import Text

TABLE_FORMATS = frozenset({"csv", "whitespace", "fixed"})
NESTED_FORMATS = frozenset({"ndjson", "json", "parquet"})
_DEFAULT_ENCODING = "utf-8-sig"


def _column(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"expected an encoding that Python knows, found {name!r}; write latin-1") from error
    return _DEFAULT_ENCODING if codec == "utf-8" else codec


def _quote(value: Any) -> Any:
    if isinstance(value, str) and (len(value) == 1 or value == "none"):
        return value
    raise ValueError(f"expected one character or none, found {found(value)}")


def _columns_tag(value: Any) -> str | None:
    if isinstance(value, list):
        return "<names>"
    return "<places>" if isinstance(value, dict) else None


ColumnName = Annotated[Text, BeforeValidator(_column)]
ColumnNames = Annotated[list[ColumnName], Field(min_length=1)]
Place = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
Columns = Annotated[
    Annotated[ColumnNames, Tag("<names>")] | Annotated[dict[str, Place], Tag("<places>")],
    Discriminator(
        _columns_tag,
        custom_error_type="expected",
        custom_error_message="expected the columns' names as a list, or {name: [first, last]} for fixed",
    ),
]


class Layout(FileModel):
    """How a file is taken apart into rows."""

    format: Literal["csv", "whitespace", "fixed", "ndjson", "json", "parquet"] = Field(
        description="csv: a table with any delimiter. whitespace: columns parted by blanks. fixed: columns "
        "by place. ndjson: a JSON object a line. json: one JSON array. parquet: Parquet."
    )
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Of csv, one character.")
    quote: Annotated[str, BeforeValidator(_quote)] = Field(
        default='"', description="Of csv, one character; none: quotes mean nothing."
    )
    header: bool | None = Field(
        default=None,
        description="The first line has the columns' names; default: where columns doesn't. A table "
        "with neither has the columns 1, 2, 3 and so on.",
    )
    columns: Columns | None = Field(
        default=None,
        description="The columns' names in their order; for fixed {name: [first, last]}, characters from 1.",
    )
    skip_lines: int = Field(default=0, ge=0, description="Lines before the header or the first row.")
    encoding: Annotated[str, AfterValidator(_encoding)] = Field(
        default=_DEFAULT_ENCODING, description="Of tables; JSON is UTF-8."
    )
    records: Text | None = Field(
        default=None, description="Dot path to the array of rows in a json file; absent: the whole file."
    )

    @property
    def has_header(self) -> bool:
        """Whether the first line that is not skipped has the columns' names."""
        return self.columns is None if self.header is None else self.header

    @model_validator(mode="after")
    def _fits_format(self) -> Self:
        allowed = {"format"}
        if self.format in TABLE_FORMATS:
            allowed |= {"skip_lines", "encoding", "columns"}
        if self.format in {"csv", "whitespace"}:
            allowed |= {"header"}
        if self.format == "csv":
            allowed |= {"delimiter", "quote"}
        if self.format == "json":
            allowed |= {"records"}
        if unfit := sorted(self.model_fields_set - allowed):
            raise ValueError(f"{', '.join(unfit)}: no option of the format {self.format}; remove it")
        if self.header and self.columns is not None:
            raise ValueError("columns stands for the header; remove one, skip_lines: 1 jumps a header line")
        if (self.format == "fixed") != isinstance(self.columns, dict) and (
            self.format == "fixed" or self.columns is not None
        ):
            form = "{name: [first, last]}" if self.format == "fixed" else "a list of names"
            raise ValueError(f"the format {self.format} needs columns as {form}")
        if isinstance(self.columns, dict):
            for name, (first, last) in self.columns.items():
                if first > last:
                    raise ValueError(
                        f"columns.{name}: expected [first, last], found [{first}, {last}]; swap them"
                    )
        elif self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: a name stands twice; rename one")
        return self
