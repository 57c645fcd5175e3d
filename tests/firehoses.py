"""Generated firehoses for tests, and the real decoder's view of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.event import Event
from schemas.message import MessageBatch
from schemas.timestamps import parse_rfc3339
from schemas.workspace import Workspace, load_workspace
from transforms.core.decode import DecodedBatch, Decoder
from transforms.generate import Firehose, Plan, Realism, read_realism

SHOP = Path(__file__).parents[1] / "examples" / "shop"
START_US = parse_rfc3339("2026-01-01T00:00:00Z")
PLAN = Plan(
    events=4000,
    seed=7,
    people=200,
    start_us=START_US,
    days=30,
    duplicates=0.03,
    late=0.02,
    broken=0.05,
)


def shop() -> Workspace:
    return load_workspace(SHOP, {})


def pour(workspace: Workspace, plan: Plan, realism: Realism | None = None) -> tuple[list[bytes], Firehose]:
    hose = Firehose(workspace, realism or read_realism(SHOP / "generate.yaml", workspace), plan)
    return list(hose.lines()), hose


def batch_of(lines: list[bytes]) -> MessageBatch:
    size = len(lines)
    return MessageBatch("f@0", lines, [f"f@{n}" for n in range(size)], [None] * size, [None] * size)


def decode(workspace: Workspace, lines: list[bytes]) -> DecodedBatch:
    return Decoder(workspace, "test").decode(batch_of(lines))


def is_late(event: Event, workspace: Workspace) -> bool:
    return event.publish_us - event.time_us > workspace.allowed_lateness_us


def write_workspace(folder: Path, fields: list[tuple[str, Any]], more: dict[str, Any] | None = None) -> Path:
    """A workspace of one event type with the given fields, `more` said of each of them."""
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    (folder / "journeys").mkdir(exist_ok=True)
    (folder / "secret.txt").write_text("a secret of sixteen bytes or more")
    (folder / "workspace.yaml").write_text(
        "name: things\ntime_zone: UTC\nsecret: file:secret.txt\nnamespaces: [{name: device, priority: 1}]\n"
    )
    (folder / "profiles.yaml").write_text(
        "templates: [{name: t, attributes: [{name: seen, event: thing_seen, aggregate: count}]}]\n"
    )
    listed = [{"name": name, "type": kind, "doc": "A field.", **(more or {})} for name, kind in fields]
    definition = {
        "type": "record",
        "name": "ThingSeen",
        "doc": "A thing was seen.",
        "eventType": "thing_seen",
        "version": 1,
        "fields": listed,
    }
    (folder / "schemas" / "thing_seen.v1.avsc").write_text(json.dumps(definition))
    return folder
