"""A run of four persons' day, and a copy of its workspace to change, for tests of `cjaas backtest`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.pipelines.command_line import well
from tests.workspaces import PROFILES, SETTINGS, write_workspace

REMIND = """\
name: remind
version: 1
category: commercial
priority: 40
entry: {event: cart_added}
exit: [purchase]
condition: {attribute: carts, op: exists}
steps:
  - wait: 1h
  - {send: remind, channel: web, template: reminder}
"""
CARTS = "      - {name: carts, event: cart_added, aggregate: sum, lookback: 30d}\n"
CART = {"sku": "LAMP", "price": 25}
PURCHASE = {"total": "9.00", "currency": "EUR"}

# Who does what, and when on 2026-01-05.
#   ann fills a cart and pays half an hour later: exited.
#   bob fills a cart at 10 and at 12: reminded at 11 and at 13.
#   cid fills one: reminded at 11. His second cart is published two days late: on the tape only.
#   dan looks in at 20 and says something that nothing reads, without a cart: no decision.
EVENTS: Sequence[tuple[str, str, str, dict[str, Any]]] = (
    ("ann", "10:00", "cart_added", CART),
    ("ann", "10:30", "purchase", PURCHASE),
    ("bob", "10:00", "cart_added", CART),
    ("bob", "12:00", "cart_added", CART),
    ("cid", "10:00", "cart_added", CART),
    ("cid", "12:00", "cart_added", CART),
    ("dan", "20:00", "login", {}),
    ("dan", "20:00", "probe", {"number": 1}),
)
LATE = 5
SENT = "sent"
PERSONS = "persons"


def write_events(path: Path) -> None:
    lines = []
    for number, (who, time, kind, data) in enumerate(EVENTS):
        event = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "/shop",
            "type": kind,
            "time": f"2026-01-05T{time}:00Z",
            "identity": who,
            "identitytype": "customer",
            "data": data,
        }
        if number == LATE:
            event["publishtime"] = "2026-01-07T12:00:00Z"
        lines.append(json.dumps(event) + "\n")
    path.write_text("".join(lines + lines[:1]))


class Trial:
    """A run over the events, and a copy of its workspace to change."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.workspace = folder / "changed"
        self.output = output
        write_workspace(self.workspace, profiles=PROFILES + CARTS, journeys={"remind": REMIND})

    def journey(self, name: str, text: str | None) -> None:
        path = self.workspace / "journeys" / f"{name}.yaml"
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def remind(self, *changes: tuple[str, str]) -> None:
        text = REMIND
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.journey("remind", text)

    def settings(self, more: str) -> None:
        (self.workspace / "workspace.yaml").write_text(SETTINGS + more)

    def words(self, *more: object) -> tuple[object, ...]:
        return ("backtest", "--workspace", self.workspace, "--output", self.output, *more)

    def report(self, *more: object) -> dict[str, Any]:
        report: dict[str, Any] = well(*self.words("--json", *more)).json()
        return report

    def differences(self, journey: str | None = "remind", *more: object) -> dict[str, tuple[int, int]]:
        """What would be and what was, where they differ; by `sent`, `persons` and reasons."""
        report = self.report(*more)
        compared = report["total"] if journey is None else report["journeys"][journey]
        rows = {SENT: compared["sent"], PERSONS: compared["persons"]}
        rows |= {row["reason"]: row for row in compared["others"]}
        for row in rows.values():
            assert row["difference"] == row["would"] - row["was"]
        found = {name: (row["would"], row["was"]) for name, row in rows.items() if row["difference"]}
        moved = (compared["gained"]["number"], compared["lost"]["number"])
        return found | ({"moved": moved} if any(moved) else {})


def decisions(output: Path) -> dict[str, bytes]:
    """The files of decisions, by name."""
    return {path.name: path.read_bytes() for path in (output / "decisions").iterdir()}


def run_day(folder: Path) -> Path:
    """Runs the day; gives the output."""
    write_workspace(folder / "shop", profiles=PROFILES + CARTS, journeys={"remind": REMIND})
    write_events(folder / "events.ndjson")
    words = (
        "--workspace",
        folder / "shop",
        "--input",
        folder / "events.ndjson",
        "--output",
        folder / "output",
    )
    summary = well("run", *words, "--as-of", "2026-01-06", "--json").json()
    assert (summary["late"], summary["duplicates"], summary["decisions"]) == (
        1,
        1,
        {"sent": 3, "suppressed": 1},
    )
    return folder / "output"
