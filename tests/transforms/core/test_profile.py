"""The image: the profile's row as bytes that a person can read."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.profile import (
    MAX_IMAGE_BYTES,
    NEVER_US,
    Contact,
    Profile,
    Run,
    Watch,
    Written,
    decode_image,
    encode_image,
    facts,
)
from transforms.core.statements import Statement

TIMES = st.integers(-(2**62), 2**62)
TEXT = st.text(max_size=5)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
STATES = st.one_of(
    st.dictionaries(st.integers(-(10**6), 10**6), VALUES, min_size=1, max_size=3),
    st.dictionaries(st.integers(0, 5), st.dictionaries(TEXT, st.integers(1, 9)), min_size=1, max_size=3),
    st.lists(
        st.tuples(TIMES, TEXT, st.integers(0, 2**64 - 1), st.integers(0, 3), VALUES).map(list),
        min_size=1,
        max_size=3,
    ),
)
PROFILES = st.builds(
    Profile,
    st.just("0" * 32),
    TIMES,
    TIMES,
    st.dictionaries(TEXT, TIMES, max_size=3),
    st.dictionaries(TEXT, STATES, max_size=3),
    st.dictionaries(TEXT, st.builds(Statement, TIMES, TEXT, TEXT, VALUES | st.lists(TEXT)), max_size=2),
    st.dictionaries(TEXT, st.dictionaries(TEXT, TIMES, max_size=2), max_size=2),
    st.dictionaries(TEXT, TIMES, max_size=2),
    st.lists(st.builds(Contact, TIMES, TEXT, TEXT, TEXT, TEXT, TEXT, st.booleans()), max_size=2),
    st.dictionaries(
        TEXT,
        st.builds(
            Run,
            st.integers(1, 9),
            TEXT,
            TIMES,
            st.tuples(TEXT, TEXT, TEXT, TIMES),
            st.dictionaries(TEXT, st.lists(VALUES, max_size=2), max_size=2),
            st.none() | TIMES,
            st.booleans(),
            st.none() | TEXT,
            TEXT,
        ),
        max_size=2,
    ),
    st.dictionaries(TEXT, st.builds(Written, TIMES, VALUES), max_size=2),
    st.dictionaries(TEXT, TIMES, max_size=2),
    st.dictionaries(TEXT, st.builds(Watch, st.booleans(), st.none() | TIMES), max_size=2),
    st.dictionaries(st.integers(0, 2**64 - 1), st.tuples(TIMES, st.integers(0, 2**32 - 1)), max_size=3),
)


@given(PROFILES, st.integers(0, 2**62))
def test_image_gives_the_profile_back(profile: Profile, sequence: int) -> None:
    image = encode_image(profile, sequence, {})
    again = decode_image(image)
    assert again == msgspec.structs.replace(profile, overflown=len(image) > MAX_IMAGE_BYTES)
    assert facts(again) == facts(profile)
    assert encode_image(again, sequence, {}) == image


@given(st.dictionaries(st.integers(0, 2**64 - 1), st.tuples(TIMES, st.integers(0, 2**32 - 1)), max_size=5))
def test_fingerprints_stand_in_one_order(prints: dict[int, tuple[int, int]]) -> None:
    reverse = dict(reversed(prints.items()))
    assert encode_image(Profile("p", prints=prints), 1, {}) == encode_image(
        Profile("p", prints=reverse), 1, {}
    )


def test_image_is_json_that_other_languages_read() -> None:
    profile = Profile("p", 5, 6, {"email:a@b.de": 5}, {"spend": {0: 1_500_000_000}}, prints={1: (2, 3)})
    row = json.loads(encode_image(profile, 7, {"spend": Decimal("1.5"), "small": Decimal("1E-9")}))
    seen = row.pop("seen")
    assert row == {
        "version": 1,
        "person_id": "p",
        "sequence": 7,
        "time_us": 5,
        "publish_us": 6,
        "identities": {"email:a@b.de": 5},
        "attributes": {"spend": {"0": 1_500_000_000}},
        "consents": {},
        "contacts": [],
        "journeys": {},
        "values": {"spend": 1.5, "small": 1e-9},
    }
    # 8 bytes of event time, 8 of source and id, 4 of time and data.
    assert base64.b64decode(seen) == (2).to_bytes(8, "big") + (1).to_bytes(8, "big") + (3).to_bytes(4, "big")


def test_new_profile_has_seen_nothing() -> None:
    profile = Profile("p")
    assert (profile.time_us, profile.publish_us) == (NEVER_US, NEVER_US)
    assert decode_image(encode_image(profile, 1, {})) == profile


def test_profiles_do_not_share_their_parts() -> None:
    one, other = Profile("a"), Profile("b")
    one.attributes["x"] = {0: 1}
    one.identities["y"] = 1
    one.contacts.append(Contact(1, "", "", "", "", ""))
    assert other == Profile("b")


@pytest.mark.parametrize(("padding", "overflown"), [(0, False), (1, True)])
def test_image_over_64_kib_is_overflown(padding: int, overflown: bool) -> None:
    empty = len(encode_image(Profile("p", identities={"": 1}), 1, {}))
    profile = Profile("p", identities={"x" * (MAX_IMAGE_BYTES - empty + padding): 1})
    assert decode_image(encode_image(profile, 1, {})).overflown is overflown
    assert MAX_IMAGE_BYTES == 65_536


def test_image_of_another_version_is_refused() -> None:
    image = encode_image(Profile("p"), 1, {}).replace(b'"version":1', b'"version":2')
    with pytest.raises(ValueError, match="expected a profile image of version 1, found 2"):
        decode_image(image)


@pytest.mark.parametrize("image", [b"", b"{}", b"[]", b'{"version":1}', b"\xff"])
def test_what_is_no_image_is_refused(image: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each says it in its own words)
        decode_image(image)


def test_facts_are_attributes_consents_and_identities() -> None:
    profile = Profile(
        "p", 5, 6, {"a:b": 5}, {"x": {0: 1}}, {"consent/x": Statement(5, "e", "s", True)}, prints={1: (2, 3)}
    )
    found: dict[str, Any] = json.loads(facts(profile))
    assert found == {
        "person_id": "p",
        "identities": {"a:b": 5},
        "attributes": {"x": {"0": 1}},
        "consents": {"consent/x": [5, "e", "s", True]},
        "responses": {},
    }
