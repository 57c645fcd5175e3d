"""Decode: event times and publish times, and how far they may lie apart."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from schemas.dead_letter import DeadLetterError
from schemas.timestamps import DAY_US, HOUR_US, SECOND_US, format_rfc3339, parse_rfc3339
from schemas.workspace import Workspace
from tests.messages import (
    ABSENT,
    NOW_US,
    STRUCTURED,
    accepted,
    refused,
    structured,
)
from transforms.core.decode import REDRIVEN, Decoder


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("2026-03-01T12:00:00Z", NOW_US),
        ("2026-03-01t12:00:00z", NOW_US),
        ("2026-03-01T13:00:00+01:00", NOW_US),
        ("2026-03-01T12:00:00-00:00", NOW_US),
        ("2026-03-01T12:00:00.5Z", NOW_US + SECOND_US // 2),
        ("2026-03-01T12:00:00.123456789Z", NOW_US + 123_457),
        ("2026-03-01T11:59:60Z", NOW_US),
        ("2026-02-28T23:59:60.25Z", parse_rfc3339("2026-03-01T00:00:00Z")),
    ],
)
def test_time_is_rfc3339(decoder: Decoder, text: str, time_us: int) -> None:
    assert accepted(decoder, structured(time=text)).time_us == time_us


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+0100",
        "2026-03-01T12:00:00+01",
        "2026-03-01",
        "2026-03-01T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "1772366400",
        "2026-03-01T12:00:00,5Z",
        "2026-03-01T12:00:00.Z",
        "２026-03-01T12:00:00Z",
        " 2026-03-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
@pytest.mark.parametrize("publish_us", [NOW_US, None])
def test_other_times_are_refused(decoder: Decoder, text: str, publish_us: int | None) -> None:
    letter = refused(decoder, structured(time=text), None, publish_us)
    assert letter.error is DeadLetterError.INVALID_ATTRIBUTE
    assert letter.detail.startswith("time: expected ")


def test_time_defaults_to_the_publish_time(decoder: Decoder) -> None:
    event = accepted(decoder, structured(time=ABSENT), STRUCTURED, NOW_US)
    assert (event.time_us, event.publish_us) == (NOW_US, NOW_US)


def test_publish_time_of_a_file_defaults_to_the_events(decoder: Decoder) -> None:
    event = accepted(decoder, structured(), None, None)
    assert (event.time_us, event.publish_us) == (NOW_US, NOW_US)


def test_publish_time_stands_in_the_file(decoder: Decoder) -> None:
    event = accepted(decoder, structured(publishtime="2026-03-01T12:00:09Z"), None, None)
    assert (event.time_us, event.publish_us) == (NOW_US, NOW_US + 9 * SECOND_US)
    assert json.loads(event.extensions or b"")["publishtime"] == "2026-03-01T12:00:09Z"


def test_the_brokers_publish_time_goes_before_the_files(decoder: Decoder) -> None:
    event = accepted(decoder, structured(publishtime="2026-03-01T12:00:09Z"), STRUCTURED, NOW_US + 1)
    assert event.publish_us == NOW_US + 1


def test_redriven_event_keeps_its_first_publish_time(decoder: Decoder) -> None:
    attributes = {**STRUCTURED, REDRIVEN: "2026-03-01T12:00:09Z"}
    event = accepted(decoder, structured(), attributes, NOW_US + 99 * DAY_US)
    assert event.publish_us == NOW_US + 9 * SECOND_US
    letter = refused(decoder, structured(), {**STRUCTURED, REDRIVEN: "soon"})
    assert letter.detail.startswith("cjaas-publish-time: expected an RFC 3339 timestamp")


def test_no_time_at_all_is_refused(decoder: Decoder) -> None:
    letter = refused(decoder, structured(time=ABSENT), None, None)
    assert letter.error is DeadLetterError.MISSING_ATTRIBUTE
    assert letter.detail.startswith("time: expected a time, since the message has no publish time")


def test_an_hour_ahead_is_accepted_and_more_is_not(decoder: Decoder) -> None:
    assert accepted(decoder, structured(), None, NOW_US - HOUR_US).time_us == NOW_US
    letter = refused(decoder, structured(), None, NOW_US - HOUR_US - 1)
    assert letter.error is DeadLetterError.IN_THE_FUTURE
    assert letter.detail == (
        "time: expected at most 1 h after the publish time 2026-03-01T10:59:59.999999Z, "
        "found 2026-03-01T12:00:00.000000Z"
    )


def test_earliest_is_accepted_and_older_is_not(workspace: Workspace, decoder: Decoder) -> None:
    publish_us = NOW_US + workspace.earliest_us
    assert accepted(decoder, structured(), None, publish_us).time_us == NOW_US
    letter = refused(decoder, structured(), None, publish_us + 1)
    assert letter.error is DeadLetterError.TOO_OLD
    assert letter.detail == (
        "time: expected 2026-03-01T12:00:00.000001Z or later, found 2026-03-01T12:00:00.000000Z"
    )


def test_times_at_the_ends_of_the_calendar(workspace: Workspace) -> None:
    decoder = Decoder(replace(workspace, earliest_us=HOUR_US), "1")
    first = "0001-01-01T00:00:00Z"
    assert format_rfc3339(accepted(decoder, structured(time=first), None, None).time_us).startswith(
        "0001-01-01"
    )
    letter = refused(decoder, structured(time=first), None, parse_rfc3339("0001-01-01T01:00:01Z"))
    assert letter.error is DeadLetterError.TOO_OLD
    letter = refused(decoder, structured(time="9000-01-01T00:00:00Z"), None, None)
    assert letter.error is DeadLetterError.INVALID_ATTRIBUTE
