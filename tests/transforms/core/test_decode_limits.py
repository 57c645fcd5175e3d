"""Decode: text that is none, and messages that are too large or too deep."""

from __future__ import annotations

import hashlib
import json

import pytest

from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from tests.messages import (
    NOW_US,
    STRUCTURED,
    accepted,
    binary,
    refused,
    structured,
)
from transforms.core.decode import Decoder
from transforms.core.envelope import MAX_PAYLOAD_BYTES

BROKEN = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    "place",
    [
        b'"id": "HERE"',
        b'"source": "/HERE"',
        b'"type": "HERE"',
        b'"time": "HERE"',
        b'"identity": "HERE"',
        b'"zz": "HERE"',
        b'"HERE": 1',
        b'"data": {"sku": "HERE", "price": 1.0}',
        b'"data": {"sku": "A", "price": 1.0, "zz": "HERE"}',
        b'"data": {"sku": "A", "price": 1.0, "HERE": [{}]}',
    ],
)
def test_invalid_utf8_is_refused_wherever_it_stands(decoder: Decoder, broken: bytes, place: bytes) -> None:
    payload = structured()[:-1] + b", " + place.replace(b"HERE", broken) + b"}"
    letter = refused(decoder, payload)
    assert letter.error in (DeadLetterError.INVALID_UTF8, DeadLetterError.INVALID_DATA)
    assert letter.payload == payload
    body, attributes = binary(data=b'{"sku": "A", "price": 1.0, "zz": "' + broken + b'"}')
    assert refused(decoder, body, attributes).error is DeadLetterError.INVALID_DATA


@pytest.mark.parametrize("place", ["id", "zz"])
def test_lone_surrogates_are_refused_in_attributes(decoder: Decoder, place: str) -> None:
    payload = structured(**{place: "HERE"}).replace(b"HERE", b"\\udc00x")
    assert refused(decoder, payload).error in (
        DeadLetterError.INVALID_JSON,
        DeadLetterError.INVALID_ATTRIBUTE,
    )


@pytest.mark.parametrize("name", ["sku", "zz"])
def test_lone_surrogates_are_refused_in_data(decoder: Decoder, name: str) -> None:
    data = json.dumps({"sku": "A", "price": 1.0, name: "\ud800"}).encode()
    assert refused(decoder, *binary(data=data)).error is DeadLetterError.INVALID_DATA


def test_surrogate_pairs_are_one_character(decoder: Decoder) -> None:
    payload = structured(id="\U0001f600", data={"sku": "\U0001f600", "price": 1.0})
    assert b"\\ud83d\\ude00" in payload
    event = accepted(decoder, payload)
    assert (event.event_id, event.values[1]) == ("\U0001f600", "\U0001f600")


def padded(size_bytes: int) -> bytes:
    payload = structured()[:-1] + b', "zz": ""}'
    return payload[:-2] + b"x" * (size_bytes - len(payload)) + payload[-2:]


def test_payload_of_one_mebibyte_is_accepted(decoder: Decoder) -> None:
    payload = padded(MAX_PAYLOAD_BYTES)
    assert accepted(decoder, payload).payload == payload


def test_larger_payload_keeps_its_head_and_its_hash(decoder: Decoder) -> None:
    payload = padded(MAX_PAYLOAD_BYTES + 1)
    letter = refused(decoder, payload, {**STRUCTURED, "x": "y"}, NOW_US)
    assert letter == DeadLetter(
        payload=payload[:MAX_PAYLOAD_BYTES],
        payload_sha256=hashlib.sha256(payload).hexdigest(),
        attributes={**STRUCTURED, "x": "y"},
        message_id="a@0",
        publish_us=NOW_US,
        stage=Stage.ENVELOPE,
        error=DeadLetterError.PAYLOAD_TOO_LARGE,
        detail="payload: expected at most 1048576 bytes, found 1048577",
        workspace="shop",
        type=None,
        schema=None,
        pipeline_version="1.2.3",
    )


def test_dead_letter_keeps_the_message_whole(decoder: Decoder) -> None:
    letter = refused(decoder, b"\xff\x00nonsense", {"a": "b"}, NOW_US)
    assert (letter.payload, letter.payload_sha256, letter.attributes) == (
        b"\xff\x00nonsense",
        None,
        {"a": "b"},
    )


def test_nesting_of_64_levels_is_accepted_and_65_is_not(decoder: Decoder) -> None:
    def deep(levels: int) -> bytes:
        inner = json.loads("[" * (levels - 2) + "]" * (levels - 2))
        return structured(data={"sku": "A", "price": 1.0, "zz": inner})

    assert accepted(decoder, deep(64)).event_id == "e1"
    letter = refused(decoder, deep(65))
    assert letter.error is DeadLetterError.NESTING_TOO_DEEP
    text = structured(data={"sku": "[{" * 500, "price": 1.0})
    assert accepted(decoder, text).values[1] == "[{" * 500
