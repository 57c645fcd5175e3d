"""Identities: normalised, ranked, turned into uniform ids that need the secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetterError, Stage
from schemas.workspace import Workspace
from tests.workspaces import SECRET
from transforms.core.identity import (
    Identities,
    Identity,
    normalize_email,
    normalize_phone,
    normalize_plain,
    shard_of,
)
from transforms.core.refused import Refused


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        (" Ann@Example.COM ", "ann@example.com"),
        ("a+b@sub.example.co.uk", "a+b@sub.example.co.uk"),
        ("ü@bücher.de", "ü@bücher.de"),
    ],
)
def test_mail_addresses_are_lower_case(value: str, normal: str) -> None:
    assert normalize_email(value) == normal


@pytest.mark.parametrize(
    "value",
    ["", "@", "ann", "ann@", "@example.com", "ann@example", "a b@example.com", "a@b@example.com",
     "ann@.com", "ann@example..com", "ann@example.com\x00", "a\x01nn@example.com", "ann@exa\x7fmple.com",
     "ann@" + "a." * 200 + "com", "x" * 65 + "@example.com"],
)  # fmt: skip
def test_what_is_no_mail_address_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="expected a mail address, found"):
        normalize_email(value)


@pytest.mark.parametrize(
    ("value", "region", "normal"),
    [
        ("+49 30 123456", None, "+4930123456"),
        ("030 / 12 34 56", "DE", "+4930123456"),
        ("0049-30-123456", "DE", "+4930123456"),
        ("(212) 555-2368", "US", "+12125552368"),
    ],
)
def test_phone_numbers_are_e164(value: str, region: str | None, normal: str) -> None:
    assert normalize_phone(value, region) == normal


@pytest.mark.parametrize(("value", "region"), [("", "DE"), ("abc", "DE"), ("030 123456", None), ("1", "DE")])
def test_what_is_no_phone_number_is_refused(value: str, region: str | None) -> None:
    with pytest.raises(ValueError, match="expected a phone number, found"):
        normalize_phone(value, region)


@pytest.mark.parametrize("value", ["", "  ", "a b", "a\tb", "a\x00b", "a\x85b", "a\x9fb", "x" * 321])
def test_plain_values_have_no_space(value: str) -> None:
    with pytest.raises(ValueError, match="expected 1 to 320 characters"):
        normalize_plain(value)


def in_german(value: str) -> str:
    return normalize_phone(value, "DE")


@pytest.mark.parametrize("normalize", [normalize_email, normalize_plain, in_german])
@given(value=st.text() | st.emails() | st.from_regex(r"\+?[0-9 ()/-]{3,20}"))
def test_normalising_twice_changes_nothing(normalize: Callable[[str], str], value: str) -> None:
    with suppress(ValueError):
        once = normalize(value)
        assert normalize(once) == once


def test_lesser_identity_is_the_better_one() -> None:
    ranked = sorted([Identity(9, "cookie:a"), Identity(2, "email:b"), Identity(2, "email:a")])
    assert [identity.text for identity in ranked] == ["email:a", "email:b", "cookie:a"]


def test_namespace_decides_how_a_value_is_read(workspace: Workspace) -> None:
    identities = Identities(workspace)
    assert identities.identity("email", "Ann@Example.com") == Identity(2, "email:ann@example.com")
    assert identities.identity("phone", "030 123456") == Identity(3, "phone:+4930123456")
    assert identities.identity("customer", " K1 ") == Identity(1, "customer:K1")


@pytest.mark.parametrize(
    ("namespace", "value", "error", "detail"),
    [
        (
            "fax",
            "1",
            DeadLetterError.UNKNOWN_NAMESPACE,
            "expected one of customer, email, phone, cookie, found 'fax'",
        ),
        (
            "email",
            "ann",
            DeadLetterError.INVALID_IDENTITY,
            "identity email: expected a mail address, found 'ann'",
        ),
    ],
)
def test_refusals_name_what_was_expected(
    workspace: Workspace, namespace: str, value: str, error: DeadLetterError, detail: str
) -> None:
    with pytest.raises(Refused) as refused:
        Identities(workspace).identity(namespace, value)
    assert (refused.value.stage, refused.value.error) == (Stage.IDENTITY, error)
    assert detail in refused.value.detail


def test_person_id_is_half_an_hmac_under_the_secret(workspace: Workspace) -> None:
    text = "email:ann@example.com"
    expected = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
    assert Identities(workspace).person_id(text) == expected
    other = replace(workspace, secret=b"another secret of 16 bytes")
    assert Identities(other).person_id(text) != expected


@given(st.integers(0, 12), st.integers(0, 2**128 - 1))
def test_shard_is_a_slice_of_the_ids(power: int, number: int) -> None:
    shards = 1 << power
    assert shard_of(f"{number:032x}", shards) == number * shards >> 128


def test_shards_are_about_even(workspace: Workspace) -> None:
    identities = Identities(workspace)
    counts = [0] * 16
    for number in range(4_000):
        counts[shard_of(identities.person_id(f"cookie:c{number}"), 16)] += 1
    assert min(counts) > 150
    assert max(counts) < 350
