"""How times stand in a log."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.mapping.layout import ColumnName, ColumnNames
from schemas.workspace.condition_file import FileModel
from schemas.workspace.phrases import listed
from schemas.workspace.values import Text, TimeZone

_NAMED_FORMATS = ("iso", "epoch_s", "epoch_ms", "epoch_us")


class Clock(FileModel):
    """How a time is read."""

    format: Text = Field(
        default="iso",
        description="iso (ISO 8601, RFC 3339), epoch_s, epoch_ms, epoch_us, or a strptime format.",
    )
    zone: TimeZone | None = Field(default=None, description="IANA time zone of times without an offset.")
    ambiguous: Literal["earlier", "later", "reject"] = Field(
        default="earlier", description="Which instant a time means that clocks show twice in autumn."
    )
    nonexistent: Literal["shift", "reject"] = Field(
        default="shift",
        description="What becomes of a time that clocks jump over in spring; shift: on by the gap.",
    )

    def check_instant(self) -> None:
        """Checks that instants can be read.

        Raises:
            ValueError: the format is none, or can't tell an instant.
        """
        if self.format in _NAMED_FORMATS:
            return
        if "%" not in self.format:
            raise ValueError(
                f"format: expected {listed(_NAMED_FORMATS)}, or a strptime format such as %d.%m.%Y, "
                f"found {self.format!r}"
            )
        if "%z" not in self.format and self.zone is None:
            raise ValueError(f"format: {self.format!r} has no %z; add the zone, such as zone: UTC")

    def check_date(self) -> None:
        """Checks that dates can be read.

        Raises:
            ValueError: the format is none of a date.
        """
        if self.format != "iso" and "%" not in self.format:
            raise ValueError(
                f"format: expected iso or a strptime format such as %d.%m.%Y, found {self.format!r}"
            )


class TimeRule(Clock):
    """Where a time stands: one column, or several that are joined with a space."""

    column: ColumnName | None = Field(default=None, description="The column.")
    columns: ColumnNames | None = Field(
        default=None, description="Several columns in place of one: day and time."
    )
    nulls: list[str] | None = Field(
        default=None, description="Texts that mean no value, in place of the mapping's."
    )

    @property
    def names(self) -> list[str]:
        """The columns in the order in which they are joined."""
        return [name for name in (self.column, *(self.columns or ())) if name is not None]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.column is None) == (self.columns is None):
            raise ValueError("expected either column: NAME or columns: [NAME, NAME]")
        self.check_instant()
        return self
