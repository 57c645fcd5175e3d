"""The shape of messages.yaml: the catalogue of message templates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.action import Category
from schemas.workspace.condition_file import FileModel
from schemas.workspace.files import ValidFile
from schemas.workspace.messages import Kind
from schemas.workspace.values import Language, Name, Text


class DatumFile(FileModel):
    """One value that fills a template."""

    name: Text = Field(description="What the template calls it.")
    kind: Kind = Field(description="What it is.")
    required: bool = Field(default=True, description="Whether nothing is sent without it.")


class MessageFile(FileModel):
    """A message template."""

    name: Text = Field(description="What journeys call the template.")
    category: Annotated[Category, Field(strict=False)] = Field(
        description="What its messages are about; only journeys of this category send it."
    )
    channels: list[Name] | None = Field(
        default=None, min_length=1, description="The channels that have it; absent: all."
    )
    languages: list[Language] = Field(
        default=[],
        description="The languages that it is written in; the first for whoever wants none of them.",
    )
    valid: ValidFile | None = Field(default=None, description="When it may be sent; absent: always.")
    data: list[DatumFile] = Field(default=[], description="What fills it.")


class MessagesFile(FileModel):
    """messages.yaml: the message templates that the channels have, and what fills them."""

    messages: list[MessageFile] = Field(description="The templates.")
