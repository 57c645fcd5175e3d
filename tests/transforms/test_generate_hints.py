"""Hints of generate.yaml: numbers that follow-ups share, times ahead, and what is never late."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkspaceError
from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, parse_rfc3339
from schemas.workspace import load_workspace
from schemas.workspace.load import OWN_EVENTS
from tests.firehoses import PLAN, decode, is_late, pour, shop, write_workspace
from transforms.generate import Realism
from transforms.generate.realism import FieldHint


def hinted(folder: Path, kind: Any, hint: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of events whose field `value` has a hint, and `time` in it the time of each."""
    fields = [("value", kind), ("same", kind)]
    workspace = load_workspace(write_workspace(folder, fields), {})
    types = {"thing_seen": {"fields": {"value": hint, "same": hint}}}
    lines, _ = pour(
        workspace, replace(PLAN, broken=0, duplicates=0, late=0), Realism.model_validate({"types": types})
    )
    events = decode(workspace, lines).events
    assert len(events) == PLAN.events
    return [{**json.loads(event.data_json), "time": event.time_us} for event in events]


UUID = {"type": "string", "logicalType": "uuid"}


@pytest.mark.parametrize(
    ("kind", "form", "pattern"),
    [
        ("string", "A%07d", r"A\d{7}"),
        (UUID, "7d1c9a40-0000-4000-8000-%012x", r"7d1c9a40-0000-4000-8000-[0-9a-f]{12}"),
    ],
)
def test_a_number_is_drawn_once_an_event(tmp_path: Path, kind: Any, form: str, pattern: str) -> None:
    found = hinted(tmp_path, kind, {"number": "order", "format": form})
    assert all(re.fullmatch(pattern, data["value"]) for data in found)
    assert all(data["value"] == data["same"] for data in found)
    assert len({data["value"] for data in found}) > 0.99 * len(found)


def test_follow_ups_about_the_same_share_its_number() -> None:
    workspace = shop()
    lines, _ = pour(workspace, replace(PLAN, events=20_000, broken=0, duplicates=0, late=0))
    numbers: dict[str, list[str]] = {}
    for event in decode(workspace, lines).events:
        number = json.loads(event.data_json).get("order_id")
        if number is not None:
            numbers.setdefault(event.type, []).append(number)
    purchases, shipped, delivered = (
        numbers[name] for name in ("purchase", "order_shipped", "order_delivered")
    )
    assert len(set(purchases)) == len(purchases) > 50
    assert len(set(shipped)) == len(shipped)
    # A few parcels begin by themselves, and a few have no number.
    assert len(set(shipped) & set(purchases)) > 0.9 * len(shipped) > 20
    assert len(set(delivered) & set(shipped)) > 0.9 * len(delivered) > 20


@pytest.mark.parametrize("kind", ["timestamp-millis", "timestamp-micros"])
def test_a_time_ahead_is_on_the_quarter_of_an_hour(tmp_path: Path, kind: str) -> None:
    found = hinted(tmp_path, {"type": "long", "logicalType": kind}, {"ahead": ["20h", "3d"]})
    for data in found:
        ahead_us = parse_rfc3339(data["value"]) - data["time"]
        assert 20 * HOUR_US - 15 * MINUTE_US < ahead_us <= 3 * DAY_US
        assert parse_rfc3339(data["value"]) % (15 * MINUTE_US) == 0


def test_a_time_ahead_may_have_hours_of_the_day(tmp_path: Path) -> None:
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    found = hinted(tmp_path, kind, {"ahead": ["2d", "8d"], "daytime": ["8h", "17h"]})
    times = [parse_rfc3339(data["value"]) for data in found]
    assert {time_us % DAY_US // HOUR_US for time_us in times} == set(range(8, 17))
    for time_us, data in zip(times, found, strict=True):
        assert DAY_US < time_us - data["time"] < 9 * DAY_US


@pytest.mark.parametrize(
    ("kind", "hint", "told"),
    [
        (
            "long",
            {"number": "order", "format": "%d"},
            "value: expected a string field for a number, found long",
        ),
        ("string", {"ahead": ["1d", "2d"]}, "value: expected a timestamp field for ahead, found string"),
    ],
)
def test_a_hint_that_does_not_fit_its_field_is_told(
    tmp_path: Path, kind: Any, hint: dict[str, Any], told: str
) -> None:
    with pytest.raises(WorkspaceError, match=re.escape(told)):
        hinted(tmp_path, kind, hint)


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        ({"number": "order"}, "expected number and format together"),
        ({"ahead": ["2d", "1d"]}, "expected ahead: [least, greatest]"),
        ({"ahead": ["1d", "2d"], "daytime": ["8h", "25h"]}, "expected daytime: [least, greatest] below 24h"),
        ({"daytime": ["8h", "9h"]}, "expected daytime: [least, greatest] below 24h, with ahead"),
        ({"number": "order", "format": "%d", "person": "name"}, "found person and number"),
    ],
)
def test_a_hint_has_to_be_whole(hint: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        FieldHint.model_validate(hint)


def test_what_cjaas_understands_is_never_late() -> None:
    workspace = shop()
    lines, _ = pour(workspace, replace(PLAN, events=20_000, late=0.2))
    events = decode(workspace, lines).events
    own = [event for event in events if workspace.registry.newest(event.type).path.parent == OWN_EVENTS]  # type: ignore[union-attr]
    assert len(own) > 100
    assert not any(is_late(event, workspace) for event in own)
    assert any(is_late(event, workspace) for event in events)
