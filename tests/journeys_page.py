"""The examples of docs/journeys.md: journeys, and for each an input and what is shown for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.workspaces import SCHEMAS, record, write_workspace

PAGE = Path(__file__).parents[1] / "docs" / "journeys.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_MOMENT = {"type": "long", "logicalType": "timestamp-micros"}
_EMAIL = {
    "name": "email",
    "doc": "An address.",
    "type": ["null", "string"],
    "default": None,
    "identity": "email",
    "pii": True,
}


class Example(NamedTuple):
    """One journey of the page.

    Attributes:
        events: one a line, a time, a type and data.
        as_of: None where the input does not say.
        shown: what is shown for it, without the line that names the person.
    """

    name: str
    text: str
    events: Sequence[str]
    as_of: str | None
    shown: Sequence[str]


def blocks() -> list[tuple[str, str]]:
    """The code of the page: the language of each block, and its text."""
    return _BLOCK.findall(PAGE.read_text("utf-8"))


def journeys() -> dict[str, str]:
    """The journeys of the page by name."""
    texts = [text for language, text in blocks() if language == "yaml"]
    return {text.partition(".yaml\n")[0].removeprefix("# journeys/"): text for text in texts}


def examples() -> list[Example]:
    """The journeys that have an input and a timeline in the block behind them."""
    found = []
    of_page = blocks()
    for (language, text), (following, block) in pairwise(of_page):
        if language == "yaml" and following == "text":
            given, _, shown = block.partition("\n\n")
            lines = given.splitlines()
            as_of = lines.pop().removeprefix("as of ") if lines[-1].startswith("as of ") else None
            name = text.partition(".yaml\n")[0].removeprefix("# journeys/")
            found.append(Example(name, text, lines, as_of, shown.splitlines()))
    return found


def write_events(path: Path, lines: Sequence[str]) -> None:
    """Writes the events of an example as a file, all of one person."""
    events = []
    for number, line in enumerate(lines, 1):
        time, event_type, data = line.split(" ", 2)
        events.append(
            {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "/shop",
                "type": event_type,
                "time": time,
                "identity": "ann",
                "identitytype": "customer",
                "data": json.loads(data),
            }
        )
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def write_shop(directory: Path, *, with_journeys: bool = False) -> None:
    """The workspace that the page's journeys are written for."""
    order = {"name": "order", "type": "long"}
    schemas = [
        *map(_with_email, SCHEMAS),
        record("order_sent", [order, _EMAIL]),
        record("order_arrived", [order]),
        record("visit_booked", [{"name": "at", "type": _MOMENT}, _EMAIL]),
        record("visit_cancelled", []),
    ]
    write_workspace(directory, journeys=journeys() if with_journeys else {}, schemas=schemas)


def _with_email(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, whose events may tell an address."""
    fields = schema["fields"]
    known = any(field["name"] == "email" for field in fields)
    return {**schema, "fields": fields if known else [*fields, _EMAIL]}
