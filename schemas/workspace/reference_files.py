"""The shape of reference.yaml: the tables that journeys look up."""

from __future__ import annotations

from pydantic import Field

from schemas.workspace.condition_file import FileModel
from schemas.workspace.reference import ColumnKind
from schemas.workspace.values import Name, Text


class ColumnFile(FileModel):
    """A column of a table."""

    name: Text = Field(description="The column's name in the header.")
    kind: ColumnKind = Field(description="What its cells are; an empty one has no value.")


class TableFile(FileModel):
    """A table."""

    name: Name = Field(description="What journeys call the table.")
    file: Text = Field(
        description="A CSV file, UTF-8 with a header: a path relative to the workspace, or an address such "
        "as gs://BUCKET/PATH."
    )
    key: Text = Field(description="The column that rows are looked up by; no two rows have the same.")
    columns: list[ColumnFile] = Field(min_length=1, description="The columns that journeys read.")


class ReferenceFile(FileModel):
    """reference.yaml: the tables that journeys look up, such as products and branches."""

    tables: list[TableFile] = Field(description="The tables.")
