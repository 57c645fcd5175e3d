"""Mapping files: how the rows of a company's log become events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from schemas.mapping.clock import Clock, TimeRule
from schemas.mapping.layout import ColumnName, ColumnNames, Layout
from schemas.mapping.where import parse_where
from schemas.workspace.condition import leaves
from schemas.workspace.condition_file import FileModel
from schemas.workspace.phrases import found
from schemas.workspace.values import Text

Scalar = bool | int | float | str
_NUMERIC = frozenset({"integer", "number", "decimal"})


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"expected a text, a number, true or false, found {found(value)}")


def _text_or_mapping(value: Any) -> str | None:
    if isinstance(value, str):
        return "<text>"
    return "<mapping>" if isinstance(value, dict) else None


class IdentityRule(FileModel):
    """Which person a row is about."""

    namespace: Text = Field(description="The identity's namespace.")
    column: ColumnName = Field(description="The column that has the identity.")


class TypeRule(FileModel):
    """An event type that depends on the row."""

    column: ColumnName = Field(description="The column that tells the type.")
    values: dict[str, Text] | None = Field(
        default=None, description="Text of the column: event type. Absent: the text is the type."
    )
    other: Literal["reject", "skip"] = Field(
        default="reject", description="What becomes of rows with another text."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.values is None and self.other == "skip":
            raise ValueError("other: skip needs values; add them")
        return self


class Unpivot(FileModel):
    """Columns of one row that each say something of their own."""

    columns: Annotated[dict[ColumnName, Text], Field(min_length=1)] = Field(
        description="Column: what it is about. A row gives an event for each that has a value."
    )
    name: ColumnName = Field(description="What the mapping calls the column that tells what it is about.")
    value: ColumnName = Field(description="What the mapping calls the column that has the value.")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.name == self.value or {self.name, self.value} & self.columns.keys():
            raise ValueError("name and value must differ, and be none of columns; rename one")
        if len(set(self.columns.values())) < len(self.columns):
            raise ValueError("columns: each must be about something else: ids end in it; rename one")
        return self


class FieldRule(Clock):
    """One field of the event's data."""

    column: ColumnName | None = Field(default=None, description="The column that has the value.")
    constant: Any = Field(default=None, description="The value itself, in place of a column.")
    type: Literal[
        "string", "integer", "number", "decimal", "boolean", "date", "timestamp", "list", "json"
    ] = Field(default="string", description="What the value becomes.")
    nulls: list[str] | None = Field(
        default=None, description="Texts that mean no value, in place of the mapping's."
    )
    required: bool = Field(
        default=False, description="A row without a value is rejected; otherwise the field is left out."
    )
    values: dict[str, Annotated[Any, BeforeValidator(_scalar)]] | None = Field(
        default=None,
        description="Text of the column: value, before the type is read; other texts are rejected.",
    )
    decimal_mark: Literal[".", ","] = Field(default=".", description="The sign before a number's fraction.")
    thousands: Literal[".", ",", " ", "'", "_"] | None = Field(
        default=None, description="The sign between a number's thousands; absent: none."
    )
    separator: str = Field(default=",", min_length=1, description="The sign between a list's texts.")
    only: list[Text] | None = Field(
        default=None, description="The event types that have the field; absent: all."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = self.model_fields_set
        if ("column" in given) == ("constant" in given):
            raise ValueError("expected either column: NAME or constant: VALUE")
        unfit: set[str] = set()
        if "constant" in given:
            unfit = given - {"constant", "only"}
        if self.type not in {"date", "timestamp"}:
            unfit |= given & set(Clock.model_fields)
        if self.type not in _NUMERIC:
            unfit |= given & {"decimal_mark", "thousands"}
        if self.type != "list":
            unfit |= given & {"separator"}
        if unfit:
            kind = "a constant" if "constant" in given else f"the type {self.type}"
            raise ValueError(f"{', '.join(sorted(unfit))}: no option of {kind}; remove it")
        if self.type == "timestamp":
            self.check_instant()
        if self.type == "date":
            self.check_date()
        if self.thousands == self.decimal_mark:
            raise ValueError("thousands and decimal_mark must differ; set decimal_mark: ','")
        return self


class Mapping(FileModel):
    """A mapping file."""

    read: Layout = Field(description="How files are taken apart into rows.")
    source: Text = Field(description="The events' source; with the id it makes an event unique.")
    type: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[TypeRule, Tag("<mapping>")],
        Discriminator(
            _text_or_mapping,
            custom_error_type="expected",
            custom_error_message="expected an event type or {column: NAME, values: {...}}",
        ),
    ] = Field(description="The event type, or the column that tells it.")
    where: Annotated[Any, BeforeValidator(parse_where)] = Field(
        default=None, description="A condition on columns; rows that don't meet it are left out."
    )
    unpivot: Unpivot | None = Field(
        default=None, description="Columns that each make an event of a row; absent: a row is one event."
    )
    id: ColumnNames | None = Field(
        default=None,
        description="The columns of the log's own key; absent: a row is named by file and place.",
    )
    time: TimeRule = Field(description="Event time.")
    publish_time: TimeRule | None = Field(
        default=None, description="When the row was published; absent: events carry none."
    )
    identity: IdentityRule = Field(description="The person.")
    dataschema: (
        Annotated[
            Annotated[Text, Tag("<text>")] | Annotated[dict[str, Text], Tag("<mapping>")],
            Discriminator(
                _text_or_mapping,
                custom_error_type="expected",
                custom_error_message="expected a URI that ends in TYPE/VERSION, or one for each type",
            ),
        ]
        | None
    ) = Field(default=None, description="A URI that ends in TYPE/VERSION; absent: the newest version.")
    nulls: list[str] = Field(default=[""], description="Texts that mean no value, in every column.")
    data: dict[str, FieldRule] = Field(description="Dot path in the event's data: where its value stands.")

    def types(self) -> list[str] | None:
        """The event types it can give; None where only the rows tell."""
        if not isinstance(self.type, TypeRule):
            return [self.type]
        return None if self.type.values is None else list(dict.fromkeys(self.type.values.values()))

    def columns(self) -> list[str]:
        """The columns of a file that it looks at, each once."""
        names = [*self.time.names, *(self.id or ()), self.identity.column]
        if self.publish_time is not None:
            names += self.publish_time.names
        if isinstance(self.type, TypeRule):
            names.append(self.type.column)
        names += [test.subject.name for test in leaves(self.where)]
        names += [rule.column for rule in self.data.values() if rule.column is not None]
        if self.unpivot is not None:
            made = (self.unpivot.name, self.unpivot.value)
            names = [*self.unpivot.columns, *(name for name in names if name not in made)]
        return list(dict.fromkeys(names))

    def schema_uri(self, event_type: str) -> str | None:
        """The `dataschema` of events of a type, None where they carry none."""
        return self.dataschema.get(event_type) if isinstance(self.dataschema, dict) else self.dataschema

    def fields_of(self, event_type: str) -> Iterator[tuple[str, FieldRule]]:
        """The data fields that events of a type have."""
        for name, rule in self.data.items():
            if rule.only is None or event_type in rule.only:
                yield name, rule
