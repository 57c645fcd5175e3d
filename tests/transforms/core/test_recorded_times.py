"""Events that are published again keep the publish time that they carry."""

from __future__ import annotations

import json

import pytest

from schemas.message import MessageBatch
from tests.messages import NOW_US, STRUCTURED, accepted, structured
from transforms.core.decode import REDRIVEN, Decoder
from transforms.core.recorded_times import keep_publish_times

NOON = "2026-03-01T12:00:00Z"


def kept(payload: bytes, attributes: dict[str, str] | None = None) -> dict[str, str] | None:
    batch = keep_publish_times(MessageBatch("a@0", [payload], ["1"], [attributes], [None]))
    assert batch.payloads == [payload]
    return batch.attributes[0]


def test_a_line_is_read_as_the_bounded_job_reads_it(decoder: Decoder) -> None:
    line = structured(publishtime="2026-03-01T12:00:03Z")
    attributes = kept(line)
    assert attributes is not None
    now_us = NOW_US + 365 * 86_400_000_000
    assert accepted(decoder, line, attributes, now_us) == accepted(decoder, line, None, None)


@pytest.mark.parametrize(
    ("payload", "attributes", "found"),
    [
        (structured(publishtime="2026-03-01T12:00:03Z"), None, "2026-03-01T12:00:03Z"),
        (structured(), None, "2026-03-01T12:00:00Z"),
        (structured(publishtime="2026-03-01T12:00:03Z"), STRUCTURED, None),
        (b"{}", {"ce-time": NOON}, NOON),
        (b"{}", {"ce-time": NOON, "ce-publishtime": "2026-03-02T12:00:00Z"}, "2026-03-02T12:00:00Z"),
        (b"{}", {REDRIVEN: "2026-01-01T00:00:00Z", "ce-time": NOON}, "2026-01-01T00:00:00Z"),
        (structured(time="yesterday"), None, None),
        (json.dumps({"time": 5}).encode(), None, None),
        (b"\xff", None, None),
        (b"[" * 100_000, None, None),
    ],
)  # fmt: skip
def test_the_time_that_counts(payload: bytes, attributes: dict[str, str] | None, found: str | None) -> None:
    after = kept(payload, attributes)
    assert (after or {}).get(REDRIVEN) == found
    assert {**(after or {}), REDRIVEN: ""} == {
        **(attributes or ({"content-type": "application/cloudevents+json"} if found else {})),
        REDRIVEN: "",
    }
