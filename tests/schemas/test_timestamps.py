"""Times as text: what `format_rfc3339` writes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import timestamps
from schemas.timestamps import MINUTE_US, SECOND_US, format_rfc3339, parse_rfc3339

FIRST_US = -62_135_596_800_000_000
LAST_US = 253_402_300_799_999_999
TIMES = st.integers(FIRST_US, LAST_US) | st.builds(
    lambda minute, rest_us: minute * MINUTE_US + rest_us,
    st.integers(29_000_000, 29_000_003),
    st.integers(0, MINUTE_US - 1) | st.sampled_from([0, 1, 999, 1000, SECOND_US - 1, SECOND_US]),
)


@given(TIMES)
def test_text_is_what_datetime_writes(time_us: int) -> None:
    moment = datetime(1970, 1, 1) + timedelta(microseconds=time_us)
    assert format_rfc3339(time_us) == moment.isoformat(timespec="microseconds") + "Z"


@given(TIMES)
def test_text_is_read_back(time_us: int) -> None:
    assert parse_rfc3339(format_rfc3339(time_us)) == time_us


@given(TIMES, TIMES)
def test_text_sorts_as_the_times_do(one_us: int, other_us: int) -> None:
    assert (format_rfc3339(one_us) < format_rfc3339(other_us)) is (one_us < other_us)


@pytest.mark.parametrize("time_us", [FIRST_US - 1, LAST_US + 1])
def test_what_is_no_time_of_a_calendar_is_refused(time_us: int) -> None:
    with pytest.raises(OverflowError):
        format_rfc3339(time_us)


def test_minutes_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timestamps, "_CACHED_MINUTES", 3)
    monkeypatch.setattr(timestamps, "_MINUTE_TEXTS", {})
    for minute in (0, 1, 2, 3, 0):
        assert format_rfc3339(minute * MINUTE_US) == f"1970-01-01T00:{minute:02d}:00.000000Z"
        assert len(timestamps._MINUTE_TEXTS) <= 3
