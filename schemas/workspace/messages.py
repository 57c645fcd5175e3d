"""Message templates: what channels make messages of, and what each needs to be filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.action import Category

Kind = Literal["text", "number", "boolean", "timestamp", "date", "list", "object"]


@dataclass(frozen=True, slots=True)
class Datum:
    """One value that fills a template.

    Attributes:
        required: whether nothing can be sent without it.
    """

    name: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A template, as the channels have it.

    Attributes:
        category: what its messages are about; only journeys of this category send it.
        channels: those that have it; None for all.
        languages: those that it is written in, the first for whoever wants none of them; none where it
            is in no language.
        valid_from_us: the first instant at which it may be sent, None for no start.
        valid_until_us: the first instant at which it may no longer be sent, None for no end.
        data: what fills it, by name.
    """

    name: str
    category: Category
    channels: frozenset[str] | None
    languages: tuple[str, ...]
    valid_from_us: int | None
    valid_until_us: int | None
    data: dict[str, Datum]
